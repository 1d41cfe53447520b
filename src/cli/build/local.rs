//! `toolkit build local`: runs a buildspec on this machine, as CodeBuild would.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};
use serde_json::json;

use crate::cli::Global;
use crate::cli::lint::broken;
use crate::cli::render::{self, Failure, done};
use crate::cli::runtime::when_interrupted;
#[cfg(feature = "aws")]
use crate::cli::settings::Settings;
use crate::codebuild::BuildKind;
#[cfg(feature = "aws")]
use crate::codebuild::from_aws;
use crate::format::Source;
use crate::format::buildspec::{Buildspec, PhaseName};
use crate::format::source::LARGEST;
use crate::format::yaml::parse;
use crate::fs::Within;
use crate::host::Host;
use crate::local_build::{self, Build, Error, Log, Outcome, Plan, RunOptions, Spec, Status, Stop, batch};
use crate::project::{Root, boundary};

/// Run a buildspec here, as CodeBuild would
///
/// Commands run in this container or on this machine, in a copy of the current folder that is removed afterwards. Their order,
/// what runs after a failure, variables, artifacts and caches are CodeBuild's; secrets come from the environment or a file, and
/// from AWS if requested. Exits with 1 when the build failed, and with 2 when the buildspec cannot be run.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = LONG)]
pub(super) struct Arguments {
    /// The buildspec, relative to the current folder, which is the source
    #[arg(value_name = "BUILDSPEC", default_value = "buildspec.yml")]
    buildspec: PathBuf,
    /// Run in the current folder itself, not in a copy
    #[arg(long)]
    in_place: bool,
    /// Run only this phase; may be repeated. Artifacts and caches are skipped
    #[arg(long = "phase", value_enum, value_name = "NAME")]
    phases: Vec<Phase>,
    /// Run only this build of a batch; may be repeated
    #[arg(long, value_name = "ID")]
    only: Vec<String>,
    /// Ignore `batch` and run the phases, as StartBuild does
    #[arg(long, conflicts_with = "only")]
    no_batch: bool,
    /// Show what would run, in order, and run nothing
    #[arg(long)]
    dry_run: bool,
    /// Set a variable, overriding the buildspec's; may be repeated
    #[arg(long = "env", value_name = "NAME=VALUE", value_parser = pair)]
    env: Vec<(String, String)>,
    /// Read the values of parameter-store and secrets-manager from NAME=VALUE lines in this file
    #[arg(long, value_name = "FILE")]
    secrets: Option<PathBuf>,
    /// Read the values of parameter-store and secrets-manager from AWS if neither this file nor the environment has them
    #[cfg(feature = "aws")]
    #[arg(long)]
    secrets_from_aws: bool,
    /// Copy artifacts to this folder; secondary ones below their identifiers, those of a batch below the builds'
    #[arg(long, value_name = "DIR")]
    artifacts: Option<PathBuf>,
    /// Copy the files of report groups to this folder
    #[arg(long, value_name = "DIR")]
    reports: Option<PathBuf>,
    /// Save the files of `cache` in this folder, and restore them
    #[arg(long, value_name = "DIR")]
    cache: Option<PathBuf>,
    /// Stop a build after this many minutes, as a project's timeout does
    #[arg(long, value_name = "MINUTES", value_parser = minutes)]
    timeout: Option<Duration>,
}

const EXAMPLES: &str = "\
Examples:
  toolkit build local
  toolkit build local --dry-run
  toolkit build local ci/buildspec.yml --env STAGE=test --secrets .secrets --artifacts out
  toolkit build local --phase install --phase build --in-place
  toolkit build local --only amd64 --timeout 30";

const LONG: &str = "\
Examples:
  toolkit build local
  toolkit build local --dry-run
  toolkit build local ci/buildspec.yml --env STAGE=test --secrets .secrets --artifacts out
  toolkit build local --phase install --phase build --in-place
  toolkit build local --only amd64 --timeout 30

