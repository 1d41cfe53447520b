//! Machines, upstreams and people that stand in the way of a sync.

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::{INDEX, contents, dest, listing, project, source, use_alone};
use crate::support::mirror;
use crate::support::mounted::Mounted;
use crate::support::upstream::{Fault, Upstream};
use crate::support::world::{Run, World};

#[test]
fn a_lock_that_cannot_be_fulfilled_leaves_the_mirror_as_it_was() {
    let (source, folder) = (source(), tempfile::tempdir().unwrap());
    let world = project(source.path(), "[tools]\ndotnet = \"10.0\"\n");
    let (mirror, name) = dest(&folder);
    world.ok(&["mirror", "sync", &name]);
    let before = contents(&mirror);
    world.write("toolkit.toml", "[tools]\ngo = \"1.26\"\n");
    world.ok(&["lock"]);
    let archive = source.path().join("go.dev/dl/go1.26.7.linux-amd64.tar.gz");
    let good = fs::read(&archive).unwrap();
    let mut bad = good.clone();
    bad[100] ^= 1;
    for (bytes, code, said) in [(None, 3, "go1.26.7.linux-amd64.tar.gz"), (Some(&bad), 4, "expected sha256:")] {
        match bytes {
            None => fs::remove_file(&archive).unwrap(),
            Some(bytes) => fs::write(&archive, bytes).unwrap(),
        }
        let stderr = world.fails(code, &["mirror", "sync", &name]);
        assert!(stderr.contains(said) && stderr.contains("run it again to continue"), "{stderr}");
        for (path, bytes) in &before {
            assert_eq!(contents(&mirror).get(path), Some(bytes), "{path}");
        }
        assert!(!mirror.join("go.dev/dl/go1.26.7.linux-amd64.tar.gz").exists());
        world.ok(&["mirror", "check", &name, "--all"]);
    }
    fs::remove_file(source.path().join("go.dev/dl/index-all.json")).unwrap();
    fs::write(&archive, &good).unwrap();
    let stderr = world.fails(3, &["mirror", "sync", &name]);
    assert!(stderr.contains("could not read the documents that resolve go@1.26"), "{stderr}");
    world.write("toolkit.toml", "[tools]\ngo = \"1.25\"\n");
    assert!(world.fails(2, &["mirror", "sync", &name]).contains("toolkit lock"), "a stale lock is no lock");
    fs::remove_file(world.project().join("toolkit.lock")).unwrap();
    assert!(world.fails(2, &["mirror", "sync", &name]).contains("toolkit lock"));
}

#[test]
fn places_that_cannot_be_filled_are_refused() {
    let source = source();
    let world = project(source.path(), "[tools]\ngo = \"1.26\"\n");
    for (dest, said) in [
        ("https://artifacts.example.com/tools", "name the folder or the bucket behind it"),
        ("http://127.0.0.1:1/", "a web server only serves files"),
        ("ftp://x/", "not supported: `ftp`"),
        ("s3://", "not name a bucket"),
    ] {
        for command in ["sync", "check", "list"] {
            let stderr = world.fails(2, &["mirror", command, dest]);
            assert!(stderr.contains(said), "{command} {dest}: {stderr}");
        }
    }
    let world = world.with("TOOLKIT_MIRROR", "");
    assert!(world.fails(2, &["mirror", "sync"]).contains("no mirror was given"));
}

#[test]
fn an_index_that_nobody_wrote_stops_a_sync() {
    let (source, folder) = (source(), tempfile::tempdir().unwrap());
    let world = project(source.path(), "[tools]\ngo = \"1.26\"\n");
    let (mirror, name) = dest(&folder);
    world.ok(&["mirror", "sync", &name]);
    let good = fs::read_to_string(mirror.join(INDEX)).unwrap();
    fs::write(folder.path().join("precious"), "x").unwrap();
    for (text, code, said) in [
        (good.replace("go.dev/dl/index-all.json", "../precious"), 4, "not a file name"),
        (good.replace("\"version\": 1", "\"version\": 7"), 2, "update toolkit"),
        ("[]".to_owned(), 4, "cannot be used"),
        (String::new(), 4, "cannot be used"),
    ] {
        fs::write(mirror.join(INDEX), &text).unwrap();
        for command in [&["sync"][..], &["sync", "--prune"], &["check"], &["list"]] {
            let arguments = [&["mirror", command[0], &name], &command[1..]].concat();
            let stderr = world.fails(code, &arguments);
            assert!(stderr.contains(said), "{arguments:?}: {stderr}");
        }
        assert_eq!(fs::read_to_string(mirror.join(INDEX)).unwrap(), text);
    }
    assert!(folder.path().join("precious").exists());
}

