//! Throttling, cut connections, credentials that end: nothing is lost and nothing comes twice.

use super::scripted::{Diary, refused, settings};
use super::*;
use std::task::Poll;

fn expected(id: &str, count: usize) -> Vec<String> {
    (0..count).map(|index| format!("{id} line {index}")).collect()
}

#[test]
fn ten_thousand_lines_over_two_hundred_pages_arrive_once_and_in_order() {
    for nth in [2, 3, 7] {
        let service = Scripted { hollow: Some(5), ..Scripted::new([Course::new("web:1", 100).lines(10_000)]) };
        let service = service.trouble(move |_, call| (call % nth == 0).then(|| refused("ThrottlingException")));
        *service.clock.0.lock().unwrap() = Duration::from_secs(1000);
        let (service, diary, result) = follow(service, &["web:1"]);
        assert!(result.unwrap().succeeded());
        assert_eq!(diary.lines("web:1"), expected("web:1", 10_000), "every {nth}th call");
        assert!(service.count("log") >= 200);
    }
}

#[test]
fn four_builds_survive_whatever_happens_to_each_question() {
    let ids = ["a:1", "b:1", "c:1", "d:1"];
    type Trouble = fn(&str, u64) -> Option<aws::Error>;
    let troubles: [(&str, Trouble); 4] = [
        ("every other connection is cut", |_, call| (call % 2 == 1).then(|| refused(""))),
        ("fifty refusals in a row", |_, call| (5..55).contains(&call).then(|| refused("ThrottlingException"))),
        ("expired for a while", |_, call| (8..12).contains(&call).then(|| refused("ExpiredTokenException"))),
        ("all of it", |_, call| match call % 5 {
            0 => Some(refused("")),
            1 => Some(refused("ThrottlingException")),
            2 => Some(refused("ExpiredTokenException")),
            _ => None,
        }),
    ];
    for (what, trouble) in troubles {
        let service = Scripted::new(ids.map(|id| Course::new(id, 900).lines(700))).trouble(trouble);
        let (service, diary, result) = follow(service, &ids);
        assert!(result.unwrap().succeeded(), "{what}");
        for id in ids {
            assert_eq!(diary.lines(id), expected(id, 700), "{what}");
            for phase in ["SUBMITTED", "QUEUED", "PROVISIONING", "BUILD"] {
                assert_eq!(diary.has(&format!("{id} +{phase}")), 1, "{what}: {diary:#?}");
            }
            assert_eq!(diary.has(&format!("{id} SUCCEEDED")), 1, "{what}");
        }
        assert!(service.busiest(|name| name == "builds") <= 30 + 1, "{what}");
    }
}

#[test]
fn requests_stay_under_the_bound_for_hours() {
    let ids = ["a:1", "b:1", "c:1", "d:1"];
    // Silent but for a burst every quarter of an hour.
    let hours = |id: &str| {
        let mut course = Course::new(id, 4 * 3600);
        course.log = (1..16u64)
            .flat_map(|quarter| (0..3000).map(move |index| (quarter * 900, quarter * 3000 + index)))
            .map(|(at, number)| (at, format!("{id} line {number}\n")))
            .collect();
        course
    };
    let (service, diary, result) = follow(Scripted::new(ids.map(hours)), &ids);
    assert!(result.unwrap().succeeded());
    for id in ids {
        assert_eq!(diary.lines(id).len(), 15 * 3000);
    }
    let (polls, pages) = (Pace::POLLS_PER_MINUTE as usize, 60 * Pace::PAGES_PER_SECOND as usize);
    let busiest = service.busiest(|_| true);
    assert!(busiest <= polls + pages, "{busiest}");
    // 15 bursts of 60 pages in each of four logs are not a look.
    let total = service.requested.lock().unwrap().len() - 4 * 15 * 60;
    assert!(total < 4 * 60 * 40, "{total} looks in four hours, which is not fewer than 40 a minute");
}

#[test]
fn chatty_builds_stay_under_the_bound_too() {
    let ids = ["a:1", "b:1", "c:1", "d:1", "e:1", "f:1"];
    let service = Scripted::new(ids.map(|id| Course::new(id, 3600).lines(3600)));
    let (service, diary, _) = follow(service, &ids);
    assert_eq!(diary.lines("f:1").len(), 3600);
    // A page that was not empty may be followed by another.
    assert!(service.busiest(|_| true) <= 2 * Pace::POLLS_PER_MINUTE as usize + 1, "{}", service.busiest(|_| true));
    assert!(service.busiest(|name| name == "builds") <= 30);
}

#[test]
fn fifty_refusals_slow_the_pace_down_afterwards() {
    let quick = Scripted::new([Course::new("web:1", 3000)]);
    let slow = Scripted::new([Course::new("web:1", 3000)])
        .trouble(|name, call| (name == "builds" && call < 6).then(|| refused("ThrottlingException")));
    let in_first_minutes = |service: Arc<Scripted>| {
        let requested = service.requested.lock().unwrap();
        let from = requested[if requested.len() > 6 { 6 } else { 0 }].0;
        requested
            .iter()
            .filter(|(at, name)| name == "builds" && *at >= from && *at < from + Duration::from_secs(60))
            .count()
    };
    let (quick, slow) = (follow(quick, &["web:1"]).0, follow(slow, &["web:1"]).0);
    assert!(in_first_minutes(slow) * 3 < in_first_minutes(quick) * 2);
}

