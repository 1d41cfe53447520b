//! `toolkit lint` as people and services use it.

use std::collections::BTreeSet;
use std::fs;
use std::process::Stdio;

use serde_json::Value;

use crate::support::world::{Run, World};

const BAD: &str = "build:\n  script:\n  \u{a0}- make –fast\n";

#[test]
fn a_finding_shows_its_line_with_a_caret_and_a_way_to_read_more() {
    let world = World::new();
    world.write("ci.yml", "version: 0.2\nphases:\n\tbuild: {}\n");
    let run = world.run(&["lint", "ci.yml", "--as", "buildspec"]);
    assert_eq!(run.code, Some(1));
    assert_eq!(
        run.stdout,
        "error[TK002]: this line is indented with a tab; YAML requires spaces\n --> ci.yml:3:1\n  |\n3 |     build: {}\n  | ^^^^\n  \
         = CodeBuild says: found character that cannot start any token at line 3 column 1, while scanning for the next token\n  \
         = help: toolkit lint --explain TK002\n\n"
    );
    assert_eq!(run.stderr, "1 file, 1 error\n");
    assert_eq!(world.run(&["lint", "ci.yml", "--as", "buildspec", "--quiet"]).stderr, "");
}

#[test]
fn without_arguments_the_pipeline_files_of_the_project_are_found() {
    let world = World::new();
    world.write("toolkit.toml", "");
    for name in [
        "buildspec.yml",
        "ci/buildspec-arm64.yaml",
        ".gitlab-ci.yml",
        ".gitlab/ci/build.gitlab-ci.yml",
        "node_modules/x/buildspec.yml",
        "target/buildspec.yml",
        ".git/buildspec.yml",
        "docker-compose.yml",
        "buildspec.md",
        "deep/er/buildspec.yml",
    ] {
        world.write(name, "a: 0755\n");
    }
    let found = |arguments: &[&str]| -> BTreeSet<String> {
        let run = world.run(&[&["lint", "--as", "yaml", "--json"], arguments].concat());
        let found: Value = serde_json::from_str(&run.stdout).unwrap();
        found.as_array().unwrap().iter().map(|one| one["path"].as_str().unwrap().to_owned()).collect()
    };
    let all = [
        ".gitlab-ci.yml",
        ".gitlab/ci/build.gitlab-ci.yml",
        "buildspec.yml",
        "ci/buildspec-arm64.yaml",
        "deep/er/buildspec.yml",
    ];
    assert_eq!(found(&[]), all.map(str::to_owned).into());
    assert_eq!(found(&["-C", "ci"]), all.map(|path| format!("../{path}")).into());
    assert_eq!(
        found(&["deep", "./buildspec.yml"]),
        ["deep/er/buildspec.yml", "buildspec.yml"].map(str::to_owned).into()
    );
    let empty = World::new();
    assert!(empty.fails(2, &["lint"]).contains("name a file"));
}

#[test]
fn a_file_is_known_by_its_name_its_keys_or_what_is_said() {
    let world = World::new();
    world.write("a.yml", "job:\n  script: make\n");
    world.write("b.yml", "version: 0.2\nphases:\n  build:\n    commands: [make]\n");
    world.write("c.yml", "services: {}\n");
    for (name, kind) in [("a.yml", 0), ("b.yml", 0)] {
        assert_eq!(world.run(&["lint", name]).code, Some(kind), "{name}");
    }
    assert!(world.fails(2, &["lint", "c.yml"]).contains("--as buildspec"));
    assert_eq!(world.run(&["lint", "c.yml", "--as", "yaml"]).code, Some(0));
}

#[test]
fn the_level_decides_the_exit_code() {
    let world = World::new();
    world.write("w.yml", "mode: 0755\n");
    world.write("n.yml", "mode: 755 # toolkit: allow TK011 because x\n");
    for (arguments, code) in [
        (&["w.yml"][..], 0),
        (&["w.yml", "--deny", "warnings"], 1),
        (&["w.yml", "--deny", "warnings", "--allow", "tk011"], 0),
        (&["n.yml", "--deny", "warnings"], 0),
        (&["n.yml", "--deny", "notes"], 1),
    ] {
        let run = world.run(&[&["lint", "--as", "yaml"], arguments].concat());
        assert_eq!(run.code, Some(code), "{arguments:?}: {run:?}");
    }
    assert!(world.fails(2, &["lint", "w.yml", "--allow", "TK0111"]).contains("did you mean `TK011`?"));
}

