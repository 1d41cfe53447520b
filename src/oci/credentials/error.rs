//! Why a source of credentials could not be asked, in words that hold no secret.

use std::path::PathBuf;
use std::time::Duration;

use crate::model::{Explain, Kind};
use crate::net;

/// Why a source of credentials could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file of credentials cannot be read.
    #[error("could not read the credentials in {}", path.display())]
    FileUnreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file of credentials is none.
    #[error("{} holds more than {} KiB, as no file of credentials does", path.display(), limit >> 10)]
    FileTooLarge {
        /// The file.
        path: PathBuf,
        /// The limit in bytes.
        limit: u64,
    },
    /// A file of credentials is not JSON of the known shape.
    #[error("{file} is not a file of credentials as docker writes them (line {line}, column {column})")]
    FileBroken {
        /// The file, or the variable that holds the text.
        file: String,
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
    },
    /// An entry of a file cannot be read.
    #[error("the entry for {key} in {file} {reason}")]
    EntryBroken {
        /// The file, or the variable that holds the text.
        file: String,
        /// The entry's key in `auths`.
        key: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A name that no helper program has.
    #[error("`{setting}` in {file} asks for a helper program that cannot be one: `{name}`")]
    HelperName {
        /// The file.
        file: String,
        /// The key that names the program.
        setting: &'static str,
        /// The name.
        name: String,
    },
    /// The helper program is not installed.
    #[error("`{setting}` in {file} asks for {program}, which is not on PATH")]
    HelperMissing {
        /// The file.
        file: String,
        /// The key that names the program.
        setting: &'static str,
        /// The program.
        program: String,
    },
    /// The helper program did not start, or could not be talked to.
    #[error("could not run {program}")]
    HelperNotRun {
        /// The program.
        program: String,
        /// Why.
        source: std::io::Error,
    },
    /// The helper program did not end.
    #[error("{program} gave no credentials for {server} within {} s and was ended", limit.as_secs())]
    HelperTooSlow {
        /// The program.
        program: String,
        /// What it was asked about.
        server: String,
        /// How long it was waited for.
        limit: Duration,
    },
    /// The helper program said more than any credential has.
    #[error("{program} printed more than {} KiB for {server} and was ended", limit >> 10)]
    HelperTooLoud {
        /// The program.
        program: String,
        /// What it was asked about.
        server: String,
        /// The limit in bytes.
        limit: u64,
    },
    /// The helper program failed.
    #[error("{program} has no credentials for {server}: {reason}")]
    HelperFailed {
        /// The program.
        program: String,
        /// What it was asked about.
        server: String,
        /// How it ended and what it said.
        reason: String,
    },
    /// The helper program answered in another way than helper programs do.
    #[error("{program} answered for {server} with something else than the JSON of a credential")]
    HelperAnswer {
        /// The program.
        program: String,
        /// What it was asked about.
        server: String,
    },
    /// A registry of ECR, and a program that cannot ask ECR.
    #[error("a registry of Amazon ECR asks for AWS credentials, and this toolkit was built without AWS")]
    EcrNotBuilt,
    /// No credentials of AWS are there.
    #[error("no AWS credentials were found, which a registry of Amazon ECR asks for")]
    AwsMissing,
    /// Credentials of AWS should be there, and cannot be had.
    #[error("could not get AWS credentials: {reason}")]
    AwsBroken {
        /// What the SDK says.
        reason: String,
    },
    /// The credentials of AWS are too old.
    #[error("the AWS credentials have expired")]
    AwsExpired,
    /// The credentials of AWS are wrong.
    #[error("Amazon ECR does not take the AWS credentials ({code})")]
    AwsRefused {
        /// The name of the error.
        code: String,
    },
    /// The credentials of AWS do not allow to ask for a token.
    #[error("the AWS credentials do not allow {action}{}", because(said))]
    EcrDenied {
        /// The action that is missing: `ecr:GetAuthorizationToken`.
        action: &'static str,
        /// What AWS says; may be empty.
        said: String,
    },
    /// The variable with the address of ECR's API holds none.
    #[error("{variable} is no address of a server")]
    EcrAddress {
        /// The variable.
        variable: &'static str,
    },
    /// ECR's API was not reached.
    #[error("could not ask Amazon ECR for a password")]
    EcrUnreachable {
        /// Why.
        source: Box<net::Error>,
    },
    /// ECR's API answered in another way than documented.
    #[error("Amazon ECR's answer is not as expected: {reason}")]
    EcrAnswer {
        /// What is wrong with it.
        reason: String,
    },
}

fn because(said: &str) -> String {
    if said.is_empty() { String::new() } else { format!(": {said}") }
}

impl Explain for Error {
    fn kind(&self) -> Kind {
        match self {
            Self::FileTooLarge { .. } | Self::FileBroken { .. } | Self::EntryBroken { .. } => Kind::Usage,
            Self::HelperName { .. } | Self::EcrAddress { .. } | Self::EcrNotBuilt => Kind::Usage,
            // As where a registry itself refuses: another try changes nothing.
            Self::AwsRefused { .. } | Self::EcrDenied { .. } => Kind::Usage,
            Self::EcrUnreachable { source } => source.kind(),
            Self::EcrAnswer { .. } => Kind::Upstream,
            _ => Kind::Machine,
        }
    }

    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::FileUnreadable { .. } => {
                "check that this user may read it, or name another file in REGISTRY_AUTH_FILE"
            }
            Self::FileTooLarge { .. } => "check REGISTRY_AUTH_FILE and DOCKER_CONFIG: they name this file",
            Self::FileBroken { .. } => "mend it there, or log in anew: `docker login`, `podman login`",
            Self::EntryBroken { .. } => "log in to that registry anew: `docker login`, `podman login`",
            Self::HelperName { .. } => {
                "docker's helper programs are named by letters, digits, `.`, `_` and `-`, without a folder: `ecr-login`"
            }
            Self::HelperMissing { .. } => {
                "install it, or take that key out of the file; a file of Docker Desktop's does not fit a container"
            }
            Self::HelperNotRun { .. } => "check that it is a program for this machine: `docker-credential-NAME list`",
            Self::HelperTooSlow { .. } => {
                "a locked key store that asks for a password is the usual cause; unlock it first"
            }
            Self::HelperTooLoud { .. } | Self::HelperAnswer { .. } => {
                "ask it yourself to see what it says: `echo REGISTRY | docker-credential-NAME get`"
            }
            Self::HelperFailed { .. } => {
                "log in to that registry anew, or take the helper out of the file that names it"
            }
            Self::EcrNotBuilt => {
                "take a toolkit with AWS, or log in first: `aws ecr get-login-password | docker login -u AWS --password-stdin`"
            }
            Self::AwsMissing => {
                "set AWS_PROFILE or AWS_ACCESS_KEY_ID, give the build or instance a role, or `docker login` to the registry"
            }
            Self::AwsBroken { .. } => {
                "check with `aws sts get-caller-identity`; for a profile of SSO: `aws configure export-credentials --format env`"
            }
            Self::AwsExpired => "get new ones: `aws sso login`, or start the job again",
            Self::AwsRefused { .. } => "check them with `aws sts get-caller-identity`, and the clock of this machine",
            Self::EcrDenied { action, .. } => {
                return vec![format!("allow {action} on `*` in the policy of this role or user")];
            }
            Self::EcrAddress { .. } => "unset it, or set it to https://HOST; plain http is for this machine only",
            Self::EcrUnreachable { source } => return source.hints(),
            Self::EcrAnswer { .. } => "a proxy in between is the usual cause",
        };
        vec![hint.to_owned()]
    }
}
