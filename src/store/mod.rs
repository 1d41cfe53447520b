//! Installs on disk: found by their receipt, made in staging, promoted by one rename, removed without leaving the store.
//!
//! ```text
//! installs/<tool>/<version>-<platform>-<fingerprint>/   tree/, files, receipt.json (written last)
//! views/<name>/<digest of the members>/          the same three, hard links to installs
//! staging/<random>/                              0700, held by an advisory lock on `alive` while its maker lives
//! locks/                                         one file for each install and view; never deleted
//! metadata/                                      belongs to `net`
//! ```
//!
//! Nothing is synced to the disk: it would cost a third of an install, and a tree can always be had again. After a power
//! cut a receipt may stand next to empty files; `verify` finds that and `repair` fixes it. A receipt that was itself cut
//! does not parse, so that its install does not exist.

mod atomic_dir;
mod error;
mod extras;
mod files;
mod history;
mod id;
mod link;
mod lock;
mod prune;
mod receipt;
mod scratch_dir;
mod staging;
mod verify;
mod view;

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

pub use atomic_dir::AtomicDir;
pub use error::Error;
pub use id::{Fingerprint, InstallId};
pub use link::Linked;
pub use lock::Lock;
pub use prune::Prune;
pub use receipt::{Origin, Receipt};
pub use scratch_dir::ScratchDir;
pub use staging::{Staging, Unpacked};
pub use verify::{Change, Check, Difference};
pub use view::{Composition, View};

use crate::fs::{At, Cause, FileError, Within, is_absent};

/// The folder that holds everything this program has installed.
#[derive(Debug, Clone)]
pub struct Store {
    root: PathBuf,
}

/// An install that exists.
#[derive(Debug, Clone)]
pub struct Install {
    /// Which one it is.
    pub id: InstallId,
    /// The folder of its files, final: it is never renamed again.
    pub root: PathBuf,
    /// What it was made from.
    pub receipt: Receipt,
}

impl Store {
    /// Names the store at `root`, an absolute path. Touches nothing.
    #[must_use]
    pub fn at(root: PathBuf) -> Self {
        Self { root }
    }

    /// Returns the store's folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Finds an install. It exists if and only if its receipt does, is whole and names the same install.
    ///
    /// # Errors
    /// When the receipt was written by a newer version of this program, or cannot be read for another reason than that
    /// it is not there.
    pub fn find(&self, id: &InstallId) -> Result<Option<Install>, Error> {
        let folder = self.install_folder(id);
        if !is_folder(&folder)? {
            return Ok(None);
        }
        let Some(receipt) = Receipt::read(&folder.join(RECEIPT))? else { return Ok(None) };
        if receipt.id != *id {
            return Ok(None);
        }
        Ok(Some(Install { id: id.clone(), root: folder.join(TREE), receipt }))
    }

    /// Lists the installs, sorted by tool, version and platform. What is half-made, foreign or of a newer version of
    /// this program is not listed.
    ///
    /// # Errors
    /// When the store cannot be read. A store that is not there yet is empty.
    pub fn list(&self) -> Result<Vec<Install>, Error> {
        let mut installs = Vec::new();
        for tool in folders(&self.root.join(INSTALLS))? {
            for folder in folders(&tool)? {
                let receipt = match Receipt::read(&folder.join(RECEIPT)) {
                    Ok(Some(receipt)) if self.install_folder(&receipt.id) == folder => receipt,
                    Ok(_) | Err(Error::NewerSchema { .. }) => continue,
                    Err(error) => return Err(error),
                };
                installs.push(Install { id: receipt.id.clone(), root: folder.join(TREE), receipt });
            }
        }
        installs.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(installs)
    }

    /// Returns the root of an install, whether it exists or not.
    #[must_use]
    pub fn root_of(&self, id: &InstallId) -> PathBuf {
        self.install_folder(id).join(TREE)
    }

    /// Returns the folder of an install, whether it exists or not.
    fn install_folder(&self, id: &InstallId) -> PathBuf {
        self.root.join(INSTALLS).join(id.tool.as_str()).join(id.folder_name())
    }
}

impl Install {
    /// Returns the bytes of its files, as its receipt counts them.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.receipt.bytes
    }
}

const INSTALLS: &str = "installs";
const VIEWS: &str = "views";
const STAGING: &str = "staging";
const LOCKS: &str = "locks";
const TREE: &str = "tree";
const FILES: &str = "files";
const RECEIPT: &str = "receipt.json";

/// Returns true if a real folder stands at `path`; a symbolic link to one is none.
fn is_folder(path: &Path) -> Result<bool, Error> {
    match fs::symlink_metadata(path) {
        Ok(metadata) => Ok(metadata.is_dir()),
        Err(error) if is_absent(&error) => Ok(false),
        Err(error) => Err(FileError::new("look at", path, error).into()),
    }
}

/// Lists the real folders in `path`, sorted; none when it is not there.
fn folders(path: &Path) -> Result<Vec<PathBuf>, Error> {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if is_absent(&error) => return Ok(Vec::new()),
        Err(error) => return Err(FileError::new("read", path, error).into()),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.at("read", path)?;
        // An entry that vanishes meanwhile is simply not there.
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

/// Reads a file. What is not a regular file counts as absent: opening a named pipe that came with a restored cache would wait
/// for ever.
fn read_regular(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    match crate::fs::open(path, Within::Anywhere) {
        Err(FileError { source: Cause::NotRegular { .. }, .. }) => return Err(io::ErrorKind::NotFound.into()),
        opened => opened?.read_to_end(&mut bytes)?,
    };
    Ok(bytes)
}
