//! Takes one install or view out of the store, unless somebody uses it. Never deletes anything outside the store.

use std::fmt;
use std::fs;
use std::path::Path;

use super::error::Error;
use super::hold::exclusive;
use super::lock::Lock;
use super::staging::Scratch;
use super::{Install, Store};
use crate::fs::{At, is_absent};

/// What came of a removal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// It was removed.
    Removed,
    /// It was gone already.
    Absent,
    /// A program uses it, so that it was kept.
    InUse,
    /// Another process installs it, so that it was kept.
    BeingInstalled,
    /// A project has come to need it, so that it was kept.
    Needed,
}

impl Store {
    /// Removes an install that nobody uses and that is not `needed`, which is asked when nobody else can install it any more.
    /// Waits for nobody longer than a moment.
    ///
    /// # Errors
    /// As [`Store::remove`], and when the install cannot be locked.
    pub fn discard(&self, install: &Install, needed: &dyn Fn() -> bool) -> Result<Removal, Error> {
        match self.try_lock(&install.id)? {
            None => Ok(Removal::BeingInstalled),
            Some(_) if needed() => Ok(Removal::Needed),
            Some(lock) => self.remove(&lock),
        }
    }

    /// Removes the install whose lock is held, unless somebody uses it. It is moved out of sight by one rename before anything
    /// is deleted, so that a kill leaves no half of it.
    ///
    /// # Errors
    /// [`Error::Foreign`] when a link stands where the store keeps a folder; when something cannot be deleted.
    pub fn remove(&self, lock: &Lock) -> Result<Removal, Error> {
        self.remove_folder(&self.install_folder(&lock.id))
    }

    /// Returns true if a program uses the install at this moment.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn is_in_use(&self, install: &Install) -> Result<bool, Error> {
        Ok(exclusive(&self.install_folder(&install.id))?.is_none())
    }

    /// Moves a folder of the store into staging and deletes it there.
    pub(super) fn remove_folder(&self, folder: &Path) -> Result<Removal, Error> {
        self.own(folder.parent().expect("every folder that is removed lies in the store"))?;
        match fs::symlink_metadata(folder) {
            Err(error) if is_absent(&error) => return Ok(Removal::Absent),
            outcome => outcome.at("look at", folder)?,
        };
        let Some(exclusive) = exclusive(folder)? else { return Ok(Removal::InUse) };
        let scratch = Scratch::new(self)?;
        let taken = scratch.take(folder)?;
        // Whoever waits to hold it sees now that it is gone.
        drop(exclusive);
        scratch.discard()?;
        Ok(if taken.is_some() { Removal::Removed } else { Removal::Absent })
    }
}

/// Prints why something was kept, or what became of it, to follow its name and a colon.
impl fmt::Display for Removal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Removed => "it was removed",
            Self::Absent => "it was gone already",
            Self::InUse => "it is in use",
            Self::BeingInstalled => "another process installs it",
            Self::Needed => "a project has come to need it",
        })
    }
}
