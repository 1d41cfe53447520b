//! Bad buildspecs, plans, time-outs, interrupts.

use std::fs;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use super::{Place, trace};

#[test]
fn a_buildspec_that_codebuild_would_refuse_is_shown_as_lint_shows_it() {
    for (spec, said) in [
        ("version: 0.2\nphases:\n  build:\n    commands:\n      - echo a: b\n", "buildspec.yml:5:9"),
        ("version: 0.2\nphases: [\n", "buildspec.yml:"),
        ("- a\n", "buildspec.yml:2:"),
        ("version: 0.2\nphases:\n  build:\n    on-failure: IGNORE\n    commands: [make]\n", "error[TK113]"),
        ("version: 0.2\nphases:\n  build:\n    commands: {a: b}\n", "buildspec.yml:4:"),
    ] {
        let run = Place::new(spec).run(&[]);
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{spec}: {}", run.stderr);
        assert!(run.stderr.contains(said) && run.stderr.contains("nothing was run"), "{spec}: {}", run.stderr);
    }
    let place = Place::new("phases: {build: {commands: ['true']}}");
    assert!(place.run(&["absent.yml"]).stderr.contains("there is no "));
    assert_eq!(place.run(&["absent.yml"]).code, Some(2));
    assert_eq!(place.run(&["--only", "a"]).code, Some(2));
    assert_eq!(place.run(&["--env", "=x"]).code, Some(2));
    for spec in [
        "phases: {build: {steps: [{uses: actions/checkout}]}}",
        "phases: {build: {on-failure: 'RETRY-1-(', commands: ['true']}}",
    ] {
        let run = Place::new(spec).run(&[]);
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{spec}: {}", run.stderr);
    }
}

#[test]
fn what_only_codebuild_can_do_is_said_once() {
    let place = Place::new(
        "env: {git-credential-helper: yes}\nproxy: {logs: yes}\nphases: {install: {runtime-versions: {java: corretto21}}, build: {commands: ['codebuild-breakpoint || echo :on', 'codebuild-breakpoint || true']}}",
    );
    let run = place.run(&[]);
    assert_eq!((run.code, trace(&run.stdout).as_str()), (Some(0), "BUILD :on UPLOAD"), "{}", run.stdout);
    for said in [
        "`runtime-versions` requests java corretto21",
        "`git-credential-helper` is ignored",
        "`proxy` is ignored",
        "`codebuild-breakpoint` exists only on CodeBuild's machines",
    ] {
        assert_eq!(run.stdout.matches(said).count(), 1, "{said}: {}", run.stdout);
    }
}

#[test]
fn a_dry_run_lists_everything_in_order_and_runs_nothing() {
    let place = Place::new(
        "env: {parameter-store: {TOKEN: /t}}\nphases: {post_build: {commands: [d]}, build: {on-failure: RETRY-2, commands: [touch x, b], finally: [c]}, install: {commands: [a]}}",
    );
    let text = place.world.ok(&["build", "local", "--dry-run", "--in-place"]);
    let lines: Vec<_> = text.lines().map(str::trim).collect();
    let expected = [
        "buildspec.yml",
        "secrets: TOKEN",
        "INSTALL",
        "a",
        "BUILD (on-failure: RETRY-2)",
        "touch x",
        "b",
        "finally: c",
        "POST_BUILD",
        "d",
    ];
    assert_eq!(lines, expected);
    assert!(!place.world.project().join("x").exists());
    let plan = place.world.json(&["build", "local", "--dry-run", "--json", "--phase", "build"]);
    assert_eq!(plan["phases"][0]["commands"], serde_json::json!(["touch x", "b"]));
    assert_eq!(plan["phases"].as_array().unwrap().len(), 1);
}

#[test]
fn the_log_reads_like_codebuilds() {
    let place = Place::new("phases: {build: {commands: ['echo hello', 'exit 2']}}");
    let log = place.run(&[]).stdout;
    let stamp = |line: &str| {
        let rest = line.strip_prefix("[Container] ")?;
        let (stamp, text) = rest.split_at_checked(26)?;
        let shape: String = stamp.chars().map(|c| if c.is_ascii_digit() { '9' } else { c }).collect();
        (shape == "9999/99/99 99:99:99.999999").then(|| text.trim_start().to_owned())
    };
    let said: Vec<String> = log.lines().filter_map(stamp).collect();
    assert_eq!(said.len(), log.lines().filter(|line| line.starts_with('[')).count(), "{log}");
    for expected in [
        "Entering phase BUILD",
        "Running command echo hello",
        "Command did not exit successfully exit 2 exit status 2",
        "Phase complete: BUILD State: FAILED",
        "Phase context status code: COMMAND_EXECUTION_ERROR Message: Error while executing command: exit 2. Reason: exit status 2",
        "Phase complete: POST_BUILD State: SUCCEEDED",
    ] {
        assert!(said.iter().any(|line| line == expected), "{expected}: {log}");
    }
    assert!(log.contains("\nhello\n"), "{log}");
}

