//! The images that jobs run in: one table, so that a new version is one line. Names no moving tag where the publisher offers
//! a version.

use super::Error;
use crate::project::pipeline::Pipeline;

/// An image that jobs run in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobImage {
    /// Its key in `[pipeline.images]`.
    pub purpose: &'static str,
    /// The image, which covers amd64 and arm64 under one name.
    pub reference: &'static str,
    /// Where its publisher lists its versions.
    pub source: &'static str,
}

/// Every image, as found on 2026-11-24. Docker's official images come from Amazon's mirror of them, which has no pull
/// limit for machines on AWS (<https://gallery.ecr.aws/docker/library>).
pub const ALL: &[JobImage] = &[
    JobImage {
        purpose: "kaniko",
        // The debug variant has a shell, which GitLab needs. Google's own kaniko was archived in June 2025.
        reference: "ghcr.io/osscontainertools/kaniko:v1.28.5-debug",
        source: "https://github.com/osscontainertools/kaniko/releases",
    },
    JobImage {
        purpose: "buildah",
        reference: "quay.io/buildah/stable:v1.43.1",
        source: "https://quay.io/repository/buildah/stable?tab=tags",
    },
    JobImage {
        purpose: "podman",
        reference: "quay.io/podman/stable:v5.8.4",
        source: "https://quay.io/repository/podman/stable?tab=tags",
    },
    JobImage {
        purpose: "buildkit",
        reference: "docker.io/moby/buildkit:v0.33.0-rootless",
        source: "https://github.com/moby/buildkit/releases",
    },
    JobImage {
        purpose: "docker",
        reference: "public.ecr.aws/docker/library/docker:29.8.2-cli",
        source: "https://hub.docker.com/_/docker",
    },
    JobImage {
        purpose: "dind",
        reference: "public.ecr.aws/docker/library/docker:29.8.2-dind",
        source: "https://hub.docker.com/_/docker",
    },
    JobImage {
        purpose: "steps",
        // What Debian's official language images are built on: curl, tar, git, a C compiler, and ICU for .NET. Its
        // publisher names no versions below the distribution's.
        reference: "public.ecr.aws/docker/library/buildpack-deps:trixie",
        source: "https://hub.docker.com/_/buildpack-deps",
    },
];

/// What `[pipeline.images]` may name in addition to the table: an image that this program cannot know.
const OWN: &[&str] = &["toolkit"];

/// Finds the image for a purpose: the project's own, or the table's.
#[must_use]
pub fn find<'a>(pipeline: &'a Pipeline, purpose: &str) -> Option<&'a str> {
    let known = || ALL.iter().find(|image| image.purpose == purpose).map(|image| image.reference);
    pipeline.images.get(purpose).map(String::as_str).or_else(known)
}

/// Checks that `[pipeline.images]` names nothing unknown: a misspelt purpose would be ignored silently.
///
/// # Errors
/// When it does.
pub fn check(pipeline: &Pipeline, target: &'static str) -> Result<(), Error> {
    let known = || ALL.iter().map(|image| image.purpose).chain(OWN.iter().copied());
    match pipeline.images.iter().find(|(purpose, _)| !known().any(|known| known == purpose.as_str())) {
        None => Ok(()),
        Some((purpose, image)) => Err(Error::Value {
            key: format!("pipeline.images.{purpose}"),
            value: image.clone(),
            target,
            reason: format!("no job has this purpose; expected one of: {}", known().collect::<Vec<_>>().join(", ")),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_image_has_a_version_and_none_is_latest() {
        for image in ALL {
            let (_, tag) = image.reference.rsplit_once(':').unwrap();
            assert!(!tag.contains('/') && !["latest", "stable", "debug", "rootless"].contains(&tag), "{image:?}");
            assert!(image.source.starts_with("https://"), "{image:?}");
        }
    }

    #[test]
    fn the_project_names_its_own_and_a_misspelt_purpose_is_told() {
        let mut pipeline = Pipeline::default();
        assert!(find(&pipeline, "kaniko").unwrap().contains("osscontainertools"));
        pipeline.images.insert("kaniko".to_owned(), "registry.example/kaniko@sha256:1".to_owned());
        assert_eq!(find(&pipeline, "kaniko"), Some("registry.example/kaniko@sha256:1"));
        assert!(check(&pipeline, "gitlab-ci").is_ok());
        pipeline.images.insert("kanico".to_owned(), "x".to_owned());
        let error = check(&pipeline, "gitlab-ci").unwrap_err().to_string();
        assert!(error.contains("pipeline.images.kanico") && error.contains("expected one of: kaniko, "), "{error}");
    }
}
