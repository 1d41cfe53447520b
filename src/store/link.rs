//! Links to executables in a folder on `PATH`: `install --link /usr/local/bin`.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use super::Store;
use super::error::Error;
use super::unlink::remember;
use crate::fs::{At, Cause, FileError, is_absent, is_executable, replace_link};

/// One executable that is linked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Linked {
    /// The link.
    pub link: PathBuf,
    /// The executable in the store.
    pub target: PathBuf,
}

impl Store {
    /// Links executables of this store into `folder`, each by one rename. Only links into this store are replaced, and
    /// all are checked before the first is made.
    ///
    /// # Errors
    /// [`Error::NotOurs`] when another file has the name, [`Error::NoExecutable`] when there is no such executable in the
    /// store; when the folder cannot be written to.
    pub fn link(&self, folder: &Path, executables: &[PathBuf]) -> Result<Vec<Linked>, Error> {
        let links: Result<Vec<Linked>, Error> = executables
            .iter()
            .map(|executable| {
                let link = folder.join(self.check_executable(executable)?);
                self.check_replaceable(folder, &link)?;
                Ok(Linked { link, target: executable.clone() })
            })
            .collect();
        let links = links?;
        // Where that fails, the links are made all the same; they stay when their install is removed.
        let _ = remember(self, folder);
        fs::create_dir_all(folder).at("create", folder)?;
        for Linked { link, target } in &links {
            make(folder, link, target)?;
        }
        Ok(links)
    }

    /// Returns the name of an executable that is in the store.
    fn check_executable<'a>(&self, path: &'a Path) -> Result<&'a Path, Error> {
        let there = self.holds(path)
            && match fs::metadata(path) {
                Ok(metadata) => is_executable(&metadata),
                Err(error) if is_absent(&error) => false,
                Err(error) => return Err(FileError::new("look at", path, error).into()),
            };
        let name = path.file_name().filter(|_| there).map(Path::new);
        name.ok_or_else(|| Error::NoExecutable { path: path.to_owned() })
    }

    fn check_replaceable(&self, folder: &Path, link: &Path) -> Result<(), Error> {
        match fs::read_link(link) {
            Ok(target) if self.holds(&folder.join(&target)) => Ok(()),
            Err(error) if is_absent(&error) => Ok(()),
            // Linux says "invalid input" for what is not a link.
            Ok(_) | Err(_) if fs::symlink_metadata(link).is_ok() => {
                Err(Error::NotOurs { path: link.to_owned(), store: self.root.clone() })
            }
            Ok(_) => Ok(()),
            Err(error) => Err(FileError::new("look at", link, error).into()),
        }
    }

    /// Returns true if a path leads into the store, by whichever name the store is known.
    fn holds(&self, path: &Path) -> bool {
        let inside =
            path.starts_with(&self.root) || fs::canonicalize(&self.root).is_ok_and(|root| path.starts_with(root));
        inside && !path.components().any(|part| part == Component::ParentDir)
    }
}

fn make(folder: &Path, link: &Path, target: &Path) -> Result<(), Error> {
    if fs::read_link(link).is_ok_and(|old| old == target) {
        return Ok(());
    }
    match replace_link(target, link) {
        Err(FileError { source: Cause::System(error), .. }) if error.kind() == io::ErrorKind::Unsupported => {
            Err(Error::NoLinks { path: folder.to_owned() })
        }
        outcome => Ok(outcome?),
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use crate::fs::symlink;
    use crate::model::{Explain, Kind};
    use std::os::unix::fs::PermissionsExt;

    fn executable(root: &Path, name: &str) -> PathBuf {
        let path = root.join("installs/go").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "#!/bin/sh\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    #[test]
    fn links_are_made_and_replaced_only_when_they_are_ours() {
        let world = tempfile::tempdir().unwrap();
        let store = Store::at(world.path().join("a store"));
        let bin = world.path().join("usr/bin");
        let (old, new) = (executable(store.root(), "1/go"), executable(store.root(), "2/go"));
        for target in [&old, &old, &new] {
            let linked = store.link(&bin, std::slice::from_ref(target)).unwrap();
            assert_eq!(linked, [Linked { link: bin.join("go"), target: target.clone() }]);
            assert_eq!(fs::read_link(bin.join("go")).unwrap(), *target);
        }
        assert_eq!(fs::read_dir(&bin).unwrap().count(), 1);
    }

    #[test]
    fn a_foreign_file_stops_everything() {
        let world = tempfile::tempdir().unwrap();
        let store = Store::at(world.path().join("store"));
        let bin = world.path().join("bin");
        fs::create_dir(&bin).unwrap();
        let pair = [executable(store.root(), "1/go"), executable(store.root(), "1/gofmt")];
        let escape = store.root().join("../gofmt");
        for plant in [
            &(|path: &Path| fs::write(path, "mine").unwrap()) as &dyn Fn(&Path),
            &|path| fs::create_dir(path).unwrap(),
            &|path| symlink(Path::new("/usr/lib/go/gofmt"), path).unwrap(),
            &|path| symlink(&escape, path).unwrap(),
        ] {
            plant(&bin.join("gofmt"));
            let error = store.link(&bin, &pair).unwrap_err();
            assert!(error.to_string().contains("bin/gofmt exists"), "{error}");
            assert_eq!(error.kind(), Kind::Usage);
            assert!(fs::symlink_metadata(bin.join("go")).is_err(), "half was linked");
            crate::fs::delete(&bin.join("gofmt")).unwrap();
        }
        let outside = world.path().join("tool");
        fs::write(&outside, "").unwrap();
        fs::write(store.root().join("plain"), "").unwrap();
        for path in [outside, store.root().join("absent"), store.root().join("plain")] {
            assert!(matches!(store.link(&bin, &[path]), Err(Error::NoExecutable { .. })));
        }
    }

    #[test]
    fn a_store_behind_a_link_knows_its_links() {
        let world = tempfile::tempdir().unwrap();
        let real = world.path().join("real");
        let go = executable(&real, "1/go");
        symlink(&real, &world.path().join("alias")).unwrap();
        let bin = world.path().join("bin");
        Store::at(real.clone()).link(&bin, &[go]).unwrap();
        let alias = Store::at(fs::canonicalize(world.path()).unwrap().join("alias"));
        alias.link(&bin, &[alias.root().join("installs/go/1/go")]).unwrap();
    }
}
