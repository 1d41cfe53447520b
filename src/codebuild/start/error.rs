//! Why a build is not started.

use crate::model::{Explain, Kind};

/// What stands against a build, before CodeBuild is asked for it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A word for a machine that CodeBuild does not know.
    #[error("there is no {what} `{word}`{}", meant(*near))]
    UnknownMachine {
        /// What the word is for: `environment type`.
        what: &'static str,
        /// The word.
        word: String,
        /// A word that is near.
        near: Option<&'static str>,
    },
    /// A project that runs where the other architecture has nothing like it.
    #[error("builds of {project} run on {kind}, and CodeBuild has no equivalent for {arch}")]
    NoSuchMachine {
        /// The project.
        project: String,
        /// The project's environment type.
        kind: String,
        /// The architecture.
        arch: &'static str,
    },
    /// An image of AWS without a sister.
    #[error("CodeBuild has no image for {arch} that corresponds to `{image}`")]
    NoCounterpart {
        /// The project's image.
        image: String,
        /// The architecture.
        arch: &'static str,
    },
    /// A machine whose parts do not go together.
    #[error("{reason}")]
    Unfit {
        /// Which two do not, and why.
        reason: String,
        /// What would.
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
