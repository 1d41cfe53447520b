//! Shapes, guards, push rules and the choice of how tools come in.

use std::path::Path;
use std::process::Command;

use super::*;
use crate::generate::ToolSpec;
use crate::generate::install::{Place, plan};
use crate::project::pipeline::Push;
use crate::project::{Lock, Manifest};
use crate::toolchain::find;

/// Makes the files of a `toolkit.toml`; tools are given with their version.
fn generate(toml: &str, tools: &[(&str, &str)]) -> Result<Vec<Output>, Error> {
    with_project(toml, tools, |project| BUILDSPEC.generate(project))
}

fn with_project<T>(
    toml: &str,
    tools: &[(&str, &str)],
    then: impl FnOnce(&Project<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    let path = Path::new("toolkit.toml");
    let manifest = Manifest::parse(path, toml).unwrap();
    let lock = Lock::parse(Path::new("toolkit.lock"), &lock(tools)).unwrap();
    let locked = |(name, version): &(&str, &str)| lock.entries(name).find(|tool| tool.version == *version);
    let wanted: Vec<ToolSpec<'_>> =
        tools.iter().map(|tool| ToolSpec::of(find(tool.0).unwrap(), locked(tool))).collect();
    then(&Project::new(&manifest, Some(&lock), wanted, Path::new("/nowhere/app")).unwrap())
}

fn lock(tools: &[(&str, &str)]) -> String {
    let mut text = "version = 1\n".to_owned();
    for (name, version) in tools {
        text.push_str(&format!("[[tool]]\nname = \"{name}\"\nrequest = \"{version}\"\nversion = \"{version}\"\n"));
        for arch in ["amd64", "arm64"] {
            text.push_str(&format!(
                "[[tool.artifact]]\nplatform = \"linux/{arch}\"\nurl = \"https://host/{name}-{arch}.tar.gz\"\ndigest = \"sha256:{}\"\n\
                 proof = \"checksum\"\nproven-by = \"host\"\nformat = \"tar-gz\"\n",
                "a".repeat(64)
            ));
        }
    }
    text
}

const ONE: &str = "platforms = [\"linux/amd64\"]\n[pipeline.steps]\nbuild = [\"make\"]\npublish = [\"make publish\"]\n";
const IMAGE: &str = "[pipeline.container]\nrepository = \"1.dkr.ecr.eu-west-1.amazonaws.com/app\"\n";

#[test]
fn one_architecture_is_one_build_and_two_are_a_graph_with_a_last_task() {
    let one = generate(&format!("{ONE}{IMAGE}"), &[]).unwrap();
    assert_eq!(one.len(), 1);
    assert!(!one[0].body.contains("batch:") && !one[0].body.contains("ARCHITECTURE"), "{}", one[0].body);
    let both = generate(IMAGE, &[]).unwrap();
    let names: Vec<_> = both.iter().map(|output| output.path.to_str().unwrap()).collect();
    assert_eq!(names, ["buildspec.yml", "buildspec-manifest.yml"]);
    for said in
        ["type: LINUX_CONTAINER", "type: ARM_CONTAINER", "aarch64-standard:4.0", "x86_64-standard:6.0", "depend-on:"]
    {
        assert!(both[0].body.contains(said), "{said}: {}", both[0].body);
    }
    assert!(both[1].body.contains("imagetools create"), "{}", both[1].body);
    assert!(!both[0].body.contains("imagetools"), "{}", both[0].body);
    let toolkit = generate(&format!("{IMAGE}manifest = \"toolkit\"\n"), &[]).unwrap();
    let joined = "toolkit image index --platform linux/amd64,linux/arm64 --tag";
    assert!(toolkit[1].body.contains(joined) && !toolkit[1].body.contains("imagetools"), "{}", toolkit[1].body);
    let steps = generate("[pipeline.steps]\nbuild = [\"make\"]\n", &[]).unwrap();
    assert_eq!(steps.len(), 1, "nothing is left for a last task");
}

#[test]
fn nothing_leaves_a_build_that_failed_or_that_no_rule_allows() {
    let body = generate(&format!("{ONE}{IMAGE}"), &[]).unwrap().remove(0).body;
    let after = body.split_once("post_build:").unwrap().1;
    let guard = after.find("CODEBUILD_BUILD_SUCCEEDING").unwrap();
    for push in ["docker push", "make publish"] {
        assert!(after.find(push).unwrap() > guard && !body.split_once("post_build:").unwrap().0.contains(push));
    }
    let decide = |push: &Push, trigger: Option<&str>, source: &str| {
        let Out::Text(decision) = push::decision(push).value else { panic!("a decision is a text") };
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("{decision}\nprintf %s \"$push\"")]).env_remove("CODEBUILD_WEBHOOK_TRIGGER");
        shell.env("CODEBUILD_SOURCE_VERSION", source);
        trigger.map(|trigger| shell.env("CODEBUILD_WEBHOOK_TRIGGER", trigger));
        String::from_utf8(shell.output().unwrap().stdout).unwrap() == "yes"
    };
    let usual = Push::default();
    let own = Push { branches: Some(vec!["a b".to_owned(), "*".to_owned()]), tags: false, merge_requests: true };
    for (push, trigger, source, expected) in [
        (&usual, Some("branch/main"), "0123", true),
        (&usual, Some("branch/mainly"), "0123", false),
        (&usual, Some("branch/feature/main"), "0123", false),
        (&usual, Some("tag/v1"), "0123", true),
        (&usual, Some("pr/7"), "pr/7", false),
        (&usual, None, "refs/heads/any", true),
        (&usual, None, "", true),
        (&usual, None, "pr/7", false),
        (&usual, None, "refs/pull/7/head", false),
        (&own, Some("branch/a b"), "", true),
        (&own, Some("branch/*"), "", true),
        (&own, Some("branch/main"), "", false),
        (&own, Some("tag/v1"), "", false),
        (&own, Some("pr/7"), "pr/7", true),
    ] {
        assert_eq!(decide(push, trigger, source), expected, "{trigger:?} {source}");
    }
}

