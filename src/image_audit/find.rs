//! From what was typed to the images that are meant: references, files, folders, or the project.

use std::collections::HashSet;
use std::path::Path;

use super::found::{Needs, NoteKind, Use};
use super::read::{File, Findings, Kind, Setting, read};
use super::{CheckError, folder};
use crate::fs::{Cause, FileError, Within, lexical};
use crate::model::Reference;
use crate::project;

/// What is to be checked.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    /// What was typed; nothing means the project.
    pub typed: &'a [String],
    /// The folder that relative paths start from.
    pub cwd: &'a Path,
    /// The project's folder.
    pub project: &'a Path,
}

/// Finds the images. A word that is the path of something is that, else it is an image.
///
/// # Errors
/// When a word is neither, when a file that was named cannot be read as what it is, and when nothing names an image.
pub fn find(inputs: &Inputs<'_>, setting: &Setting<'_>) -> Result<Findings, CheckError> {
    let mut findings = Findings::default();
    for text in inputs.typed {
        let path = lexical(&inputs.cwd.join(text));
        if path.is_dir() {
            whole(&path, &shown(text), setting, &mut findings)?;
        } else if path.exists() {
            let within = project::within(Path::new(text), inputs.cwd);
            named((&path, within), &shown(text), setting, &mut findings)?;
        } else {
            let image: Reference = text.parse().map_err(|source| CheckError::NoInput { text: text.clone(), source })?;
            findings.uses.push(Use { place: None, role: "argument".to_owned(), image, needs: Needs::All });
        }
    }
    if inputs.typed.is_empty() {
        let above = inputs.cwd.strip_prefix(inputs.project).map_or(0, |inner| inner.components().count());
        whole(inputs.project, "../".repeat(above).trim_end_matches('/'), setting, &mut findings)?;
    }
    settle(&mut findings);
    if findings.uses.is_empty() && findings.notes.is_empty() {
        let what = if inputs.typed.is_empty() { inputs.project.display().to_string() } else { inputs.typed.join(", ") };
        return Err(CheckError::NothingNamed { what });
    }
    Ok(findings)
}

fn shown(text: &str) -> String {
    let text = if cfg!(windows) { text.replace('\\', "/") } else { text.to_owned() };
    text.strip_prefix("./").map_or(text.clone(), str::to_owned)
}

/// Reads a file that was named: it must be what it is taken for.
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
        Within::Anywhere => project::boundary(path.parent().unwrap_or(path)),
    };
    read(&File { path: path.to_owned(), source, root: root.to_owned() }, kind, setting, findings)
}

/// Reads the files of a folder. What is not what its name says is told and left out: folders hold templates and drafts.
fn whole(path: &Path, shown: &str, setting: &Setting<'_>, findings: &mut Findings) -> Result<(), CheckError> {
    let mut alone: Vec<(File, Kind)> = Vec::new();
    let root = project::boundary(path);
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
    // Compose files first: a Dockerfile that they build is read with their arguments, and only so. Then pipelines, for
    // what they include.
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

/// Returns the last cause of an error, which is what a note has room for.
fn reason(error: &CheckError) -> String {
    match error {
        CheckError::Broken { line, reason, .. } => format!("line {line}: {reason}"),
        CheckError::NoYaml { line, source, .. } => format!("line {line} is not valid YAML: {source}"),
        other => other.to_string(),
    }
}

/// Drops what one reader left open and another one knew: a template's image that every job resolves, an included file that
/// was read.
fn settle(findings: &mut Findings) {
    let Findings { uses, notes, .. } = findings;
    let places: HashSet<_> = uses.iter().filter_map(|one| one.place.as_ref()).collect();
    notes.retain(|note| {
        let known = note.place.as_ref().is_some_and(|place| places.contains(place));
        note.kind != NoteKind::Unresolved || !known
    });
    // What was typed stays in its order, ahead of what stands in files.
    uses.sort_by(|left, right| left.place.cmp(&right.place));
    notes.sort_by(|left, right| (left.kind, &left.place).cmp(&(right.kind, &right.place)));
    notes.dedup();
}
