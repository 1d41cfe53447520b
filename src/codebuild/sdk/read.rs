//! Converts the SDK's types to this program's.

use std::time::Duration;

use aws_sdk_codebuild::types as sdk;
use aws_smithy_types::DateTime;
use jiff::Timestamp;

use super::super::build::{AutoRetry, Batch, Build, Context, Environment, Group, LogLocation, Phase, Project, Status};

pub(super) fn build(build: sdk::Build) -> Build {
    let artifacts = build.artifacts.into_iter().chain(build.secondary_artifacts.unwrap_or_default());
    let exported = build.exported_environment_variables.unwrap_or_default();
    let (log, log_link, s3_log_link) = logs(build.logs);
    Build {
        id: build.id.unwrap_or_default(),
        arn: build.arn,
        number: build.build_number,
        project: build.project_name.unwrap_or_default(),
        status: status(build.build_status),
        current: build.current_phase,
        phases: build.phases.unwrap_or_default().into_iter().map(phase).collect(),
        started: time(build.start_time),
        ended: time(build.end_time),
        environment: build.environment.map(environment).unwrap_or_default(),
        source_version: build.source_version,
        resolved_version: build.resolved_source_version,
        initiator: build.initiator,
        log,
        log_link,
        s3_log_link,
        artifacts: artifacts.filter_map(|artifact| artifact.location.filter(|place| !place.is_empty())).collect(),
        reports: build.report_arns.unwrap_or_default(),
        exported: exported.into_iter().filter_map(|variable| Some((variable.name?, variable.value?))).collect(),
        batch: build.build_batch_arn,
        retry: build.auto_retry_config.map(retry).unwrap_or_default(),
    }
}

pub(super) fn batch(batch: sdk::BuildBatch) -> Batch {
    Batch {
        id: batch.id.unwrap_or_default(),
        arn: batch.arn,
        number: batch.build_batch_number,
        project: batch.project_name.unwrap_or_default(),
        status: status(batch.build_batch_status),
        current: batch.current_phase,
        phases: batch.phases.unwrap_or_default().into_iter().map(batch_phase).collect(),
        started: time(batch.start_time),
        ended: time(batch.end_time),
        groups: batch.build_groups.unwrap_or_default().into_iter().map(group).collect(),
    }
}

pub(super) fn project(project: sdk::Project) -> Project {
    Project {
        name: project.name.unwrap_or_default(),
        arn: project.arn,
        environment: project.environment.map(environment).unwrap_or_default(),
        timeout: project.timeout_in_minutes,
    }
}

fn environment(environment: sdk::ProjectEnvironment) -> Environment {
    Environment {
        kind: environment.r#type.as_str().to_owned(),
        image: environment.image,
        compute: environment.compute_type.as_str().to_owned(),
        privileged: environment.privileged_mode == Some(true),
        fleet: environment.fleet.and_then(|fleet| fleet.fleet_arn),
    }
}

/// A build that has just started has no status yet.
fn status(status: Option<sdk::StatusType>) -> Status {
    status.map_or(Status::InProgress, |status| Status::parse(status.as_str()))
}

fn phase(phase: sdk::BuildPhase) -> Phase {
    Phase {
        name: phase.phase_type.map(|name| name.as_str().to_owned()).unwrap_or_default(),
        status: phase.phase_status.map(|status| Status::parse(status.as_str())),
        started: time(phase.start_time),
        ended: time(phase.end_time),
        duration: seconds(phase.duration_in_seconds),
        contexts: contexts(phase.contexts),
    }
}

fn batch_phase(phase: sdk::BuildBatchPhase) -> Phase {
    Phase {
        name: phase.phase_type.map(|name| name.as_str().to_owned()).unwrap_or_default(),
        status: phase.phase_status.map(|status| Status::parse(status.as_str())),
        started: time(phase.start_time),
        ended: time(phase.end_time),
        duration: seconds(phase.duration_in_seconds),
        contexts: contexts(phase.contexts),
    }
}

/// A successful phase often has one empty context.
fn contexts(contexts: Option<Vec<sdk::PhaseContext>>) -> Vec<Context> {
    let contexts = contexts.unwrap_or_default().into_iter().map(|context| Context {
        code: context.status_code.unwrap_or_default(),
        message: context.message.unwrap_or_default(),
    });
    contexts.filter(|context| !context.code.is_empty() || !context.message.is_empty()).collect()
}

