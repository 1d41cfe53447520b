//! What AWS may say instead of an answer, and what people are told.

use std::process::Command;
use std::sync::Arc;

use toolkit::aws::Session;
use toolkit::cli::Failure as Refusal;
use toolkit::codebuild::{LogLocation, connect};
use toolkit::host::Host;

use crate::faults::{client, hasty, wait_for};
use crate::support::codebuild::{CodeBuild, Failure, KEY, REGION, SECRET, Script};

const PROJECT: &str = "arn:aws:codebuild:eu-west-1:111122223333:project/web";

#[test]
fn a_denial_names_action_and_resource_and_the_statement_that_is_missing() {
    for (operation, arguments, action, resource) in [
        ("StartBuild", &["start", "web"][..], "codebuild:StartBuild", PROJECT),
        ("StartBuildBatch", &["start", "web", "--batch"], "codebuild:StartBuildBatch", PROJECT),
        ("BatchGetProjects", &["start", "web", "--arch", "arm64"], "codebuild:BatchGetProjects", PROJECT),
        ("BatchGetBuilds", &["list", "web"], "codebuild:BatchGetBuilds", PROJECT),
        ("BatchGetBuilds", &["stop", "web:1"], "codebuild:BatchGetBuilds", PROJECT),
        ("ListBuildsForProject", &["list", "web"], "codebuild:ListBuildsForProject", PROJECT),
        ("ListBuilds", &["list"], "codebuild:ListBuilds", "*"),
        ("ListBuildBatches", &["list", "--batches"], "codebuild:ListBuildBatches", "*"),
    ] {
        let fake = CodeBuild::new();
        fake.build(Script::succeeding("web"));
        fake.fail_every(operation, Failure::AccessDenied, 1);
        let said = fake.world().fails(3, &[&["build"], arguments].concat());
        assert!(said.contains(&format!("AWS denies {action} on {resource}\n")), "{said}");
        assert!(said.contains("because no identity-based policy allows"), "{said}");
        let statement = said.split_once(":\n").map_or("", |(_, rest)| &rest[rest.find('{').unwrap()..]);
        let statement: serde_json::Value = serde_json::from_str(statement).unwrap_or_else(|_| panic!("{said}"));
        assert_eq!(statement, serde_json::json!({ "Effect": "Allow", "Action": action, "Resource": resource }));
        assert_eq!(fake.count(operation), 1, "a denial is not asked twice");
        assert_eq!(fake.ids().len(), 1, "nothing half-made");
    }
}

