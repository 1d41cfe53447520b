//! Images, runners and commands of jobs.

use std::ops::Range;

use super::images;
use super::rules as r;
use crate::format::Source;
use crate::format::gitlab_ci::{Config, Job};
use crate::format::yaml::Node;
use crate::lint::{Findings, Setting};

pub(super) fn check(source: &Source, config: &Config<'_>, setting: &Setting, findings: &mut Findings) {
    secrets(config.root.get("variables"), findings);
    for job in &config.jobs {
        secrets(job.body.get("variables"), findings);
        images::check(job, setting, findings);
        architecture(source, job, findings);
        for node in job.commands() {
            for line in node.text().unwrap_or_default().lines() {
                command(source, node, line, findings);
            }
        }
    }
    let building: Vec<Building<'_, '_>> = config
        .visible()
        .map(|job| Building { job, architectures: architectures(job), stage: stage(config, job) })
        .filter(|building| !building.architectures.is_empty())
        .collect();
    for job in config.visible() {
        manifest(source, config, &building, job, findings);
    }
}

/// A job whose architectures are known.
struct Building<'c, 'a> {
    job: &'c Job<'a>,
    architectures: Vec<&'static str>,
    stage: Option<usize>,
}

/// Returns the index of a job's stage.
fn stage(config: &Config<'_>, job: &Job<'_>) -> Option<usize> {
    let stage = job.stage();
    config.stages()?.iter().position(|known| *known == stage)
}

/// Returns the location of a text in a command, or of the whole command if it is written differently there.
fn place(source: &Source, node: &Node, line: &str, needle: &str) -> Range<usize> {
    let raw = source.text.get(node.span.clone()).unwrap_or_default();
    let line = raw.find(line.trim()).unwrap_or(0);
    let found = raw[line..].find(needle).map(|at| line + at).or_else(|| raw.find(needle));
    found.map_or(node.span.clone(), |at| node.span.start + at..node.span.start + at + needle.len())
}

fn command(source: &Source, node: &Node, line: &str, findings: &mut Findings) {
    if line.trim_start().starts_with('#') {
        return;
    }
    let plain = line.replace(['“', '”'], "\"").replace(['‘', '’'], "'");
    let mut report = |rule, needle: &str, message: String| {
        findings.report(rule, place(source, node, line, needle), message);
    };
    if let Some(at) = ["tr -d 'n'", "tr -d n", "tr -d \"n\"", "tr -d \\n"].iter().find(|wrong| whole(&plain, wrong)) {
        report(&r::DELETES_N, "tr -d", format!("`{at}` deletes every letter n; write `tr -d '\\n'`"));
    } else if wraps(&plain) {
        report(
            &r::WRAPS,
            "base64",
            "`base64` wraps its output after 76 characters; add `-w0`, or `| tr -d '\\n'`".to_owned(),
        );
    }
    let json =
        plain.match_indices("\"{\"").any(|(at, _)| plain[at + 3..].starts_with(|c: char| c.is_ascii_alphabetic()));
    if json && (plain.contains("echo ") || plain.contains("printf ")) {
        let needle = if line.contains("echo ") { "echo" } else { "printf" };
        report(&r::JSON, needle, "the inner double quotes end the outer ones, and the JSON loses its quotes; use single quotes around it, or escape them".to_owned());
    }
    if let Some(tool) = ["docker", "podman", "buildah", "skopeo", "crane", "helm registry", "nerdctl"]
        .iter()
        .find(|tool| plain.contains(&format!("{tool} login ")))
    {
        let words = [" -p ", " --password ", " --password=", " -p=\"", " -p\"", " -p$"];
        if let Some(word) = words.iter().find(|word| plain.contains(**word)) {
            report(&r::PASSWORD, word.trim(), format!("pass the password to `{tool} login` with `--password-stdin`"));
        }
    }
    echoed(&plain, &mut report);
    for fetcher in ["curl ", "wget "] {
        let Some(at) = plain.find(fetcher) else { continue };
        let rest = plain[at..].split(" && ").next().unwrap_or_default();
        let piped =
            rest.split('|').skip(1).map(|part| part.trim_start().trim_start_matches("sudo ").trim_start_matches("-E "));
        let shells = ["sh", "bash", "/bin/sh", "/bin/bash", "python", "python3"];
        if piped.into_iter().any(|part| part.split_whitespace().next().is_some_and(|word| shells.contains(&word))) {
            report(
                &r::PIPED,
                fetcher.trim(),
                "this runs whatever the server sends; download it, check its digest, then run it".to_owned(),
            );
        }
    }
    let installs = ["yum ", "dnf ", "microdnf ", "apt-get ", "apt ", "apk "]
        .iter()
        .find(|tool| plain.trim_start().trim_start_matches("sudo ").starts_with(**tool));
    if let Some(tool) = installs
        && (plain.contains(" install ") || plain.contains(" add "))
    {
        let builders = ["podman", "buildah", "skopeo", "docker.io", "docker-ce"];
        if let Some(builder) = plain.split_whitespace().find(|word| builders.contains(word)) {
            report(&r::INSTALLS, tool.trim(), format!("use an image that includes `{builder}`, pinned by digest"));
        }
    }
}

