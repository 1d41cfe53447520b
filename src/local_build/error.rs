//! Why a buildspec cannot be run here.

use std::io;
use std::path::PathBuf;

use crate::fs::FileError;
use crate::model::{Explain, Kind};

/// What stands between a buildspec and its run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Commands for a shell of another system.
    #[error("`env.shell: {shell}` cannot be run here")]
    Shell {
        /// What the buildspec asks for.
        shell: String,
    },
    /// The shell is not installed.
    #[error("the shell `{shell}` is not on this machine")]
    NoShell {
        /// Its name.
        shell: String,
    },
    /// This system has no POSIX shells.
    #[error("`toolkit build local` runs on Linux and macOS")]
    System,
    /// Actions instead of commands.
    #[error("`phases.{phase}` holds `steps`, which only CodeBuild's own runner can run")]
    Steps {
        /// The phase.
        phase: &'static str,
    },
    /// An expression of `on-failure` that is none.
    #[error("`on-failure: {text}` in `phases.{phase}` has an expression that cannot be read")]
    Pattern {
        /// The phase.
        phase: &'static str,
        /// The value.
        text: String,
        /// Why not.
        source: Box<regex::Error>,
    },
    /// Files of artifacts, reports or caches that are no pattern.
    #[error("`{pattern}` cannot be read as a pattern for files")]
    Glob {
        /// The pattern.
        pattern: String,
        /// Why not.
        source: Box<globset::Error>,
    },
    /// Secrets without values.
    #[error("no value is known for {}", listed(names))]
    Secrets {
        /// The variables.
        names: Vec<String>,
    },
    /// A line of a file of secrets that is none.
    #[error("line {line} of {} is no NAME=VALUE", path.display())]
    SecretsFile {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// A user that does not exist.
    #[error("`run-as: {user}`: this machine has no such user")]
    User {
        /// The name.
        user: String,
    },
    /// A variable that no environment can hold.
    #[error("{name:?} cannot be the name of a variable")]
    Variable {
        /// Its name.
        name: String,
    },
    /// A batch that lists its builds in several ways, or in none.
    #[error("`batch` lists builds in {found} ways; one is needed")]
    BatchKinds {
        /// How many.
        found: usize,
    },
    /// Builds that wait for each other, or for one that does not exist.
    #[error("the build `{identifier}` can never start: it waits for {}", listed(waits_for))]
    Order {
        /// The build.
        identifier: String,
        /// What it waits for.
        waits_for: Vec<String>,
    },
    /// Two builds of one name.
    #[error("two builds of the batch are called `{identifier}`")]
    Twice {
        /// The name.
        identifier: String,
    },
    /// A build was asked for that is not there.
    #[error("the batch has no build `{identifier}`; it has {}", listed(known))]
    NoBuild {
        /// What was asked for.
        identifier: String,
        /// What there is.
        known: Vec<String>,
    },
    /// The file system refused something.
    #[error(transparent)]
    File(#[from] FileError),
    /// A process did not start.
    #[error("could not start `{program}`")]
    Start {
        /// The program.
        program: String,
        /// Why not.
        source: io::Error,
    },
    /// Somebody asked to stop.
    #[error("the build was stopped; its shell, everything that it had started, and the copy of the source are gone")]
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
            Self::Shell { .. } => "on Linux CodeBuild knows `bash` and `/bin/sh`; nothing was run",
            Self::NoShell { .. } => "install it, or take `env.shell` out of the buildspec to run `sh`; nothing was run",
            Self::System => "run it in a Linux container",
            Self::Steps { .. } => {
                "leave that phase out with `--phase`, or start the build on CodeBuild; nothing was run"
            }
            Self::Pattern { .. } => {
                "the form is RETRY-<n>-<expression>, such as `RETRY-2-.*timeout.*`; nothing was run"
            }
            Self::Glob { .. } => "`*` matches within a name, `**` across folders, `[ab]` one of the characters",
            Self::Secrets { .. } => {
                "set them in the environment, give NAME=VALUE lines with --secrets FILE, or ask AWS by --secrets-from-aws; nothing was run"
            }
            Self::SecretsFile { .. } => "one NAME=VALUE a line, `#` before remarks; nothing was run",
            Self::User { .. } => "create it, or run this as another user than root, who cannot choose; nothing was run",
            Self::Variable { .. } => "names have letters, digits and `_`; nothing was run",
            Self::BatchKinds { .. } => {
                "write one of build-graph, build-list, build-matrix and build-fanout, or run the phases alone with --no-batch"
            }
            Self::Order { .. } => "`toolkit lint` shows the circle or the name that is missing; nothing was run",
            Self::Twice { .. } => "give each build an `identifier` of its own; nothing was run",
            Self::NoBuild { .. } => "`--dry-run` lists the builds in their order; nothing was run",
            Self::File(source) => return source.hints(),
            Self::Start { .. } => "look at its permissions and at the limit of processes on this machine",
            Self::Stopped => "run the command again to begin anew",
        };
        vec![hint.to_owned()]
    }
}

fn listed(names: &[String]) -> String {
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => names.concat(),
    }
}