#[test]
fn without_permission_to_read_the_project_a_start_does_without_the_check() {
    let fake = CodeBuild::new();
    fake.fail_every("BatchGetProjects", Failure::AccessDenied, 1);
    let run = fake.world().run(&["build", "start", "web", "--compute", "large"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(
        run.stderr.contains("codebuild:BatchGetProjects") && run.stderr.contains("are not checked"),
        "{}",
        run.stderr
    );
}

/// Reads the log of the environment's `GROUP` and `STREAM` and prints what comes. Run by [`log`], since the SDK reads the
/// environment of its process.
#[test]
#[ignore = "the test below runs it in processes of their own"]
fn what_a_log_says() {
    let host = Host::read().unwrap();
    let (Some(group), Some(stream)) = (host.var("GROUP"), host.var("STREAM")) else { return };
    let place = LogLocation { group: group.to_owned(), stream: stream.to_owned() };
    let session = Arc::new(Session::new(&host, &client(hasty()).0));
    wait_for(async {
        let service = connect(&session).await.unwrap();
        let mut after: Option<String> = None;
        loop {
            let page = match service.log(&place, after.as_deref()).await {
                Ok(page) => page,
                Err(error) => return println!("{}", Refusal::from(error).text().plain()),
            };
            for event in &page.events {
                println!("LINE {} {}", event.time.as_millisecond(), event.message.trim_end());
            }
            if after.as_ref() == Some(&page.next) {
                return println!("END");
            }
            after = Some(page.next);
        }
    });
}

fn log(fake: &CodeBuild, group: &str, stream: &str) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "build_start::refused::what_a_log_says", "--ignored", "--nocapture"]);
    command.env_clear().env("GROUP", group).env("STREAM", stream).env("HOME", "/nonexistent");
    command.env("AWS_REGION", REGION).env("AWS_ACCESS_KEY_ID", KEY).env("AWS_SECRET_ACCESS_KEY", SECRET);
    command.env("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", fake.url());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_log_is_read_page_by_page_and_says_when_it_is_denied_or_not_there() {
    let fake = CodeBuild::new();
    let (group, stream) = ("/aws/codebuild/web", "1-2");
    let said = log(&fake, group, stream);
    assert!(said.contains("the log `/aws/codebuild/web` `1-2` does not exist"), "{said}");
    fake.fail("GetLogEvents", Failure::AccessDenied, 1);
    let said = log(&fake, group, stream);
    let resource = "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/codebuild/web:log-stream:*";
    assert!(said.contains(&format!("AWS denies logs:GetLogEvents on {resource}\n")), "{said}");
    assert!(said.contains(&format!("\"Resource\": \"{resource}\"")), "{said}");
    (0..25).for_each(|number| fake.write_log(group, stream, 1000 + number, &format!("line {number}\n")));
    fake.log_page(4);
    fake.empty_pages(3);
    let said = log(&fake, group, stream);
    let lines: Vec<&str> = said.lines().filter(|line| line.starts_with("LINE")).collect();
    let expected: Vec<String> = (0..25).map(|number| format!("LINE {} line {number}", 1000 + number)).collect();
    assert_eq!(lines, expected);
    assert!(said.contains("\nEND"));
    let call = fake.requests("GetLogEvents").pop().unwrap();
    assert_eq!((&call.body["startFromHead"], &call.body["nextToken"]), (&true.into(), &"f/25".into()));
}

#[test]
fn too_many_requests_are_sent_four_times_with_pauses() {
    let fake = CodeBuild::new();
    fake.fail("StartBuild", Failure::Throttling, 3);
    fake.world().ok(&["build", "start", "web"]);
    assert_eq!((fake.count("StartBuild"), fake.ids().len()), (4, 1));
    let fake = CodeBuild::new();
    fake.fail_every("StartBuild", Failure::Throttling, 1);
    let said = fake.world().fails(3, &["build", "start", "web"]);
    assert!(said.contains("CodeBuild is throttling requests (ThrottlingException); 4 attempts were made"), "{said}");
    assert_eq!((fake.count("StartBuild"), fake.ids().len()), (4, 0));
    let calls = fake.requests("StartBuild");
    assert!(calls.iter().all(|call| call.body["idempotencyToken"] == calls[0].body["idempotencyToken"]));
}

#[test]
fn what_is_no_answer_of_codebuild_is_asked_again_and_then_told() {
    for (failure, expected) in [
        (Failure::Html(500), "CodeBuild sent an unexpected response: status 500"),
        (Failure::Html(200), "CodeBuild sent an unexpected response: it is not CodeBuild's JSON"),
        (Failure::Status(503), "CodeBuild sent an unexpected response: status 503"),
        (Failure::Cut, "could not reach CodeBuild"),
    ] {
        let fake = CodeBuild::new();
        fake.fail("ListBuilds", failure.clone(), 1);
        fake.world().ok(&["build", "list"]);
        assert_eq!(fake.count("ListBuilds"), 2, "{failure:?}");
        fake.fail_every("ListBuilds", failure.clone(), 1);
        let said = fake.world().fails(3, &["build", "list"]);
        assert!(said.contains(expected), "{failure:?}: {said}");
        assert!(!said.contains('<'), "{said}");
    }
}

