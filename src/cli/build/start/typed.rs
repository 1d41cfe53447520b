//! The arguments of `build start`, parsed and checked.

use std::path::Path;

use super::Arguments;
use super::Variable;
use crate::cli::lint::broken;
use crate::cli::render::{self, Failure};
use crate::codebuild::start::{StartRequest, compute_type, environment_named};
use crate::codebuild::{BuildKind, Cache, Start, VariableKind};
use crate::format::Source;
use crate::format::source::LARGEST;
use crate::fs::read;
use crate::host::Host;
use crate::project::pipeline::Pipeline;
use crate::project::{MANIFEST, Root};

/// An image, of one architecture or of all.
pub(super) type Image = (Option<&'static str>, String);

impl Arguments {
    pub(super) fn request(self, host: &Host) -> Result<StartRequest, Failure> {
        let buildspec = match (&self.buildspec, self.buildspec_in_source.clone()) {
            (Some(file), _) => Some(self.inline(file, host)?),
            (None, path) => path,
        };
        let mut architectures = self.arch;
        let mut seen = Vec::new();
        architectures.retain(|arch| {
            !seen.contains(arch) && {
                seen.push(*arch);
                true
            }
        });
        let kinds = [
            (VariableKind::Plaintext, self.env),
            (VariableKind::ParameterStore, self.env_parameter),
            (VariableKind::SecretsManager, self.env_secret),
        ];
        let variables: Vec<Variable> = kinds
            .into_iter()
            .flat_map(|(kind, pairs)| pairs.into_iter().map(move |(name, value)| Variable { name, value, kind }))
            .collect();
        if let Some(twice) = twice(&variables) {
            return Err(Failure::usage(format!("the variable {twice} is set twice")));
        }
        let common = Start {
            project: self.project.map_or_else(|| default_project(host), Ok)?,
            source_version: self.source_version,
            buildspec,
            variables,
            environment_type: self.environment_type.as_deref().map(environment_named).transpose()?.map(str::to_owned),
            compute: self.compute.as_deref().map(compute_type).transpose()?.map(str::to_owned),
            privileged: self.privileged,
            timeout: self.timeout,
            queued_timeout: self.queued_timeout,
            cache: self.cache,
            retry_limit: self.retry_limit,
            ..Start::default()
        };
        let kind = if self.batch { BuildKind::Batch } else { BuildKind::Single };
        Ok(StartRequest { common, architectures, images: self.image, kind, key: self.idempotent })
    }

    /// Reads the buildspec that is sent along.
    fn inline(&self, file: &Path, host: &Host) -> Result<String, Failure> {
        let (shown, path) = (file.display().to_string(), host.cwd.join(file));
        let hint = "a buildspec that is in the source, not here, is --buildspec-in-source PATH";
        let refused =
            |cause: &dyn std::fmt::Display| Failure::usage_with_hint(format!("could not read {shown}: {cause}"), hint);
        let bytes = read(&path, Root::find(host).within(file, &host.cwd), LARGEST as u64)
            .map_err(|error| refused(&error.source))?;
        let source = Source::decode(&shown, bytes).map_err(|cause| refused(&cause))?;
        let problems = if self.no_lint { None } else { broken(&source, host) };
        if let Some(problems) = problems {
            render::say(problems);
            let hint = "nothing was started; `toolkit lint --fix` fixes what has one clear answer, --no-lint sends it as it is";
            return Err(Failure::usage_with_hint(format!("CodeBuild would not run {shown}"), hint));
        }
        Ok(source.text)
    }
}

/// Returns the project to start when none was typed.
fn default_project(host: &Host) -> Result<String, Failure> {
    named(host)?.ok_or_else(|| {
        Failure::usage_with_hint(
            "no CodeBuild project was given",
            format!("toolkit build start PROJECT, or `project` under [pipeline.codebuild] in {MANIFEST}"),
        )
    })
}

/// Returns the project that `toolkit.toml` names.
pub(in crate::cli::build) fn named(host: &Host) -> Result<Option<String>, Failure> {
    let root = Root::find(host);
    let Some(name) = Pipeline::read(&root)?.and_then(|pipeline| pipeline.codebuild.project) else {
        return Ok(None);
    };
    project(&name).map(Some).map_err(|reason| {
        let path = root.folder().join(MANIFEST);
        Failure::usage(format!("pipeline.codebuild.project in {} is `{name}`: {reason}", path.display()))
    })
}

fn twice(variables: &[Variable]) -> Option<&str> {
    let mut names: Vec<&str> = variables.iter().map(|variable| variable.name.as_str()).collect();
    names.sort_unstable();
    names.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0])
}