Behaviour that AWS's guide does not define (not verified on CodeBuild):
  - A failure in INSTALL or PRE_BUILD without `on-failure` ends the build; nothing is collected.
  - ABORT in BUILD skips POST_BUILD; artifacts are collected.
  - CONTINUE runs the next phase, and the build fails in the end.
  - RETRY begins the build again with its first phase and a new shell; files of the failed attempt
    stay. The expression is looked for in the message about the command and in the command's
    output. When the retries are used up, the build continues as without `on-failure`.
  - `finally` already sees CODEBUILD_BUILD_SUCCEEDING=0, and its first failing command ends it.
  - The shell of version 0.2 lives on from phase to phase. A command that ends it (`exit`, `set
    -e`) ends the phase's commands; the next shell has the exported variables and the folder of
    the command before. Functions and shell options stay for later commands, which CodeBuild may
    not do.
  - Variables that commands set are exported to the programs that later commands start.
  - Patterns match files only, and follow no link to a folder; variables in patterns are expanded.
  - Report groups without files leave the build as it is. A failed build saves no cache, and
    restoring a cache never replaces a file.
  - In a batch a build starts although one that it waits for failed, where that failure is
    ignored. The parts of a build-fanout do not get their index.

Not supported, and reported when used: `run-as` unless root runs this (HOME stays
then), `runtime-versions` (only CodeBuild's images can switch), `proxy`, `git-credential-helper`,
`codebuild-breakpoint`, `steps`, other images and machines.";

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Phase {
    Install,
    PreBuild,
    Build,
    PostBuild,
}

impl Arguments {
    pub(super) fn run(self, host: &Host, global: &Global) -> Result<ExitCode, Failure> {
        let root = Root::find(host);
        let settings = self.settings(&root, host)?;
        let shown = self.buildspec.display().to_string();
        let spec = read(&shown, &host.cwd, root.within(Path::new(&shown), &host.cwd), host)?;
        let wanted = spec.buildspec.batch.as_ref().filter(|_| !self.no_batch);
        let kind = if wanted.is_some() { BuildKind::Batch } else { BuildKind::Single };
        let builds = match wanted {
            Some(wanted) => batch::only(batch::builds(wanted)?, &self.only)?,
            None if self.only.is_empty() => vec![Build::default()],
            None => {
                let id = self.only[0].clone();
                return Err(Error::NoBuild { identifier: id, known: vec!["no builds at all".to_owned()] }.into());
            }
        };
        let specs = specs(&builds, &spec, &host.cwd, host)?;
        let jobs: Vec<(&Build, &Spec)> =
            builds.iter().zip(specs.iter().map(|own| own.as_ref().unwrap_or(&spec))).collect();
        if self.dry_run {
            let plans: Result<Vec<Plan>, Error> =
                jobs.iter().map(|(build, spec)| local_build::plan(spec, build, &settings, host)).collect();
            return show(&plans?, kind, global);
        }
        let fast_fail = wanted.is_some_and(|batch| batch.fast_fail);
        let jobs: Vec<Job<'_>> = self.with_secrets(&jobs, &settings, host, global)?;
        let outcomes = run_all(&jobs, fast_fail, host, global)?;
        report(&outcomes, kind, global)
    }

    /// Returns each build its settings. Two buildspecs of a batch may mean different secrets by one name.
    fn with_secrets<'a>(
        &self,
        jobs: &[(&'a Build, &'a Spec)],
        settings: &RunOptions,
        host: &Host,
        global: &Global,
    ) -> Result<Vec<Job<'a>>, Failure> {
        #[cfg(feature = "aws")]
        let place = self.secrets_from_aws.then(|| Settings::without_project(host, global)).transpose()?;
        #[cfg(not(feature = "aws"))]
        let _ = (host, global);
        let job = |&(build, spec): &(&'a Build, &'a Spec)| {
            #[cfg_attr(not(feature = "aws"), expect(unused_mut, reason = "secrets of AWS need the feature `aws`"))]
            let mut settings = settings.clone();
            #[cfg(feature = "aws")]
            if let Some(place) = &place {
                let is_known = |name: &str| local_build::secret(name, &settings, host).is_some();
                let found = from_aws(&place.session, &spec.buildspec.env, is_known);
                let found = place.runtime.block_on(async { Ok(found.await?) })?;
                settings.secrets.extend(found);
            }
            Ok(Job { build, spec, settings })
        };
        jobs.iter().map(job).collect()
    }

    fn settings(&self, root: &Root, host: &Host) -> Result<RunOptions, Failure> {
        let at = |path: &Option<PathBuf>| path.as_ref().map(|path| host.cwd.join(path));
        let secrets = self
            .secrets
            .as_ref()
            .map(|file| local_build::secrets(&host.cwd.join(file), root.within(file, &host.cwd)))
            .transpose()?;
        let phase = |phase: &Phase| match phase {
            Phase::Install => PhaseName::Install,
            Phase::PreBuild => PhaseName::PreBuild,
            Phase::Build => PhaseName::Build,
            Phase::PostBuild => PhaseName::PostBuild,
        };
        Ok(RunOptions {
            source: host.cwd.clone(),
            in_place: self.in_place,
            temp: PathBuf::from(host.var("TMPDIR").unwrap_or("/tmp")),
            phases: self.phases.iter().map(phase).collect(),
            env: self.env.clone(),
            secrets: secrets.unwrap_or_default(),
            artifacts: at(&self.artifacts),
            reports: at(&self.reports),
            cache: at(&self.cache),
            timeout: self.timeout,
        })
    }
}

