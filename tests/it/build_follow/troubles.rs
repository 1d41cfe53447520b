//! Throttling, cut connections, credentials that end, permissions that are missing.

use std::fs;

use super::*;

fn lines(count: usize) -> Vec<String> {
    (0..count).map(|index| format!("line {index}")).collect()
}

fn logging(count: usize) -> Script {
    let messages = lines(count).into_iter().map(|line| line + "\n");
    Script::new("web").before_build().phase("BUILD", 60).lines(messages).ends("SUCCEEDED")
}

/// What was shown of the log, without phases.
fn shown(run: &Run) -> Vec<&str> {
    run.stdout.lines().filter(|line| !line.contains("phase ") && !line.contains("Phase ")).collect()
}

#[test]
fn ten_thousand_lines_over_two_hundred_pages_arrive_once_and_in_order_through_throttling() {
    let fake = CodeBuild::new();
    fake.log_page(50);
    fake.empty_pages(7);
    let id = fake.build(logging(10_000));
    fake.fail_every("*", Failure::Throttling, 9);
    let run = follow(&fake, &[&id]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(shown(&run), lines(10_000));
    assert!(fake.count("GetLogEvents") > 200);
    assert_eq!(run.stderr.matches("is throttling requests").count(), 2, "each service once: {}", run.stderr);
}

#[test]
fn four_builds_survive_a_connection_that_is_cut_in_each_poll() {
    for failure in [Failure::Cut, Failure::CutInside, Failure::Html(502)] {
        let fake = CodeBuild::new();
        fake.log_page(50);
        let ids: Vec<String> = (0..4).map(|_| fake.build(logging(300))).collect();
        fake.fail_every("*", failure.clone(), 2);
        let arguments: Vec<&str> = ids.iter().map(String::as_str).collect();
        let run = follow(&fake, &arguments);
        assert_eq!(run.code, Some(0), "{failure:?}: {}", run.stderr);
        for name in ["[web amd64] ", "[web amd64 #2] ", "[web amd64 #3] ", "[web amd64 #4] "] {
            let own: Vec<&str> = run.stdout.lines().filter_map(|line| line.strip_prefix(name)).collect();
            let log: Vec<&str> = own.iter().filter(|line| line.starts_with("line ")).copied().collect();
            assert_eq!(log, lines(300), "{failure:?}: {name}");
            assert_eq!(own.iter().filter(|line| line.ends_with("Entering phase BUILD")).count(), 1);
        }
    }
}

#[test]
fn fifty_refusals_in_a_row_are_survived() {
    let fake = CodeBuild::new();
    let ids: Vec<String> = (0..4).map(|_| fake.build(logging(20))).collect();
    fake.fail("BatchGetBuilds", Failure::Throttling, 50);
    let arguments: Vec<&str> = ids.iter().map(String::as_str).collect();
    let run = world(&fake).with("TOOLKIT_POLL_INTERVAL", "0.004").run(&[&["build", "follow"], &arguments[..]].concat());
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(fake.count("BatchGetBuilds") > 50);
    assert_eq!(run.stderr.matches("is throttling requests").count(), 1, "{}", run.stderr);
}

#[cfg(unix)]
#[test]
fn credentials_that_expire_are_looked_up_anew_and_nothing_is_lost() {
    let fake = CodeBuild::new();
    fake.log_page(10);
    let ids: Vec<String> = (0..4).map(|_| fake.build(logging(100))).collect();
    let world = world(&fake).with("AWS_ACCESS_KEY_ID", "").with("AWS_SECRET_ACCESS_KEY", "").with("AWS_PROFILE", "ci");
    // The process gives another key each time: those who log in again do the same.
    let script = world.home().join("login");
    let count = world.home().join("count");
    fs::write(
        &script,
        format!(
            "#!/bin/sh\necho x >> {count}\nn=$(wc -l < {count} | tr -d ' ')\n\
             echo '{{\"Version\":1,\"AccessKeyId\":\"AKIDNUMBER'$n'\",\"SecretAccessKey\":\"s\",\"SessionToken\":\"t\"}}'\n",
            count = count.display()
        ),
    )
    .unwrap();
    fs::create_dir(world.home().join(".aws")).unwrap();
    let config = format!("[profile ci]\nregion = eu-west-1\ncredential_process = /bin/sh {}\n", script.display());
    fs::write(world.home().join(".aws/config"), config).unwrap();
    fake.expire_after(12, "AKIDNUMBER1");
    // The second one is of no use either, as long as nobody has logged in.
    fake.expire("AKIDNUMBER2");
    fake.expire_after(15, "AKIDNUMBER3");
    let arguments: Vec<&str> = ids.iter().map(String::as_str).collect();
    let run = world.run(&[&["build", "follow"], &arguments[..]].concat());
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    for name in ["[web amd64] ", "[web amd64 #2] ", "[web amd64 #3] ", "[web amd64 #4] "] {
        let own = run.stdout.lines().filter_map(|line| line.strip_prefix(name));
        assert_eq!(own.filter(|line| line.starts_with("line ")).collect::<Vec<_>>(), lines(100), "{name}");
    }
    assert_eq!(run.stderr.matches("the AWS credentials have expired").count(), 2, "{}", run.stderr);
    assert_eq!(run.stderr.matches("new AWS credentials were found").count(), 2, "{}", run.stderr);
    let keys: std::collections::BTreeSet<String> = fake.requests("*").into_iter().map(|call| call.key).collect();
    assert!(keys.contains("AKIDNUMBER4") && !keys.contains(KEY), "{keys:?}");
}

#[test]
fn a_permission_that_is_missing_is_named_with_what_to_paste() {
    for (operation, id, action) in [
        ("BatchGetBuilds", "web:1", "codebuild:BatchGetBuilds"),
        (
            "BatchGetBuildBatches",
            "arn:aws:codebuild:eu-west-1:111122223333:build-batch/web:1",
            "codebuild:BatchGetBuildBatches",
        ),
    ] {
        let fake = CodeBuild::new();
        fake.fail_every(operation, Failure::AccessDenied, 1);
        let run = follow(&fake, &[id]);
        assert_eq!((run.code, run.stdout.as_str()), (Some(3), ""), "{}", run.stderr);
        assert!(run.stderr.contains(&format!("AWS denies {action} on arn:aws:codebuild:eu-west-1:")), "{}", run.stderr);
        assert!(run.stderr.contains(&format!("\"Action\": \"{action}\"")), "{}", run.stderr);
        assert_eq!(fake.count(operation), 1);
    }
}

#[test]
fn a_log_that_may_not_be_read_is_said_once_and_phases_go_on_and_the_end_is_no_success() {
    let fake = CodeBuild::new();
    let ids: Vec<String> = (0..2).map(|_| fake.build(logging(20))).collect();
    fake.fail_every("GetLogEvents", Failure::AccessDenied, 1);
    let run = follow(&fake, &[&ids[0], &ids[1]]);
    assert_eq!(run.code, Some(3), "{}", run.stderr);
    assert_eq!(run.stderr.matches("\"Action\": \"logs:GetLogEvents\"").count(), 1, "{}", run.stderr);
    assert_eq!(run.stdout.matches("Phase BUILD succeeded in 1m 0s").count(), 2);
    let end = run.stderr.split_once("error: the builds succeeded, but not every log could be read").unwrap().1;
    assert!(end.contains("AWS denies logs:GetLogEvents on arn:aws:logs:eu-west-1:"), "{end}");
    let failed = fake.build(Script::new("web").phase("BUILD", 1).fails("COMMAND_EXECUTION_ERROR", "x").ends("FAILED"));
    assert_eq!(follow(&fake, &[&failed]).code, Some(1), "that a build failed is the news");
}

#[test]
fn logs_that_are_not_there_are_said_once() {
    let fake = CodeBuild::new();
    let off = fake.build(Script::succeeding("web").without_logs());
    let run = follow(&fake, &[&off]);
    assert_eq!((run.code, fake.count("GetLogEvents")), (Some(0), 0));
    assert_eq!(run.stderr.matches("are disabled").count(), 1, "{}", run.stderr);
    // Nothing was ever written, so that there is no stream.
    let silent = fake.build(Script::new("web").before_build().phase("BUILD", 1).ends("SUCCEEDED"));
    let run = follow(&fake, &[&silent]);
    assert_eq!(run.code, Some(0));
    assert_eq!(run.stderr.matches("was never created").count(), 1, "{}", run.stderr);
}

#[test]
fn lines_that_arrive_after_the_end_are_shown() {
    let fake = CodeBuild::new();
    let script = Script::new("web").before_build().phase("BUILD", 1).line("early\n").ends("SUCCEEDED");
    let id = fake.build(script.late(1, ["late\n".to_owned()]));
    let run = follow(&fake, &[&id]);
    assert_eq!(shown(&run), ["early", "late"], "{}", run.stderr);
}