#[test]
fn long_output_arrives_whole_and_in_order() {
    let place = Place::new(
        "phases: {build: {commands: ['i=0; while [ $i -lt 20000 ]; do echo \":$i\"; i=$((i+1)); done', 'head -c 300000 /dev/zero | tr \"\\0\" x; echo; echo :end']}}",
    );
    let log = place.run(&[]).stdout;
    let numbers: Vec<_> = log.lines().filter_map(|line| line.strip_prefix(':')?.parse::<u32>().ok()).collect();
    assert!(numbers.iter().copied().eq(0..20_000), "{} numbers", numbers.len());
    // A line without an end is passed on in parts; other words have an x, too.
    let parts = log.split(|c| c != 'x').map(str::len).filter(|length| *length > 10);
    assert_eq!(parts.sum::<usize>(), 300_000);
    assert!(log.contains("\n:end\n"));
}

#[test]
fn a_build_that_takes_too_long_is_ended_with_all_that_it_started() {
    let place = Place::new(
        "phases: {build: {commands: ['sleep 1000 & echo $! > $HOME/pid', 'echo :waiting; sleep 1000', 'echo :no'], finally: ['echo :no']}, post_build: {commands: ['echo :no']}}",
    );
    let run = place.run(&["--timeout", "0.05"]);
    assert_eq!((run.code, trace(&run.stdout).as_str()), (Some(1), "BUILD :waiting BUILD!"), "{}", run.stdout);
    assert!(run.stdout.contains("Phase complete: BUILD State: TIMED_OUT"), "{}", run.stdout);
    assert!(run.stderr.contains("TIMED_OUT"), "{}", run.stderr);
    assert_gone(&place);
    place.is_clean();
}

#[test]
fn what_a_build_leaves_running_is_ended() {
    let place = Place::new("phases: {build: {commands: ['sleep 1000 & echo $! > $HOME/pid', 'echo :done']}}");
    let run = place.run(&[]);
    assert_eq!((run.code, trace(&run.stdout).as_str()), (Some(0), "BUILD :done UPLOAD"));
    assert_gone(&place);
    place.is_clean();
}

const ENDLESS: &str = "phases: {build: {commands: ['sleep 1000 & echo $! > $HOME/pid.new', 'mv $HOME/pid.new $HOME/pid; sleep 1000'], finally: ['echo :no']}}";

#[test]
fn a_signal_ends_the_shell_and_its_children_and_removes_the_copy() {
    for signal in [Signal::INT, Signal::TERM] {
        let place = Place::new(ENDLESS);
        let child = started(&place);
        kill_process(pid(child.id()), signal).unwrap();
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(5), "{said}");
        assert!(said.contains("the build was stopped"), "{said}");
        assert!(!String::from_utf8_lossy(&output.stdout).contains(":no\n"));
        assert_gone(&place);
        place.is_clean();
    }
}

#[test]
fn even_when_it_is_killed_nothing_is_left() {
    let place = Place::new(ENDLESS);
    let mut child = started(&place);
    assert!(place.is_busy());
    child.kill().unwrap();
    child.wait().unwrap();
    assert_gone(&place);
    wait_for("the copy to go", || !place.is_busy());
}

#[test]
fn killed_while_it_copies_it_leaves_no_copy() {
    let place = Place::new("phases: {build: {commands: ['true']}}");
    for number in 0..2_000 {
        place.world.write(&format!("files/{number}"), "x");
    }
    for _ in 0..3 {
        let mut child = place.world.command(&["build", "local"]).stdout(Stdio::null()).spawn().unwrap();
        wait_for("the copying to begin", || place.begun().is_some_and(|folder| folder.join("tmp").exists()));
        child.kill().unwrap();
        child.wait().unwrap();
        wait_for("the copy to go", || !place.is_busy());
    }
}

#[test]
fn what_killed_builds_left_is_swept_by_the_next() {
    let place = Place::new("phases: {build: {commands: ['echo x > f']}}\ncache: {key: k, paths: [f]}");
    let cache = place.world.home().join("cache");
    let left = [place.temp().join("toolkit-build-0123456789abcdef"), cache.join(".k.toolkit-0123456789abcdef")];
    for folder in &left {
        fs::create_dir_all(folder.join("made/source")).unwrap();
        fs::write(folder.join("alive"), "").unwrap();
    }
    // What another program or person has made stays.
    let others = place.temp().join("toolkit-build-notes");
    fs::create_dir(&others).unwrap();
    assert_eq!(place.run(&["--cache", cache.to_str().unwrap()]).code, Some(0));
    assert!(left.iter().all(|folder| !folder.exists()) && others.exists());
    let kept: Vec<_> = fs::read_dir(&cache).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(kept, ["k"]);
}

/// Starts the build and waits until its second command runs.
fn started(place: &Place) -> Child {
    let mut command = place.world.command(&["build", "local"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for("the build to begin", || place.world.home().join("pid").exists());
    child
}

fn pid(number: u32) -> Pid {
    Pid::from_raw(i32::try_from(number).unwrap()).unwrap()
}

/// Waits until the process whose number the build wrote down has gone.
fn assert_gone(place: &Place) {
    let number: u32 = fs::read_to_string(place.world.home().join("pid")).unwrap().trim().parse().unwrap();
    let state = || fs::read_to_string(format!("/proc/{number}/stat")).unwrap_or_default();
    wait_for("a process to end", || test_kill_process(pid(number)).is_err() || state().contains(") Z "));
}

fn wait_for(what: &str, ready: impl Fn() -> bool) {
    let until = Instant::now() + Duration::from_secs(60);
    while !ready() {
        assert!(Instant::now() < until, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