/// Reads the buildspecs that builds of a batch name.
fn specs(builds: &[Build], whole: &Spec, source: &Path, host: &Host) -> Result<Vec<Option<Spec>>, Failure> {
    let own = |build: &Build| match &build.buildspec {
        Some(path) if *path != whole.path => read(path, source, Within::Folder(boundary(source)), host).map(Some),
        _ => Ok(None),
    };
    builds.iter().map(own).collect()
}

/// Reads a buildspec; where CodeBuild would refuse it, the failure shows what `lint` says.
fn read(shown: &str, source: &Path, within: Within<'_>, host: &Host) -> Result<Spec, Failure> {
    let path = source.join(shown);
    let bytes = match crate::fs::read(&path, within, LARGEST as u64) {
        Ok(bytes) => bytes,
        Err(error) if error.is_absent() => {
            let hint = "name the buildspec: `toolkit build local ci/buildspec.yml`; `toolkit gen buildspec` writes one";
            return Err(Failure::usage_with_hint(format!("there is no {}", path.display()), hint));
        }
        Err(error) => return Err(error.into()),
    };
    let source = match Source::decode(shown, bytes) {
        Ok(source) => source,
        Err(cause) => return Err(Failure::usage(format!("{shown}: {cause}"))),
    };
    let problems = broken(&source, host);
    if let Some(problems) = problems {
        render::say(problems);
        let hint = "nothing was run; `toolkit lint --fix` fixes what has one clear answer";
        return Err(Failure::usage_with_hint(format!("CodeBuild would not run {shown}"), hint));
    }
    match parse(&source.text) {
        Ok(tree) => Ok(Spec { path: shown.to_owned(), buildspec: Buildspec::read(&tree).0 }),
        Err(cause) => Err(Failure::usage(format!("{shown}: {cause}"))),
    }
}

/// A build with what it runs under.
struct Job<'a> {
    build: &'a Build,
    spec: &'a Spec,
    settings: RunOptions,
}

