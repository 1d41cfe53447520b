//! Applies fixes. A file is written completely or not at all, with its line endings and its byte order mark.

use std::collections::BTreeMap;
use std::{fs, io};

use super::files::Named;
use crate::cli::render::Failure;
use crate::format::{Source, yaml};
use crate::fs::{At, FileError, replace};
use crate::lint::{self, Edit, Finding, Rule, Setting, Target};

/// How often a file is checked again: a fix can reveal the next mistake.
const ROUNDS: usize = 10;

/// A file after its changes.
pub(super) struct Fixed {
    pub(super) source: Source,
    pub(super) findings: Vec<Finding>,
    pub(super) changes: usize,
    rules: BTreeMap<&'static str, usize>,
}

impl Fixed {
    /// Summarizes the fixes: "3 fixed: TK005 2 times, TK007".
    pub(super) fn summary(&self) -> String {
        let rules = self.rules.iter().map(|(id, count)| match count {
            1 => (*id).to_owned(),
            count => format!("{id} {count} times"),
        });
        format!("{} fixed: {}", self.changes, rules.collect::<Vec<_>>().join(", "))
    }
}

/// Applies fixes until none is left. Never turns valid YAML into invalid YAML.
pub(super) fn fix(source: Source, target: Target, setting: &Setting, allowed: &[&Rule]) -> Fixed {
    let findings = lint::check(&source, target, setting);
    let mut fixed = Fixed { source, findings, changes: 0, rules: BTreeMap::new() };
    for _ in 0..ROUNDS {
        let counts = |finding: &&Finding| !allowed.contains(&finding.rule);
        let (edits, rules) = compatible(fixed.findings.iter().filter(counts));
        if edits.is_empty() {
            break;
        }
        let text = execute(&fixed.source.text, edits);
        if yaml::parse(&fixed.source.text).is_ok() && yaml::parse(&text).is_err() {
            break;
        }
        fixed.source = Source::new(fixed.source.path, text);
        fixed.findings = lint::check(&fixed.source, target, setting);
        for id in rules {
            fixed.changes += 1;
            *fixed.rules.entry(id).or_default() += 1;
        }
    }
    fixed
}

/// Chooses fixes that do not overlap, each complete.
fn compatible<'a>(findings: impl Iterator<Item = &'a Finding>) -> (Vec<Edit>, Vec<&'static str>) {
    let (mut taken, mut rules): (BTreeMap<usize, Edit>, Vec<_>) = (BTreeMap::new(), Vec::new());
    for finding in findings.filter(|finding| !finding.fix.is_empty()) {
        let free = |edit: &Edit| {
            let before = taken.range(..=edit.span.start).next_back().is_none_or(|(start, other)| {
                other.span.end <= edit.span.start && (*start != edit.span.start || other.span.is_empty())
            });
            let after = taken.range(edit.span.start..).next().is_none_or(|(start, _)| *start >= edit.span.end);
            before && after && !taken.contains_key(&edit.span.start)
        };
        if finding.fix.iter().all(free) {
            taken.extend(finding.fix.iter().map(|edit| (edit.span.start, edit.clone())));
            rules.push(finding.rule.id);
        }
    }
    (taken.into_values().collect(), rules)
}

/// Applies edits with the line endings of the file.
fn execute(text: &str, mut edits: Vec<Edit>) -> String {
    if text.contains("\r\n") {
        for edit in &mut edits {
            edit.text = edit.text.replace("\r\n", "\n").replace('\n', "\r\n");
        }
    }
    lint::apply(text, &edits)
}

/// Writes a file completely, follows its links, and keeps its permissions.
///
/// # Errors
/// For standard input, and if the directory cannot be written; the file is then unchanged.
pub(super) fn write(file: &Named, source: &Source, marked: bool) -> Result<(), Failure> {
    let Some(path) = &file.path else {
        return Err(Failure::usage_with_hint(
            "standard input cannot be fixed; nothing was changed",
            "name a file, or leave out `--fix`",
        ));
    };
    if fs::metadata(path).at("write", path)?.permissions().readonly() {
        return Err(FileError::new("write", path, io::Error::from(io::ErrorKind::PermissionDenied)).into());
    }
    let mark = if marked { "\u{feff}" } else { "" };
    Ok(replace(path, format!("{mark}{}", source.text), file.links())?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lint::rule;

    fn finding(edits: &[(usize, usize, &str)]) -> Finding {
        let nowhere = crate::format::Position { line: 1, column: 1 };
        let fix =
            edits.iter().map(|(start, end, text)| Edit { span: *start..*end, text: (*text).to_owned() }).collect();
        let rule = rule("TK001").unwrap();
        Finding {
            rule,
            level: rule.level,
            message: String::new(),
            span: 0..0,
            start: nowhere,
            end: nowhere,
            service_says: None,
            fix,
        }
    }

    #[test]
    fn a_fix_is_applied_completely_and_never_over_another() {
        for (findings, expected) in [
            (&[finding(&[(0, 1, "X"), (3, 4, "Y")])][..], "XbcYef"),
            (&[finding(&[(0, 2, "X")]), finding(&[(1, 3, "Y"), (5, 6, "Z")])], "Xcdef"),
            (&[finding(&[(0, 2, "X")]), finding(&[(2, 3, "Y")])], "XYdef"),
            (&[finding(&[(2, 2, "X")]), finding(&[(2, 2, "X")])], "abXcdef"),
            (&[finding(&[(4, 6, "X")]), finding(&[(0, 5, "Y")])], "abcdX"),
        ] {
            let (edits, _) = compatible(findings.iter());
            assert_eq!(execute("abcdef", edits), expected);
        }
        assert_eq!(execute("a\r\nb", vec![Edit { span: 1..1, text: "\nx".to_owned() }]), "a\r\nx\r\nb");
    }
}
