//! The output of a build: reports, artifacts, caches.

use super::{Context, Findings, Level, Rule, Target};
use crate::lint::rule::rules;
use crate::lint::suggestion;
use crate::model::did_you_mean;

rules! {
    FORMAT = Rule {
        id: "TK170",
        level: Level::Error,
        target: Target::Buildspec,
        blocks: false,
        summary: "a report format that CodeBuild does not read",
        reason: "The guide lists the formats \
                 (https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#reports-buildspec-file).",
        bad: "version: 0.2\nphases:\n  build:\n    commands: [make]\nreports:\n  unit:\n    files: [out.xml]\n    file-format: JUNIT\n",
        good: "version: 0.2\nphases:\n  build:\n    commands: [make]\nreports:\n  unit:\n    files: [out.xml]\n    file-format: JUNITXML\n",
    };

    GROUPS = Rule {
        id: "TK171",
        level: Level::Error,
        target: Target::Buildspec,
        blocks: false,
        summary: "more than five report groups",
        reason: "A project has at most five \
                 (https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#reports-buildspec-file).",
        bad: "version: 0.2\nphases:\n  build:\n    commands: [make]\nreports:\n  a: {files: [a]}\n  b: {files: [a]}\n  c: {files: [a]}\n  d: {files: [a]}\n  e: {files: [a]}\n  f: {files: [a]}\n",
        good: "version: 0.2\nphases:\n  build:\n    commands: [make]\nreports:\n  a: {files: [a]}\n  b: {files: [a]}\n  c: {files: [a]}\n  d: {files: [a]}\n  e: {files: [a]}\n",
    };

    FALLBACK_KEYS = Rule {
        id: "TK175",
        level: Level::Error,
        target: Target::Buildspec,
        blocks: false,
        summary: "more than five fallback keys",
        reason: "A cache has at most five \
                 (https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.cache).",
        bad: "version: 0.2\nphases:\n  build:\n    commands: [make]\ncache:\n  key: a-1\n  fallback-keys: [a, b, c, d, e, f]\n  paths: [out]\n",
        good: "version: 0.2\nphases:\n  build:\n    commands: [make]\ncache:\n  key: a-1\n  fallback-keys: [a, b, c, d, e]\n  paths: [out]\n",
    };

    FALLBACK_WITHOUT_KEY = Rule {
        id: "TK176",
        level: Level::Warning,
        target: Target::Buildspec,
        blocks: false,
        summary: "fallback keys without a key",
        reason: "Without `key` they are ignored \
                 (https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.cache).",
        bad: "version: 0.2\nphases:\n  build:\n    commands: [make]\ncache:\n  fallback-keys: [a-]\n  paths: [out]\n",
        good: "version: 0.2\nphases:\n  build:\n    commands: [make]\ncache:\n  key: a-1\n  fallback-keys: [a-]\n  paths: [out]\n",
    };

    ACTION = Rule {
        id: "TK177",
        level: Level::Error,
        target: Target::Buildspec,
        blocks: false,
        summary: "a cache action that is neither restore nor save",
        reason: "`action` is `restore` or `save`; leave it out to do both \
                 (https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.cache).",
        bad: "version: 0.2\nphases:\n  build:\n    commands: [make]\ncache:\n  action: both\n  paths: [out]\n",
        good: "version: 0.2\nphases:\n  build:\n    commands: [make]\ncache:\n  action: save\n  paths: [out]\n",
    };
}

const FORMATS: &[&str] = &[
    "CUCUMBERJSON",
    "JUNITXML",
    "NUNITXML",
    "NUNIT3XML",
    "TESTNGXML",
    "VISUALSTUDIOTRX",
    "CLOVERXML",
    "COBERTURAXML",
    "JACOCOXML",
    "SIMPLECOV",
];

/// Other names of the formats.
const OTHER_FORMATS: &[(&str, &str)] = &[
    ("junit", "JUNITXML"),
    ("xunit", "JUNITXML"),
    ("nunit", "NUNITXML"),
    ("nunit3", "NUNIT3XML"),
    ("testng", "TESTNGXML"),
    ("trx", "VISUALSTUDIOTRX"),
    ("cucumber", "CUCUMBERJSON"),
    ("clover", "CLOVERXML"),
    ("cobertura", "COBERTURAXML"),
    ("jacoco", "JACOCOXML"),
    ("simplecovjson", "SIMPLECOV"),
];

/// The most report groups that a project has.
const MOST_GROUPS: usize = 5;

/// The most fallback keys that are read.
const MOST_FALLBACK_KEYS: usize = 5;

/// Checks reports and caches; artifacts are checked by their shape.
pub(super) fn check(context: &Context<'_>, findings: &mut Findings) {
    let buildspec = context.buildspec;
    for report in &buildspec.reports {
        let Some(format) = &report.format else { continue };
        if format.text.contains('$') || FORMATS.iter().any(|known| known.eq_ignore_ascii_case(&format.text)) {
            continue;
        }
        let plain = format.text.replace(['-', '_', ' '], "").to_lowercase();
        let other = OTHER_FORMATS.iter().find(|(word, _)| *word == plain).map(|(_, right)| *right);
        let near = other.or_else(|| did_you_mean(&plain, FORMATS.iter().copied()));
        let hint = suggestion(near);
        let message = format!("`{}` is not a report format{hint}", format.text);
        let finding = findings.report(&FORMAT, format.span.clone(), message);
        if let Some(near) = near.filter(|_| !format.alias) {
            finding.fix(format.span.clone(), near);
        }
    }
    if let Some(sixth) = buildspec.reports.get(MOST_GROUPS) {
        let count = buildspec.reports.len();
        let message = format!("there are {count} report groups; a project has at most {MOST_GROUPS}");
        findings.report(&GROUPS, sixth.name.span.clone(), message);
    }
    let Some(cache) = &buildspec.cache else { return };
    if let Some(sixth) = cache.fallback_keys.get(MOST_FALLBACK_KEYS) {
        let message = format!("at most {MOST_FALLBACK_KEYS} fallback keys are read");
        findings.report(&FALLBACK_KEYS, sixth.span.clone(), message);
    }
    if let Some(first) = cache.fallback_keys.first().filter(|_| cache.key.is_none()) {
        findings.report(&FALLBACK_WITHOUT_KEY, first.span.clone(), "`fallback-keys` are ignored without `key`");
    }
    if let Some(action) = cache.action.as_ref().filter(|action| !["restore", "save"].contains(&action.text.as_str())) {
        let message = format!(
            "`{}` is not a cache action; expected one of: `restore`, `save`, or no `action` for both",
            action.text
        );
        findings.report(&ACTION, action.span.clone(), message);
    }
}
