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
        /// Another region, which one of the ids names.
        named: Option<String>,
    },
    /// AWS does not answer as it should.
    #[error(transparent)]
    Asking(#[from] aws::Error),
}

impl Error {
    pub(super) fn unknown(ids: Vec<String>, region: &str) -> Self {
        // arn:PARTITION:codebuild:REGION:ACCOUNT:build/ID
        let of = |id: &String| id.strip_prefix("arn:").and_then(|rest| rest.split(':').nth(2)).map(str::to_owned);
        let named = ids.iter().filter_map(of).find(|other| other != region);
        Self::UnknownBuilds { ids, region: region.to_owned(), named }
    }
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
            Self::UnknownBuilds { named: Some(region), .. } => {
                vec![format!("the ARN names another region: AWS_REGION={region}")]
            }
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
