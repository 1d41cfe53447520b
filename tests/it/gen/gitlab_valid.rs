//! Generated GitLab pipelines as GitLab's own readers see them: `gitlab-ci-local`, which resolves `extends`, `needs` and
//! matrices, and GitLab's JSON Schema. `scripts/gitlab-ci-local` installs both.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use toolkit::generate::{self, Project, ToolSpec};
use toolkit::project::{Lock, Manifest, Root};
use toolkit::toolchain;

const BOTH: &str = "platforms = [\"linux/amd64\", \"linux/arm64\"]\n";
const STEPS: &str = "[pipeline.steps]\nrestore = [\"dotnet restore\"]\ntest = [\"dotnet test\"]\n";
const PUBLISH: &str = "[pipeline.steps]\nbuild = [\"make\"]\npublish = [\"make publish\"]\n";
const IMAGE: &str = "[pipeline.container]\ntest = [\"make test\"]\ntags = [\"latest\", \"$CI_COMMIT_TAG\"]\n";
const ECR: &str = "[pipeline.container]\nrepository = \"123456789012.dkr.ecr.eu-west-1.amazonaws.com/app\"\n";
const ROLE: &str = "[pipeline.aws]\nrole = \"arn:aws:iam::123456789012:role/ci\"\nregion = \"eu-west-1\"\n";
const CODEBUILD: &str = "[pipeline.gitlab]\nrunners = \"codebuild\"\nproject = \"runners\"\n";
const HOSTED: &str = "[pipeline.gitlab]\nrunners = \"gitlab\"\n";
const SECRETS: &str =
    "[pipeline.secrets]\nA = { secrets-manager = \"app/a:key\" }\nB = { secrets-manager = \"app/b\" }\n";
const KEPT: &str = "[[pipeline.reports]]\nformat = \"junit\"\nfiles = [\"a.xml\", \"b/*.xml\"]\n\
    [[pipeline.reports]]\nformat = \"cobertura\"\nfiles = [\"c.xml\"]\n\
    [[pipeline.reports]]\nformat = \"trx\"\nfiles = [\"*.trx\"]\ndirectory = \"out\"\n\
    [pipeline.artifacts]\nfiles = [\"bin/**\"]\nexclude = [\"bin/tmp/**\"]\n\
    [pipeline.cache]\npaths = [\"~/.nuget/packages\", \"obj/\"]\nfiles = [\"a.lock\", \"b.lock\"]\n";

/// Models, each with a name: what stands in toolkit.toml.
fn variations() -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    for builder in ["kaniko", "buildah", "podman", "buildkit", "docker"] {
        for (family, text) in [("tags", ""), ("hosted", HOSTED)] {
            for jobs in ["matrix", "plain"] {
                let gitlab = if text.is_empty() { "[pipeline.gitlab]\n" } else { text };
                let model = format!("{BOTH}{IMAGE}builder = \"{builder}\"\n{gitlab}jobs = \"{jobs}\"\n");
                found.push((format!("{builder}-{family}-{jobs}"), model));
            }
        }
        if builder != "buildkit" {
            let model = format!("{BOTH}{ECR}builder = \"{builder}\"\n{ROLE}{STEPS}");
            found.push((format!("{builder}-ecr"), model));
        }
        let one = format!("platforms = [\"linux/arm64\"]\n{IMAGE}builder = \"{builder}\"\ncache = false\n");
        found.push((format!("{builder}-single"), one));
    }
    for manifest in ["buildah", "podman", "docker", "toolkit"] {
        let own = "[pipeline.images]\ntoolkit = \"registry.example/toolkit:1\"\n";
        found.push((format!("manifest-{manifest}"), format!("{BOTH}{IMAGE}manifest = \"{manifest}\"\n{own}")));
    }
    let rest = [
        ("codebuild", format!("{BOTH}{IMAGE}{CODEBUILD}{STEPS}")),
        ("codebuild-ecr", format!("{BOTH}{ECR}{CODEBUILD}{ROLE}{SECRETS}{PUBLISH}")),
        ("codebuild-image", format!("{BOTH}{CODEBUILD}image = \"registry.example/ci:1\"\nsize = \"large\"\n{PUBLISH}")),
        ("steps", format!("{BOTH}{STEPS}{KEPT}")),
        ("steps-plain", format!("{BOTH}{PUBLISH}{KEPT}[pipeline.gitlab]\njobs = \"plain\"\n")),
        ("steps-single", format!("platforms = [\"linux/amd64\"]\n{PUBLISH}{KEPT}")),
        ("tools", format!("{BOTH}[tools]\ndotnet = \"10.0\"\n{STEPS}{KEPT}{HOSTED}")),
        ("secrets", format!("{BOTH}{PUBLISH}{SECRETS}{ROLE}")),
        ("secrets-of-the-runner", format!("{BOTH}{STEPS}{SECRETS}")),
        ("everything", format!("{BOTH}{IMAGE}{PUBLISH}{SECRETS}{ROLE}{KEPT}")),
        ("never", format!("{BOTH}{IMAGE}[pipeline.push]\nbranches = []\ntags = false\n")),
        ("always", format!("{BOTH}{IMAGE}[pipeline.push]\nbranches = [\"*\"]\nmerge-requests = true\n")),
        ("hub", format!("{BOTH}[pipeline.container]\nrepository = \"me/app\"\n")),
        ("ghcr", format!("{BOTH}[pipeline.container]\nrepository = \"ghcr.io/me/app\"\nbuilder = \"buildah\"\n")),
        ("tags", format!("{BOTH}{IMAGE}[pipeline.gitlab.tags]\namd64 = [\"x86\"]\narm64 = [\"arm\", \"big\"]\n")),
        ("no-retry", format!("{BOTH}[pipeline]\nretry = 0\ntimeout = \"1 minute\"\n{STEPS}")),
        ("dollar", format!("{BOTH}{STEPS}[pipeline.environment]\nPRICE = \"5$\"\nA = \"${{B}}\"\n")),
    ];
    found.extend(rest.into_iter().map(|(name, model)| (name.to_owned(), model)));
    found
}

