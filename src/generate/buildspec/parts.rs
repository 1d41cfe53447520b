//! The parts around the phases: environment, machines, reports, artifacts, cache, and settings outside the buildspec.

use super::{Context, TARGET};
use crate::format::buildspec::images;
use crate::format::yaml::{Map, Out};
use crate::generate::Error;
use crate::project::pipeline::{Architecture, ReportFormat, Secret};
use crate::text::shell::word;

/// The report groups that a project may have
/// (<https://docs.aws.amazon.com/codebuild/latest/userguide/limits.html>).
const GROUPS: usize = 5;

/// Refuses an image of the wrong architecture, or one without Docker and root.
pub(super) fn check_image(architecture: Architecture, image: &str) -> Result<(), Error> {
    let refuse = |reason: String| Error::Value {
        key: format!("pipeline.codebuild.image.{}", architecture.as_str()),
        value: image.to_owned(),
        target: TARGET,
        reason,
    };
    if let Some(arch) = images::arch_of(image).filter(|arch| *arch != architecture.as_str()) {
        return Err(refuse(format!("it is an image for {arch}")));
    }
    if images::is_lambda_image(image) {
        return Err(refuse("it is for Lambda compute, which has no root user, no Docker and no cache".to_owned()));
    }
    Ok(())
}

/// Returns a machine size in the API's spelling.
pub(super) fn compute(size: Option<&str>) -> Result<String, Error> {
    let size = size.unwrap_or("small");
    let known = ["small", "medium", "large", "xlarge", "2xlarge"];
    let refuse = || Error::Value {
        key: "pipeline.codebuild.compute".to_owned(),
        value: size.to_owned(),
        target: TARGET,
        reason: format!("expected one of: {}", known.join(", ")),
    };
    known
        .iter()
        .find(|name| **name == size)
        .map(|name| format!("BUILD_GENERAL1_{}", name.to_uppercase()))
        .ok_or_else(refuse)
}

/// Lists the settings that belong in the CodeBuild project, because a buildspec has no key for them.
pub(super) fn elsewhere(context: &Context<'_>) -> Option<String> {
    let pipeline = &context.project.pipeline;
    let mut settings = Vec::new();
    if let Some((architecture, image)) = context.images.first().filter(|_| !context.batch) {
        let privileged = if pipeline.container.is_some() { ", privileged" } else { "" };
        settings.push(format!("{}, image {image}{privileged}", environment_type(*architecture)));
    }
    if let Some(timeout) = pipeline.timeout {
        let name = if context.batch { "buildTimeoutInMinutes of a batch" } else { "timeoutInMinutes" };
        settings.push(format!("{name} {}", timeout.minutes));
    }
    if let Some(retry) = pipeline.retry.filter(|retry| *retry > 0) {
        settings.push(format!("autoRetryLimit {retry}"));
    }
    (!settings.is_empty())
        .then(|| format!("Set in the CodeBuild project, because a buildspec cannot: {}.", settings.join("; ")))
}

const fn environment_type(architecture: Architecture) -> &'static str {
    match architecture {
        Architecture::Amd64 => "LINUX_CONTAINER",
        Architecture::Arm64 => "ARM_CONTAINER",
    }
}

/// Makes the `env` of a task: its machine.
pub(super) fn environment(context: &Context<'_>, architecture: Architecture, image: &str) -> Map {
    let mut env = Map::new();
    env.set("type", environment_type(architecture));
    env.set("image", image);
    env.set("compute-type", context.compute.as_str());
    let mut variables = Map::new();
    variables.set("ARCHITECTURE", architecture.as_str());
    env.set("variables", variables);
    env
}

/// Adds `env`.
pub(super) fn env(context: &Context<'_>, root: &mut Map) -> Result<(), Error> {
    let pipeline = &context.project.pipeline;
    let mut env = Map::new();
    if let Some(shell) = &pipeline.codebuild.shell {
        if !matches!(shell.as_str(), "bash" | "/bin/sh") {
            return Err(Error::Value {
                key: "pipeline.codebuild.shell".to_owned(),
                value: shell.clone(),
                target: TARGET,
                reason: "on Linux, CodeBuild accepts `bash` and `/bin/sh`".to_owned(),
            });
        }
        env.set("shell", shell);
    }
    let mut variables = Map::new();
    for (name, text) in &pipeline.environment {
        if context.batch && name == "ARCHITECTURE" {
            return Err(Error::Value {
                key: "pipeline.environment.ARCHITECTURE".to_owned(),
                value: text.clone(),
                target: TARGET,
                reason: "the batch sets it for each of its tasks".to_owned(),
            });
        }
        variables.set(name.clone(), text);
    }
    let (mut parameters, mut secrets) = (Map::new(), Map::new());
    for (name, secret) in &pipeline.secrets {
        match secret {
            Secret::ParameterStore(path) => parameters.set(name.clone(), path),
            Secret::SecretsManager(id) => secrets.set(name.clone(), id),
        };
    }
    for (key, map) in [("variables", variables), ("parameter-store", parameters), ("secrets-manager", secrets)] {
        if !map.is_empty() {
            env.set(key, map);
        }
    }
    let exported = &pipeline.codebuild.exported_variables;
    if !exported.is_empty() {
        env.set("exported-variables", Out::list(exported));
    }
    if !env.is_empty() {
        root.set("env", env).gap();
    }
    Ok(())
}

