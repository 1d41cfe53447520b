//! Helper programs that tests write: what they may answer, and how they are ended.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::process::Command as Process;
use std::time::Instant;

use super::*;

const SERVER: &str = "registry.example.com";
const FILE: &str = "/root/.docker/config.json";

/// Puts a script on a `PATH` of its own.
///
/// The file is written by another process: one that this process holds open for writing cannot be run, and a test beside
/// this one may just have started a child that inherited it.
fn install(folder: &Path, name: &str, script: &str) {
    let source = folder.join("script");
    fs::write(&source, format!("#!/bin/sh\n{script}\n")).unwrap();
    let status = Process::new("install").args(["-m", "755"]).arg(&source).arg(folder.join(name)).status();
    assert!(status.unwrap().success());
}

fn helpers(folder: &Path) -> Helpers {
    let search_path = std::env::join_paths([folder, Path::new("/usr/bin"), Path::new("/bin")]).unwrap();
    let vars = Environment(vec![("KEPT".to_owned(), "kept".to_owned())]);
    Helpers { search_path: Some(search_path), vars, patience: PATIENCE, answers: Mutex::default() }
}

fn wait_for<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn ask(helpers: &Helpers, name: &str) -> Result<Option<Found>, Error> {
    wait_for(helpers.ask(name, SERVER, FILE, "credsStore"))
}

fn answer(script: &str) -> Result<Option<Credential>, Error> {
    let folder = tempfile::tempdir().unwrap();
    install(folder.path(), "docker-credential-test", script);
    let found = ask(&helpers(folder.path()), "test")?;
    assert!(found.as_ref().is_none_or(|found| found.source == "docker-credential-test"));
    Ok(found.map(|found| found.credential))
}

#[test]
fn answers_are_read_as_docker_reads_them() {
    let basic =
        |user: &str, password: &str| Some(Credential::Basic { user: user.to_owned(), password: Secret::new(password) });
    let not_found = format!("echo '{NOT_FOUND}'; exit 1");
    let json = |user: &str, secret: &str| {
        format!("printf '{{\"ServerURL\":\"{SERVER}\",\"Username\":\"{user}\",\"Secret\":\"{secret}\"}}'")
    };
    for (script, expected) in [
        (json("alice", "s3cret"), basic("alice", "s3cret")),
        (json("<token>", "refresh"), Some(Credential::Refresh { token: Secret::new("refresh") })),
        (json("alice", ""), None),
        // What it is told, and what it is not: no arguments but one, no variables but ours.
        (json("$*", "$(cat) $KEPT $HOME"), basic("$*", "$(cat) $KEPT $HOME")),
        (
            "printf '{\"Username\":\"%s\",\"Secret\":\"%s\"}' \"$*\" \"$(cat) $KEPT $HOME\"".to_owned(),
            basic("get", &format!("{SERVER} kept ")),
        ),
        (format!("exec 0<&-; {}", json("alice", "deaf")), basic("alice", "deaf")),
        (format!("head -c 300000 /dev/zero >&2; {}", json("alice", "noisy")), basic("alice", "noisy")),
        (not_found, None),
    ] {
        assert_eq!(answer(&script).unwrap(), expected, "{script}");
    }
}

#[test]
fn what_fails_is_told_without_secrets_and_without_control_characters() {
    let secret = "{\"Username\":\"alice\",\"Secret\":\"s3cret\"}";
    for (script, variant, said) in [
        ("echo s3cret".to_owned(), "HelperAnswer", "did not return"),
        ("true".to_owned(), "HelperAnswer", "did not return"),
        ("echo '{\"Username\":1,\"Secret\":\"s3cret\"}'".to_owned(), "HelperAnswer", "did not return"),
        (format!("echo '{secret}'; exit 1"), "HelperFailed", "it says nothing (exit status: 1)"),
        ("echo 'pass not initialized'; exit 3".to_owned(), "HelperFailed", "pass not initialized (exit status: 3)"),
        ("printf 'no \\033[31mkey\\n' >&2; exit 1".to_owned(), "HelperFailed", "no \\u{1b}[31mkey"),
        ("kill -SEGV $$".to_owned(), "HelperFailed", "signal: 11"),
    ] {
        let error = answer(&script).expect_err(&script);
        let printed = format!("{error} {error:?}");
        assert!(printed.contains(variant) && error.to_string().contains(said), "{script}: {printed}");
        assert!(!printed.contains("s3cret") && !printed.contains('\u{1b}'), "{printed}");
    }
}

#[test]
fn a_program_that_prints_megabytes_is_ended() {
    let begun = Instant::now();
    let error = answer("head -c 10485760 /dev/zero; sleep 600").unwrap_err();
    assert!(matches!(error, Error::HelperTooLoud { .. }), "{error:?}");
    assert!(begun.elapsed() < PATIENCE);
}

