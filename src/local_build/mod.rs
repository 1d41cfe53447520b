//! Runs a buildspec on this machine, as CodeBuild would. [`run`] runs one build; [`batch`] runs several.
//!
//! The rules are those of <https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html>, and the
//! buildspec is parsed as by `lint`. Where the guide has no rule, a comment says `[unverified]`, and `toolkit build
//! local --help` describes the behaviour.

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

#[derive(Debug)]
pub struct Spec {
    /// Its path, as the user gave it.
    pub path: String,
    pub buildspec: Buildspec,
}

/// The settings of local builds.
#[derive(Debug, Clone, Default)]
pub struct RunOptions {
    /// The folder of the source.
    pub source: PathBuf,
    /// True to run commands in that folder instead of a copy.
    pub in_place: bool,
    /// The parent of temporary folders.
    pub temp: PathBuf,
    /// The phases to run; all when empty.
    pub phases: Vec<PhaseName>,
    /// Variables that override those of the buildspec, as in `StartBuild`.
    pub env: Vec<(String, String)>,
    /// Values for `parameter-store` and `secrets-manager`, by the names of the variables.
    pub secrets: BTreeMap<String, String>,
    /// The target folder of artifacts; none to skip them.
    pub artifacts: Option<PathBuf>,
    /// The target folder of report files; none to skip them.
    pub reports: Option<PathBuf>,
    /// The folder of caches; none to skip them.
    pub cache: Option<PathBuf>,
    /// The time limit of a build.
    pub timeout: Option<Duration>,
}

/// Stops a running build. Clones stop the same build.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    pub fn ask(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_requested(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    fn check(&self) -> Result<(), Error> {
        if self.is_requested() { Err(Error::Stopped) } else { Ok(()) }
    }
}

/// Runs one build: copies the source, runs the phases, collects artifacts and reports, removes the copy.
///
/// # Errors
/// When the build cannot be run, and when it was stopped. A failed build is an [`Outcome`].
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
    let workspace = Workspace::new(settings, user::any(&spec.buildspec)?, stop)?;
    let variables = environment::variables(&spec.buildspec, build, settings, host, &workspace.source, secrets)?;
    let mut shell_config = session::ShellConfig::new(shell, &workspace, variables, stop.clone());
    shell_config.deadline = settings.timeout.map(|limit| begun + limit);
    shell_config.one_shell_each = spec.buildspec.is_old();
    let mut outcome = phases::build(spec, settings, &shell_config, retries, log)?;
    outcome.identifier.clone_from(&build.identifier);
    outcome.ignored = build.ignore_failure;
    outcome.seconds = begun.elapsed().as_secs_f64();
    outcome.hide(&|text| log.hide(text));
    workspace.remove()?;
    Ok(outcome)
}

/// Returns what [`run`] would do, in order. Changes nothing.
///
/// # Errors
/// When the build could not be run.
pub fn plan(spec: &Spec, build: &Build, settings: &RunOptions, host: &Host) -> Result<Plan, Error> {
    shell::program(&spec.buildspec, host)?;
    phases::Retries::of(&spec.buildspec, &settings.phases)?;
    user::any(&spec.buildspec)?;
    Ok(plan::of(spec, build, settings, host))
}