fn run_all(jobs: &[Job<'_>], fast_fail: bool, host: &Host, global: &Global) -> Result<Vec<Outcome>, Failure> {
    let stop = Stop::default();
    let asking = stop.clone();
    when_interrupted(move || asking.ask());
    let out: Box<dyn Write> = if global.json { Box::new(io::stderr()) } else { Box::new(io::stdout()) };
    let mut log = Log::new(out, host.now);
    let builds: Vec<Build> = jobs.iter().map(|job| job.build.clone()).collect();
    let mut jobs = jobs.iter();
    let outcomes = batch::run(&builds, fast_fail, &stop, &mut log, |build, log| {
        let same = |job: &&Job<'_>| job.build.identifier == build.identifier;
        let Job { spec, settings, .. } = jobs.find(same).expect("builds are run in this order");
        let mut settings = settings.clone();
        if let Some(name) = &build.identifier {
            for folder in [&mut settings.artifacts, &mut settings.reports].into_iter().flatten() {
                folder.push(name);
            }
        }
        local_build::run(spec, build, &settings, host, &stop, log)
    });
    Ok(outcomes?)
}

fn report(outcomes: &[Outcome], kind: BuildKind, global: &Global) -> Result<ExitCode, Failure> {
    let fine = outcomes.iter().all(Outcome::is_fine);
    for outcome in outcomes {
        let name = outcome.identifier.as_ref().map_or("build".to_owned(), |name| format!("build {name}"));
        let ignored = if outcome.ignored && outcome.build_status != Status::Succeeded { ", ignored" } else { "" };
        let again = if outcome.attempts > 1 { format!(", {} attempts", outcome.attempts) } else { String::new() };
        let (status, seconds) = (outcome.build_status.as_str(), outcome.seconds);
        done(global, format!("{name}: {status} in {seconds:.1} s{again}{ignored}"));
    }
    if global.json {
        match outcomes {
            [outcome] if kind == BuildKind::Single => render::json(outcome)?,
            _ => {
                let status = if fine { Status::Succeeded } else { Status::Failed };
                render::json(&json!({ "buildBatchStatus": status, "builds": outcomes }))?;
            }
        }
    }
    Ok(ExitCode::from(u8::from(!fine)))
}

fn show(plans: &[Plan], kind: BuildKind, global: &Global) -> Result<ExitCode, Failure> {
    if global.json {
        match plans {
            [plan] if kind == BuildKind::Single => render::json(plan)?,
            _ => render::json(&json!({ "builds": plans }))?,
        }
        return Ok(ExitCode::SUCCESS);
    }
    render::data(plans.iter().map(text).collect::<Vec<_>>().join("\n"))?;
    Ok(ExitCode::SUCCESS)
}

/// Returns what a build would do, for people.
fn text(plan: &Plan) -> String {
    let mut text = plan.identifier.as_ref().map_or(String::new(), |name| format!("{name}: "));
    text.push_str(&plan.buildspec);
    if !plan.waits_for.is_empty() {
        text.push_str(&format!(", after {}", plan.waits_for.join(", ")));
    }
    text.push('\n');
    for note in &plan.notes {
        text.push_str(&format!("  note: {note}\n"));
    }
    if !plan.secrets.is_empty() {
        text.push_str(&format!("  secrets: {}\n", plan.secrets.join(", ")));
    }
    for phase in &plan.phases {
        let on_failure = phase.on_failure.as_ref().map_or(String::new(), |text| format!(" (on-failure: {text})"));
        text.push_str(&format!("  {}{on_failure}\n", phase.phase_type));
        for command in &phase.commands {
            text.push_str(&format!("    {}\n", command.trim_end().replace('\n', "\n    ")));
        }
        for command in &phase.finally {
            text.push_str(&format!("    finally: {}\n", command.trim_end().replace('\n', "\n    ")));
        }
    }
    text
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    let mut chars = name.chars();
    let fine = chars.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_');
    if fine {
        Ok((name.to_owned(), value.to_owned()))
    } else {
        Err(format!("`{name}` is not a valid name for a variable"))
    }
}

fn minutes(text: &str) -> Result<Duration, String> {
    let minutes: Option<f64> = text.parse().ok().filter(|minutes| (0.0001..=100_000.0).contains(minutes));
    minutes.map(|minutes| Duration::from_secs_f64(minutes * 60.0)).ok_or_else(|| "a number of minutes".to_owned())
}
