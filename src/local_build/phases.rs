//! Runs the phases of a build, and decides what runs after a failure.
//!
//! | failed | without `on-failure` |
//! | --- | --- |
//! | INSTALL, PRE_BUILD | the build ends; nothing else runs [unverified: the guide has it in a picture] |
//! | BUILD | POST_BUILD runs, then artifacts are collected |
//! | POST_BUILD | artifacts are collected |
//!
//! `ABORT`: no further phase runs; artifacts are collected where BUILD ran [unverified: "always attempted, even if the BUILD
//! phase fails"]. `CONTINUE`: the next phase runs, and the build is a failed one in the end [unverified; commands see
//! `CODEBUILD_BUILD_SUCCEEDING=0`]. `RETRY`: the build begins again with its first phase and a new shell; here the files of the
//! failed attempt stay [unverified]. When all retries are used up, the rules without `on-failure` hold [unverified].

use std::path::Path;
use std::time::Instant;

use regex::Regex;

use super::cache::Kept;
use super::error::Error;
use super::log::Log;
use super::outcome::{Context, Outcome, PhaseOutcome, Status};
use super::session::{Ended, Session, ShellConfig};
use super::{RunOptions, Spec, artifacts, dotenv, reports, user, values};
use crate::format::buildspec::{Buildspec, OnFailure, Phase, PhaseName, Text};

/// The remaining retries of each phase.
#[derive(Debug)]
pub(super) struct Retries(Vec<Retry>);

#[derive(Debug)]
struct Retry {
    phase: PhaseName,
    left: u32,
    matching: Option<Regex>,
}

impl Retries {
    /// Reads them from `on-failure`.
    ///
    /// # Errors
    /// When an expression is not valid, and when a selected phase has actions instead of commands. CodeBuild's
    /// expressions are assumed to be those of RE2 [unverified].
    pub(super) fn of(buildspec: &Buildspec, selected: &[PhaseName]) -> Result<Self, Error> {
        let mut retries = Vec::new();
        for phase in buildspec.phases.iter().filter(|phase| selected.is_empty() || selected.contains(&phase.name)) {
            if phase.steps.is_some() {
                return Err(Error::Steps { phase: phase.name.as_str() });
            }
            let Some(OnFailure::Retry { times, matching }) = &phase.on_failure else { continue };
            let matching = matching.as_deref().map(Regex::new).transpose().map_err(|source| Error::Pattern {
                phase: phase.name.as_str(),
                text: phase.on_failure_text.as_ref().map(|text| text.text.clone()).unwrap_or_default(),
                source: Box::new(source),
            })?;
            retries.push(Retry { phase: phase.name, left: *times, matching });
        }
        Ok(Self(retries))
    }

    /// Uses one retry for a failure. By the guide, the expression matches "a specified error message": here that is
    /// CodeBuild's message about the command, or the output of the command [unverified].
    fn take(&mut self, phase: PhaseName, message: &str, output: &[u8]) -> Option<u32> {
        let retry = self.0.iter_mut().find(|retry| retry.phase == phase && retry.left > 0)?;
        let output = String::from_utf8_lossy(output);
        if retry.matching.as_ref().is_some_and(|regex| !regex.is_match(message) && !regex.is_match(&output)) {
            return None;
        }
        retry.left -= 1;
        Some(retry.left)
    }
}

/// Runs a build, and repeats it for `on-failure: RETRY`.
pub(super) fn build(
    spec: &Spec,
    settings: &RunOptions,
    shell_config: &ShellConfig,
    mut retries: Retries,
    log: &mut Log,
) -> Result<Outcome, Error> {
    let mut attempts = 0;
    loop {
        attempts += 1;
        let session = Session::new(shell_config.clone())?;
        let outcome = Outcome::new(&spec.path, Status::Succeeded);
        let mut attempt = Attempt { spec, settings, session, outcome, log, succeeding: true };
        attempt.outcome.attempts = attempts;
        if attempt.run(&mut retries)? == Next::Done {
            return Ok(attempt.outcome);
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Again,
    Done,
}

/// What runs after a phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum After {
    Phase,
    Upload,
    Nothing,
    /// The build again, from its first phase.
    Build,
}

struct Attempt<'a> {
    spec: &'a Spec,
    settings: &'a RunOptions,
    session: Session,
    outcome: Outcome,
    log: &'a mut Log,
    succeeding: bool,
}

