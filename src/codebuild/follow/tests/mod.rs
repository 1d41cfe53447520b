//! Builds that are followed in virtual time.

mod scripted;
mod troubles;

use std::collections::HashSet;

use super::*;
use crate::codebuild::Status;
use scripted::{Course, Scripted, batch, follow};

#[test]
fn a_build_is_told_of_from_begin_to_end() {
    let course = Course::new("web:1", 9).lines(2);
    let (_, diary, result) = follow(Scripted::new([course]), &["web:1"]);
    assert!(result.unwrap().succeeded());
    assert_eq!(
        diary.0,
        [
            "web:1 known",
            "web:1 +SUBMITTED",
            "web:1 -SUBMITTED SUCCEEDED 1 s",
            "web:1 +QUEUED",
            "web:1 -QUEUED SUCCEEDED 1 s",
            "web:1 +PROVISIONING",
            "web:1 -PROVISIONING SUCCEEDED 1 s",
            "web:1 +BUILD",
            "web:1 line 0",
            "web:1 line 1",
            "web:1 -BUILD SUCCEEDED 6 s",
            "web:1 SUCCEEDED",
            "all over: true",
        ]
    );
}

#[test]
fn phases_stand_between_the_lines_of_a_build_that_was_over_before() {
    let service = Scripted::new([Course::new("web:1", 30).lines(120).ends(Status::Failed, "COMMAND_EXECUTION_ERROR")]);
    *service.clock.0.lock().unwrap() = Duration::from_secs(500);
    let (_, diary, result) = follow(service, &["arn:aws:codebuild:eu-west-1:1:build/web:1"]);
    assert!(!result.unwrap().succeeded());
    let at = |line: &str| diary.0.iter().position(|known| known == line).unwrap_or_else(|| panic!("{line}: {diary:?}"));
    assert!(at("web:1 +BUILD") < at("web:1 line 0"));
    assert!(at("web:1 line 119") < at("web:1 -BUILD FAILED 27 s"));
    assert_eq!(diary.lines("web:1").len(), 120);
}

#[test]
fn a_log_ends_when_the_build_is_over_and_two_looks_found_nothing() {
    // The last line arrives after the end of the build.
    let mut course = Course::new("web:1", 10).lines(3);
    course.log.push((12, "web:1 line late".to_owned()));
    let (service, diary, result) = follow(Scripted::new([course]), &["web:1"]);
    assert!(result.unwrap().succeeded());
    assert_eq!(diary.lines("web:1").last(), Some(&"web:1 line late"), "{diary:?}");
    assert_eq!(diary.lines("web:1").len(), 4);
    assert!(service.count("log") >= 5);
}

#[test]
fn empty_pages_in_the_middle_end_nothing() {
    let service = Scripted { hollow: Some(3), ..Scripted::new([Course::new("web:1", 60).lines(1000)]) };
    let (_, diary, _) = follow(service, &["web:1"]);
    let expected: Vec<String> = (0..1000).map(|index| format!("web:1 line {index}")).collect();
    assert_eq!(diary.lines("web:1"), expected);
}

#[test]
fn a_stream_that_is_not_there_yet_is_waited_for() {
    let mut course = Course::new("web:1", 40).lines(10);
    course.stream_after = 20;
    let (_, diary, result) = follow(Scripted::new([course.clone()]), &["web:1"]);
    assert!(result.unwrap().succeeded());
    assert_eq!(diary.lines("web:1").len(), 10);
    // One that never comes is not waited for without end.
    course.stream_after = 1_000_000;
    let (service, diary, result) = follow(Scripted::new([course]), &["web:1"]);
    assert!(result.unwrap().succeeded());
    assert_eq!(diary.has("note: web:1 was not logged"), 1);
    assert!(service.clock.now() < Duration::from_secs(90));
}

