//! How runs of kaniko end: exit codes, signals, kills, and runs that may not begin.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::running::{MODES, Mode, Stage};
use crate::support::world::Run;

#[test]
fn the_exit_code_is_the_programs() {
    let Some(stage) = Stage::new() else { return };
    for mode in MODES {
        for (script, code) in [("exit 0", 0), ("exit 1", 1), ("exit 42", 42), ("kill -9 $$", 137), ("kill -15 $$", 143)]
        {
            let run = stage.run(mode, script, &["--context=context"]);
            assert_eq!(run.code, Some(code), "{mode:?} {script}: {run:?}");
        }
    }
}

#[test]
fn a_signal_reaches_the_program_and_everything_is_cleaned_up() {
    let Some(stage) = Stage::new() else { return };
    let script =
        "trap 'echo told; exit 7' TERM INT\necho ready > /kaniko/toolkit/out/0/ready\nwhile :; do sleep 0.05; done\n";
    for mode in MODES {
        for signal in ["-TERM", "-INT"] {
            let mut command = stage.command(mode, script, &["-c", "context", "--digest-file", "digest"]);
            let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            wait_for(|| find(&stage.world.store().join("staging"), "ready"));
            assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
            let run = Run::of(&child.wait_with_output().unwrap());
            assert_eq!((run.code, run.stdout.as_str()), (Some(7), "told\n"), "{mode:?} {signal}: {run:?}");
            assert!(stage.rooms().is_empty(), "{mode:?} {signal}");
            assert!(!stage.world.project().join("digest").exists());
        }
    }
}

#[test]
fn a_killed_run_leaves_no_process_and_the_next_one_sweeps_its_copy() {
    let Some(stage) = Stage::new() else { return };
    let script = "echo ready > /kaniko/toolkit/out/0/ready\nwhile :; do sleep 0.05; done\n";
    let mut child = stage.command(Mode::Mounts, script, &["-c", "context", "--digest-file", "digest"]).spawn().unwrap();
    wait_for(|| find(&stage.world.store().join("staging"), "ready"));
    child.kill().unwrap();
    child.wait().unwrap();
    let store = stage.world.store().display().to_string();
    wait_for(|| {
        let mut processes = fs::read_dir("/proc").unwrap().flatten();
        !processes.any(|process| {
            fs::read(process.path().join("cmdline")).is_ok_and(|line| String::from_utf8_lossy(&line).contains(&store))
        })
    });
    assert_eq!(stage.rooms().len(), 1);
    stage.run(Mode::Mounts, "exit 0", &["-c", "context"]);
}

#[test]
fn without_the_privilege_it_says_which_one_and_starts_nothing() {
    let Some(stage) = Stage::new() else { return };
    stage.world.write("context/script.sh", "echo started");
    fs::set_permissions(stage.world.project().parent().unwrap(), fs::Permissions::from_mode(0o755)).unwrap();
    let toolkit = stage.world.command(&[]).get_program().to_owned();
    for (options, said) in [
        (&["--bounding-set", "-sys_chroot"][..], "CAP_SYS_CHROOT"),
        (&["--reuid", "65534", "--regid", "65534", "--clear-groups"], "root privileges"),
    ] {
        let mut command = Command::new("setpriv");
        command.args(options).arg(&toolkit).args(["exec", "kaniko@1.0.0", "--", "-c", "context"]);
        command
            .env_clear()
            .current_dir(stage.world.project())
            .env("TOOLKIT_HOME", stage.world.store())
            .env("HOME", "/");
        let run = Run::of(&command.output().unwrap());
        if run.stderr.contains("failed to execute") {
            eprintln!("skipped: another user cannot run this program: {}", run.stderr.trim());
            continue;
        }
        assert_eq!(run.code, Some(5), "{options:?}: {run:?}");
        assert!(run.stderr.contains(said) && run.stderr.contains("nothing was started"), "{options:?}: {run:?}");
        assert!(run.stdout.is_empty(), "{options:?}: {run:?}");
    }
}

fn wait_for(done: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !done() {
        assert!(Instant::now() < deadline, "it does not happen");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn find(folder: &Path, name: &str) -> bool {
    fs::read_dir(folder).is_ok_and(|entries| {
        entries.flatten().any(|entry| {
            entry.file_name() == name || entry.file_type().is_ok_and(|kind| kind.is_dir()) && find(&entry.path(), name)
        })
    })
}
