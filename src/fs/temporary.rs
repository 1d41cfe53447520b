//! Temporary folders: private, deleted on drop, and after a kill by the next process that makes one there.
//!
//! A folder holds a file `alive`, which its maker locks; the system frees the lock when the maker dies, however that
//! happens. Files on their way are locked themselves.

use std::fs::{self, DirBuilder, DirEntry, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::delete::delete;
use super::error::{At, FileError};
use super::is_absent;
use super::names::{self, beside, is_beside, prefix_of};
use super::read::{EndLink, open_regular};

const ALIVE: &str = "alive";

/// The age at which a link, or a folder without `alive`, is left over: its maker was killed between two system calls. One that
/// was stopped there for so long fails with an error.
const STILLBORN: Duration = Duration::from_secs(10);

/// A folder of mode 0700 under a random name, deleted on drop.
#[derive(Debug)]
pub struct TempDir {
    path: PathBuf,
    /// Locked as long as the folder is in use.
    _alive: File,
}

impl TempDir {
    /// Makes a folder next to `target`, on its file system. Sweeps what was left there.
    ///
    /// # Errors
    /// When the folder above cannot be written to.
    pub fn beside(target: &Path) -> Result<Self, FileError> {
        let parent = target.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        sweep(parent, &is_beside);
        Self::unswept(parent, &beside(target))
    }

    /// Makes a folder in `parent` whose name begins with `prefix`. Sweeps what was left there under that prefix.
    ///
    /// # Errors
    /// When `parent` cannot be written to.
    pub fn below(parent: &Path, prefix: &str) -> Result<Self, FileError> {
        sweep(parent, &|found| found == prefix);
        Self::unswept(parent, prefix)
    }

    /// Makes a folder as [`TempDir::below`] does, for callers that sweep at another time.
    ///
    /// # Errors
    /// When `parent` cannot be written to.
    pub fn unswept(parent: &Path, prefix: &str) -> Result<Self, FileError> {
        let path = private_folder(parent, prefix)?;
        match hold(&path) {
            Ok(alive) => Ok(Self { path, _alive: alive }),
            Err(error) => {
                // Deleting may fail for the same reason; a sweep takes a folder that nobody holds.
                let _ = delete(&path);
                Err(error)
            }
        }
    }

    /// Returns the folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Deletes the folder and says when that fails, which a drop cannot.
    ///
    /// # Errors
    /// When something in it cannot be deleted; a later sweep tries again.
    pub fn close(self) -> Result<(), FileError> {
        delete(&self.path).at("delete", &self.path)
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        // What cannot be deleted now, a later sweep finds.
        let _ = delete(&self.path);
    }
}

/// Makes an empty file in `folder` that has no name where the system has such: no crash leaves it behind. Elsewhere it goes
/// with the folder, which is the caller's own.
///
/// # Errors
/// When the folder cannot be written to.
pub fn nameless_file(folder: &Path) -> Result<File, FileError> {
    let path = names::random(folder, "nameless-");
    let file = File::options().read(true).write(true).create_new(true).open(&path).at("create", &path)?;
    #[cfg(unix)]
    fs::remove_file(&path).at("create", &path)?;
    Ok(file)
}

/// Deletes temporary files and folders in `folder` whose makers were killed, where `prefix` accepts what stands before the
/// random digits. Never touches what a living process holds, or what belongs to another user. What cannot be deleted stays:
/// a leftover does not fail the command.
pub fn sweep(folder: &Path, prefix: &dyn Fn(&str) -> bool) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        if name.to_str().and_then(prefix_of).is_some_and(prefix) {
            // As above.
            let _ = sweep_entry(&entry);
        }
    }
}

fn sweep_entry(entry: &DirEntry) -> io::Result<()> {
    let metadata = entry.metadata()?; // of a link itself, so that none is followed
    if !is_own(&metadata) {
        return Ok(());
    }
    let path = entry.path();
    let is_old = metadata.modified()?.elapsed().is_ok_and(|age| age > STILLBORN);
    if metadata.is_dir() {
        return match maker_of(&path) {
            Ok(Maker::Dead(_alive)) => delete(&path),
            Ok(Maker::Unknown) if is_old => delete(&path),
            _ => Ok(()),
        };
    }
    if metadata.is_symlink() {
        // Nobody can hold a link; its maker renames it at once.
        return if is_old { fs::remove_file(&path) } else { Ok(()) };
    }
    if cfg!(unix)
        && let Ok(file) = open_regular(&path, EndLink::Refused)
        && file.try_lock().is_ok()
    {
        // Deleted while it is locked: its maker sees that when it gets the lock.
        return fs::remove_file(&path);
    }
    Ok(())
}

