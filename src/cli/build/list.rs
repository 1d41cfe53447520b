//! `toolkit build list`: the last builds or batches.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::service;
use super::spoken::spoken;
use super::start::project;
use crate::aws;
use crate::cli::Global;
use crate::cli::render::{self, Failure};
use crate::cli::settings::Settings;
use crate::codebuild::{Batch, Build, Page, Service, console, with_retries};
use crate::format::buildspec::images::environment_type;
use crate::host::Host;

/// List builds or batches on CodeBuild, newest first, with what they ran on and how long they took
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The project [default: all projects in the region]
    #[arg(value_name = "PROJECT", value_parser = project)]
    project: Option<String>,
    /// List batches
    #[arg(long)]
    batches: bool,
    /// The number of builds or batches
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
}

const EXAMPLES: &str = "\
Examples:
  toolkit build list web
  toolkit build list --limit 100 --json
  toolkit build list web --batches";

/// The most ids of one question.
const MOST: usize = 100;

impl Arguments {
    pub(super) fn run(self, host: &Host, global: &Global) -> Result<ExitCode, Failure> {
        let settings = Settings::without_project(host, global)?;
        let now = host.now;
        let (rows, values): (Vec<_>, Vec<_>) = settings.runtime.block_on(async {
            let service = service(&settings).await?;
            let ids = self.ids(&*service).await?;
            Ok(if self.batches {
                let all = batches(&*service, &ids).await?;
                all.iter().map(|batch| (batch_row(batch, now), batch_value(batch))).unzip()
            } else {
                let all = builds(&*service, &ids).await?;
                all.iter().map(|build| (build_row(build, now), build_value(build))).unzip()
            })
        })?;
        if global.json {
            render::json(&values)?;
        } else if rows.is_empty() {
            let what = if self.batches { "batches" } else { "builds" };
            render::say(format!("no {what}\n"));
        } else {
            let header: &[&str] = if self.batches {
                &["batch", "number", "status", "builds", "started", "took"]
            } else {
                &["build", "number", "status", "environment", "started", "took", "source"]
            };
            render::data(render::table(header, &rows))?;
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn ids(&self, service: &dyn Service) -> Result<Vec<String>, aws::Error> {
        let (limit, project) = (usize::from(self.limit), self.project.as_deref());
        let mut ids: Vec<String> = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let Page { ids: more, next } = with_retries(async || {
                let after = after.as_deref();
                if self.batches {
                    service.list_batches(project, after).await
                } else {
                    service.list(project, after).await
                }
            })
            .await?;
            ids.extend(more);
            // A token that comes back would be asked for without end.
            if ids.len() >= limit || next.is_none() || next == after {
                ids.truncate(limit);
                return Ok(ids);
            }
            after = next;
        }
    }
}

/// Reads builds, in the order of their ids.
async fn builds(service: &dyn Service, ids: &[String]) -> Result<Vec<Build>, aws::Error> {
    let mut all = Vec::new();
    for part in ids.chunks(MOST) {
        all.extend(with_retries(async || service.builds(part).await).await?);
    }
    all.sort_by_key(|build| ids.iter().position(|id| *id == build.id));
    Ok(all)
}

/// Reads batches, in the order of their ids.
async fn batches(service: &dyn Service, ids: &[String]) -> Result<Vec<Batch>, aws::Error> {
    let mut all = Vec::new();
    for part in ids.chunks(MOST) {
        all.extend(with_retries(async || service.batches(part).await).await?);
    }
    all.sort_by_key(|batch| ids.iter().position(|id| *id == batch.id));
    Ok(all)
}

fn build_row(build: &Build, now: Timestamp) -> Vec<String> {
    let short = |version: &String| version.chars().take(20).collect::<String>();
    vec![
        build.id.clone(),
        number(build.number),
        build.status.to_string(),
        build.environment.kind.clone(),
        time(build.started),
        took(build.started, build.ended, now, build.status.is_over()),
        build.source_version.as_ref().or(build.resolved_version.as_ref()).map_or_else(dash, short),
    ]
}

fn batch_row(batch: &Batch, now: Timestamp) -> Vec<String> {
    vec![
        batch.id.clone(),
        number(batch.number),
        batch.status.to_string(),
        batch.groups.len().to_string(),
        time(batch.started),
        took(batch.started, batch.ended, now, batch.status.is_over()),
    ]
}

fn build_value(build: &Build) -> Value {
    let environment = &build.environment;
    json!({
        "id": build.id, "arn": build.arn, "number": build.number, "project": build.project,
        "status": build.status.as_str(), "phase": build.current, "batch": build.batch,
        "environment": { "type": environment.kind, "image": environment.image, "compute": environment.compute,
                         "privileged": environment.privileged },
        "arch": environment_type(&environment.kind).map(|kind| kind.arch),
        "started": build.started, "ended": build.ended, "seconds": seconds(build.started, build.ended),
        "source_version": build.source_version, "resolved_version": build.resolved_version,
        "initiator": build.initiator, "link": build.arn.as_deref().and_then(console),
    })
}

fn batch_value(batch: &Batch) -> Value {
    let groups = batch.groups.iter().map(|group| {
        json!({ "identifier": group.identifier, "build": group.current.as_ref().map(|(arn, _)| arn),
                "status": group.current.as_ref().map(|(_, status)| status.as_str()) })
    });
    json!({
        "id": batch.id, "arn": batch.arn, "number": batch.number, "project": batch.project,
        "status": batch.status.as_str(), "phase": batch.current, "builds": groups.collect::<Vec<_>>(),
        "started": batch.started, "ended": batch.ended, "seconds": seconds(batch.started, batch.ended),
        "link": batch.arn.as_deref().and_then(console),
    })
}

fn number(number: Option<i64>) -> String {
    number.map_or_else(dash, |number| number.to_string())
}

/// Returns `2026-11-20 10:00` of UTC.
fn time(time: Option<Timestamp>) -> String {
    time.map_or_else(dash, |time| time.strftime("%Y-%m-%d %H:%MZ").to_string())
}

/// Returns `1m 42s`; what runs shows how long it has, with a sign.
fn took(started: Option<Timestamp>, ended: Option<Timestamp>, now: Timestamp, over: bool) -> String {
    let (Some(started), until) = (started, ended.or((!over).then_some(now))) else { return dash() };
    let Some(until) = until else { return dash() };
    let seconds = until.duration_since(started).as_secs().max(0).unsigned_abs();
    let running = if over { "" } else { " so far" };
    format!("{}{running}", spoken(Duration::from_secs(seconds)))
}

fn seconds(started: Option<Timestamp>, ended: Option<Timestamp>) -> Option<i64> {
    Some(ended?.duration_since(started?).as_secs())
}

fn dash() -> String {
    "-".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_that_runs_shows_how_long_it_has() {
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        assert_eq!(took(Some(at(0)), Some(at(61)), at(100), true), "1m 1s");
        assert_eq!(took(Some(at(0)), None, at(100), false), "1m 40s so far");
        assert_eq!(took(Some(at(0)), None, at(100), true), "-");
        assert_eq!(took(Some(at(200)), None, at(100), false), "0s so far");
    }
}