/// Returns true if a command contains these words, not followed by more letters.
fn whole(text: &str, words: &str) -> bool {
    text.match_indices(words)
        .any(|(at, _)| !text[at + words.len()..].starts_with(|c: char| c.is_ascii_alphanumeric() || c == '\\'))
}

fn wraps(line: &str) -> bool {
    let lower = line.to_lowercase();
    let secret = ["password", "token", "auth", "user", "secret", "credential"].iter().any(|word| lower.contains(word));
    let parts: Vec<&str> = line.split("base64").collect();
    let before = parts[0].trim_end();
    let encodes = parts.len() > 1 && (before.ends_with('|') || before.ends_with("openssl"));
    let rest = parts.get(1).copied().unwrap_or_default();
    let own = rest.split(['|', ')', ';', '`']).next().unwrap_or_default();
    let decodes = own.contains("-d") || own.contains("-D") || own.contains("--decode") || own.contains("-A");
    let whole = own.contains("-w0") || own.contains("-w 0") || own.contains("wrap=0") || own.contains("wrap 0");
    encodes && secret && !decodes && !whole && !rest.contains("tr -d")
}

fn echoed(line: &str, report: &mut impl FnMut(&'static crate::lint::Rule, &str, String)) {
    let trimmed = line.trim_start();
    let printed = trimmed
        .strip_prefix("echo ")
        .or_else(|| trimmed.strip_prefix("printf "))
        .or_else(|| trimmed.strip_prefix("printenv "));
    let Some(text) = printed.filter(|text| !text.contains(['|', '>', '`']) && !text.contains("$(")) else { return };
    for part in text.split('$').skip(1) {
        let braced = part.starts_with('{');
        let name: String =
            part.trim_start_matches('{').chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
        let whole = !braced || part[1..].get(name.len()..).is_some_and(|rest| rest.starts_with('}'));
        let secret = ["PASSWORD", "_TOKEN", "SECRET", "PRIVATE_KEY"].iter().any(|word| name.ends_with(word))
            || name == "TOKEN"
            || name == "AWS_SECRET_ACCESS_KEY";
        if secret && whole && !text.starts_with('\'') {
            report(&r::ECHOED, &name, format!("this writes `{name}` to the job's log"));
        }
    }
}

fn secrets(variables: Option<&Node>, findings: &mut Findings) {
    for entry in variables.and_then(Node::entries).unwrap_or_default() {
        let value = entry.value.get("value").unwrap_or(&entry.value);
        let Some(text) = value.text() else { continue };
        let body = |prefix: &str, least: usize| {
            text.strip_prefix(prefix).is_some_and(|rest| {
                rest.len() >= least && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
            })
        };
        let known = body("glpat-", 16)
            || body("glrt-", 16)
            || body("ghp_", 30)
            || body("github_pat_", 30)
            || body("AKIA", 16)
            || body("xoxb-", 20)
            || text.starts_with("-----BEGIN ") && text.contains("PRIVATE KEY");
        let name = entry.key.text().unwrap_or_default();
        let aws = name == "AWS_SECRET_ACCESS_KEY" && text.len() == 40;
        if known || aws {
            findings.report(&r::PLAIN_SECRET, value.span.clone(), format!("`{name}` is a secret in plain text; revoke it, and keep the new one in the project's variables or a vault"));
        }
    }
}

const ARCHITECTURES: &[(&str, &[&str])] =
    &[("amd64", &["amd64", "x86_64", "x86-64"]), ("arm64", &["arm64", "aarch64"])];

fn architecture_of(word: &str) -> Option<&'static str> {
    let word = word.to_lowercase();
    let mut found = ARCHITECTURES.iter().filter(|(_, names)| names.iter().any(|name| word.contains(name)));
    found.next().filter(|_| found.next().is_none()).map(|(name, _)| *name)
}

