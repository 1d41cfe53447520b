//! What sources of credentials for registries do.

use std::time::Duration;

use toolkit::aws::{self, Need};
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
            [asking("ghcr.io", Error::FileUnreadable { path: DOCKER.into(), source: denied().into() })],
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
    let need = Need::new("ecr:GetAuthorizationToken", "*");
    let denied = aws::Error::Denied { need, source: None, explicit: None };
    let not_built = aws::Error::NotBuilt { what: text("a registry of Amazon ECR") };
    vec![section("oci::Error::Amazon", [asking(ECR, denied.into()), asking(ECR, not_built.into())])]
}
