//! Comments that allow a finding: `# toolkit: allow TK104 because the image is built elsewhere`.

use std::collections::BTreeMap;
use std::ops::Range;

use super::{Findings, Level, Rule, Target, suggestion};
use crate::format::Source;
use crate::format::yaml::{Comment, Node, Style, Tree};
use crate::lint::rule::rules;
use crate::project::did_you_mean;

rules! {
    NOT_UNDERSTOOD = Rule {
        id: "TK090",
        level: Level::Warning,
        target: Target::Yaml,
        blocks: false,
        summary: "a `# toolkit:` comment that is not understood",
        reason: "Write `# toolkit: allow TK001 because …`, or `allow-file` for the whole file, and name rules that \
                 exist (`toolkit lint --list`).",
        bad: "a: 1 # toolkit: allow TK9999 because it is so",
        good: "a: 0755 # toolkit: allow TK011 because it is a number in base 8",
    };

    NO_REASON = Rule {
        id: "TK091",
        level: Level::Warning,
        target: Target::Yaml,
        blocks: false,
        summary: "a comment allows a finding without giving a reason",
        reason: "Later readers cannot tell a decision from an oversight: write `because …`.",
        bad: "a: 0755 # toolkit: allow TK011",
        good: "a: 0755 # toolkit: allow TK011 because it is a number in base 8",
    };

    UNUSED = Rule {
        id: "TK092",
        level: Level::Note,
        target: Target::Yaml,
        blocks: false,
        summary: "a comment allows a finding that does not occur",
        reason: "The mistake is gone or is on another line: put the comment on the line of the finding, or alone on \
                 the line above it.",
        bad: "a: 755 # toolkit: allow TK011 because it is a number in base 8",
        good: "a: 755",
    };
}

/// A rule that a comment allows.
struct Allowed {
    rule: &'static Rule,
    /// The location of the id in the comment.
    span: Range<usize>,
    /// The lines it applies to; none for the whole file.
    lines: Option<Range<usize>>,
    used: bool,
}

/// Removes the findings that are allowed by a comment on the same line, or on a line of its own above it. Reports
/// comments that cannot be right.
pub(super) fn apply(source: &Source, tree: &Tree, findings: &mut Findings) {
    let (mut allowed, mut reports) = (Vec::new(), Findings::default());
    let mut long = None;
    for comment in &tree.comments {
        let Some(words) = comment.text.trim().strip_prefix("toolkit:") else { continue };
        let long = long.get_or_insert_with(|| long_texts(source, tree));
        read(source, comment, words, long, &mut allowed, &mut reports);
    }
    if allowed.is_empty() {
        return findings.append(reports);
    }
    findings.retain(|finding| {
        let line = source.line_of(finding.span.start);
        let mut stays = true;
        for one in allowed.iter_mut().filter(|one| one.rule == finding.rule) {
            if one.lines.as_ref().is_none_or(|lines| lines.contains(&line)) {
                one.used = true;
                stays = false;
            }
        }
        stays
    });
    for one in allowed.iter().filter(|one| !one.used) {
        let place = if one.lines.is_some() { "here" } else { "in this file" };
        reports.report(
            &UNUSED,
            one.span.clone(),
            format!("{} reports nothing {place}; remove the comment", one.rule.id),
        );
    }
    findings.append(reports);
}

fn read(
    source: &Source,
    comment: &Comment,
    words: &str,
    long: &BTreeMap<usize, usize>,
    allowed: &mut Vec<Allowed>,
    reports: &mut Findings,
) {
    let words = words.trim_start();
    let start = comment.span.start + source.text[comment.span.clone()].find(words).unwrap_or_default();
    let verb = words.split(char::is_whitespace).next().unwrap_or_default();
    let lines = match verb {
        "allow" => Some(lines_of(source, comment, long)),
        "allow-file" => None,
        _ => {
            let message = format!("unknown word `{verb}`; expected `allow TK001 because …`, or `allow-file`");
            reports.report(&NOT_UNDERSTOOD, comment.span.clone(), message);
            return;
        }
    };
    let rest = &words[verb.len()..];
    let reason = rest.find("because").map(|at| rest[at + "because".len()..].trim());
    let ids = &rest[..rest.find("because").unwrap_or(rest.len())];
    let first = allowed.len();
    for id in ids.split([' ', ',', '\t']).filter(|id| !id.is_empty()) {
        let at = start + verb.len() + (id.as_ptr() as usize - ids.as_ptr() as usize);
        let span = at..at + id.len();
        match super::rule(id) {
            Some(rule) => allowed.push(Allowed { rule, span, lines: lines.clone(), used: false }),
            None => unknown(id, span, reports),
        }
    }
    if ids.trim().is_empty() {
        let message = format!("`{verb}` names no rule; write `{verb} TK001 because …`");
        reports.report(&NOT_UNDERSTOOD, comment.span.clone(), message);
    } else if reason.is_none_or(str::is_empty) && allowed.len() > first {
        reports.report(&NO_REASON, comment.span.clone(), "the comment gives no reason; add `because …`");
    }
}

