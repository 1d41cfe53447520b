//! Advisory locks: one file for each install, held by one process at a time and freed by the system when it dies.
//!
//! Lock files are never deleted: whoever deletes one while another waits for it ends with two holders.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::error::Error;
use super::id::InstallId;
use super::{LOCKS, Store};
use crate::fs::{At, FileError};

/// How long [`Store::try_lock`] waits.
const PATIENCE: Duration = Duration::from_millis(200);

const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// The right to make, replace or remove one install. Dropping it (and every staging made under it) gives it back.
#[derive(Debug)]
pub struct Lock {
    pub(super) id: InstallId,
    pub(super) file: Arc<File>,
}

impl Lock {
    /// Returns the install that it is about.
    #[must_use]
    pub fn id(&self) -> &InstallId {
        &self.id
    }
}

impl Store {
    /// Takes the lock of an install. When another process holds it, calls `waiting` once with a sentence for the person
    /// and waits. Whoever gets it must look again: the other may have installed it.
    ///
    /// # Errors
    /// When the store cannot be written to: read-only, no permission, disk full.
    pub fn lock(&self, id: &InstallId, waiting: &dyn Fn(&str)) -> Result<Lock, Error> {
        let name = format!("{}-{}.lock", id.tool, id.folder_name());
        let message = format!("waiting for another process that installs {} {}", id.tool, id.version);
        let file = self.lock_file(&name, &|| waiting(&message))?;
        Ok(Lock { id: id.clone(), file: Arc::new(file) })
    }

    /// Takes the lock of an install unless another process holds it for longer than a moment.
    ///
    /// # Errors
    /// As [`Store::lock`].
    pub fn try_lock(&self, id: &InstallId) -> Result<Option<Lock>, Error> {
        let (path, file) = self.open_lock(&format!("{}-{}.lock", id.tool, id.folder_name()))?;
        let until = Instant::now() + PATIENCE;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Some(Lock { id: id.clone(), file: Arc::new(file) })),
                Err(TryLockError::WouldBlock) if Instant::now() < until => std::thread::sleep(POLL_INTERVAL),
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(FileError::new("lock", &path, error).into()),
            }
        }
    }

    /// Takes the lock called `name`; calls `waiting` when it is not free.
    pub(super) fn lock_file(&self, name: &str, waiting: &dyn Fn()) -> Result<File, Error> {
        let (path, file) = self.open_lock(name)?;
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => waiting(),
            Err(TryLockError::Error(error)) => return Err(FileError::new("lock", &path, error).into()),
        }
        loop {
            match file.lock() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                outcome => return Ok(outcome.map(|()| file).at("lock", &path)?),
            }
        }
    }

    fn open_lock(&self, name: &str) -> Result<(PathBuf, File), Error> {
        let folder = self.root.join(LOCKS);
        self.make_folder(&folder)?;
        let path = folder.join(name);
        let file = open(&path).at("open", &path)?;
        Ok((path, file))
    }
}

/// Opens a lock file, or makes it. In a store of several users it may be another's: a lock needs no right to write.
fn open(path: &Path) -> io::Result<File> {
    loop {
        match OpenOptions::new().read(true).write(true).open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error)
                if matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem) =>
            {
                return File::open(path).map_err(|_| error);
            }
            outcome => return outcome,
        }
        match OpenOptions::new().read(true).write(true).create_new(true).open(path) {
            // Another process was faster.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => return made.inspect(readable),
        }
    }
}

/// Lets every user take the lock, whatever the mask of the one who made it: it holds nothing.
#[cfg(unix)]
fn readable(file: &File) {
    // Where that fails, others see that they may not open it.
    let _ = file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644));
}

#[cfg(not(unix))]
fn readable(_: &File) {}
