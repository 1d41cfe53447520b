//! A folder outside the store that is filled whole or not at all: `fetch --unpack DIR`.

use std::fs;
use std::path::{Path, PathBuf};

use super::error::Error;
use super::staging::make_movable;
use crate::fs::{At, FileError, TempDir, is_absent};

/// A staging folder next to its target, deleted on drop.
#[derive(Debug)]
pub struct AtomicDir {
    target: PathBuf,
    temporary: TempDir,
}

impl AtomicDir {
    /// Makes a staging folder next to `target`, which must be absent or an empty folder. Folders above it are made.
    /// What killed processes left next to it is deleted.
    ///
    /// # Errors
    /// [`Error::NotEmpty`] when something is there; when the folder above cannot be written to.
    pub fn new(target: &Path) -> Result<Self, Error> {
        let target = usable(target)?;
        let (Some(parent), Some(_)) = (target.parent(), target.file_name()) else {
            return Err(Error::NotEmpty { path: target });
        };
        fs::create_dir_all(parent).at("create", parent)?;
        let temporary = TempDir::beside(&target)?;
        let tree = temporary.path().join(TREE);
        fs::create_dir(&tree).at("create", &tree)?;
        Ok(Self { target, temporary })
    }

    /// Returns the staging folder itself, for what is needed on the way and not kept.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.temporary.path()
    }

    /// Returns the folder to unpack into.
    #[must_use]
    pub fn tree(&self) -> PathBuf {
        self.temporary.path().join(TREE)
    }

    /// Moves the tree to its target by one rename.
    ///
    /// # Errors
    /// [`Error::NotEmpty`] when somebody put something there meanwhile; when the rename fails. Nothing is left behind.
    pub fn promote(self) -> Result<(), Error> {
        usable(&self.target)?;
        make_movable(&self.tree())?;
        #[cfg(windows)]
        {
            // Windows renames over no folder, not even an empty one.
            let _ = fs::remove_dir(&self.target);
        }
        Ok(fs::rename(self.tree(), &self.target).at("create", &self.target)?)
    }
}

const TREE: &str = "tree";

/// Returns the real path of a target that is absent or an empty folder.
fn usable(target: &Path) -> Result<PathBuf, Error> {
    let metadata = match fs::symlink_metadata(target) {
        Ok(metadata) => metadata,
        Err(error) if is_absent(&error) => return Ok(target.to_owned()),
        Err(error) => return Err(FileError::new("look at", target, error).into()),
    };
    // A rename does not go through a link, so its end is the target.
    let real = if metadata.is_symlink() { fs::canonicalize(target).at("follow", target)? } else { target.to_owned() };
    let not_empty = || Error::NotEmpty { path: target.to_owned() };
    if !fs::metadata(&real).at("look at", &real)?.is_dir() {
        return Err(not_empty());
    }
    let mut entries = fs::read_dir(&real).at("read", &real)?;
    if entries.next().is_none() { Ok(real) } else { Err(not_empty()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn the_target_is_whole_or_absent() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("deep/er/out");
        let staged = AtomicDir::new(&target).unwrap();
        fs::write(staged.tree().join("file"), "x").unwrap();
        assert!(!target.exists());
        drop(staged);
        assert!(names(target.parent().unwrap()).is_empty());
        for _ in 0..2 {
            let staged = AtomicDir::new(&target).unwrap();
            fs::write(staged.tree().join("file"), "x").unwrap();
            staged.promote().unwrap();
            assert_eq!(names(target.parent().unwrap()), ["out"]);
            fs::remove_file(target.join("file")).unwrap(); // and again into the empty folder
        }
    }

    #[test]
    fn a_target_that_holds_something_is_refused_untouched() {
        let folder = tempfile::tempdir().unwrap();
        let full = folder.path().join("full");
        fs::create_dir(&full).unwrap();
        fs::write(full.join("mine"), "x").unwrap();
        assert!(matches!(AtomicDir::new(&full), Err(Error::NotEmpty { .. })));
        assert!(matches!(AtomicDir::new(&full.join("mine")), Err(Error::NotEmpty { .. })));
        assert!(matches!(AtomicDir::new(Path::new("/")), Err(Error::NotEmpty { .. })));
        let late = folder.path().join("late");
        let staged = AtomicDir::new(&late).unwrap();
        fs::create_dir(&late).unwrap();
        fs::write(late.join("mine"), "x").unwrap();
        assert!(matches!(staged.promote(), Err(Error::NotEmpty { .. })));
        assert_eq!(names(&late), ["mine"]);
        assert_eq!(names(folder.path()).len(), 2);
    }

    #[test]
    fn the_dead_are_swept_and_the_living_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("out");
        let living = AtomicDir::new(&target).unwrap();
        let dead = folder.path().join(".out.toolkit-0123456789abcdef");
        fs::create_dir(&dead).unwrap();
        fs::write(dead.join("alive"), "").unwrap();
        let mine = folder.path().join(".out.toolkit-notes");
        fs::create_dir(&mine).unwrap();
        fs::write(mine.join("alive"), "").unwrap();
        drop(AtomicDir::new(&target).unwrap());
        assert!(living.tree().exists() && !dead.exists() && mine.exists());
    }
}