#[test]
fn standard_input_is_read() {
    let world = World::new();
    let mut command = world.command(&["lint", "-", "--as", "gitlab"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"a: b: c\n").unwrap();
    let run = Run::of(&child.wait_with_output().unwrap());
    assert_eq!(run.code, Some(1));
    assert!(run.stdout.contains(" --> -:1:5\n") && run.stdout.contains("= GitLab says: mapping values"), "{run:?}");
}

#[test]
fn fixes_keep_the_line_endings_byte_order_mark_and_permissions_of_the_file() {
    let world = World::new();
    let path = world.project().join("ci.yml");
    fs::write(&path, format!("\u{feff}{BAD}mode: 0755\n").replace('\n', "\r\n")).unwrap();
    std::os::unix::fs::symlink("ci.yml", world.project().join("link.yml")).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o640);
    fs::set_permissions(&path, mode).unwrap();
    let run = world.run(&["lint", "link.yml", "--as", "yaml", "--fix", "--allow", "TK011"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(run.stderr, "link.yml: 2 fixed: TK006, TK008\n1 file, nothing found\n");
    let expected = "\u{feff}build:\r\n  script:\r\n   - make --fast\r\nmode: 0755\r\n";
    assert_eq!(fs::read_to_string(&path).unwrap(), expected);
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&path).unwrap().permissions()) & 0o777, 0o640);
    assert!(world.project().join("link.yml").is_symlink());
    let again = world.run(&["lint", "ci.yml", "--as", "yaml", "--fix"]);
    assert_eq!(again.stderr, "ci.yml: 1 fixed: TK011\n1 file, nothing found\n");
}

#[test]
fn the_articles_list_becomes_a_list_again() {
    let world = World::new();
    world.write("a.yml", "commands:\n– curl -sSL x | bash /dev/stdin –channel STS\n– dotnet build “a b”\n");
    assert_eq!(world.run(&["lint", "a.yml", "--as", "yaml", "--fix"]).code, Some(0));
    assert_eq!(
        world.read("a.yml"),
        "commands:\n- curl -sSL x | bash /dev/stdin --channel STS\n- dotnet build \"a b\"\n"
    );
}

