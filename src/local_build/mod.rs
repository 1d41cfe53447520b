//! Runs a buildspec on this machine, as CodeBuild would. [`run`] is the story of one build; [`batch`] is that of several.
//!
//! The rules are those of <https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html>, and the buildspec is
//! the one that `lint` reads. Where the guide is silent, a comment says `[unverified]` and `toolkit build local --help` names
//! the rule.

mod artifacts;
pub mod batch;
mod cache;
mod commit;
mod dotenv;
mod environment;
mod error;
mod files;
mod hash_files;
mod log;
mod notes;
mod outcome;
mod phases;
mod plan;
mod process;
mod reports;
mod session;
mod shell;
mod user;
mod values;
mod workspace;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

pub use batch::Build;
pub use dotenv::secrets;
pub use environment::secret;
pub use error::Error;
pub use log::Log;
pub use outcome::{Artifact, Context, Outcome, PhaseOutcome, ReportFiles, Status};
pub use plan::{Plan, PlannedPhase};

use crate::format::buildspec::{Buildspec, PhaseName};
use crate::host::Host;
use workspace::Workspace;

/// A buildspec that was read.
#[derive(Debug)]
pub struct Spec {
    /// Its path as people gave it.
    pub path: String,
    /// What it says.
    pub buildspec: Buildspec,
}

/// How builds are run.
#[derive(Debug, Clone, Default)]
pub struct RunOptions {
    /// The folder of the source.
    pub source: PathBuf,
    /// Whether commands run in that folder itself instead of a copy.
    pub in_place: bool,
    /// Where temporary folders are made.
    pub temp: PathBuf,
    /// The phases to run; all when empty.
    pub phases: Vec<PhaseName>,
    /// Variables that go before those of the buildspec, as `StartBuild` has them.
    pub env: Vec<(String, String)>,
    /// Values for `parameter-store` and `secrets-manager`, by the names of the variables.
    pub secrets: BTreeMap<String, String>,
    /// Where artifacts are copied to; nowhere when none.
    pub artifacts: Option<PathBuf>,
    /// Where report files are copied to; nowhere when none.
    pub reports: Option<PathBuf>,
    /// Where caches are kept; nowhere when none.
    pub cache: Option<PathBuf>,
    /// How long a build may take.
    pub timeout: Option<Duration>,
}

/// Asks a running build to end. Clones ask the same build.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Asks.
    pub fn ask(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    fn check(&self) -> Result<(), Error> {
        if self.asked() { Err(Error::Stopped) } else { Ok(()) }
    }
}

/// Runs one build: copies the source, runs the phases, collects what they leave behind, removes the copy.
///
/// # Errors
/// When the build cannot be run at all, and when it was asked to stop. A build that fails is an [`Outcome`].
pub fn run(
    spec: &Spec,
    build: &Build,
    settings: &RunOptions,
    host: &Host,
    stop: &Stop,
    log: &mut Log,
) -> Result<Outcome, Error> {
    let begun = Instant::now();
    let shell = shell::program(&spec.buildspec, host)?;
    let retries = phases::Retries::of(&spec.buildspec, &settings.phases)?;
    let secrets = environment::secrets(&spec.buildspec, settings, host)?;
    log.mask(secrets.iter().map(|(_, value)| value.as_str()));
    notes::say(spec, build, host, log);
    let place = Workspace::new(settings, user::any(&spec.buildspec)?, stop)?;
    let variables = environment::variables(&spec.buildspec, build, settings, host, &place.source, secrets)?;
    let mut shell_config = session::ShellConfig::new(shell, &place, variables, stop.clone());
    shell_config.deadline = settings.timeout.map(|limit| begun + limit);
    shell_config.one_shell_each = spec.buildspec.is_old();
    let mut outcome = phases::build(spec, settings, &shell_config, retries, log)?;
    outcome.identifier.clone_from(&build.identifier);
    outcome.ignored = build.ignore_failure;
    outcome.seconds = begun.elapsed().as_secs_f64();
    place.remove()?;
    Ok(outcome)
}

/// Says what [`run`] would do, in order, and changes nothing.
///
/// # Errors
/// When the build could not be run at all.
pub fn plan(spec: &Spec, build: &Build, settings: &RunOptions, host: &Host) -> Result<Plan, Error> {
    shell::program(&spec.buildspec, host)?;
    phases::Retries::of(&spec.buildspec, &settings.phases)?;
    user::any(&spec.buildspec)?;
    Ok(plan::of(spec, build, settings, host))
}