#[test]
fn tools_come_in_as_the_image_and_the_project_allow() {
    let both = "[pipeline.steps]\nbuild = [\"make\"]\n";
    let images: Vec<_> =
        images::CURATED.iter().rev().filter(|image| image.id.contains(":6.0") || image.id.contains(":4.0")).collect();
    let place = |architectures: &[Architecture]| {
        let of = |architecture: &Architecture| {
            let image = images.iter().find(|image| image.arch == architecture.as_str()).unwrap();
            (*architecture, image.id.to_owned())
        };
        Place::CodeBuild { images: architectures.iter().map(of).collect() }
    };
    let bootstrap = format!(
        "[pipeline.install.bootstrap.amd64]\nurl = \"https://h/t\"\ndigest = \"sha256:{0}\"\n[pipeline.install.bootstrap.arm64]\nurl = \"https://h/t\"\ndigest = \"sha256:{0}\"\n",
        "b".repeat(64)
    );
    for (text, tool, version, job, runtime, said) in [
        // In both images.
        ("", "go", "1.24.13", false, Some(("golang", "1.24")), "go version"),
        // In one of them.
        ("", "go", "1.26.1", false, None, "fetch https://host/go-arm64"),
        ("", "dotnet", "10.0.302", false, None, "rm -f /codebuild/global.json /global.json"),
        (&bootstrap, "dotnet", "10.0.302", false, None, "toolkit install --locked"),
        ("[pipeline.install]\nmethod = \"toolkit\"\n", "go", "1.24.13", false, None, "toolkit install --locked"),
        ("[pipeline.install]\nmethod = \"portable\"\n", "go", "1.24.13", false, None, "fetch https://host/go-amd64"),
        ("[pipeline.install]\nmethod = \"image\"\n", "go", "1.24.13", false, None, "go version"),
        (
            "[pipeline.install]\nmethod = \"runtime-versions\"\n",
            "dotnet",
            "10.0.302",
            false,
            Some(("dotnet", "10.0.302")),
            "dotnet --version",
        ),
        ("", "go", "1.24.13", true, None, "fetch https://host/go-amd64"),
    ] {
        let toml = format!("{both}{text}");
        let found = with_project(&toml, &[(tool, version)], |project| {
            plan(project, &if job { Place::Job } else { place(&project.architectures) }, "buildspec")
        });
        let found = found.unwrap();
        let runtimes: Vec<_> = found.runtimes.iter().map(|(name, version)| (name.as_str(), version.as_str())).collect();
        assert_eq!(runtimes, runtime.into_iter().collect::<Vec<_>>(), "{toml} {tool} {version}");
        let commands: Vec<_> = found.commands.iter().map(|step| step.command.as_str()).collect();
        assert!(commands.join("\n").contains(said), "{toml}: {commands:?}");
        assert_eq!(found.about_runtimes.is_some(), runtime.is_some_and(|(_, version)| version == "10.0.302"));
    }
    let forced = "[pipeline.install]\nmethod = \"runtime-versions\"\n";
    let refused = with_project(forced, &[("go", "1.24.13")], |project| plan(project, &Place::Job, "gitlab-ci"));
    assert!(matches!(refused, Err(Error::Unsupported { .. })), "{refused:?}");
}

