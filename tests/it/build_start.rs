//! `build start`, `build stop` and `build list` against a CodeBuild that goes by scripts.

mod listed;
mod moto;
mod refused;

use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::codebuild::{BatchScript, CodeBuild, Failure, KEY, Script};
use crate::support::world::Run;

/// The body of the only `StartBuild`, without its token.
fn body(fake: &CodeBuild) -> Value {
    let calls = fake.requests("StartBuild");
    assert_eq!(calls.len(), 1);
    without_token(&calls[0].body)
}

fn without_token(body: &Value) -> Value {
    let mut body = body.clone();
    let token = body.as_object_mut().unwrap().remove("idempotencyToken").expect("every request has a token");
    assert!(!token.as_str().unwrap().is_empty());
    body
}

#[test]
fn a_plain_start_sends_the_project_alone_and_prints_id_number_and_link() {
    let fake = CodeBuild::new();
    let run = fake.world().run(&["build", "start", "web"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(body(&fake), json!({ "projectName": "web" }));
    let id = fake.ids().remove(0);
    assert_eq!(run.stdout, format!("{id}\n"));
    assert!(run.stderr.starts_with(&format!("started build 1: {id}\n  https://eu-west-1.console.aws.amazon.com/")));
    assert_eq!(fake.count("BatchGetProjects"), 0, "nothing about the project was needed");
    let call = fake.requests("StartBuild").remove(0);
    assert_eq!(call.key, KEY);
    assert_eq!(call.headers["x-amz-target"], "CodeBuild_20161006.StartBuild");
}

#[test]
fn without_a_project_the_one_of_toolkit_toml_is_started() {
    let fake = CodeBuild::new();
    let world = fake.world();
    let said = world.fails(2, &["build", "start"]);
    assert!(said.contains("no CodeBuild project was given") && said.contains("[pipeline.codebuild]"), "{said}");
    world.write("toolkit.toml", "[pipeline.codebuild]\nproject = \"we/b\"\n");
    let said = world.fails(2, &["build", "start"]);
    assert!(said.contains("is `we/b`: a project has 2 to 255 letters"), "{said}");
    world.write("toolkit.toml", "[pipeline.codebuild]\nproject = \"web\"\n");
    world.ok(&["build", "start"]);
    assert_eq!(body(&fake), json!({ "projectName": "web" }));
}

#[test]
fn each_override_is_sent_as_codebuild_names_it() {
    let variable = |name: &str, value: &str, kind: &str| json!({ "name": name, "value": value, "type": kind });
    let cases: Vec<(&[&str], Value)> = vec![
        (&["--source-version", "refs/heads/main"], json!({ "sourceVersion": "refs/heads/main" })),
        (&["--buildspec-in-source", "ci/build.yml"], json!({ "buildspecOverride": "ci/build.yml" })),
        (
            &["--env", "A=1", "--env", "B=x=y ", "--env-parameter", "P=/ci/p", "--env-secret", "S=ci/s:key"],
            json!({ "environmentVariablesOverride": [
                variable("A", "1", "PLAINTEXT"), variable("B", "x=y ", "PLAINTEXT"),
                variable("P", "/ci/p", "PARAMETER_STORE"), variable("S", "ci/s:key", "SECRETS_MANAGER"),
            ] }),
        ),
        (
            &["--image", "aws/codebuild/amazonlinux-x86_64-standard:6.0"],
            json!({ "imageOverride": "aws/codebuild/amazonlinux-x86_64-standard:6.0",
                    "imagePullCredentialsTypeOverride": "CODEBUILD" }),
        ),
        (
            &["--image", "111122223333.dkr.ecr.eu-west-1.amazonaws.com/ci:1"],
            json!({ "imageOverride": "111122223333.dkr.ecr.eu-west-1.amazonaws.com/ci:1",
                    "imagePullCredentialsTypeOverride": "SERVICE_ROLE" }),
        ),
        (&["--compute", "large"], json!({ "computeTypeOverride": "BUILD_GENERAL1_LARGE" })),
        (
            &["--environment-type", "ARM_CONTAINER", "--image", "example.com/ci:1"],
            json!({ "environmentTypeOverride": "ARM_CONTAINER", "imageOverride": "example.com/ci:1",
                    "imagePullCredentialsTypeOverride": "SERVICE_ROLE" }),
        ),
        (
            &["--timeout", "30", "--queued-timeout", "60"],
            json!({ "timeoutInMinutesOverride": 30, "queuedTimeoutInMinutesOverride": 60 }),
        ),
        (&["--cache", "off"], json!({ "cacheOverride": { "type": "NO_CACHE" } })),
        (
            &["--cache", "local:docker,custom"],
            json!({ "cacheOverride": {
                "type": "LOCAL", "modes": ["LOCAL_DOCKER_LAYER_CACHE", "LOCAL_CUSTOM_CACHE"] } }),
        ),
        (&["--cache", "s3:builds/cache"], json!({ "cacheOverride": { "type": "S3", "location": "builds/cache" } })),
        (&["--privileged"], json!({ "privilegedModeOverride": true })),
        (&["--privileged=false"], json!({ "privilegedModeOverride": false })),
        (&["--retry-limit", "2"], json!({ "autoRetryLimitOverride": 2 })),
    ];
    for (flags, expected) in cases {
        let fake = CodeBuild::new();
        fake.world().ok(&[&["build", "start", "web"], flags].concat());
        let mut whole = expected;
        whole["projectName"] = json!("web");
        assert_eq!(body(&fake), whole, "{flags:?}");
    }
}

#[test]
fn a_buildspec_is_checked_and_sent_inline() {
    let fake = CodeBuild::new();
    let world = fake.world();
    let fine = "version: 0.2\nphases:\n  build:\n    commands:\n      - make\n";
    world.write("ci/build.yml", fine);
    world.write("ci/broken.yml", "version: 0.2\nphases:\n  build:\n    commands: make: all\n");
    world.ok(&["build", "start", "web", "--buildspec", "ci/build.yml"]);
    assert_eq!(body(&fake), json!({ "projectName": "web", "buildspecOverride": fine }));
    let said = world.fails(2, &["build", "start", "web", "--buildspec", "ci/broken.yml"]);
    assert!(said.contains("CodeBuild would not run ci/broken.yml"), "{said}");
    let said = world.fails(2, &["build", "start", "web", "--buildspec", "ci/none.yml"]);
    assert!(said.contains("could not read ci/none.yml") && said.contains("--buildspec-in-source"), "{said}");
    assert_eq!(fake.count("StartBuild"), 1, "what cannot run was not sent");
    world.ok(&["build", "start", "web", "--buildspec", "ci/broken.yml", "--no-lint"]);
    assert_eq!(fake.count("StartBuild"), 2);
}

#[test]
fn an_architecture_brings_type_image_and_size_together_and_only_where_the_project_differs() {
    let fake = CodeBuild::new();
    let value = fake.world().json(&["build", "start", "web", "--arch", "amd64,arm64", "--json"]);
    let calls = fake.requests("StartBuild");
    assert_eq!(without_token(&calls[0].body), json!({ "projectName": "web" }));
    assert_eq!(
        without_token(&calls[1].body),
        json!({
            "projectName": "web", "environmentTypeOverride": "ARM_CONTAINER",
            "imageOverride": "aws/codebuild/amazonlinux-aarch64-standard:3.0",
            "imagePullCredentialsTypeOverride": "CODEBUILD", "computeTypeOverride": "BUILD_GENERAL1_SMALL",
        })
    );
    assert_ne!(calls[0].body["idempotencyToken"], calls[1].body["idempotencyToken"]);
    assert_eq!(value[0]["arch"], "amd64");
    assert_eq!(value[1]["arch"], "arm64");
    assert_eq!(value[1]["environment"]["type"], "ARM_CONTAINER");
    assert_eq!(value[1]["environment"]["compute"], "BUILD_GENERAL1_SMALL");
    assert!(value[1]["link"].as_str().unwrap().contains("/projects/web/build/web%3A"));
    assert_eq!(fake.count("BatchGetProjects"), 1);
}

#[test]
fn what_does_not_go_together_starts_nothing() {
    let fake = CodeBuild::new();
    fake.project("gpu", "LINUX_GPU_CONTAINER", "aws/codebuild/standard:7.0", "BUILD_GENERAL1_LARGE");
    let lambda = "aws/codebuild/amazonlinux-aarch64-lambda-standard:go1.24";
    fake.project("tiny", "ARM_LAMBDA_CONTAINER", lambda, "BUILD_LAMBDA_1GB");
    for (arguments, expected) in [
        (vec!["web", "--environment-type", "ARM_CONTAINER"], "is for linux/amd64, and ARM_CONTAINER runs linux/arm64"),
        (vec!["web", "--arch", "arm64", "--image", "aws/codebuild/standard:8.0"], "Ubuntu is for amd64 only"),
        (vec!["web", "--compute", "2gb"], "`BUILD_LAMBDA_2GB` is not available on LINUX_CONTAINER"),
        (vec!["web", "--compute", "huge"], "there is no compute type `huge`"),
        (vec!["web", "--environment-type", "ARM_CONTAINR"], "did you mean `ARM_CONTAINER`?"),
        (vec!["gpu", "--arch", "amd64,arm64"], "no equivalent for arm64"),
        (vec!["tiny", "--privileged"], "ARM_LAMBDA_CONTAINER has no privileged mode"),
        (vec!["tiny", "--compute", "2gb", "--timeout", "30"], "no timeout can be set"),
        (vec!["web", "--env", "A=1", "--env-secret", "A=x"], "the variable A is set twice"),
    ] {
        let said = fake.world().fails(2, &[&["build", "start"], arguments.as_slice()].concat());
        assert!(said.contains(expected), "{arguments:?}: {said}");
    }
    for arguments in [
        &["web", "--arch", "riscv64"][..],
        &["web", "--batch", "--arch", "arm64"],
        &["web", "--batch", "--retry-limit", "1"],
        &["web", "--timeout", "4"],
        &["web", "--timeout", "2161"],
        &["web", "--cache", "disk"],
        &["w"],
        &["web/x"],
        &[],
    ] {
        fake.world().fails(2, &[&["build", "start"], arguments].concat());
    }
    assert_eq!(fake.count("StartBuild") + fake.count("StartBuildBatch"), 0);
}

#[test]
fn a_batch_is_started_with_the_same_overrides() {
    let fake = CodeBuild::new();
    let arguments = ["build", "start", "web", "--batch", "--timeout", "90", "--source-version", "v1", "--json"];
    let value = fake.world().json(&arguments);
    let call = fake.requests("StartBuildBatch").remove(0);
    let expected = json!({ "projectName": "web", "buildTimeoutInMinutesOverride": 90, "sourceVersion": "v1" });
    assert_eq!(without_token(&call.body), expected);
    assert_eq!(value[0]["kind"], "batch");
    assert!(value[0]["link"].as_str().unwrap().contains("/projects/web/batch/web%3A"));
}

#[test]
fn the_same_key_gives_the_same_build_and_other_parameters_are_refused() {
    let fake = CodeBuild::new();
    let key = "pipeline 77 / a key with odd characters, and far longer than any token may be: ✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓";
    let start = |more: &[&str]| fake.world().run(&[&["build", "start", "web", "--idempotent", key], more].concat());
    let (first, second) = (start(&[]), start(&[]));
    assert_eq!(first.stdout, second.stdout);
    assert_eq!(fake.ids().len(), 1);
    let pair = start(&["--arch", "amd64,arm64"]);
    assert_eq!(pair.code, Some(0), "{}", pair.stderr);
    assert_eq!(start(&["--arch", "amd64,arm64"]).stdout, pair.stdout);
    assert_eq!(fake.ids().len(), 3);
    let other = start(&["--env", "A=1"]);
    assert_eq!(other.code, Some(2));
    assert!(other.stderr.contains("The idempotency token was used with other parameters"), "{}", other.stderr);
    for call in fake.requests("StartBuild") {
        let token = call.body["idempotencyToken"].as_str().unwrap().to_owned();
        assert!(token.len() == 64 && token.chars().all(|c| c.is_ascii_hexdigit()), "{token}");
    }
}

#[test]
fn a_request_whose_answer_was_cut_is_sent_again_and_starts_nothing_twice() {
    let fake = CodeBuild::new();
    fake.fail("StartBuild", Failure::CutInside, 1);
    let printed = fake.world().ok(&["build", "start", "web"]);
    assert_eq!(fake.count("StartBuild"), 2);
    assert_eq!(fake.ids(), [printed.trim_end()]);
    let tokens: Vec<_> = fake.requests("StartBuild").iter().map(|call| call.body["idempotencyToken"].clone()).collect();
    assert_eq!(tokens[0], tokens[1]);
}

#[test]
fn of_two_architectures_both_are_started_or_none() {
    let fake = CodeBuild::new();
    let limit = "Cannot have more than 1 builds in queue for the account";
    fake.next(Script::succeeding("web"));
    let world = fake.world();
    fake.fail_every("StartBuild", Failure::Refusal(400, "AccountLimitExceededException", limit), 2);
    let run = world.run(&["build", "start", "web", "--arch", "amd64,arm64"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(3), ""));
    assert!(run.stderr.contains("a quota of the account is used up") && run.stderr.contains(limit), "{}", run.stderr);
    let id = fake.ids().remove(0);
    assert!(run.stderr.contains(&format!("stopped {id} again")), "{}", run.stderr);
    assert_eq!(fake.status(&id), "STOPPED");
    fake.heal();
    fake.fail_every("StartBuild", Failure::Refusal(400, "AccountLimitExceededException", limit), 2);
    let run = world.run(&["build", "start", "web", "--arch", "amd64,arm64", "--idempotent", "77"]);
    assert_eq!(run.code, Some(3));
    let id = fake.ids().remove(1);
    assert!(run.stderr.contains(&format!("{id} continues")), "{}", run.stderr);
    assert_eq!(fake.status(&id), "IN_PROGRESS");
}

#[test]
fn an_interrupt_says_that_a_build_may_be_there() {
    let fake = CodeBuild::new();
    fake.fail_every("StartBuild", Failure::Throttling, 1);
    let world = fake.world();
    let mut command = world.command(&["build", "start", "web", "--arch", "amd64,arm64"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let pid = rustix::process::Pid::from_child(&child);
    // Three pauses lie before the last attempt.
    while fake.count("StartBuild") == 0 {
        std::thread::yield_now();
    }
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let run = Run::of(&child.wait_with_output().unwrap());
    assert_eq!((run.code, run.stdout.as_str()), (Some(5), ""), "{}", run.stderr);
    let expected = "a build may have been started: `toolkit build list web` shows it";
    assert!(run.stderr.contains(expected), "{}", run.stderr);
}

#[test]
fn what_was_started_can_be_followed_to_its_end() {
    let fake = CodeBuild::new();
    let failing = || {
        let script = Script::new("web").before_build().phase("BUILD", 3).line("no such file\n");
        script
            .fails("COMMAND_EXECUTION_ERROR", "Error while executing command: make. Reason: exit status 2")
            .ends("FAILED")
    };
    let world = fake.world().with("TOOLKIT_POLL_INTERVAL", "0.01");
    fake.next(Script::succeeding("web"));
    let run = world.run(&["build", "start", "web", "--wait"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(run.stdout.contains("Entering phase BUILD"), "{}", run.stdout);
    fake.next(Script::succeeding("web"));
    fake.next(failing());
    let run = world.run(&["build", "start", "web", "--arch", "amd64,arm64", "--wait"]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert!(run.stderr.contains("exit status 2"), "{}", run.stderr);
    fake.next_batch(BatchScript::new("web").group("lint", &[], Script::succeeding("web")));
    let run = world.run(&["build", "start", "web", "--batch", "--wait", "--json"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let events: Vec<Value> = run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events.last().unwrap(), &json!({ "event": "end", "succeeded": true }));
    world.fails(2, &["build", "start", "web", "--stop-on-interrupt"]);
}

#[test]
fn values_of_variables_are_printed_nowhere() {
    let fake = CodeBuild::new();
    let world = fake.world();
    for arguments in [
        &["web", "--env", "A=hunter2", "--env-secret", "B=hunter2"][..],
        &["web", "--env", "A=hunter2", "--json"],
        &["web", "--env", "A-B=hunter2"],
        &["none", "--env", "A=hunter2"],
    ] {
        let run = world.run(&[&["build", "start"], arguments].concat());
        assert!(!run.stdout.contains("hunter2"), "{}", run.stdout);
        // Clap repeats what it does not understand.
        assert!(arguments.contains(&"A-B=hunter2") || !run.stderr.contains("hunter2"), "{}", run.stderr);
    }
}
