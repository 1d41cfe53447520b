//! Any YAML: TK001 to TK099. What is no YAML at all, what YAML reads otherwise than people do, what web pages do to it.

use super::{File, Findings, Level, Rule, Setting, Target};
use crate::format::Source;
use crate::format::yaml::Error;

/// Every rule of this subject, by id.
pub const RULES: &[Rule] = &[SYNTAX];

const SYNTAX: Rule = Rule {
    id: "TK001",
    level: Level::Error,
    summary: "the file is not YAML",
    reason: "Neither CodeBuild nor GitLab reads anything of it.",
    bad: "version: [0.2",
    good: "version: 0.2",
    target: Target::Yaml,
};

/// Judges a file.
pub(super) fn check(_file: &File<'_>, _setting: &Setting, _findings: &mut Findings) {}

/// Reports a file that no reader takes.
pub(super) fn unreadable(_source: &Source, error: &Error, findings: &mut Findings) {
    findings.report(&SYNTAX, error.offset..error.offset, error.reason.clone());
}
