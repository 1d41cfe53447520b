//! The caller by moto's STS, and a mirror in moto's S3 whose policies count.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::allowed;
use crate::support::moto::Moto;
use crate::support::world::World;

const CHECK: [&str; 7] = ["build", "permissions", "sync", "--mirror", "s3://builds/tools", "--check", "--json"];

/// Checks the permissions of a user of these statements, where IAM's simulation is out of reach.
fn checked(moto: &Moto, statements: &Value) -> (Option<i32>, BTreeMap<String, String>) {
    let keys = moto.user(statements);
    moto.enforce(true);
    let world = moto.world_as(World::new(), &keys).with("AWS_EC2_METADATA_DISABLED", "true");
    let run = world.run(&CHECK);
    moto.enforce(false);
    let value: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{}{}", run.stdout, run.stderr));
    (run.code, allowed(&value))
}

#[test]
fn the_account_of_the_policy_is_the_callers() {
    let Some(moto) = Moto::start() else { return };
    let world = moto.world(World::new());
    let text = world.ok(&["build", "permissions", "start", "--project", "web", "--policy"]);
    let policy: Value = serde_json::from_str(&text).unwrap();
    let resource = policy["Statement"][0]["Resource"].as_str().unwrap();
    assert!(resource.ends_with(":123456789012:project/web"), "{resource}");
}

#[test]
fn a_mirror_answers_for_itself_where_iam_does_not() {
    let Some(moto) = Moto::start() else { return };
    moto.bucket("builds").put("builds", "tools/index.json", b"{}");
    let objects = "arn:aws:s3:::builds/tools/*";
    let list = json!({ "Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::builds" });
    let get = json!({ "Effect": "Allow", "Action": "s3:GetObject", "Resource": objects });
    let whoever = json!({ "Effect": "Allow", "Action": "sts:GetCallerIdentity", "Resource": "*" });
    for (statements, code, listing, reading) in [
        (json!([list, get, whoever]), 0, "yes", "yes"),
        (json!([list, whoever]), 1, "yes", "no"),
        (json!([whoever]), 1, "no", "unknown"),
    ] {
        let (found, answers) = checked(&moto, &statements);
        assert_eq!(answers["s3:ListBucket"], listing, "{statements}");
        assert_eq!(answers["s3:GetObject"], reading, "{statements}");
        assert_eq!(answers["s3:PutObject"], "unknown", "only an upload would tell");
        assert_eq!(found, Some(code), "{statements}");
    }
    assert_eq!(moto.keys("builds"), ["tools/index.json"], "a check left something behind");
}
