//! Findings for other programs: JSON, GitLab's Code Quality report, SARIF.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Checked, rules, service};
use crate::format::Source;
use crate::lint::{Edit, Finding, Level, Rule};
use crate::model::hex;

/// Returns an array of findings.
pub(super) fn json(checked: &[Checked]) -> Value {
    let one = |file: &Checked, finding: &Finding| {
        let fix: Vec<Value> = finding.fix.iter().map(|edit| replacement(file.source.as_ref(), edit)).collect();
        json!({
            "path": file.path, "files": rules::about(file.target), "rule": finding.rule.id, "level": finding.level.as_str(),
            "message": finding.message, "line": finding.start.line, "column": finding.start.column,
            "endLine": finding.end.line, "endColumn": finding.end.column, "fix": fix, "service": finding.service_says,
        })
    };
    checked.iter().flat_map(|file| file.findings.iter().map(move |finding| one(file, finding))).collect()
}

fn replacement(source: Option<&Source>, edit: &Edit) -> Value {
    let mut value = region(source, edit);
    value["text"] = json!(edit.text);
    value
}

fn region(source: Option<&Source>, edit: &Edit) -> Value {
    let Some(source) = source else { return json!({}) };
    let (start, end) = (source.position(edit.span.start), source.position(edit.span.end));
    json!({ "line": start.line, "column": start.column, "endLine": end.line, "endColumn": end.column })
}

/// Returns GitLab's Code Quality report
/// (<https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format>).
pub(super) fn code_quality(checked: &[Checked]) -> Value {
    let mut report = Vec::new();
    for file in checked {
        for (finding, fingerprint) in file.findings.iter().zip(fingerprints(file)) {
            let severity = match finding.level {
                Level::Error => "critical",
                Level::Warning => "major",
                Level::Note => "info",
            };
            report.push(json!({
                "description": format!("{} ({})", finding.message, finding.rule.id), "check_name": finding.rule.id,
                "fingerprint": fingerprint, "severity": severity,
                "location": { "path": file.path, "lines": { "begin": finding.start.line } },
            }));
        }
    }
    report.into()
}

/// Returns an identifier for each finding that stays the same if lines are added above it: rule, file, text of the
/// line, and how many equal ones come before it.
fn fingerprints(file: &Checked) -> Vec<String> {
    let mut seen: HashMap<(&str, &str), usize> = HashMap::new();
    let name = |finding: &Finding| {
        let line = file.source.as_ref().map_or("", |source| source.line(finding.start.line)).trim();
        let count = seen.entry((finding.rule.id, line)).or_default();
        *count += 1;
        let mut hash = Sha256::new();
        for part in [finding.rule.id, &file.path, line, &count.to_string()] {
            hash.update(part.as_bytes());
            hash.update([0]);
        }
        hex(&hash.finalize()[..16])
    };
    file.findings.iter().map(name).collect()
}

/// Returns a SARIF 2.1.0 log (<https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>).
pub(super) fn sarif(checked: &[Checked]) -> Value {
    let all = checked.iter().flat_map(|file| &file.findings);
    let used: BTreeMap<&str, &Rule> = all.map(|finding| (finding.rule.id, finding.rule)).collect();
    let index: HashMap<&str, usize> = used.keys().enumerate().map(|(index, id)| (*id, index)).collect();
    let mut results = Vec::new();
    for file in checked {
        for (finding, fingerprint) in file.findings.iter().zip(fingerprints(file)) {
            results.push(result(file, finding, index[finding.rule.id], &fingerprint));
        }
    }
    let rules: Vec<Value> = used.values().map(|rule| descriptor(rule)).collect();
    let driver = json!({ "name": "toolkit lint", "semanticVersion": env!("CARGO_PKG_VERSION"), "rules": rules });
    json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{ "tool": { "driver": driver }, "columnKind": "unicodeCodePoints", "results": results }],
    })
}

fn descriptor(rule: &Rule) -> Value {
    let help = format!("{}\n\nInstead of\n\n{}\n\nwrite\n\n{}", rule.reason, rule.bad, rule.good);
    json!({
        "id": rule.id, "shortDescription": { "text": rule.summary }, "fullDescription": { "text": rule.reason },
        "help": { "text": help }, "defaultConfiguration": { "level": rule.level.as_str() },
        "properties": { "tags": [rules::about(rule.target)] },
    })
}

fn result(file: &Checked, finding: &Finding, index: usize, fingerprint: &str) -> Value {
    let artifact = json!({ "uri": uri(&file.path) });
    let region = json!({
        "startLine": finding.start.line, "startColumn": finding.start.column,
        "endLine": finding.end.line, "endColumn": finding.end.column,
    });
    let said = finding.service_says.as_ref();
    let text = said
        .map_or(finding.message.clone(), |said| format!("{}. {} says: {said}", finding.message, service(file.target)));
    let mut value = json!({
        "ruleId": finding.rule.id, "ruleIndex": index, "level": finding.level.as_str(), "message": { "text": text },
        "locations": [{ "physicalLocation": { "artifactLocation": artifact, "region": region } }],
        "partialFingerprints": { "line/v1": fingerprint },
    });
    if let (Some(source), false) = (&file.source, finding.fix.is_empty()) {
        let replacements: Vec<Value> = finding.fix.iter().map(|edit| sarif_replacement(source, edit)).collect();
        let change = json!({ "artifactLocation": artifact, "replacements": replacements });
        value["fixes"] = json!([{ "description": { "text": finding.rule.summary }, "artifactChanges": [change] }]);
    }
    value
}

fn sarif_replacement(source: &Source, edit: &Edit) -> Value {
    let (start, end) = (source.position(edit.span.start), source.position(edit.span.end));
    json!({
        "deletedRegion": {
            "startLine": start.line, "startColumn": start.column, "endLine": end.line, "endColumn": end.column,
        },
        "insertedContent": { "text": edit.text },
    })
}

/// Returns a path as a relative reference (RFC 3986), percent-encoded.
fn uri(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~!$&'()*+,;=@".contains(&byte);
    let spell = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    let escaped: String = path.bytes().map(spell).collect();
    if path.starts_with('/') { format!("file://{escaped}") } else { escaped }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_references() {
        for (path, expected) in
            [("a/b.yml", "a/b.yml"), ("a b:c%.yml", "a%20b%3Ac%25.yml"), ("é", "%C3%A9"), ("/x/y", "file:///x/y")]
        {
            assert_eq!(uri(path), expected);
        }
    }
}
