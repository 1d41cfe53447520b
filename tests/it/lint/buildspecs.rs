//! CodeBuild's own messages for a buildspec, and the fixes that are applied.

use std::path::Path;

use toolkit::format::Source;
use toolkit::lint::{self, Finding, Target};

fn findings(source: &Source) -> Vec<Finding> {
    lint::check(source, Target::Buildspec, &super::setting())
}

fn bad(name: &str) -> Source {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/lint/buildspec/bad").join(name);
    Source::decode(name, std::fs::read(path).unwrap()).unwrap()
}

/// Carries out the edits of every finding, the last place first.
fn fixed(source: &Source) -> String {
    let mut edits: Vec<_> = findings(source).into_iter().flat_map(|finding| finding.fix).collect();
    edits.sort_by_key(|edit| std::cmp::Reverse(edit.span.start));
    edits.dedup();
    let mut text = source.text.clone();
    for edit in edits {
        text.replace_range(edit.span, &edit.text);
    }
    text
}

#[test]
fn the_words_of_codebuild_are_foretold() {
    for (file, words) in [
        (
            "colon-in-an-echo.yml",
            "YAML_FILE_ERROR Message: Expected Commands[1] to be of string type: found subkeys instead at line 7, value of \
             the key tag on line 5 might be empty",
        ),
        (
            "command-in-braces.yml",
            "YAML_FILE_ERROR Message: Expected Commands[0] to be of string type: found subkeys instead at line 6, value of \
             the key tag on line 5 might be empty",
        ),
        (
            "runtime-docker-on-amd64.yml",
            "YAML_FILE_ERROR Message: Unknown runtime named 'docker'. This build image has the following runtimes: java, \
             golang, rust, python, php, ruby, nodejs, dotnet",
        ),
        ("phases-as-a-list.yml", "YAML_FILE_ERROR Message: wrong number of container tags, expected 1"),
    ] {
        let said: Vec<_> = findings(&bad(file)).into_iter().filter_map(|finding| finding.service_says).collect();
        assert_eq!(said, [words], "{file}");
    }
    let old = "version: 0.2\nbatch:\n  build-list:\n    - identifier: a\n      env: {image: \"aws/codebuild/standard:2.0\"}\n\
               phases:\n  build:\n    commands: [make]\n";
    let said: Vec<_> =
        findings(&Source::new("f", old)).into_iter().filter_map(|finding| finding.service_says).collect();
    assert_eq!(said, ["YAML_FILE_ERROR Message: This build image requires selecting at least one runtime version."]);
}

#[test]
fn a_fixed_file_is_right_afterwards() {
    for (file, line) in [
        ("colon-in-an-echo.yml", "- \"echo Build date: $(date)\""),
        ("colon-in-a-header.yml", "- 'curl -H \"Authorization: Bearer $TOKEN\" https://example.com/hook'"),
        ("colon-at-the-end.yml", "- \"echo Deploying to:\""),
        ("command-in-braces.yml", "- \"{ npm ci; npm test; }\""),
        ("depends-on.yml", "depend-on:"),
        ("misspelt-artifacts.yml", "artifacts:"),
        ("misspelt-commands.yml", "commands:"),
        ("script-as-in-gitlab.yml", "commands:"),
        ("phase-with-a-hyphen.yml", "pre_build:"),
        ("phase-in-capitals.yml", "install:"),
        ("report-format-junit.yml", "file-format: JUNITXML"),
        ("runtime-is-a-number.yml", "dotnet: \"10.0\""),
        ("runtime-named-node.yml", "nodejs: 24"),
        ("version-of-compose.yml", "version: 0.2"),
    ] {
        let text = fixed(&bad(file));
        assert!(text.lines().any(|found| found.trim() == line), "{file}: no `{line}` in\n{text}");
        let left: Vec<_> = findings(&Source::new(file, text)).iter().map(|finding| finding.rule.id).collect();
        assert!(left.is_empty(), "{file}: {left:?}");
    }
}

#[test]
fn a_command_of_several_lines_is_not_quoted_without_asking() {
    let text = "version: 0.2\nphases:\n  build:\n    commands:\n      - a: b\n        c: d\n      - echo x: y # why\n";
    let source = Source::new("buildspec.yml", text);
    assert_eq!(fixed(&source), text);
    assert_eq!(findings(&source).iter().filter(|finding| finding.rule.id == "TK120").count(), 2);
}

#[test]
fn ten_thousand_builds_in_a_row_end_in_one_finding() {
    let mut text = "version: 0.2\nphases:\n  build:\n    commands: [make]\nbatch:\n  build-graph:\n".to_owned();
    for number in 0..10_000 {
        text.push_str(&format!("    - {{identifier: b{number}, depend-on: [b{}]}}\n", (number + 1) % 10_000));
    }
    let source = Source::new("buildspec.yml", text);
    let rules: Vec<_> = findings(&source).iter().map(|finding| finding.rule.id).collect();
    assert_eq!(rules, ["TK192"]);
}
