//! A project's two files: `toolkit.toml`, its requirements and its pipeline, and `toolkit.lock`, the exact releases.
//! Both are data: nothing in them is ever executed, and nothing in them decides where a credential is sent.

mod definition;
mod lock;
mod manifest;
mod pattern;
pub mod pipeline;
mod reader;
mod root;
mod text;

use std::path::PathBuf;

pub use definition::{Definition, Files, Origin};
pub use lock::{Lock, LockedArtifact, LockedTool, RequestKey};
pub use manifest::{Manifest, Patch, Requirement, ToolEntry};
pub use pattern::{Pattern, Placeholder, Purpose, Values};
pub use root::{Root, boundary};
pub use text::{line_of, minimum_age};

pub use crate::model::did_you_mean;

use crate::fs::FileError;
use crate::model::{Explain, Kind};

/// The name of the file with the project's requirements.
pub const MANIFEST: &str = "toolkit.toml";

/// The name of the file with the exact releases.
pub const LOCK: &str = "toolkit.lock";

/// Errors in a project's files.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
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
            Self::File(source) if source.is_absent() => Kind::Usage,
            Self::File(source) => source.kind(),
            Self::Content { .. } | Self::NewerLock { .. } => Kind::Usage,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::File(source) => {
                let mut hints = source.hints();
                hints.push("nothing was changed".to_owned());
                hints
            }
            Self::Content { path, .. } if path.ends_with(LOCK) => {
                vec![
                    "nothing was changed; restore it from version control, or delete it and run `toolkit lock`"
                        .to_owned(),
                ]
            }
            Self::Content { .. } => vec!["nothing was changed; correct that line".to_owned()],
            Self::NewerLock { .. } => {
                vec!["nothing was changed; update toolkit, or delete the lock and run `toolkit lock`".to_owned()]
            }
        }
    }
}