/// Returns true if this user owns a file. In a shared folder such as `/tmp` others may use our names.
#[cfg(unix)]
fn is_own(metadata: &fs::Metadata) -> bool {
    std::os::unix::fs::MetadataExt::uid(metadata) == rustix::process::geteuid().as_raw()
}

#[cfg(not(unix))]
fn is_own(_: &fs::Metadata) -> bool {
    true
}

fn private_folder(parent: &Path, prefix: &str) -> Result<PathBuf, FileError> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    loop {
        let path = names::random(parent, prefix);
        match builder.create(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error).at("create", &path),
        }
    }
}

/// Makes the file in `folder` whose lock says that its maker lives. It appears under its name only when it is locked.
fn hold(folder: &Path) -> Result<File, FileError> {
    let early = folder.join("alive.new");
    let alive = File::create_new(&early).at("create", &early)?;
    alive.lock().at("lock", &early)?;
    fs::rename(&early, folder.join(ALIVE)).at("create", &early)?;
    Ok(alive)
}

/// What is known about the maker of a temporary folder.
#[derive(Debug)]
pub enum Maker {
    /// It lives, or its folder belongs to another user.
    Alive,
    /// It died. Holding the file keeps others from deleting the same folder.
    Dead(File),
    /// It never locked its file.
    Unknown,
}

/// Returns whether the maker of a temporary folder still holds it.
///
/// # Errors
/// When the folder cannot be read for another reason than missing permission.
pub fn maker_of(folder: &Path) -> Result<Maker, FileError> {
    let path = folder.join(ALIVE);
    if fs::metadata(&path).is_ok_and(|metadata| !metadata.is_file()) {
        return Ok(Maker::Unknown); // a named pipe, say: opening it would wait for ever
    }
    match File::open(&path) {
        Ok(file) => match file.try_lock() {
            Ok(()) => Ok(Maker::Dead(file)),
            Err(TryLockError::WouldBlock) => Ok(Maker::Alive),
            Err(TryLockError::Error(error)) => Err(error).at("lock", &path),
        },
        Err(error) if is_absent(&error) => Ok(Maker::Unknown),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(Maker::Alive),
        Err(error) => Err(error).at("open", &path),
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    const DEAD: &str = "build-0123456789abcdef";

    #[test]
    fn a_folder_is_private_and_vanishes() {
        let parent = tempfile::tempdir().unwrap();
        let made = TempDir::below(parent.path(), "build-").unwrap();
        let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(made.path()).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o700);
        fs::create_dir(made.path().join("inside")).unwrap();
        drop(made);
        TempDir::beside(&parent.path().join("target")).unwrap().close().unwrap();
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
    }

    #[test]
    fn the_dead_are_swept_and_nothing_else() {
        let parent = tempfile::tempdir().unwrap();
        let at = |name: &str| parent.path().join(name);
        let living = TempDir::below(parent.path(), "build-").unwrap();
        fs::create_dir_all(at(DEAD).join("read-only")).unwrap();
        fs::write(at(DEAD).join(ALIVE), "").unwrap();
        // No maker yet: it may be about to lock its file.
        fs::create_dir(at("build-1111111111111111")).unwrap();
        // Other prefixes, a person's own names, a link.
        for kept in ["other-0123456789abcdef", "build-notes"] {
            fs::create_dir(at(kept)).unwrap();
            fs::write(at(kept).join(ALIVE), "").unwrap();
        }
        symlink(at("other-0123456789abcdef"), at("build-2222222222222222")).unwrap();
        drop(TempDir::below(parent.path(), "build-").unwrap());
        assert!(living.path().exists() && !at(DEAD).exists());
        for kept in ["build-1111111111111111", "build-2222222222222222/alive", "other-0123456789abcdef", "build-notes"]
        {
            assert!(at(kept).exists(), "{kept}");
        }
    }

    #[test]
    fn a_folder_whose_maker_never_came_so_far_is_swept_when_it_is_old() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join(DEAD);
        fs::create_dir(&folder).unwrap();
        let before = std::time::SystemTime::now() - 2 * STILLBORN;
        File::open(&folder).unwrap().set_modified(before).unwrap();
        sweep(parent.path(), &|prefix| prefix == "build-");
        assert!(!folder.exists());
    }

    #[test]
    fn a_pipe_in_the_place_of_the_lock_is_not_waited_for() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join(DEAD);
        fs::create_dir(&folder).unwrap();
        let pipe = folder.join(ALIVE);
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o644.into(), 0).unwrap();
        assert!(matches!(maker_of(&folder), Ok(Maker::Unknown)));
        sweep(parent.path(), &|_| true);
        assert!(folder.exists());
    }
}
