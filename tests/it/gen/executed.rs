//! The install phases of the examples, executed as CodeBuild and GitLab's runner would: one shell, command after command,
//! until one fails.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_yaml::Value;

use crate::support::world::{Run, World, fixture_mirror};

const SHELLS: [&str; 2] = ["sh", "bash"];

/// The architecture of this machine, as images spell it.
pub const HOST: &str = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };

/// Makes an example's project again, for this machine, against a mirror of fixtures.
pub fn project(example: &str, mirror: &Path) -> World {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("buildspecs").join(example);
    let text = fs::read_to_string(folder.join("toolkit.toml")).unwrap();
    let text = if text.contains(", \"linux/") { text } else { text.replace("arm64", HOST).replace("amd64", HOST) };
    let world = World::new().with("TOOLKIT_MIRROR", "");
    world.write("toolkit.toml", &format!("{text}\n[source]\nmirror = \"file://{}\"\n", mirror.display()));
    world.ok(&["lock", "--mirror", fixture_mirror().to_str().unwrap()]);
    world
}

/// Returns the commands of a phase of the generated file.
fn commands(world: &World, phase: &str) -> Vec<String> {
    world.ok(&["gen", "buildspec", "--force"]);
    let file: Value = serde_yaml::from_str(&world.read("buildspec.yml")).unwrap();
    texts(&file["phases"][phase]["commands"])
}

/// Returns what every job of the generated GitLab file that needs the tools does first.
fn before_script(world: &World) -> Vec<String> {
    world.ok(&["gen", "gitlab-ci", "--force"]);
    let file: Value = serde_yaml::from_str(&world.read(".gitlab-ci.yml")).unwrap();
    texts(&file[".tools"]["before_script"])
}

