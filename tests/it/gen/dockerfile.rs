//! The CI image: its Dockerfile is read as a builder reads it, and its steps run in a shell against the fixtures.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};

use crate::support::world::{World, fixture_mirror};

const TOOLS: &str = "[tools]\ngo = \"1.27\"\ndotnet = \"10.0\"\ndotnet-runtime = \"8.0\"\n[pipeline]\n\
     architectures = [\"amd64\", \"arm64\"]\n";

fn made(more: &str) -> (World, String) {
    let world = World::new();
    world.write("toolkit.toml", &format!("{TOOLS}{more}"));
    world.ok(&["lock"]);
    world.ok(&["gen", "dockerfile"]);
    let text = world.read("ci.Dockerfile");
    (world, text)
}

/// Returns the instructions of a Dockerfile: a word and what follows, lines that end in a backslash joined.
fn instructions(text: &str) -> Vec<(String, String)> {
    let plain: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with('#')).collect();
    let joined = plain.join("\n").replace("\\\n", " ");
    let lines = joined.lines().filter(|line| !line.trim().is_empty());
    lines.map(|line| line.split_once(' ').map(|(word, rest)| (word.to_owned(), rest.to_owned())).unwrap()).collect()
}

/// Runs a step as `RUN` does, with the folders of the image in `world` and a curl that takes from the fixtures.
fn run(world: &World, step: &str, architecture: &str) -> Output {
    let bin = world.home().join("bin");
    fs::create_dir_all(&bin).unwrap();
    let curl = bin.join("curl");
    // Takes what follows `--output`, and the last argument.
    let shim = format!(
        "#!/bin/sh\nwhile [ $# -gt 1 ]; do [ \"$1\" = --output ] && out=$2; shift; done\ncp \"{}/${{1#https://}}\" \"$out\"\n",
        fixture_mirror().display()
    );
    fs::write(&curl, shim).unwrap();
    fs::set_permissions(&curl, fs::Permissions::from_mode(0o755)).unwrap();
    let root = world.home().join("image");
    let step = step
        .replace("/opt/toolchains", root.to_str().unwrap())
        .replace("/tmp/download", world.home().join("download").to_str().unwrap());
    Command::new("sh")
        .args(["-c", &step])
        .env("PATH", format!("{}:/usr/bin:/bin", bin.display()))
        .env("TARGETARCH", architecture)
        .output()
        .unwrap()
}

#[test]
fn its_steps_put_the_locked_toolchains_where_its_environment_says() {
    let (world, text) = made("[pipeline.install]\nmethod = \"portable\"\n");
    let steps = instructions(&text);
    let fetching: Vec<&String> =
        steps.iter().filter(|(word, step)| word == "RUN" && step.contains("curl ")).map(|(_, step)| step).collect();
    assert_eq!(fetching.iter().filter(|step| step.contains("case ")).count(), 3, "{text}");
    for architecture in ["amd64", "arm64"] {
        let _ = fs::remove_dir_all(world.home().join("image"));
        for step in fetching.iter().filter(|step| step.contains("case ")) {
            let output = run(&world, step, architecture);
            assert!(output.status.success(), "{step}: {}", String::from_utf8_lossy(&output.stderr));
        }
        let root = world.home().join("image");
        let environment = &steps.iter().find(|(word, _)| word == "ENV").unwrap().1;
        assert!(environment.contains("PATH=\"/opt/toolchains/dotnet:/opt/toolchains/go/bin:$PATH\""), "{environment}");
        let output = Command::new(root.join("dotnet/dotnet")).arg("--list-runtimes").output().unwrap();
        let runtimes = String::from_utf8(output.stdout).unwrap();
        assert!(runtimes.contains("App 10.0") && runtimes.contains("App 8.0"), "{runtimes}");
        assert!(root.join("go/bin/go").is_file());
    }
    let refused = run(&world, fetching[fetching.len() - 1], "s390x");
    assert!(!refused.status.success() && String::from_utf8_lossy(&refused.stderr).contains("not for s390x"));
}

#[test]
fn an_archive_that_is_not_the_locked_one_stops_the_build_before_it_is_unpacked() {
    let (world, text) = made("[pipeline.install]\nmethod = \"portable\"\n");
    let step = instructions(&text).into_iter().find(|(_, step)| step.contains("go1.27")).unwrap().1;
    let at = step.find("echo ").unwrap() + 5;
    let wrong = if &step[at..=at] == "0" { "1" } else { "0" };
    let output = run(&world, &format!("{}{wrong}{}", &step[..at], &step[at + 1..]), "amd64");
    assert!(!output.status.success());
    assert!(!world.home().join("image/go").exists());
}

