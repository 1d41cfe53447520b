//! Several threads, several processes and kills.

use std::cell::Cell;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use toolkit::model::ToolName;
use toolkit::store::{Composition, Removal, Store};

use super::views::{prune, view};
use super::{GO, QUIET, World, digest, id, install, install_with, names, unpack, verified, world};

#[test]
fn sixteen_threads_end_with_one_promote() {
    let world = world();
    let staged = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                let count = || {
                    staged.fetch_add(1, Ordering::SeqCst);
                };
                let install = install_with(&world.store, &id("go", "1.27.3"), GO, &count).unwrap();
                assert!(install.root.join("bin/go").exists());
            });
        }
    });
    assert_eq!(staged.into_inner(), 1);
    assert!(names(&world.store.root().join("staging")).is_empty());
    assert_eq!(world.store.list().unwrap().len(), 1);
}

const ROLE: &str = "TOOLKIT_TEST_STORE_ROLE";
const HOME: &str = "TOOLKIT_TEST_STORE_HOME";

/// Runs this test binary again, as a process that does only what `role` says.
fn child(role: &str, store: &Store) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "store::races::another_process_does_what_its_role_says", "--nocapture", "--test-threads=1"])
        .env(ROLE, role)
        .env(HOME, store.root())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Waits until the child has said `word`.
fn hear(child: &mut Child, word: &str) {
    let lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
    assert!(lines.map_while(Result::ok).any(|line| line.contains(word)), "the child never said {word}");
}

#[test]
fn another_process_does_what_its_role_says() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let store = Store::at(PathBuf::from(std::env::var_os(HOME).unwrap()));
    let id = id("go", "1.27.3");
    let wait_for_the_parent = || drop(std::io::stdin().read_line(&mut String::new()));
    match role.as_str() {
        "install" => {
            wait_for_the_parent();
            let count = || {
                let log = store.root().join("staged");
                let mut log = fs::OpenOptions::new().create(true).append(true).open(log).unwrap();
                log.write_all(b"x").unwrap();
            };
            install_with(&store, &id, GO, &count).unwrap();
        }
        "stage" => {
            let lock = store.lock(&id, &|_| {}).unwrap();
            let staging = store.stage(&lock).unwrap();
            unpack(&staging.tree(), GO, "1.27.3").unwrap();
            println!("staged");
            wait_for_the_parent();
        }
        "lock" => {
            let lock = store.lock(&id, &|_| {}).unwrap();
            println!("locked");
            wait_for_the_parent();
            drop(lock);
        }
        "churn" => loop {
            churn(&store);
        },
        other => panic!("no role {other}"),
    }
}

#[test]
fn eight_processes_end_with_one_promote() {
    let world = world();
    let mut children: Vec<Child> = (0..8).map(|_| child("install", &world.store)).collect();
    for child in &mut children {
        child.stdin.take().unwrap().write_all(b"go\n").unwrap();
    }
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(fs::read(world.store.root().join("staged")).unwrap(), b"x");
    let install = world.store.find(&id("go", "1.27.3")).unwrap().unwrap();
    assert_eq!(world.store.verify(&install, QUIET).unwrap(), []);
    assert!(names(&world.store.root().join("staging")).is_empty());
}

#[test]
fn a_killed_process_is_swept_and_a_living_one_is_not() {
    let World { store, folder: _folder } = &world();
    let staging = store.root().join("staging");
    let mut other = child("stage", store);
    hear(&mut other, "staged");
    assert_eq!(store.sweep().unwrap(), 0);
    assert_eq!(names(&staging).len(), 1);
    assert_eq!(fs::metadata(staging.join(&names(&staging)[0])).unwrap().mode() & 0o777, 0o700);
    other.kill().unwrap();
    other.wait().unwrap();
    assert_eq!(names(&staging).len(), 1, "a kill leaves it behind");
    assert!(store.list().unwrap().is_empty() && store.find(&id("go", "1.27.3")).unwrap().is_none());
    assert_eq!(store.sweep().unwrap(), 1);
    assert!(names(&staging).is_empty());
    install(store, "go", "1.27.3", GO);
}

/// Installs, composes, repairs and removes, and says each step.
fn churn(store: &Store) {
    let mut out = std::io::stdout();
    let mut step = |name| writeln!(out, "step {name}").unwrap();
    let install = install(store, "go", "1.27.3", GO);
    step("installed");
    view(store, std::slice::from_ref(&install));
    step("composed");
    let lock = store.lock(&install.id, &|_| {}).unwrap();
    let staging = store.stage(&lock).unwrap();
    step("staged");
    let unpacked = unpack(&staging.tree(), GO, "1.27.3").unwrap();
    step("unpacked");
    staging.replace(vec![verified(&digest("1.27.3"))], unpacked).unwrap();
    step("replaced");
    drop(lock);
    prune(store, &|_| false);
    step("removed");
}

