//! Files and texts that somebody placed to do harm: pipes that never end, escape codes, URLs with secrets.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::world::{Run, World, fixture_mirror};

const NOTHING: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// Runs the command, which must end by itself before a named pipe would.
fn in_time(world: &World, arguments: &[&str]) -> Run {
    let mut command = world.command(arguments);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while child.try_wait().unwrap().is_none() {
        if Instant::now() > deadline {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("toolkit {arguments:?} hangs");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Run::of(&child.wait_with_output().unwrap())
}

fn pipe(at: &Path) {
    fs::create_dir_all(at.parent().unwrap()).unwrap();
    let _ = fs::remove_file(at);
    assert!(Command::new("mkfifo").arg(at).status().unwrap().success());
}

#[test]
fn a_named_pipe_in_place_of_a_download_is_refused_at_once() {
    let world = World::new();
    let at = world.project().join("pipe");
    pipe(&at);
    let url = format!("file://{}", at.display());
    for target in ["--output", "--unpack"] {
        let run = in_time(&world, &["fetch", &url, "--digest", NOTHING, target, "target"]);
        assert!(run.code != Some(0) && run.stderr.contains("not a regular file"), "{run:?}");
        assert!(!world.project().join("target").exists());
    }
}

#[test]
fn a_named_pipe_in_place_of_a_document_is_refused_at_once() {
    let mirror = tempfile::tempdir().unwrap();
    for name in ["index.json", "index-all.json"] {
        pipe(&mirror.path().join("go.dev/dl").join(name));
    }
    let world = World::new().with("TOOLKIT_MIRROR", mirror.path().to_str().unwrap());
    let run = in_time(&world, &["resolve", "go@1.26"]);
    assert!(run.code != Some(0) && run.stderr.contains("not a regular file"), "{run:?}");
}

#[test]
fn a_named_pipe_in_a_restored_store_stops_no_command() {
    let world = World::new();
    world.ok(&["install", "go@1.26.0"]);
    for planted in files_of_records(&world.store().join("installs")) {
        let kept = fs::read(&planted).unwrap();
        pipe(&planted);
        for command in ["list", "verify", "repair", "prune"] {
            in_time(&world, &[command]);
        }
        let _ = fs::remove_file(&planted);
        if let Some(folder) = planted.parent().filter(|folder| folder.is_dir()) {
            fs::write(folder.join(planted.file_name().unwrap()), kept).unwrap();
        }
    }
}

/// Finds what the store wrote about an install, beside its tree.
fn files_of_records(installs: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for tool in fs::read_dir(installs).unwrap() {
        for install in fs::read_dir(tool.unwrap().path()).unwrap() {
            for entry in fs::read_dir(install.unwrap().path()).unwrap() {
                let path = entry.unwrap().path();
                if path.is_file() {
                    found.push(path);
                }
            }
        }
    }
    assert!(!found.is_empty(), "no record was found");
    found
}

#[test]
fn escape_codes_of_project_files_and_arguments_never_reach_the_terminal() {
    let world = World::new();
    for manifest in [
        "[tools]\n\"go\\u001b[31mX\" = \"1\"\n",
        "[tools]\ngo = \"1\\u001b]0;title\\u0007\"\n",
        "[tools]\ngo = \"1\\u009b31m\\u202e\"\n",
        "mirror = \"ftp://\\u001b[31m/x\"\n[tools]\ngo = \"1\"\n",
    ] {
        world.write("toolkit.toml", manifest);
        let run = world.run(&["lock"]);
        assert_ne!(run.code, Some(0), "{manifest}");
        let raw = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!run.stderr.contains(raw) && !run.stdout.contains(raw), "{run:?}");
    }
    fs::remove_file(world.project().join("toolkit.toml")).unwrap();
    let stderr = world.fails(2, &["resolve", "go@1\u{1b}[31m"]);
    assert!(stderr.contains("\\u{1b}[31m") && !stderr.contains('\u{1b}'), "{stderr}");
}

#[test]
fn no_output_of_install_holds_a_secret_of_a_url_in_the_lock() {
    let world = World::new();
    world.write("toolkit.toml", "[tools]\ngo = \"1.26\"\n");
    world.ok(&["lock"]);
    let lock = world.read("toolkit.lock");
    for url in
        ["user:s3cret@example.invalid/x?token=s3cret", "https://user:s3cret@example.invalid/x?token=s3cret#s3cret"]
    {
        let lines = lock.lines().map(|line| match line.split_once("url = \"") {
            Some((before, rest)) => format!("{before}url = \"{url}\"{}\n", rest.split_once('"').unwrap().1),
            None => format!("{line}\n"),
        });
        world.write("toolkit.lock", &lines.collect::<String>());
        // Without a mirror, which would be asked for the file whatever its host.
        let output = world.command(&["install", "--locked"]).env_remove("TOOLKIT_MIRROR").output().unwrap();
        let run = Run::of(&output);
        assert_ne!(run.code, Some(0), "{url}");
        assert!(run.stderr.contains("would not have written"), "{url}: {}", run.stderr);
        assert!(!run.stderr.contains("s3cret") && !run.stdout.contains("s3cret"), "{url}: {run:?}");
    }
}

#[test]
fn no_output_of_fetch_holds_a_secret_of_its_url() {
    let world = World::new();
    let file = fixture_mirror().join("go.dev/dl/index.json");
    let file = format!("file://{}?token=s3cret", file.display());
    for url in [
        "https://user:s3cret@exa mple/x?token=s3cret",
        "user:s3cret@example/x?token=s3cret",
        "https://user:s3cret@example.invalid/x?token=s3cret#s3cret",
        "ftp://example.invalid/x?token=s3cret",
        &file,
    ] {
        let run = world.run(&["fetch", url, "--digest", NOTHING, "--output", "x", "--json"]);
        assert!(!run.stderr.contains("s3cret") && !run.stdout.contains("s3cret"), "{url}: {run:?}");
    }
    fs::write(world.project().join("x"), "x").unwrap();
    let digest = "sha256:2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881";
    let url = format!("file://{}?token=s3cret", world.project().join("x").display());
    let stdout = world.ok(&["fetch", &url, "--digest", digest, "--output", "y", "--json"]);
    assert!(stdout.contains("token=…") && !stdout.contains("s3cret"), "{stdout}");
}
