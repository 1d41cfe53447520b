//! `toolkit build start`: starts builds on CodeBuild.

mod typed;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use serde_json::{Value, json};

use super::follow::{Options, watch};
use super::service;
use crate::aws;
use crate::cli::Global;
use crate::cli::render::{self, Failure, done};
use crate::cli::settings::Settings;
use crate::codebuild::start::{Planned, StartRequest, plan};
use crate::codebuild::{BuildKind, Cache, Environment, Project, Service, Variable, console, with_retries};
use crate::host::Host;
use crate::report::Report;
pub(super) use typed::{named, project};

/// Start a build on CodeBuild, one for each architecture, or a batch
///
/// Prints the ids, one per line, or with --wait follows the builds to their end. With --arch, environment type, image and size
/// are overridden together where the project's own machine has another architecture; settings that do not fit together are
/// refused before anything is started. Every request has a token, so that a repeated request starts nothing twice.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The CodeBuild project [default: `project` under [pipeline.codebuild] in toolkit.toml]
    #[arg(value_name = "PROJECT", value_parser = typed::project)]
    project: Option<String>,
    /// Start one build for each of these architectures: amd64, arm64
    #[arg(long, value_name = "ARCH", value_delimiter = ',', value_parser = typed::arch)]
    arch: Vec<&'static str>,
    /// Start a batch, as the buildspec's `batch` says
    #[arg(long, conflicts_with = "arch")]
    batch: bool,
    /// Build this branch, tag, commit or version of the source
    #[arg(long, value_name = "VERSION")]
    source_version: Option<String>,
    /// Use this local buildspec instead of the source's; it is checked first
    #[arg(long, value_name = "FILE")]
    buildspec: Option<PathBuf>,
    /// Use another buildspec in the source, or the one with this ARN in S3
    #[arg(long, value_name = "PATH", conflicts_with = "buildspec")]
    buildspec_in_source: Option<String>,
    /// Send the buildspec even if CodeBuild would reject it
    #[arg(long, requires = "buildspec")]
    no_lint: bool,
    /// Set a variable; may be repeated. Everyone who may read the build sees it: not for secrets
    #[arg(long, value_name = "NAME=VALUE", value_parser = typed::variable)]
    env: Vec<(String, String)>,
    /// Set a variable from a parameter of Systems Manager; may be repeated
    #[arg(long, value_name = "NAME=PARAMETER", value_parser = typed::variable)]
    env_parameter: Vec<(String, String)>,
    /// Set a variable from a secret of Secrets Manager; may be repeated
    #[arg(long, value_name = "NAME=SECRET", value_parser = typed::variable)]
    env_secret: Vec<(String, String)>,
    /// Run in this image; ARCH=IMAGE for one architecture, may be repeated
    #[arg(long, value_name = "[ARCH=]IMAGE", value_parser = typed::image)]
    image: Vec<typed::Image>,
    /// The size of the machine: small, medium, large, xlarge, 2xlarge; on Lambda 1gb to 10gb
    #[arg(long, value_name = "SIZE")]
    compute: Option<String>,
    /// The environment type: ARM_CONTAINER, LINUX_LAMBDA_CONTAINER, …
    #[arg(long, value_name = "TYPE", conflicts_with = "arch")]
    environment_type: Option<String>,
    /// Stop the build, or the batch, after this many minutes
    #[arg(long, value_name = "MINUTES", value_parser = clap::value_parser!(i32).range(5..=2160))]
    timeout: Option<i32>,
    /// Give up after this many minutes in the queue
    #[arg(long, value_name = "MINUTES", value_parser = clap::value_parser!(i32).range(5..=480))]
    queued_timeout: Option<i32>,
    /// The cache: off, local:source,docker,custom, or s3:BUCKET/PREFIX
    #[arg(long, value_name = "CACHE", value_parser = typed::cache)]
    cache: Option<Cache>,
    /// Allow containers to be built
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    privileged: Option<bool>,
    /// Let CodeBuild retry a failed build up to this many times
    #[arg(long, value_name = "N", conflicts_with = "batch", value_parser = clap::value_parser!(i32).range(0..=10))]
    retry_limit: Option<i32>,
    /// With the same KEY within five minutes, return the existing build
    #[arg(long, value_name = "KEY", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    idempotent: Option<String>,
    /// Follow the builds to their end, as `build follow` does; the exit code is 1 if a build failed
    #[arg(long)]
    wait: bool,
    /// With --wait, follow phases only
    #[arg(long, requires = "wait")]
    no_logs: bool,
    /// With --wait, stop the builds when this command is interrupted
    #[arg(long, requires = "wait")]
    stop_on_interrupt: bool,
}

const EXAMPLES: &str = "\
Examples:
  toolkit build start web
  toolkit build start web --arch amd64,arm64 --source-version main --wait
  toolkit build start web --buildspec ci/buildspec.yml --env STAGE=test --env-secret TOKEN=ci/token
  toolkit build start web --arch arm64 --image arm64=public.ecr.aws/example/ci:1
  toolkit build start web --batch --idempotent \"pipeline-$CI_PIPELINE_ID\"";

/// What was started.
struct Started {
    kind: BuildKind,
    id: String,
    arn: Option<String>,
    number: Option<i64>,
    arch: Option<&'static str>,
    status: String,
    environment: Option<Environment>,
}

