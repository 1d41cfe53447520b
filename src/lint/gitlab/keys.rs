//! Keywords and their values.

use super::rules as r;
use crate::format::gitlab_ci::{Config, DEFAULTS, GLOBALS, JOB_KEYS, Job};
use crate::format::yaml::{Entry, Node};
use crate::lint::{Findings, suggestion};
use crate::project::did_you_mean;

const REPORTS: &[&str] = &[
    "accessibility",
    "annotations",
    "api_fuzzing",
    "junit",
    "browser_performance",
    "coverage_report",
    "coverage_fuzzing",
    "codequality",
    "dotenv",
    "lsif",
    "sast",
    "dependency_scanning",
    "container_scanning",
    "dast",
    "license_management",
    "license_scanning",
    "requirements",
    "secret_detection",
    "metrics",
    "terraform",
    "cyclonedx",
    "sarif",
    "load_performance",
    "performance",
    "cluster_image_scanning",
    "repository_xray",
];
const REASONS: &[&str] = &[
    "always",
    "unknown_failure",
    "script_failure",
    "api_failure",
    "stuck_or_timeout_failure",
    "runner_system_failure",
    "runner_unsupported",
    "stale_schedule",
    "job_execution_timeout",
    "archived_failure",
    "unmet_prerequisites",
    "scheduler_failure",
    "data_integrity_failure",
    "stuck_pending_with_matching_runners",
    "stuck_pending_no_matching_runners",
    "no_updates_running",
    "no_updates_canceling",
    "runner_configuration_error",
    "runner_external_dependency_failure",
    "runner_interrupted",
    "server_timeout_running",
    "server_timeout_canceling",
];
const LISTS: &[&str] = &["tags", "needs", "dependencies", "services", "rules"];
const MAPS: &[&str] = &["variables", "artifacts", "id_tokens", "secrets", "inherit", "hooks", "release"];

pub(super) fn check(config: &Config<'_>, findings: &mut Findings) {
    for entry in config.root.entries().unwrap_or_default() {
        root(entry, findings);
    }
    for job in config.jobs.iter().filter(|job| !job.is_hidden()) {
        keys(config, job, findings);
        extends(config, job, findings);
        values(job, findings);
    }
}

fn unknown(value: &Node) -> bool {
    value.tag.is_some() || value.is_null() || value.text().is_some_and(|text| text.contains("$[["))
}

fn root(entry: &Entry, findings: &mut Findings) {
    let Some(name) = entry.key.text() else { return };
    let value = &entry.value;
    if name == "default" {
        for own in value.entries().unwrap_or_default().iter().filter(|own| !own.is_merge()) {
            let Some(key) = own.key.text().filter(|key| !DEFAULTS.contains(key)) else { continue };
            let message = format!("unknown keyword `{key}` in `default`{}", meant(key, DEFAULTS));
            findings
                .report(&r::DEFAULT_KEY, own.key.span.clone(), message)
                .says(format!("default config contains unknown keys: {key}"));
        }
    }
    if name == "stages" && value.items().is_none() && !unknown(value) {
        kind(entry, "a list", "stages config should be an array of strings", findings);
    }
    let job = value.entries().is_some() || name.starts_with('.') || GLOBALS.contains(&name) || entry.is_merge();
    if !job && name != "pages" && !name.contains("$[[") && value.tag.is_none() {
        let hint = if JOB_KEYS.contains(&name) { ": it belongs in a job".to_owned() } else { meant(name, GLOBALS) };
        let message = format!("unknown top-level keyword `{name}`{hint}");
        findings
            .report(&r::ROOT_KEY, entry.key.span.clone(), message)
            .says(format!("jobs:{name} config should be a hash"));
    }
}

