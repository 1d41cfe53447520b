//! Any YAML: TK001 to TK099. Files that are not YAML, values that YAML reads differently than people do, and what
//! copying from web pages does to text.

mod broken;
mod paste;
pub(super) mod rules;
mod values;

use super::{File, Finding, Findings, Target};
use crate::format::yaml::libyaml_refuses;
use crate::format::{Position, Source, Unreadable};

pub(super) use broken::broken;

/// Checks a file that is YAML.
pub(super) fn check(file: &File<'_>, target: Target, findings: &mut Findings) {
    zero_byte(file.source, findings);
    if let Some(refusal) = libyaml_refuses(&file.source.text) {
        let at = file.source.offset(Position { line: refusal.line, column: refusal.column });
        let tab = refusal.said.contains("tab character") || file.source.text[at..].starts_with('\t');
        let (rule, message) = if tab {
            (
                &rules::TAB,
                "a tab is here, where the parsers of CodeBuild and GitLab require spaces; newer parsers accept it",
            )
        } else {
            (&rules::SYNTAX, "the parsers of CodeBuild and GitLab reject this, although newer parsers accept it")
        };
        findings.report(rule, at..at, message).says(refusal.said);
    }
    paste::check(file, findings);
    values::check(file, target, findings);
}

/// Reports a zero byte, which can occur only in text that was not decoded from a file.
fn zero_byte(source: &Source, findings: &mut Findings) -> bool {
    let found = source.text.find('\0');
    if let Some(offset) = found {
        findings.report(&rules::NO_TEXT, offset..offset + 1, "a zero byte; is this a text file?");
    }
    found.is_some()
}

/// Returns the finding for a file that is not text.
pub(super) fn unreadable(cause: &Unreadable) -> Finding {
    let (start, at) = (cause.position(), 0..0);
    let message = cause.to_string();
    let rule = &rules::NO_TEXT;
    Finding { rule, level: rule.level, message, span: at, start, end: start, service_says: None, fix: Vec::new() }
}
