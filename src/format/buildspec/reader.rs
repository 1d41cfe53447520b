//! Reads strings, lists, maps and booleans from a tree, and records what is missing or has the wrong type.

use std::collections::BTreeSet;
use std::ops::Range;

use super::{Pair, Problem, ProblemKind, Text};
use crate::format::yaml::{Entry, Node};
use crate::model::did_you_mean;
use crate::text::all_of;

/// Where keys belong, for keys in the wrong place.
const HOMES: &[(&str, &[&str])] = &[
    ("at the top of the file", &["version", "phases", "env", "proxy", "batch", "reports", "artifacts", "cache"]),
    ("under `phases`", &["install", "pre_build", "build", "post_build"]),
    ("under `phases.install`", &["runtime-versions"]),
    ("in a phase", &["commands", "finally", "on-failure"]),
    ("at the top of the file or in a phase", &["run-as"]),
    (
        "under `env`",
        &["shell", "variables", "parameter-store", "secrets-manager", "exported-variables", "git-credential-helper"],
    ),
    ("under `proxy`", &["upload-artifacts", "logs"]),
    ("under `artifacts`", &["exclude-paths", "enable-symlinks", "s3-prefix", "secondary-artifacts"]),
    ("under `artifacts` or in a report", &["files", "discard-paths", "base-directory"]),
    ("in a report", &["file-format"]),
    ("under `cache`", &["paths", "fallback-keys"]),
    ("under `batch`", &["fast-fail", "build-list", "build-graph", "build-matrix", "build-fanout"]),
    ("in a build of `build-graph`", &["depend-on"]),
    ("in a build of a batch", &["identifier", "ignore-failure", "debug-session"]),
    ("in the `env` of a build of a batch", &["compute-type", "privileged-mode", "fleet"]),
];

/// Keywords of other services, and CodeBuild's names for them.
const OTHER_WORDS: &[(&str, &str)] = &[
    ("depends-on", "depend-on"),
    ("depends_on", "depend-on"),
    ("dependsOn", "depend-on"),
    ("needs", "depend-on"),
    ("secrets", "secrets-manager"),
    ("exports", "exported-variables"),
    ("fail-fast", "fast-fail"),
    ("script", "commands"),
    ("run", "commands"),
    ("excludes", "exclude-paths"),
    ("format", "file-format"),
    ("id", "identifier"),
    ("name", "identifier"),
    ("privileged", "privileged-mode"),
    ("runtimes", "runtime-versions"),
];

/// Collects problems while it reads.
#[derive(Debug, Default)]
pub(super) struct Reader {
    pub(super) problems: Vec<Problem>,
}

impl Reader {
    pub(super) fn report(
        &mut self,
        kind: ProblemKind,
        span: &Range<usize>,
        message: impl Into<String>,
    ) -> &mut Problem {
        self.problems.push(Problem { kind, span: span.clone(), message: message.into(), instead: None });
        self.problems.last_mut().expect("one was added just now")
    }

