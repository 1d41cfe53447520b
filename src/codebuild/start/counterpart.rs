//! The counterparts of machines and images on the other architecture.

/// Environment types that differ only in their architecture, amd64 and arm64
/// (<https://docs.aws.amazon.com/codebuild/latest/APIReference/API_ProjectEnvironment.html>).
const KINDS: &[(&str, &str)] = &[
    ("LINUX_CONTAINER", "ARM_CONTAINER"),
    ("LINUX_LAMBDA_CONTAINER", "ARM_LAMBDA_CONTAINER"),
    ("LINUX_EC2", "ARM_EC2"),
];

/// Images of the same generation with the same runtimes (<https://github.com/aws/aws-codebuild-docker-images>, state of
/// 2026-04-09). Ubuntu has none for arm64; Amazon Linux 2023 takes its place.
const IMAGES: &[(&str, &str)] = &[
    ("amazonlinux-x86_64-standard:6.0", "amazonlinux-aarch64-standard:4.0"),
    ("amazonlinux-x86_64-standard:5.0", "amazonlinux-aarch64-standard:3.0"),
    ("standard:8.0", "amazonlinux-aarch64-standard:4.0"),
    ("standard:7.0", "amazonlinux-aarch64-standard:3.0"),
];

/// The repositories of AWS's images.
const PLACES: &[&str] = &["aws/codebuild/", "public.ecr.aws/codebuild/"];

/// Returns the corresponding environment type of an architecture.
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
pub(super) enum Counterpart {
    Named(String),
    /// This one, of another distribution.
    OtherSystem(String),
    Unknown,
    /// The image is not from AWS, and may well support both architectures.
    Foreign,
}

/// Returns the corresponding image of an architecture.
pub(super) fn image(image: &str, arch: &str) -> Counterpart {
    let Some(place) = PLACES.iter().find(|place| image.starts_with(**place)) else { return Counterpart::Foreign };
    let id = &image[place.len()..];
    // AWS replaces the images behind these tags in place; a dated image has no counterpart of the same date.
    if let Some((name, tag)) = id.split_once("-lambda-standard:") {
        let counterpart = match (name, arch) {
            ("amazonlinux-x86_64", "arm64") => "amazonlinux-aarch64",
            ("amazonlinux-aarch64", "amd64") => "amazonlinux-x86_64",
            _ => return Counterpart::Unknown,
        };
        return Counterpart::Named(format!("{place}{counterpart}-lambda-standard:{tag}"));
    }
    let found = match arch {
        "arm64" => IMAGES.iter().find(|(amd64, _)| *amd64 == id).map(|(_, arm64)| *arm64),
        _ => IMAGES.iter().find(|(_, arm64)| *arm64 == id).map(|(amd64, _)| *amd64),
    };
    match found {
        Some(counterpart) if id.starts_with("standard:") => Counterpart::OtherSystem(format!("{place}{counterpart}")),
        Some(counterpart) => Counterpart::Named(format!("{place}{counterpart}")),
        None => Counterpart::Unknown,
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
        let named = |text: &str| Counterpart::Named(text.to_owned());
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
                Counterpart::OtherSystem("aws/codebuild/amazonlinux-aarch64-standard:3.0".to_owned()),
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
            ("aws/codebuild/standard:5.0", "arm64", Counterpart::Unknown),
            ("aws/codebuild/windows-base:2022-1.0", "arm64", Counterpart::Unknown),
            ("golang:1.27", "arm64", Counterpart::Foreign),
            ("111122223333.dkr.ecr.eu-west-1.amazonaws.com/ci:1", "amd64", Counterpart::Foreign),
        ] {
            assert_eq!(image(from, arch), expected, "{from}");
        }
    }
}
