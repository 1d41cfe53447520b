//! A private folder of the store for one run of a program, gone when it ends.

use std::path::PathBuf;

use super::staging::Scratch;
use super::{Error, Store};

/// An empty folder that nobody else uses, of mode 0700, deleted on drop. What a killed process left is swept like staging.
#[derive(Debug)]
pub struct ScratchDir(Scratch);

impl Store {
    /// Makes a scratch folder.
    ///
    /// # Errors
    /// When the store cannot be written to.
    pub fn scratch_dir(&self) -> Result<ScratchDir, Error> {
        Scratch::new(self).map(ScratchDir)
    }
}

impl ScratchDir {
    /// Returns the folder.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        self.0.made()
    }

    /// Deletes the folder and says when that fails, which a drop cannot.
    ///
    /// # Errors
    /// When something in it cannot be deleted; the next sweep tries again.
    pub fn close(self) -> Result<(), Error> {
        self.0.discard()
    }
}