#[test]
fn an_unknown_id_is_named_before_anything_is_told() {
    let service = Scripted::new([Course::new("web:1", 10)]);
    let (_, diary, result) = follow(service, &["web:1", "web:2", "other:3"]);
    let text = result.unwrap_err().to_string();
    assert_eq!(text, "CodeBuild has no build or batch `web:2`, `other:3` in eu-west-1");
    assert!(diary.0.is_empty());
}

#[test]
fn what_was_started_a_moment_ago_may_be_unknown_for_a_moment() {
    let mut course = Course::new("web:1", 10);
    course.begins = 5;
    let service = Arc::new(Scripted::new([course]));
    let settings = FollowOptions { fresh: true, ..scripted::settings(&["web:1"]) };
    let mut follower = Follower::new(service.clone(), service.clock.clone(), settings, scripted::Diary::default());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    assert!(runtime.block_on(follower.run()).unwrap().succeeded());
}

#[test]
fn a_chain_of_retries_is_followed_to_its_last_build() {
    let first = Course::new("web:1", 10).lines(3).ends(Status::Failed, "X").retry(0, 2, Some("web:2"));
    let mut second = Course::new("web:2", 10).lines(3).ends(Status::Failed, "X").retry(1, 2, Some("web:3"));
    let mut third = Course::new("web:3", 10).lines(3).retry(2, 2, None);
    (second.begins, third.begins) = (12, 26);
    let (_, diary, result) = follow(Scripted::new([first, second, third]), &["web:1"]);
    let report = result.unwrap();
    assert!(report.succeeded());
    let builds = &report.roots[0].builds;
    assert_eq!(builds.iter().map(|build| build.replaced).collect::<Vec<_>>(), [true, true, false]);
    let told: Vec<&String> = diary
        .0
        .iter()
        .filter(|line| line.contains("retried") || line.ends_with(" FAILED") || line.ends_with(" SUCCEEDED"))
        .collect();
    assert_eq!(
        told,
        [
            "web:1 FAILED",
            "web:1 retried by web:2, 1 of 2",
            "web:2 FAILED",
            "web:2 retried by web:3, 2 of 2",
            "web:3 SUCCEEDED"
        ]
    );
}

#[test]
fn a_retry_that_is_named_late_is_followed_and_one_that_never_comes_is_not_waited_for() {
    let first = Course::new("web:1", 10).ends(Status::Failed, "X").retry(0, 1, None);
    let (service, _, result) = follow(Scripted::new([first]), &["web:1"]);
    assert!(!result.unwrap().succeeded());
    assert!(service.clock.now() < Duration::from_secs(60));
    // A chain that leads back to itself.
    let first = Course::new("web:1", 10).ends(Status::Failed, "X").retry(0, 9, Some("web:1"));
    assert!(!follow(Scripted::new([first]), &["web:1"]).2.unwrap().succeeded());
}

#[test]
fn the_builds_of_a_batch_are_followed_as_they_start() {
    let mut failed = Course::new("web:a1", 10).lines(2).ends(Status::Failed, "X");
    let mut again = Course::new("web:a2", 10).lines(2);
    let mut ignored = Course::new("web:b1", 20).lines(2).ends(Status::Failed, "X");
    let mut last = Course::new("web:c1", 10).lines(2);
    (failed.begins, again.begins, ignored.begins, last.begins) = (3, 15, 3, 30);
    let service = Scripted::new([failed, again, ignored, last]);
    let groups: &[(&str, &[&str], bool, &[&str])] = &[
        ("amd64", &[], false, &["web:a1", "web:a2"]),
        ("arm64", &[], true, &["web:b1"]),
        ("index", &["amd64", "arm64"], false, &["web:c1"]),
    ];
    let own = batch("web:batch", Status::Succeeded, groups);
    service.batches.lock().unwrap().insert("web:batch".to_owned(), (own, 41));
    let (_, diary, result) = follow(service, &["web:batch"]);
    let report = result.unwrap();
    assert!(report.succeeded(), "a failure that is ignored does not count");
    let told: HashSet<&str> = diary.0.iter().map(String::as_str).collect();
    for line in ["web:a1 known as amd64", "web:a2 known as amd64", "web:b1 known as arm64", "web:c1 known as index"] {
        assert!(told.contains(line), "{line}: {diary:#?}");
    }
    assert_eq!(diary.0.iter().filter(|line| line.contains(" line ")).count(), 8);
    let finished = &report.roots[0].builds;
    let of = |id: &str| finished.iter().find(|build| build.build.id == id).unwrap();
    assert!(of("web:a1").replaced && !of("web:a2").replaced && of("web:b1").ignored);
    assert_eq!(diary.0.iter().rev().take(2).collect::<Vec<_>>(), ["all over: true", "web:batch SUCCEEDED"]);
}

