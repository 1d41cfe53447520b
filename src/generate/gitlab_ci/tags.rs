//! The tags that select a job's machine, for each family of runners.

use super::TARGET;
use crate::generate::{Error, Project};
use crate::project::pipeline::{Architecture, Runners};

/// Sizes in CodeBuild's labels (<https://docs.aws.amazon.com/codebuild/latest/userguide/gitlab-runners-update-labels.html>).
const CODEBUILD_SIZES: &[&str] = &["small", "medium", "large", "xlarge", "2xlarge"];
/// Sizes in the tags of GitLab's machines (<https://docs.gitlab.com/ci/runners/hosted_runners/linux/>).
const GITLAB_SIZES: &[&str] = &["small", "medium", "large", "xlarge", "2xlarge"];

/// Returns the tags of an architecture's machines.
pub(super) fn of(project: &Project<'_>, architecture: Architecture) -> Result<Vec<String>, Error> {
    let gitlab = &project.pipeline.gitlab;
    let own = gitlab.tags.get(&architecture).cloned();
    if own.as_ref().is_some_and(|tags| tags.iter().any(|tag| tag.trim().is_empty())) {
        return Err(value("pipeline.gitlab.tags", "", "a tag has at least one character"));
    }
    match gitlab.runners {
        Runners::Tags => {
            if let Some(size) = &gitlab.size {
                let reason = "your own runners are selected by `tags`; only CodeBuild's and GitLab's have sizes";
                return Err(unsupported("pipeline.gitlab.size", size, reason));
            }
            // A job without tags would run on any runner that accepts such jobs, of any architecture.
            Ok(own.filter(|tags| !tags.is_empty()).unwrap_or_else(|| vec![architecture.as_str().to_owned()]))
        }
        Runners::Gitlab => {
            let size = size(gitlab.size.as_deref(), GITLAB_SIZES)?;
            Ok(own.unwrap_or_else(|| vec![format!("saas-linux-{size}-{}", architecture.as_str())]))
        }
        Runners::Codebuild => {
            let size = size(gitlab.size.as_deref(), CODEBUILD_SIZES)?;
            let name = codebuild_project(gitlab.project.as_deref())?;
            let mut tags = vec![
                format!("codebuild-{name}-$CI_PROJECT_ID-$CI_PIPELINE_IID-$CI_JOB_NAME"),
                image_label(project.pipeline.codebuild.image.get(&architecture), architecture),
                format!("instance-size:{size}"),
            ];
            tags.extend(own.unwrap_or_default());
            Ok(tags)
        }
    }
}

fn size<'s>(size: Option<&'s str>, known: &[&str]) -> Result<&'s str, Error> {
    let size = size.unwrap_or("small");
    if known.contains(&size) {
        return Ok(size);
    }
    Err(value("pipeline.gitlab.size", size, &format!("expected one of: {}", known.join(", "))))
}

/// Checks the name of a CodeBuild project: with a wrong one, jobs stay pending.
fn codebuild_project(name: Option<&str>) -> Result<&str, Error> {
    let Some(name) = name else {
        let reason = "the CodeBuild project whose webhook starts the machines: `project = \"my-runners\"`".to_owned();
        return Err(Error::Missing { key: "pipeline.gitlab.project", target: TARGET, reason });
    };
    let fits = (2..=255).contains(&name.len()) && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
    if fits {
        Ok(name)
    } else {
        Err(value(
            "pipeline.gitlab.project",
            name,
            "CodeBuild's project names have 2 to 255 letters, digits, `-` and `_`",
        ))
    }
}

/// Returns the label of CodeBuild's image. The short labels are those of AWS's list
/// (<https://docs.aws.amazon.com/codebuild/latest/userguide/sample-gitlab-runners-gitlab-ci.images.html>); an image that
/// is not on it is given by name.
fn image_label(image: Option<&String>, architecture: Architecture) -> String {
    let newest = match architecture {
        Architecture::Amd64 => "linux-5.0",
        Architecture::Arm64 => "arm-3.0",
    };
    let Some(image) = image else { return format!("image:{newest}") };
    let known = [
        ("aws/codebuild/amazonlinux-x86_64-standard:4.0", "linux-4.0"),
        ("aws/codebuild/amazonlinux-x86_64-standard:5.0", "linux-5.0"),
        ("aws/codebuild/amazonlinux-aarch64-standard:2.0", "arm-2.0"),
        ("aws/codebuild/amazonlinux-aarch64-standard:3.0", "arm-3.0"),
    ];
    if let Some((_, label)) = known.iter().find(|(name, _)| name == image) {
        return format!("image:{label}");
    }
    let name = image.strip_prefix("aws/codebuild/").map(|rest| format!("public.ecr.aws/codebuild/{rest}"));
    format!("image:custom-{}-{}", environment(architecture), name.as_ref().unwrap_or(image))
}

pub(super) const fn environment(architecture: Architecture) -> &'static str {
    match architecture {
        Architecture::Amd64 => "linux",
        Architecture::Arm64 => "arm",
    }
}

/// Writes the tags of all architectures as one list that contains `$BUILD_ARCH`; none if they differ in more than that.
pub(super) fn shared(architectures: &[Architecture], tags: &[Vec<String>]) -> Option<Vec<String>> {
    let length = tags.first()?.len();
    if tags.iter().any(|tags| tags.len() != length) {
        return None;
    }
    let column = |index: usize| {
        let first = &tags[0][index];
        if tags.iter().all(|tags| tags[index] == *first) {
            return Some(first.clone());
        }
        let general = |(architecture, tags): (&Architecture, &Vec<String>)| {
            tags[index].replacen(architecture.as_str(), "$BUILD_ARCH", 1)
        };
        let mut forms = architectures.iter().zip(tags).map(general);
        let form = forms.next()?;
        // `$BUILD_ARCH` must end where the name does: in `$BUILD_ARCH_x` it would be another variable.
        let ends = form.split_once("$BUILD_ARCH").is_some_and(|(_, rest)| !rest.starts_with(is_name));
        (ends && forms.all(|other| other == form)).then_some(form)
    };
    (0..length).map(column).collect()
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

fn value(key: &str, value: &str, reason: &str) -> Error {
    Error::Value { key: key.to_owned(), value: value.to_owned(), target: TARGET, reason: reason.to_owned() }
}

pub(super) fn unsupported(key: &'static str, value: &str, reason: &str) -> Error {
    Error::Unsupported { key, value: value.to_owned(), target: TARGET, reason: reason.to_owned() }
}
