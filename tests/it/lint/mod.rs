//! Mistakes in pipeline files, one per file, and unusual files that are correct.
//!
//! `fixtures/lint/<target>/bad/` holds the mistakes; `fixtures/lint/<target>/expected.txt` has a line for each file: its
//! name, then every finding as `RULE:LINE`. `good/` holds files in which nothing is found.

mod article_gitlab;
mod articles;
mod buildspecs;
mod command;
mod hard;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use toolkit::format::Source;
use toolkit::lint::{self, Level, Rule, Setting, Target};

const TARGETS: &[(&str, Target)] =
    &[("yaml", Target::Yaml), ("buildspec", Target::Buildspec), ("gitlab", Target::GitLab)];

/// The day for which the fixtures are checked.
pub fn setting() -> Setting {
    Setting { today: "2026-11-24".parse().unwrap(), schema: None }
}

/// Checks a file: its findings as `RULE:LINE`.
pub fn found(path: &Path, target: Target) -> Vec<String> {
    let bytes = std::fs::read(path).unwrap();
    let findings = match Source::decode(path.display().to_string(), bytes) {
        Ok(source) => lint::check(&source, target, &setting()),
        Err(cause) => vec![lint::unreadable(&cause)],
    };
    findings.iter().map(|finding| format!("{}:{}", finding.rule.id, finding.start.line)).collect()
}

fn folder(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/lint").join(target)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.filter(|path| path.extension().is_some_and(|ending| ending == "yml")).collect();
    files.sort();
    files
}

#[test]
fn every_mistake_is_found_at_its_line_and_nothing_else() {
    let mut wrong = Vec::new();
    for (name, target) in TARGETS {
        let folder = folder(name);
        let table = std::fs::read_to_string(folder.join("expected.txt")).unwrap_or_default();
        let mut expected: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for line in table.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()) {
            let mut words = line.split_whitespace();
            let file = words.next().unwrap();
            assert!(expected.insert(file, words.collect()).is_none(), "{name}: {file} appears twice in the table");
        }
        let files = files(&folder.join("bad"));
        let there: BTreeSet<String> =
            files.iter().map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect();
        for missing in expected.keys().filter(|file| !there.contains(**file)) {
            wrong.push(format!("{name}/{missing}: in the table, and no such file"));
        }
        for path in files {
            let file = path.file_name().unwrap().to_str().unwrap();
            let found = found(&path, *target);
            let asked = expected.get(file).cloned().unwrap_or_default();
            if found != asked || asked.is_empty() {
                wrong.push(format!("{name}/{file}: expected {asked:?}, found {found:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn nothing_is_found_in_files_that_are_only_unusual() {
    let mut wrong = Vec::new();
    for (name, target) in TARGETS {
        for path in files(&folder(name).join("good")) {
            let found = found(&path, *target);
            if !found.is_empty() {
                wrong.push(format!("{}: {found:?}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Lists the rules, without the one that only a schema can find.
fn rules() -> Vec<&'static Rule> {
    lint::rules().into_iter().filter(|rule| rule.id != "TK700").collect()
}

#[test]
fn every_rule_has_its_examples_and_they_are_true() {
    let mut wrong = Vec::new();
    for rule in rules() {
        for (text, has) in [(rule.bad, true), (rule.good, false)] {
            let source = Source::new("example.yml", text);
            let findings = lint::check(&source, rule.target, &setting());
            if findings.iter().any(|finding| finding.rule == rule) != has {
                wrong.push(format!("{}: its {} example: {findings:?}", rule.id, if has { "bad" } else { "good" }));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn ids_are_never_used_twice() {
    let mut ids = BTreeSet::new();
    for rule in lint::rules() {
        assert!(ids.insert(rule.id), "{} appears twice", rule.id);
    }
}

#[test]
fn only_errors_block_a_build() {
    let wrong = lint::rules().into_iter().filter(|rule| rule.blocks && rule.level != Level::Error);
    assert_eq!(wrong.map(|rule| rule.id).collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn every_rule_has_a_file_with_its_mistake() {
    let tables = TARGETS.iter().map(|(name, _)| std::fs::read_to_string(folder(name).join("expected.txt")).unwrap());
    let tables: String = tables.collect();
    let without: Vec<&str> =
        rules().into_iter().map(|rule| rule.id).filter(|id| !tables.contains(&format!(" {id}:"))).collect();
    assert!(without.is_empty(), "no file in fixtures/lint has {without:?}");
}
