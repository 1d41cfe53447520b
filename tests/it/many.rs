//! Several processes and one store; processes that are killed; bytes that are not what was announced; machines that
//! refuse.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::mirror;
use crate::support::mounted::Mounted;
use crate::support::upstream::{Fault, Upstream};
use crate::support::world::{Run, World, fixture_mirror};

#[test]
fn sixteen_processes_download_each_tool_once() {
    let upstream = Upstream::serving(&fixture_mirror());
    let world = World::new().with("TOOLKIT_MIRROR", upstream.url("/").as_str());
    world.write("toolkit.toml", "[tools]\ndotnet = \"10.0\"\ndotnet-runtime = \"8.0\"\ngo = \"1.26\"\n");
    world.ok(&["lock"]);
    let before = upstream.total_requests();
    let children: Vec<Child> = (0..16)
        .map(|_| {
            let mut command = world.command(&["install", "--locked", "--json"]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    for child in children {
        let run = Run::of(&child.wait_with_output().unwrap());
        assert_eq!(run.code, Some(0), "{}", run.stderr);
    }
    assert_eq!(upstream.total_requests() - before, 3, "an archive was downloaded twice");
    world.ok(&["verify"]);
    assert_eq!(world.json(&["list", "--json"]).as_array().unwrap().len(), 3);
}

#[test]
fn a_killed_install_leaves_nothing_that_a_later_one_trusts() {
    const KILLS: u32 = 100;
    let folder = tempfile::tempdir().unwrap();
    let world = World::new().with("TOOLKIT_MIRROR", mirror::go(folder.path(), 600, 3000).to_str().unwrap());
    world.write("toolkit.toml", &format!("[tools]\ngo = \"{}\"\n", mirror::VERSION));
    world.ok(&["lock"]);
    // The machine may be busier now than later: how long an install takes is measured again after every kill.
    let install = || {
        let started = Instant::now();
        world.ok(&["install", "--locked"]);
        started.elapsed()
    };
    let mut whole = install();
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut killed_midway = 0;
    for number in 0..KILLS {
        let _ = fs::remove_dir_all(world.store().join("installs"));
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let moment = whole.mul_f64((random >> 40) as f64 / f64::from(1 << 24));
        let mut child = world.command(&["install", "--locked"]).stderr(Stdio::null()).spawn().unwrap();
        // Not to win a race: any moment will do, and all of them must be safe.
        std::thread::sleep(moment);
        child.kill().unwrap();
        killed_midway += u32::from(!child.wait().unwrap().success());

        let listed = world.json(&["list", "--json"]);
        if listed.as_array().unwrap().is_empty() {
            whole = install();
        }
        assert!(world.ok(&["verify"]).starts_with("ok "), "kill {number} after {moment:?}");
        assert_eq!(world.json(&["list", "--json"]).as_array().unwrap().len(), 1);
    }
    let _ = fs::remove_dir_all(world.store().join("installs"));
    world.ok(&["install", "--locked"]);
    let staged = fs::read_dir(world.store().join("staging")).map_or(0, Iterator::count);
    assert_eq!(staged, 0, "staging was not swept");
    assert!(killed_midway > KILLS / 4, "only {killed_midway} of {KILLS} kills hit a running install");
}

#[test]
fn a_flipped_byte_anywhere_ends_with_exit_4_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let root = mirror::go(folder.path(), 40, 700);
    let world = World::new().with("TOOLKIT_MIRROR", root.to_str().unwrap());
    world.write("toolkit.toml", &format!("[tools]\ngo = \"{}\"\n", mirror::VERSION));
    world.ok(&["lock"]);
    let archive = root.join(format!("go.dev/dl/go{}.linux-amd64.tar.gz", mirror::VERSION));
    let good = fs::read(&archive).unwrap();
    let lock = world.read("toolkit.lock");
    world.ok(&["list"]);
    let before = world.store_listing();
    for step in 0..50 {
        let at = step * (good.len() - 1) / 49;
        let mut bad = good.clone();
        bad[at] ^= 1 << (step % 8);
        fs::write(&archive, bad).unwrap();
        let stderr = world.fails(4, &["install", "--locked", "--platform", "linux/amd64"]);
        assert!(stderr.contains("expected sha256:") && stderr.contains("received sha256:"), "byte {at}: {stderr}");
        unchanged(&world, &before, &lock);
    }
    for length in [0, 1, good.len() / 2, good.len() - 1] {
        fs::write(&archive, &good[..length]).unwrap();
        let run = world.run(&["install", "--locked", "--platform", "linux/amd64"]);
        assert!(matches!(run.code, Some(3 | 4)), "{length} bytes: {:?} {}", run.code, run.stderr);
        unchanged(&world, &before, &lock);
    }
    fs::write(&archive, [good.as_slice(), b"x"].concat()).unwrap();
    world.fails(4, &["install", "--locked", "--platform", "linux/amd64"]);
    unchanged(&world, &before, &lock);
    fs::write(&archive, good).unwrap();
    world.ok(&["install", "--locked", "--platform", "linux/amd64"]);
}

/// Nothing is installed, staged or locked that was not before. Empty folders of the store itself may have come.
fn unchanged(world: &World, before: &[String], lock: &str) {
    let mut after = world.store_listing();
    after.retain(|line| !matches!(line.as_str(), "staging/" | "installs/" | "views/"));
    assert_eq!(after, before, "the store changed");
    assert_eq!(world.read("toolkit.lock"), lock, "the lock changed");
}

#[cfg(unix)]
#[test]
fn without_a_home_the_error_says_what_to_set() {
    use std::os::unix::process::CommandExt;
    let world = World::new().with("HOME", "").with("TOOLKIT_HOME", "");
    let mut command = world.command(&["install", "go@1.26"]);
    // A user that no database knows, as containers are run with.
    match command.current_dir("/").uid(54_321).output() {
        Ok(output) => {
            let run = Run::of(&output);
            assert_eq!(run.code, Some(5), "{run:?}");
            assert!(run.stderr.contains("set TOOLKIT_HOME"), "{}", run.stderr);
        }
        Err(cause) => eprintln!("SKIPPED: no command can be run as another user: {cause}"),
    }
}

#[test]
fn a_full_disk_ends_with_exit_5_and_nothing_half_made() {
    let folder = tempfile::tempdir().unwrap();
    let root = mirror::go(folder.path(), 300, 9000);
    let world = World::new().with("TOOLKIT_MIRROR", root.to_str().unwrap());
    fs::create_dir(world.store()).unwrap();
    let Some(_mounted) = Mounted::tmpfs(world.store(), "size=1m") else { return };
    let stderr = world.fails(5, &["install", &format!("go@{}", mirror::VERSION)]);
    assert!(stderr.contains("No space left") && stderr.contains("hint:"), "{stderr}");
    assert_eq!(world.json(&["list", "--json"]), serde_json::json!([]));
    let left = world.store_listing();
    assert!(left.iter().all(|line| line.ends_with('/')), "something half-made stayed: {left:?}");
}

#[test]
fn a_read_only_store_ends_with_exit_5_and_can_still_be_used() {
    let world = World::new();
    fs::create_dir(world.store()).unwrap();
    let Some(mounted) = Mounted::tmpfs(world.store(), "size=64m") else { return };
    world.ok(&["install", "go@1.26.0"]);
    if !mounted.remount("ro") {
        return;
    }
    let stderr = world.fails(5, &["install", "go@1.25"]);
    assert!(stderr.contains("Read-only") && stderr.contains("hint:"), "{stderr}");
    assert!(world.ok(&["env", "go@1.26.0"]).contains("PATH"));
    assert!(world.ok(&["exec", "go@1.26.0", "--", "go", "version"]).contains("go1.26.0"));
    world.ok(&["verify"]);
    world.ok(&["install", "go@1.26.0"]);
    world.write("toolkit.toml", "[tools]\ngo = \"1.26.0\"\n");
    world.ok(&["lock"]);
    world.ok(&["install", "--locked"]);
    assert!(world.ok(&["env"]).contains("PATH"));
}

#[test]
fn an_interrupted_install_cleans_up_behind_itself() {
    let folder = tempfile::tempdir().unwrap();
    let upstream = Upstream::serving(&mirror::go(folder.path(), 20, 700));
    let archive = format!("/go.dev/dl/go{}.linux-amd64.tar.gz", mirror::VERSION);
    upstream.fault(&archive, Fault::Stall { at: 100 });
    let world = World::new().with("TOOLKIT_MIRROR", upstream.url("/").as_str());
    for signal in ["INT", "TERM", "HUP"] {
        upstream.forget();
        let spec = format!("go@{}", mirror::VERSION);
        let mut command = world.command(&["install", &spec, "--platform", "linux/amd64"]);
        let child = command.stderr(Stdio::piped()).spawn().unwrap();
        let deadline = Instant::now() + Duration::from_secs(20);
        while upstream.requests(&archive) == 0 {
            assert!(Instant::now() < deadline, "the download never began");
            std::thread::yield_now();
        }
        let kill = format!("kill -{signal} {}", child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
        let run = Run::of(&child.wait_with_output().unwrap());
        assert_eq!(run.code, Some(5), "{signal}: {}", run.stderr);
        assert!(run.stderr.contains("error: interrupted"), "{signal}: {}", run.stderr);
        let left: Vec<_> = world.store_listing().into_iter().filter(|line| !line.ends_with('/')).collect();
        assert!(left.is_empty(), "{signal} left {left:?}");
    }
}

#[test]
fn who_waits_for_another_install_can_be_interrupted() {
    let folder = tempfile::tempdir().unwrap();
    let upstream = Upstream::serving(&mirror::go(folder.path(), 20, 700));
    let archive = format!("/go.dev/dl/go{}.linux-amd64.tar.gz", mirror::VERSION);
    upstream.fault(&archive, Fault::Stall { at: 100 });
    let world = World::new().with("TOOLKIT_MIRROR", upstream.url("/").as_str());
    let spec = format!("go@{}", mirror::VERSION);
    let start = || {
        let mut command = world.command(&["install", &spec, "--platform", "linux/amd64"]);
        command.stderr(Stdio::piped()).spawn().unwrap()
    };
    let mut first = start();
    let deadline = Instant::now() + Duration::from_secs(20);
    while upstream.requests(&archive) == 0 {
        assert!(Instant::now() < deadline, "the download never began");
        std::thread::yield_now();
    }
    let mut second = start();
    let mut said = std::io::BufReader::new(second.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("waiting for another process") {
        line.clear();
        assert_ne!(std::io::BufRead::read_line(&mut said, &mut line).unwrap(), 0, "it never said that it waits");
    }
    let kill = format!("kill -INT {}", second.id());
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    assert_eq!(second.wait().unwrap().code(), Some(5));
    assert!(first.try_wait().unwrap().is_none(), "the first one ended");
    first.kill().unwrap();
    first.wait().unwrap();
}

#[test]
fn a_mirror_with_pipes_and_devices_in_the_place_of_files_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let downloads = folder.path().join("go.dev/dl");
    fs::create_dir_all(&downloads).unwrap();
    let index = downloads.join("index-all.json");
    let world = World::new().with("TOOLKIT_MIRROR", folder.path().to_str().unwrap());
    assert!(Command::new("mkfifo").arg(&index).status().unwrap().success());
    assert!(world.fails(5, &["resolve", "go@1.26"]).contains("not a regular file"));
    fs::remove_file(&index).unwrap();
    std::os::unix::fs::symlink("/dev/zero", &index).unwrap();
    assert!(world.fails(5, &["resolve", "go@1.26"]).contains("not a regular file"));
    let url = format!("file://{}", index.display());
    let digest = format!("sha256:{}", "0".repeat(64));
    let world = world.with("TOOLKIT_MIRROR", "");
    assert!(world.fails(5, &["fetch", &url, "--digest", &digest, "--output", "x"]).contains("not a regular file"));
}
