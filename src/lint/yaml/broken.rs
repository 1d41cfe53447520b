//! Files that cannot be parsed: the reason, and its cause if that is earlier in the file. If the cause is a character
//! with one clear replacement, the rest of the file is checked as if it had been replaced.

use super::{paste, rules};
use crate::format::Source;
use crate::format::yaml::{Error, Fault, Refusal, Tree, libyaml_refuses, parse};
use crate::lint::{Edit, Finding, Findings};

/// A file with its clear mistakes replaced, so that the rest of it can be checked.
pub(in crate::lint) struct Broken {
    /// The text after the replacements.
    pub(in crate::lint) source: Source,
    /// Its content.
    pub(in crate::lint) tree: Tree,
    /// The replacements, in order of position.
    edits: Vec<Edit>,
}

/// Reports why a text is not YAML. Returns the fixed text if fixing its clear mistakes makes it YAML.
pub(in crate::lint) fn broken(source: &Source, error: &Error, findings: &mut Findings) -> Option<Broken> {
    match error.fault {
        Fault::Depth | Fault::Size => {
            let reason = format!("the file {}", error.reason);
            findings.report(&rules::TOO_MUCH, error.offset..error.offset, reason);
            return None;
        }
        Fault::Tab | Fault::Syntax => {}
    }
    if super::zero_byte(source, findings) {
        return None;
    }
    let refusal = libyaml_refuses(&source.text);
    if tabs(source, error, refusal.as_ref(), findings) {
        return None;
    }
    let fixed = Broken::new(source, paste::causes(source, findings));
    if let Some(Ok(fixed)) = fixed {
        return Some(fixed);
    }
    paste::by_lines(source, findings);
    match fixed {
        Some(Err((later, refusal))) => syntax(source, &later, refusal, findings),
        _ => syntax(source, error, refusal, findings),
    }
    None
}

fn syntax(source: &Source, error: &Error, refusal: Option<Refusal>, findings: &mut Findings) {
    let at = error.offset.min(source.text.len());
    let end = source.text[at..].chars().next().filter(|next| *next != '\n').map_or(at, |next| at + next.len_utf8());
    match refusal {
        Some(refusal) => findings.report(&rules::SYNTAX, at..end, error.reason.clone()).says(refusal.said),
        None => findings.report(&rules::DISAGREE, at..end, error.reason.clone()),
    };
}

/// Reports tabs in the indentation if they are the reason or come before it. Tabs inside block scalars are content.
fn tabs(source: &Source, error: &Error, refusal: Option<&Refusal>, findings: &mut Findings) -> bool {
    let last = source.line_of(error.offset);
    let mut tabbed = paste::lines(source).filter(|line| !line.in_block).filter_map(|line| {
        let text = &source.text[line.span.clone()];
        let margin = text.len() - text.trim_start_matches([' ', '\t']).len();
        let tab = text[..margin].find('\t')?;
        (margin < text.len()).then_some((line.number, line.span.start + tab..line.span.start + margin))
    });
    let first = tabbed.next();
    let Some((number, span)) = first.filter(|(number, _)| error.fault == Fault::Tab || *number <= last) else {
        if error.fault == Fault::Tab {
            report_tab(error.offset..error.offset, error.reason.clone(), refusal, findings);
        }
        return error.fault == Fault::Tab;
    };
    let others: Vec<usize> = tabbed.map(|(number, _)| number).filter(|other| *other != number).collect();
    let more = match others.as_slice() {
        [] => String::new(),
        [one] => format!("; so is line {one}"),
        [first, ..] => format!("; so are {} more lines, the next is line {first}", others.len()),
    };
    report_tab(span, format!("this line is indented with a tab; YAML requires spaces{more}"), refusal, findings);
    true
}

fn report_tab(span: std::ops::Range<usize>, message: String, refusal: Option<&Refusal>, findings: &mut Findings) {
    let finding = findings.report(&rules::TAB, span, message);
    if let Some(refusal) = refusal {
        finding.says(refusal.said.clone());
    }
}

impl Broken {
    /// Applies the replacements. Returns none if there are none, and the error that remains, in offsets of the original
    /// file, if they were not enough.
    fn new(file: &Source, mut edits: Vec<Edit>) -> Option<Result<Self, (Error, Option<Refusal>)>> {
        if edits.is_empty() {
            return None;
        }
        edits.sort_by_key(|edit| edit.span.start);
        let source = Source::new(file.path.clone(), crate::lint::apply(&file.text, &edits));
        let parsed = parse(&source.text);
        let mut broken = Self { source, tree: Tree::default(), edits };
        match parsed {
            Ok(tree) => broken.tree = tree,
            Err(error) => {
                let later = Error { offset: broken.back(error.offset).0, ..error };
                return Some(Err((later, libyaml_refuses(&broken.source.text))));
            }
        }
        Some(Ok(broken))
    }

    /// Maps a finding in the fixed text back to the original file. Drops its fix if it would touch a replacement.
    pub(in crate::lint) fn to_file(&self, finding: &mut Finding) {
        finding.span = self.back(finding.span.start).0..self.back(finding.span.end).0;
        let mut whole = true;
        for edit in &mut finding.fix {
            let (start, touched) = self.back(edit.span.start);
            let (end, touched_too) = self.back(edit.span.end);
            whole &= !touched && !touched_too && end - start == edit.span.len();
            edit.span = start..end;
        }
        if !whole {
            finding.fix.clear();
        }
    }

    /// Returns the offset in the original file for an offset in the fixed text, and whether it is inside a replacement.
    fn back(&self, offset: usize) -> (usize, bool) {
        let (mut fixed, mut original) = (0, 0);
        for edit in &self.edits {
            let start = fixed + (edit.span.start - original);
            if offset < start {
                break;
            }
            let end = start + edit.text.len();
            if offset < end {
                return (edit.span.start, offset > start);
            }
            (fixed, original) = (end, edit.span.end);
        }
        (original + (offset - fixed), false)
    }
}
