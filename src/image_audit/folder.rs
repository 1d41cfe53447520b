//! Which files of a folder name images.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::CheckError;
use super::read::Kind;
use crate::format::source::LARGEST;
use crate::format::{Source, Unreadable};

/// Folders that hold other people's files, or what a build made.
const SKIPPED: &[&str] = &["node_modules", "target", "vendor"];

/// Hidden folders that are searched all the same: people keep in them what pipelines include, and how they develop.
const HIDDEN: &[&str] = &[".gitlab", ".devcontainer", ".docker"];

/// How deep folders are searched.
const DEEPEST: usize = 64;

/// A file that may name images.
pub(super) struct Candidate {
    pub(super) path: PathBuf,
    /// The path as people know it, with `/`.
    pub(super) shown: String,
    /// What its name says that it is; none where only what stands in it tells.
    pub(super) kind: Option<Kind>,
}

/// Walks a folder, by name. Follows no link to a folder, so that it ends.
pub(super) fn search(folder: &Path, prefix: &str) -> Result<Vec<Candidate>, CheckError> {
    let prefix = if prefix == "." { "" } else { prefix.trim_end_matches('/') };
    let mut open = vec![(folder.to_owned(), prefix.to_owned(), 0)];
    let mut found = Vec::new();
    while let Some((folder, prefix, depth)) = open.pop() {
        let unread = |path: &Path, source| CheckError::Read { path: path.to_owned(), source };
        for entry in fs::read_dir(&folder).map_err(|cause| unread(&folder, cause))? {
            let entry = entry.map_err(|cause| unread(&folder, cause))?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let kind = entry.file_type().map_err(|cause| unread(&entry.path(), cause))?;
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

/// Reads a file as text, or tells why it is none.
pub(super) fn text(path: &Path, shown: &str) -> Result<Result<Source, Unreadable>, CheckError> {
    let unread = |source| CheckError::Read { path: path.to_owned(), source };
    // Asked before it is opened: opening a pipe waits for its writer.
    let metadata = fs::metadata(path).map_err(unread)?;
    if !metadata.is_file() {
        return Err(unread(io::Error::other("it is no regular file")));
    }
    if metadata.len() > LARGEST as u64 {
        return Ok(Err(Unreadable::TooLarge { size: metadata.len() }));
    }
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(unread)?;
    file.take(LARGEST as u64 + 1).read_to_end(&mut bytes).map_err(unread)?;
    Ok(Source::decode(shown, bytes))
}

/// Tells what a YAML file of a folder is: only manifests say so by their first keys, whatever their names.
pub(super) fn manifest(text: &str) -> bool {
    let key = |name: &str| text.lines().any(|line| line.trim_start_matches("- ").trim_start().starts_with(name));
    key("apiVersion:") && key("kind:")
}
