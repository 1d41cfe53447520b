//! Collects artifacts
//! (<https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.artifacts>). The log lines
//! are those of CodeBuild's agent.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::error::Error;
use super::files::{Pattern, name};
use super::log::Log;
use super::outcome::{Artifact, Context};
use super::session::ShellConfig;
use super::values::expand;
use super::workspace::{copy_file, link};
use crate::format::buildspec::{Artifacts, Text};
use crate::fs::At;

/// Collects the primary and the secondary artifacts, and copies them to `to`: the primary ones directly, the secondary
/// ones below their identifiers. Existing files with other names stay.
///
/// # Errors
/// When a file cannot be read or written, or a pattern is not valid. Failures that CodeBuild would report are in the
/// returned context.
pub(super) fn collect(
    artifacts: &Artifacts,
    shell_config: &ShellConfig,
    to: Option<&Path>,
    log: &mut Log,
) -> Result<(Vec<Artifact>, Option<Context>), Error> {
    let (mut collected, mut context) = (Vec::new(), None);
    // Only secondary artifacts: documented as an error, but it works.
    let primary = (!artifacts.files.is_empty()).then_some((None, artifacts));
    let secondary = artifacts.secondary.iter().map(|(id, artifacts)| (Some(id.text.as_str()), artifacts));
    if !artifacts.secondary.is_empty() {
        log.say("Preparing to copy secondary artifacts");
    }
    for (identifier, artifacts) in primary.into_iter().chain(secondary) {
        let found = find(artifacts, shell_config, log)?;
        let files = match found {
            Ok(files) => files,
            Err(message) => {
                context.get_or_insert(Context { status_code: "CLIENT_ERROR".to_owned(), message });
                continue;
            }
        };
        let folder = to.map(|to| identifier.map_or(to.to_owned(), |identifier| to.join(identifier)));
        if let Some(folder) = folder {
            for (name, path) in &files {
                copy(path, &folder.join(name), artifacts.enable_symlinks)?;
            }
            log.note(&format!("copied {} file(s) to {}", files.len(), folder.display()));
        }
        let label = artifacts.name.as_ref().map(|name| expand(&[&name.text], shell_config)).transpose()?;
        collected.push(Artifact {
            identifier: identifier.map(str::to_owned),
            name: label.map(|mut label| label.remove(0)),
            files: files.into_keys().collect(),
        });
    }
    Ok((collected, context))
}

/// The names of files within an artifact, with their paths.
type Found = BTreeMap<String, PathBuf>;

/// Finds files; returns CodeBuild's error message when there are none.
fn find(artifacts: &Artifacts, shell_config: &ShellConfig, log: &mut Log) -> Result<Result<Found, String>, Error> {
    // Variables in patterns are expanded [unverified].
    let texts = |texts: &[Text]| expand(&texts.iter().map(|text| text.text.as_str()).collect::<Vec<_>>(), shell_config);
    let base = artifacts.base_directory.as_ref().map_or(".", |base| base.text.as_str());
    let base = expand(&[base], shell_config)?.remove(0);
    log.say(&format!("Expanding base directory path: {base}"));
    log.say("Assembling file list");
    log.say(&format!("Expanding {base}"));
    let folders = Pattern::new(&base)?.folders(shell_config.source())?;
    if folders.is_empty() {
        log.say(&format!("Skipping invalid file path {base}"));
        return Ok(Err(format!("no matching base directory path found for {base}")));
    }
    log.say(&format!("Expanding file paths for base directory {base}"));
    log.say("Assembling file list");
    let patterns = Pattern::all(&texts(&artifacts.files)?)?;
    let excluded = Pattern::all(&texts(&artifacts.exclude_paths)?)?;
    let mut found = BTreeMap::new();
    for pattern in &patterns {
        log.say(&format!("Expanding {}", pattern.text));
        let before = found.len();
        for folder in &folders {
            let here = pattern.find(folder)?;
            let kept = here.iter().filter(|path| !excluded.iter().any(|excluded| excluded.matches(path)));
            found.extend(kept.map(|path| (named(path, artifacts.discard_paths), folder.join(path))));
        }
        if found.len() == before && !folders.iter().any(|folder| pattern.find(folder).is_ok_and(|all| !all.is_empty()))
        {
            log.say(&format!("Skipping invalid file path {}", pattern.text));
            if folders.iter().any(|folder| folder.join(&pattern.text).is_dir()) {
                let text = pattern.text.trim_end_matches('/');
                log.note(&format!("{text} is a folder, and only files match; write {text}/**/*"));
            }
        }
    }
    if found.is_empty() {
        return Ok(Err("no matching artifact paths found".to_owned()));
    }
    log.say(&format!("Found {} file(s)", found.len()));
    Ok(Ok(found))
}

/// Returns the name of a file in the artifact. Of two files with the same name, the later one wins [unverified].
pub(super) fn named(path: &Path, discard_paths: bool) -> String {
    let whole = name(path);
    if !discard_paths {
        return whole;
    }
    whole.rsplit('/').next().unwrap_or(&whole).to_owned()
}

/// Copies a file, and makes its parent folders. Without `enable-symlinks` a link becomes what it points to.
pub(super) fn copy(from: &Path, to: &Path, links: bool) -> Result<(), Error> {
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent).at("create", parent)?;
    }
    // Replace an existing file, so that links are not followed and read-only files do not fail.
    if fs::symlink_metadata(to).is_ok_and(|metadata| !metadata.is_dir()) {
        fs::remove_file(to).at("replace", to)?;
    }
    if links && fs::symlink_metadata(from).is_ok_and(|metadata| metadata.is_symlink()) {
        return link(from, to);
    }
    copy_file(from, to)
}