    /// Returns the entries of a map, including merged ones; reports anything that is not a map.
    pub(super) fn map<'a>(&mut self, node: &'a Node, what: &str) -> Vec<&'a Entry> {
        if node.entries().is_none() {
            self.wrong(node, what, "a map");
        }
        effective(node)
    }

    /// Reports the unknown keys of a map.
    pub(super) fn keys(&mut self, entries: &[&Entry], place: &str, known: &[&str]) {
        for entry in entries {
            let Some(key) = entry.key.text() else { continue };
            if !known.contains(&key) {
                self.unknown(entry, key, place, known);
            }
        }
    }

    fn unknown(&mut self, entry: &Entry, key: &str, place: &str, known: &[&str]) {
        let span = &entry.key.span;
        let other = OTHER_WORDS.iter().find(|(word, _)| *word == key).map(|(_, right)| *right);
        let near = other.filter(|right| known.contains(right)).or_else(|| near(key, known));
        let home = HOMES.iter().find(|(_, keys)| keys.contains(&key)).map(|(home, _)| *home);
        match (near, home) {
            (Some(near), None) => {
                let message = format!("unknown key `{key}` {place}; did you mean `{near}`?");
                let taken = entry.key.alias;
                let problem = self.report(ProblemKind::MisspeltKey, span, message);
                problem.instead = (!taken).then(|| near.to_owned());
            }
            (_, Some(home)) => {
                self.report(
                    ProblemKind::MisplacedKey,
                    span,
                    format!("`{key}` has no effect {place}: it belongs {home}"),
                );
            }
            (None, None) => {
                let message = format!("unknown key `{key}` {place}; expected one of: {}", listed(known));
                self.report(ProblemKind::UnknownKey, span, message);
            }
        }
    }

    /// Reads a scalar.
    pub(super) fn text(&mut self, node: &Node, what: &str) -> Option<Text> {
        if node.is_null() {
            return None;
        }
        let text = Text::of(node);
        if text.is_none() {
            self.wrong(node, what, "text");
        }
        text
    }

    /// Reads a list of scalars. One scalar is read as a list of one, as CodeBuild does for `artifacts.files`; empty
    /// items are ignored, as CodeBuild does.
    pub(super) fn list(&mut self, node: &Node, what: &str) -> Vec<Text> {
        match node.items() {
            Some(items) => items.iter().filter_map(|item| self.text(item, &format!("an item of {what}"))).collect(),
            None if node.is_null() => Vec::new(),
            None if node.text().is_some() => Text::of(node).into_iter().collect(),
            None => {
                self.wrong(node, what, "a list");
                Vec::new()
            }
        }
    }

    /// Takes a map of scalars.
    pub(super) fn pairs(&mut self, node: &Node, what: &str) -> Vec<Pair> {
        if node.is_null() {
            return Vec::new();
        }
        let mut pairs = Vec::new();
        for entry in self.map(node, what) {
            let name = entry.key.text().unwrap_or_default();
            if let Some(Some(value)) = (entry.value.text().is_some()).then(|| Text::of(&entry.value)) {
                pairs.extend(Text::of(&entry.key).map(|key| Pair { key, value }));
            } else {
                self.wrong(&entry.value, &format!("`{name}` in {what}"), "text");
            }
        }
        pairs
    }

    /// Reads a boolean: most keys are documented with yes and no, those of batches with true and false, and CodeBuild
    /// accepts either.
    pub(super) fn truth(&mut self, node: &Node, what: &str) -> bool {
        match node.text().map(str::to_ascii_lowercase).as_deref() {
            Some("yes" | "true" | "on" | "y") => true,
            Some("no" | "false" | "off" | "n" | "") => false,
            Some(text) if text.contains('$') => false,
            Some(_) => {
                let message = format!("{what} is `{}`, neither yes nor no", node.text().unwrap_or_default());
                self.report(ProblemKind::Truth, &node.span, message);
                false
            }
            None => {
                self.wrong(node, what, "yes or no");
                false
            }
        }
    }

    /// Reports a value of the wrong type.
    pub(super) fn wrong(&mut self, node: &Node, what: &str, expected: &str) {
        let kind = if node.is_null() { ProblemKind::Empty } else { ProblemKind::Type };
        let span =
            if node.entries().is_some() || node.items().is_some() { first_line(node) } else { node.span.clone() };
        self.report(kind, &span, format!("{what} is {}, but CodeBuild expects {expected}", node.kind()));
    }

    /// Reports a missing key.
    pub(super) fn missing(&mut self, at: &Range<usize>, key: &str, place: &str) {
        self.report(ProblemKind::Missing, at, format!("{place} has no `{key}`, which CodeBuild requires"));
    }
}

/// Returns the entries of a map as a YAML parser sees them: the last of duplicates, then what `<<` merges in.
pub(super) fn effective(node: &Node) -> Vec<&Entry> {
    let mut seen = BTreeSet::new();
    let own = node.entries().unwrap_or_default().iter().filter(|entry| !entry.is_merge());
    let mut found: Vec<&Entry> = own.rev().filter(|entry| seen.insert(entry.key.text())).collect();
    found.reverse();
    for merged in node.merged() {
        found.extend(effective(merged).into_iter().filter(|entry| seen.insert(entry.key.text())));
    }
    found
}

/// Returns true if a key is present under a misspelled name, so that it is reported once.
pub(super) fn misspelt(entries: &[&Entry], key: &str) -> bool {
    entries.iter().any(|entry| entry.key.text().is_some_and(|text| did_you_mean(text, [key]).is_some()))
}

/// Joins names for a message.
pub(super) fn listed(names: &[&str]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    all_of(quoted)
}

/// Returns the location of a list or map: its first item or key, not all of it.
fn first_line(node: &Node) -> Range<usize> {
    let first = node.items().and_then(<[Node]>::first).or_else(|| node.entries()?.first().map(|entry| &entry.key));
    if node.alias { node.span.clone() } else { node.span.start..first.map_or(node.span.end, |first| first.span.end) }
}

/// Returns the known key that was probably meant. Confusing `_` and `-` is the usual mistake.
fn near<'a>(key: &str, known: &[&'a str]) -> Option<&'a str> {
    let plain = |text: &str| text.replace(['-', '_', ' '], "").to_lowercase();
    let same = known.iter().find(|candidate| plain(candidate) == plain(key)).copied();
    same.or_else(|| did_you_mean(key, known.iter().copied()).filter(|_| key.len() > 3))
}