impl Attempt<'_> {
    fn run(&mut self, retries: &mut Retries) -> Result<Next, Error> {
        self.announce();
        let cache = self.cache()?;
        if let Some(cache) = cache.as_ref().filter(|_| self.outcome.attempts == 1) {
            cache.restore(&self.session.shell_config, self.log)?;
        }
        let mut after = After::Phase;
        for name in self.selected() {
            after = self.phase(name, retries)?;
            match after {
                After::Phase => {}
                After::Build => return Ok(Next::Again),
                After::Upload | After::Nothing => break,
            }
        }
        self.export()?;
        if after != After::Nothing && self.settings.phases.is_empty() {
            self.upload()?;
        }
        if let Some(cache) = cache.filter(|_| self.succeeding && self.settings.phases.is_empty()) {
            cache.save(&self.session.shell_config, self.log)?;
        }
        if !self.succeeding && self.outcome.build_status == Status::Succeeded {
            self.outcome.build_status = Status::Failed;
        }
        Ok(Next::Done)
    }

    fn selected(&self) -> Vec<PhaseName> {
        let is_selected = |name: &PhaseName| self.settings.phases.is_empty() || self.settings.phases.contains(name);
        PhaseName::ALL.into_iter().filter(is_selected).collect()
    }

    fn announce(&mut self) {
        let buildspec = &self.spec.buildspec;
        self.log.say(&format!("YAML location is {}", self.spec.path));
        self.log.say("Processing environment variables");
        self.log.say(&format!("Moving to directory {}", self.session.shell_config.source().display()));
        self.log.say(&format!("Phases found in YAML: {}", buildspec.phases.len()));
        for phase in &buildspec.phases {
            self.log.say(&format!(" {}: {} commands", shown(phase.name), phase.all_commands().count()));
        }
        self.log.say("Phase complete: DOWNLOAD_SOURCE State: SUCCEEDED");
        self.log.say("Phase context status code:  Message: ");
    }

    fn cache(&self) -> Result<Option<Kept>, Error> {
        match (&self.spec.buildspec.cache, &self.settings.cache) {
            (Some(cache), Some(folder)) => Kept::new(cache, folder, &self.session.shell_config).map(Some),
            _ => Ok(None),
        }
    }

    /// Runs a phase: its commands until one fails, then `finally` in any case. A phase that the buildspec lacks is
    /// entered too.
    fn phase(&mut self, name: PhaseName, retries: &mut Retries) -> Result<After, Error> {
        let begun = Instant::now();
        self.log.say(&format!("Entering phase {}", shown(name)));
        let Some(phase) = self.spec.buildspec.phase(name) else {
            self.complete(shown(name), begun, None);
            return Ok(After::Phase);
        };
        self.session.become_user(user::of(phase, &self.spec.buildspec)?)?;
        let mut failure = self.commands(&phase.commands)?;
        let output = std::mem::take(&mut self.session.tail);
        if failure != Some(Failure::TimedOut) {
            // The first failure in `finally` ends it, too [unverified], and makes the phase fail.
            let last = self.commands(&phase.finally)?;
            failure = if last == Some(Failure::TimedOut) { last } else { failure.or(last) };
        }
        let Some(failure) = failure else {
            self.complete(shown(name), begun, None);
            return Ok(After::Phase);
        };
        let context = failure.context();
        let message = context.message.clone();
        self.complete(shown(name), begun, Some(context));
        if failure == Failure::TimedOut {
            self.outcome.build_status = Status::TimedOut;
            return Ok(After::Nothing);
        }
        Ok(self.after(phase, &message, &output, retries))
    }

    fn after(&mut self, phase: &Phase, message: &str, output: &[u8], retries: &mut Retries) -> After {
        let usual = match phase.name {
            PhaseName::Install | PhaseName::PreBuild => After::Nothing,
            PhaseName::Build => After::Phase,
            PhaseName::PostBuild => After::Upload,
        };
        match &phase.on_failure {
            None => usual,
            Some(OnFailure::Continue) => After::Phase,
            Some(OnFailure::Abort) if usual == After::Nothing => After::Nothing,
            Some(OnFailure::Abort) => After::Upload,
            Some(OnFailure::Retry { .. }) => match retries.take(phase.name, message, output) {
                Some(left) => {
                    let text = phase.on_failure_text.as_ref().map_or("RETRY", |text| text.text.as_str());
                    self.log.note(&format!(
                        "`on-failure: {text}`: the build starts again, with the files as they are; {left} more retries"
                    ));
                    After::Build
                }
                None => usual,
            },
        }
    }

    /// Runs commands until one fails.
    fn commands(&mut self, commands: &[Text]) -> Result<Option<Failure>, Error> {
        for command in commands {
            let text = command.text.trim_end();
            self.log.space();
            self.log.say(&format!("Running command {text}"));
            match self.session.run(text, self.succeeding, self.log)? {
                Ended::Exit(0) => {}
                Ended::Exit(status) => {
                    self.log.space();
                    self.log.say(&format!("Command did not exit successfully {text} exit status {status}"));
                    // `finally` sees the failure already [unverified].
                    self.succeeding = false;
                    return Ok(Some(Failure::Command { text: text.to_owned(), status }));
                }
                Ended::TimedOut => {
                    self.succeeding = false;
                    return Ok(Some(Failure::TimedOut));
                }
            }
        }
        Ok(None)
    }

    fn complete(&mut self, name: &str, begun: Instant, context: Option<Context>) {
        let status = match &context {
            None => Status::Succeeded,
            Some(context) if context.status_code == TIMED_OUT => Status::TimedOut,
            Some(_) => Status::Failed,
        };
        let (code, message) =
            context.as_ref().map_or(("", ""), |context| (context.status_code.as_str(), context.message.as_str()));
        self.log.say(&format!("Phase complete: {name} State: {}", status.as_str()));
        self.log.say(&format!("Phase context status code: {code} Message: {message}"));
        let seconds = begun.elapsed().as_secs_f64();
        self.outcome.phases.push(PhaseOutcome { phase_type: name.to_owned(), phase_status: status, seconds, context });
    }

    /// Reads the values of `exported-variables` after POST_BUILD. Names that begin with `AWS_` cannot be exported.
    fn export(&mut self) -> Result<(), Error> {
        let names: Vec<&str> = self.spec.buildspec.env.exported.iter().map(|name| name.text.as_str()).collect();
        let (refused, names): (Vec<&str>, Vec<&str>) =
            names.into_iter().partition(|name| name.starts_with("AWS_") || !dotenv::is_name(name));
        for name in refused {
            self.log.note(&format!("{name} cannot be exported"));
        }
        if names.is_empty() {
            return Ok(());
        }
        for (name, value) in names.iter().zip(values::variables(&names, &self.session.shell_config)?) {
            match value {
                Some(value) => _ = self.outcome.exported_variables.insert((*name).to_owned(), value),
                None => self.log.note(&format!("{name} should be exported, but is not set")),
            }
        }
        Ok(())
    }

    fn upload(&mut self) -> Result<(), Error> {
        let begun = Instant::now();
        let (buildspec, shell_config) = (&self.spec.buildspec, &self.session.shell_config);
        let to = |folder: &Option<std::path::PathBuf>| folder.as_deref().map(Path::to_owned);
        self.outcome.reports =
            reports::find(&buildspec.reports, shell_config, to(&self.settings.reports).as_deref(), self.log)?;
        let mut context = None;
        if let Some(artifacts) = &buildspec.artifacts {
            let (collected, wrong) =
                artifacts::collect(artifacts, shell_config, to(&self.settings.artifacts).as_deref(), self.log)?;
            self.outcome.artifacts = collected;
            context = wrong;
        }
        self.succeeding &= context.is_none();
        self.complete("UPLOAD_ARTIFACTS", begun, context);
        Ok(())
    }
}

const TIMED_OUT: &str = "BUILD_TIMED_OUT";

#[derive(Debug, Clone, PartialEq, Eq)]
enum Failure {
    Command { text: String, status: i32 },
    TimedOut,
}

impl Failure {
    fn context(&self) -> Context {
        let (code, message) = match self {
            Self::Command { text, status } => (
                "COMMAND_EXECUTION_ERROR",
                format!("Error while executing command: {text}. Reason: exit status {status}"),
            ),
            Self::TimedOut => (TIMED_OUT, "Build has timed out.".to_owned()),
        };
        Context { status_code: code.to_owned(), message }
    }
}

/// Returns the name of a phase in logs and in the API.
pub(super) const fn shown(name: PhaseName) -> &'static str {
    match name {
        PhaseName::Install => "INSTALL",
        PhaseName::PreBuild => "PRE_BUILD",
        PhaseName::Build => "BUILD",
        PhaseName::PostBuild => "POST_BUILD",
    }
}
