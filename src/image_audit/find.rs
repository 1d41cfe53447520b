//! Finds the images to check: from references, files, folders, or the project.

use std::collections::HashSet;
use std::path::Path;

use super::found::{Needs, NoteKind, Use};
use super::read::{File, Findings, Kind, Setting, read};
use super::{CheckError, folder};
use crate::fs::{Cause, FileError, Within, lexical};
use crate::model::Reference;
use crate::project::{Root, boundary};

/// What is to be checked.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    /// The arguments; empty for the project.
    pub typed: &'a [String],
    /// The base of relative paths.
    pub cwd: &'a Path,
    pub project: &'a Root,
}

/// Finds the images. An argument that is an existing path is a file or folder, else it is an image.
///
/// # Errors
/// When an argument is neither, when a given file cannot be parsed, and when no image was found.
pub fn find(inputs: &Inputs<'_>, setting: &Setting<'_>) -> Result<Findings, CheckError> {
    let mut findings = Findings::default();
    for text in inputs.typed {
        let path = lexical(&inputs.cwd.join(text));
        if path.is_dir() {
            whole(&path, &shown(text), setting, &mut findings)?;
        } else if path.exists() {
            let within = inputs.project.within(Path::new(text), inputs.cwd);
            named((&path, within), &shown(text), setting, &mut findings)?;
        } else {
            let image: Reference = text.parse().map_err(|source| CheckError::NoInput { text: text.clone(), source })?;
            findings.uses.push(Use { location: None, role: "argument".to_owned(), image, needs: Needs::All });
        }
    }
    if inputs.typed.is_empty() {
        let above = inputs.cwd.strip_prefix(inputs.project.folder()).map_or(0, |inner| inner.components().count());
        whole(inputs.project.folder(), "../".repeat(above).trim_end_matches('/'), setting, &mut findings)?;
    }
    remove_answered(&mut findings);
    if findings.uses.is_empty() && findings.notes.is_empty() {
        let what = if inputs.typed.is_empty() {
            inputs.project.folder().display().to_string()
        } else {
            inputs.typed.join(", ")
        };
        return Err(CheckError::NothingNamed { what });
    }
    Ok(findings)
}

fn shown(text: &str) -> String {
    let text = if cfg!(windows) { text.replace('\\', "/") } else { text.to_owned() };
    text.strip_prefix("./").map_or(text.clone(), str::to_owned)
}

/// Reads a given file, which must be valid.
fn named(
    (path, within): (&Path, Within<'_>),
    shown: &str,
    setting: &Setting<'_>,
    findings: &mut Findings,
) -> Result<(), CheckError> {
    let source =
        folder::text(path, shown, within)?.map_err(|source| CheckError::NoText { path: shown.into(), source })?;
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let kind = Kind::by_name(name).or_else(|| Kind::by_content(&source.text));
    let kind = kind.ok_or_else(|| CheckError::UnknownKind { path: shown.into() })?;
    let root = match within {
        Within::Folder(root) => root,
        Within::Anywhere => boundary(path.parent().unwrap_or(path)),
    };
    read(&File { path: path.to_owned(), source, root: root.to_owned() }, kind, setting, findings)
}

/// Reads the files of a folder. Invalid files are noted and skipped: folders may contain templates and drafts.
fn whole(path: &Path, shown: &str, setting: &Setting<'_>, findings: &mut Findings) -> Result<(), CheckError> {
    let mut alone: Vec<(File, Kind)> = Vec::new();
    let root = boundary(path);
    for candidate in folder::search(path, shown)? {
        let source = match folder::text(&candidate.path, &candidate.shown, Within::Folder(root)) {
            Ok(Ok(source)) => source,
            Ok(Err(cause)) if candidate.kind.is_some() => {
                findings.unread(None, &candidate.shown, cause.to_string());
                continue;
            }
            Ok(Err(_)) => continue,
            Err(FileError { source: cause @ Cause::LeadsOut { .. }, .. }) => {
                findings.unread(None, &candidate.shown, cause.to_string());
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        let kind = candidate.kind.or_else(|| folder::manifest(&source.text).then_some(Kind::Kubernetes));
        alone.extend(kind.map(|kind| (File { path: lexical(&candidate.path), source, root: root.to_owned() }, kind)));
    }
    // Compose files first: a Dockerfile that they build is read only with their arguments. Then pipelines, for their
    // includes.
    alone.sort_by_key(|(file, kind)| (*kind != Kind::Compose, *kind != Kind::GitLab, file.path.components().count()));
    for (file, kind) in alone {
        if findings.claimed.contains(&file.path) {
            continue;
        }
        match read(&file, kind, setting, findings) {
            Ok(()) => {}
            Err(error) => findings.unread(None, &file.source.path, reason(&error)),
        }
    }
    Ok(())
}

/// Returns the last cause of an error, for a short note.
fn reason(error: &CheckError) -> String {
    match error {
        CheckError::Broken { line, reason, .. } => format!("line {line}: {reason}"),
        CheckError::NoYaml { line, source, .. } => format!("line {line} is not valid YAML: {source}"),
        other => other.to_string(),
    }
}

/// Removes notes that another reader has resolved: a template's image that every job resolves, an included file that
/// was read.
fn remove_answered(findings: &mut Findings) {
    let Findings { uses, notes, .. } = findings;
    let locations: HashSet<_> = uses.iter().filter_map(|one| one.location.as_ref()).collect();
    notes.retain(|note| {
        let known = note.location.as_ref().is_some_and(|location| locations.contains(location));
        note.kind != NoteKind::Unresolved || !known
    });
    // Arguments keep their order, before images in files.
    uses.sort_by(|left, right| left.location.cmp(&right.location));
    notes.sort_by(|left, right| (left.kind, &left.location).cmp(&(right.kind, &right.location)));
    notes.dedup();
}
