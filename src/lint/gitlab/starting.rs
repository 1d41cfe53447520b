//! What starts a job, and what a job starts: `trigger`, `start_in`, `environment:on_stop`, and pipelines as a whole.

use crate::format::gitlab_ci::{Config, Job};
use crate::format::yaml::{Entry, Node};
use crate::lint::rule::rules;
use crate::lint::{Findings, Level, Rule, Target, suggestion};
use crate::project::did_you_mean;

rules! {
    TRIGGER = Rule {
        id: "TK534",
        level: Level::Error,
        target: Target::GitLab,
        blocks: false,
        summary: "a job with `trigger` that GitLab does not accept",
        reason: "A job with `trigger` runs on no runner, so it has neither a script nor what a script needs \
                 (https://docs.gitlab.com/ci/yaml/#trigger).",
        bad: "a:\n  trigger: group/project\n  tags: [arm64]\n",
        good: "a:\n  trigger: group/project\n  variables: {ARCH: arm64}\n",
    };

    START_IN = Rule {
        id: "TK535",
        level: Level::Error,
        target: Target::GitLab,
        blocks: false,
        summary: "`start_in` and `when: delayed` are not together",
        reason: "GitLab rejects the file: `start_in` belongs beside `when: delayed`, in the same rule where a job has rules \
                 (https://docs.gitlab.com/ci/jobs/job_control/#run-a-job-after-a-delay).",
        bad: "a:\n  script: [make]\n  start_in: 5 minutes\n",
        good: "a:\n  script: [make]\n  when: delayed\n  start_in: 5 minutes\n",
    };

    ON_STOP = Rule {
        id: "TK536",
        level: Level::Error,
        target: Target::GitLab,
        blocks: false,
        summary: "`on_stop` names a job that does not exist",
        reason: "GitLab rejects the file (https://docs.gitlab.com/ci/yaml/#environmenton_stop).",
        bad: "a:\n  script: [make]\n  environment: {name: review, on_stop: stop}\n",
        good: "a:\n  script: [make]\n  environment: {name: review, on_stop: stop}\n\
               stop:\n  script: [make stop]\n  when: manual\n  environment: {name: review, action: stop}\n",
    };

    ONLY_EDGES = Rule {
        id: "TK537",
        level: Level::Warning,
        target: Target::GitLab,
        blocks: false,
        summary: "all jobs are in `.pre` and `.post`",
        reason: "GitLab creates no pipeline that has jobs in these stages only (https://docs.gitlab.com/ci/yaml/#stage-pre).",
        bad: "a:\n  stage: .post\n  script: [make]\n",
        good: "a:\n  stage: .post\n  script: [make]\nb:\n  script: [make]\n",
    };

    TWO_PIPELINES = Rule {
        id: "TK538",
        level: Level::Warning,
        target: Target::GitLab,
        blocks: false,
        summary: "one push may start two pipelines",
        reason: "A last rule without a condition adds the job to branch and to merge request pipelines; `workflow:rules` \
                 decides which of them runs (https://docs.gitlab.com/ci/jobs/job_rules/#avoid-duplicate-pipelines).",
        bad: "a:\n  script: [make]\n  rules:\n    - if: $CI_PIPELINE_SOURCE == \"merge_request_event\"\n    - when: always\n",
        good: "workflow:\n  rules:\n    - if: $CI_COMMIT_BRANCH\na:\n  script: [make]\n  rules:\n    - if: $CI_COMMIT_TAG\n    - when: always\n",
    };
}

/// The keywords that need a runner.
const NEED_A_RUNNER: &[&str] = &[
    "image",
    "services",
    "before_script",
    "script",
    "after_script",
    "hooks",
    "cache",
    "id_tokens",
    "secrets",
    "run",
    "tags",
    "timeout",
    "dependencies",
    "artifacts",
    "release",
    "coverage",
    "retry",
    "dast_configuration",
    "pages",
];
const TRIGGER_KEYS: &[&str] = &["project", "branch", "strategy", "forward", "include", "inputs"];

/// Checks how jobs and pipelines start.
pub(super) fn check(config: &Config<'_>, findings: &mut Findings) {
    for job in config.jobs.iter().filter(|job| !job.is_hidden()) {
        trigger(job, findings);
        start_in(job, findings);
        on_stop(config, job, findings);
        last_rule(config, job, findings);
    }
    let mut jobs = config.visible().peekable();
    let first = jobs.peek().map(|job| job.key.span.clone());
    let edge = |job: &Job<'_>| matches!(job.stage(), ".pre" | ".post") && !job.open;
    if let Some(first) = first.filter(|_| !config.elsewhere)
        && jobs.all(edge)
    {
        findings.report(&ONLY_EDGES, first, "all jobs are in `.pre` and `.post`, so no pipeline is created");
    }
}

