//! Values that YAML reads differently than people do: keys, numbers, booleans, documents.

use std::collections::HashMap;

use super::rules;
use crate::format::Source;
use crate::format::yaml::{Entry, Node};
use crate::lint::{File, Findings, Target};

/// Checks the documents of a file.
pub(super) fn check(file: &File<'_>, target: Target, findings: &mut Findings) {
    documents(file, target, findings);
    for (index, document) in file.tree.documents.iter().enumerate() {
        let root = index + 1 == file.tree.documents.len();
        let root = Place { source: file.source, target, root, key: "", runtimes: false };
        walk(document, &root, findings);
    }
}

fn documents(file: &File<'_>, target: Target, findings: &mut Findings) {
    let documents = &file.tree.documents;
    let Some(last) = documents.last() else {
        findings.report(&rules::EMPTY, 0..0, empty(file.source));
        return;
    };
    if documents.iter().all(Node::is_null) {
        findings.report(&rules::EMPTY, last.span.start..last.span.start, empty(file.source));
        return;
    }
    let (extra, read) = match target {
        Target::Yaml => return,
        Target::Buildspec => (documents.get(1), "CodeBuild reads only the first document"),
        Target::GitLab if documents[0].get("spec").is_some() => {
            (documents.get(2), "GitLab reads a `spec` header and one document")
        }
        Target::GitLab => (documents.get(1), "GitLab reads one document, or two when the first has `spec`"),
    };
    if let Some(extra) = extra {
        let message = format!("another document begins here; {read}");
        findings.report(&rules::DOCUMENTS, extra.span.start..extra.span.start, message);
    }
}

fn empty(source: &Source) -> &'static str {
    match source.text.trim() {
        "" => "the file is empty",
        _ => "the file has only comments, or nothing at all",
    }
}

/// Where a value is in a document.
#[derive(Clone, Copy)]
struct Place<'a> {
    source: &'a Source,
    target: Target,
    /// Whether it is the document's root.
    root: bool,
    /// The key whose value it is.
    key: &'a str,
    /// Whether it is below `runtime-versions`, which the buildspec rules check.
    runtimes: bool,
}

fn walk(node: &Node, place: &Place<'_>, findings: &mut Findings) {
    if node.alias {
        return;
    }
    let inner = Place { root: false, ..*place };
    if let Some(items) = node.items() {
        list(items, place, findings);
        for item in items {
            walk(item, &inner, findings);
        }
    }
    if let Some(entries) = node.entries() {
        keys(entries, place, findings);
        for entry in entries {
            let key = entry.key.text().unwrap_or_default();
            let runtimes = inner.runtimes || key == "runtime-versions";
            walk(&entry.value, &Place { key, runtimes, ..inner }, findings);
        }
    }
    if node.is_plain() && node.tag.is_none() && !place.runtimes {
        number(node, place, findings);
    }
}

fn keys(entries: &[Entry], place: &Place<'_>, findings: &mut Findings) {
    let mut seen: HashMap<&str, &Entry> = HashMap::new();
    for entry in entries {
        let Some(text) = entry.key.text() else {
            let message = format!("the key is {}; quote it if it is meant as text", entry.key.kind());
            findings.report(&rules::KEY_KIND, entry.key.span.clone(), message);
            continue;
        };
        if entry.key.is_null() && entry.key.span.is_empty() {
            findings.report(&rules::KEY_KIND, entry.key.span.clone(), "there is no key before the `:`");
        }
        if entry.key.is_plain() && is_truth_word(text) {
            let message = format!("the key `{text}` is read as {}; write `\"{text}\"`", truth(text));
            let quoted = format!("\"{text}\"");
            findings.report(&rules::TRUTH, entry.key.span.clone(), message).fix(entry.key.span.clone(), quoted);
        }
        if let Some(first) = seen.insert(text, entry) {
            twice(text, first, entry, place, findings);
        }
    }
}

fn twice(text: &str, first: &Entry, entry: &Entry, place: &Place<'_>, findings: &mut Findings) {
    let line = place.source.line_of(first.key.span.start);
    if entry.is_merge() {
        let message = format!("this map already has a `<<`, on line {line}; write one `<<: [*first, *second]`");
        findings.report(&rules::MERGE_TWICE, entry.key.span.clone(), message);
        return;
    }
    let lost = if place.root && place.target == Target::GitLab && is_job(&first.value) {
        format!("this replaces the job `{text}` on line {line}, which is lost")
    } else {
        format!("this map already has `{text}`, on line {line}; that value is lost")
    };
    let finding = findings.report(&rules::DUPLICATE, entry.key.span.clone(), lost);
    if place.target == Target::GitLab {
        finding.warns(); // GitLab keeps the last one and runs the pipeline.
    }
}

