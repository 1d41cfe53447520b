//! The environment of the commands.

use std::path::Path;

use super::dotenv::is_name;
use super::error::Error;
use super::{Build, RunOptions, commit};
use crate::format::buildspec::Buildspec;
use crate::host::Host;

/// Finds the values of `parameter-store` and `secrets-manager`: in the secrets file, then in the environment under the
/// name of the variable. Does not contact AWS.
///
/// # Errors
/// When values are missing; the error names all of them.
pub(super) fn secrets(
    buildspec: &Buildspec,
    settings: &RunOptions,
    host: &Host,
) -> Result<Vec<(String, String)>, Error> {
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for pair in buildspec.env.parameter_store.iter().chain(&buildspec.env.secrets_manager) {
        let name = &pair.key.text;
        match secret(name, settings, host) {
            Some(value) => found.push((name.clone(), value.to_owned())),
            None => missing.push(name.clone()),
        }
    }
    if missing.is_empty() { Ok(found) } else { Err(Error::Secrets { names: missing }) }
}

/// Finds the value of one variable.
pub fn secret<'a>(name: &str, settings: &'a RunOptions, host: &'a Host) -> Option<&'a str> {
    let given = settings.env.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let file = settings.secrets.get(name).map(String::as_str);
    given.or(file).or_else(|| host.var(name))
}

/// Lists the variables to set in addition to those of this machine; later ones take precedence: CodeBuild's
/// (<https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-env-vars.html>), the buildspec's, the
/// batch's, the command line's. Values are literal: `$PATH` stays `$PATH`.
///
/// # Errors
/// When a name is not valid.
pub(super) fn variables(
    buildspec: &Buildspec,
    build: &Build,
    settings: &RunOptions,
    host: &Host,
    source: &Path,
    secrets: Vec<(String, String)>,
) -> Result<Vec<(String, String)>, Error> {
    let mut all = built_in(build, settings, host);
    all.extend(buildspec.env.variables.iter().map(|pair| (pair.key.text.clone(), pair.value.text.clone())));
    all.extend(secrets);
    all.extend(build.variables.iter().cloned());
    all.extend(settings.env.iter().cloned());
    all.push(("CODEBUILD_SRC_DIR".to_owned(), source.display().to_string()));
    all.push(("CODEBUILD_BUILD_SUCCEEDING".to_owned(), "1".to_owned()));
    match all.iter().find(|(name, value)| !is_name(name) || value.contains('\0')) {
        Some((name, _)) => Err(Error::Variable { name: name.clone() }),
        None => Ok(all),
    }
}

/// Lists the variables of CodeBuild. Those that are set already are kept: in a CodeBuild build they are the real ones,
/// elsewhere the user set them on purpose.
fn built_in(build: &Build, settings: &RunOptions, host: &Host) -> Vec<(String, String)> {
    let (number, milliseconds) = (fastrand::u64(..), host.now.as_millisecond());
    let region = host.var("AWS_REGION").or_else(|| host.var("AWS_DEFAULT_REGION"));
    let id = format!("local:{number:016x}");
    let mut all = vec![
        // Observed in builds and in AWS's own agent for local builds, but not documented.
        ("CODEBUILD_CI", "true".to_owned()),
        ("CODEBUILD_LOCAL_BUILD", "true".to_owned()),
        ("CODEBUILD_BUILD_NUMBER", "1".to_owned()),
        ("CODEBUILD_INITIATOR", host.var("USER").unwrap_or("local").to_owned()),
        ("CODEBUILD_START_TIME", milliseconds.to_string()),
        ("CODEBUILD_LOG_PATH", format!("{number:016x}")),
        ("CODEBUILD_BUILD_ARN", format!("arn:aws:codebuild:{}:000000000000:build/{id}", region.unwrap_or("us-east-1"))),
        ("CODEBUILD_BUILD_ID", id),
    ];
    if let Some(commit) = commit::of(&settings.source) {
        all.push(("CODEBUILD_RESOLVED_SOURCE_VERSION", commit));
    }
    if let Some(image) = &build.image {
        all.push(("CODEBUILD_BUILD_IMAGE", image.clone()));
    }
    for name in ["AWS_REGION", "AWS_DEFAULT_REGION"] {
        all.extend(region.map(|region| (name, region.to_owned())));
    }
    all.retain(|(name, _)| host.var(name).is_none());
    // The identifier is always that of this build.
    all.extend(build.identifier.clone().map(|identifier| ("CODEBUILD_BATCH_BUILD_IDENTIFIER", identifier)));
    all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
