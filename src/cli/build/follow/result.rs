//! How everything ended: what failed and what to do, where the results are, and a table where there are several.

use std::time::Duration;

use jiff::Timestamp;

use super::super::spoken::spoken;
use super::names::Names;
use super::plain;
use crate::cli::render;
use crate::cli::styled::{Styled, cyan, green, red};
use crate::codebuild::follow::{Finished, Report, Root, causes};
use crate::codebuild::{Phase, Status, console};
use crate::text::escape_line;

/// Returns the text for people. With `terse` only what failed.
pub(super) fn text(report: &Report, names: &mut Names, terse: bool) -> Styled {
    let mut text = Styled::default();
    for root in &report.roots {
        if let Some((build_ref, batch)) = &root.batch {
            let failed = batch.status != Status::Succeeded;
            if failed || !terse {
                let title = format!("batch {} of {}", build_ref.id, build_ref.project);
                let time = lasted(batch.started, batch.ended);
                text.push(heading(&title, &batch.status, time.as_deref(), ""));
                text.push(why(&batch.phases, &batch.status));
                text.push(link("console", batch.arn.as_deref().and_then(console).as_deref()));
            }
        }
        for build in root.builds.iter().filter(|build| !build.replaced) {
            text.push(one(build, names, terse));
        }
    }
    let builds = |root: &Root| root.batch.as_ref().map_or(0, |(_, batch)| batch.groups.len()).max(root.builds.len());
    let several = report.roots.iter().map(builds).sum::<usize>() > 1;
    if several && !terse {
        text.push(table(report, names));
    }
    text
}

fn one(finished: &Finished, names: &mut Names, terse: bool) -> Styled {
    let build = &finished.build;
    let succeeded = build.status == Status::Succeeded;
    if terse && (succeeded || finished.ignored) {
        return Styled::default();
    }
    let name = names.of(&finished.build_ref);
    let ignored = if finished.ignored && !succeeded { ", which its batch ignores" } else { "" };
    let time = lasted(build.started, build.ended);
    let mut text = heading(&format!("{name} ({})", build.id), &build.status, time.as_deref(), ignored);
    text.push(why(&build.phases, &build.status));
    text.push(link("console", build.arn.as_deref().and_then(console).as_deref()));
    if !succeeded {
        text.push(link("log", build.log_link.as_deref().or(build.s3_log_link.as_deref())));
    }
    for artifact in &build.artifacts {
        text.push(link("artifacts", Some(artifact)));
    }
    for report in &build.reports {
        text.push(link("report", Some(report)));
    }
    for (name, value) in &build.exported {
        text.push(link("exported", Some(&format!("{name}={value}"))));
    }
    text
}

fn heading(title: &str, status: &Status, time: Option<&str>, more: &str) -> Styled {
    let text = format!("{title} {}{more}", plain::how(status, time)).replace('\n', " ");
    let painted = if *status == Status::Succeeded { green(text) } else { red(text) };
    Styled::from("\n") + painted + "\n"
}

/// Describes which phases failed, with CodeBuild's message and its usual cause.
fn why(phases: &[Phase], status: &Status) -> Styled {
    let mut text = Styled::default();
    let mut explained = false;
    for phase in causes::failed(phases) {
        let time = phase.duration.map(spoken);
        let status = phase.status.clone().unwrap_or(Status::Failed);
        text.push(format!("  phase {} {}\n", phase.name, plain::how(&status, time.as_deref())));
        for context in phase.contexts.iter().filter(|context| !context.code.is_empty() || !context.message.is_empty()) {
            let words: Vec<&str> =
                [context.code.as_str(), context.message.trim()].into_iter().filter(|word| !word.is_empty()).collect();
            text.push(format!("    {}\n", words.join(": ").replace('\n', "\n    ")));
            if let Some(cause) = causes::cause(context) {
                text.push(format!("    likely cause: {}\n", cause.why));
                text.push(Styled::from("    ") + cyan("hint:") + format!(" {}\n", cause.remedy));
                explained = true;
            }
        }
    }
    if let Some((why, remedy)) = causes::ending(status).filter(|_| !explained) {
        text.push(Styled::from(format!("  likely cause: {why}\n  ")) + cyan("hint:") + format!(" {remedy}\n"));
    }
    text
}

fn link(what: &str, target: Option<&str>) -> String {
    target.map_or_else(String::new, |target| format!("  {:<10} {}\n", format!("{what}:"), escape_line(target)))
}

fn table(report: &Report, names: &mut Names) -> Styled {
    let mut rows = Vec::new();
    for root in &report.roots {
        for finished in &root.builds {
            let build = &finished.build;
            let failed =
                causes::failed(&build.phases).next().map_or_else(|| "-".to_owned(), |phase| phase.name.clone());
            let remark = match () {
                () if finished.replaced => ", retried",
                () if finished.ignored && build.status != Status::Succeeded => ", ignored",
                () => "",
            };
            rows.push(vec![
                names.of(&finished.build_ref),
                format!("{}{remark}", build.status),
                lasted(build.started, build.ended).unwrap_or_else(|| "-".to_owned()),
                failed,
                build.id.clone(),
            ]);
        }
        rows.extend(not_started(root));
    }
    Styled::from("\n") + render::table(&["build", "status", "took", "failed in", "id"], &rows)
}

/// Those builds of a batch that waited for others which failed.
fn not_started(root: &Root) -> Vec<Vec<String>> {
    let groups = root.batch.iter().flat_map(|(_, batch)| &batch.groups).filter(|group| group.current.is_none());
    let dash = || "-".to_owned();
    groups.map(|group| vec![group.identifier.clone(), "not started".to_owned(), dash(), dash(), dash()]).collect()
}

fn lasted(started: Option<Timestamp>, ended: Option<Timestamp>) -> Option<String> {
    let seconds = ended?.duration_since(started?).as_secs();
    Some(spoken(Duration::from_secs(seconds.max(0).unsigned_abs())))
}
