//! `build list` and `build stop`.

use crate::support::codebuild::{BatchScript, CodeBuild, Failure, Script, arn};

#[test]
fn builds_are_listed_newest_first_with_what_they_ran_on_and_how_long_they_took() {
    let fake = CodeBuild::new();
    fake.project("api", "ARM_CONTAINER", "aws/codebuild/amazonlinux-aarch64-standard:3.0", "BUILD_GENERAL1_SMALL");
    let first = fake.past(Script::succeeding("web").started(1_795_168_800).field("sourceVersion", "main".into()));
    let second = fake.past(
        Script::new("web").before_build().phase("BUILD", 100).fails("COMMAND_EXECUTION_ERROR", "x").ends("FAILED"),
    );
    let third = fake.build(Script::succeeding("api"));
    let table = fake.world().ok(&["build", "list"]);
    let rows: Vec<Vec<&str>> = table.lines().skip(1).map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows.len(), 3, "{table}");
    assert_eq!(rows[0][..4], [third.as_str(), "1", "IN_PROGRESS", "ARM_CONTAINER"]);
    assert_eq!(rows[1][..4], [second.as_str(), "2", "FAILED", "LINUX_CONTAINER"]);
    assert_eq!(rows[2], [first.as_str(), "1", "SUCCEEDED", "LINUX_CONTAINER", "2026-11-20", "10:00Z", "39s", "main"]);
    let value = fake.world().json(&["build", "list", "web", "--json"]);
    assert_eq!(value.as_array().unwrap().len(), 2);
    assert_eq!(value[0]["id"], second.as_str());
    assert_eq!((&value[1]["seconds"], &value[1]["arch"]), (&39.into(), &"amd64".into()));
    assert_eq!(value[1]["started"], "2026-11-20T10:00:00Z");
}

#[test]
fn a_long_list_is_read_in_pages_up_to_the_limit() {
    let fake = CodeBuild::new();
    fake.list_page(50);
    let ids: Vec<String> = (0..230).map(|_| fake.build(Script::succeeding("web"))).collect();
    let value = fake.world().json(&["build", "list", "web", "--limit", "220", "--json"]);
    let listed: Vec<&str> = value.as_array().unwrap().iter().map(|build| build["id"].as_str().unwrap()).collect();
    let expected: Vec<&str> = ids.iter().rev().take(220).map(String::as_str).collect();
    assert_eq!(listed, expected);
    assert_eq!((fake.count("ListBuildsForProject"), fake.count("BatchGetBuilds")), (5, 3));
    assert_eq!(fake.world().run(&["build", "list", "--batches"]).stderr, "no batches\n");
}

#[test]
fn batches_have_a_list_of_their_own() {
    let fake = CodeBuild::new();
    let script = BatchScript::new("web").group("amd64", &[], Script::succeeding("web")).group(
        "arm64",
        &["amd64"],
        Script::succeeding("web"),
    );
    let id = fake.batch(script);
    let world = fake.world();
    world.ok(&["build", "list", "web", "--batches"]);
    let value = world.json(&["build", "list", "--batches", "--json"]);
    assert_eq!(value[0]["id"], id.as_str());
    assert_eq!(value[0]["status"], "IN_PROGRESS");
    assert_eq!(value[0]["builds"][1]["identifier"], "arm64");
    assert!(value[0]["builds"][1]["build"].is_null());
}

#[test]
fn builds_and_batches_are_stopped_by_id_or_arn_and_what_is_over_is_no_mistake() {
    let fake = CodeBuild::new();
    let build = fake.build(Script::succeeding("web"));
    let by_arn = fake.build(Script::succeeding("web"));
    let over = fake.past(Script::succeeding("web"));
    let batch = fake.batch(BatchScript::new("web").group("a", &[], Script::succeeding("web")));
    let batch_by_arn = fake.batch(BatchScript::new("web").group("a", &[], Script::succeeding("web")));
    let world = fake.world();
    let run = world.run(&[
        "build",
        "stop",
        &build,
        &arn("build", &by_arn),
        &over,
        &batch,
        &arn("build-batch", &batch_by_arn),
    ]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    for expected in [
        format!("stopped build {build}\n"),
        format!("stopped build {by_arn}\n"),
        format!("build {over} had already ended (SUCCEEDED)\n"),
        format!("stopped batch {batch}\n"),
        format!("stopped batch {batch_by_arn}\n"),
    ] {
        assert!(run.stderr.contains(&expected), "{expected}: {}", run.stderr);
    }
    assert_eq!((fake.count("StopBuild"), fake.count("StopBuildBatch")), (2, 2));
    assert_eq!(fake.status(&build), "STOPPED");
    let value = world.json(&["build", "stop", &build, "--json"]);
    assert_eq!((&value[0]["status"], &value[0]["over_before"]), (&"STOPPED".into(), &true.into()));
}

#[test]
fn an_unknown_id_fails_and_the_others_are_stopped_all_the_same() {
    let fake = CodeBuild::new();
    let build = fake.build(Script::succeeding("web"));
    let said = fake.world().fails(3, &["build", "stop", "web:none", &build]);
    assert!(said.contains("a build or batch `web:none` does not exist"), "{said}");
    assert_eq!(fake.status(&build), "STOPPED");
    let elsewhere = "arn:aws:codebuild:us-east-1:111122223333:build/web:1";
    let said = fake.world().fails(3, &["build", "stop", elsewhere]);
    assert!(said.contains("is not in eu-west-1, but in us-east-1") && said.contains("AWS_REGION=us-east-1"), "{said}");
    for wrong in ["web", "web:", ":1", "web:1/2", "arn:aws:s3:::bucket"] {
        fake.world().fails(2, &["build", "stop", wrong]);
    }
}

#[test]
fn stopping_is_tried_again_when_there_are_too_many_requests() {
    let fake = CodeBuild::new();
    let build = fake.build(Script::succeeding("web"));
    fake.fail("StopBuild", Failure::Throttling, 1);
    fake.world().ok(&["build", "stop", &build]);
    assert_eq!((fake.count("StopBuild"), fake.status(&build).as_str()), (2, "STOPPED"));
}

#[test]
fn a_build_that_ends_while_it_is_stopped_is_no_mistake_either() {
    let fake = CodeBuild::new();
    let refusal = Failure::Refusal(400, "InvalidInputException", "the build is not in progress");
    fake.fail("StopBuild", refusal, 2);
    let ending = fake.build(Script::new("web").phase("BUILD", 1).ends("SUCCEEDED"));
    let run = fake.world().run(&["build", "stop", &ending]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(run.stderr, format!("build {ending} ended before it was stopped (SUCCEEDED)\n"));
    let running = fake.build(Script::succeeding("web"));
    let said = fake.world().fails(2, &["build", "stop", &running]);
    assert!(said.contains("refuses codebuild:StopBuild") && said.contains("the build is not in progress"), "{said}");
}
