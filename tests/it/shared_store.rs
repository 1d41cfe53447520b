//! A store that several commands, programs and users share: what is in use stays, what is private or broken hides nothing else,
//! and what a project needs is never forgotten.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::support::world::{Run, World};

/// A program that `toolkit exec` runs, until it is told to go on.
struct Program(Child);

impl Program {
    /// Starts a script by `exec`; it has begun when this returns, and goes on after a line of input.
    fn start(world: &World, specs: &[&str], script: &str) -> Self {
        let script = format!("echo started; read line; {script}");
        let arguments = [&["exec", "-q"], specs, &["--", "sh", "-c", &script]].concat();
        let mut child = world.command(&arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let output = child.stdout.as_mut().unwrap();
        // Byte by byte, so that the rest is left for later.
        BufReader::with_capacity(1, output).read_line(&mut line).unwrap();
        assert_eq!(line, "started\n");
        Self(child)
    }

    fn go_on(mut self) -> Run {
        self.0.stdin.take().unwrap().write_all(b"\n").unwrap();
        Run::of(&self.0.wait_with_output().unwrap())
    }
}

fn lock_of(world: &World, tools: &str) {
    world.write("toolkit.toml", &format!("platforms = [\"linux/amd64\"]\n[tools]\n{tools}"));
    world.ok(&["lock"]);
}

/// Runs a command in another folder than the project.
fn elsewhere(world: &World, arguments: &[&str]) -> Run {
    Run::of(&world.command(arguments).current_dir(world.home()).output().unwrap())
}

#[test]
fn what_a_running_program_uses_is_kept_until_it_has_ended() {
    let world = World::new();
    let program = Program::start(&world, &["go@1.27.3"], "go version");
    let run = world.run(&["remove", "go"]);
    assert_eq!(run.code, Some(5), "{run:?}");
    assert!(run.stderr.contains("kept go 1.27.3 linux/amd64: it is in use"), "{run:?}");
    let dry = world.run(&["prune", "--dry-run"]);
    assert!(dry.stderr.contains("would keep go 1.27.3 linux/amd64: it is in use"), "{dry:?}");
    let pruned = world.run(&["prune"]);
    assert_eq!(pruned.code, Some(0), "{pruned:?}");
    assert!(pruned.stderr.contains("kept go 1.27.3 linux/amd64: it is in use"), "{pruned:?}");
    assert!(program.go_on().stdout.contains("go1.27.3"));
    world.ok(&["remove", "go"]);
    assert!(world.json(&["list", "--json"]).as_array().unwrap().is_empty());
}

#[test]
fn what_is_not_in_use_is_removed_beside_what_is() {
    let world = World::new();
    world.ok(&["install", "go@1.26.7"]);
    let program = Program::start(&world, &["go@1.27.3"], "go version");
    let removed: serde_json::Value = serde_json::from_str(&world.run(&["remove", "go", "--json"]).stdout).unwrap();
    assert_eq!(removed.as_array().unwrap().len(), 1);
    assert_eq!(removed[0]["version"], "1.26.7");
    assert_eq!(program.go_on().code, Some(0));
}

#[test]
fn a_program_that_runs_on_in_the_background_holds_its_tools() {
    let world = World::new();
    // The shell ends at once; its child waits for the end of the input, and closes the output.
    let script = "exec 3<&0; cat <&3 >/dev/null 2>&1 &";
    let mut child = world
        .command(&["exec", "-q", "go@1.27.3", "--", "sh", "-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let input = child.stdin.take();
    assert!(child.wait().unwrap().success());
    world.fails(5, &["remove", "go"]);
    drop(input);
    while world.run(&["remove", "go"]).code == Some(5) {}
    assert!(world.json(&["list", "--json"]).as_array().unwrap().is_empty());
}

#[test]
fn the_members_of_a_shared_root_and_the_root_itself_are_held() {
    let world = World::new();
    lock_of(&world, "dotnet = \"10.0.300\"\ndotnet-runtime = \"8.0\"\n");
    let program = Program::start(&world, &[], "ls \"$DOTNET_ROOT/shared\" >/dev/null && dotnet --list-sdks");
    for tool in ["dotnet", "dotnet-runtime"] {
        assert!(world.fails(5, &["remove", tool]).contains("it is in use"), "{tool}");
    }
    // A damaged root is not made again under a program that uses it.
    let view = fs::read_dir(world.store().join("views/dotnet")).unwrap().next().unwrap().unwrap().path();
    fs::write(view.join("tree/planted"), "x").unwrap();
    let kept = world.fails(5, &["repair"]);
    assert!(kept.contains("kept the view") && kept.contains("it is in use"), "{kept}");
    assert_eq!(program.go_on().code, Some(0));
    world.ok(&["repair"]);
    world.ok(&["verify"]);
    world.ok(&["remove", "dotnet-runtime"]);
    assert!(!view.exists(), "a view without one of its members stays");
}

#[test]
fn a_damaged_install_is_not_replaced_under_a_program_that_uses_it() {
    let world = World::new();
    let program = Program::start(&world, &["go@1.27.3"], "true");
    let root = PathBuf::from(world.json(&["list", "--json"])[0]["root"].as_str().unwrap());
    fs::write(root.join("VERSION"), "other").unwrap();
    let kept = world.fails(5, &["repair"]);
    assert!(kept.contains("kept go 1.27.3 linux/amd64 as it is: it is in use"), "{kept}");
    assert_eq!(fs::read_to_string(root.join("VERSION")).unwrap(), "other");
    program.go_on();
    world.ok(&["repair"]);
    world.ok(&["verify"]);
}

#[test]
fn links_go_with_what_they_lead_to_and_others_stay() {
    let world = World::new();
    let bin = world.project().join("bin");
    let names = || {
        let mut names: Vec<_> =
            fs::read_dir(&bin).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    world.ok(&["install", "go@1.26.7", "--link", "bin"]);
    symlink("/usr/bin/env", bin.join("mine")).unwrap();
    fs::write(bin.join("file"), "").unwrap();
    // The links lead to another version now.
    world.ok(&["install", "go@1.27.3", "--link", "bin"]);
    world.ok(&["remove", "go@1.26.7"]);
    assert_eq!(names(), ["file", "go", "gofmt", "mine"]);
    let removed = world.run(&["remove", "go"]);
    assert!(removed.stderr.contains("removed the link") && removed.stderr.contains("bin/gofmt"), "{removed:?}");
    assert_eq!(names(), ["file", "mine"]);
    // The same by prune, and through a view.
    world.ok(&["install", "dotnet@10.0.300", "dotnet-runtime@8.0", "--link", "bin"]);
    assert_eq!(names(), ["dotnet", "file", "mine"]);
    world.ok(&["prune"]);
    assert_eq!(names(), ["file", "mine"]);
}

#[test]
fn every_command_that_uses_a_lock_makes_its_project_known() {
    for command in [&["install"][..], &["exec", "--", "go", "version"], &["env"], &["which", "go"]] {
        let world = World::new();
        lock_of(&world, "go = \"1.27.3\"\n");
        if matches!(command[0], "env" | "which") {
            world.ok(&["install", "go@1.27.3"]);
        }
        world.ok(command);
        assert_eq!(elsewhere(&world, &["prune"]).code, Some(0));
        world.ok(&["env"]);
    }
}

#[test]
fn a_project_in_a_folder_whose_name_is_no_text_is_known() {
    let world = World::new();
    lock_of(&world, "go = \"1.27.3\"\n");
    let odd = world.home().join(OsStr::from_bytes(b"p\xff\n"));
    fs::rename(world.project(), &odd).unwrap();
    fs::create_dir(world.project()).unwrap();
    let there = |arguments: &[&str]| Run::of(&world.command(arguments).current_dir(&odd).output().unwrap());
    assert_eq!(there(&["install", "--locked"]).code, Some(0));
    world.ok(&["prune"]);
    assert_eq!(there(&["env"]).code, Some(0));
}

/// Returns the only record of a project.
fn record(world: &World) -> PathBuf {
    fs::read_dir(world.store().join("projects")).unwrap().next().unwrap().unwrap().path()
}

#[test]
fn a_record_that_cannot_be_read_is_told_and_nothing_is_removed() {
    let world = World::new();
    lock_of(&world, "go = \"1.27.3\"\n");
    world.ok(&["install", "--locked"]);
    for broken in ["", "no path"] {
        fs::write(record(&world), broken).unwrap();
        let run = elsewhere(&world, &["prune"]);
        assert_eq!(run.code, Some(0), "{run:?}");
        assert!(run.stderr.contains("projects/") && run.stderr.contains("all installs are kept"), "{run:?}");
        world.ok(&["env"]);
        assert!(!fs::read(record(&world)).unwrap().is_empty(), "it was not written again");
    }
    assert!(!elsewhere(&world, &["prune"]).stderr.contains("kept"));
}

#[test]
fn what_a_broken_lock_named_last_is_kept_and_the_rest_goes() {
    let world = World::new();
    lock_of(&world, "go = \"1.27.3\"\n");
    world.ok(&["install", "--locked"]);
    world.ok(&["install", "go@1.26.7"]);
    let whole = world.read("toolkit.lock");
    for broken in ["<<<<<<< HEAD\n", "version = 99\n"] {
        world.write("toolkit.lock", broken);
        let run = elsewhere(&world, &["prune"]);
        assert_eq!(run.code, Some(0), "{run:?}");
        assert!(run.stderr.contains("toolkit.lock") && run.stderr.contains("last used"), "{run:?}");
    }
    world.write("toolkit.lock", &whole);
    world.ok(&["env"]);
    assert_eq!(world.json(&["list", "--json"]).as_array().unwrap().len(), 1);
}

#[test]
fn a_receipt_that_is_cut_hides_no_other_install() {
    let world = World::new();
    world.ok(&["install", "go@1.26.7", "go@1.27.3"]);
    let receipts: Vec<PathBuf> = world.json(&["list", "--json"]).as_array().unwrap().iter().map(receipt).collect();
    let whole = fs::read_to_string(&receipts[1]).unwrap();
    for cut in ["", &whole[..whole.len() / 2], "{\"schema\": 99}"] {
        fs::write(&receipts[1], cut).unwrap();
        for command in [&["list"][..], &["verify"], &["env", "go@1.26"], &["exec", "go@1.26.7", "--", "go", "version"]]
        {
            let run = world.run(command);
            assert_eq!(run.code, Some(0), "{command:?}: {run:?}");
        }
        assert!(world.run(&["list"]).stderr.contains("skipped"), "{cut:?}");
    }
}

fn receipt(install: &serde_json::Value) -> PathBuf {
    Path::new(install["root"].as_str().unwrap()).with_file_name("receipt.json")
}

/// Makes a command run as a user without rights; none where that is not possible.
fn as_nobody(command: &Command) -> Option<Command> {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can become another user");
        return None;
    }
    let mut other = Command::new("setpriv");
    other.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]).arg(command.get_program());
    other.args(command.get_args()).current_dir("/").env_clear().stdin(Stdio::null());
    other.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    match other.output() {
        Ok(_) => Some(other),
        Err(cause) => {
            eprintln!("skipped: no `setpriv`: {cause}");
            None
        }
    }
}

#[test]
fn an_install_that_another_user_keeps_private_blocks_nobody() {
    let world = World::new();
    world.ok(&["install", "go@1.26.7", "dotnet@10.0.300"]);
    let private = world.store().join("installs/dotnet");
    fs::set_permissions(world.home().parent().unwrap(), fs::Permissions::from_mode(0o755)).unwrap();
    for folder in [private.clone(), fs::read_dir(&private).unwrap().next().unwrap().unwrap().path()] {
        let mode = fs::metadata(&folder).unwrap().permissions();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
        for arguments in
            [&["list"][..], &["verify"], &["env", "go@1.26"], &["exec", "go@1.26.7", "--", "go", "version"]]
        {
            let Some(mut command) = as_nobody(&world.command(arguments)) else { return };
            let run = Run::of(&command.output().unwrap());
            assert_eq!(run.code, Some(0), "{arguments:?}: {run:?}");
        }
        let mut list = as_nobody(&world.command(&["list"])).unwrap();
        assert!(Run::of(&list.output().unwrap()).stderr.contains("skipped"));
        // The store belongs to another user as well: nothing goes, and that is said.
        let mut prune = as_nobody(&world.command(&["prune"])).unwrap();
        let run = Run::of(&prune.output().unwrap());
        assert!(run.stderr.contains("kept go 1.26.7 linux/amd64"), "{run:?}");
        fs::set_permissions(&folder, mode).unwrap();
    }
    assert_eq!(world.json(&["list", "--json"]).as_array().unwrap().len(), 2);
}

#[test]
fn users_of_a_store_that_all_may_write_to_install_beside_each_other() {
    let world = World::new();
    fs::set_permissions(world.home().parent().unwrap(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::create_dir(world.store()).unwrap();
    fs::set_permissions(world.store(), fs::Permissions::from_mode(0o1777)).unwrap();
    world.ok(&["install", "go@1.26.7"]);
    for spec in ["go@1.27.3", "dotnet@10.0.300"] {
        let Some(mut command) = as_nobody(&world.command(&["install", spec])) else { return };
        let run = Run::of(&command.output().unwrap());
        assert_eq!(run.code, Some(0), "{run:?}");
    }
    assert_eq!(world.json(&["list", "--json"]).as_array().unwrap().len(), 3);
}

#[test]
fn a_tool_of_another_user_s_store_is_held_without_the_right_to_write() {
    let world = World::new();
    world.ok(&["install", "go@1.26.7"]);
    fs::set_permissions(world.home().parent().unwrap(), fs::Permissions::from_mode(0o755)).unwrap();
    let exec = world.command(&["exec", "-q", "go@1.26.7", "--", "sh", "-c", "echo started; read line; go version"]);
    let Some(mut exec) = as_nobody(&exec) else { return };
    let mut child = exec.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::with_capacity(1, child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert!(world.fails(5, &["remove", "go"]).contains("it is in use"));
    child.stdin.take().unwrap().write_all(b"\n").unwrap();
    assert!(Run::of(&child.wait_with_output().unwrap()).stdout.contains("go1.26.7"));
}

#[test]
fn workloads_are_no_damage_and_survive_a_repair() {
    for tools in ["dotnet = \"10.0.300\"\n", "dotnet = \"10.0.300\"\ndotnet-runtime = \"8.0\"\n"] {
        let world = World::new();
        lock_of(&world, tools);
        world.ok(&["install", "--locked"]);
        let script = "cd \"$DOTNET_ROOT\" && mkdir -p metadata/workloads packs/W && \
                      echo '{}' > metadata/workloads/wasm-tools && echo x > packs/W/a.dll && pwd";
        let root = PathBuf::from(world.ok(&["exec", "-q", "--", "sh", "-c", script]).trim());
        let listed = world.ok(&["verify"]);
        assert!(listed.contains("packs was added, not by toolkit") && !listed.contains("differs"), "{listed}");
        let json = world.json(&["verify", "--json"]);
        let with_added = json.as_array().unwrap().iter().find(|one| one["added"][0] == "metadata").unwrap();
        assert_eq!((&with_added["sound"], &with_added["differences"]), (&true.into(), &serde_json::json!([])));
        assert_eq!(world.run(&["verify", "--strict"]).code, Some(1));
        world.ok(&["repair"]);
        assert!(root.join("packs/W/a.dll").is_file());
        // Damage is repaired around them, and what was added elsewhere goes.
        fs::write(root.join("planted"), "x").unwrap();
        fs::remove_file(root.join("dotnet")).unwrap();
        assert_eq!(world.run(&["verify"]).code, Some(1));
        let repaired = world.run(&["repair"]);
        assert_eq!(repaired.code, Some(0), "{repaired:?}");
        assert!(root.join("packs/W/a.dll").is_file() && root.join("metadata/workloads/wasm-tools").is_file());
        assert!(root.join("dotnet").is_file() && !root.join("planted").exists());
        world.ok(&["verify"]);
        let removed = world.run(&["remove", "dotnet"]);
        assert!(removed.stderr.contains("with what was added to it: metadata, packs"), "{removed:?}");
    }
}

#[test]
fn a_new_root_without_the_workloads_of_the_one_before_is_told() {
    let world = World::new();
    lock_of(&world, "dotnet = \"10.0.300\"\n");
    world.ok(&["exec", "--", "sh", "-c", "mkdir -p \"$DOTNET_ROOT/packs/W\""]);
    lock_of(&world, "dotnet = \"10.0.300\"\ndotnet-runtime = \"8.0\"\n");
    let first = world.run(&["exec", "-q", "--", "sh", "-c", "true"]);
    let second = world.run(&["install"]);
    let told = |run: &Run| run.stderr.contains("(packs) is not in") && run.stderr.contains("which is used now");
    assert!((told(&first) || told(&second)) && !told(&world.run(&["install"])), "{first:?} {second:?}");
}

#[test]
fn too_few_files_end_a_command_with_advice() {
    let world = World::new();
    lock_of(&world, "go = \"1.27.3\"\ndotnet = \"10.0.300\"\n");
    for arguments in [&["install", "--locked"][..], &["lock", "--upgrade"], &["verify"], &["resolve", "go@latest"]] {
        for files in (4..32).step_by(3) {
            let _ = fs::remove_dir_all(world.store());
            let command = world.command(arguments);
            let mut limited = Command::new("sh");
            limited.args(["-c", &format!("ulimit -n {files}; exec \"$@\""), "sh"]).arg(command.get_program());
            limited.args(command.get_args()).current_dir(world.project()).stdin(Stdio::null()).env_clear();
            limited.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
            let run = Run::of(&limited.output().unwrap());
            // Below that not even the loader finds its libraries.
            if run.code == Some(127) {
                continue;
            }
            assert!(matches!(run.code, Some(0 | 5)), "{arguments:?} with {files} files: {run:?}");
            assert!(!run.stderr.contains("panicked"), "{run:?}");
        }
    }
}

#[test]
fn too_few_threads_end_a_command_with_advice() {
    let world = World::new();
    lock_of(&world, "go = \"1.27.3\"\ndotnet = \"10.0.300\"\n");
    fs::set_permissions(world.home().parent().unwrap(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(world.project(), fs::Permissions::from_mode(0o777)).unwrap();
    for threads in 1..=4 {
        for arguments in [&["install", "--locked"][..], &["lock", "--upgrade"], &["resolve", "go@latest"], &["env"]] {
            let command = world.command(arguments);
            let Some(other) = as_nobody(&command) else { return };
            let store = format!("/tmp/toolkit-test-{}", std::process::id());
            let mut limited = Command::new("prlimit");
            limited.arg(format!("--nproc={threads}")).arg(other.get_program()).args(other.get_args());
            limited.current_dir(world.project()).stdin(Stdio::null()).env_clear();
            limited.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
            let output = limited.env("TOOLKIT_HOME", &store).output();
            let _ = fs::remove_dir_all(&store);
            let Ok(output) = output else {
                eprintln!("skipped: no `prlimit`");
                return;
            };
            let run = Run::of(&output);
            assert!(matches!(run.code, Some(0 | 2 | 5)), "{arguments:?} with {threads} threads: {run:?}");
            assert!(!run.stderr.contains("panicked"), "{run:?}");
        }
    }
}
