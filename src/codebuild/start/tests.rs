use super::*;
use crate::codebuild::Cache;
use crate::model::Explain;

fn project(kind: &str, image: &str, compute: &str) -> Project {
    let (kind, image, compute) = (kind.to_owned(), image.to_owned(), compute.to_owned());
    let environment = Environment { kind, image, compute, ..Environment::default() };
    Project { name: "web".to_owned(), arn: None, environment, timeout: Some(60) }
}

fn linux() -> Project {
    project("LINUX_CONTAINER", "aws/codebuild/amazonlinux-x86_64-standard:5.0", "BUILD_GENERAL1_LARGE")
}

fn on_a_fleet(mut project: Project) -> Project {
    project.environment.fleet = Some("arn:aws:codebuild:eu-west-1:111122223333:fleet/large:1".to_owned());
    project
}

fn request_for(architectures: &[&'static str]) -> StartRequest {
    let common = Start { project: "web".to_owned(), ..Start::default() };
    StartRequest { common, architectures: architectures.to_vec(), ..StartRequest::default() }
}

/// What is overridden: type, image, who pulls, size.
fn overrides(start: &Start) -> [Option<&str>; 4] {
    [&start.environment_type, &start.image, &start.pull_credentials, &start.compute].map(|word| word.as_deref())
}

#[test]
fn the_half_that_the_project_has_needs_no_override_and_the_other_gets_all_together() {
    let plans = plan(&request_for(&["amd64", "arm64"]), Some(&linux())).unwrap();
    assert_eq!(overrides(&plans[0].start), [None; 4]);
    let arm = [
        Some("ARM_CONTAINER"),
        Some("aws/codebuild/amazonlinux-aarch64-standard:3.0"),
        Some("CODEBUILD"),
        Some("BUILD_GENERAL1_LARGE"),
    ];
    assert_eq!(overrides(&plans[1].start), arm);
    assert_eq!((plans[0].arch, plans[1].arch), (Some("amd64"), Some("arm64")));
    assert_ne!(plans[0].start.token, plans[1].start.token);
    assert!(plans.iter().all(|plan| plan.notes.is_empty()));
}

#[test]
fn a_project_on_arm_is_moved_to_amd64_and_stays_on_lambda_or_ec2() {
    let (small, lambda) = ("BUILD_GENERAL1_SMALL", "BUILD_LAMBDA_2GB");
    let lambda_image = |arch: &str| format!("aws/codebuild/amazonlinux-{arch}-lambda-standard:go1.24");
    let custom = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/ci:1";
    for (kind, image, compute, expected_kind, expected_image) in [
        (
            "ARM_CONTAINER",
            "aws/codebuild/amazonlinux-aarch64-standard:4.0".to_owned(),
            small,
            "LINUX_CONTAINER",
            "aws/codebuild/amazonlinux-x86_64-standard:6.0".to_owned(),
        ),
        ("ARM_LAMBDA_CONTAINER", lambda_image("aarch64"), lambda, "LINUX_LAMBDA_CONTAINER", lambda_image("x86_64")),
        ("ARM_EC2", custom.to_owned(), small, "LINUX_EC2", custom.to_owned()),
    ] {
        let plans = plan(&request_for(&["amd64"]), Some(&project(kind, &image, compute))).unwrap();
        let start = &plans[0].start;
        assert_eq!(start.environment_type.as_deref(), Some(expected_kind));
        assert_eq!(start.image.as_deref(), Some(expected_image.as_str()));
        assert_eq!(start.compute.as_deref(), Some(compute));
        let puller = if image == custom { "SERVICE_ROLE" } else { "CODEBUILD" };
        assert_eq!(start.pull_credentials.as_deref(), Some(puller));
        assert_eq!(plans[0].notes.is_empty(), image != custom);
    }
}

#[test]
fn ubuntu_gives_way_to_amazon_linux_on_arm_and_that_is_said() {
    let ubuntu = project("LINUX_CONTAINER", "aws/codebuild/standard:8.0", "BUILD_GENERAL1_SMALL");
    let plans = plan(&request_for(&["arm64"]), Some(&ubuntu)).unwrap();
    assert_eq!(plans[0].start.image.as_deref(), Some("aws/codebuild/amazonlinux-aarch64-standard:4.0"));
    assert!(plans[0].notes[0].contains("runs on Amazon Linux"), "{:?}", plans[0].notes);
}

#[test]
fn an_image_can_be_named_for_an_architecture_or_for_all() {
    let mut request = request_for(&["amd64", "arm64"]);
    request.images = vec![(Some("arm64"), "example.com/ci:arm".to_owned()), (None, "example.com/ci:1".to_owned())];
    let plans = plan(&request, Some(&linux())).unwrap();
    assert_eq!(plans[0].start.image.as_deref(), Some("example.com/ci:1"));
    assert_eq!(plans[1].start.image.as_deref(), Some("example.com/ci:arm"));
    assert_eq!(plans[0].start.pull_credentials.as_deref(), Some("SERVICE_ROLE"));
    assert_eq!(plans[0].start.environment_type, None);
}

/// Plans one build with these overrides: type, image, size.
fn refused(own: &Project, typed: [&str; 3], change: impl FnOnce(&mut Start)) -> Result<Vec<Planned>, Error> {
    let mut request = request_for(&[]);
    let word = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    request.common.environment_type = word(typed[0]);
    request.images = word(typed[1]).map(|image| (None, image)).into_iter().collect();
    request.common.compute = word(typed[2]);
    change(&mut request.common);
    plan(&request, Some(own))
}

#[test]
fn parts_that_do_not_go_together_are_refused_before_anything_is_started() {
    let ubuntu = "aws/codebuild/standard:7.0";
    let aarch64 = "aws/codebuild/amazonlinux-aarch64-standard:3.0";
    let lambda = "aws/codebuild/amazonlinux-aarch64-lambda-standard:go1.24";
    let arm = project("ARM_CONTAINER", aarch64, "BUILD_GENERAL1_SMALL");
    for (own, typed, expected) in [
        (linux(), ["ARM_CONTAINER", "", ""], "is for linux/amd64, and ARM_CONTAINER runs linux/arm64"),
        (linux(), ["", aarch64, ""], "is for linux/arm64, and LINUX_CONTAINER runs linux/amd64"),
        (arm.clone(), ["", ubuntu, ""], "(Ubuntu is for amd64 only), and ARM_CONTAINER runs linux/arm64"),
        (arm.clone(), ["", "", "BUILD_LAMBDA_2GB"], "`BUILD_LAMBDA_2GB` is not available on ARM_CONTAINER"),
        (arm.clone(), ["", lambda, ""], "is for Lambda compute only, and the build runs on ARM_CONTAINER"),
        (arm.clone(), ["ARM_LAMBDA_CONTAINER", "", ""], "is for anything but Lambda compute"),
        (arm, ["ARM_LAMBDA_CONTAINER", lambda, ""], "`BUILD_GENERAL1_SMALL` is not available on ARM_LAMBDA_CONTAINER"),
        (
            linux(),
            ["WINDOWS_SERVER_2022_CONTAINER", "", ""],
            "is for linux/amd64, and WINDOWS_SERVER_2022_CONTAINER runs",
        ),
    ] {
        let error = refused(&own, typed, |_| {}).unwrap_err();
        assert!(error.to_string().contains(expected), "{typed:?}: {error}");
        assert!(!error.hints().is_empty());
    }
}

type Change = fn(&mut Start);

#[test]
fn lambda_has_neither_privileges_nor_timeouts_nor_a_cache() {
    let image = "aws/codebuild/amazonlinux-aarch64-lambda-standard:go1.24";
    let own = project("ARM_LAMBDA_CONTAINER", image, "BUILD_LAMBDA_1GB");
    let changes: [(Change, &str); 4] = [
        (|start| start.privileged = Some(true), "no privileged mode"),
        (|start| start.timeout = Some(30), "no timeout can be set"),
        (|start| start.queued_timeout = Some(30), "no timeout can be set"),
        (|start| start.cache = Some(Cache::S3("bucket/x".to_owned())), "has no cache"),
    ];
    for (change, expected) in changes {
        let error = refused(&own, [""; 3], change).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
    assert!(refused(&own, [""; 3], |start| start.cache = Some(Cache::Off)).is_ok());
    let mut docker = linux();
    docker.environment.privileged = true;
    let to_lambda = ["LINUX_LAMBDA_CONTAINER", "example.com/ci:1", "BUILD_LAMBDA_2GB"];
    assert!(refused(&docker, to_lambda, |_| {}).unwrap_err().to_string().contains("no privileged mode"));
    assert!(refused(&docker, to_lambda, |start| start.privileged = Some(false)).is_ok());
}

#[test]
fn machines_without_a_counterpart_are_named() {
    for (own, arch, expected) in [
        (
            project("LINUX_GPU_CONTAINER", "aws/codebuild/standard:7.0", "BUILD_GENERAL1_LARGE"),
            "arm64",
            "no equivalent",
        ),
        (
            project("WINDOWS_CONTAINER", "aws/codebuild/windows-base:2022-1.0", "BUILD_GENERAL1_MEDIUM"),
            "arm64",
            "no equivalent",
        ),
        (project("MAC_ARM", "aws/codebuild/macos-arm-base:15", "BUILD_GENERAL1_MEDIUM"), "amd64", "no equivalent"),
        (
            project("LINUX_CONTAINER", "aws/codebuild/standard:5.0", "BUILD_GENERAL1_SMALL"),
            "arm64",
            "no image for arm64",
        ),
        (project("LINUX_EC2", "example.com/ci:1", "CUSTOM_INSTANCE_TYPE"), "arm64", "that of a fleet"),
        (on_a_fleet(linux()), "arm64", "on the fleet `large:1`, which has no machines for arm64"),
    ] {
        let error = plan(&request_for(&[arch]), Some(&own)).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[test]
fn words_for_machines_are_read_as_people_write_them() {
    for (word, expected) in [
        ("small", "BUILD_GENERAL1_SMALL"),
        ("2XLARGE", "BUILD_GENERAL1_2XLARGE"),
        ("10gb", "BUILD_LAMBDA_10GB"),
        ("BUILD_LAMBDA_1GB", "BUILD_LAMBDA_1GB"),
    ] {
        assert_eq!(compute_type(word).unwrap(), expected);
    }
    assert_eq!(environment_named("arm_container").unwrap(), "ARM_CONTAINER");
    let error = environment_named("ARM_CONTAINERS").unwrap_err().to_string();
    assert!(error.ends_with("did you mean `ARM_CONTAINER`?"), "{error}");
    assert!(compute_type("huge").is_err());
}

#[test]
fn what_has_nothing_to_do_with_the_machine_asks_for_no_project() {
    let mut request = request_for(&[]);
    request.common.source_version = Some("main".to_owned());
    assert!(!request.asks_for_machine());
    let plans = plan(&request, None).unwrap();
    assert_eq!(overrides(&plans[0].start), [None; 4]);
    assert!(plans[0].start.token.is_some());
    request.images.push((None, "example.com/ci:1".to_owned()));
    assert!(request.asks_for_machine() && request_for(&["arm64"]).asks_for_machine());
}
