//! Events as JSON, one object a line. The names of fields stay as they are; new ones may come.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::names::Names;
use super::plain;
use crate::codebuild::follow::{BuildRef, Event, causes};
use crate::codebuild::{Phase, Status, console};

/// Returns an event as JSON.
pub(super) fn value(event: &Event, names: &mut Names) -> Value {
    let mut object = Map::new();
    let (name, fields) = fields(event, names);
    object.insert("event".to_owned(), json!(name));
    if let Some(build_ref) = build_ref(event) {
        object.insert("id".to_owned(), json!(build_ref.id));
        object.insert("name".to_owned(), json!(names.of(build_ref)));
    }
    if let Value::Object(fields) = fields {
        object.extend(fields);
    }
    Value::Object(object)
}

fn build_ref(event: &Event) -> Option<&BuildRef> {
    match event {
        Event::Known { build_ref, .. }
        | Event::BatchKnown { build_ref, .. }
        | Event::Group { batch: build_ref, .. }
        | Event::Entered { build_ref, .. }
        | Event::Ended { build_ref, .. }
        | Event::Line { build_ref, .. }
        | Event::Over { build_ref, .. }
        | Event::Retried { build_ref, .. }
        | Event::BatchOver { build_ref, .. } => Some(build_ref),
        Event::Note(note) => plain::about(note),
        Event::AllOver { .. } => None,
    }
}

fn fields(event: &Event, names: &mut Names) -> (&'static str, Value) {
    match event {
        Event::Known { build_ref, build } => (
            "build",
            json!({
                "project": build_ref.project, "number": build_ref.number, "arch": build_ref.architecture, "identifier": build_ref.identifier,
                "batch": build_ref.batch, "status": build.status.as_str(), "link": build.arn.as_deref().and_then(console),
            }),
        ),
        Event::BatchKnown { build_ref, batch } => (
            "batch",
            json!({
                "project": build_ref.project, "number": build_ref.number, "status": batch.status.as_str(),
                "link": batch.arn.as_deref().and_then(console),
            }),
        ),
        Event::Group { group, .. } => (
            "group",
            json!({
                "identifier": group.identifier, "depends_on": group.depends_on, "ignore_failure": group.ignore_failure,
            }),
        ),
        Event::Entered { phase, at, .. } => ("phase-began", json!({ "phase": phase, "time": at })),
        Event::Ended { phase, .. } => ("phase-ended", phase_value(phase)),
        Event::Line { time, text, .. } => ("log", json!({ "time": time, "line": text })),
        Event::Over { build, .. } => (
            "build-over",
            json!({
                "status": build.status.as_str(), "seconds": seconds(build.started, build.ended),
                "failed": failed(&build.phases, &build.status), "artifacts": build.artifacts, "reports": build.reports,
                "exported": build.exported.iter().cloned().collect::<std::collections::BTreeMap<_, _>>(),
                "link": build.arn.as_deref().and_then(console), "log_link": build.log_link,
                "s3_log_link": build.s3_log_link,
            }),
        ),
        Event::Retried { next, number, limit, .. } => {
            ("retry", json!({ "next": next, "number": number, "limit": limit }))
        }
        Event::BatchOver { batch, .. } => (
            "batch-over",
            json!({
                "status": batch.status.as_str(), "seconds": seconds(batch.started, batch.ended),
                "failed": failed(&batch.phases, &batch.status), "link": batch.arn.as_deref().and_then(console),
            }),
        ),
        Event::Note(note) => {
            let name = plain::about(note).map(|build_ref| names.of(build_ref)).unwrap_or_default();
            ("note", json!({ "kind": plain::kind(note), "text": plain::note(note, &name) }))
        }
        Event::AllOver { succeeded } => ("end", json!({ "succeeded": succeeded })),
    }
}

fn phase_value(phase: &Phase) -> Value {
    let contexts = phase.contexts.iter().map(|context| json!({ "code": context.code, "message": context.message }));
    json!({
        "phase": phase.name, "time": phase.ended, "status": phase.status.as_ref().map(Status::as_str),
        "seconds": phase.duration.map(|time: Duration| time.as_secs()), "contexts": contexts.collect::<Vec<_>>(),
    })
}

/// Returns the phases that failed, each of their contexts with its likely cause.
fn failed(phases: &[Phase], status: &Status) -> Vec<Value> {
    let mut rows = Vec::new();
    for phase in causes::failed(phases) {
        let word = phase.status.as_ref().map(Status::as_str);
        for context in &phase.contexts {
            let cause = causes::cause(context);
            rows.push(json!({
                "phase": phase.name, "status": word, "code": context.code, "message": context.message,
                "cause": cause.map(|cause| cause.why), "remedy": cause.map(|cause| cause.remedy),
            }));
        }
        if phase.contexts.is_empty() {
            let ending = causes::ending(status);
            rows.push(json!({
                "phase": phase.name, "status": word, "code": null, "message": null,
                "cause": ending.map(|(why, _)| why), "remedy": ending.map(|(_, remedy)| remedy),
            }));
        }
    }
    rows
}

fn seconds(started: Option<Timestamp>, ended: Option<Timestamp>) -> Option<i64> {
    Some(ended?.duration_since(started?).as_secs())
}
