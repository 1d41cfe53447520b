//! Why a program does not run in a root of its own.

use std::io;
use std::path::PathBuf;

use crate::fs::FileError;
use crate::model::{Explain, Kind};

/// Why a program does not run in a root of its own.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another system.
    #[error("{program} runs on Linux only")]
    NotHere {
        /// The program.
        program: String,
    },
    /// The process may not do what is needed.
    #[error("{program} needs a root file system of its own, and this process lacks {lacks}")]
    NoPrivilege {
        /// The program.
        program: String,
        /// What is missing.
        lacks: &'static str,
    },
    /// The file system refused something.
    #[error(transparent)]
    File(#[from] FileError),
    /// A process could not be started or waited for.
    #[error("could not start {program}")]
    Start {
        /// The program.
        program: String,
        /// The error of the system.
        source: io::Error,
    },
    /// The process could not give up what the program may not do.
    #[error("could not restrict {program}")]
    Confine {
        /// The program.
        program: String,
        /// The error of the system.
        source: io::Error,
    },
    /// The program left something else than a result.
    #[error("{} was not written: {reason}", to.display())]
    Result {
        /// Where the result belongs.
        to: PathBuf,
        /// What is there instead.
        reason: &'static str,
    },
}

impl Explain for Error {
    fn kind(&self) -> Kind {
        match self {
            Self::File(source) => source.kind(),
            _ => Kind::Machine,
        }
    }

    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::NotHere { .. } => {
                "use its image in a job: `toolkit lock` pins it, and `toolkit gen gitlab-ci` writes it"
            }
            Self::NoPrivilege { .. } => {
                return vec![
                    "nothing was started; run as root with CAP_SYS_CHROOT, which containers have unless it was dropped"
                        .to_owned(),
                    "a job that runs in its image needs neither: `toolkit gen gitlab-ci` writes such a job".to_owned(),
                ];
            }
            Self::File(source) => return source.hints(),
            Self::Confine { .. } => {
                "nothing was started; the kernel is older than 3.5, or a security module refuses it"
            }
            Self::Start { .. } => "the private copy of its files was removed; `toolkit verify` checks the install",
            Self::Result { .. } => "the program succeeded without this result; its own messages may say why",
        };
        vec![hint.to_owned()]
    }
}
