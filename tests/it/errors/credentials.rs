//! What sources of credentials for registries do.

use std::time::Duration;

use toolkit::net::{self, Fault};
use toolkit::oci::Error as Registry;
use toolkit::oci::credentials::Error;

use super::examples::{Example, Section, denied, section, text};

const ECR: &str = "111122223333.dkr.ecr.eu-central-1.amazonaws.com";
const DOCKER: &str = "/root/.docker/config.json";

pub fn sections() -> Vec<Section> {
    let wrapped = Error::HelperAnswer { program: text("docker-credential-pass"), server: text("ghcr.io") };
    let wrapped = section("oci::Error::Credentials", [asking("ghcr.io", wrapped)]);
    std::iter::once(wrapped).chain([files(), helpers(), amazon()].into_iter().flatten()).collect()
}

/// Wraps the error as registries do.
fn asking(registry: &str, source: Error) -> Example {
    Registry::Credentials { registry: text(registry), source }.into()
}

fn files() -> Vec<Section> {
    let entry = |reason| Error::EntryBroken { file: text(DOCKER), key: text("https://index.docker.io/v1/"), reason };
    vec![
        section(
            "oci::Error::FileUnreadable",
            [asking("ghcr.io", Error::FileUnreadable { path: DOCKER.into(), source: denied() })],
        ),
        section(
            "oci::Error::FileTooLarge",
            [asking("ghcr.io", Error::FileTooLarge { path: "/builds/image.tar".into(), limit: 1 << 20 })],
        ),
        section(
            "oci::Error::FileBroken",
            [
                asking("ghcr.io", Error::FileBroken { file: text(DOCKER), line: 4, column: 17 }),
                asking("ghcr.io", Error::FileBroken { file: text("DOCKER_AUTH_CONFIG"), line: 1, column: 1 }),
            ],
        ),
        section("oci::Error::EntryBroken", [asking("docker.io", entry("has an `auth` that is not base64"))]),
    ]
}

fn helpers() -> Vec<Section> {
    let (file, setting) = (|| text(DOCKER), "credsStore");
    let (program, server) = (|| text("docker-credential-pass"), || text("ghcr.io"));
    let failed = |reason: &str| Error::HelperFailed { program: program(), server: server(), reason: text(reason) };
    let slow = Error::HelperTooSlow { program: program(), server: server(), limit: Duration::from_secs(15) };
    let loud = Error::HelperTooLoud { program: program(), server: server(), limit: 256 << 10 };
    let name = Error::HelperName { file: file(), setting: "credHelpers", name: text("../../bin/sh") };
    let missing = Error::HelperMissing { file: file(), setting, program: text("docker-credential-desktop") };
    vec![
        section("oci::Error::HelperName", [asking("ghcr.io", name)]),
        section("oci::Error::HelperMissing", [asking("ghcr.io", missing)]),
        section(
            "oci::Error::HelperNotRun",
            [asking("ghcr.io", Error::HelperNotRun { program: program(), source: denied() })],
        ),
        section("oci::Error::HelperTooSlow", [asking("ghcr.io", slow)]),
        section("oci::Error::HelperTooLoud", [asking("ghcr.io", loud)]),
        section(
            "oci::Error::HelperFailed",
            [asking("ghcr.io", failed("pass not initialized: exit status 1 (exit status: 1)"))],
        ),
        section(
            "oci::Error::HelperAnswer",
            [asking("ghcr.io", Error::HelperAnswer { program: program(), server: server() })],
        ),
    ]
}

fn amazon() -> Vec<Section> {
    let broken = |reason: &str| Error::AwsBroken { reason: text(reason) };
    let action = "ecr:GetAuthorizationToken";
    let said = "User: arn:aws:sts::111122223333:assumed-role/build/x is not authorized to perform: \
                ecr:GetAuthorizationToken";
    let unreachable = net::Error::GaveUp {
        url: text("https://api.ecr.eu-central-1.amazonaws.com/"),
        attempts: 4,
        spent: Duration::from_secs(47),
        received: 0,
        length: None,
        source: Box::new(Fault::Unreachable {
            host: text("api.ecr.eu-central-1.amazonaws.com"),
            reason: text("no answer within 10 s"),
        }),
    };
    let code = text("UnrecognizedClientException");
    vec![
        section("oci::Error::EcrNotBuilt", [asking(ECR, Error::EcrNotBuilt)]),
        section("oci::Error::AwsMissing", [asking(ECR, Error::AwsMissing)]),
        section(
            "oci::Error::AwsBroken",
            [
                asking(ECR, broken("could not find source profile `base` referenced from `build`")),
                asking(ECR, broken("the `credential_process` of the profile failed")),
            ],
        ),
        section("oci::Error::AwsExpired", [asking(ECR, Error::AwsExpired)]),
        section("oci::Error::AwsRefused", [asking(ECR, Error::AwsRefused { code })]),
        section(
            "oci::Error::EcrDenied",
            [
                asking(ECR, Error::EcrDenied { action, said: text(said) }),
                asking(ECR, Error::EcrDenied { action, said: String::new() }),
            ],
        ),
        section("oci::Error::EcrAddress", [asking(ECR, Error::EcrAddress { variable: "AWS_ENDPOINT_URL_ECR" })]),
        section("oci::Error::EcrUnreachable", [asking(ECR, Error::EcrUnreachable { source: Box::new(unreachable) })]),
        section("oci::Error::EcrAnswer", [asking(ECR, Error::EcrAnswer { reason: text("it holds no token") })]),
    ]
}