/// Adds `reports`.
pub(super) fn reports(context: &Context<'_>, root: &mut Map) -> Result<(), Error> {
    let pipeline = &context.project.pipeline;
    if pipeline.reports.is_empty() {
        return Ok(());
    }
    if pipeline.reports.len() > GROUPS {
        return Err(Error::Value {
            key: "pipeline.reports".to_owned(),
            value: pipeline.reports.len().to_string(),
            target: TARGET,
            reason: format!("a CodeBuild project has at most {GROUPS} report groups"),
        });
    }
    let (mut reports, mut names) = (Map::new(), Vec::new());
    for report in &pipeline.reports {
        let (format, default_name) = format(report.format);
        let name = report.name.clone().unwrap_or_else(|| default_name.to_owned());
        let taken = |name: &String| names.contains(name);
        let name = if taken(&name) { format!("{name}-{}", names.len() + 1) } else { name };
        let mut group = Map::new();
        group.set("files", Out::list(&report.files));
        group.set("file-format", format);
        group.set_if("base-directory", joined(pipeline.directory.as_deref(), report.directory.as_deref()));
        reports.set(name.clone(), group);
        names.push(name);
    }
    root.set("reports", reports).gap();
    Ok(())
}

/// Returns CodeBuild's name for a format, and the default name of its group.
const fn format(format: ReportFormat) -> (&'static str, &'static str) {
    match format {
        ReportFormat::Junit => ("JUNITXML", "tests"),
        ReportFormat::Trx => ("VISUALSTUDIOTRX", "tests"),
        ReportFormat::Nunit => ("NUNITXML", "tests"),
        ReportFormat::Nunit3 => ("NUNIT3XML", "tests"),
        ReportFormat::Testng => ("TESTNGXML", "tests"),
        ReportFormat::Cucumber => ("CUCUMBERJSON", "tests"),
        ReportFormat::Cobertura => ("COBERTURAXML", "coverage"),
        ReportFormat::Jacoco => ("JACOCOXML", "coverage"),
        ReportFormat::Clover => ("CLOVERXML", "coverage"),
        ReportFormat::Simplecov => ("SIMPLECOV", "coverage"),
    }
}

/// Adds `artifacts`.
pub(super) fn artifacts(context: &Context<'_>, root: &mut Map) {
    let pipeline = &context.project.pipeline;
    let Some(found) = pipeline.artifacts.as_ref().filter(|found| !found.files.is_empty()) else { return };
    let mut artifacts = Map::new();
    artifacts.set("files", Out::list(&found.files));
    if !found.exclude.is_empty() {
        artifacts.set("exclude-paths", Out::list(&found.exclude));
    }
    artifacts.set_if("base-directory", joined(pipeline.directory.as_deref(), found.directory.as_deref()));
    root.set("artifacts", artifacts).gap();
}

/// Adds `cache`.
pub(super) fn cache(context: &Context<'_>, root: &mut Map) {
    let Some(found) = context.project.pipeline.cache.as_ref().filter(|found| !found.paths.is_empty()) else { return };
    // All tasks share one cache location, so each needs its own key; binaries of one architecture are useless on another.
    let machine = match context.images.as_slice() {
        [(architecture, _)] => architecture.machine(),
        _ => "$(uname -m)",
    };
    let locked = context.project.lock_digest.as_deref().map(|digest| format!("-{digest}")).unwrap_or_default();
    let stem = format!("{}-linux-{machine}{locked}", context.project.name);
    let mut cache = Map::new();
    if found.files.is_empty() {
        cache.set("key", stem);
    } else {
        let files: Vec<String> =
            found.files.iter().map(|file| in_project(context, file)).map(|file| word(&file)).collect();
        cache.set("key", format!("{stem}-$(codebuild-hash-files {})", files.join(" ")));
        cache.set("fallback-keys", Out::list([format!("{stem}-")]));
    }
    cache.set("paths", Out::list(found.paths.iter().map(|path| cache_path(context, path))));
    root.set("cache", cache).gap();
}

/// Writes a folder as CodeBuild's cache expects it: as a glob of its files, with the home folder spelled out.
fn cache_path(context: &Context<'_>, path: &str) -> String {
    let path = match path.strip_prefix("~/") {
        Some(rest) => format!("/root/{rest}"),
        None if path.starts_with('/') => path.to_owned(),
        None => in_project(context, path),
    };
    if path.contains('*') { path } else { format!("{}/**/*", path.trim_end_matches('/')) }
}

fn in_project(context: &Context<'_>, path: &str) -> String {
    joined(context.project.pipeline.directory.as_deref(), Some(path)).unwrap_or_default()
}

fn joined(folder: Option<&str>, below: Option<&str>) -> Option<String> {
    match (folder, below) {
        (Some(folder), Some(below)) => Some(format!("{}/{below}", folder.trim_end_matches('/'))),
        (one, other) => one.or(other).map(str::to_owned),
    }
}