/// Compares the runner's tags with images and options that name an architecture.
fn architecture(source: &Source, job: &Job<'_>, findings: &mut Findings) {
    let mut runners: Vec<&str> = job.tags().iter().filter_map(|tag| architecture_of(tag)).collect();
    runners.dedup();
    let [runner] = runners[..] else { return };
    let wrong = |word: &str| architecture_of(word).filter(|other| *other != runner);
    let platform = job.get("image").and_then(|image| image.get("docker")).and_then(|docker| docker.get("platform"));
    for node in job.image().into_iter().chain(platform) {
        if let Some(other) = node.text().and_then(wrong) {
            findings.report(
                &r::ARCHITECTURE,
                node.span.clone(),
                format!("the runner is {runner}, but this image is {other}"),
            );
        }
    }
    for node in job.commands() {
        let text = node.text().unwrap_or_default();
        for word in text.split_whitespace().filter(|word| word.starts_with("--custom-platform=")) {
            if let Some(other) = wrong(word) {
                findings.report(
                    &r::ARCHITECTURE,
                    place(source, node, text, word),
                    format!("the runner is {runner}, but kaniko builds for {other} only on {other}"),
                );
            }
        }
    }
}

/// Compares the parts of a multi-architecture image with the jobs that build them.
fn manifest(
    source: &Source,
    config: &Config<'_>,
    building: &[Building<'_, '_>],
    job: &Job<'_>,
    findings: &mut Findings,
) {
    let commands = job.commands();
    let all: String = commands.iter().filter_map(|node| node.text()).collect::<Vec<_>>().join("\n");
    let Some(verb) = ["manifest create", "imagetools create", "image index"].iter().find(|verb| all.contains(**verb))
    else {
        return;
    };
    let builders: Vec<&Building<'_, '_>> = building.iter().filter(|other| other.job.name != job.name).collect();
    let mut built: Vec<&str> = builders.iter().flat_map(|other| other.architectures.iter().copied()).collect();
    built.sort_unstable();
    built.dedup();
    if built.len() < 2 || config.elsewhere {
        return;
    }
    let place = commands
        .iter()
        .find(|node| node.text().is_some_and(|text| text.contains(verb)))
        .map_or(job.key.span.clone(), |node| place(source, node, verb, verb));
    let named = |arch: &str| {
        ARCHITECTURES.iter().any(|(name, words)| *name == arch && words.iter().any(|word| all.contains(word)))
    };
    for arch in built.iter().filter(|arch| !named(arch) && built.iter().any(|other| named(other))) {
        findings.report(&r::MANIFEST_LACKS, place.clone(), format!("{arch} is built, but is not in this image"));
    }
    let waits = match job.needs() {
        Some(needs) => builders.iter().any(|Building { job: other, .. }| {
            needs.iter().any(|need| need.name == other.name || reaches(config, need.name, other.name))
        }),
        None => {
            let own = stage(config, job);
            let earlier = |other: &&Building<'_, '_>| other.job.open || other.stage < own;
            config.stages().is_none() || job.open || builders.iter().any(earlier)
        }
    };
    if !waits {
        findings.report(
            &r::MANIFEST_EARLY,
            place,
            format!("`{}` does not wait for `{}`; add it to `needs`", job.name, builders[0].job.name),
        );
    }
}

fn reaches(config: &Config<'_>, from: &str, to: &str) -> bool {
    // People write one more level at most; deeper chains count as waiting.
    config.job(from).and_then(Job::needs).is_none_or(|needs| {
        needs.iter().any(|need| {
            need.name == to || config.job(need.name).and_then(Job::needs).is_none_or(|more| !more.is_empty())
        })
    })
}

/// Lists the architectures on which a job runs, from its tags or from the matrix that fills them.
fn architectures(job: &Job<'_>) -> Vec<&'static str> {
    let tags = job.tags();
    let mut found: Vec<_> = tags.iter().filter_map(|tag| architecture_of(tag)).collect();
    for (key, value) in job.matrix().unwrap_or_default().into_iter().flatten() {
        if tags.iter().any(|tag| *tag == format!("${key}") || *tag == format!("${{{key}}}")) {
            found.extend(architecture_of(value));
        }
    }
    found
}
