//! Lists and explains the rules.

use std::process::ExitCode;

use serde_json::{Value, json};

use crate::cli::render::{self, Failure};
use crate::cli::styled::{Styled, dim};
use crate::lint::{self, Rule, Target};
use crate::project::did_you_mean;

/// Finds a rule by the id that was typed.
pub(super) fn named(id: &str) -> Result<&'static Rule, Failure> {
    lint::rule(id).ok_or_else(|| {
        let near = did_you_mean(id, lint::rules().into_iter().map(|rule| rule.id));
        let hint = lint::suggestion(near);
        Failure::usage_with_hint(format!("no rule is named `{id}`{hint}"), "`toolkit lint --list` lists them")
    })
}

/// Prints the table of rules.
pub(super) fn list(as_json: bool) -> Result<ExitCode, Failure> {
    if as_json {
        render::json(&lint::rules().into_iter().map(value).collect::<Vec<_>>())?;
        return Ok(ExitCode::SUCCESS);
    }
    let rows: Vec<Vec<String>> = lint::rules()
        .into_iter()
        .map(|rule| [rule.id, rule.level.as_str(), about(rule.target), rule.summary].map(str::to_owned).to_vec())
        .collect();
    render::data(render::table(&["rule", "level", "files", "finds"], &rows))?;
    Ok(ExitCode::SUCCESS)
}

/// Prints the explanation of a rule.
pub(super) fn explain(rule: &Rule, as_json: bool) -> Result<ExitCode, Failure> {
    if as_json {
        render::json(&value(rule))?;
    } else {
        render::data(page(rule))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn page(rule: &Rule) -> Styled {
    let Rule { id, level, summary, reason, .. } = rule;
    let example =
        |text: &str| text.lines().map(|line| format!("    {line}").trim_end().to_owned() + "\n").collect::<String>();
    let head = super::text::paint(*level, &format!("{}[{id}]:", level.as_str()));
    let head = head + format!(" {summary}\n\n{}\n\n", wrapped(reason));
    head + dim("instead of") + "\n" + example(rule.bad) + "\n" + dim("write") + "\n" + example(rule.good)
}

fn wrapped(text: &str) -> String {
    let (mut lines, mut line) = (Vec::new(), String::new());
    for word in text.split_whitespace() {
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > 96 {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines.join("\n")
}

fn value(rule: &Rule) -> Value {
    json!({
        "rule": rule.id, "level": rule.level.as_str(), "files": about(rule.target), "summary": rule.summary,
        "reason": rule.reason, "bad": rule.bad, "good": rule.good,
    })
}

/// Returns the kind of files that a rule applies to.
pub(super) fn about(target: Target) -> &'static str {
    match target {
        Target::Yaml => "yaml",
        Target::Buildspec => "buildspec",
        Target::GitLab => "gitlab",
    }
}
