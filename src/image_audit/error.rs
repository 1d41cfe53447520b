//! What can be wrong with what is to be checked.

use std::path::PathBuf;

use crate::format::{Unreadable, yaml};
use crate::fs::FileError;
use crate::model::{BadReference, Explain, Kind};

/// What can be wrong with what is to be checked.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// An argument is no file, no folder and no image.
    #[error("there is no file `{text}`, and it is not the name of an image either")]
    NoInput {
        /// The argument.
        text: String,
        /// Why it is no image.
        source: BadReference,
    },
    /// A file or folder could not be read.
    #[error(transparent)]
    Read(#[from] FileError),
    /// A file is no text.
    #[error("{} cannot be searched for images", path.display())]
    NoText {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Unreadable,
    },
    /// A file is not what its name says.
    #[error("{}, line {line}: {reason}", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// A file is no YAML.
    #[error("{}, line {line} is not valid YAML", path.display())]
    NoYaml {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// Why.
        source: yaml::Error,
    },
    /// A file is of no kind that names images.
    #[error("{} is not a kind of file that this command searches for images", path.display())]
    UnknownKind {
        /// The file.
        path: PathBuf,
    },
    /// Nothing that was given names an image.
    #[error("{what} names no images; no registry was contacted")]
    NothingNamed {
        /// What was searched.
        what: String,
    },
}

impl Explain for CheckError {
    fn kind(&self) -> Kind {
        match self {
            Self::Read(source) => source.kind(),
            _ => Kind::Usage,
        }
    }

    fn hints(&self) -> Vec<String> {
        const READ: &str = "expected one of: Dockerfiles, compose files, Kubernetes manifests, kustomizations, .gitlab-ci.yml, \
                            buildspecs and toolkit.lock";
        let hint = match self {
            Self::NoInput { .. } => {
                "no registry was contacted; check the path, or name an image such as debian:12".to_owned()
            }
            Self::Read(source) => {
                let mut hints = source.hints();
                hints.push("nothing was asked".to_owned());
                return hints;
            }
            Self::UnknownKind { .. } | Self::NothingNamed { .. } => READ.to_owned(),
            Self::NoText { .. } | Self::Broken { .. } | Self::NoYaml { .. } => {
                "no registry was contacted; fix the file, or leave it out".to_owned()
            }
        };
        vec![hint]
    }
}