#[test]
fn credentials_that_have_expired_are_looked_up_anew() {
    let fake = CodeBuild::new();
    fake.expire("AKIDOLD");
    let said = fake.world().with("AWS_ACCESS_KEY_ID", "AKIDOLD").fails(5, &["build", "start", "web"]);
    assert!(said.contains("the AWS credentials have expired") && said.contains("aws sso login"), "{said}");
    assert_eq!(fake.count("StartBuild"), 2);
    // A program that gives out keys, the old one first.
    let world = fake.world().with("AWS_ACCESS_KEY_ID", "").with("AWS_SECRET_ACCESS_KEY", "");
    let script = "#!/bin/sh\ncd \"$(dirname \"$0\")\"\nif [ -e asked ]; then key=AKIDNEW; else key=AKIDOLD; fi\ntouch asked\n\
                  echo \"{\\\"Version\\\":1,\\\"AccessKeyId\\\":\\\"$key\\\",\\\"SecretAccessKey\\\":\\\"s\\\"}\"\n";
    world.write("keys.sh", script);
    let program = world.project().join("keys.sh");
    world.write("config", &format!("[default]\ncredential_process = sh {}\n", program.display()));
    let config = world.project().join("config");
    let world = world.with("AWS_CONFIG_FILE", config.to_str().unwrap());
    world.ok(&["build", "start", "web"]);
    let keys: Vec<String> = fake.requests("StartBuild").into_iter().map(|call| call.key).skip(2).collect();
    assert_eq!(keys, ["AKIDOLD", "AKIDNEW"]);
}

#[test]
fn what_is_missing_is_named() {
    let fake = CodeBuild::new();
    let world = || fake.world();
    let none = |name: &str| world().with(name, "");
    for (world, code, arguments, expected) in [
        (world(), 3, &["start", "none"][..], "the project `none` does not exist"),
        (world(), 3, &["start", "none", "--arch", "arm64"], "the project `none` does not exist"),
        (world(), 3, &["list", "none"], "the project `none` does not exist"),
        (none("AWS_REGION"), 2, &["start", "web"], "no AWS region is set, and CodeBuild needs one"),
        (world().with("AWS_REGION", "evil.example/"), 2, &["start", "web"], "`evil.example/` is not an AWS region"),
        (
            world().with("AWS_SECRET_ACCESS_KEY", "wrong"),
            3,
            &["start", "web"],
            "CodeBuild rejects the AWS credentials (InvalidSignatureException)",
        ),
        (none("AWS_ACCESS_KEY_ID"), 5, &["start", "web"], "no AWS credentials were found, and CodeBuild needs them"),
        (
            world().with("AWS_ENDPOINT_URL_CODEBUILD", "codebuild"),
            2,
            &["list"],
            "AWS_ENDPOINT_URL_CODEBUILD is not the URL of a server",
        ),
        (world().with("AWS_ENDPOINT_URL_CODEBUILD", "http://127.0.0.1:1"), 3, &["list"], "could not reach CodeBuild"),
        (world(), 3, &["list", "--offline"], "--offline allows no connection"),
    ] {
        let said = world.fails(code, &[&["build"], arguments].concat());
        assert!(said.contains(expected), "{arguments:?}: {said}");
        assert!(said.contains("hint: "), "{said}");
    }
    assert_eq!(fake.ids().len(), 0);
}

#[test]
fn the_kind_of_address_is_chosen_by_the_environment() {
    let fake = CodeBuild::new();
    for (name, region, expected) in [
        ("X", "eu-west-1", "https://codebuild.eu-west-1.amazonaws.com/"),
        ("X", "cn-north-1", "https://codebuild.cn-north-1.amazonaws.com.cn/"),
        ("AWS_USE_FIPS_ENDPOINT", "us-east-1", "https://codebuild-fips.us-east-1.amazonaws.com/"),
        ("AWS_USE_DUALSTACK_ENDPOINT", "eu-west-1", "https://codebuild.eu-west-1.api.aws/"),
    ] {
        let world = fake.world().with(name, "true").with("AWS_REGION", region).with("AWS_ENDPOINT_URL_CODEBUILD", "");
        let said = world.fails(3, &["build", "list", "--offline"]);
        assert!(said.contains(&format!("{expected} must be downloaded")), "{said}");
    }
    // An address that is set is taken as it is.
    fake.world().with("AWS_USE_FIPS_ENDPOINT", "true").ok(&["build", "list"]);
}
