//! The error of every file operation: what failed, on which path, and why.

use std::io;
use std::path::{Path, PathBuf};

use super::is_absent;
use crate::model::{Explain, Kind};

/// An operation on a file or folder that failed.
#[derive(Debug, thiserror::Error)]
#[error("could not {action} {}", path.display())]
pub struct FileError {
    /// The operation, as a verb: `read`, `create`, `replace`.
    pub action: &'static str,
    /// The file or folder.
    pub path: PathBuf,
    /// Why it failed.
    pub source: Cause,
}

/// Why an operation on a file failed.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// The system refused it.
    #[error(transparent)]
    System(#[from] io::Error),
    /// A symbolic link on the path leads out of the folder that bounds it.
    #[error("a symbolic link leads out of {}", root.display())]
    LeadsOut {
        /// The folder.
        root: PathBuf,
    },
    /// A file that somebody else may have put there for others to find.
    #[error("it belongs to another user (uid {owner}), and others can write to {}", folder.display())]
    Foreign {
        /// Its owner.
        owner: u32,
        /// The folder that it lies in.
        folder: PathBuf,
    },
    /// Something else than a regular file.
    #[error("it is not a regular file but {found}")]
    NotRegular {
        /// What it is: `a folder`, `a named pipe`.
        found: &'static str,
    },
    /// More bytes than are read.
    #[error("it is larger than {} MiB", limit >> 20)]
    TooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// Bytes that are not UTF-8 text.
    #[error("it is not UTF-8 text")]
    NotText,
}

impl FileError {
    /// Describes an operation that failed.
    pub fn new(action: &'static str, path: impl Into<PathBuf>, source: impl Into<Cause>) -> Self {
        Self { action, path: path.into(), source: source.into() }
    }

    /// Returns true if there is no such file or folder.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        matches!(&self.source, Cause::System(source) if is_absent(source))
    }

    /// Returns true if the operation only looks at the file.
    fn is_reading(&self) -> bool {
        matches!(self.action, "read" | "open" | "look at" | "follow")
    }
}

/// For callers that add the operation and the path themselves.
impl From<FileError> for io::Error {
    fn from(error: FileError) -> Self {
        match error.source {
            Cause::System(source) => source,
            other => Self::other(other),
        }
    }
}

impl Explain for FileError {
    /// A file of the wrong kind and one that is missing are the user's to correct; the rest is up to the machine.
    fn kind(&self) -> Kind {
        match &self.source {
            Cause::System(_) if self.is_absent() && self.action == "read" => Kind::Usage,
            Cause::System(_) => Kind::Machine,
            _ => Kind::Usage,
        }
    }

    fn hints(&self) -> Vec<String> {
        let hint = match &self.source {
            Cause::System(source) => return system_hints(source, self.is_reading()),
            Cause::LeadsOut { .. } if self.is_reading() => {
                "nothing of it was read; put the file itself there, or name the one that the link leads to"
            }
            Cause::LeadsOut { .. } => "replace the link by a file, or remove it",
            Cause::Foreign { folder, .. } => {
                return vec![
                    "nothing of it was used; work in a folder that has a toolkit.toml of its own, or remove the file"
                        .to_owned(),
                    format!("if you trust whoever can write there: TOOLKIT_SAFE_DIRECTORY={}", folder.display()),
                ];
            }
            Cause::NotRegular { .. } => "name a regular file",
            Cause::TooLarge { .. } => "check the path: no such file is that large",
            Cause::NotText => "save it as UTF-8",
        };
        vec![hint.to_owned()]
    }
}

fn system_hints(source: &io::Error, reading: bool) -> Vec<String> {
    let hint = match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "free some space (see `df -h` and `df -i`), or choose another folder (`TOOLKIT_HOME` for the store)"
        }
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory if reading => "check the path",
        io::ErrorKind::PermissionDenied if reading => "check that this user may read it",
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            "name a folder that exists and may be written to (`TOOLKIT_HOME` for the store)"
        }
        io::ErrorKind::PermissionDenied => {
            "`chown` it to this user, or choose a folder that this user may write to (`TOOLKIT_HOME` for the store)"
        }
        io::ErrorKind::ReadOnlyFilesystem => {
            "mount it for writing, or choose a folder that may be written to (`TOOLKIT_HOME` for the store)"
        }
        io::ErrorKind::Unsupported => {
            "the file system lacks what is needed; use a local disk (`TOOLKIT_HOME` for the store)"
        }
        _ if reading => "check the disk and its mount",
        _ => "check the disk and its mount, or choose another folder (`TOOLKIT_HOME` for the store)",
    };
    vec![hint.to_owned()]
}

/// Adds the operation and the path to an I/O error.
pub trait At<T> {
    /// Adds that `action` failed at `path`.
    ///
    /// # Errors
    /// The I/O error as a [`FileError`].
    fn at(self, action: &'static str, path: &Path) -> Result<T, FileError>;
}

impl<T, E: Into<Cause>> At<T> for Result<T, E> {
    fn at(self, action: &'static str, path: &Path) -> Result<T, FileError> {
        self.map_err(|source| FileError::new(action, path, source))
    }
}