#[test]
fn credentials_that_do_not_come_back_end_it_after_some_minutes() {
    let service = Scripted::new([Course::new("web:1", 30_000)])
        .trouble(|_, call| (call > 20).then(|| refused("ExpiredTokenException")));
    let (service, diary, result) = follow(service, &["web:1"]);
    assert_eq!(result.unwrap_err().to_string(), "the AWS credentials have expired");
    assert_eq!(diary.has("note: expired"), 1);
    assert!(service.clock.now() > CREDENTIALS_LIMIT);
    assert!(service.clock.now() < CREDENTIALS_LIMIT * 2);
}

#[test]
fn a_network_that_was_never_there_is_not_waited_for_as_long_as_one_that_was() {
    let never = Scripted::new([Course::new("web:1", 30)]).trouble(|_, _| Some(refused("")));
    let (service, _, result) = follow(never, &["web:1"]);
    assert!(result.is_err());
    assert!(service.clock.now() < FIRST_ANSWER_LIMIT * 2);
    let lost = Scripted::new([Course::new("web:1", 30_000)]).trouble(|_, call| (call > 3).then(|| refused("")));
    let (service, diary, result) = follow(lost, &["web:1"]);
    assert!(result.is_err());
    assert!(service.clock.now() > OUTAGE_LIMIT);
    assert_eq!(diary.has("note: CodeBuild lost"), 1);
}

#[test]
fn a_denied_log_is_said_once_and_phases_go_on() {
    let ids = ["a:1", "b:1"];
    let service = Scripted::new(ids.map(|id| Course::new(id, 30).lines(10)))
        .trouble(|name, _| (name == "log").then(|| refused("AccessDeniedException")));
    let (service, diary, result) = follow(service, &ids);
    assert!(result.unwrap().succeeded());
    assert_eq!(diary.0.iter().filter(|line| line.starts_with("note: log: AWS denies")).count(), 1, "{diary:#?}");
    assert_eq!(service.count("log"), 2);
    assert_eq!(diary.has("b:1 -BUILD SUCCEEDED 27 s"), 1);
}

#[test]
fn logs_that_this_network_does_not_reach_do_not_end_it() {
    let service = Scripted::new([Course::new("a:1", 3000), Course::new("b:1", 3000)])
        .trouble(|name, _| (name == "log").then(|| refused("")));
    let (service, diary, result) = follow(service, &["a:1", "b:1"]);
    assert!(result.unwrap().succeeded());
    assert_eq!(diary.0.iter().filter(|line| line.starts_with("note: log:")).count(), 1, "{diary:#?}");
    assert!(service.clock.now() < Duration::from_secs(3100));
}

#[test]
fn a_service_without_batches_is_not_asked_for_them_for_an_hour() {
    let service = Scripted::new([]).trouble(|name, _| (name == "batches").then(|| refused("")));
    let (service, _, result) = follow(service, &["web:1"]);
    assert!(result.is_err());
    assert!(service.clock.now() < FIRST_ANSWER_LIMIT * 2);
}

#[test]
fn builds_that_may_not_be_read_end_it_at_once() {
    let service = Scripted::new([Course::new("web:1", 30)]).trouble(|_, _| Some(refused("AccessDeniedException")));
    let (service, diary, result) = follow(service, &["web:1"]);
    assert!(result.unwrap_err().to_string().starts_with("AWS denies codebuild:BatchGetBuilds"));
    assert_eq!((service.count("builds"), diary.0.len()), (1, 0));
}

#[test]
fn a_token_that_is_refused_begins_the_log_again_and_tells_nothing_twice() {
    let service = Scripted::new([Course::new("web:1", 60).lines(500)])
        .trouble(|name, call| (name == "log" && [9, 40].contains(&call)).then(|| refused("InvalidParameterException")));
    let (_, diary, result) = follow(service, &["web:1"]);
    assert!(result.unwrap().succeeded());
    assert_eq!(diary.lines("web:1"), expected("web:1", 500));
}

#[test]
fn a_log_without_end_is_given_up_when_the_build_is_over() {
    let service = Scripted { endless: true, ..Scripted::new([Course::new("web:1", 3600)]) };
    let (service, diary, result) = follow(service, &["web:1"]);
    assert!(result.unwrap().succeeded());
    assert_eq!(diary.has("note: web:1 has an endless log"), 1);
    assert!(service.clock.now() < Duration::from_secs(3600 + 300));
    assert!(service.count("log") < 2500, "while the build runs, it is looked at as seldom as any other");
}

#[test]
fn a_follower_that_is_dropped_in_a_wait_goes_on_where_it_was() {
    let service = Arc::new(Scripted::new([Course::new("web:1", 300).lines(2000)]));
    let mut follower = Follower::new(service.clone(), service.clock.clone(), settings(&["web:1"]), Diary::default());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        // Each question and each wait is a place to be cut at; some rounds end in the middle of a question.
        let mut polls = 1;
        loop {
            polls = polls % 11 + 2;
            let mut left = polls;
            let mut run = Box::pin(follower.run());
            let ended = std::future::poll_fn(|context| {
                left -= 1;
                match run.as_mut().poll(context) {
                    Poll::Pending if left > 0 => Poll::Pending,
                    other => Poll::Ready(other.is_ready()),
                }
            });
            if ended.await {
                break;
            }
        }
    });
    assert_eq!(follower.observer().lines("web:1"), expected("web:1", 2000));
}
