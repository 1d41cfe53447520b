//! The scripts of generated GitLab pipelines, run by a real shell with stand-ins for the builders: hostile values of the
//! model reach the builder as they are, and the digests reach the manifest.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use toolkit::generate::{self, Project};
use toolkit::project::Manifest;

/// Values that a shell or YAML would love to take for something else. None names a variable: those are expanded, as said.
pub const HOSTILE: &[&str] = &[
    "\"",
    "'",
    "a: b",
    "# no comment",
    "line\nline",
    "${{ x }}",
    "$(touch pwned)",
    "`touch pwned`",
    "-rf",
    "--flag",
    "!!str",
    "*",
    "@a",
    "&a",
    "a\u{2028}b",
    "\\",
    "a\\nb",
    "%s",
    "; touch pwned",
    "&& touch pwned",
    "| cat",
    "> pwned",
    "~",
    "{a,b}",
    "[x]",
    "",
    " ",
    "\ttab",
    "é日本",
    "null",
    "yes",
    "$",
    "$$",
    "$1",
    "${",
    "$((1+1))",
    "a=b",
    "!ref",
];

/// Writes each argument behind a unit separator, each call behind a record separator, and answers as the builder would.
const STAND_IN: &str = r#"#!/bin/sh
{ printf '\036%s' "${0##*/}"; for word in "$@"; do printf '\037%s' "$word"; done; } >> "$CALLS"
for word in "$@"; do
  case $word in
  --digest-file=*|--digestfile=*) printf 'sha256:%s\n' "$BUILD_ARCH" > "${word#*=}" ;;
  --metadata-file=*) printf '{\n  "containerimage.digest": "sha256:a0%s"\n}\n' "${#BUILD_ARCH}" > "${word#*=}" ;;
  esac
done
case "$*" in *RepoDigests*) echo "registry/app@sha256:$BUILD_ARCH" ;; esac
cat > /dev/null < /dev/null
"#;

struct Jobs {
    folder: tempfile::TempDir,
    file: serde_yaml::Value,
}

impl Jobs {
    fn new(model: &str) -> Self {
        let path = Path::new("toolkit.toml");
        let manifest = Manifest::parse(path, model).unwrap();
        let project = Project::new(&manifest, None, Vec::new(), Path::new("/example/app")).unwrap();
        let body = generate::find("gitlab-ci").unwrap().generate(&project).unwrap().remove(0).body;
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("bin")).unwrap();
        for name in ["buildah", "podman", "docker", "buildctl-daemonless.sh", "executor", "timeout"] {
            let file = folder.path().join("bin").join(name);
            fs::write(&file, STAND_IN).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        }
        // Kaniko stands at a place of its own, which a test does not write to.
        let kaniko = folder.path().join("kaniko").display().to_string();
        fs::create_dir(&kaniko).unwrap();
        let body = body.replace("/kaniko/executor", "executor").replace("/kaniko/", &format!("{kaniko}/"));
        Self { folder, file: serde_yaml::from_str(&body).unwrap() }
    }

    /// Runs `before_script` and `script` of a job as GitLab does: one shell that stops at the first failure.
    fn run(&self, job: &str, architecture: &str) -> Vec<Vec<String>> {
        let job = &self.file[job];
        let lines = ["before_script", "script"].iter().filter_map(|key| job[*key].as_sequence()).flatten();
        let script: Vec<&str> = lines.map(|line| line.as_str().unwrap()).collect();
        let calls = self.folder.path().join("calls");
        let _ = fs::remove_file(&calls);
        let path = format!("{}:{}", self.folder.path().join("bin").display(), std::env::var("PATH").unwrap());
        let output = Command::new("sh")
            .args(["-e", "-c", &script.join("\n")])
            .current_dir(self.folder.path())
            .env("PATH", path)
            .env("HOME", self.folder.path())
            .env("CALLS", &calls)
            .env("BUILD_ARCH", architecture)
            .env("IMAGE_REPOSITORY", "registry/app")
            .env("CI_PROJECT_DIR", self.folder.path())
            .env("CI_REGISTRY", "registry")
            .env("CI_REGISTRY_USER", "user")
            .env("CI_REGISTRY_PASSWORD", "glcbt-64_x")
            .env("REGISTRY_USER", "user")
            .env("REGISTRY_PASSWORD", "p%s\\a \"ss")
            .env("CI_COMMIT_SHORT_SHA", "abc123")
            .env("CI_COMMIT_SHA", "x y")
            .env_remove("CI_COMMIT_TAG")
            .output()
            .unwrap();
        assert!(output.status.success(), "{}\n{}", script.join("\n"), String::from_utf8_lossy(&output.stderr));
        assert!(!self.folder.path().join("pwned").exists(), "a value was run:\n{}", script.join("\n"));
        let text = fs::read_to_string(&calls).unwrap_or_default();
        text.split('\u{1e}').skip(1).map(|call| call.split('\u{1f}').map(str::to_owned).collect()).collect()
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap()
    }
}

