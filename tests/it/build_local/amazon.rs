//! Secrets from AWS, where the person asks for them. AWS is played by the test.

use serde_json::json;

use super::Place;
use crate::support::upstream::{Fault, Upstream};
use crate::support::world::World;

const SPEC: &str = "env:
  parameter-store: {TOKEN: /shop/token, OTHER: /shop/other}
  secrets-manager: {PASSWORD: 'shop/db:password::', WHOLE: shop/db}
phases: {build: {commands: ['printf \"%s|%s|%s|%s\" \"$TOKEN\" \"$OTHER\" \"$PASSWORD\" \"$WHOLE\" > $HOME/seen', 'echo $TOKEN']}}";

/// The two services, with their answers.
fn services() -> (Upstream, Upstream) {
    let (parameters, secrets) = (Upstream::new(), Upstream::new());
    let named = |name: &str, value: &str| json!({ "Name": name, "Value": value });
    let found = [named("/shop/other", "no secret"), named("/shop/token", "t0ken-of-aws")];
    parameters.file("/", json!({ "Parameters": found, "InvalidParameters": [] }).to_string());
    secrets.file("/", json!({ "SecretString": "{\"password\":\"p$ss\",\"port\":5432}" }).to_string());
    (parameters, secrets)
}

fn place(parameters: &Upstream, secrets: &Upstream) -> Place {
    let mut place = Place::new(SPEC);
    let world = std::mem::replace(&mut place.world, World::new());
    place.world = world
        .with("AWS_ENDPOINT_URL_SSM", parameters.url("/").as_str())
        .with("AWS_ENDPOINT_URL_SECRETS_MANAGER", secrets.url("/").as_str())
        .with("AWS_REGION", "eu-west-1")
        .with("AWS_EC2_METADATA_DISABLED", "true")
        .with("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        .with("AWS_SECRET_ACCESS_KEY", "SECRET");
    place
}

#[test]
fn aws_is_asked_for_what_neither_the_file_nor_the_environment_has() {
    let (parameters, secrets) = services();
    let place = place(&parameters, &secrets);
    let run = place.run(&[]);
    assert!(run.code == Some(2) && run.stderr.contains("--secrets-from-aws"), "{}", run.stderr);
    assert_eq!((parameters.total_requests(), secrets.total_requests()), (0, 0), "nobody asked for it");

    let run = place.run(&["--secrets-from-aws"]);
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    assert_eq!(place.world.read("../home/seen"), "t0ken-of-aws|no secret|p$ss|{\"password\":\"p$ss\",\"port\":5432}");
    assert!(!run.stdout.contains("t0ken-of-aws") && run.stdout.contains("***"), "{}", run.stdout);
    let asked: serde_json::Value = serde_json::from_slice(&parameters.seen("/")[0].body).unwrap();
    assert_eq!(asked, json!({ "Names": ["/shop/other", "/shop/token"], "WithDecryption": true }));
    assert_eq!(parameters.seen("/")[0].headers["x-amz-target"], "AmazonSSM.GetParameters");
    assert_eq!(secrets.seen("/")[0].headers["x-amz-target"], "secretsmanager.GetSecretValue");
    assert!(secrets.seen("/")[0].headers["authorization"].contains("/eu-west-1/secretsmanager/aws4_request"));

    let run = place.run(&["--secrets-from-aws", "--env", "PASSWORD=mine", "--env", "WHOLE=mine"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!((parameters.total_requests(), secrets.total_requests()), (2, 2), "what is known is not asked for");
}

#[test]
fn what_aws_refuses_is_said_and_nothing_runs() {
    let (parameters, secrets) = services();
    let place = place(&parameters, &secrets);
    let refuse = |upstream: &Upstream, code: &str, message: &str| {
        upstream.file("/", json!({ "__type": code, "message": message }).to_string());
        upstream.fault("/", Fault::Under { code: 400 });
    };
    refuse(&parameters, "AccessDeniedException", "");
    let denied = place.run(&["--secrets-from-aws"]);
    refuse(
        &parameters,
        "AccessDeniedException",
        "User: x is not authorized to perform: kms:Decrypt on resource: arn:aws:kms:eu-west-1:1:key/k",
    );
    let key = place.run(&["--secrets-from-aws"]);
    parameters.heal("/").file("/", json!({ "Parameters": [], "InvalidParameters": ["/shop/token"] }).to_string());
    let missing = place.run(&["--secrets-from-aws"]);
    for (run, said) in [
        (denied, "AWS denies ssm:GetParameters on arn:aws:ssm:eu-west-1:*:parameter/shop/token"),
        (key, "AWS denies kms:Decrypt on the key arn:aws:kms:eu-west-1:1:key/k"),
        (missing, "the parameter `/shop/token` does not exist"),
    ] {
        assert_eq!(run.code, Some(3), "{}", run.stderr);
        assert!(run.stderr.contains(said) && run.stdout.is_empty(), "{}{}", run.stderr, run.stdout);
    }
    refuse(&secrets, "ResourceNotFoundException", "Secrets Manager can't find the specified secret.");
    let run = place.run(&["--secrets-from-aws", "--env", "TOKEN=x", "--env", "OTHER=x"]);
    assert!(run.code == Some(3) && run.stderr.contains("the secret `shop/db` does not exist"), "{}", run.stderr);
    place.is_clean();
}
