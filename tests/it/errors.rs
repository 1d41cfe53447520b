//! Every error of the program as a user sees it, compared with `errors.txt`: text, causes, advice and exit code. A new
//! variant fails this test until it has an example. `UPDATE_SNAPSHOTS=1 cargo test --test it errors` writes the file anew.

mod amazon;
mod builds;
mod bytes;
mod checking;
mod comparing;
mod credentials;
mod examples;
mod files;
mod following;
mod indexes;
mod mirrors;
mod network;
mod pipelines;
mod registries;
mod requests;
mod sandboxes;
mod starting;
mod stores;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use examples::{Example, Section};

#[test]
fn every_error_is_shown_as_the_snapshot_has_it() {
    let path = folder("tests/it/errors.txt");
    let now: String = sections().iter().map(section_text).collect::<Vec<_>>().join("\n");
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        fs::write(&path, &now).unwrap();
    }
    let before = fs::read_to_string(&path).unwrap_or_default();
    let difference = difference(&before, &now);
    assert!(
        difference.is_empty(),
        "errors read differently (`-` in errors.txt, `+` now); when they read better, run\n\
         UPDATE_SNAPSHOTS=1 cargo test --test it errors\n{difference}"
    );
}

#[test]
fn every_variant_in_the_source_has_a_section() {
    let mut declared: Vec<String> = rust_files(&folder("src")).iter().flat_map(|file| variants_in(file)).collect();
    let mut shown: Vec<String> = sections().iter().map(|section| section.name.to_owned()).collect();
    declared.sort();
    shown.sort();
    assert!(declared.len() > 100, "the reader of `#[error(` no longer finds them: {declared:?}");
    let missing: Vec<_> = declared.iter().filter(|name| !shown.contains(name)).collect();
    let stale: Vec<_> = shown.iter().filter(|name| !declared.contains(name)).collect();
    assert!(missing.is_empty() && stale.is_empty(), "without a section: {missing:#?}\nwithout a variant: {stale:#?}");
    shown.dedup();
    assert_eq!(shown.len(), declared.len(), "a section or a variant occurs twice");
}

#[test]
fn every_section_shows_its_own_variant() {
    for Section { name, examples } in sections() {
        assert!(!examples.is_empty(), "{name} shows nothing");
        let own = name.rsplit("::").next().unwrap();
        for example in examples {
            let holds = example.debug.as_ref().is_none_or(|debug| debug.contains(own));
            assert!(holds, "{name} shows something else: {:?}", example.debug);
        }
    }
}

