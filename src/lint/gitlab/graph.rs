//! Stages, needs and matrices: the order of jobs.

use super::rules as r;
use crate::format::gitlab_ci::{Config, Job, permutations};
use crate::format::yaml::Node;
use crate::lint::circle::{Waits, circle};
use crate::lint::{Findings, suggestion};
use crate::project::did_you_mean;

pub(super) fn check(config: &Config<'_>, findings: &mut Findings) {
    for job in config.jobs.iter().filter(|job| !job.is_hidden()) {
        stage(config, job, findings);
        parallel(job, findings);
        needs(config, job, findings);
        dependencies(config, job, findings);
    }
    waiting(config, findings);
}

/// Finds jobs that wait for each other.
fn waiting(config: &Config<'_>, findings: &mut Findings) {
    const MOST_NAMED: usize = 6;
    let waits: Waits<'_> = config
        .visible()
        .map(|job| {
            let needs = job.needs().unwrap_or_default();
            (
                job.name,
                needs
                    .iter()
                    .map(|need| (config.job(need.name).map_or(need.name, |job| job.name), need.node.span.clone()))
                    .collect(),
            )
        })
        .collect();
    if let Some((link, path)) = circle(&waits) {
        let named = if path.len() > MOST_NAMED { format!("{} jobs", path.len() - 1) } else { path.join(" waits for ") };
        findings
            .report(&r::CYCLE, link, format!("none of these can start: {named}"))
            .says("The pipeline has circular dependencies");
    }
}

fn stage(config: &Config<'_>, job: &Job<'_>, findings: &mut Findings) {
    let (Some(stages), false) = (config.stages(), job.open) else { return };
    let stage = job.stage();
    let written = job.get("stage");
    if stages.contains(&stage) || stage.contains("$[[") || written.is_some_and(|node| node.text().is_none()) {
        return;
    }
    let hint = suggestion(did_you_mean(stage, stages.iter().copied()));
    let message = format!("there is no stage `{stage}`{hint}");
    findings.report(&r::STAGE, written.unwrap_or(job.key).span.clone(), message).says(format!(
        "{} job: chosen stage {stage} does not exist; available stages are {}",
        job.name,
        stages.join(", ")
    ));
}

fn parallel(job: &Job<'_>, findings: &mut Findings) {
    let Some(parallel) = job.body.get("parallel") else { return };
    if parallel.text().and_then(|text| text.parse::<i64>().ok()).is_some_and(|count| !(1..=200).contains(&count)) {
        findings
            .report(&r::PARALLEL, parallel.span.clone(), "`parallel` is 1 to 200")
            .says(format!("jobs:{}:parallel config must be between 1 and 200", job.name));
    }
    let Some(matrix) = parallel.get("matrix") else { return };
    let Some(rows) = permutations(matrix) else { return };
    if rows.len() > 200 {
        findings
            .report(
                &r::PARALLEL,
                matrix.span.clone(),
                format!("the matrix has {} permutations; GitLab allows 200", rows.len()),
            )
            .says(format!("jobs:{}:parallel:matrix config generates too many jobs (maximum is 200)", job.name));
    }
    let mut seen = std::collections::HashSet::new();
    if let Some(row) = rows.iter().find(|row| !seen.insert(sorted(row))) {
        let words: Vec<String> = row.iter().map(|(key, value)| format!("{key}={value}")).collect();
        findings.report(
            &r::DUPLICATE,
            matrix.span.clone(),
            format!("`{}` appears twice in the matrix", words.join(" ")),
        );
    }
}

fn sorted<'a>(row: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut row = row.to_vec();
    row.sort_unstable();
    row
}

