//! What AWS refuses.

use std::time::Duration;

use toolkit::aws::{Error, Need, Refusal, Service, classify};
use toolkit::net::{self, Fault};

use super::examples::{Example, Section, section, text};

pub fn sections() -> Vec<Section> {
    [credentials(), permissions(), answers()].into_iter().flatten().collect()
}

fn credentials() -> Vec<Section> {
    let broken = |reason: &str| Error::BrokenCredentials { reason: text(reason) };
    vec![
        section("aws::Error::NotBuilt", [Error::NotBuilt { what: text("a mirror in S3") }.into()]),
        section("aws::Error::NotAllowed", [Error::NotAllowed { mirror: text("s3://builds/tools") }.into()]),
        section("aws::Error::NoCredentials", [Error::NoCredentials { service: "CodeBuild" }.into()]),
        section(
            "aws::Error::BrokenCredentials",
            [
                broken("could not find source profile `base` referenced from `build`").into(),
                broken("the `credential_process` of the profile failed").into(),
            ],
        ),
        section("aws::Error::ExpiredCredentials", [judge("ExpiredTokenException", "").into()]),
        section("aws::Error::RefusedCredentials", [judge("UnrecognizedClientException", "").into()]),
        section("aws::Error::Clock", [judge("RequestTimeTooSkewed", "").into()]),
        section("aws::Error::NoRegion", [Error::NoRegion { service: "CodeBuild" }.into()]),
        section("aws::Error::BadRegion", [Error::BadRegion { text: text("EU West (Ireland)") }.into()]),
        section("aws::Error::Address", [Error::Address { variable: text("AWS_ENDPOINT_URL_CODEBUILD") }.into()]),
    ]
}

fn permissions() -> Vec<Section> {
    let user = "User: arn:aws:sts::111122223333:assumed-role/ci/x is not authorized to perform:";
    let project = "arn:aws:codebuild:eu-west-1:111122223333:project/web";
    let denied = |end: &str| -> Example {
        judge("AccessDeniedException", &format!("{user} codebuild:StartBuild on resource: {project} {end}")).into()
    };
    let key =
        format!("{user} kms:Decrypt on resource: arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab because no");
    vec![
        section(
            "aws::Error::Denied",
            [
                denied("because no identity-based policy allows the codebuild:StartBuild action"),
                denied("with an explicit deny in a service control policy"),
                judge("AccessDenied", "").into(),
            ],
        ),
        section("aws::AwsMessage", [denied("because no identity-based policy allows it")]),
        section("aws::Error::KeyDenied", [judge("AccessDenied", &key).into()]),
    ]
}

fn answers() -> Vec<Section> {
    let other = |right: Option<&str>| Error::OtherRegion {
        what: text("the bucket `builds`"),
        region: text("us-east-1"),
        right: right.map(text),
    };
    let unreachable = net::Error::GaveUp {
        url: text("https://codebuild.eu-west-1.amazonaws.com/"),
        attempts: 4,
        spent: Duration::from_secs(47),
        received: 0,
        length: None,
        source: Box::new(Fault::Unreachable {
            host: text("codebuild.eu-west-1.amazonaws.com"),
            reason: text("no answer within 10 s"),
        }),
    };
    vec![
        section("aws::Error::OtherRegion", [other(Some("eu-west-1")).into(), other(None).into()]),
        section("aws::Error::Throttled", [judge("ThrottlingException", "Rate exceeded").into()]),
        section(
            "aws::Error::Quota",
            [judge("AccountLimitExceededException", "Cannot have more than 60 builds in queue for the account").into()],
        ),
        section(
            "aws::Error::Missing",
            [judge("ResourceNotFoundException", "Project cannot be found: arn:aws:codebuild:eu-west-1:1:project/web")
                .into()],
        ),
        section(
            "aws::Error::Invalid",
            [judge("InvalidInputException", "Build timeout must be between 5 and 2160").into()],
        ),
        section(
            "aws::Error::Unreachable",
            [Error::Unreachable { service: "CodeBuild", source: Box::new(unreachable) }.into()],
        ),
        section(
            "aws::Error::Answer",
            [Error::Answer { service: "CodeBuild", reason: text("it holds no build") }.into(), judge("", "").into()],
        ),
    ]
}

fn judge(code: &str, message: &str) -> Error {
    let need = Need::new("codebuild:StartBuild", "arn:aws:codebuild:eu-west-1:*:project/web");
    let status = if code.is_empty() { 502 } else { 400 };
    classify(Service::CODEBUILD, &need, "the project `web`", Refusal { status, code, message, attempts: 4 })
}
