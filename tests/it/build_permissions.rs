//! `toolkit build permissions`: the list, the policy, and what AWS says of it.

mod moto;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::codebuild::{ACCOUNT, CodeBuild, Failure, REGION, Script};
use crate::support::front::{Answer, Front, Seen, Turn};
use crate::support::world::World;

const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/ci/job";
const ROLE: &str = "arn:aws:iam::111122223333:role/ci";

fn form(seen: &Seen) -> BTreeMap<String, String> {
    url::form_urlencoded::parse(&seen.body).into_owned().collect()
}

fn xml(status: u16, body: &str) -> Turn {
    Turn::Answer(Answer::new(status, "text/xml", body.as_bytes().to_vec()))
}

fn refused(status: u16, code: &str, message: &str) -> Turn {
    let body = format!(
        "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
    );
    xml(status, &body)
}

fn identity(arn: &str) -> Turn {
    xml(
        200,
        &format!(
            "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
             <Arn>{arn}</Arn><UserId>X:job</UserId><Account>{ACCOUNT}</Account></GetCallerIdentityResult>\
             </GetCallerIdentityResponse>"
        ),
    )
}

/// What IAM answers: a decision for each action that was asked about.
fn decisions(asked: &BTreeMap<String, String>, decide: impl Fn(&str) -> String) -> Turn {
    let actions = asked.iter().filter(|(name, _)| name.starts_with("ActionNames.member."));
    let members: String = actions
        .map(|(_, action)| format!("<member><EvalActionName>{action}</EvalActionName>{}</member>", decide(action)))
        .collect();
    xml(
        200,
        &format!(
            "<SimulatePrincipalPolicyResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">\
             <SimulatePrincipalPolicyResult><IsTruncated>false</IsTruncated><EvaluationResults>{members}\
             </EvaluationResults></SimulatePrincipalPolicyResult></SimulatePrincipalPolicyResponse>"
        ),
    )
}

fn decided(word: &str) -> String {
    format!("<EvalDecision>{word}</EvalDecision>")
}

/// STS and IAM, by a script for what IAM says.
fn aws(arn: &'static str, iam: impl Fn(&BTreeMap<String, String>) -> Turn + Send + Sync + 'static) -> Front {
    Front::answering(move |seen, _| {
        let asked = form(seen);
        match asked.get("Action").map(String::as_str) {
            Some("GetCallerIdentity") => identity(arn),
            Some(_) => iam(&asked),
            None => refused(400, "MissingAction", "no action"),
        }
    })
}

fn world(front: &Front) -> World {
    with_aws(World::new().with("AWS_REGION", REGION).with("AWS_ACCESS_KEY_ID", "AKIDFIRST"), front)
        .with("AWS_SECRET_ACCESS_KEY", "secret-of-the-test")
        .with("AWS_EC2_METADATA_DISABLED", "true")
}

fn with_aws(world: World, front: &Front) -> World {
    let url = format!("http://{}", front.host());
    world.with("AWS_ENDPOINT_URL_STS", &url).with("AWS_ENDPOINT_URL_IAM", &url)
}

fn allowed(value: &Value) -> BTreeMap<String, String> {
    let rows = value["permissions"].as_array().unwrap();
    let text = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
    rows.iter().map(|row| (text(row, "action"), text(row, "allowed"))).collect()
}

#[test]
fn the_list_needs_no_credentials_and_no_connection() {
    let world = World::new().with("AWS_EC2_METADATA_DISABLED", "true");
    let text = world.ok(&["build", "permissions", "start", "--project", "web", "--offline"]);
    let line = text.lines().find(|line| line.contains("codebuild:StartBuild")).unwrap();
    assert!(line.contains("arn:aws:codebuild:*:*:project/web") && line.ends_with("start a build"), "{text}");
    let value = world.with("AWS_REGION", REGION).json(&["build", "permissions", "--batch", "--json"]);
    let rows = value["permissions"].as_array().unwrap();
    assert!(rows.iter().any(|row| row["action"] == "codebuild:StartBuildBatch"));
    assert!(rows.iter().all(|row| row.get("allowed").is_none()));
    assert_eq!((&value["account"], &value["caller"]), (&json!("*"), &json!(null)));
}