fn trigger(job: &Job<'_>, findings: &mut Findings) {
    let Some(trigger) = job.written("trigger").filter(|entry| !is_open(&entry.value)) else { return };
    let unknown = |key: &str| format!("jobs:{} config contains unknown keys: {key}", job.name);
    if job.written("script").is_some() {
        let message = format!("job `{}` has a `script`, and can have no `trigger` beside it", job.name);
        findings.report(&TRIGGER, place(job, trigger), message).says(unknown("trigger"));
        return;
    }
    for key in NEED_A_RUNNER {
        if let Some(entry) = job.written(key) {
            let message = format!("`{key}` has no place beside `trigger`: job `{}` runs on no runner", job.name);
            findings.report(&TRIGGER, place(job, entry), message).says(unknown(key));
        }
    }
    let entries = trigger.value.entries().unwrap_or_default();
    for entry in entries.iter().filter(|entry| !entry.is_merge()) {
        let Some(key) = entry.key.text() else { continue };
        if !TRIGGER_KEYS.contains(&key) && !key.contains("$[[") {
            let meant = suggestion(did_you_mean(key, TRIGGER_KEYS.iter().copied()));
            findings.report(&TRIGGER, place(job, entry), format!("unknown keyword `{key}` in `trigger`{meant}"));
        }
    }
    if let (Some(entry), true) = (trigger.value.entry("project"), trigger.value.get("include").is_some()) {
        let message = "`trigger` starts a pipeline of this project (`include`) or of another (`project`), not both";
        findings.report(&TRIGGER, place(job, entry), message);
    }
}

/// Returns where something is written, or the job's name when that is in a job that it extends.
fn place(job: &Job<'_>, entry: &Entry) -> std::ops::Range<usize> {
    let (body, at) = (&job.body.span, &entry.key.span);
    if body.start <= at.start && at.end <= body.end { at.clone() } else { job.key.span.clone() }
}

fn is_open(node: &Node) -> bool {
    node.tag.is_some() || node.is_null() || node.text().is_some_and(|text| text.contains("$[["))
}

fn start_in(job: &Job<'_>, findings: &mut Findings) {
    let delayed = |node: Option<&Node>| node.and_then(Node::text) == Some("delayed");
    let rules = job.get("rules").filter(|rules| !rules.is_null());
    let start_in = job.written("start_in").filter(|entry| !is_open(&entry.value));
    if let Some(entry) = start_in {
        let message = match rules {
            Some(_) => "`start_in` belongs in the rule with `when: delayed`: this job has rules",
            None if !delayed(job.get("when")) && !job.open => "`start_in` has no effect without `when: delayed`",
            None => "",
        };
        if !message.is_empty() {
            findings
                .report(&START_IN, place(job, entry), message)
                .says(format!("jobs:{} config start_in must be blank", job.name));
        }
    } else if rules.is_none() && delayed(job.get("when")) && job.written("start_in").is_none() && !job.open {
        let node = job.written("when").map_or(job.key.span.clone(), |entry| place(job, entry));
        let says = format!("jobs:{} start in should be a duration", job.name);
        findings.report(&START_IN, node, "`when: delayed` needs `start_in`, such as `30 minutes`").says(says);
    }
    for rule in job.body.get("rules").and_then(Node::items).unwrap_or_default() {
        if delayed(rule.get("when")) && rule.get("start_in").is_none() && !rule.alias {
            let node = rule.get("when").unwrap_or(rule);
            let says = format!("jobs:{}:rules:rule start in should be a duration", job.name);
            findings
                .report(&START_IN, node.span.clone(), "`when: delayed` needs `start_in` in the same rule")
                .says(says);
        }
    }
}

fn on_stop(config: &Config<'_>, job: &Job<'_>, findings: &mut Findings) {
    let named = job.get("environment").and_then(|environment| environment.get("on_stop"));
    let Some(node) = named.filter(|node| !is_open(node) && !config.elsewhere) else { return };
    let Some(name) = node.text().filter(|name| !name.contains('$') && config.job(name).is_none()) else { return };
    let meant = suggestion(did_you_mean(name, config.visible().take(1000).map(|job| job.name)));
    findings
        .report(&ON_STOP, node.span.clone(), format!("there is no job `{name}`{meant}"))
        .says(format!("{} job: on_stop job {name} is not defined", job.name));
}

/// GitLab itself warns of a last rule that has nothing but `when`.
fn last_rule(config: &Config<'_>, job: &Job<'_>, findings: &mut Findings) {
    let workflow = config.top("workflow").and_then(|workflow| workflow.get("rules"));
    if workflow.is_some() || config.elsewhere {
        return;
    }
    let Some(last) = job.body.get("rules").and_then(Node::items).and_then(<[Node]>::last) else { return };
    let Some([entry]) = last.entries() else { return };
    if entry.key.text() == Some("when") && entry.value.text().is_some_and(|when| when != "never") {
        let message =
            "with this rule a push to a branch with a merge request starts two pipelines; add `workflow:rules`";
        findings.report(&TWO_PIPELINES, last.span.clone(), message).says(format!(
            "jobs:{} may allow multiple pipelines to run for a single action due to `rules:when` clause with no `workflow:rules`",
            job.name
        ));
    }
}