impl Arguments {
    pub(super) fn run(self, host: &Host, global: &Global) -> Result<ExitCode, Failure> {
        let (logs, stop_on_interrupt) = (!self.no_logs, self.stop_on_interrupt);
        let wait = self.wait.then_some(Options { logs, stop_on_interrupt, fresh: true, interval: None });
        let request = self.request(host)?;
        let settings = Settings::without_project(host, global)?;
        let (service, started) = settings.runtime.block_on(async {
            let service = service(&settings).await?;
            let own = own_machine(&*service, &request, &settings).await?;
            let plans = plan(&request, own.as_ref())?;
            for note in plans.iter().flat_map(|plan| &plan.notes) {
                settings.report.warned(note);
            }
            let started = start(&service, &request, &plans, &settings, global).await?;
            Ok((service, started))
        })?;
        if let Some(options) = wait {
            // Of a batch the ARN, since ids of both look alike.
            let id = |one: Started| one.arn.filter(|_| one.kind == BuildKind::Batch).unwrap_or(one.id);
            return watch(&settings, global, service, started.into_iter().map(id).collect(), &options);
        }
        if global.json {
            render::json(&started.iter().map(value).collect::<Vec<_>>())?;
        } else {
            let ids: String = started.iter().map(|one| format!("{}\n", one.id)).collect();
            render::data(&ids)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Reads the project where the machine depends on it. The permission to start builds does not include
/// reading projects: where nothing has to be chosen from it, the checks do without.
async fn own_machine(
    service: &dyn Service,
    request: &StartRequest,
    settings: &Settings,
) -> Result<Option<Project>, Failure> {
    if !request.asks_for_machine() {
        return Ok(None);
    }
    let name = &request.common.project;
    match with_retries(async || service.project(name).await).await {
        Ok(project) => Ok(Some(project)),
        Err(error @ aws::Error::Denied { .. }) if request.architectures.is_empty() => {
            let text = format!("{error}: the overrides are not checked against the project's own machine");
            settings.report.warned(&text);
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// Starts all, or none: what was started before a refusal is stopped again. With a key, running the command again finds the
/// builds that are there, and they stay.
async fn start(
    service: &Arc<dyn Service>,
    request: &StartRequest,
    plans: &[Planned],
    settings: &Settings,
    global: &Global,
) -> Result<Vec<Started>, Failure> {
    let mut started: Vec<Started> = Vec::new();
    let mut begun = Begun { report: &settings.report, project: &request.common.project, ids: Vec::new(), over: false };
    for planned in plans {
        let error = match with_retries(async || one(&**service, planned, request.kind).await).await {
            Ok(one) => {
                done(global, told(&one));
                begun.ids.push(one.id.clone());
                started.push(one);
                continue;
            }
            Err(error) => error,
        };
        begun.over = true;
        for before in &started {
            if request.key.is_some() {
                settings.report.warned(&format!("{} continues; `toolkit build stop` stops it", before.id));
                continue;
            }
            let text = match with_retries(async || service.stop(&before.id).await).await {
                Ok(_) => format!("stopped {} again, because the other one was refused", before.id),
                Err(cause) => format!("{} continues, because it could not be stopped: {cause}", before.id),
            };
            settings.report.warned(&text);
        }
        return Err(error.into());
    }
    begun.over = true;
    Ok(started)
}

/// Reports what goes on at AWS when this is interrupted.
struct Begun<'a> {
    report: &'a Arc<dyn Report>,
    project: &'a str,
    ids: Vec<String>,
    over: bool,
}

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        if !self.over {
            let known = if self.ids.is_empty() { String::new() } else { format!("{} goes on; ", self.ids.join(", ")) };
            let text = format!("{known}a build may have been started: `toolkit build list {}` shows it", self.project);
            self.report.warned(&text);
        }
    }
}

async fn one(service: &dyn Service, planned: &Planned, kind: BuildKind) -> Result<Started, aws::Error> {
    let arch = planned.arch;
    match kind {
        BuildKind::Single => {
            let made = service.start(&planned.start).await?;
            let (status, environment) = (made.status.to_string(), Some(made.environment));
            Ok(Started { kind, id: made.id, arn: made.arn, number: made.number, arch, status, environment })
        }
        BuildKind::Batch => {
            let made = service.start_batch(&planned.start).await?;
            let (status, environment) = (made.status.to_string(), None);
            Ok(Started { kind, id: made.id, arn: made.arn, number: made.number, arch, status, environment })
        }
    }
}

fn told(one: &Started) -> String {
    let what = one.kind.as_str();
    let number = one.number.map_or(String::new(), |number| format!(" {number}"));
    let arch = one.arch.map_or(String::new(), |arch| format!(" on {arch}"));
    let link = one.arn.as_deref().and_then(console).map_or(String::new(), |link| format!("\n  {link}"));
    format!("started {what}{number}{arch}: {}{link}", one.id)
}

fn value(one: &Started) -> Value {
    let environment = one.environment.as_ref().map(|environment| {
        json!({ "type": environment.kind, "image": environment.image, "compute": environment.compute,
                "privileged": environment.privileged })
    });
    json!({
        "kind": one.kind.as_str(), "id": one.id, "arn": one.arn, "number": one.number,
        "arch": one.arch, "status": one.status, "environment": environment,
        "link": one.arn.as_deref().and_then(console),
    })
}
