//! Removes the links that `--link` made to what is removed. The store remembers the folders; each link is looked at again before
//! it goes, so that nothing else is ever removed.

use std::path::{Path, PathBuf};

use super::error::Error;
use super::{Store, records};
use crate::fs::FileError;

/// The folder with one small file for each folder with links into the store.
const LINKS: &str = "links";

/// A link that leads to nothing any more.
#[derive(Debug)]
pub struct Unlinked {
    /// The link.
    pub link: PathBuf,
    /// Why it is still there; none when it was removed.
    pub failure: Option<FileError>,
}

/// Remembers a folder in which links into the store are about to be made.
pub(super) fn remember(store: &Store, folder: &Path) -> Result<(), Error> {
    records::write(store, LINKS, folder, &records::bytes_of(folder))
}

impl Store {
    /// Removes the links that `--link` made to files below these roots, which were removed. Links that lead elsewhere by now
    /// stay, and so does everything that is not a link.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn unlink(&self, roots: &[PathBuf]) -> Result<Vec<Unlinked>, Error> {
        let mut unlinked = Vec::new();
        if roots.is_empty() {
            return Ok(unlinked);
        }
        for record in records::list(self, LINKS)? {
            let Ok(text) = super::read_regular(&record) else { continue };
            let folder = records::path_of(&text);
            if !folder.is_absolute() || clear(&folder, &|target| self.leads_below(target, roots), &mut unlinked) {
                // Nothing of ours is left there. A record that stays costs nothing.
                let _ = std::fs::remove_file(&record);
            }
        }
        unlinked.sort_by(|left, right| left.link.cmp(&right.link));
        Ok(unlinked)
    }

    /// Returns true if a link's target is a file below one of the roots, by whichever name the store is known.
    fn leads_below(&self, target: &Path, roots: &[PathBuf]) -> bool {
        let real = std::fs::canonicalize(self.root());
        roots.iter().any(|root| {
            let below = root.strip_prefix(self.root());
            let by_real_name = below.ok().and_then(|below| Some(real.as_ref().ok()?.join(below)));
            target.starts_with(root) || by_real_name.is_some_and(|root| target.starts_with(root))
        })
    }
}

/// Removes the links in a folder whose targets `is_gone` accepts; returns true if the folder has no links of ours any more.
///
/// Goes by a handle of the folder: its owner could put another folder in its place meanwhile.
#[cfg(unix)]
fn clear(path: &Path, is_gone: &dyn Fn(&Path) -> bool, unlinked: &mut Vec<Unlinked>) -> bool {
    use rustix::fs::{AtFlags, Dir, Mode, OFlags, open, readlinkat, unlinkat};
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let folder = match open(path, flags, Mode::empty()) {
        Ok(folder) => folder,
        Err(error) => return matches!(error, rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR),
    };
    let Ok(entries) = Dir::read_from(&folder) else { return false };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Ok(target) = readlinkat(&folder, name, Vec::new()) else { continue };
        if !is_gone(Path::new(OsStr::from_bytes(target.as_bytes()))) {
            continue;
        }
        let link = path.join(OsStr::from_bytes(name.to_bytes()));
        let failure = unlinkat(&folder, name, AtFlags::empty()).err();
        let failure = failure.map(|error| FileError::new("remove", &link, std::io::Error::from(error)));
        unlinked.push(Unlinked { link, failure });
    }
    false
}

/// No links are made elsewhere.
#[cfg(not(unix))]
fn clear(_: &Path, _: &dyn Fn(&Path) -> bool, _: &mut Vec<Unlinked>) -> bool {
    true
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    /// A store with two removed installs, and a folder with links into both and elsewhere.
    fn world() -> (tempfile::TempDir, Store, PathBuf) {
        let world = tempfile::tempdir().unwrap();
        let store = Store::at(world.path().join("store"));
        let bin = world.path().join("bin");
        fs::create_dir_all(&bin).unwrap();
        for (name, target) in
            [("go", "go/1/tree/bin/go"), ("gofmt", "go/1/tree/bin/gofmt"), ("go2", "go/2/tree/bin/go")]
        {
            symlink(store.root().join("installs").join(target), bin.join(name)).unwrap();
        }
        symlink("/usr/bin/env", bin.join("other")).unwrap();
        fs::write(bin.join("file"), "").unwrap();
        remember(&store, &bin).unwrap();
        (world, store, bin)
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn only_links_to_what_was_removed_go() {
        let (_world, store, bin) = world();
        let removed = store.root().join("installs/go/1/tree");
        let unlinked = store.unlink(&[removed]).unwrap();
        assert!(unlinked.iter().all(|one| one.failure.is_none()));
        assert_eq!(
            unlinked.iter().map(|one| one.link.clone()).collect::<Vec<_>>(),
            [bin.join("go"), bin.join("gofmt")]
        );
        assert_eq!(names(&bin), ["file", "go2", "other"]);
        assert!(store.unlink(&[]).unwrap().is_empty());
        // A version whose name begins like that of the removed one stays.
        assert!(store.unlink(&[store.root().join("installs/go/2/tre")]).unwrap().is_empty());
    }

    #[test]
    fn a_store_behind_a_link_knows_its_links_and_a_folder_that_is_gone_is_forgotten() {
        let (world, store, bin) = world();
        fs::create_dir_all(store.root().join("installs")).unwrap();
        let alias = world.path().join("alias");
        symlink(store.root(), &alias).unwrap();
        let other = Store::at(alias.clone());
        assert_eq!(other.unlink(&[alias.join("installs/go/2/tree")]).unwrap().len(), 1);
        fs::remove_dir_all(&bin).unwrap();
        let records = store.root().join(LINKS);
        assert_eq!(names(&records).len(), 1);
        assert!(store.unlink(&[store.root().join("installs/go/1/tree")]).unwrap().is_empty());
        assert!(names(&records).is_empty());
    }
}
