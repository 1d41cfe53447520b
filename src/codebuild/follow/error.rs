//! Why builds cannot be followed.

use crate::aws;
use crate::model::{Explain, Kind};

/// Why builds cannot be followed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There are no such builds.
    #[error("CodeBuild knows no build or batch {} in {region}", listed(ids))]
    UnknownBuilds {
        /// What was asked for.
        ids: Vec<String>,
        /// Where.
        region: String,
    },
    /// AWS does not answer as it should.
    #[error(transparent)]
    Asking(#[from] aws::Error),
}

impl Explain for Error {
    fn kind(&self) -> Kind {
        match self {
            Self::UnknownBuilds { .. } => Kind::Upstream,
            Self::Asking(cause) => cause.kind(),
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::UnknownBuilds { .. } => {
                vec![
                    "`toolkit build list` shows what there is; builds are forgotten after a year, and AWS_REGION and the \
                     account must be those of the project"
                        .to_owned(),
                ]
            }
            Self::Asking(cause) => cause.hints(),
        }
    }
}

fn listed(ids: &[String]) -> String {
    ids.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ")
}