#[test]
fn every_stage_is_plain_and_the_last_has_only_trees_and_an_own_user() {
    let digest = "0".repeat(64);
    let bootstrap = format!(
        "[pipeline.dockerfile]\nuser = \"ci\"\npackages = [\"git\"]\nbase = \"debian:trixie-slim\"\n\
         [pipeline.install.bootstrap.amd64]\nurl = \"https://example.com/toolkit-amd64\"\ndigest = \"sha256:{digest}\"\n\
         [pipeline.install.bootstrap.arm64]\nurl = \"https://example.com/toolkit-arm64.tar.gz\"\ndigest = \"sha256:{digest}\"\n"
    );
    let (_, text) = made(&bootstrap);
    let steps = instructions(&text);
    let known = ["FROM", "ARG", "RUN", "COPY", "ENV", "USER", "WORKDIR"];
    assert!(steps.iter().all(|(word, _)| known.contains(&word.as_str())), "{steps:?}");
    assert!(!text.contains("<<") && !text.contains("--link=") && !text.contains("apt-get upgrade"), "{text}");
    assert_eq!(steps.iter().filter(|(word, _)| word == "FROM").count(), 2);
    assert!(
        steps
            .iter()
            .any(|(word, step)| word == "RUN" && step.contains("toolkit install --locked --link /usr/local/bin"))
    );
    for folder in ["/opt/toolkit /opt/toolkit", "/opt/toolchains /opt/toolchains", "/usr/local/bin /usr/local/bin"] {
        assert!(steps.contains(&("COPY".to_owned(), format!("--from=toolchains {folder}"))), "{folder}: {text}");
    }
    assert!(steps.contains(&("USER".to_owned(), "ci".to_owned())), "{text}");
    for (_, step) in steps.iter().filter(|(word, _)| word == "RUN") {
        let output = Command::new("sh").args(["-n", "-c", step]).output().unwrap();
        assert!(output.status.success(), "{step}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn links_of_the_first_stage_lead_to_the_roots() {
    let (world, text) = made("[pipeline.install]\nmethod = \"toolkit\"\n");
    let step = instructions(&text).into_iter().find(|(_, step)| step.contains("toolkit install")).unwrap().1;
    let links = world.home().join("links");
    let trees = world.home().join("trees");
    let step = step
        .replace("toolkit install", &format!("{} install", env!("CARGO_BIN_EXE_toolkit")))
        .replace("/usr/local/bin", links.to_str().unwrap())
        .replace("/opt/toolkit", world.store().to_str().unwrap())
        .replace("/opt/toolchains", trees.to_str().unwrap());
    let output = Command::new("sh")
        .args(["-c", &step])
        .current_dir(world.project())
        .env("TOOLKIT_HOME", world.store())
        .env("TOOLKIT_MIRROR", fixture_mirror())
        .output()
        .unwrap();
    assert!(output.status.success(), "{step}: {}", String::from_utf8_lossy(&output.stderr));
    for executable in [trees.join("go/bin/go"), trees.join("dotnet/dotnet"), links.join("go"), links.join("dotnet")] {
        assert!(executable.is_file(), "{}", executable.display());
    }
    assert!(!world.store().join("staging").exists());
}

#[test]
fn what_cannot_stand_in_a_dockerfile_is_refused_by_its_key() {
    for (line, key) in [
        ("base = \"debian\\nRUN id\"", "pipeline.dockerfile.base"),
        ("base = \"alpine:3\"", "pipeline.dockerfile.base"),
        ("user = \"a b\"", "pipeline.dockerfile.user"),
        ("packages = [\"git; id\"]", "pipeline.dockerfile.packages"),
        ("packages = [\"-oAPT::x=y\"]", "pipeline.dockerfile.packages"),
        ("file = \"../Dockerfile\"", "pipeline.dockerfile.file"),
    ] {
        let world = World::new();
        world.write("toolkit.toml", &format!("{TOOLS}[pipeline.dockerfile]\n{line}\n"));
        world.ok(&["lock"]);
        let said = world.fails(2, &["gen", "dockerfile"]);
        assert!(said.contains(key), "{line}: {said}");
    }
}
