use super::super::fixtures::{InMemory, build};
use super::*;

fn request(subject: Subject, last: usize) -> CompareRequest {
    CompareRequest { subject, last, within: 1000, source_version: None, compute: None }
}

fn of_web() -> Subject {
    Subject::Architectures("web".to_owned())
}

fn gathered(service: &InMemory, request: &CompareRequest) -> Result<Gathered, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(gather(service, request))
}

/// Makes builds of `web`, newest first, alternately on amd64 and arm64.
fn alternating(count: u32) -> Vec<Build> {
    let kind = |at: u32| if at.is_multiple_of(2) { "LINUX_CONTAINER" } else { "ARM_CONTAINER" };
    (0..count).map(|at| build(&format!("web:{at}"), kind(at), &[("BUILD", u64::from(at))])).collect()
}

fn ids(side: &Side) -> Vec<&str> {
    side.builds.iter().map(|build| build.id.as_str()).collect()
}

#[test]
fn the_newest_that_succeeded_are_kept_and_the_others_are_counted() {
    let mut builds = alternating(12);
    builds[0].status = Status::InProgress;
    builds[1].status = Status::Failed;
    builds[2].status = Status::Stopped;
    builds[3].status = Status::Fault;
    builds[4].environment.kind = "LINUX_GPU_CONTAINER".to_owned();
    let gathered = gathered(&InMemory::of(builds), &request(of_web(), 2)).unwrap();
    assert_eq!(gathered.region, "us-east-1");
    assert_eq!(gathered.sides.each_ref().map(ids), [vec!["web:6", "web:8"], vec!["web:5", "web:7"]]);
    assert_eq!(
        gathered.tallies[0].to_string(),
        "looked at 12 builds of web, left out 1 running, 2 failed, 1 stopped, 1 on another platform, \
         3 older than the ones requested"
    );
}

#[test]
fn long_histories_are_read_by_pages_of_ids_and_a_hundred_builds_at_a_time() {
    let mut builds = alternating(450);
    // All on amd64 but the last ones.
    for build in &mut builds[..440] {
        build.environment.kind = "LINUX_CONTAINER".to_owned();
    }
    for page in [100, 30, 250] {
        let service = InMemory { page, ..InMemory::of(builds.clone()) };
        let gathered = gathered(&service, &request(of_web(), 5)).unwrap();
        assert_eq!(gathered.sides.each_ref().map(|side| side.builds.len()), [5, 5]);
        assert_eq!(ids(&gathered.sides[0])[0], "web:0");
        assert_eq!(ids(&gathered.sides[1])[0], "web:441");
        let read = service.read.lock().unwrap().clone();
        assert_eq!(read.iter().sum::<usize>(), 450);
        assert!(read.len() <= 450usize.div_ceil(page.min(100)) + 2, "{read:?}");
    }
}

#[test]
fn reading_stops_when_both_sides_have_enough_or_the_bound_is_reached() {
    let service = InMemory { page: 50, ..InMemory::of(alternating(900)) };
    let enough = gathered(&service, &request(of_web(), 10)).unwrap();
    assert_eq!((enough.tallies[0].looked, enough.tallies[0].more), (50, true));
    let bounded = CompareRequest { within: 7, ..request(of_web(), 10) };
    let bounded = gathered(&service, &bounded).unwrap();
    assert_eq!(bounded.sides.each_ref().map(|side| side.builds.len()), [4, 3]);
    assert_eq!((bounded.tallies[0].looked, bounded.tallies[0].more), (7, true));
}

#[test]
fn fewer_builds_than_asked_for_are_taken_as_they_are() {
    let gathered = gathered(&InMemory::of(alternating(3)), &request(of_web(), 10)).unwrap();
    assert_eq!(gathered.sides.each_ref().map(|side| side.builds.len()), [2, 1]);
    assert!(!gathered.tallies[0].more);
}

#[test]
fn a_side_without_builds_is_an_error_that_counts() {
    let mut builds = alternating(4);
    for build in &mut builds {
        build.environment.kind = "LINUX_CONTAINER".to_owned();
    }
    let error = gathered(&InMemory::of(builds), &request(of_web(), 2)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "arm64 has no build to compare: looked at 4 builds of web, left out 2 older than the ones requested"
    );
    let error = gathered(&InMemory::of(Vec::new()), &request(of_web(), 2)).unwrap_err();
    assert_eq!(error.to_string(), "amd64 has no build to compare: web has no builds");
}