fn unknown(id: &str, span: Range<usize>, reports: &mut Findings) {
    let known = super::rules().into_iter().map(|rule| rule.id);
    let near = suggestion(did_you_mean(id, known));
    reports.report(&NOT_UNDERSTOOD, span, format!("no rule is named `{id}`{near}"));
}

/// Returns the lines that a comment applies to: its own, or the next line with content if the comment is on a line of
/// its own. All lines of a multi-line value that begins there are included.
fn lines_of(source: &Source, comment: &Comment, long: &BTreeMap<usize, usize>) -> Range<usize> {
    let mut line = source.line_of(comment.span.start);
    let before = &source.text[source.range_of(line).start..comment.span.start];
    if before.trim().is_empty() {
        line += 1;
        while line < source.line_count() && matches!(source.line(line).trim().chars().next(), None | Some('#')) {
            line += 1;
        }
    }
    line..long.get(&line).copied().unwrap_or(line) + 1
}

/// Maps the first line of every multi-line value to its last line.
fn long_texts(source: &Source, tree: &Tree) -> BTreeMap<usize, usize> {
    let mut long = BTreeMap::new();
    let mut open: Vec<&Node> = tree.documents.iter().collect();
    while let Some(node) = open.pop() {
        if node.alias {
            continue;
        }
        open.extend(node.items().unwrap_or_default());
        open.extend(node.entries().unwrap_or_default().iter().map(|entry| &entry.value));
        if node.text().is_some() {
            // The content of a block begins below its header, `|` or `>`.
            let block = matches!(node.style(), Style::Literal | Style::Folded);
            let begin = if block { source.text[..node.span.start].trim_end().len() } else { node.span.start };
            let (start, end) = (source.line_of(begin), source.line_of(node.span.end));
            if end > start {
                long.insert(start, end);
            }
        }
    }
    long
}

#[cfg(test)]
mod tests {
    use super::super::{Setting, check};
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let setting = Setting { today: "2026-11-24".parse().unwrap(), schema: None };
        let findings = check(&Source::new("f", text), Target::Yaml, &setting);
        findings.iter().map(|finding| format!("{}:{}", finding.rule.id, finding.start.line)).collect()
    }

    #[test]
    fn a_comment_allows_what_it_names_on_its_line_below_it_or_in_the_file() {
        for (text, left) in [
            ("a: 0755\n", &["TK011:1"][..]),
            ("a: 0755 # toolkit: allow TK011 because x\n", &[]),
            ("a: 0755 # toolkit: allow tk011 because x\n", &[]),
            ("# toolkit: allow TK011 because x\n# and more\n\na: 0755\nb: 0755\n", &["TK011:5"]),
            ("# toolkit: allow-file TK011 because x\na: 0755\nb: 0755\n", &[]),
            ("a: 0755 # toolkit: allow TK012, TK011 because x\n", &["TK092:1"]),
            ("a: 0755 # toolkit: allow TK011\n", &["TK091:1"]),
            ("a: 0755 # toolkit: allow TK011 because\n", &["TK091:1"]),
            ("a: 0755 # toolkit: allow TK111111 because x\n", &["TK011:1", "TK090:1"]),
            ("a: 0755 # toolkit: allow because x\n", &["TK011:1", "TK090:1"]),
            ("a: 0755 # toolkit: alow TK011 because x\n", &["TK011:1", "TK090:1"]),
            ("a: 755 # toolkit: allow TK011 because x\n", &["TK092:1"]),
            ("a: |\n  # toolkit: allow TK011 because x\nb: 0755\n", &["TK011:3"]),
            ("# toolkit: allow TK006 because x\na: |\n  make\n  make –fast\nb: make –fast\n", &["TK006:5"]),
            ("a: 1 # a word on toolkit: nothing\n", &[]),
        ] {
            assert_eq!(found(text), left, "{text}");
        }
    }
}