fn model(builder: &str, extra: &str) -> String {
    let quoted = |text: &str| serde_json::to_string(text).unwrap();
    let lines = HOSTILE.iter().enumerate().map(|(index, value)| format!("A{index} = {}\n", quoted(value)));
    let arguments: String = lines.collect();
    let labels: String = HOSTILE.iter().map(|value| format!("{} = \"v\"\n", quoted(&format!("l{value}")))).collect();
    format!(
        "platforms = [\"linux/amd64\", \"linux/arm64\"]\n[pipeline.container]\nbuilder = \"{builder}\"\n{extra}\
         [pipeline.container.arguments]\nREVISION = \"$CI_COMMIT_SHA\"\n{arguments}[pipeline.container.labels]\n{labels}"
    )
}

#[test]
fn hostile_values_reach_every_builder_as_they_are() {
    for (builder, argument, label) in [
        ("kaniko", "--build-arg=", "--label="),
        ("buildah", "--build-arg=", "--label="),
        ("podman", "--build-arg=", "--label="),
        ("docker", "--build-arg=", "--label="),
        ("buildkit", "--opt=build-arg:", "--opt=label:"),
    ] {
        let jobs = Jobs::new(&model(builder, "context = \"-x y\"\ndockerfile = \"-d\"\n"));
        for job in ["build-image", "check-image"] {
            let calls = jobs.run(job, "amd64");
            let build = calls.iter().max_by_key(|call| call.len()).unwrap();
            let has = |word: String| assert!(build.contains(&word), "{builder}: no {word:?} in {build:?}");
            has(format!("{argument}REVISION=x y"));
            for (index, value) in HOSTILE.iter().enumerate() {
                has(format!("{argument}A{index}={value}"));
                has(format!("{label}l{value}=v"));
            }
            let pushed = calls
                .iter()
                .flatten()
                .any(|word| word.contains("push") && word != "--no-push" && word != "--no-push-cache")
                || calls.iter().flatten().any(|word| word.starts_with("--destination"));
            assert_eq!(pushed, job == "build-image", "{builder} {job}: {calls:?}");
        }
    }
}

#[test]
fn the_digests_of_both_architectures_reach_the_manifest_and_an_empty_tag_is_left_out() {
    for manifest in ["buildah", "podman", "docker"] {
        for builder in ["kaniko", "buildah", "docker"] {
            let extra = format!("manifest = \"{manifest}\"\ntags = [\"latest\", \"$CI_COMMIT_TAG\"]\n");
            let jobs = Jobs::new(&model(builder, &extra));
            for architecture in ["amd64", "arm64"] {
                jobs.run("build-image", architecture);
                assert_eq!(
                    jobs.read(&format!("digests/{architecture}.digest")).trim(),
                    format!("sha256:{architecture}")
                );
            }
            let calls = jobs.run("manifest", "");
            let words: Vec<&str> = calls.iter().flatten().map(String::as_str).collect();
            for digest in ["sha256:amd64", "sha256:arm64"] {
                assert!(
                    words.iter().any(|word| word.ends_with(&format!("registry/app@{digest}"))),
                    "{manifest}: {calls:?}"
                );
            }
            for (tag, there) in [("registry/app:abc123", true), ("registry/app:latest", true), ("registry/app:", false)]
            {
                assert_eq!(words.iter().any(|word| word.ends_with(tag)), there, "{manifest} {tag}: {calls:?}");
            }
        }
    }
}

#[test]
fn buildkits_digest_is_read_from_its_metadata() {
    let jobs = Jobs::new(&model("buildkit", ""));
    jobs.run("build-image", "amd64");
    assert_eq!(jobs.read("digests/amd64.digest").trim(), "sha256:a05");
}

#[test]
fn a_password_with_odd_characters_is_one_in_the_settings_too() {
    let jobs = Jobs::new(&model("kaniko", "repository = \"ghcr.io/me/app\"\n"));
    jobs.run("build-image", "amd64");
    let written: serde_json::Value = serde_json::from_str(&jobs.read("kaniko/.docker/config.json")).unwrap();
    assert_eq!(written["auths"]["ghcr.io"]["password"], "p%s\\a \"ss");
}
