//! Errors of credential sources. No message contains a secret.

use std::path::PathBuf;
use std::time::Duration;

use crate::aws;
use crate::fs::Cause;
use crate::model::{Explain, Kind};

/// Why a source of credentials failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A credentials file cannot be read.
    #[error("could not read the credentials in {}", path.display())]
    FileUnreadable { path: PathBuf, source: Cause },
    /// A credentials file is too large.
    #[error("{} is larger than {} KiB, the limit for a file of credentials", path.display(), limit >> 10)]
    FileTooLarge {
        path: PathBuf,
        /// The limit in bytes.
        limit: u64,
    },
    /// A credentials file is not valid.
    #[error("{file} is not a valid Docker credentials file (line {line}, column {column})")]
    FileBroken {
        /// The file, or the variable that contains the text.
        file: String,
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
    },
    /// An entry of a file cannot be read.
    #[error("the entry for {key} in {file} {reason}")]
    EntryBroken {
        /// The file, or the variable that contains the text.
        file: String,
        /// The entry's key in `auths`.
        key: String,
        reason: &'static str,
    },
    /// The name of a credential helper is not valid.
    #[error("`{setting}` in {file} names a helper program with an invalid name: `{name}`")]
    HelperName {
        file: String,
        /// The key that names the program.
        setting: &'static str,
        name: String,
    },
    /// The credential helper is not installed.
    #[error("`{setting}` in {file} names {program}, which is not on PATH")]
    HelperMissing {
        file: String,
        /// The key that names the program.
        setting: &'static str,
        program: String,
    },
    /// The credential helper could not be run.
    #[error("could not run {program}")]
    HelperNotRun { program: String, source: std::io::Error },
    /// The credential helper did not end in time.
    #[error("{program} returned no credentials for {server} within {} s and was stopped", limit.as_secs())]
    HelperTooSlow { program: String, server: String, limit: Duration },
    /// The credential helper printed too much.
    #[error("{program} printed more than {} KiB for {server} and was stopped", limit >> 10)]
    HelperTooLoud {
        program: String,
        server: String,
        /// The limit in bytes.
        limit: u64,
    },
    /// The credential helper failed.
    #[error("{program} has no credentials for {server}: {reason}")]
    HelperFailed {
        program: String,
        server: String,
        /// Its exit status and message.
        reason: String,
    },
    /// The output of the credential helper is not valid.
    #[error("{program} did not return a credential in JSON for {server}")]
    HelperAnswer { program: String, server: String },
    /// The password of an Amazon ECR registry could not be read.
    #[error(transparent)]
    Amazon(Box<aws::Error>),
}

impl From<aws::Error> for Error {
    fn from(error: aws::Error) -> Self {
        Self::Amazon(Box::new(error))
    }
}

impl Explain for Error {
    fn kind(&self) -> Kind {
        match self {
            Self::FileTooLarge { .. } | Self::FileBroken { .. } | Self::EntryBroken { .. } => Kind::Usage,
            Self::HelperName { .. } => Kind::Usage,
            Self::Amazon(error) => error.kind(),
            _ => Kind::Machine,
        }
    }

    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::FileUnreadable { .. } => {
                "check that this user may read it, or name another file in REGISTRY_AUTH_FILE"
            }
            Self::FileTooLarge { .. } => "check REGISTRY_AUTH_FILE and DOCKER_CONFIG: they name this file",
            Self::FileBroken { .. } => "fix it there, or log in again: `docker login`, `podman login`",
            Self::EntryBroken { .. } => "log in to that registry again: `docker login`, `podman login`",
            Self::HelperName { .. } => "the name has letters, digits, `.`, `_` and `-`, and no folder: `ecr-login`",
            Self::HelperMissing { .. } => {
                "install it, or remove that key from the file; Docker Desktop's file does not work in a container"
            }
            Self::HelperNotRun { .. } => "check that it is a program for this machine: `docker-credential-NAME list`",
            Self::HelperTooSlow { .. } => {
                "the usual cause is a locked key store that asks for a password; unlock it first"
            }
            Self::HelperTooLoud { .. } | Self::HelperAnswer { .. } => {
                "run it yourself to see what it prints: `echo REGISTRY | docker-credential-NAME get`"
            }
            Self::HelperFailed { .. } => {
                "log in to that registry again, or remove the helper from the file that names it"
            }
            Self::Amazon(error) => return error.hints(),
        };
        vec![hint.to_owned()]
    }
}