#[test]
fn what_is_deleted_meanwhile_is_not_looked_for_for_ever() {
    let mut course = Course::new("web:a1", 10);
    course.build.phases.clear();
    let service = Scripted::new([course, Course::new("web:9", 100_000)]);
    let own =
        batch("web:batch", Status::Failed, &[("amd64", &[], false, &["web:a1"]), ("arm64", &[], false, &["web:9"])]);
    service.batches.lock().unwrap().insert("web:batch".to_owned(), (own, 30));
    let service = service.gone("web:9", 20);
    let (service, diary, result) = follow(service, &["web:batch"]);
    assert!(!result.unwrap().succeeded());
    assert_eq!(diary.has("web:batch FAILED"), 1, "{diary:#?}");
    assert!(service.clock.now() < Duration::from_secs(120));
    let service = Scripted::new([Course::new("web:9", 100_000)]).gone("web:9", 20);
    let text = follow(service, &["web:9"]).2.unwrap_err().to_string();
    assert_eq!(text, "CodeBuild has no build or batch `web:9` in eu-west-1");
}

#[test]
fn a_service_that_repeats_phases_and_has_no_log_is_followed_all_the_same() {
    let service = Scripted { moto: true, ..Scripted::new([Course::new("web:1", 20)]) };
    let (_, diary, result) = follow(service, &["web:1"]);
    assert!(result.unwrap().succeeded());
    for phase in ["SUBMITTED", "QUEUED", "PROVISIONING", "BUILD"] {
        assert_eq!(diary.has(&format!("web:1 +{phase}")), 1, "{diary:#?}");
    }
    assert_eq!(diary.has("note: web:1 has no log"), 1);
}

#[test]
fn a_log_that_is_only_in_s3_is_said_once() {
    let mut course = Course::new("web:1", 20);
    course.build.s3_log_link = Some("only".to_owned());
    let (service, diary, _) = follow(Scripted::new([course]), &["web:1"]);
    assert_eq!(diary.has("note: web:1 has no log but in S3"), 1);
    assert_eq!(service.count("log"), 0);
}

#[test]
fn many_builds_are_asked_for_a_hundred_at_a_time() {
    let ids: Vec<String> = (0..230).map(|index| format!("web:{index}")).collect();
    let service = Scripted::new(ids.iter().map(|id| Course::new(id, 300)));
    let (service, diary, result) = follow(service, &ids.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(result.unwrap().roots.len(), 230);
    assert_eq!(diary.0.iter().filter(|line| line.ends_with(" SUCCEEDED")).count(), 230);
    assert!(service.busiest(|_| true) <= 60 + 1);
}

#[test]
fn a_build_that_is_stopped_is_followed_to_its_end() {
    let service = Arc::new(Scripted::new([Course::new("web:1", 10_000).lines(100), Course::new("web:2", 5)]));
    let diary = scripted::Diary::default();
    let mut follower =
        Follower::new(service.clone(), service.clock.clone(), scripted::settings(&["web:1", "web:2"]), diary);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let report = runtime.block_on(async {
        let stopped = follower.stop().await.unwrap();
        assert_eq!(stopped.len(), 2, "nothing is known of them yet");
        follower.run().await.unwrap()
    });
    assert_eq!(report.roots[0].status(), Some(&Status::Stopped));
    assert!(follower.running().is_empty());
}