fn texts(list: &Value) -> Vec<String> {
    list.as_sequence().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

/// Runs commands in one shell, which stops at the first that fails, and then `last`.
fn run(world: &World, shell: &str, commands: &[String], last: &str) -> Run {
    let mut script = String::new();
    for command in commands {
        script.push_str(&format!("{command}\nstatus=$?; [ $status = 0 ] || exit $status\n"));
    }
    script.push_str(last);
    let program = Path::new(env!("CARGO_BIN_EXE_toolkit")).parent().unwrap();
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", program.display());
    let output = Command::new(shell)
        .args(["-c", &script])
        .current_dir(world.project())
        .env_clear()
        .env("PATH", path)
        .env("HOME", world.home())
        .env("TOOLKIT_HOME", world.store())
        .env("CODEBUILD_SRC_DIR", world.project())
        .output()
        .unwrap();
    Run::of(&output)
}

/// Returns the lines of a lock that begin with a key.
pub fn locked(world: &World, key: &str) -> Vec<String> {
    let lock = world.read("toolkit.lock");
    let start = format!("{key} = \"");
    lock.lines()
        .filter_map(|line| line.strip_prefix(&start))
        .map(|rest| rest.trim_end_matches('"').to_owned())
        .collect()
}

/// Puts a file where a mirror has the URL.
pub fn put(mirror: &Path, url: &str, bytes: &[u8]) -> PathBuf {
    let path = mirror.join(url.trim_start_matches("https://"));
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn the_install_phases_of_the_examples_install_and_prove_the_locked_versions() {
    for (example, asked) in [
        ("go-container-batch", "go version; command -v go"),
        ("dotnet-portable", "dotnet --version; dotnet --list-runtimes; echo $DOTNET_ROOT"),
        ("dotnet-10", "dotnet --version; echo $DOTNET_ROOT"),
        ("gitlab-dotnet", "dotnet --version; echo $DOTNET_ROOT"),
    ] {
        let world = project(example, &fixture_mirror());
        let gitlab = example.starts_with("gitlab");
        let commands = if gitlab { before_script(&world) } else { commands(&world, "install") };
        for shell in SHELLS {
            let run = run(&world, shell, &commands, asked);
            assert_eq!(run.code, Some(0), "{example}, {shell}: {}{}", run.stdout, run.stderr);
            for version in locked(&world, "version") {
                assert!(run.stdout.contains(&version), "{example}, {shell}: no {version} in {}", run.stdout);
            }
            let place = if example == "dotnet-10" { world.store() } else { world.home().join(".toolchains") };
            assert!(run.stdout.contains(place.to_str().unwrap()), "{example}, {shell}: {}", run.stdout);
        }
    }
}

#[test]
fn a_flipped_byte_fails_the_install_before_anything_is_unpacked() {
    for example in ["go-container-batch", "dotnet-portable"] {
        let mirror = tempfile::tempdir().unwrap();
        let world = project(example, mirror.path());
        for url in locked(&world, "url") {
            let mut bytes = Vec::new();
            let fixture = fixture_mirror().join(url.trim_start_matches("https://"));
            fs::File::open(fixture).unwrap().read_to_end(&mut bytes).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            put(mirror.path(), &url, &bytes);
        }
        let commands = commands(&world, "install");
        for shell in SHELLS {
            let run = run(&world, shell, &commands, "echo went on");
            assert_eq!(run.code, Some(1), "{example}, {shell}: {}", run.stdout);
            assert!(run.stderr.contains("nothing was unpacked"), "{example}, {shell}: {}", run.stderr);
            assert!(!run.stdout.contains("went on"), "{example}, {shell}: {}", run.stdout);
            assert!(!world.home().join(".toolchains").exists(), "{example}, {shell}: something was unpacked");
        }
    }
}

#[test]
fn a_download_that_fails_fails_the_install() {
    let mirror = tempfile::tempdir().unwrap();
    let world = project("go-container-batch", mirror.path());
    let commands = commands(&world, "install");
    for shell in SHELLS {
        let run = run(&world, shell, &commands, "");
        assert_eq!(run.code, Some(1));
        assert!(run.stderr.contains("could not download file://"), "{}", run.stderr);
    }
}

/// A `dotnet` that heeds the nearest `global.json` above, as the real one does.
const HEEDING: &str = r#"#!/bin/sh
folder=$PWD
while [ -n "$folder" ]; do
  if [ -f "$folder/global.json" ]; then
    echo "Requested SDK version: $(cat "$folder/global.json")" >&2
    exit 145
  fi
  folder=${folder%/*}
done
echo 10.0.302
"#;

#[test]
fn a_global_json_hidden_above_the_source_fails_the_proof_and_is_named() {
    let mirror = tempfile::tempdir().unwrap();
    let world = project("dotnet-portable", mirror.path());
    let toml = world.read("toolkit.toml").replace("aspnetcore-runtime = \"8.0\"\n", "");
    world.write("toolkit.toml", &toml);
    world.ok(&["lock", "--mirror", fixture_mirror().to_str().unwrap()]);
    let archive = archive("./dotnet", HEEDING);
    let (url, digest) = (locked(&world, "url").remove(0), locked(&world, "digest").remove(0));
    put(mirror.path(), &url, &archive);
    let right = format!("sha512:{}", hex(&<sha2::Sha512 as sha2::Digest>::digest(&archive)));
    world.write("toolkit.lock", &world.read("toolkit.lock").replace(&digest, &right));
    // Made before the hidden file is there, as on the machine of the project's owner.
    let commands = commands(&world, "install");
    assert!(commands.iter().any(|command| command == "rm -f /codebuild/global.json /global.json"), "{commands:?}");
    let before = run(&world, "sh", &commands, "dotnet --version");
    assert_eq!((before.code, before.stdout.as_str()), (Some(0), "10.0.302\n"), "{}", before.stderr);
    let hidden = world.project().parent().unwrap().join("global.json");
    fs::write(&hidden, "{\"sdk\": {\"version\": \"6.0.428\"}}").unwrap();
    for shell in SHELLS {
        let run = run(&world, shell, &commands, "echo went on");
        assert_eq!(run.code, Some(1), "{shell}: {}", run.stdout);
        for said in ["dotnet: toolkit.lock says 10.0.302", &format!("in the way: {}", hidden.display())] {
            assert!(run.stderr.contains(said), "{shell}: {}", run.stderr);
        }
        assert!(!run.stdout.contains("went on"));
    }
}

#[test]
fn toolkit_itself_is_brought_by_url_and_digest() {
    let mirror = tempfile::tempdir().unwrap();
    let world = project("dotnet-10", &fixture_mirror());
    let script = format!("#!/bin/sh\nexec {} \"$@\"\n", env!("CARGO_BIN_EXE_toolkit"));
    for (name, bytes) in [("toolkit", script.clone().into_bytes()), ("toolkit.tar.gz", archive("bin/toolkit", &script))]
    {
        let path = put(mirror.path(), name, &bytes);
        let digest = hex(&<sha2::Sha256 as sha2::Digest>::digest(&bytes));
        let toml = world.read("toolkit.toml");
        let toml = toml.split("\n[pipeline.install.bootstrap").next().unwrap();
        let line =
            format!("\n[pipeline.install.bootstrap.{HOST}]\nurl = \"file://{}\"\ndigest = \"sha256:", path.display());
        world.write("toolkit.toml", &format!("{toml}{line}{digest}\"\n"));
        let right = commands(&world, "install");
        world.write("toolkit.toml", &format!("{toml}{line}{}\"\n", "0".repeat(64)));
        let wrong = commands(&world, "install");
        for shell in SHELLS {
            let run_right = run(&world, shell, &right, "command -v toolkit");
            assert_eq!(run_right.code, Some(0), "{name}, {shell}: {}", run_right.stderr);
            assert!(run_right.stdout.contains(".toolchains/toolkit/bin/toolkit"), "{}", run_right.stdout);
            let run_wrong = run(&world, shell, &wrong, "");
            assert_eq!(run_wrong.code, Some(1));
            assert!(run_wrong.stderr.contains("does not match the one in this file"), "{}", run_wrong.stderr);
        }
    }
}

fn archive(name: &str, script: &str) -> Vec<u8> {
    let mut builder = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    let mut header = tar::Header::new_ustar();
    header.set_size(script.len() as u64);
    header.set_mode(0o755);
    builder.append_data(&mut header, name, script.as_bytes()).unwrap();
    builder.into_inner().unwrap().finish().unwrap()
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
