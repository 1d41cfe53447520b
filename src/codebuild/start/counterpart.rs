//! What answers a machine or an image on the other architecture.

/// Environment types of amd64 and arm64 that are the same otherwise
/// (<https://docs.aws.amazon.com/codebuild/latest/APIReference/API_ProjectEnvironment.html>).
const KINDS: &[(&str, &str)] = &[
    ("LINUX_CONTAINER", "ARM_CONTAINER"),
    ("LINUX_LAMBDA_CONTAINER", "ARM_LAMBDA_CONTAINER"),
    ("LINUX_EC2", "ARM_EC2"),
];

/// Images of the same age with the same runtimes
/// (<https://github.com/aws/aws-codebuild-docker-images>, state of 2026-04-09). Ubuntu has none for arm64, and Amazon Linux
/// 2023 stands in.
const IMAGES: &[(&str, &str)] = &[
    ("amazonlinux-x86_64-standard:6.0", "amazonlinux-aarch64-standard:4.0"),
    ("amazonlinux-x86_64-standard:5.0", "amazonlinux-aarch64-standard:3.0"),
    ("standard:8.0", "amazonlinux-aarch64-standard:4.0"),
    ("standard:7.0", "amazonlinux-aarch64-standard:3.0"),
];

/// Where images of AWS lie.
const PLACES: &[&str] = &["aws/codebuild/", "public.ecr.aws/codebuild/"];

/// Returns the environment type of an architecture that answers another one.
pub(super) fn kind(kind: &str, arch: &str) -> Option<&'static str> {
    let (amd64, arm64) = KINDS.iter().find(|(amd64, arm64)| *amd64 == kind || *arm64 == kind)?;
    match arch {
        "amd64" => Some(amd64),
        "arm64" => Some(arm64),
        _ => None,
    }
}

/// An image on the other architecture.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Sister {
    /// This one.
    Named(String),
    /// This one, which is of another distribution.
    OtherSystem(String),
    /// None is known.
    Unknown,
    /// Nobody knows from its name: it is not of AWS, and may well be for both.
    Foreign,
}

/// Returns the image of an architecture that answers one of the other.
pub(super) fn image(image: &str, arch: &str) -> Sister {
    let Some(place) = PLACES.iter().find(|place| image.starts_with(**place)) else { return Sister::Foreign };
    let id = &image[place.len()..];
    // AWS replaces the images behind these tags in place; a dated one has no sister of the same date.
    if let Some((name, tag)) = id.split_once("-lambda-standard:") {
        let sister = match (name, arch) {
            ("amazonlinux-x86_64", "arm64") => "amazonlinux-aarch64",
            ("amazonlinux-aarch64", "amd64") => "amazonlinux-x86_64",
            _ => return Sister::Unknown,
        };
        return Sister::Named(format!("{place}{sister}-lambda-standard:{tag}"));
    }
    let found = match arch {
        "arm64" => IMAGES.iter().find(|(amd64, _)| *amd64 == id).map(|(_, arm64)| *arm64),
        _ => IMAGES.iter().find(|(_, arm64)| *arm64 == id).map(|(amd64, _)| *amd64),
    };
    match found {
        Some(sister) if id.starts_with("standard:") => Sister::OtherSystem(format!("{place}{sister}")),
        Some(sister) => Sister::Named(format!("{place}{sister}")),
        None => Sister::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::buildspec::images::{arch_of, curated, environment_type};

    #[test]
    fn sisters_are_curated_and_of_their_architectures() {
        for (amd64, arm64) in IMAGES {
            for (id, arch) in [(amd64, "amd64"), (arm64, "arm64")] {
                let image = format!("aws/codebuild/{id}");
                assert_eq!(curated(&image).unwrap().arch, arch);
                assert_eq!(arch_of(&image), Some(arch));
            }
            let line = |id: &str| curated(&format!("aws/codebuild/{id}")).unwrap().global_json_line;
            assert_eq!(line(amd64), line(arm64));
        }
        for (amd64, arm64) in KINDS {
            let (amd64, arm64) = (environment_type(amd64).unwrap(), environment_type(arm64).unwrap());
            assert_eq!((amd64.arch, arm64.arch, amd64.lambda), ("amd64", "arm64", arm64.lambda));
        }
    }

    #[test]
    fn each_image_has_a_sister_or_says_why_not() {
        let named = |text: &str| Sister::Named(text.to_owned());
        for (from, arch, expected) in [
            (
                "aws/codebuild/amazonlinux-x86_64-standard:5.0",
                "arm64",
                named("aws/codebuild/amazonlinux-aarch64-standard:3.0"),
            ),
            (
                "aws/codebuild/amazonlinux-aarch64-standard:4.0",
                "amd64",
                named("aws/codebuild/amazonlinux-x86_64-standard:6.0"),
            ),
            (
                "aws/codebuild/standard:7.0",
                "arm64",
                Sister::OtherSystem("aws/codebuild/amazonlinux-aarch64-standard:3.0".to_owned()),
            ),
            (
                "aws/codebuild/amazonlinux-x86_64-lambda-standard:go1.24",
                "arm64",
                named("aws/codebuild/amazonlinux-aarch64-lambda-standard:go1.24"),
            ),
            (
                "public.ecr.aws/codebuild/amazonlinux-aarch64-standard:3.0",
                "amd64",
                named("public.ecr.aws/codebuild/amazonlinux-x86_64-standard:5.0"),
            ),
            ("aws/codebuild/standard:5.0", "arm64", Sister::Unknown),
            ("aws/codebuild/windows-base:2022-1.0", "arm64", Sister::Unknown),
            ("golang:1.27", "arm64", Sister::Foreign),
            ("111122223333.dkr.ecr.eu-west-1.amazonaws.com/ci:1", "amd64", Sister::Foreign),
        ] {
            assert_eq!(image(from, arch), expected, "{from}");
        }
    }
}
