//! Hostile values of the model in a GitLab pipeline, read back by a YAML reader that has nothing to do with the writer:
//! Python's. They come out as the same strings, at the place where they belong.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use toolkit::generate::{self, Project};
use toolkit::project::Manifest;

use crate::gitlab_scripts::HOSTILE;

/// Writes each value as TOML has it, which JSON's strings are too.
fn list(values: &[&str]) -> String {
    serde_json::to_string(values).unwrap()
}

fn model() -> String {
    let quoted = |text: &str| serde_json::to_string(text).unwrap();
    let pairs = |form: fn(usize, &str) -> String| {
        HOSTILE
            .iter()
            .enumerate()
            .map(|(index, value)| form(index, &serde_json::to_string(value).unwrap()))
            .collect::<String>()
    };
    let tags: Vec<&str> = HOSTILE.iter().copied().filter(|value| !value.trim().is_empty()).collect();
    let files: Vec<&str> = HOSTILE.iter().copied().filter(|value| !value.starts_with(['~', '$', '/'])).collect();
    [
        "platforms = [\"linux/amd64\", \"linux/arm64\"]\n".to_owned(),
        format!("[pipeline.steps]\ntest = {0}\npublish = {0}\n", list(HOSTILE)),
        format!("[pipeline.environment]\n{}", pairs(|index, value| format!("A{index} = {value}\n"))),
        format!(
            "[pipeline.secrets]\n{}",
            pairs(|index, value| format!("S{index} = {{ secrets-manager = {value} }}\n"))
        ),
        format!("[pipeline.container]\ntest = {}\nrepository = {}\n", list(HOSTILE), quoted("\"): #$(id)/x")),
        format!("[pipeline.artifacts]\nfiles = {0}\nexclude = {0}\nexpire = {1}\n", list(HOSTILE), quoted("a: b")),
        format!("[pipeline.cache]\npaths = {}\nfiles = [\"- a\", \"!x\"]\n", list(&files)),
        format!(
            "[pipeline.gitlab]\nimage = {}\ntags.amd64 = {1}\ntags.arm64 = {1}\n",
            quoted("\"a\": !b"),
            list(&tags)
        ),
        format!("[pipeline.aws]\nrole = {}\naudience = {}\n", quoted("*a: '"), quoted("@b # c")),
        format!("[[pipeline.reports]]\nformat = \"junit\"\nfiles = {}\n", list(HOSTILE)),
    ]
    .concat()
}

#[test]
fn a_second_reader_finds_every_hostile_value_where_it_belongs() {
    let known = Command::new("python3").args(["-c", "import yaml"]).stderr(Stdio::null()).status();
    if !known.is_ok_and(|status| status.success()) {
        eprintln!("skipped: python3 has no yaml");
        return;
    }
    let (path, model) = (Path::new("toolkit.toml"), model());
    let manifest = Manifest::parse(path, &model).unwrap();
    let project = Project::new(&manifest, None, Vec::new(), Path::new("/example/app")).unwrap();
    let text = generate::find("gitlab-ci").unwrap().generate(&project).unwrap().remove(0).body;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file.yml");
    std::fs::write(&file, &text).unwrap();
    let script = "import json, sys, yaml\nprint(json.dumps(yaml.safe_load(open(sys.argv[1], encoding='utf-8'))))";
    let output = Command::new("python3").args(["-c", script]).arg(&file).output().unwrap();
    assert!(output.status.success(), "{}\n{text}", String::from_utf8_lossy(&output.stderr));
    let read: Value = serde_json::from_slice(&output.stdout).unwrap();

    let hostile: Vec<Value> = HOSTILE.iter().map(|value| Value::from(*value)).collect();
    for place in [
        "/build/script",
        "/publish/script",
        "/test-image/script",
        "/build/artifacts/exclude",
        "/build/artifacts/reports/junit",
    ] {
        assert_eq!(read.pointer(place).and_then(Value::as_array), Some(&hostile), "{place} in\n{text}");
    }
    for (index, value) in HOSTILE.iter().enumerate() {
        let found = &read["variables"][format!("A{index}")];
        if value.contains('$') {
            assert_eq!((&found["value"], &found["expand"]), (&Value::from(*value), &Value::from(false)), "{value:?}");
        } else {
            assert_eq!(found, *value);
        }
        let secret = &read[".tools"]["secrets"][format!("S{index}")]["aws_secrets_manager"];
        let id = secret["secret_id"].as_str().unwrap();
        assert_eq!(id, value.split(':').next().unwrap(), "{secret}");
    }
    assert_eq!(read["variables"]["IMAGE_REPOSITORY"], "\"): #$(id)/x");
    assert_eq!(read["variables"]["AWS_ROLE_ARN"], "*a: '");
    assert_eq!(read["build"]["image"], "\"a\": !b");
    assert_eq!(read["build"]["artifacts"]["expire_in"], "a: b");
    assert_eq!(read["build"]["cache"]["key"]["files"], serde_json::json!(["- a", "!x"]));
    assert_eq!(read["build-image"]["tags"], Value::Null);
    assert_eq!(
        read[".native"]["tags"].as_array().unwrap().len(),
        HOSTILE.iter().filter(|value| !value.trim().is_empty()).count()
    );
}