#[test]
fn the_code_quality_report_has_what_gitlab_asks_for_and_names_that_stay() {
    let world = World::new();
    let report = |text: &str| -> Vec<Value> {
        world.write("ci.yml", text);
        let run = world.run(&["lint", "ci.yml", "--as", "gitlab", "--format", "gitlab"]);
        serde_json::from_str(&run.stdout).unwrap()
    };
    let text = "job:\n  script: make –fast\nmode: 0755\nmode: 0755\n";
    let before = report(text);
    let named = |report: &[Value]| -> Vec<String> {
        report.iter().map(|one| one["fingerprint"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(named(&before).iter().collect::<BTreeSet<_>>().len(), before.len(), "{before:?}");
    for one in &before {
        assert!(one["description"].is_string() && one["check_name"].is_string(), "{one}");
        assert!(["info", "minor", "major", "critical", "blocker"].contains(&one["severity"].as_str().unwrap()));
        assert!(one["location"]["path"] == "ci.yml" && one["location"]["lines"]["begin"].is_u64(), "{one}");
    }
    assert_eq!(named(&before), named(&report(&format!("# a line above\n{text}"))));
}

#[test]
fn the_sarif_log_has_rules_regions_and_fixes() {
    let world = World::new();
    world.write("a b.yml", "job:\n  script: 日本 –fast\nmode: 0755\n");
    let run = world.run(&["lint", "a b.yml", "--as", "yaml", "--format", "sarif"]);
    let log: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let results = run["results"].as_array().unwrap();
    assert_eq!((rules.len(), results.len()), (2, 2));
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert!(["error", "warning", "note"].contains(&result["level"].as_str().unwrap()));
        assert!(result["message"]["text"].is_string());
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "a%20b.yml");
        for key in ["startLine", "startColumn", "endLine", "endColumn"] {
            assert!(place["region"][key].as_u64().unwrap() > 0, "{result}");
        }
    }
    let change = &results[0]["fixes"][0]["artifactChanges"][0];
    assert_eq!(change["replacements"][0]["insertedContent"]["text"], "--");
    assert_eq!(change["replacements"][0]["deletedRegion"]["startColumn"], 14);
}

#[test]
fn rules_are_listed_and_explained() {
    let world = World::new();
    let list = world.ok(&["lint", "--list"]);
    assert!(list.starts_with("rule   level    files") && list.contains("TK003  error    yaml"), "{list}");
    let page = world.ok(&["lint", "--explain", "tk003"]);
    assert!(page.starts_with("error[TK003]: a key appears twice") && page.contains("    build-arm:"), "{page}");
    assert!(world.fails(2, &["lint", "--explain", "TK03"]).contains("did you mean"));
    assert_eq!(world.json(&["lint", "--explain", "TK003", "--json"])["rule"], "TK003");
    let all = world.json(&["lint", "--list", "--json"]);
    assert!(all.as_array().unwrap().iter().all(|rule| rule["reason"].is_string() && rule["good"].is_string()));
}

#[test]
fn nothing_in_a_file_can_command_the_terminal() {
    let world = World::new();
    world.write("a.yml", "\"\\e\": 1\nx\u{202e}y: [\n");
    let run = world.run(&["lint", "a.yml", "--as", "yaml"]);
    assert!(run.stdout.contains("TK001") && !run.stdout.contains(['\u{1b}', '\u{202e}']), "{run:?}");
}

/// A schema that knows one word of one key.
#[cfg(feature = "schema")]
const SCHEMA: &str =
    r#"{"additionalProperties": {"type": ["object", "array"], "properties": {"coverage": {"enum": ["/x/"]}}}}"#;

const PIPELINE: &str = "a:\n  image: alpine:3.22\n  script: [make]\n  coverage: /y/\n";

#[test]
#[cfg(feature = "schema")]
fn a_schema_that_is_named_judges_gitlab_files_at_their_places() {
    let world = World::new();
    world.write("schema.json", SCHEMA);
    world.write(".gitlab-ci.yml", PIPELINE);
    let run = world.run(&["lint", "--schema", "schema.json", "--deny", "warnings"]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert!(run.stdout.contains("warning[TK700]") && run.stdout.contains(".gitlab-ci.yml:4:13"), "{}", run.stdout);
    world.ok(&["lint", "--no-schema"]);
    world.write(".gitlab-ci.yml", &PIPELINE.replace("/y/", "/x/"));
    world.ok(&["lint", "--schema", "schema.json"]);
    world.ok(&["lint", "--schema", &format!("file://{}", world.project().join("schema.json").display())]);
}

#[test]
#[cfg(feature = "schema")]
fn a_schema_that_cannot_be_used_is_an_error_and_no_file_is_checked() {
    let world = World::new();
    world.write(".gitlab-ci.yml", PIPELINE);
    for (name, text, said) in [
        ("broken.json", "{", "cannot be used"),
        ("list.json", "[]", "cannot be used"),
        ("number.json", "7", "cannot be used"),
    ] {
        world.write(name, text);
        let failed = world.fails(2, &["lint", "--schema", name]);
        assert!(failed.contains(said) && failed.contains("no file was checked"), "{failed}");
    }
    assert!(world.fails(5, &["lint", "--schema", "nowhere.json"]).contains("could not read the schema"));
    assert!(world.fails(2, &["lint", "--schema", "x", "--no-schema"]).contains("cannot be used with"));
}

#[test]
#[cfg(feature = "schema")]
fn the_published_schema_is_read_once_kept_and_done_without_when_it_is_out_of_reach() {
    let mirror = tempfile::tempdir().unwrap();
    let path = toolkit::lint::schema::PUBLISHED.strip_prefix("https://").unwrap();
    let file = mirror.path().join(path);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, SCHEMA).unwrap();
    let world = World::new();
    world.write(".gitlab-ci.yml", PIPELINE);
    let there = mirror.path().display().to_string();
    assert!(world.run(&["lint", "--mirror", &there]).stdout.contains("TK700"));
    fs::remove_file(&file).unwrap();
    let without = world.run(&["lint", "--mirror", &there]);
    assert_eq!(without.code, Some(0), "{}", without.stdout);
    assert!(without.stderr.contains("checked without it"), "{}", without.stderr);
}

#[test]
#[cfg(not(feature = "schema"))]
fn a_binary_without_the_validator_says_that_it_uses_no_schema_and_makes_no_connection() {
    let world = World::new();
    world.write(".gitlab-ci.yml", PIPELINE);
    // A mirror that is not there: asking it would end in another note.
    let run = world.run(&["lint", "--mirror", "/nowhere"]);
    assert_eq!(run.code, Some(0), "{}", run.stdout);
    assert!(run.stderr.contains("built without the JSON Schema validator"), "{}", run.stderr);
    assert!(!world.run(&["lint", "--no-schema"]).stderr.contains("JSON Schema"));
    let failed = world.fails(2, &["lint", "--schema", "schema.json"]);
    assert!(failed.contains("built without") && failed.contains("no file was checked"), "{failed}");
}

#[test]
#[cfg(feature = "schema")]
fn gitlabs_own_schema_finds_nothing_in_unusual_files_and_something_in_wrong_ones() {
    let Some(schema) = std::env::var("TOOLKIT_GITLAB_SCHEMA").ok().filter(|path| !path.is_empty()) else {
        eprintln!("skipped: TOOLKIT_GITLAB_SCHEMA names no schema (eval \"$(scripts/gitlab-ci-local)\" sets it)");
        return;
    };
    let good = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/lint/gitlab/good")).unwrap();
    let good: Vec<String> = good.map(|entry| entry.unwrap().path().display().to_string()).collect();
    let good = good.iter().filter(|path| path.ends_with(".yml")).map(String::as_str);
    let world = World::new();
    world.ok(&["lint", "--as", "gitlab", "--deny", "warnings", "--schema", &schema]
        .into_iter()
        .chain(good)
        .collect::<Vec<_>>());
    world.write(".gitlab-ci.yml", "a:\n  image: alpine:3.22\n  script: [make]\n  coverage: y\n");
    let run = world.run(&["lint", "--schema", &schema]);
    assert!(run.stdout.contains("warning[TK700]") && run.stdout.contains(".gitlab-ci.yml:4:13"), "{}", run.stdout);
}
