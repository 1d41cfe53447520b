//! Why builds cannot be compared.

use std::path::PathBuf;

use super::Tally;
use crate::aws;
use crate::fs::Cause;
use crate::model::{Explain, Kind};

/// Why builds cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// AWS did not tell.
    #[error("could not read the builds to compare")]
    Unread(#[from] aws::Error),
    /// One side is empty.
    #[error("{side} has no build to compare: {tally}")]
    NothingToCompare {
        /// The side: `arm64`, or a project.
        side: String,
        /// What was looked at.
        tally: Tally,
    },
    /// There is no build of this id.
    #[error("CodeBuild has no build {id}")]
    NoSuchBuild { id: String },
    /// The build has not ended.
    #[error("the build {id} is still running")]
    StillRunning { id: String },
    /// The file of prices cannot be read.
    #[error("could not read the prices in {}", path.display())]
    UnreadPrices { path: PathBuf, source: Cause },
    /// The file of prices is not of the form.
    #[error("{} is not a table of prices: {reason}", path.display())]
    BadPrices { path: PathBuf, reason: String },
}

impl Explain for Error {
    fn kind(&self) -> Kind {
        match self {
            Self::Unread(source) => source.kind(),
            Self::UnreadPrices { .. } => Kind::Machine,
            _ => Kind::Usage,
        }
    }

    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::Unread(source) => return source.hints(),
            Self::NothingToCompare { side, tally } if side == "amd64" || side == "arm64" => {
                return vec![format!(
                    "start one: `toolkit build start {} --arch {side}`; {}",
                    tally.project,
                    if tally.more { "`--within` looks further back" } else { "CodeBuild keeps builds for a year" }
                )];
            }
            Self::NothingToCompare { tally, .. } if tally.more => "`--within` looks further back",
            Self::NothingToCompare { .. } => "check the name, the region, and the filters `--branch` and `--compute`",
            Self::NoSuchBuild { .. } => "CodeBuild keeps builds for a year; `toolkit build list` shows them",
            Self::StillRunning { .. } => "wait until it has ended: `toolkit build follow ID`",
            Self::UnreadPrices { .. } => "check the name and the permissions of the file",
            Self::BadPrices { .. } => "`toolkit build compare --help` shows the form",
        };
        vec![hint.to_owned()]
    }
}
