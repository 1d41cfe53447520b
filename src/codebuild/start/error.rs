//! Why a build is not started.

use crate::model::{Explain, Kind};

/// Why a build is not started. CodeBuild was not asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An unknown name for a machine.
    #[error("there is no {what} `{word}`{}", meant(*near))]
    UnknownMachine {
        /// The kind of name: `environment type`.
        what: &'static str,
        word: String,
        /// A word that is near.
        near: Option<&'static str>,
    },
    /// The project's environment type has no equivalent on the other architecture.
    #[error("builds of {project} run on {kind}, and CodeBuild has no equivalent for {arch}")]
    NoSuchMachine {
        project: String,
        /// The project's environment type.
        kind: String,
        arch: &'static str,
    },
    /// An image of AWS without a counterpart.
    #[error("CodeBuild has no image for {arch} that corresponds to `{image}`")]
    NoCounterpart { image: String, arch: &'static str },
    /// The parts of the machine are incompatible.
    #[error("{reason}")]
    Unfit {
        /// The two incompatible parts, and why.
        reason: String,
        hint: &'static str,
    },
}

impl Explain for Error {
    fn kind(&self) -> Kind {
        Kind::Usage
    }

    fn hints(&self) -> Vec<String> {
        vec![match self {
            Self::UnknownMachine { what, .. } if *what == "compute type" => {
                "expected one of: small, medium, large, xlarge, 2xlarge, on Lambda 1gb, 2gb, 4gb, 8gb, 10gb, or the API's name"
                    .to_owned()
            }
            Self::UnknownMachine { .. } => "expected one of: LINUX_CONTAINER, ARM_CONTAINER, or another environment type of the API".to_owned(),
            Self::NoSuchMachine { .. } => "leave that architecture out, or name a project on Linux".to_owned(),
            Self::NoCounterpart { arch, .. } => format!("name the image to use: --image {arch}=IMAGE"),
            Self::Unfit { hint, .. } => (*hint).to_owned(),
        }]
    }
}

fn meant(near: Option<&str>) -> String {
    near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"))
}