/// Makes the file of a model, as `toolkit gen gitlab-ci` does.
fn made(name: &str, model: &str) -> String {
    let path = Path::new("toolkit.toml");
    let manifest = Manifest::parse(path, model).unwrap();
    let lock = Lock::read(&Root::at(&examples().join("gitlab-dotnet"))).unwrap().unwrap();
    let dotnet = toolchain::find("dotnet").unwrap();
    let tools =
        if model.contains("[tools]") { vec![ToolSpec::of(dotnet, lock.entries("dotnet").next())] } else { Vec::new() };
    let project = Project::new(&manifest, Some(&lock), tools, Path::new("/example/app"))
        .unwrap_or_else(|error| panic!("{name}: {error}\n{model}"));
    let outputs = generate::find("gitlab-ci").unwrap().generate(&project);
    outputs.unwrap_or_else(|error| panic!("{name}: {error}\n{model}")).remove(0).body
}

/// Lists all files to be checked: the examples and the variations.
fn files() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(examples()).unwrap() {
        let path = entry.unwrap().path().join(".gitlab-ci.yml");
        if let Ok(text) = fs::read_to_string(&path) {
            let folder = path.parent().unwrap().file_name().unwrap().to_str().unwrap().to_owned();
            found.push((format!("example-{folder}"), text));
        }
    }
    found.sort();
    assert!(found.len() >= 4, "{found:?}");
    found.extend(variations().into_iter().map(|(name, model)| {
        let text = made(&name, &model);
        (name, text)
    }));
    let names: BTreeSet<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names.len(), found.len(), "two files of one name would be checked once");
    found
}

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("buildspecs")
}

#[test]
fn each_example_is_what_is_generated_from_it() {
    for folder in ["gitlab-graviton-kaniko", "gitlab-graviton-buildah", "gitlab-codebuild-runners", "gitlab-dotnet"] {
        let mut check = Command::new(env!("CARGO_BIN_EXE_toolkit"));
        let output = check.args(["gen", "gitlab-ci", "--check"]).current_dir(examples().join(folder)).output().unwrap();
        assert!(output.status.success(), "{folder}:\n{}", String::from_utf8_lossy(&output.stdout));
    }
}

#[test]
fn no_rule_of_lint_fires_on_a_generated_file() {
    let folder = tempfile::tempdir().unwrap();
    let lint = |name: &str, text: &str| {
        let file = folder.path().join(format!("{name}.gitlab-ci.yml"));
        fs::write(&file, text).unwrap();
        let arguments = ["lint", "--deny", "warnings", "--format", "text"];
        Command::new(env!("CARGO_BIN_EXE_toolkit")).args(arguments).arg(&file).current_dir(&folder).output().unwrap()
    };
    let wrong = lint("wrong", "job:\n  script: [a]\n  taggs: [x]\n");
    assert!(!wrong.status.success(), "lint finds nothing in a wrong file");
    for (name, text) in files() {
        let output = lint(&name, &text);
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && !said.contains("TK"), "{name}:\n{said}");
    }
}