#[test]
fn links_that_lead_out_of_a_mirror_are_not_followed() {
    let (source, folder) = (source(), tempfile::tempdir().unwrap());
    let world = project(source.path(), "[tools]\ngo = \"1.26\"\n");
    let (mirror, name) = dest(&folder);
    let outside = folder.path().join("outside");
    fs::create_dir_all(outside.join("dl")).unwrap();
    fs::create_dir(&mirror).unwrap();
    std::os::unix::fs::symlink(&outside, mirror.join("go.dev")).unwrap();
    let stderr = world.fails(5, &["mirror", "sync", &name]);
    assert!(stderr.contains("go.dev/dl/go1.26.7") && stderr.contains("leads out of the mirror"), "{stderr}");
    assert!(contents(&outside).is_empty());
    // Within the mirror, and to the mirror itself, they may lead.
    fs::remove_file(mirror.join("go.dev")).unwrap();
    fs::create_dir(mirror.join("elsewhere")).unwrap();
    std::os::unix::fs::symlink("elsewhere", mirror.join("go.dev")).unwrap();
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(&mirror, &link).unwrap();
    world.ok(&["mirror", "sync", link.to_str().unwrap()]);
    world.ok(&["mirror", "check", &name]);
}

#[test]
fn a_full_disk_stops_a_sync_and_room_lets_it_go_on() {
    let (upstream, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let source = mirror::go(upstream.path(), 300, 9000);
    let world = project(&source, &format!("[tools]\ngo = \"{}\"\n", mirror::VERSION));
    let (mirror, name) = dest(&folder);
    fs::create_dir(&mirror).unwrap();
    // One archive has 2.7 MB.
    let Some(mounted) = Mounted::tmpfs(mirror.clone(), "size=4m") else { return };
    let stderr = world.fails(5, &["mirror", "sync", &name]);
    assert!(stderr.contains("No space left") && stderr.contains("run it again to continue"), "{stderr}");
    assert!(contents(&mirror).keys().all(|path| path.ends_with(".tar.gz")), "{:?}", contents(&mirror).keys());
    for (path, bytes) in contents(&mirror) {
        assert_eq!(bytes, fs::read(source.join(path)).unwrap(), "half of a file");
    }
    assert!(world.fails(1, &["mirror", "check", &name]).contains("incomplete mirror"));
    if !mounted.remount("size=64m") {
        return;
    }
    world.ok(&["mirror", "sync", &name]);
    world.ok(&["mirror", "check", &name]);
}

#[test]
fn a_mirror_that_may_only_be_read_serves_and_is_not_filled() {
    let (source, folder) = (source(), tempfile::tempdir().unwrap());
    let world = project(source.path(), super::PROJECT);
    let (mirror, name) = dest(&folder);
    fs::create_dir(&mirror).unwrap();
    let Some(mounted) = Mounted::tmpfs(mirror.clone(), "size=64m") else { return };
    world.ok(&["mirror", "sync", &name]);
    if !mounted.remount("ro") {
        return;
    }
    world.ok(&["mirror", "check", &name]);
    world.ok(&["mirror", "sync", &name]);
    use_alone(&world, &name);
    let other = project(source.path(), "[tools]\ngo = \"1.25\"\n");
    let stderr = other.fails(5, &["mirror", "sync", &name]);
    assert!(stderr.contains("Read-only") && stderr.contains("nothing was written"), "{stderr}");
}

#[test]
fn an_interrupted_sync_leaves_no_half_of_a_file() {
    let (upstream, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let source = mirror::go(upstream.path(), 40, 9000);
    let served = Upstream::serving(&source);
    let archive = format!("/go.dev/dl/go{}.linux-arm64.tar.gz", mirror::VERSION);
    let world = World::new().with("TOOLKIT_MIRROR", served.url("/").as_str());
    world.write("toolkit.toml", &format!("[tools]\ngo = \"{}\"\n", mirror::VERSION));
    world.ok(&["lock"]);
    let (mirror, name) = dest(&folder);
    served.fault(&archive, Fault::Stall { at: 1000 });
    for signal in ["INT", "TERM", "HUP"] {
        served.forget();
        let mut command = world.command(&["mirror", "sync", &name]);
        let child = command.stderr(Stdio::piped()).spawn().unwrap();
        let deadline = Instant::now() + Duration::from_secs(20);
        while served.requests(&archive) == 0 {
            assert!(Instant::now() < deadline, "the download never began");
            std::thread::yield_now();
        }
        let kill = format!("kill -{signal} {}", child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
        let run = Run::of(&child.wait_with_output().unwrap());
        assert!(run.code == Some(5) && run.stderr.contains("error: interrupted"), "{signal}: {run:?}");
        for (path, bytes) in contents(&mirror) {
            assert_eq!(bytes, fs::read(source.join(path)).unwrap(), "half of a file");
        }
        let left: Vec<_> = world.store_listing().into_iter().filter(|line| !line.ends_with('/')).collect();
        assert!(left.is_empty() && listing(&mirror.join(".toolkit/staging")).is_empty(), "{signal} left {left:?}");
        assert!(world.fails(1, &["mirror", "check", &name]).contains("incomplete mirror"));
    }
    served.heal(&archive);
    world.ok(&["mirror", "sync", &name]);
    world.ok(&["mirror", "check", &name]);
}
