//! What a file takes from elsewhere in it: `extends` and `!reference`. What may stand in another file is not judged.

use crate::format::gitlab_ci::Config;
use crate::format::yaml::Node;
use crate::lint::circle::{Waits, circle};
use crate::lint::rule::rules;
use crate::lint::{Findings, Level, Rule, Target, suggestion};
use crate::project::did_you_mean;

rules! {
    EXTENDS_CIRCLE = Rule {
        id: "TK531",
        level: Level::Error,
        target: Target::GitLab,
        blocks: false,
        summary: "jobs extend each other in a circle",
        reason: "GitLab rejects the file (https://docs.gitlab.com/ci/yaml/#extends).",
        bad: ".a:\n  extends: .b\n  script: [make]\n.b:\n  extends: .a\njob:\n  extends: .a\n",
        good: ".a:\n  extends: .b\n  script: [make]\n.b:\n  stage: test\njob:\n  extends: .a\n",
    };

    REFERENCE = Rule {
        id: "TK532",
        level: Level::Error,
        target: Target::GitLab,
        blocks: false,
        summary: "`!reference` names something that does not exist",
        reason: "GitLab rejects the file (https://docs.gitlab.com/ci/yaml/yaml_optimization/#reference-tags).",
        bad: "a:\n  script:\n    - !reference [.setup, script]\n    - make\n",
        good: ".setup:\n  script: [make setup]\na:\n  script:\n    - !reference [.setup, script]\n    - make\n",
    };

    QUOTED_REFERENCE = Rule {
        id: "TK533",
        level: Level::Warning,
        target: Target::GitLab,
        blocks: false,
        summary: "a `!reference` in quotes",
        reason: "In quotes it is text: the shell runs it as a command \
                 (https://docs.gitlab.com/ci/yaml/yaml_optimization/#reference-tags).",
        bad: ".setup:\n  script: [make setup]\na:\n  script:\n    - \"!reference [.setup, script]\"\n",
        good: ".setup:\n  script: [make setup]\na:\n  script:\n    - !reference [.setup, script]\n",
    };
}

/// Checks `extends` and all references.
pub(super) fn check(config: &Config<'_>, findings: &mut Findings) {
    extends(config, findings);
    walk(config, config.root, findings);
}

fn extends(config: &Config<'_>, findings: &mut Findings) {
    let waits: Waits<'_> = config
        .jobs
        .iter()
        .filter(|job| !job.shadowed)
        .map(|job| {
            let named = job.body.get("extends").filter(|named| named.tag.is_none());
            let nodes = named.map_or(&[][..], |named| named.items().unwrap_or(std::slice::from_ref(named)));
            (job.name, nodes.iter().filter_map(|node| Some((node.text()?, node.span.clone()))).collect())
        })
        .collect();
    if let Some((link, path)) = circle(&waits) {
        findings
            .report(&EXTENDS_CIRCLE, link, format!("these extend each other: {}", path.join(" extends ")))
            .says(format!("{}: circular dependency detected in `extends`", path[0]));
    }
}

fn walk(config: &Config<'_>, node: &Node, findings: &mut Findings) {
    if node.alias {
        return;
    }
    if node.tag.as_deref() == Some("!reference") {
        reference(config, node, findings);
        return;
    }
    for item in node.items().unwrap_or_default() {
        let quoted = !item.is_plain() && item.text().is_some_and(|text| text.trim_start().starts_with("!reference ["));
        if quoted && item.tag.is_none() {
            findings.report(
                &QUOTED_REFERENCE,
                item.span.clone(),
                "in quotes this is text, not a reference: remove the quotes",
            );
        }
        walk(config, item, findings);
    }
    for entry in node.entries().unwrap_or_default() {
        walk(config, &entry.value, findings);
    }
}

fn reference(config: &Config<'_>, node: &Node, findings: &mut Findings) {
    let Some(keys) = node.items().and_then(|items| items.iter().map(Node::text).collect::<Option<Vec<_>>>()) else {
        return;
    };
    let Some((name, rest)) = keys.split_first().filter(|_| !config.elsewhere) else { return };
    let Some(mut found) = config.top(name) else {
        let names = config.jobs.iter().map(|job| job.name);
        missing(node, &keys, &format!("there is no `{name}`{}", suggestion(did_you_mean(name, names))), findings);
        return;
    };
    for key in rest {
        // What is inherited is added after references are resolved; what another reference brings is not known here.
        if found.tag.is_some() || found.get("extends").is_some() {
            return;
        }
        let next = found.items().map_or_else(|| found.get(key), |items| items.get(key.parse::<usize>().ok()?));
        let Some(next) = next else {
            let names = found.entries().unwrap_or_default().iter().filter_map(|entry| entry.key.text());
            missing(node, &keys, &format!("`{name}` has no `{key}`{}", suggestion(did_you_mean(key, names))), findings);
            return;
        };
        found = next;
    }
}

fn missing(node: &Node, keys: &[&str], message: &str, findings: &mut Findings) {
    let quoted: Vec<String> = keys.iter().map(|key| format!("{key:?}")).collect();
    findings
        .report(&REFERENCE, node.span.clone(), message)
        .says(format!("!reference [{}] could not be found", quoted.join(", ")));
}
