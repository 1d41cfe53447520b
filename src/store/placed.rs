//! Files that name the place of an install, such as a configuration with the paths of its parts. They stand beside its tree,
//! not in it: the tree is the same in every store, and these are written again where a store was copied to another folder.

use std::fs;
use std::path::{Path, PathBuf};

use super::error::Error;
use super::{Install, Store, read_regular};
use crate::fs::{At, Links, replace};

/// Returns the folder of the files that name the place of the install whose tree is at `root`.
#[must_use]
pub fn placed_folder(root: &Path) -> PathBuf {
    let mut name = root.file_name().unwrap_or_default().to_owned();
    name.push(".placed");
    root.with_file_name(name)
}

impl Store {
    /// Writes the files of `install` that name its place, each a name and a text, unless they are there as they should be.
    ///
    /// # Errors
    /// When they are not, and the store cannot be written to.
    pub fn place(&self, install: &Install, files: &[(&str, String)]) -> Result<(), Error> {
        let folder = placed_folder(&install.root);
        for (name, text) in files {
            let path = folder.join(name);
            if read_regular(&path).is_ok_and(|found| found == text.as_bytes()) {
                continue;
            }
            // A cache that was restored may have a link there.
            self.own(&folder)?;
            fs::create_dir_all(&folder).at("create", &folder)?;
            replace(&path, text, Links::Replace)?;
        }
        Ok(())
    }
}
