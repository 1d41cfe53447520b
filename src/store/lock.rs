//! Advisory locks: one file for each install, held by one process at a time and freed by the system when it dies.
//!
//! Lock files are never deleted: whoever deletes one while another waits for it ends with two holders.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::sync::Arc;

use super::error::Error;
use super::id::InstallId;
use super::{LOCKS, Store};
use crate::fs::{At, FileError};

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

    /// Takes the lock called `name`; calls `waiting` when it is not free.
    pub(super) fn lock_file(&self, name: &str, waiting: &dyn Fn()) -> Result<File, Error> {
        let folder = self.root.join(LOCKS);
        std::fs::create_dir_all(&folder).at("create", &folder)?;
        let path = folder.join(name);
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).at("open", &path)?;
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
}