#[test]
fn a_branch_a_commit_and_a_compute_type_narrow() {
    let mut builds = alternating(8);
    for (at, version) in [(0, "main"), (1, "refs/heads/main"), (2, "refs/heads/other"), (3, "main")] {
        builds[at].source_version = Some(version.to_owned());
    }
    builds[4].resolved_version = Some("0123456789abcdef".to_owned());
    builds[5].resolved_version = Some("0123456789abcdef".to_owned());
    builds[3].environment.compute = "BUILD_GENERAL1_LARGE".to_owned();
    let service = InMemory::of(builds);
    let main = CompareRequest { source_version: Some("main".to_owned()), ..request(of_web(), 9) };
    assert_eq!(gathered(&service, &main).unwrap().sides.each_ref().map(ids), [vec!["web:0"], vec!["web:1", "web:3"]]);
    let commit = CompareRequest { source_version: Some("0123456".to_owned()), ..request(of_web(), 9) };
    assert_eq!(gathered(&service, &commit).unwrap().sides.each_ref().map(ids), [vec!["web:4"], vec!["web:5"]]);
    let small = CompareRequest { compute: Some("BUILD_GENERAL1_SMALL".to_owned()), ..main };
    let small = gathered(&service, &small).unwrap();
    assert_eq!(small.sides.each_ref().map(ids), [vec!["web:0"], vec!["web:1"]]);
    assert_eq!(small.tallies[0].left_out[&LeftOut::OtherCompute], 1);
}

#[test]
fn two_projects_are_two_sides_each_of_the_architecture_of_its_newest_build() {
    let mut builds = alternating(4);
    for (at, id) in ["api:1", "api:2"].iter().enumerate() {
        builds.push(build(id, ["ARM_CONTAINER", "LINUX_CONTAINER"][at], &[("BUILD", 1)]));
    }
    let subject = Subject::Projects(["web".to_owned(), "api".to_owned()]);
    let gathered = gathered(&InMemory::of(builds), &request(subject, 9)).unwrap();
    assert_eq!(gathered.sides.each_ref().map(ids), [vec!["web:0", "web:2"], vec!["api:1"]]);
    assert_eq!(gathered.sides[1].architecture, Some(Architecture::Arm64));
    assert_eq!(gathered.tallies[1].left_out[&LeftOut::OtherCompute], 1);
}

#[test]
fn two_builds_are_compared_with_amd64_first_whichever_was_named_first() {
    let mut builds = alternating(4);
    builds[2].status = Status::InProgress;
    let service = InMemory::of(builds);
    let two = |first: &str, second: &str| {
        let subject = Subject::Builds([first.to_owned(), second.to_owned()]);
        gathered(&service, &request(subject, 1))
    };
    let arn = "arn:aws:codebuild:us-east-1:111122223333:build/web:1";
    assert_eq!(two(arn, "web:0").unwrap().sides.each_ref().map(ids), [vec!["web:0"], vec!["web:1"]]);
    assert_eq!(two("web:3", "web:1").unwrap().sides.each_ref().map(ids), [vec!["web:3"], vec!["web:1"]]);
    assert!(matches!(two("web:0", "web:9"), Err(Error::NoSuchBuild { id }) if id == "web:9"));
    assert!(matches!(two("web:2", "web:1"), Err(Error::StillRunning { id }) if id == "web:2"));
}

#[test]
fn throttling_is_waited_out() {
    let service = InMemory { throttled: std::sync::Mutex::new(1), ..InMemory::of(alternating(4)) };
    assert!(gathered(&service, &request(of_web(), 1)).is_ok());
}

#[test]
fn a_build_that_is_listed_on_two_pages_counts_once() {
    let mut builds = alternating(2);
    builds.push(builds[0].clone());
    let service = InMemory { page: 2, ..InMemory::of(builds) };
    let gathered = gathered(&service, &request(of_web(), 5)).unwrap();
    assert_eq!(gathered.tallies[0].looked, 2);
    assert_eq!(gathered.sides.each_ref().map(ids), [vec!["web:0"], vec!["web:1"]]);
}
