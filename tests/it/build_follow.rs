//! `toolkit build follow` against a CodeBuild that goes by scripts.

mod batches;
mod moto;
mod terminal;
mod troubles;

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use serde_json::{Value, json};

use crate::support::codebuild::{BatchScript, CodeBuild, Failure, KEY, Script, arn};
use crate::support::world::{Run, World};

/// A world that looks often.
fn world(fake: &CodeBuild) -> World {
    fake.world().with("TOOLKIT_POLL_INTERVAL", "0.02")
}

fn follow(fake: &CodeBuild, arguments: &[&str]) -> Run {
    world(fake).run(&[&["build", "follow"], arguments].concat())
}

/// A process that does not outlive its test, and whose folders outlive it.
struct Running(Child, #[allow(dead_code, reason = "its drop removes the folders")] World);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Leaves out the times at the begin of lines.
fn timeless(text: &str) -> String {
    let line = |line: &str| match line.split_once("Z ") {
        Some((time, rest)) if time.len() == 19 && time.starts_with("20") => rest.to_owned(),
        _ => line.to_owned(),
    };
    text.lines().map(|text| line(text) + "\n").collect()
}

#[test]
fn a_build_that_succeeds() {
    let fake = CodeBuild::new();
    let script = Script::new("web").before_build().phase("BUILD", 63).line("compiling\n").line("done\n");
    let script = script
        .phase("UPLOAD_ARTIFACTS", 1)
        .phase("FINALIZING", 1)
        .ends("SUCCEEDED")
        .field("artifacts", json!({ "location": "arn:aws:s3:::builds/web/1.zip" }))
        .field("reportArns", json!(["arn:aws:codebuild:eu-west-1:111122223333:report/web-unit:1"]))
        .field("exportedEnvironmentVariables", json!([{ "name": "VERSION", "value": "1.2.3" }]));
    let id = fake.build(script);
    let run = follow(&fake, &[&id]);
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    assert_eq!(
        timeless(&run.stdout),
        "Entering phase SUBMITTED\n\
         Phase SUBMITTED succeeded in 1s\n\
         Entering phase QUEUED\n\
         Phase QUEUED succeeded in 1s\n\
         Entering phase PROVISIONING\n\
         Phase PROVISIONING succeeded in 1s\n\
         Entering phase DOWNLOAD_SOURCE\n\
         Phase DOWNLOAD_SOURCE succeeded in 1s\n\
         Entering phase INSTALL\n\
         Phase INSTALL succeeded in 1s\n\
         Entering phase BUILD\n\
         compiling\n\
         done\n\
         Phase BUILD succeeded in 1m 3s\n\
         Entering phase UPLOAD_ARTIFACTS\n\
         Phase UPLOAD_ARTIFACTS succeeded in 1s\n\
         Entering phase FINALIZING\n\
         Phase FINALIZING succeeded in 1s\n"
    );
    for said in [
        "following build 1 of web on amd64: web:",
        "web amd64 (web:",
        ") succeeded in 1m 10s\n",
        "  console:   https://eu-west-1.console.aws.amazon.com/codesuite/codebuild/111122223333/projects/web/build/",
        "  artifacts: arn:aws:s3:::builds/web/1.zip\n",
        "  report:    arn:aws:codebuild:eu-west-1:111122223333:report/web-unit:1\n",
        "  exported:  VERSION=1.2.3\n",
    ] {
        assert!(run.stderr.contains(said), "{said}: {}", run.stderr);
    }
    // By its ARN, and quietly, when it is over.
    let quiet = follow(&fake, &[&arn("build", &id), "--quiet"]);
    assert_eq!((quiet.code, quiet.stderr.as_str()), (Some(0), ""));
    assert_eq!(timeless(&quiet.stdout), timeless(&run.stdout));
}

#[test]
fn a_build_that_fails_says_why_and_what_to_do() {
    let fake = CodeBuild::new();
    let message = "Error while executing command: make test. Reason: exit status 137";
    let script = Script::new("web").before_build().phase("BUILD", 12).line("make: Killed\n");
    let id = fake.build(script.fails("COMMAND_EXECUTION_ERROR", message).phase("FINALIZING", 1).ends("FAILED"));
    let run = follow(&fake, &[&id]);
    assert_eq!(run.code, Some(1), "{}{}", run.stdout, run.stderr);
    assert!(timeless(&run.stdout).contains("\nmake: Killed\nPhase BUILD failed after 12s\n"), "{}", run.stdout);
    let said = "  phase BUILD failed after 12s\n    COMMAND_EXECUTION_ERROR: Error while executing command: make test. Reason: \
                exit status 137\n    likely cause: the command was killed, usually because memory ran out\n    hint: use a \
                larger compute type";
    assert!(run.stderr.contains(said), "{}", run.stderr);
    assert!(run.stderr.contains("\n  console:   https://"));
    let quiet = follow(&fake, &[&id, "--quiet"]);
    assert!(quiet.code == Some(1) && quiet.stderr.contains("likely cause"), "{}", quiet.stderr);
}

#[test]
fn other_ends_have_causes_too() {
    for (phase, status, said) in [
        ("FAULT", "FAULT", "CodeBuild failed, not the build"),
        ("TIMED_OUT", "TIMED_OUT", "it took longer"),
        ("STOPPED", "STOPPED", "the build was stopped"),
        ("CLIENT_ERROR", "FAILED", "phase BUILD ended as CLIENT_ERROR after 9s"),
    ] {
        let fake = CodeBuild::new();
        let id = fake.build(Script::new("web").before_build().phase("BUILD", 9).phase_ends(phase).ends(status));
        let run = follow(&fake, &[&id, "--no-logs"]);
        assert_eq!(run.code, Some(1), "{status}");
        let said = if status == "TIMED_OUT" { "the build reached its time limit" } else { said };
        assert!(run.stderr.contains(said), "{status}: {}", run.stderr);
        assert_eq!(fake.count("GetLogEvents"), 0);
    }
}

#[test]
fn a_chain_of_retries_ends_as_its_last_build() {
    let fake = CodeBuild::new();
    let failing = |line: &str| Script::new("web").before_build().phase("BUILD", 5).line(line).fails("X", "no luck");
    let last = Script::new("web").before_build().phase("BUILD", 5).line("third\n").ends("SUCCEEDED");
    let second = failing("second\n").ends("FAILED").retried_by(3, last);
    let id = fake.build(failing("first\n").ends("FAILED").retried_by(0, second));
    let run = follow(&fake, &[&id]);
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    let lines: Vec<&str> = run.stdout.lines().filter(|line| ["first", "second", "third"].contains(line)).collect();
    assert_eq!(lines, ["first", "second", "third"]);
    assert_eq!(run.stderr.matches("is retried as").count(), 2, "{}", run.stderr);
    assert!(run.stderr.contains("FAILED, retried"), "{}", run.stderr);
}

#[test]
fn several_builds_have_names_before_their_lines_and_one_failure_counts() {
    let fake = CodeBuild::new();
    fake.project("api", "ARM_CONTAINER", "aws/codebuild/amazonlinux-aarch64-standard:3.0", "BUILD_GENERAL1_SMALL");
    let web = fake.build(Script::new("web").before_build().phase("BUILD", 5).line("from web\n").ends("SUCCEEDED"));
    let api = Script::new("api").before_build().phase("BUILD", 5).line("from api\n").fails("X", "no");
    let api = fake.build(api.ends("FAILED"));
    let run = follow(&fake, &[&web, &api]);
    assert_eq!(run.code, Some(1));
    assert!(run.stdout.contains("[web amd64] from web\n") && run.stdout.contains("[api arm64] from api\n"));
    assert!(
        timeless(&run.stdout.replace("[api arm64] ", "")).contains("\nPhase BUILD failed after 5s\n"),
        "{}",
        run.stdout
    );
    let table = &run.stderr[run.stderr.rfind("build ").unwrap()..];
    assert!(table.contains("web amd64  SUCCEEDED  10s   -"), "{table}");
    assert!(table.contains("api arm64  FAILED     10s   BUILD"), "{table}");
    // One question for both.
    assert!(fake.requests("BatchGetBuilds").iter().any(|call| call.body["ids"].as_array().unwrap().len() == 2));
}

#[test]
fn events_are_json_with_stable_names() {
    let fake = CodeBuild::new();
    let script = Script::new("web").before_build().phase("BUILD", 12).line("a \u{1b}[31mred\u{1b}[0m line\n");
    let message = "Error while executing command: make. Reason: exit status 2";
    let id = fake.build(script.fails("COMMAND_EXECUTION_ERROR", message).ends("FAILED"));
    let run = follow(&fake, &[&id, "--json"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(1), ""));
    let events: Vec<Value> = run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |name: &str| events.iter().filter(move |event| event["event"] == name).collect::<Vec<_>>();
    assert_eq!((of("build").len(), of("phase-began").len(), of("phase-ended").len()), (1, 6, 6), "{}", run.stdout);
    assert_eq!(events[0]["event"], "build");
    assert_eq!((&events[0]["id"], &events[0]["arch"]), (&json!(id), &json!("amd64")));
    assert_eq!(of("log")[0]["line"], "a \u{1b}[31mred\u{1b}[0m line", "JSON holds what was logged");
    let ended = of("phase-ended");
    assert_eq!(ended[5]["contexts"], json!([{ "code": "COMMAND_EXECUTION_ERROR", "message": message }]));
    assert_eq!((&ended[5]["seconds"], &ended[5]["status"]), (&json!(12), &json!("FAILED")));
    let over = of("build-over")[0];
    assert_eq!(over["failed"][0]["cause"], "the command failed; its output is in the log above");
    assert_eq!(events.last().unwrap(), &json!({ "event": "end", "succeeded": false }));
}

#[test]
fn what_is_logged_does_nothing_to_a_terminal() {
    let fake = CodeBuild::new();
    let script =
        Script::new("web").before_build().phase("BUILD", 1).line("\u{1b}[32mok\u{1b}[0m\tgo\r\n\u{1b}]0;x\u{7}\n");
    let id = fake.build(script.line("half ").line("a line\nand ").line("another").ends("SUCCEEDED"));
    let run = follow(&fake, &[&id]);
    let text = timeless(&run.stdout);
    assert!(text.contains("\nok\tgo\n\\u{1b}]0;x\\u{7}\nhalf a line\nand another\n"), "{text}");
}

#[test]
fn mistakes_are_told_before_anything_is_followed() {
    let fake = CodeBuild::new();
    let id = fake.build(Script::succeeding("web"));
    let run = follow(&fake, &[&id, "web:00000000-1111"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(3), ""));
    assert!(run.stderr.contains("CodeBuild has no build or batch `web:00000000-1111` in eu-west-1"), "{}", run.stderr);
    assert_eq!(follow(&fake, &["nonsense"]).code, Some(2));
    assert_eq!(follow(&fake, &[&id, "--interval", "0"]).code, Some(2));
    let run = fake.world().with("TOOLKIT_POLL_INTERVAL", "soon").run(&["build", "follow", &id]);
    assert!(run.code == Some(2) && run.stderr.contains("TOOLKIT_POLL_INTERVAL"), "{}", run.stderr);
    let run = follow(&fake, &["arn:aws:codebuild:us-east-1:111122223333:build/web:1"]);
    assert!(run.code == Some(3) && run.stderr.contains("us-east-1"), "{}", run.stderr);
}

/// A build that goes on until it is stopped; gives the process that follows it when its first line was shown.
#[cfg(unix)]
fn following(fake: &CodeBuild, arguments: &[&str]) -> (Running, String) {
    let script = Script::new("web").before_build().phase("BUILD", 5).line("begun\n").pause(100_000);
    let id = fake.build(script.ends("SUCCEEDED"));
    (following_of(fake, &[&[id.as_str()], arguments].concat()), id)
}

#[cfg(unix)]
fn following_of(fake: &CodeBuild, arguments: &[&str]) -> Running {
    let world = world(fake);
    let mut command = world.command(&[&["build", "follow"], arguments].concat());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains("begun") {
        line.clear();
        assert!(out.read_line(&mut line).unwrap() > 0, "nothing was followed");
    }
    std::thread::spawn(move || std::io::copy(&mut out, &mut std::io::sink()));
    Running(child, world)
}

#[cfg(unix)]
fn signalled(mut running: Running, signal: rustix::process::Signal) -> (Option<i32>, String) {
    use std::io::Read;
    let pid = rustix::process::Pid::from_child(&running.0);
    rustix::process::kill_process(pid, signal).unwrap();
    let mut said = String::new();
    running.0.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    (running.0.wait().unwrap().code(), said)
}

#[cfg(unix)]
#[test]
fn who_interrupts_leaves_the_build_running_and_learns_how_to_follow_it_again() {
    use rustix::process::Signal;
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let fake = CodeBuild::new();
        let (running, id) = following(&fake, &[]);
        let (code, said) = signalled(running, signal);
        assert_eq!(code, Some(5), "{said}");
        assert!(said.contains(&format!("hint: follow again: `toolkit build follow {id}`")), "{said}");
        assert_eq!((fake.count("StopBuild"), fake.status(&id).as_str()), (0, "IN_PROGRESS"));
    }
}