/// Reads the name of a project, or the ARN of a shared one
/// (<https://docs.aws.amazon.com/codebuild/latest/APIReference/API_CreateProject.html>).
pub(in crate::cli::build) fn project(text: &str) -> Result<String, String> {
    let name = text.rsplit_once(":project/").filter(|_| text.starts_with("arn:")).map_or(text, |(_, name)| name);
    let fine = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    let begins = name.starts_with(|c: char| c.is_ascii_alphanumeric());
    if fine && begins && (2..=255).contains(&name.len()) {
        Ok(text.to_owned())
    } else {
        Err("a project has 2 to 255 letters, digits, `-` and `_`".to_owned())
    }
}

/// Reads an architecture.
pub(super) fn arch(text: &str) -> Result<&'static str, String> {
    match text {
        "amd64" | "x86_64" => Ok("amd64"),
        "arm64" | "aarch64" => Ok("arm64"),
        _ => Err("expected one of: amd64, arm64".to_owned()),
    }
}

/// Reads `IMAGE` or `ARCH=IMAGE`.
pub(super) fn image(text: &str) -> Result<Image, String> {
    let (of, image) = match text.split_once('=') {
        Some((word, image)) => (Some(arch(word)?), image),
        None => (None, text),
    };
    if image.is_empty() || image.contains(char::is_whitespace) {
        return Err("it is not an image".to_owned());
    }
    Ok((of, image.to_owned()))
}

/// Reads `NAME=VALUE`. The value is not repeated in a complaint.
pub(super) fn variable(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    let mut chars = name.chars();
    let fine = chars.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !fine {
        return Err(format!("`{name}` is not a valid name for a variable"));
    }
    Ok((name.to_owned(), value.to_owned()))
}

/// Reads `off`, `local:source,docker,custom` or `s3:BUCKET/PREFIX`
/// (<https://docs.aws.amazon.com/codebuild/latest/APIReference/API_ProjectCache.html>).
pub(super) fn cache(text: &str) -> Result<Cache, String> {
    let wrong = || "write off, local:source,docker,custom or s3:BUCKET/PREFIX".to_owned();
    match text.split_once(':') {
        None if text == "off" => Ok(Cache::Off),
        Some(("local", modes)) => {
            let mode = |word: &str| match word {
                "source" => Ok("LOCAL_SOURCE_CACHE".to_owned()),
                "docker" => Ok("LOCAL_DOCKER_LAYER_CACHE".to_owned()),
                "custom" => Ok("LOCAL_CUSTOM_CACHE".to_owned()),
                _ => Err(wrong()),
            };
            modes.split(',').map(mode).collect::<Result<_, _>>().map(Cache::Local)
        }
        Some(("s3", settings)) => {
            let settings = settings.trim_start_matches('/').trim_end_matches('/');
            if settings.is_empty() { Err(wrong()) } else { Ok(Cache::S3(settings.to_owned())) }
        }
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_or_refused_with_what_would_be_right() {
        assert_eq!(cache("off").unwrap(), Cache::Off);
        let local = ["LOCAL_SOURCE_CACHE", "LOCAL_CUSTOM_CACHE"].map(str::to_owned).to_vec();
        assert_eq!(cache("local:source,custom").unwrap(), Cache::Local(local));
        assert_eq!(cache("s3://bucket/prefix/").unwrap(), Cache::S3("bucket/prefix".to_owned()));
        for wrong in ["", "on", "local", "local:", "local:disk", "s3:", "s3"] {
            assert!(cache(wrong).unwrap_err().starts_with("write off"), "{wrong}");
        }
        assert_eq!(image("arm64=ci:1").unwrap(), (Some("arm64"), "ci:1".to_owned()));
        assert_eq!(image("ci@sha256:12").unwrap(), (None, "ci@sha256:12".to_owned()));
        assert!(image("riscv64=ci:1").is_err() && image("arm64=").is_err() && image("a b").is_err());
        assert_eq!(variable("A_1=b=c").unwrap(), ("A_1".to_owned(), "b=c".to_owned()));
        assert!(!variable("A-B=secret").unwrap_err().contains("secret"));
        assert!(project("web").is_ok() && project("arn:aws:codebuild:eu-west-1:1:project/web_1").is_ok());
        for wrong in ["w", "we b", "web/x", "-web", "web:1"] {
            assert!(project(wrong).is_err(), "{wrong}");
        }
    }
}