fn is_job(node: &Node) -> bool {
    ["script", "trigger", "extends", "stage", "run"].iter().any(|key| node.get(key).is_some())
}

/// Returns true for YAML 1.1's booleans that people also use as words; `true` and `false` are meant as booleans.
fn is_truth_word(text: &str) -> bool {
    matches!(text.to_ascii_lowercase().as_str(), "yes" | "no" | "on" | "off")
}

fn truth(text: &str) -> &'static str {
    if matches!(text.to_ascii_lowercase().as_str(), "yes" | "on") { "true" } else { "false" }
}

/// Compares items with their neighbours: a `no` among words is a word, a `3.10` among numbers is a version.
fn list(items: &[Node], place: &Place<'_>, findings: &mut Findings) {
    let words = items.iter().any(|item| item.is_plain() && item.text().is_some_and(is_word));
    for item in items.iter().filter(|item| item.is_plain() && item.tag.is_none() && !item.alias) {
        let Some(text) = item.text() else { continue };
        let quoted = format!("\"{text}\"");
        if words && is_truth_word(text) {
            let message = format!("`{text}` is read as {}, unlike its neighbours; write `{quoted}`", truth(text));
            findings.report(&rules::TRUTH, item.span.clone(), message).fix(item.span.clone(), quoted);
        } else if items.len() > 1 && loses_zero(text) && !place.runtimes && !is_version_key(place.key) {
            lost_zero(item, text, findings);
        }
    }
}

fn is_word(text: &str) -> bool {
    !is_truth_word(text)
        && !matches!(text.to_ascii_lowercase().as_str(), "true" | "false" | "null" | "~" | "y" | "n" | "")
        && text.starts_with(|c: char| c.is_alphabetic())
}

fn number(node: &Node, place: &Place<'_>, findings: &mut Findings) {
    let Some(text) = node.text() else { return };
    let quoted = format!("\"{text}\"");
    let message = if let Some(value) = octal(text) {
        format!("YAML 1.1 reads `{text}` as the number {value}; write `{quoted}`, or leave out the leading zero")
    } else if let Some(value) = sexagesimal(text) {
        format!("YAML 1.1 reads `{text}` as the number {value}; write `{quoted}`")
    } else {
        if is_version_key(place.key) && loses_zero(text) {
            lost_zero(node, text, findings);
        }
        return;
    };
    findings.report(&rules::NUMBER, node.span.clone(), message).fix(node.span.clone(), quoted);
}

fn lost_zero(node: &Node, text: &str, findings: &mut Findings) {
    let number = text.trim_end_matches('0');
    let message = format!("`{text}` without quotes is the number {number}; write `\"{text}\"`");
    findings.report(&rules::LOST_ZERO, node.span.clone(), message).fix(node.span.clone(), format!("\"{text}\""));
}

fn octal(text: &str) -> Option<u64> {
    let digits = text.strip_prefix('0')?;
    let all = !digits.is_empty() && digits.bytes().all(|byte| (b'0'..=b'7').contains(&byte));
    all.then(|| u64::from_str_radix(digits, 8).ok()).flatten().filter(|value| *value > 7)
}

fn sexagesimal(text: &str) -> Option<u64> {
    let mut parts = text.split(':');
    let first = parts.next().filter(|part| !part.is_empty() && !part.starts_with('0') && part.len() < 10)?;
    let mut value: u64 = first.bytes().all(|byte| byte.is_ascii_digit()).then(|| first.parse().ok()).flatten()?;
    let mut count = 0;
    for part in parts {
        let small = (1..=2).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        value = value.checked_mul(60)?.checked_add(small.then(|| part.parse().ok()).flatten().filter(|n| *n < 60)?)?;
        count += 1;
    }
    (count > 0).then_some(value)
}

/// Returns true if a decimal number ends in a significant zero: 1.20, not 1.0 or 0.50.
fn loses_zero(text: &str) -> bool {
    let Some((whole, rest)) = text.split_once('.') else { return false };
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    digits(whole) && digits(rest) && whole != "0" && rest.len() == 2 && rest.ends_with('0') && rest != "00"
}

fn is_version_key(key: &str) -> bool {
    let lower = key.to_ascii_lowercase();
    ["version", "_tag", "image_tag", "runtime", "python", "golang", "nodejs"].iter().any(|word| lower.contains(word))
        || lower == "tag"
}
