//! Why builds cannot be followed.

use crate::aws;
use crate::model::{Explain, Kind};
use crate::text::comma_separated;

/// Why builds cannot be followed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// CodeBuild has no such builds.
    #[error("CodeBuild has no build or batch {} in {region}", listed(ids))]
    UnknownBuilds { ids: Vec<String>, region: String },
    /// The builds succeeded, but a requested log could not be read.
    #[error("the builds succeeded, but not every log could be read")]
    UnreadLogs { source: Box<aws::Error> },
    /// A request to AWS failed.
    #[error(transparent)]
    Aws(#[from] aws::Error),
}

impl Explain for Error {
    fn kind(&self) -> Kind {
        match self {
            Self::UnknownBuilds { .. } => Kind::Upstream,
            Self::UnreadLogs { source } => source.kind(),
            Self::Aws(cause) => cause.kind(),
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::UnknownBuilds { .. } => {
                vec![
                    "`toolkit build list` shows the builds, which CodeBuild keeps for a year; AWS_REGION and the \
                     account must be those of the project"
                        .to_owned(),
                ]
            }
            Self::UnreadLogs { .. } => {
                vec!["the warning above says what is missing; use --no-logs to follow without logs".to_owned()]
            }
            Self::Aws(cause) => cause.hints(),
        }
    }
}

fn listed(ids: &[String]) -> String {
    comma_separated(ids.iter().map(|id| format!("`{id}`")))
}
