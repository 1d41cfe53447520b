//! What registries of container images do.

use std::time::Duration;

use toolkit::net;
use toolkit::oci::Error;

use super::examples::{Example, Section, section, text};

const IMAGE: &str = "ghcr.io/example/shop:1.2-arm64";
const HUB: &str = "docker.io";

pub fn sections() -> Vec<Section> {
    let digest = |digit: &str| format!("sha256:{}", digit.repeat(64));
    let reading = |source| Error::Net { action: "read", what: text(IMAGE), source };
    let url = "https://registry-1.docker.io/v2/library/debian/manifests/13".parse().unwrap();
    let challenge = |reason: &str| Error::Challenge { registry: text("registry.example.com"), reason: text(reason) };
    let denied = |message: &str, asked_as: &str| Error::Denied {
        registry: text("ghcr.io"),
        action: "write",
        what: text(IMAGE),
        asked_as: text(asked_as),
        message: text(message),
    };
    vec![
        section(
            "oci::Error::Net",
            [
                Example::from(reading(net::Error::Offline {
                    url: text("https://ghcr.io/v2/example/shop/manifests/1.2"),
                })),
                Example::from(Error::Net {
                    action: "read",
                    what: text("docker.io/library/debian:13"),
                    source: net::Error::ComeBackLater {
                        url: text("https://registry-1.docker.io/v2/library/debian/manifests/13"),
                        status: 429,
                        wait: Duration::from_secs(5400),
                    },
                }),
            ],
        ),
        section(
            "oci::Error::Denied",
            [
                Example::from(denied(
                    "DENIED: permission_denied: write_package",
                    "with the credentials of /root/.docker/config.json",
                )),
                Example::from(denied("", "anonymously, because no credentials were found")),
            ],
        ),
        section(
            "oci::Error::Answer",
            [Example::from(Error::Answer {
                registry: text("123456789012.dkr.ecr.eu-west-1.amazonaws.com"),
                action: "write",
                what: text("123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop:1.2"),
                status: 400,
                message: text("TAG_INVALID: The image tag '1.2' already exists and cannot be overwritten"),
            })],
        ),
        section(
            "oci::Error::Mismatch",
            [Example::from(Error::Mismatch {
                registry: text(HUB),
                what: text("docker.io/library/debian:13"),
                expected: digest("a"),
                received: digest("b"),
            })],
        ),
        section(
            "oci::Error::Document",
            [Example::from(Error::Document {
                what: text(IMAGE),
                reason: text("its schemaVersion is not 2; images from Docker before 1.10 must be pushed again"),
            })],
        ),
        section(
            "oci::Error::Challenge",
            [Example::from(challenge("its token service http://auth.example.com/token does not use https"))],
        ),
        section(
            "net::Error::Authorization",
            [Example::from(reading(net::Error::authorization(&url, challenge("it names no token service"))))],
        ),
    ]
}
