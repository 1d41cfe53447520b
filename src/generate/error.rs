//! Errors of the generators.

use std::path::PathBuf;

use crate::model::{Explain, Kind};
use crate::project;

/// Why a file cannot be generated.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// `[pipeline]` in toolkit.toml is not understood.
    #[error(transparent)]
    Project(#[from] project::Error),
    /// The project requires a tool that is not in the lock.
    #[error("{tool} is not in toolkit.lock")]
    NotLocked {
        /// The tool.
        tool: String,
    },
    /// The lock has the tool, but not for this architecture.
    #[error("toolkit.lock has no {tool} for linux/{architecture}")]
    NotLockedFor {
        /// The tool.
        tool: String,
        /// The architecture.
        architecture: &'static str,
    },
    /// The target cannot do what the model asks.
    #[error("`{key} = \"{value}\"` is not supported in {target}: {reason}")]
    Unsupported {
        /// The key, from the root of toolkit.toml.
        key: &'static str,
        /// Its value.
        value: String,
        /// The target.
        target: &'static str,
        /// Why not, and what would work.
        reason: String,
    },
    /// The target needs something that the model does not have.
    #[error("{target} needs `{key}`: {reason}")]
    Missing {
        /// The key, from the root of toolkit.toml.
        key: &'static str,
        /// The target.
        target: &'static str,
        /// What it is for, with an example.
        reason: String,
    },
    /// A value would change its meaning where it is written.
    #[error("`{key}`: {value:?} cannot be used in {target}: {reason}")]
    Value {
        /// The key, from the root of toolkit.toml.
        key: String,
        /// Its value.
        value: String,
        /// The target.
        target: &'static str,
        /// Why not.
        reason: String,
    },
    /// A second parser read something else from the text than was meant.
    #[error("{} would not be parsed as intended", path.display())]
    Ambiguous {
        /// The file.
        path: PathBuf,
    },
}

impl Explain for Error {
    fn kind(&self) -> Kind {
        match self {
            Self::Project(cause) => cause.kind(),
            _ => Kind::Usage,
        }
    }

    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::Project(cause) => return cause.hints(),
            Self::NotLocked { .. } | Self::NotLockedFor { .. } => {
                "no file was changed; run `toolkit lock`, and commit toolkit.lock"
            }
            Self::Unsupported { .. } | Self::Missing { .. } | Self::Value { .. } => {
                "no file was changed; edit toolkit.toml"
            }
            Self::Ambiguous { .. } => {
                "no file was changed; this is a bug in toolkit: please report it with your toolkit.toml"
            }
        };
        vec![hint.to_owned()]
    }
}