fn group(group: sdk::BuildGroup) -> Group {
    let summary = |summary: sdk::BuildSummary| Some((summary.arn?, status(summary.build_status)));
    Group {
        identifier: group.identifier.unwrap_or_default(),
        depends_on: group.depends_on.unwrap_or_default(),
        ignore_failure: group.ignore_failure,
        current: group.current_build_summary.and_then(summary),
        prior: group.prior_build_summary_list.unwrap_or_default().into_iter().filter_map(summary).collect(),
    }
}

fn retry(retry: sdk::AutoRetryConfig) -> AutoRetry {
    AutoRetry {
        limit: retry.auto_retry_limit.unwrap_or_default(),
        number: retry.auto_retry_number.unwrap_or_default(),
        next: retry.next_auto_retry.filter(|arn| !arn.is_empty()),
        previous: retry.previous_auto_retry.filter(|arn| !arn.is_empty()),
    }
}

/// Reads the location of a log. Before PROVISIONING, the link exists and points to `null`.
fn logs(logs: Option<sdk::LogsLocation>) -> (Option<LogLocation>, Option<String>, Option<String>) {
    let Some(logs) = logs else { return (None, None, None) };
    let named = |name: Option<String>| name.filter(|name| !name.is_empty() && name != "null");
    let place =
        named(logs.group_name).zip(named(logs.stream_name)).map(|(group, stream)| LogLocation { group, stream });
    let link = logs.deep_link.filter(|_| place.is_some());
    (place, link, named(logs.s3_deep_link))
}

fn time(time: Option<DateTime>) -> Option<Timestamp> {
    let time = time?;
    Timestamp::new(time.secs(), i32::try_from(time.subsec_nanos()).ok()?).ok()
}

fn seconds(seconds: Option<i64>) -> Option<Duration> {
    seconds.and_then(|seconds| u64::try_from(seconds).ok()).map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(build: sdk::builders::BuildBuilder) -> Build {
        super::build(build.build())
    }

    #[test]
    fn an_empty_build_is_one_that_has_just_begun() {
        let build = made(sdk::Build::builder().id("web:1"));
        assert_eq!((build.id.as_str(), &build.status, &build.log), ("web:1", &Status::InProgress, &None));
        assert_eq!((build.retry, build.environment), (AutoRetry::default(), Environment::default()));
    }

    #[test]
    fn a_log_that_is_not_there_yet_has_no_link() {
        let link = "https://console.aws.amazon.com/cloudwatch/home#logEvent:group=null;stream=null";
        for (group, stream, there) in [
            (None, None, false),
            (Some("null"), Some("null"), false),
            (Some("/aws/codebuild/web"), None, false),
            (Some("/aws/codebuild/web"), Some("1"), true),
        ] {
            let logs = sdk::LogsLocation::builder()
                .set_group_name(group.map(str::to_owned))
                .set_stream_name(stream.map(str::to_owned))
                .deep_link(link)
                .build();
            let build = made(sdk::Build::builder().logs(logs));
            assert_eq!((build.log.is_some(), build.log_link.is_some()), (there, there), "{group:?} {stream:?}");
        }
    }

    #[test]
    fn words_that_the_sdk_does_not_know_are_kept_and_empty_contexts_left_out() {
        let context = |code: &str| sdk::PhaseContext::builder().status_code(code).message("").build();
        let phase = sdk::BuildPhase::builder()
            .phase_type("WARMING_UP".into())
            .phase_status("CLIENT_ERROR".into())
            .duration_in_seconds(-1)
            .contexts(context(""))
            .contexts(context("VPC_CLIENT_ERROR"))
            .build();
        let build = made(sdk::Build::builder().phases(phase).build_status("NAPPING".into()));
        assert_eq!(build.status, Status::Other("NAPPING".to_owned()));
        let phase = &build.phases[0];
        assert_eq!((phase.name.as_str(), phase.duration), ("WARMING_UP", None));
        assert_eq!(phase.status, Some(Status::Other("CLIENT_ERROR".to_owned())));
        assert_eq!(phase.contexts.len(), 1);
    }

    #[test]
    fn times_are_read_with_their_fractions() {
        let time = DateTime::from_secs_and_nanos(1_795_168_800, 125_000_000);
        let build = made(sdk::Build::builder().start_time(time));
        assert_eq!(build.started.unwrap().to_string(), "2026-11-20T10:00:00.125Z");
        assert_eq!(made(sdk::Build::builder().start_time(DateTime::from_secs(i64::MAX))).started, None);
    }
}
