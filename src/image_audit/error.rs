//! Errors about the inputs of a check.

use std::path::PathBuf;

use crate::format::{Unreadable, yaml};
use crate::fs::FileError;
use crate::model::{BadReference, Explain, Kind};

/// Errors about the inputs of a check.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// An argument is neither a file or folder nor an image.
    #[error("there is no file `{text}`, and it is not the name of an image either")]
    NoInput {
        text: String,
        /// Why it is not an image.
        source: BadReference,
    },
    /// A file or folder could not be read.
    #[error(transparent)]
    Read(#[from] FileError),
    /// A file is not text.
    #[error("{} cannot be searched for images", path.display())]
    NoText { path: PathBuf, source: Unreadable },
    /// A file does not match its name.
    #[error("{}, line {line}: {reason}", path.display())]
    Broken {
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        reason: String,
    },
    /// A file is not YAML.
    #[error("{}, line {line} is not valid YAML", path.display())]
    NoYaml {
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        source: yaml::Error,
    },
    /// A file is not of a kind that names images.
    #[error("{} is not a kind of file that this command searches for images", path.display())]
    UnknownKind { path: PathBuf },
    /// No image was found.
    #[error("{what} names no images; no registry was contacted")]
    NothingNamed { what: String },
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