#[test]
fn what_codebuild_cannot_do_is_refused() {
    for (toml, said) in [
        ("[pipeline.container]\n", "pipeline.container.repository"),
        ("[pipeline.container]\nrepository = \"a/b\"\nbuilder = \"kaniko\"\n", "kaniko"),
        ("[pipeline.container]\nrepository = \"a/b\"\nmanifest = \"podman\"\n", "podman"),
        ("[pipeline.container]\nrepository = \"$CI_REGISTRY_IMAGE\"\n", "a variable of GitLab"),
        ("[pipeline.codebuild]\nshape = \"single\"\n", "one architecture"),
        ("[pipeline.codebuild]\ncompute = \"huge\"\n", "huge"),
        ("[pipeline.codebuild]\nshell = \"fish\"\n", "fish"),
        ("[pipeline.codebuild.image]\narm64 = \"aws/codebuild/standard:8.0\"\n", "an image for amd64"),
        ("[pipeline.codebuild.runtimes]\njava = \"corretto7\"\n", "corretto7"),
        ("[pipeline.codebuild.runtimes]\njvm = \"21\"\n", "no `jvm`"),
        ("[pipeline]\n", "nothing to build"),
    ] {
        let error = generate(toml, &[]).unwrap_err().to_string();
        assert!(error.contains(said), "{toml}: {error}");
    }
    for (format, said) in [("zip", ".tar.gz only"), ("go-module-zip", "`h1:` hash")] {
        let text = lock(&[("go", "1.27.0")]).replace("format = \"tar-gz\"", &format!("format = \"{format}\""));
        let lock = Lock::parse(Path::new("toolkit.lock"), &text).unwrap();
        let manifest = Manifest::default();
        let wanted = vec![ToolSpec::of(find("go").unwrap(), lock.entries("go").next())];
        let project = Project::new(&manifest, Some(&lock), wanted, Path::new("/nowhere")).unwrap();
        let error = plan(&project, &Place::Job, "gitlab-ci").unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
}

#[test]
fn several_versions_of_dotnet_share_a_root_and_are_each_looked_for() {
    let tools = [("dotnet", "8.0.415"), ("dotnet", "10.0.300"), ("dotnet-runtime", "9.0.18")];
    let text = generate(ONE, &tools).unwrap().remove(0).body;
    let at = |words: &str| text.find(words).unwrap_or_else(|| panic!("no {words} in\n{text}"));
    assert_eq!(text.matches("/dotnet\" ||").count() + text.matches("rm -rf").count(), 1, "one root in\n{text}");
    // The SDK that `dotnet` selects is the newest; the others are only installed.
    assert!(at("$(dotnet --version)") > 0 && text.matches("dotnet --version)").count() == 1, "{text}");
    assert!(text.contains("dotnet --list-sdks") && text.contains("Microsoft.NETCore.App 9.0.18"), "{text}");
    let runtimes = format!("{ONE}[pipeline.install]\nmethod = \"runtime-versions\"\n");
    let refusal = generate(&runtimes, &tools[..2]).unwrap_err().to_string();
    assert!(refusal.contains("one version of each runtime"), "{refusal}");
}

#[test]
fn a_command_of_several_lines_keeps_the_status_of_each() {
    for (command, expected) in [("false\ntrue", Some(1)), ("true\ntrue\n", Some(0)), ("true", Some(0))] {
        let found = Command::new("sh").args(["-c", &whole(command)]).status().unwrap();
        assert_eq!(found.code(), expected, "{command}");
    }
}
