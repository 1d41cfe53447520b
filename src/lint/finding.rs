//! What was found, where, and how it can be fixed.

use std::collections::BTreeMap;
use std::ops::Range;

use super::{Level, Rule};
use crate::format::{Position, Source};

/// A mistake and its location.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule.
    pub rule: &'static Rule,
    /// Its severity here: that of the rule, unless the service that reads this file is more lenient.
    pub level: Level,
    /// What is wrong here, with the names involved.
    pub message: String,
    /// The bytes it is about.
    pub span: Range<usize>,
    /// Where it begins.
    pub start: Position,
    /// Where it ends.
    pub end: Position,
    /// The service's own error message, if it is known.
    pub service_says: Option<String>,
    /// How to fix it if that is safe: all edits, or none.
    pub fix: Vec<Edit>,
}

/// A change of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The bytes to replace.
    pub span: Range<usize>,
    /// The text that replaces them.
    pub text: String,
}

/// The most findings that are kept per rule: nobody reads more, and a file can have a million.
const MOST_KEPT: usize = 1000;

/// Collects what the rules report.
#[derive(Debug, Default)]
pub struct Findings {
    kept: Vec<Finding>,
    counts: BTreeMap<&'static str, usize>,
    /// Receives the findings that are not kept.
    spare: Option<Finding>,
}

impl Findings {
    /// Reports a mistake; a fix and the service's message can be added to the result.
    pub fn report(&mut self, rule: &'static Rule, span: Range<usize>, message: impl Into<String>) -> &mut Finding {
        let nowhere = Position { line: 0, column: 0 };
        let message = message.into();
        let finding = Finding {
            rule,
            level: rule.level,
            message,
            span,
            start: nowhere,
            end: nowhere,
            service_says: None,
            fix: Vec::new(),
        };
        let count = self.counts.entry(rule.id).or_default();
        *count += 1;
        if *count > MOST_KEPT {
            return self.spare.insert(finding);
        }
        self.kept.push(finding);
        self.kept.last_mut().expect("one was added just now")
    }

    /// Returns true if this rule was reported at this offset.
    #[must_use]
    pub(super) fn has(&self, rule: &Rule, offset: usize) -> bool {
        self.kept.iter().rev().take(8).any(|finding| finding.rule == rule && finding.span.contains(&offset))
    }

    /// Returns true if something was reported about these bytes or a part of them.
    #[must_use]
    pub(super) fn overlaps(&self, span: &Range<usize>) -> bool {
        self.kept.iter().any(|finding| finding.span.start < span.end && span.start < finding.span.end)
    }

    /// Changes every finding.
    pub(super) fn each(&mut self, change: impl FnMut(&mut Finding)) {
        self.kept.iter_mut().for_each(change);
    }

    /// Takes over the findings of another.
    pub(super) fn append(&mut self, other: Self) {
        self.kept.extend(other.kept);
        for (id, count) in other.counts {
            *self.counts.entry(id).or_default() += count;
        }
    }

    /// Removes the findings that `keep` refuses.
    pub fn retain(&mut self, keep: impl FnMut(&Finding) -> bool) {
        self.kept.retain(keep);
    }

    /// Returns the findings in the order of the file, with their positions.
    #[must_use]
    pub fn sorted(mut self, source: &Source) -> Vec<Finding> {
        self.kept.sort_by(|left, right| {
            (left.span.start, left.rule.id, &left.message).cmp(&(right.span.start, right.rule.id, &right.message))
        });
        let starts = source.positions(self.kept.iter().map(|finding| finding.span.start));
        let ends = source.positions(self.kept.iter().map(|finding| finding.span.end));
        for (finding, (start, end)) in self.kept.iter_mut().zip(starts.into_iter().zip(ends)) {
            (finding.start, finding.end) = (start, end);
        }
        self.kept.dedup();
        for (id, count) in self.counts.iter().filter(|(_, count)| **count > MOST_KEPT) {
            if let Some(last) = self.kept.iter_mut().rev().find(|finding| finding.rule.id == *id) {
                last.message.push_str(&format!("; and {} more of {id} in this file", count - MOST_KEPT));
            }
        }
        self.kept
    }
}

impl Finding {
    /// Adds what the service would say.
    pub fn says(&mut self, text: impl Into<String>) -> &mut Self {
        self.service_says = Some(text.into());
        self
    }

    /// Lowers it to a warning: the service that reads this file accepts it.
    pub(super) fn warns(&mut self) -> &mut Self {
        self.level = self.level.max(Level::Warning);
        self
    }

    /// Adds an edit that fixes it.
    pub fn fix(&mut self, span: Range<usize>, text: impl Into<String>) -> &mut Self {
        self.fix.push(Edit { span, text: text.into() });
        self
    }
}

/// Returns the end of a message that suggests a name: `; did you mean …?`. Empty if there is none.
#[must_use]
pub fn suggestion(near: Option<&str>) -> String {
    near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default()
}

/// Applies edits to a text; of two that overlap, the later one is left out.
#[must_use]
pub fn apply(text: &str, edits: &[Edit]) -> String {
    let mut sorted: Vec<&Edit> = edits.iter().collect();
    sorted.sort_by_key(|edit| (edit.span.start, edit.span.end));
    let (mut result, mut done) = (String::with_capacity(text.len()), 0);
    for edit in sorted {
        if edit.span.start < done {
            continue;
        }
        result.push_str(&text[done..edit.span.start]);
        result.push_str(&edit.text);
        done = edit.span.end;
    }
    result.push_str(&text[done..]);
    result
}