fn meant(word: &str, known: &[&'static str]) -> String {
    suggestion(did_you_mean(word, known.iter().copied()))
}

fn kind(entry: &Entry, expected: &str, says: &str, findings: &mut Findings) {
    let name = entry.key.text().unwrap_or_default();
    let message = format!("`{name}` is {}, but must be {expected}", entry.value.kind());
    findings.report(&r::WRONG_TYPE, entry.value.span.clone(), message).says(says);
}

fn keys(config: &Config<'_>, job: &Job<'_>, findings: &mut Findings) {
    let name = job.name;
    for entry in job.body.entries().unwrap_or_default().iter().filter(|entry| !entry.is_merge()) {
        let Some(key) = entry.key.text() else { continue };
        if !JOB_KEYS.contains(&key) && !key.contains("$[[") {
            let hint = match key {
                "matrix" => "; it belongs in `parallel`".to_owned(),
                "entrypoint" => "; it belongs in `image`".to_owned(),
                "paths" | "reports" | "expire_in" => "; it belongs in `artifacts`".to_owned(),
                key if GLOBALS.contains(&key) => "; it belongs at the top level".to_owned(),
                key => meant(key, JOB_KEYS),
            };
            let message = format!("unknown keyword `{key}` in job `{name}`{hint}");
            findings
                .report(&r::JOB_KEY, entry.key.span.clone(), message)
                .says(format!("jobs:{name} config contains unknown keys: {key}"));
        } else if !unknown(&entry.value) {
            if LISTS.contains(&key) && entry.value.items().is_none() {
                kind(entry, "a list", &format!("jobs:{name}:{key} config should be an array"), findings);
            } else if MAPS.contains(&key) && entry.value.entries().is_none() {
                kind(entry, "a map", &format!("jobs:{name}:{key} config should be a hash"), findings);
            } else if key == "script" {
                script(name, entry, findings);
            }
        }
    }
    if !["script", "run", "trigger", "pages"].iter().any(|key| job.get(key).is_some())
        && !job.open
        // A job of that name in an included file may bring it: this is how templates are adapted.
        && !config.elsewhere
        && !job.name.contains("$[[")
        && !job.needs_pipeline()
    {
        findings
            .report(&r::NO_SCRIPT, job.key.span.clone(), format!("job `{name}` has no `script`, `run` or `trigger`"))
            .says(format!("jobs {name} config should implement the script:, run:, or trigger: keyword"));
    }
}

fn script(job: &str, entry: &Entry, findings: &mut Findings) {
    let says = format!("jobs:{job}:script config should be a string or a nested array of strings up to 10 levels deep");
    if entry.value.entries().is_some() {
        kind(entry, "a list of commands", &says, findings);
    }
    for item in entry.value.items().unwrap_or_default().iter().filter(|item| item.entries().is_some()) {
        let message = "YAML reads this command as a map because of its `: `; quote it";
        findings.report(&r::SCRIPT_MAP, item.span.clone(), message).says(says.clone());
    }
}

fn extends(config: &Config<'_>, job: &Job<'_>, findings: &mut Findings) {
    let Some(named) = job.body.get("extends").filter(|_| !config.elsewhere) else { return };
    for node in named.items().unwrap_or(std::slice::from_ref(named)) {
        let Some(name) = node.text().filter(|name| !name.contains("$[[") && config.top(name).is_none()) else {
            continue;
        };
        findings
            .report(
                &r::EXTENDS,
                node.span.clone(),
                format!("job `{}` extends `{name}`, which does not exist", job.name),
            )
            .says(format!("{}: unknown keys in `extends` ({name})", job.name));
    }
}

fn values(job: &Job<'_>, findings: &mut Findings) {
    retry(job, findings);
    when(job.body, findings);
    reports(job.body, findings);
    caches(job.body, findings);
    for entry in job.body.get("id_tokens").and_then(Node::entries).unwrap_or_default() {
        if entry.value.tag.is_none() && !entry.is_merge() && entry.value.get("aud").is_none() {
            findings.report(&r::TOKEN, entry.key.span.clone(), "an ID token needs an audience in `aud`");
        }
    }
    let only = job.body.entry("only").or_else(|| job.body.entry("except"));
    if let Some(entry) = only.filter(|_| job.get("rules").is_some()) {
        let key = entry.key.text().unwrap_or_default();
        findings
            .report(&r::RULES_ONLY, entry.key.span.clone(), format!("`{key}` cannot be combined with `rules`"))
            .says(format!("jobs:{} config key may not be used with `rules`: {key}", job.name));
    }
}

fn retry(job: &Job<'_>, findings: &mut Findings) {
    let Some(retry) = job.body.get("retry") else { return };
    let most = if retry.entries().is_some() { retry.get("max") } else { Some(retry) };
    let is_too_many =
        |node: &&Node| node.text().and_then(|text| text.parse::<i64>().ok()).is_some_and(|n| !(0..=2).contains(&n));
    if let Some(most) = most.filter(is_too_many) {
        findings
            .report(&r::RETRY, most.span.clone(), "a job is retried at most twice")
            .says(format!("jobs:{}:retry config must be less than or equal to 2", job.name));
    }
    each(retry.get("when"), |node, text| {
        if !REASONS.contains(&text) {
            let message = format!("`{text}` is not a failure reason for `retry`{}", meant(text, REASONS));
            findings.report(&r::RETRY, node.span.clone(), message);
        }
    });
}

fn when(body: &Node, findings: &mut Findings) {
    let mut check = |node: Option<&Node>, known: &[&'static str]| {
        each(node, |node, text| {
            if !known.contains(&text) && !text.contains('$') {
                let message = format!("`when` cannot be `{text}`; expected one of: {}", known.join(", "));
                findings.report(&r::WHEN, node.span.clone(), message);
            }
        });
    };
    check(body.get("when"), &["on_success", "on_failure", "always", "manual", "delayed", "never"]);
    check(body.get("artifacts").and_then(|node| node.get("when")), &["on_success", "on_failure", "always"]);
    for rule in body.get("rules").and_then(Node::items).unwrap_or_default() {
        check(rule.get("when"), &["on_success", "on_failure", "always", "never", "manual", "delayed"]);
    }
}

fn reports(body: &Node, findings: &mut Findings) {
    let reports = body.get("artifacts").and_then(|node| node.get("reports"));
    for entry in reports.and_then(Node::entries).unwrap_or_default().iter().filter(|entry| !entry.is_merge()) {
        if let Some(key) = entry.key.text().filter(|key| !REPORTS.contains(key)) {
            let message = format!("GitLab has no report type `{key}`{}", meant(key, REPORTS));
            findings.report(&r::REPORT, entry.key.span.clone(), message);
        }
    }
}

fn caches(body: &Node, findings: &mut Findings) {
    let Some(cache) = body.get("cache") else { return };
    for cache in cache.items().unwrap_or(std::slice::from_ref(cache)) {
        let key = cache.get("key");
        let is_refused = |text: &str| text.contains('/') || (!text.is_empty() && text.chars().all(|c| c == '.'));
        if let Some(node) = key.filter(|node| node.text().is_some_and(is_refused)) {
            findings.report(&r::CACHE, node.span.clone(), "a cache key must not contain `/` or consist of dots only");
        }
        for (node, most) in [(cache.get("fallback_keys"), 5), (key.and_then(|key| key.get("files")), 10)] {
            if let Some(node) = node.filter(|node| node.items().is_some_and(|items| items.len() > most)) {
                findings.report(&r::CACHE, node.span.clone(), format!("GitLab allows at most {most} here"));
            }
        }
    }
}

fn each(node: Option<&Node>, mut look: impl FnMut(&Node, &str)) {
    let Some(node) = node.filter(|node| node.tag.is_none()) else { return };
    for item in node.items().unwrap_or(std::slice::from_ref(node)) {
        if let Some(text) = item.text().filter(|text| !text.contains("$[[") && item.tag.is_none()) {
            look(item, text);
        }
    }
}
