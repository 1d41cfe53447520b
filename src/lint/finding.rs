//! What was found, where, and how it could be mended.

use std::ops::Range;

use super::Rule;
use crate::format::{Position, Source};

/// A mistake at its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule.
    pub rule: &'static Rule,
    /// What is wrong here, with the names at hand.
    pub message: String,
    /// The bytes it is about.
    pub span: Range<usize>,
    /// Where it begins.
    pub start: Position,
    /// Where it ends.
    pub end: Position,
    /// What the service itself would say, where that is known.
    pub service_says: Option<String>,
    /// How to mend it where that is safe: all edits, or none.
    pub fix: Vec<Edit>,
}

/// A change of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The bytes to replace.
    pub span: Range<usize>,
    /// What stands there afterwards.
    pub text: String,
}

/// What rules report into.
#[derive(Debug, Default)]
pub struct Findings(Vec<Finding>);

impl Findings {
    /// Reports a mistake; the result takes a fix and what the service says.
    pub fn report(&mut self, rule: &'static Rule, span: Range<usize>, message: impl Into<String>) -> &mut Finding {
        let nowhere = Position { line: 0, column: 0 };
        let message = message.into();
        self.0.push(Finding { rule, message, span, start: nowhere, end: nowhere, service_says: None, fix: Vec::new() });
        self.0.last_mut().expect("one was added just now")
    }

    /// Tells whether this rule was reported at this place.
    #[must_use]
    pub(super) fn has(&self, rule: &Rule, offset: usize) -> bool {
        self.0.iter().rev().take(8).any(|finding| finding.rule == rule && finding.span.contains(&offset))
    }

    /// Changes every finding.
    pub(super) fn each(&mut self, change: impl FnMut(&mut Finding)) {
        self.0.iter_mut().for_each(change);
    }

    /// Takes over the findings of another.
    pub(super) fn append(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Removes the findings that `keep` refuses.
    pub fn retain(&mut self, keep: impl FnMut(&Finding) -> bool) {
        self.0.retain(keep);
    }

    /// Gives the findings in the order of the file, with their positions.
    #[must_use]
    pub fn sorted(mut self, source: &Source) -> Vec<Finding> {
        for finding in &mut self.0 {
            finding.start = source.position(finding.span.start);
            finding.end = source.position(finding.span.end);
        }
        self.0.sort_by(|left, right| {
            (left.span.start, left.rule.id, &left.message).cmp(&(right.span.start, right.rule.id, &right.message))
        });
        self.0.dedup();
        self.0
    }
}

impl Finding {
    /// Adds what the service would say.
    pub fn says(&mut self, text: impl Into<String>) -> &mut Self {
        self.service_says = Some(text.into());
        self
    }

    /// Adds a change that mends it.
    pub fn fix(&mut self, span: Range<usize>, text: impl Into<String>) -> &mut Self {
        self.fix.push(Edit { span, text: text.into() });
        self
    }
}

/// Carries out changes; of two that overlap, the later one is left out.
#[must_use]
pub(super) fn mend(text: &str, edits: &[Edit]) -> String {
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
