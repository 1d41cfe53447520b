//! `toolkit build stop`: stops builds and batches.

use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use super::service;
use crate::aws;
use crate::cli::Global;
use crate::cli::render::{self, Failure, done};
use crate::cli::settings::Settings;
use crate::codebuild::{BuildKind, Found, Service, Status, find, with_retries};
use crate::host::Host;

/// Stop builds and batches on CodeBuild
///
/// A batch is stopped with all its builds. Builds that have already ended are not an error.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Builds and batches, by id or ARN
    #[arg(value_name = "ID", required = true, value_parser = id)]
    ids: Vec<String>,
}

const EXAMPLES: &str = "\
Examples:
  toolkit build stop web:8f6b1b0e-3c6a-4f4e-9a43-0c6b4d0b8c55
  toolkit build stop arn:aws:codebuild:eu-west-1:111122223333:build-batch/web:8f6b1b0e…";

/// What became of one.
struct Stopped {
    id: String,
    kind: BuildKind,
    /// How it stands now.
    status: Status,
    /// Whether it was over before.
    before: bool,
}

impl Arguments {
    pub(super) fn run(self, host: &Host, global: &Global) -> Result<ExitCode, Failure> {
        let settings = Settings::without_project(host, global)?;
        let stopped = settings.runtime.block_on(async {
            let service = service(&settings).await?;
            let found = find(&*service, &self.ids).await?;
            let (mut stopped, mut failed) = (Vec::new(), None);
            for (id, found) in self.ids.iter().zip(found) {
                match stop(&*service, id, found).await {
                    Ok(one) => {
                        done(global, told(&one));
                        stopped.push(one);
                    }
                    // The others are stopped all the same: they cost money.
                    Err(error) => failed = failed.or(Some(error)),
                }
            }
            match failed {
                Some(error) => Err(error.into()),
                None => Ok(stopped),
            }
        })?;
        if global.json {
            render::json(&stopped.iter().map(value).collect::<Vec<_>>())?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

async fn stop(service: &dyn Service, typed: &str, found: Found) -> Result<Stopped, aws::Error> {
    let Some((id, kind, status)) = stands(found) else {
        return Err(aws::Error::Missing { what: format!("a build or batch `{typed}`"), source: None });
    };
    if status.is_over() {
        return Ok(Stopped { id, kind, status, before: true });
    }
    let answer = match kind {
        BuildKind::Single => with_retries(async || service.stop(&id).await).await.map(|build| build.status),
        BuildKind::Batch => with_retries(async || service.stop_batch(&id).await).await.map(|batch| batch.status),
    };
    match answer {
        Ok(status) => Ok(Stopped { id, kind, status, before: false }),
        // What has ended meanwhile cannot be stopped, which is as good.
        Err(error @ aws::Error::Invalid { .. }) => {
            let again = find(service, &[typed.to_owned()]).await?.into_iter().next().and_then(stands);
            match again.filter(|(_, _, status)| status.is_over()) {
                Some((id, kind, status)) => Ok(Stopped { id, kind, status, before: false }),
                None => Err(error),
            }
        }
        Err(error) => Err(error),
    }
}

/// Returns the id, the kind and the status.
fn stands(found: Found) -> Option<(String, BuildKind, Status)> {
    match found {
        Found::Build(build) => Some((build.id, BuildKind::Single, build.status)),
        Found::Batch(batch) => Some((batch.id, BuildKind::Batch, batch.status)),
        Found::Nothing => None,
    }
}

fn told(one: &Stopped) -> String {
    let what = one.kind.as_str();
    match (one.before, &one.status) {
        (true, status) => format!("{what} {} had already ended ({status})", one.id),
        // It is stopped in a moment.
        (false, Status::Stopped | Status::InProgress) => format!("stopped {what} {}", one.id),
        (false, status) => format!("{what} {} ended before it was stopped ({status})", one.id),
    }
}

fn value(one: &Stopped) -> Value {
    json!({
        "kind": one.kind.as_str(), "id": one.id, "status": one.status.as_str(),
        "over_before": one.before,
    })
}

/// Reads an id, `web:12345678-…`, or an ARN.
pub(super) fn id(text: &str) -> Result<String, String> {
    let id = crate::codebuild::id_of(text);
    let fine = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
    match id.split_once(':') {
        Some((project, number)) if fine(project) && fine(number) => Ok(text.to_owned()),
        _ => Err("an id is PROJECT:NUMBER, as `toolkit build list` shows it".to_owned()),
    }
}
