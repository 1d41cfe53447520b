//! What S3 refuses, as a mirror and as what is written to.

use toolkit::aws::{Error, Need, Refusal, Service, classify};
use toolkit::net;

use super::examples::{Section, downloading, section, text};

const OBJECT: &str = "https://builds.s3.eu-west-1.amazonaws.com/tools/dl.google.com/go/go1.27.3.linux-arm64.tar.gz";

pub fn sections() -> Vec<Section> {
    let explained = |cause| downloading(net::Error::explained(&OBJECT.parse().unwrap(), 403, cause));
    let anonymous = |configured| Error::Anonymous { need: need("s3:GetObject"), configured, source: None };
    vec![
        section(
            "net::Error::Explained",
            [
                explained(judge("AccessDenied", "Access Denied")),
                explained(judge("InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist")),
                explained(anonymous(false)),
            ],
        ),
        section(
            "net::Error::Unlocated",
            [downloading(net::Error::unlocated("s3://builds/tools", Error::NoRegion { service: "S3" }))],
        ),
        section("aws::Error::Anonymous", [anonymous(true).into()]),
        section("aws::Error::Condition", [Error::Condition { what: text("an object of s3://builds/tools") }.into()]),
    ]
}

fn need(action: &str) -> Need {
    Need::new(action, "arn:aws:s3:::builds/tools/*")
}

fn judge(code: &str, message: &str) -> Error {
    let refusal = Refusal { status: 403, code, message, attempts: 1 };
    classify(Service::S3, &need("s3:GetObject"), "s3://builds/tools", refusal)
}
