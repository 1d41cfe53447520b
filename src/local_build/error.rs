//! Errors of local builds.

use std::io;
use std::path::PathBuf;

use crate::fs::FileError;
use crate::model::{Explain, Kind};
use crate::text::all_of;

/// Why a buildspec cannot be run on this machine.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The shell belongs to another system.
    #[error("`env.shell: {shell}` cannot be run here")]
    Shell {
        /// What the buildspec asks for.
        shell: String,
    },
    /// The shell is not installed.
    #[error("the shell `{shell}` is not installed on this machine")]
    NoShell { shell: String },
    /// This system has no POSIX shells.
    #[error("`toolkit build local` runs on Linux and macOS")]
    System,
    /// The phase has actions instead of commands.
    #[error("`phases.{phase}` contains `steps`, which only CodeBuild's own runner can run")]
    Steps { phase: &'static str },
    /// The expression of `on-failure` is not valid.
    #[error("`on-failure: {text}` in `phases.{phase}` has an invalid regular expression")]
    Pattern { phase: &'static str, text: String, source: Box<regex::Error> },
    /// A file pattern of artifacts, reports or caches is not valid.
    #[error("`{pattern}` is not a valid file pattern")]
    Glob { pattern: String, source: Box<globset::Error> },
    #[error("no value is set for {}", all_of(names))]
    Secrets { names: Vec<String> },
    /// A line of a secrets file is not valid.
    #[error("line {line} of {} is not of the form NAME=VALUE", path.display())]
    SecretsFile {
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// The user does not exist.
    #[error("`run-as: {user}`: this machine has no such user")]
    User { user: String },
    /// The name of a variable is not valid.
    #[error("{name:?} is not a valid name for a variable")]
    Variable { name: String },
    /// The batch does not have exactly one kind of build list.
    #[error("`batch` lists its builds in {found} ways; exactly one is needed")]
    BatchKinds { found: usize },
    /// The batch has more builds than CodeBuild starts.
    #[error("`batch` has {} builds, and CodeBuild allows {limit}", if *found == usize::MAX { "far too many".to_owned() } else { found.to_string() })]
    TooManyBuilds {
        found: usize,
        /// How many CodeBuild allows.
        limit: usize,
    },
    /// Builds wait for each other, or for one that does not exist.
    #[error("the build `{identifier}` can never start: it waits for {}", all_of(waits_for))]
    Order {
        identifier: String,
        /// The builds that it waits for.
        waits_for: Vec<String>,
    },
    /// Two builds have the same name.
    #[error("two builds of the batch have the identifier `{identifier}`")]
    Twice { identifier: String },
    /// The requested build does not exist.
    #[error("the batch has no build `{identifier}`; it has {}", all_of(known))]
    NoBuild { identifier: String, known: Vec<String> },
    /// The file system refused something.
    #[error(transparent)]
    File(#[from] FileError),
    /// A process did not start.
    #[error("could not start `{program}`")]
    Start { program: String, source: io::Error },
    /// The user stopped the build.
    #[error("the build was stopped; its processes were ended and its copy of the source was removed")]
    Stopped,
}

impl Explain for Error {
    fn kind(&self) -> Kind {
        match self {
            Self::File(source) => source.kind(),
            Self::System | Self::Start { .. } | Self::Stopped | Self::NoShell { .. } => Kind::Machine,
            _ => Kind::Usage,
        }
    }

    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::Shell { .. } => "nothing was run; on Linux, CodeBuild supports `bash` and `/bin/sh`",
            Self::NoShell { .. } => "nothing was run; install it, or remove `env.shell` from the buildspec to use `sh`",
            Self::System => "run it in a Linux container",
            Self::Steps { .. } => {
                "nothing was run; leave that phase out with `--phase`, or start the build on CodeBuild"
            }
            Self::Pattern { .. } => {
                "nothing was run; the form is RETRY-<n>-<expression>, such as `RETRY-2-.*timeout.*`"
            }
            Self::Glob { .. } => "`*` matches within a name, `**` across folders, `[ab]` either character",
            Self::Secrets { .. } => {
                "nothing was run; set them in the environment, give NAME=VALUE lines with --secrets FILE, or read them from AWS with --secrets-from-aws"
            }
            Self::SecretsFile { .. } => "nothing was run; write one NAME=VALUE per line, and `#` before comments",
            Self::User { .. } => {
                "nothing was run; create the user, or run this as a user other than root, who cannot switch users"
            }
            Self::Variable { .. } => "nothing was run; a name consists of letters, digits and `_`",
            Self::BatchKinds { .. } => {
                "use one of build-graph, build-list, build-matrix and build-fanout, or run the phases alone with --no-batch"
            }
            Self::TooManyBuilds { .. } => "nothing was run; shorten the lists, or run the phases alone with --no-batch",
            Self::Order { .. } => "nothing was run; `toolkit lint` shows the cycle or the missing name",
            Self::Twice { .. } => "nothing was run; give each build its own `identifier`",
            Self::NoBuild { .. } => "nothing was run; `--dry-run` lists the builds in order",
            Self::File(source) => return source.hints(),
            Self::Start { .. } => "check its permissions and the process limit of this machine",
            Self::Stopped => "run the command again to start over",
        };
        vec![hint.to_owned()]
    }
}
