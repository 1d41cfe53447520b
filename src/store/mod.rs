//! Installs on disk: found by their receipt, made in staging, promoted by one rename, removed without leaving the store.
//!
//! ```text
//! installs/<tool>/<version>-<platform>-<fingerprint>/   tree/, files, receipt.json (written last), tree.placed/
//! views/<name>/<digest of the members>/          the same three, hard links to installs
//! staging/<random>/                              0700, held by an advisory lock on `alive` while its maker lives
//! locks/                                         one file for each install and view; never deleted
//! projects/, links/                              one file for each project and for each folder with links into the store
//! metadata/                                      belongs to `net`
//! ```
//!
//! Nothing is synced to the disk: it would cost a third of an install, and a tree can always be had again. After a power
//! cut a receipt may stand next to empty files; `verify` finds that and `repair` fixes it. A receipt that was itself cut
//! does not parse, so that its install does not exist.

mod adopt;
mod atomic_dir;
mod error;
mod extras;
mod file_list;
mod files;
mod history;
mod hold;
mod id;
mod inventory;
mod link;
mod lock;
mod placed;
mod prune;
mod receipt;
mod records;
mod removal;
mod scratch_dir;
mod staging;
mod unlink;
mod verify;
mod view;

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

pub use atomic_dir::AtomicDir;
pub use error::Error;
pub use file_list::FileList;
pub use history::Project;
pub use hold::Hold;
#[cfg(unix)]
pub use hold::Inherited;
pub use id::{Fingerprint, InstallId};
pub use inventory::{Inventory, Skipped};
pub use link::Linked;
pub use lock::Lock;
pub use placed::placed_folder;
pub use prune::Prune;
pub use receipt::{Origin, Receipt};
pub use removal::Removal;
pub use scratch_dir::ScratchDir;
pub use staging::{Staging, Unpacked};
pub use unlink::Unlinked;
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
    /// Keeps it from being removed; none for an install that was only found, and where the file system has no locks.
    pub hold: Option<Hold>,
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
        Ok(Some(Install { id: id.clone(), root: folder.join(TREE), receipt, hold: None }))
    }

    /// Finds an install and holds it: as long as the result or a clone of it lives, nobody removes or replaces it.
    ///
    /// # Errors
    /// As [`Store::find`].
    pub fn claim(&self, id: &InstallId) -> Result<Option<Install>, Error> {
        let hold = match hold::hold(&self.install_folder(id))? {
            hold::Attempt::Held(hold) => Some(hold),
            hold::Attempt::Unheld => None,
            hold::Attempt::Gone => return Ok(None),
        };
        Ok(self.find(id)?.map(|install| Install { hold, ..install }))
    }

    /// Returns the root of an install, whether it exists or not.
    #[must_use]
    pub fn root_of(&self, id: &InstallId) -> PathBuf {
        self.install_folder(id).join(TREE)
    }

    /// Makes a folder in which the store keeps things, and those above it. Where every user may write to the store, as to `/tmp`,
    /// every user may write to them: else the first one to install a tool would keep all others from installing it.
    fn make_folder(&self, path: &Path) -> Result<(), Error> {
        fs::create_dir_all(&self.root).at("create", &self.root)?;
        let mut within: Vec<&Path> = path.ancestors().take_while(|folder| *folder != self.root).collect();
        within.reverse();
        for folder in within {
            match fs::create_dir(folder) {
                // Only what was just made, which nobody else may replace.
                Ok(()) => share_like(&self.root, folder),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(_) if folder.is_dir() => {} // on a file system for reading only, for one
                Err(error) => return Err(FileError::new("create", folder, error).into()),
            }
        }
        Ok(())
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

/// Sets the mode of a new folder to that of a store in which everybody may make files and nobody may remove another's.
#[cfg(unix)]
fn share_like(root: &Path, folder: &Path) {
    use rustix::fs::{Mode, OFlags, fchmod, open};
    use std::os::unix::fs::PermissionsExt;
    const SHARED: u32 = 0o1777;
    if fs::metadata(root).is_ok_and(|root| root.permissions().mode() & SHARED == SHARED) {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        // Where that fails, others see that they may not write there.
        let _ = open(folder, flags, Mode::empty()).and_then(|folder| fchmod(folder, Mode::from_raw_mode(SHARED)));
    }
}

#[cfg(not(unix))]
fn share_like(_: &Path, _: &Path) {}

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
