//! Finds the files of a folder that may name images.

use std::fs;
use std::path::{Path, PathBuf};

use super::CheckError;
use super::read::Kind;
use crate::format::source::LARGEST;
use crate::format::{Source, Unreadable};
use crate::fs::{At, Cause, FileError, Within, read};

/// Folders with third-party files or build output.
const SKIPPED: &[&str] = &["node_modules", "target", "vendor"];

/// Hidden folders that are searched nevertheless: they may contain includes of pipelines and development setups.
const HIDDEN: &[&str] = &[".gitlab", ".devcontainer", ".docker"];

const DEEPEST: usize = 64;

/// A file that may name images.
pub(super) struct Candidate {
    pub(super) path: PathBuf,
    /// The path for users, with `/`.
    pub(super) shown: String,
    /// The kind by its name; none if only the contents show it.
    pub(super) kind: Option<Kind>,
}

/// Walks a folder, sorted by name. Does not follow links to folders, so that it ends.
pub(super) fn search(folder: &Path, prefix: &str) -> Result<Vec<Candidate>, CheckError> {
    let prefix = if prefix == "." { "" } else { prefix.trim_end_matches('/') };
    let mut open = vec![(folder.to_owned(), prefix.to_owned(), 0)];
    let mut found = Vec::new();
    while let Some((folder, prefix, depth)) = open.pop() {
        for entry in fs::read_dir(&folder).at("read", &folder)? {
            let entry = entry.at("read", &folder)?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let kind = entry.file_type().at("read", &entry.path())?;
            let shown = if prefix.is_empty() { name.clone() } else { format!("{prefix}/{name}") };
            if kind.is_dir() {
                let searched =
                    (!name.starts_with('.') || HIDDEN.contains(&name.as_str())) && !SKIPPED.contains(&name.as_str());
                if depth < DEEPEST && searched {
                    open.push((entry.path(), shown, depth + 1));
                }
                continue;
            }
            let kind = Kind::by_name(&name);
            if (kind.is_some() || is_yaml(&name)) && entry.path().is_file() {
                found.push(Candidate { path: entry.path(), shown, kind });
            }
        }
    }
    found.sort_by(|left, right| left.shown.cmp(&right.shown));
    Ok(found)
}

fn is_yaml(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    lower.ends_with(".yml") || lower.ends_with(".yaml")
}

/// Reads a file as text, or says why it is not one.
pub(super) fn text(path: &Path, shown: &str, within: Within<'_>) -> Result<Result<Source, Unreadable>, FileError> {
    match read(path, within, LARGEST as u64) {
        Ok(bytes) => Ok(Source::decode(shown, bytes)),
        Err(FileError { source: Cause::TooLarge { .. }, .. }) => {
            Ok(Err(Unreadable::TooLarge { size: fs::metadata(path).at("read", path)?.len() }))
        }
        Err(error) => Err(error),
    }
}

/// Returns true if a YAML file is a Kubernetes manifest, by its first keys.
pub(super) fn manifest(text: &str) -> bool {
    let key = |name: &str| text.lines().any(|line| line.trim_start_matches("- ").trim_start().starts_with(name));
    key("apiVersion:") && key("kind:")
}
