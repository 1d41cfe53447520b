//! What stands between images and their index.

use toolkit::fs::FileError;
use toolkit::image::ReadError;
use toolkit::image::index::{CopyFault, IndexError};
use toolkit::image::inspect::InspectError;
use toolkit::model::{Digest, ImagePlatform, Reference};
use toolkit::oci::{self, LayoutError};

use super::examples::{Example, GO_FILE, Section, absent, denied, failing, section, text};

const ARM64: &str = "ghcr.io/example/shop:1.2-arm64";
const SHOP: &str = "ghcr.io/example/shop";

fn digest(digit: &str) -> Digest {
    format!("sha256:{}", digit.repeat(64)).parse().unwrap()
}

fn platform(text: &str) -> ImagePlatform {
    text.parse().unwrap()
}

pub fn sections() -> Vec<Section> {
    [names(), images(), pushes(), layouts()].into_iter().flatten().collect()
}

fn names() -> Vec<Section> {
    let name: Example = IndexError::from("ghcr.io/Example/shop".parse::<Reference>().unwrap_err()).into();
    vec![
        section("model::BadReference", [name_as_it_is()]),
        section("image::IndexError::BadName", [name]),
        section(
            "image::IndexError::BadChild",
            [IndexError::BadChild { text: text(ARM64), reason: text("expected PLATFORM=IMAGE") }.into()],
        ),
        section(
            "image::IndexError::DigestFile",
            [IndexError::DigestFile { path: "digests/arm64.digest".into(), source: absent().into() }.into()],
        ),
        section(
            "image::IndexError::BadDigestFile",
            [IndexError::BadDigestFile {
                path: "digests/arm64.digest".into(),
                line: 1,
                reason: text("the file is empty"),
            }
            .into()],
        ),
        section("image::IndexError::NoTag", [IndexError::NoTag.into()]),
        section(
            "image::IndexError::TagWithDigest",
            [IndexError::TagWithDigest { tag: format!("{SHOP}@{}", digest("a")) }.into()],
        ),
        section(
            "image::IndexError::TagsApart",
            [IndexError::TagsApart { first: text(SHOP), other: text("ghcr.io/example/store") }.into()],
        ),
        section("image::IndexError::NoImages", [IndexError::NoImages.into()]),
    ]
}

/// As a command shows it that reads one name.
fn name_as_it_is() -> Example {
    let mut example: Example = IndexError::from("localhost:99999/shop".parse::<Reference>().unwrap_err()).into();
    example.debug = None;
    example
}

fn images() -> Vec<Section> {
    let wrong = |claimed: &str, by: &str| IndexError::WrongPlatform {
        name: text(ARM64),
        found: platform("linux/amd64"),
        claimed: text(claimed),
        by: text(by),
    };
    let twice = |second: &str, same| IndexError::Twice {
        platform: platform("linux/amd64"),
        first: text("ghcr.io/example/shop:1.2-amd64"),
        second: text(second),
        same,
    };
    let known = || vec![platform("linux/amd64"), platform("linux/s390x")];
    let missing = |found| IndexError::Missing { missing: vec![platform("linux/arm64")], found };
    let several = InspectError::NoPlatform {
        name: text("docker.io/library/debian:13"),
        platform: platform("linux/mips"),
        known: vec![text("linux/amd64"), text("linux/arm64")],
    };
    vec![
        section(
            "image::IndexError::EmptyIndex",
            [IndexError::EmptyIndex { name: text("ghcr.io/example/shop:1.2") }.into()],
        ),
        section(
            "image::IndexError::TooDeep",
            [IndexError::TooDeep { name: text("ghcr.io/example/shop:1.2"), levels: 4 }.into()],
        ),
        section(
            "image::IndexError::NotAnImage",
            [IndexError::NotAnImage {
                name: text("ghcr.io/example/chart:1.2"),
                kind: text("application/vnd.cncf.helm.config.v1+json"),
            }
            .into()],
        ),
        section("image::IndexError::NoPlatform", [IndexError::NoPlatform { name: text(ARM64) }.into()]),
        section(
            "image::IndexError::WrongPlatform",
            [wrong("arm64", "its name").into(), wrong("linux/arm64", "--child").into()],
        ),
        section(
            "image::IndexError::NotInIndex",
            [IndexError::NotInIndex {
                name: text("ghcr.io/example/shop:1.2"),
                platform: platform("linux/arm64"),
                known: known(),
            }
            .into()],
        ),
        section(
            "image::IndexError::Twice",
            [twice("oci:build/amd64", false).into(), twice("ghcr.io/example/shop:1.2-amd64", true).into()],
        ),
        section("image::IndexError::Missing", [missing(known()).into()]),
        section("image::IndexError::MixedFormats", [IndexError::MixedFormats { name: text(ARM64) }.into()]),
        section("image::IndexError::NoAnnotations", [IndexError::NoAnnotations.into()]),
        section("image::InspectError::Read", [InspectError::Read(unknown(None)).into()]),
        section("image::InspectError::NoPlatform", [several.into()]),
        section("image::IndexError::Read", [IndexError::Read(unknown(Some("ghcr.io/example/shop:1.2-arm64"))).into()]),
        section("image::ReadError::Absent", [unknown(None).into()]),
        section(
            "image::ReadError::TooMany",
            [ReadError::TooMany { name: text("ghcr.io/example/shop:1.2"), limit: 256 }.into()],
        ),
        section(
            "image::ReadError::Registry",
            [ReadError::Registry(refused(404, "NAME_UNKNOWN: repository name not known to registry")).into()],
        ),
        section("image::ReadError::Layout", [ReadError::Layout(several_images()).into()]),
    ]
}