fn needs(config: &Config<'_>, job: &Job<'_>, findings: &mut Findings) {
    for need in job.needs().unwrap_or_default() {
        let dynamic = need.name.contains('$');
        let Some(other) = config.job(need.name) else {
            if !need.optional && !config.elsewhere && !dynamic {
                findings
                    .report(
                        &r::NEED,
                        need.node.span.clone(),
                        format!("there is no job `{}`{}", need.name, near(config, need.name)),
                    )
                    .says(format!(
                        "'{}' job needs '{}' job, but '{}' does not exist in the pipeline",
                        job.name, need.name, need.name
                    ));
            }
            continue;
        };
        if let Some(stages) = config.stages().filter(|_| !other.open && !job.open) {
            let at = |job: &Job<'_>| stages.iter().position(|stage| *stage == job.stage());
            if let (Some(own), Some(others)) = (at(job), at(other))
                && others > own
            {
                findings
                    .report(
                        &r::LATER,
                        need.node.span.clone(),
                        format!("`{}` is in the later stage `{}`", need.name, other.stage()),
                    )
                    .says(format!("{} job: need {} is not defined in current or prior stages", job.name, need.name));
            }
        }
        if let (Some(needed), Some(existing)) = (need.matrix, other.matrix()) {
            let existing: Vec<_> = existing.iter().map(|row| sorted(row)).collect();
            let missing = permutations(needed)
                .unwrap_or_default()
                .into_iter()
                .find(|row| !existing.contains(&sorted(row)) && !row.iter().any(|(_, value)| value.contains('$')));
            if let Some(row) = missing {
                let words: Vec<String> = row.iter().map(|(key, value)| format!("{key}={value}")).collect();
                findings.report(
                    &r::SUBSET,
                    needed.span.clone(),
                    format!("`{}` has no permutation `{}`", need.name, words.join(" ")),
                );
            }
        }
        let subset = need.matrix.is_some() || need.name != other.name;
        overwritten(job, other, subset, need.node, findings);
    }
}

fn near(config: &Config<'_>, name: &str) -> String {
    if name.starts_with('.') && config.top(name).is_some() {
        return ": it is hidden, and hidden jobs do not run".to_owned();
    }
    // Each name is compared with all: a file of thousands of jobs with thousands of mistakes would take minutes.
    const MOST_COMPARED: usize = 1000;
    suggestion(did_you_mean(name, config.visible().take(MOST_COMPARED).map(|job| job.name)))
}

/// Reports a file that every permutation writes, because its name has no variable. Directories may contain different
/// files.
fn overwritten(job: &Job<'_>, other: &Job<'_>, subset: bool, place: &Node, findings: &mut Findings) {
    let several = other.matrix().is_some_and(|rows| rows.len() > 1);
    let none = |node: Option<&Node>| node.and_then(Node::items).is_some_and(<[Node]>::is_empty);
    if subset || !several || none(job.get("dependencies")) {
        return;
    }
    let paths = other.get("artifacts").and_then(|node| node.get("paths")).and_then(Node::items).unwrap_or_default();
    for path in paths.iter().filter_map(Node::text) {
        let file = path.rsplit('/').next().is_some_and(|name| name.contains('.'));
        if file && !path.contains(['*', '$', '?', '[']) {
            let message =
                format!("every permutation of `{}` writes `{path}`, and only the last one is kept here", other.name);
            findings.report(&r::OVERWRITE, place.span.clone(), message);
        }
    }
}

fn dependencies(config: &Config<'_>, job: &Job<'_>, findings: &mut Findings) {
    let needs = job.needs();
    for node in job.get("dependencies").and_then(Node::items).unwrap_or_default() {
        let Some(name) = node.text().filter(|name| !name.contains('$')) else { continue };
        let Some(other) = config.job(name) else {
            if !config.elsewhere && node.tag.is_none() {
                findings
                    .report(&r::NEED, node.span.clone(), format!("there is no job `{name}`{}", near(config, name)))
                    .says(format!("{} job: undefined dependency: {name}", job.name));
            }
            continue;
        };
        if let Some(needs) = &needs
            && !needs.is_empty()
            && !needs.iter().any(|need| need.name == name || need.name == other.name)
        {
            findings
                .report(&r::DEPENDENCIES, node.span.clone(), format!("`{name}` is not in `needs`"))
                .says(format!("jobs:{} dependencies the {name} should be part of needs", job.name));
        }
    }
}