#[test]
fn every_error_reads_well() {
    let faults: Vec<String> = sections()
        .iter()
        .flat_map(|section| section.examples.iter().map(move |example| (section.name, example)))
        .flat_map(|(name, example)| faults(example).into_iter().map(move |fault| format!("{name}: {fault}")))
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_reader_of_sources_sees_enums_structs_and_long_attributes() {
    let text = "#[derive(Debug, thiserror::Error)]\npub enum Error {\n    /// A.\n    #[error(\"a\")]\n    A,\n    \
                #[error(\n        \"b {}\",\n        x(1)\n    )]\n    /// B.\n    B {\n    },\n    #[error(transparent)]\n    \
                C(#[from] D),\n}\n#[error(\"{what}\")]\n#[must_use]\npub(super) struct Lone {\n}\n";
    assert_eq!(variants("room", text), ["room::Error::A", "room::Error::B", "room::Error::C", "room::Lone"]);
}

#[test]
fn the_reader_of_renderings_sees_what_reads_badly() {
    for (text, code, said) in [
        ("error: Could not x\nhint: y\n", 3, "upper case"),
        ("error: could not x.\nhint: y\n", 3, "full stop"),
        ("error: could not x \nhint: y\n", 3, "space"),
        ("error: could not x\nhint: Do y\n", 3, "upper case"),
        ("error: could not x\n", 3, "no hint"),
        ("error: could not x: no y\n  Caused by: no y\nhint: z\n", 3, "repeats"),
        ("error: got Some(3)\nhint: y\n", 3, "Debug"),
        ("error: could not x\nhint: y\n", 6, "exit code"),
    ] {
        let example = Example { code, text: text.to_owned(), debug: None };
        let found = faults(&example);
        assert!(found.len() == 1 && found[0].contains(said), "{text}: {found:?}");
    }
}

fn sections() -> Vec<Section> {
    [
        builds::sections(),
        comparing::sections(),
        starting::sections(),
        requests::sections(),
        network::sections(),
        bytes::sections(),
        files::sections(),
        pipelines::sections(),
        registries::sections(),
        credentials::sections(),
        amazon::sections(),
        following::sections(),
        indexes::sections(),
        mirrors::sections(),
        sandboxes::sections(),
        stores::sections(),
        checking::sections(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn section_text(section: &Section) -> String {
    let class = |code| match code {
        1 => "a finding",
        2 => "usage",
        3 => "upstream",
        4 => "integrity",
        5 => "this machine",
        _ => "unknown",
    };
    let example = |example: &Example| format!("\nexit {}, {}\n{}", example.code, class(example.code), example.text);
    format!("## {}\n{}", section.name, section.examples.iter().map(example).collect::<String>())
}

/// Lists what reads badly in one rendering.
fn faults(example: &Example) -> Vec<String> {
    const DEBUG: &[&str] = &["{ ", "Some(", "None", "Err(", "Ok(", "Os {", "\\\"", "\u{1b}", "\"\""];
    const NAMES: &[&str] = &["AWS", "Amazon ", "CloudWatch ", "CodeBuild", "IAM ", "S3 ", "STS "];
    let mut faults = Vec::new();
    let mut fault = |what: &str, line: &str| faults.push(format!("{what}: {line}"));
    for line in example.text.lines() {
        // A URL, a path, a digest or an install's name is as long as it is.
        let own = line.split(' ').map(|word| word.chars().count() + 1).filter(|length| *length <= 36);
        // And what AWS says is as long as AWS says it.
        if own.sum::<usize>() > 160 && !line.starts_with("  Caused by: User: arn:") {
            fault("longer than 160 characters", line);
        }
        if line.ends_with(' ') {
            fault("ends in a space", line);
        } else if line.ends_with('.') {
            fault("ends in a full stop", line);
        }
        for sign in DEBUG.iter().filter(|sign| line.contains(**sign)) {
            fault(&format!("Debug output, `{sign}`"), line);
        }
        for mark in ["error: ", "hint: "] {
            let name = |text: &str| NAMES.iter().any(|name| text.starts_with(name));
            let text = line.strip_prefix(mark).filter(|text| !name(text));
            if text.is_some_and(|text| text.starts_with(|c: char| c.is_ascii_uppercase())) {
                fault("starts in upper case", line);
            }
        }
    }
    let parts = parts(&example.text);
    for pair in parts.windows(2).filter(|pair| pair[0].contains(&pair[1])) {
        fault("repeats its cause", &pair[0]);
    }
    if !(1..=5).contains(&example.code) {
        fault("no exit code of ours", &example.code.to_string());
    }
    // Some mistakes on the command line are their own advice.
    if (example.code >= 3 || example.debug.is_some()) && !example.text.contains("\nhint: ") {
        fault("no hint", &example.text);
    }
    faults
}

/// Returns the texts of the error and its causes, each on one line.
fn parts(text: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    for line in text.lines().take_while(|line| !line.starts_with("hint: ")) {
        match line.strip_prefix("error: ").or_else(|| line.strip_prefix("  Caused by: ")) {
            Some(start) => parts.push(start.to_owned()),
            None => parts.last_mut().unwrap().push_str(line.trim_start()),
        }
    }
    parts
}

/// Shows the lines of each section that differ; empty when none does.
fn difference(before: &str, now: &str) -> String {
    let (before, now) = (by_name(before), by_name(now));
    let mut names: Vec<_> = before.keys().chain(now.keys()).collect();
    names.sort();
    names.dedup();
    let lines = |of: &BTreeMap<String, Vec<String>>, name: &String| of.get(name).cloned().unwrap_or_default();
    names
        .into_iter()
        .map(|name| (name, changed(&lines(&before, name), &lines(&now, name))))
        .filter(|(_, lines)| !lines.is_empty())
        .map(|(name, lines)| format!("\n## {name}\n{lines}"))
        .collect()
}

fn by_name(snapshot: &str) -> BTreeMap<String, Vec<String>> {
    let sections = format!("\n{snapshot}");
    let sections = sections.split("\n## ").skip(1).filter_map(|section| section.split_once('\n'));
    sections.map(|(name, text)| (name.to_owned(), text.trim().lines().map(str::to_owned).collect())).collect()
}

/// Leaves out what both begin and end with.
fn changed(before: &[String], now: &[String]) -> String {
    let same = |(left, right): &(&String, &String)| left == right;
    let start = before.iter().zip(now).take_while(same).count();
    let (before, now) = (&before[start..], &now[start..]);
    let end = before.iter().rev().zip(now.iter().rev()).take_while(same).count();
    let gone = before[..before.len() - end].iter().map(|line| format!("- {line}\n"));
    gone.chain(now[..now.len() - end].iter().map(|line| format!("+ {line}\n"))).collect()
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

fn variants_in(file: &Path) -> Vec<String> {
    let inside = file.strip_prefix(folder("src")).unwrap();
    let room = inside.components().next().unwrap().as_os_str().to_str().unwrap();
    variants(room.trim_end_matches(".rs"), &fs::read_to_string(file).unwrap())
}

/// Names what each `#[error(…)]` stands on: `net::Error::Status`, `model::BadDigest`.
fn variants(room: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut owner = String::new();
    let mut lines = text.lines().map(str::trim);
    while let Some(line) = lines.next() {
        if let Some((_, name)) = line.split_once("enum ").filter(|(before, _)| !before.contains("//")) {
            owner = identifier(name);
        }
        if !line.starts_with("#[error(") {
            continue;
        }
        if !line.ends_with(")]") {
            lines.by_ref().find(|line| line.ends_with(")]"));
        }
        let item = lines.by_ref().find(|line| !line.starts_with('#') && !line.starts_with("//")).unwrap_or_default();
        found.push(match item.split_once("struct ") {
            Some((_, name)) => format!("{room}::{}", identifier(name)),
            None => format!("{room}::{owner}::{}", identifier(item)),
        });
    }
    found
}

fn identifier(text: &str) -> String {
    text.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
}