#[cfg(unix)]
#[test]
fn who_interrupts_may_stop_the_build_and_sees_its_end() {
    let fake = CodeBuild::new();
    let (running, id) = following(&fake, &["--stop-on-interrupt"]);
    let (code, said) = signalled(running, rustix::process::Signal::INT);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("was stopped") && said.contains(&id), "{said}");
    assert_eq!((fake.count("StopBuild"), fake.status(&id).as_str()), (1, "STOPPED"));
}

#[cfg(unix)]
#[test]
fn a_build_that_may_not_be_stopped_is_said_to_go_on() {
    let fake = CodeBuild::new();
    let (running, _) = following(&fake, &["--stop-on-interrupt"]);
    fake.fail_every("StopBuild", Failure::AccessDenied, 1);
    let (code, said) = signalled(running, rustix::process::Signal::TERM);
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("AWS denies codebuild:StopBuild on arn:aws:codebuild:"), "{said}");
}

#[cfg(unix)]
#[test]
fn a_batch_is_stopped_as_a_whole() {
    let fake = CodeBuild::new();
    let endless =
        || Script::new("web").before_build().phase("BUILD", 5).line("begun\n").pause(100_000).ends("SUCCEEDED");
    let id = fake.batch(BatchScript::new("web").group("amd64", &[], endless()).group("arm64", &[], endless()));
    let running = following_of(&fake, &[&id, "--stop-on-interrupt"]);
    let (code, said) = signalled(running, rustix::process::Signal::INT);
    assert_eq!(code, Some(1), "{said}");
    assert_eq!((fake.count("StopBuildBatch"), fake.count("StopBuild")), (1, 0));
    assert_eq!(said.matches("STOPPED").count(), 2, "{said}");
}