fn unknown(near: Option<&str>) -> ReadError {
    ReadError::Absent { name: text("ghcr.io/example/shop:1.2-amr64"), near: near.map(str::to_owned) }
}

fn refused(status: u16, message: &str) -> oci::Error {
    oci::Error::Answer {
        registry: text("ghcr.io"),
        action: "push",
        what: text("ghcr.io/example/shop:1.2"),
        status,
        message: text(message),
    }
}

fn pushes() -> Vec<Section> {
    let copy = |source: CopyFault| IndexError::Copy {
        name: text("oci:build/arm64"),
        target: text(SHOP),
        source: Box::new(source),
    };
    let shown = |source: CopyFault| Example::from(copy(source));
    let refusal = "TAG_INVALID: The image tag '1.2' already exists";
    let push = |moved: &[&str], source| IndexError::Push {
        name: text("ghcr.io/example/shop:latest"),
        moved: moved.iter().map(|tag| text(tag)).collect(),
        source,
    };
    let timeout = toolkit::ingest::Error::Net {
        file: text(GO_FILE),
        source: toolkit::net::Error::Html { url: text("https://ghcr.io/v2/example/shop/blobs/sha256:0df0") },
    };
    vec![
        section("image::IndexError::Copy", [shown(refused(405, "UNSUPPORTED: The operation is unsupported").into())]),
        section("image::CopyFault::Registry", [shown(refused(500, "").into())]),
        section("image::CopyFault::Layout", [shown(damaged().into())]),
        section("image::CopyFault::Download", [shown(timeout.into())]),
        section(
            "image::CopyFault::Store",
            [shown(toolkit::store::Error::NotEmpty { path: "/opt/toolkit/copying".into() }.into())],
        ),
        section(
            "image::IndexError::Push",
            [
                push(&[], refused(400, "MANIFEST_INVALID: manifest invalid")).into(),
                push(&["1.2"], refused(404, "NAME_UNKNOWN: repository name not known to registry")).into(),
            ],
        ),
        section(
            "image::IndexError::Immutable",
            [IndexError::Immutable {
                name: text("ghcr.io/example/shop:1.2"),
                digest: digest("a"),
                moved: vec![text("latest")],
                source: refused(400, refusal),
            }
            .into()],
        ),
        section(
            "image::IndexError::ReadBack",
            [IndexError::ReadBack {
                name: text("ghcr.io/example/shop:1.2"),
                pushed: digest("a"),
                found: digest("b").to_string(),
            }
            .into()],
        ),
    ]
}

fn several_images() -> LayoutError {
    LayoutError::Several { folder: "build/all".into(), count: 2, known: vec![text("1.2-amd64"), text("1.2-arm64")] }
}

fn damaged() -> LayoutError {
    let path = format!("build/arm64/blobs/sha256/{}", digest("a").hex()).into();
    LayoutError::Mismatch { path, received: format!("{} (1000 bytes)", digest("b")) }
}

fn layouts() -> Vec<Section> {
    let path = || "build/arm64/index.json";
    vec![
        section(
            "oci::LayoutError::NotOne",
            [LayoutError::NotOne { folder: "build/arm64".into(), reason: text("it has no file `oci-layout`") }.into()],
        ),
        section(
            "oci::LayoutError::Unknown",
            [
                LayoutError::Unknown { folder: "build/all".into(), name: text("1.2"), known: vec![text("1.2-amd64")] }
                    .into(),
                LayoutError::Unknown { folder: "build/all".into(), name: text("1.2"), known: Vec::new() }.into(),
            ],
        ),
        section("oci::LayoutError::Several", [several_images().into()]),
        section(
            "oci::LayoutError::Read",
            [
                LayoutError::from(FileError::new("read", path(), denied())).into(),
                LayoutError::from(FileError::new("read", path(), failing())).into(),
            ],
        ),
        section("oci::LayoutError::Mismatch", [damaged().into()]),
    ]
}
