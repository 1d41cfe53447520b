//! The same against moto, which knows single builds only, and those in its own way.

use serde_json::json;

use crate::support::moto::Moto;
use crate::support::world::World;

/// Makes a project as moto accepts it.
fn project(moto: &Moto, name: &str) {
    let body = json!({
        "name": name, "source": { "type": "S3", "location": "bucket/source.zip" }, "artifacts": { "type": "NO_ARTIFACTS" },
        "environment": { "type": "LINUX_CONTAINER", "image": "aws/codebuild/amazonlinux-x86_64-standard:5.0",
                         "computeType": "BUILD_GENERAL1_SMALL" },
        "serviceRole": "arn:aws:iam::123456789012:role/service-role/build",
    });
    moto.json("codebuild", "CodeBuild_20161006.CreateProject", &body);
}

#[test]
fn moto_starts_lists_and_stops() {
    let Some(moto) = Moto::start() else { return };
    project(&moto, "web");
    let world = moto.world(World::new());
    let value = world.json(&["build", "start", "web", "--source-version", "main", "--json"]);
    let id = value[0]["id"].as_str().unwrap().to_owned();
    assert!(id.starts_with("web:"), "{id}");
    let listed = world.json(&["build", "list", "web", "--json"]);
    assert_eq!(listed[0]["id"], id.as_str());
    // Its first answer about a build ends it, so that there is nothing to stop.
    let run = world.run(&["build", "stop", &id]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(run.stderr.contains("had already ended (SUCCEEDED)"), "{}", run.stderr);
    let pair = world.ok(&["build", "start", "web", "--arch", "amd64,arm64"]);
    assert_eq!(pair.lines().count(), 2);
    assert_eq!(world.json(&["build", "list", "--json"]).as_array().unwrap().len(), 3);
}

#[test]
fn what_moto_does_not_know_is_told_and_not_taken_for_an_answer() {
    let Some(moto) = Moto::start() else { return };
    project(&moto, "web");
    let world = moto.world(World::new());
    let said = world.fails(3, &["build", "start", "none"]);
    assert!(said.contains("the project `none` does not exist"), "{said}");
    let said = world.fails(3, &["build", "start", "web", "--batch"]);
    assert!(said.contains("CodeBuild sent an unexpected response: status 500"), "{said}");
}

#[test]
fn the_address_of_one_service_goes_before_that_of_all() {
    let Some(moto) = Moto::start() else { return };
    project(&moto, "web");
    let world = moto.world(World::new());
    let world = world.with("AWS_ENDPOINT_URL", "http://127.0.0.1:1").with("AWS_ENDPOINT_URL_CODEBUILD", &moto.url());
    world.ok(&["build", "list", "web"]);
}