#[test]
fn the_project_decides_what_is_listed() {
    let world = World::new().with("AWS_REGION", REGION);
    assert!(!world.ok(&["build", "permissions"]).contains("s3:"));
    world.write(
        "toolkit.toml",
        "[source]\nmirror = \"s3://builds/tools\"\n[pipeline.codebuild]\nproject = \"web-ci\"\n",
    );
    let world = world.with("TOOLKIT_MIRROR", "");
    let text = world.ok(&["build", "permissions"]);
    for expected in
        ["mirror sync  ", "s3:PutObject", "arn:aws:s3:::builds/tools/*", "s3:ListBucket", ":project/web-ci  "]
    {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    let text = World::new().fails(2, &["build", "permissions", "sync"]);
    assert!(text.contains("needs AWS only for a mirror in S3") && text.contains("--mirror s3://"), "{text}");
}

#[test]
fn the_policy_is_valid_small_and_of_the_account() {
    let front = aws(SESSION, |_| refused(400, "Unexpected", "nobody simulates for a policy"));
    let arguments = ["build", "permissions", "follow", "compare", "--project", "web", "--policy"];
    let policy: Value = serde_json::from_str(&world(&front).ok(&arguments)).unwrap();
    let project = "arn:aws:codebuild:eu-west-1:111122223333:project/web";
    assert_eq!(
        policy,
        json!({
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": ["codebuild:BatchGetBuilds", "codebuild:ListBuildsForProject"],
                    "Resource": project,
                },
                {
                    "Effect": "Allow",
                    "Action": "logs:GetLogEvents",
                    "Resource": "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/codebuild/web:log-stream:*",
                },
            ],
        })
    );
    let run = World::new().with("AWS_EC2_METADATA_DISABLED", "true").run(&arguments);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(run.stdout.contains("arn:aws:codebuild:*:*:project/web"), "{}", run.stdout);
    assert!(run.stderr.contains("the account is unknown"), "{}", run.stderr);
}

#[test]
fn iam_is_asked_by_the_role_of_the_session_and_all_is_allowed() {
    let front = aws(SESSION, |asked| {
        assert_eq!(asked["PolicySourceArn"], ROLE);
        assert_eq!(asked["Version"], "2010-05-08");
        decisions(asked, |_| decided("allowed"))
    });
    let run = world(&front).run(&["build", "permissions", "--project", "web", "--check"]);
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    assert!(run.stderr.contains("asked IAM about arn:aws:sts::"), "{}", run.stderr);
    assert!(run.stdout.lines().skip(1).all(|line| line.contains("  yes  ")), "{}", run.stdout);
    // One question for the caller, and one for each resource: the project and its log.
    assert_eq!(front.seen().len(), 3);
}

#[test]
fn what_is_denied_is_named_with_the_statement_that_helps() {
    let front = aws(SESSION, |asked| {
        decisions(asked, |action| match action {
            "codebuild:StartBuild" => decided("implicitDeny"),
            "codebuild:BatchGetProjects" => decided("explicitDeny"),
            "codebuild:StopBuild" => {
                decided("implicitDeny") + "<MissingContextValues><member>aws:SourceIp</member></MissingContextValues>"
            }
            _ => decided("allowed"),
        })
    });
    let world = world(&front);
    let arguments = ["build", "permissions", "start", "stop", "--project", "web", "--check"];
    let run = world.run(&arguments);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    for expected in [
        "missing; add to the policy",
        "\"Action\": \"codebuild:StartBuild\"",
        "a policy denies codebuild:BatchGetProjects on arn:aws:codebuild:eu-west-1:111122223333:project/web explicitly",
        "unknown: codebuild:StopBuild on arn:aws:codebuild:eu-west-1:111122223333:project/web: it depends on aws:SourceIp",
    ] {
        assert!(run.stderr.contains(expected), "{expected}: {}", run.stderr);
    }
    let run = world.run(&[&arguments[..], &["--json"]].concat());
    assert_eq!(run.code, Some(1));
    let answers = allowed(&serde_json::from_str(&run.stdout).unwrap());
    let expected = [
        ("codebuild:BatchGetBuilds", "yes"),
        ("codebuild:BatchGetProjects", "no, explicitly"),
        ("codebuild:StartBuild", "no"),
        ("codebuild:StopBuild", "unknown"),
    ];
    assert_eq!(answers, expected.map(|(action, answer)| (action.to_owned(), answer.to_owned())).into());
}

