//! A project's two files: `toolkit.toml`, its requirements and its pipeline, and `toolkit.lock`, the exact releases.
//! Both are data: nothing in them is ever executed, and nothing in them decides where a credential is sent.

mod definition;
mod lock;
mod manifest;
mod pattern;
pub mod pipeline;
mod reader;
mod text;

use std::path::{Path, PathBuf};

pub use definition::{Definition, Files, Origin};
pub use lock::{Lock, LockedArtifact, LockedTool};
pub use manifest::{Manifest, Requirement, ToolEntry};
pub use pattern::{Pattern, Placeholder, Purpose, Values};
pub use text::{line_of, minimum_age};

pub use crate::model::did_you_mean;

use crate::model::{Explain, Kind};

/// The name of the file with the project's requirements.
pub const MANIFEST: &str = "toolkit.toml";

/// The name of the file with the exact releases.
pub const LOCK: &str = "toolkit.lock";

/// Errors in a project's files.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file could not be read or written.
    #[error("could not {action} {}", path.display())]
    Io {
        /// What was tried: `read`, `write`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file has something that is not understood.
    #[error("{}, line {line}: {reason}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong, and what would be right.
        reason: String,
    },
    /// The lock was written by a newer version of this program.
    #[error("{} has format version {found}, but this toolkit reads version {known}", path.display())]
    NewerLock {
        /// The lock.
        path: PathBuf,
        /// The version of its format.
        found: i64,
        /// The version that this program reads.
        known: i64,
    },
}

impl Explain for Error {
    fn kind(&self) -> Kind {
        match self {
            Self::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound => Kind::Usage,
            Self::Io { .. } => Kind::Machine,
            Self::Content { .. } | Self::NewerLock { .. } => Kind::Usage,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Io { action: "write", .. } => {
                vec![
                    "check that this user may write there and that the disk has room; the file is as it was".to_owned(),
                ]
            }
            Self::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
                vec!["nothing was changed; check the path".to_owned()]
            }
            Self::Io { .. } => {
                vec!["nothing was changed; check that this user may read it and that its disk works".to_owned()]
            }
            Self::Content { path, .. } if path.ends_with(LOCK) => {
                vec![
                    "nothing was changed; restore it from version control, or delete it and run `toolkit lock`"
                        .to_owned(),
                ]
            }
            Self::Content { .. } => vec!["nothing was installed or changed".to_owned()],
            Self::NewerLock { .. } => {
                vec!["nothing was changed; update toolkit, or delete the lock and run `toolkit lock`".to_owned()]
            }
        }
    }
}

/// Finds the nearest folder, from `start` upwards, that holds a `toolkit.toml`.
#[must_use]
pub fn find(start: &Path) -> Option<&Path> {
    start.ancestors().find(|folder| folder.join(MANIFEST).is_file())
}

/// Reads a text file; none when it does not exist.
pub(crate) fn read_if_there(path: &Path) -> Result<Option<String>, Error> {
    if std::fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
        let source = std::io::Error::other("it is not a regular file");
        return Err(Error::Io { action: "read", path: path.to_owned(), source });
    }
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Error::Io { action: "read", path: path.to_owned(), source }),
    }
}

/// Writes a text file whole or not at all: beside it first, then by one rename.
///
/// # Errors
/// When the folder cannot be written; the file is then as it was before.
pub fn write_whole(path: &Path, text: &str) -> Result<(), Error> {
    let failed = |source| Error::Io { action: "write", path: path.to_owned(), source };
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let beside = path.with_file_name(format!(".{name}.{}", std::process::id()));
    std::fs::write(&beside, text).and_then(|()| std::fs::rename(&beside, path)).map_err(|source| {
        // What could not be moved into place is of no use to anybody, and the first failure is the one to tell.
        let _ = std::fs::remove_file(&beside);
        failed(source)
    })
}