#[test]
fn names_that_lead_elsewhere_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("docker-credential-a")).unwrap();
    install(folder.path(), "evil", "echo run > \"$0.run\"");
    for name in ["a/../../evil", "/bin/sh", "..", "", "-x", "a b", "a;b", "a\nb", "ä", &"a".repeat(65)] {
        let error = ask(&helpers(folder.path()), name).unwrap_err();
        assert!(matches!(error, Error::HelperName { .. }), "{name}: {error:?}");
        assert!(!error.to_string().contains('\n'));
    }
    assert!(!folder.path().join("evil.run").exists());
}

#[test]
fn programs_are_found_in_absolute_folders_of_the_path_only() {
    let folder = tempfile::tempdir().unwrap();
    install(folder.path(), "docker-credential-test", "echo '{\"Username\":\"a\",\"Secret\":\"b\"}'");
    fs::write(folder.path().join("docker-credential-text"), "not executable").unwrap();
    fs::create_dir(folder.path().join("docker-credential-folder")).unwrap();
    for name in ["text", "folder", "absent"] {
        let error = ask(&helpers(folder.path()), name).unwrap_err();
        assert!(matches!(error, Error::HelperMissing { .. }), "{name}: {error:?}");
    }
    // The same folder, by a relative name.
    let up = "../".repeat(std::env::current_dir().unwrap().components().count());
    let relative = Path::new(&up).join(folder.path().strip_prefix("/").unwrap());
    assert!(relative.join("docker-credential-test").exists());
    for search_path in [Some(relative.into_os_string()), Some(OsString::new()), None] {
        let helpers = Helpers { search_path, ..helpers(folder.path()) };
        assert!(matches!(ask(&helpers, "test").unwrap_err(), Error::HelperMissing { .. }));
    }
}

#[test]
fn a_program_is_started_once_for_a_server() {
    let folder = tempfile::tempdir().unwrap();
    let count = folder.path().join("count");
    let script = format!("echo x >> '{}'; echo '{{\"Username\":\"a\",\"Secret\":\"b\"}}'", count.display());
    install(folder.path(), "docker-credential-test", &script);
    let helpers = helpers(folder.path());
    let ask = |server| helpers.ask("test", server, FILE, "credsStore");
    wait_for(async {
        let (first, second, third) = tokio::join!(ask("a"), ask("a"), ask("b"));
        assert_eq!(first.unwrap(), second.unwrap());
        assert!(third.unwrap().is_some());
    });
    assert_eq!(fs::read_to_string(count).unwrap(), "x\nx\n");
}

/// Hangs, with a child of its own, once it has written both their numbers.
fn hanging(folder: &Path) -> PathBuf {
    let numbers = folder.join("numbers");
    let script = "trap '' TERM INT; sleep 600 & echo \"$$ $!\" > \"$NAME.part\"; mv \"$NAME.part\" \"$NAME\"; wait";
    let script = script.replace("$NAME", numbers.to_str().unwrap());
    install(folder, "docker-credential-test", &script);
    numbers
}

/// Returns true if a process still runs; one that is dead and was not asked about yet does not.
fn runs(number: &str) -> bool {
    let state = fs::read_to_string(format!("/proc/{number}/stat")).unwrap_or_default();
    let state = state.rsplit(") ").next().and_then(|rest| rest.chars().next());
    state.is_some_and(|state| state != 'Z' && state != 'X')
}

/// Waits until the processes are gone: a kill is sent at once, and arrives soon.
fn assert_gone(numbers: &str) {
    let end = Instant::now() + Duration::from_secs(10);
    for number in numbers.split_whitespace() {
        while runs(number) {
            assert!(Instant::now() < end, "{number} is an orphan");
            std::thread::yield_now();
        }
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_program_that_hangs_is_ended_with_its_children() {
    let folder = tempfile::tempdir().unwrap();
    let numbers = hanging(folder.path());
    // On a machine under load it may be ended before it has begun; then it gets more time.
    for seconds in [1, 4, 16] {
        let patience = Duration::from_secs(seconds);
        let helpers = Helpers { patience, ..helpers(folder.path()) };
        let error = ask(&helpers, "test").unwrap_err();
        assert!(matches!(error, Error::HelperTooSlow { limit, .. } if limit == patience), "{error:?}");
        if let Ok(numbers) = fs::read_to_string(&numbers) {
            assert_eq!(numbers.split_whitespace().count(), 2);
            assert!(!Path::new("/proc").join(numbers.split_whitespace().next().unwrap()).exists(), "it was waited for");
            return assert_gone(&numbers);
        }
    }
    panic!("the program never began");
}

#[test]
#[cfg(target_os = "linux")]
fn a_program_that_nobody_waits_for_any_more_is_ended_too() {
    let folder = tempfile::tempdir().unwrap();
    let numbers = hanging(folder.path());
    let helpers = helpers(folder.path());
    let begun = async {
        while !numbers.exists() {
            tokio::task::yield_now().await;
        }
    };
    wait_for(async {
        tokio::select! {
            answer = helpers.ask("test", SERVER, FILE, "credsStore") => panic!("{answer:?}"),
            () = begun => {}
        }
    });
    assert_gone(&fs::read_to_string(numbers).unwrap());
}