#[test]
fn a_role_with_a_path_is_looked_up() {
    let path = "arn:aws:iam::111122223333:role/teams/ci";
    let front = aws(SESSION, move |asked| match (asked["Action"].as_str(), asked.get("PolicySourceArn")) {
        ("GetRole", _) => {
            assert_eq!(asked["RoleName"], "ci");
            xml(200, &format!("<R><GetRoleResult><Role><Arn>{path}</Arn></Role></GetRoleResult></R>"))
        }
        (_, Some(arn)) if arn == path => decisions(asked, |_| decided("allowed")),
        _ => refused(404, "NoSuchEntity", "The role cannot be found."),
    });
    let run = world(&front).run(&["build", "permissions", "start", "--project", "web", "--check"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(run.stdout.contains("  yes  "), "{}", run.stdout);
}

#[test]
fn where_iam_may_not_be_asked_harmless_questions_answer() {
    for arn in [SESSION, "arn:aws:iam::111122223333:root"] {
        let front = aws(arn, |_| {
            refused(
                403,
                "AccessDenied",
                "User: x is not authorized to perform: iam:SimulatePrincipalPolicy on resource: y",
            )
        });
        let fake = CodeBuild::new();
        let id = fake.past(Script::succeeding("web"));
        fake.fail("ListBuildsForProject", Failure::AccessDenied, 1);
        let world = with_aws(fake.world(), &front);
        let run = world.run(&["build", "permissions", "--project", "web", "--check", "--json"]);
        assert_eq!(run.code, Some(1), "{}", run.stderr);
        let value: Value = serde_json::from_str(&run.stdout).unwrap();
        assert!(value["checked_by"].as_str().unwrap().ends_with("sent harmless requests instead"), "{value}");
        let answers = allowed(&value);
        for (action, expected) in [
            ("codebuild:BatchGetBuilds", "yes"),
            ("codebuild:BatchGetProjects", "yes"),
            ("codebuild:ListBuildsForProject", "no"),
            ("logs:GetLogEvents", "yes"),
            ("codebuild:StartBuild", "unknown"),
            ("codebuild:StopBuild", "unknown"),
        ] {
            assert_eq!(answers[action], expected, "{action}");
        }
        for operation in ["StartBuild", "StopBuild"] {
            assert_eq!(fake.count(operation), 0, "{operation} is not harmless");
        }
        assert_eq!(fake.ids(), [id]);
    }
}

#[test]
fn without_a_project_what_cannot_be_asked_of_all_of_them_stays_unknown() {
    let front = aws(SESSION, |_| refused(403, "AccessDenied", ""));
    let fake = CodeBuild::new();
    let run = with_aws(fake.world(), &front).run(&["build", "permissions", "list", "--check"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(run.stderr.contains("unknown: codebuild:BatchGetBuilds on"), "{}", run.stderr);
    assert!(run.stderr.contains("name the project: `--project`"), "{}", run.stderr);
    assert_eq!((fake.count("ListBuilds"), fake.count("BatchGetBuilds")), (1, 0));
}

#[test]
fn nobody_is_checked_without_credentials_or_with_wrong_ones() {
    let world_without = World::new().with("AWS_REGION", REGION).with("AWS_EC2_METADATA_DISABLED", "true");
    let text = world_without.fails(5, &["build", "permissions", "--check"]);
    assert!(text.contains("no AWS credentials were found"), "{text}");
    let front = Front::answering(|_, _| refused(403, "InvalidClientTokenId", "The security token is invalid."));
    let text = world(&front).fails(3, &["build", "permissions", "--check"]);
    assert!(text.contains("STS rejects the AWS credentials (InvalidClientTokenId)"), "{text}");
    let front = Front::answering(|_, _| xml(200, "<html>log in</html>"));
    let text = world(&front).fails(3, &["build", "permissions", "--check"]);
    assert!(text.contains("STS sent an unexpected response"), "{text}");
}