#[test]
fn gitlab_ci_local_accepts_every_generated_file() {
    let Some(program) = std::env::var("TOOLKIT_GITLAB_CI_LOCAL").ok().filter(|program| !program.is_empty()) else {
        eprintln!("skipped: TOOLKIT_GITLAB_CI_LOCAL is not set; `eval \"$(scripts/gitlab-ci-local)\"` sets it");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let git = |arguments: &[&str]| {
        let status = Command::new("git").args(arguments).current_dir(&folder).stdout(Stdio::null()).status().unwrap();
        assert!(status.success(), "git {arguments:?}");
    };
    git(&["init", "--quiet", "--initial-branch=main"]);
    git(&["remote", "add", "origin", "git@gitlab.com:group/project.git"]);
    for (name, text) in files() {
        let file = format!("{name}.yml");
        fs::write(folder.path().join(&file), &text).unwrap();
        let mut words = program.split(' ');
        let output = Command::new(words.next().unwrap())
            .args(words)
            .args(["--list-json", "--file", &file])
            .current_dir(&folder)
            .env("HOME", folder.path())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{name}: {said}\n{text}");
        assert!(!said.contains("duplicated mapping key"), "{name}: {said}");
        let jobs: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let found: Vec<&str> = jobs.as_array().unwrap().iter().map(|job| job["name"].as_str().unwrap()).collect();
        assert_eq!(found.is_empty(), text.is_empty(), "{name}: {found:?}");
        expect_each_architecture(&name, &text, &found);
    }
}

/// Proves that no architecture is lost on the way from the model to the jobs.
fn expect_each_architecture(name: &str, text: &str, jobs: &[&str]) {
    for (job, native) in [("build", true), ("build-image", true), ("test-image", true), ("manifest", false)] {
        let there = text.contains(&format!("\n{job}:\n")) || text.contains(&format!("\n.{job}:\n"));
        let single = name.contains("single");
        let expected = match (there, native && !single) {
            (false, _) => 0,
            (true, true) => 2,
            (true, false) => 1,
        };
        let own = |found: &&&str| {
            **found == job
                || found.starts_with(&format!("{job}: ["))
                || **found == format!("{job}-amd64")
                || **found == format!("{job}-arm64")
        };
        let found = jobs.iter().filter(own).count();
        assert_eq!(found, expected, "{name}: {job}: {jobs:?}");
    }
}

#[test]
fn gitlabs_schema_accepts_every_generated_file() {
    let Some(schema) = std::env::var("TOOLKIT_GITLAB_SCHEMA").ok().filter(|schema| !schema.is_empty()) else {
        eprintln!("skipped: TOOLKIT_GITLAB_SCHEMA is not set; `eval \"$(scripts/gitlab-ci-local)\"` sets it");
        return;
    };
    let known = Command::new("python3").args(["-c", "import jsonschema"]).stderr(Stdio::null()).status();
    if !known.is_ok_and(|status| status.success()) {
        eprintln!("skipped: python3 has no jsonschema");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let files = files();
    for (name, text) in &files {
        let value: serde_json::Value = serde_yaml::from_str(text).unwrap();
        fs::write(folder.path().join(format!("{name}.json")), value.to_string()).unwrap();
    }
    // A file that must fail shows that the schema is one.
    fs::write(folder.path().join("wrong.json"), r#"{"job": {"script": ["a"], "retry": 9, "taggs": ["x"]}}"#).unwrap();
    let script = "import json, sys, pathlib, jsonschema\n\
        check = jsonschema.Draft7Validator(json.load(open(sys.argv[1])))\n\
        for file in sorted(pathlib.Path(sys.argv[2]).glob('*.json')):\n\
        \x20   for error in check.iter_errors(json.load(open(file))):\n\
        \x20       print(file.stem, list(error.absolute_path), error.message[:300])\n";
    let output = Command::new("python3").args(["-c", script, &schema]).arg(folder.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.lines().any(|line| line.starts_with("wrong ")), "the schema finds nothing: {said}");
    let found: Vec<&str> = said.lines().filter(|line| !line.starts_with("wrong ")).collect();
    assert!(found.is_empty(), "{} files: {}", files.len(), found.join("\n"));
    eprintln!("{} files hold to GitLab's schema", files.len());
}
