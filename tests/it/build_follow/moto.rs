//! The same against moto: phases that come again with each look, no log, and nothing is ever called complete.

use serde_json::json;

use crate::support::moto::Moto;
use crate::support::world::World;

#[test]
fn a_build_of_moto_is_followed_and_each_phase_is_told_once() {
    let Some(moto) = Moto::start() else { return };
    let body = json!({
        "name": "web", "source": { "type": "S3", "location": "bucket/source.zip" }, "artifacts": { "type": "NO_ARTIFACTS" },
        "environment": { "type": "LINUX_CONTAINER", "image": "aws/codebuild/amazonlinux-x86_64-standard:5.0",
                         "computeType": "BUILD_GENERAL1_SMALL" },
        "serviceRole": "arn:aws:iam::123456789012:role/service-role/build",
    });
    moto.json("codebuild", "CodeBuild_20161006.CreateProject", &body);
    let world = moto.world(World::new()).with("TOOLKIT_POLL_INTERVAL", "0.05");
    let ids = world.ok(&["build", "start", "web"]);
    for look in 1..=3 {
        let run = world.run(&["build", "follow", ids.trim()]);
        assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
        for phase in ["SUBMITTED", "PROVISIONING", "BUILD", "FINALIZING"] {
            let told = run.stdout.matches(&format!("Entering phase {phase}\n")).count();
            assert_eq!(told, 1, "look {look}, {phase}: {}", run.stdout);
        }
        assert!(run.stderr.contains("succeeded"), "{}", run.stderr);
    }
    let run = world.run(&["build", "start", "web", "--wait"]);
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("Phase BUILD succeeded"), "{}", run.stdout);
}