#[test]
fn kills_at_any_moment_leave_whole_installs_or_none() {
    let World { store, folder: _folder } = &world();
    for steps in 1..=24 {
        let mut other = child("churn", store);
        // The child goes on while its words are read, so that the kill comes anywhere in the step that follows.
        let lines = BufReader::new(other.stdout.as_mut().unwrap()).lines();
        let heard = lines.map_while(Result::ok).filter(|line| line.contains("step ")).take(steps).count();
        assert_eq!(heard, steps, "the child failed by itself");
        other.kill().unwrap();
        other.wait().unwrap();
        for install in store.list().unwrap() {
            assert_eq!(store.verify(&install, QUIET).unwrap(), [], "after {steps} steps");
        }
        for view in store.views().unwrap() {
            assert_eq!(store.verify_view(&view, QUIET).unwrap(), [], "after {steps} steps");
        }
        store.sweep().unwrap();
        assert!(names(&store.root().join("staging")).is_empty());
        let whole = install(store, "go", "1.27.3", GO);
        assert_eq!(store.verify(&whole, QUIET).unwrap(), []);
    }
}

#[test]
fn what_is_composed_beside_removals_is_whole() {
    let World { store, folder: _folder } = &world();
    let done = AtomicBool::new(false);
    let name = ToolName::parse("dotnet").unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::SeqCst) {
                for install in store.list().unwrap() {
                    store.discard(&install, &|| false).unwrap();
                }
                store.prune_views(&|_| {}).unwrap();
            }
        });
        let compose = || {
            for _ in 0..12 {
                let held = [id("dotnet", "10.0.100"), id("dotnet-runtime", "8.0.21")]
                    .map(|id| install_with(store, &id, GO, &|| {}).unwrap());
                let composition = Composition { name: &name, members: &held, overlapping: &[], added: &[] };
                let view = store.view(&composition, &|_| {}).unwrap();
                assert_eq!(store.verify_view(&view, QUIET).unwrap(), []);
                for member in &held {
                    assert_eq!(store.verify(member, QUIET).unwrap(), []);
                }
            }
        };
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(compose));
        done.store(true, Ordering::SeqCst);
        outcome.unwrap();
    });
    assert!(names(&store.root().join("staging")).is_empty());
}

#[test]
fn a_folder_that_died_before_its_lock_and_a_planted_link_are_swept() {
    let World { store, folder } = &world();
    install(store, "go", "1.27.3", GO);
    let outside = folder.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("precious"), "x").unwrap();
    fs::create_dir(store.root().join("staging/half")).unwrap();
    symlink(&outside, store.root().join("staging/link")).unwrap();
    assert_eq!(store.sweep().unwrap(), 2);
    assert_eq!(names(&outside), ["precious"]);
}

#[test]
fn what_is_dropped_is_deleted() {
    let World { store, folder: _folder } = &world();
    let lock = store.lock(&id("go", "1.27.3"), &|_| {}).unwrap();
    let staging = store.stage(&lock).unwrap();
    unpack(&staging.tree(), GO, "1.27.3").unwrap();
    drop(staging);
    assert!(names(&store.root().join("staging")).is_empty());
    assert!(store.list().unwrap().is_empty());
}

#[test]
fn removal_waits_for_the_process_that_holds_the_lock() {
    let World { store, folder: _folder } = &world();
    install(store, "go", "1.27.3", GO);
    let mut other = child("lock", store);
    hear(&mut other, "locked");
    let stdin = Cell::new(other.stdin.take());
    let heard = Cell::new(0);
    let waiting = |message: &str| {
        assert_eq!(message, "waiting for another process that installs go 1.27.3");
        assert!(store.find(&id("go", "1.27.3")).unwrap().is_some());
        heard.set(heard.get() + 1);
        stdin.take().unwrap().write_all(b"go on\n").unwrap();
    };
    let lock = store.lock(&id("go", "1.27.3"), &waiting).unwrap();
    assert_eq!(store.remove(&lock).unwrap(), Removal::Removed);
    assert_eq!(store.remove(&lock).unwrap(), Removal::Absent, "removed twice");
    assert_eq!(heard.get(), 1);
    assert!(other.wait().unwrap().success());
    assert!(store.list().unwrap().is_empty());
}
