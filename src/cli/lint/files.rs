//! The files to check: those that were named, or those of the project. Reads only regular files, up to the largest size
//! that a pipeline file can have.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::cli::render::Failure;
use crate::format::source::LARGEST;
use crate::format::{Source, Unreadable, yaml};
use crate::fs::{At, Cause, FileError, Links, Within};
use crate::host::Host;
use crate::lint::{self, Target};
use crate::project::{Root, boundary};

/// Directories with third-party files or build output.
const SKIPPED: &[&str] = &["node_modules", "target", "vendor"];

/// The deepest level of directories that is searched.
const DEEPEST: usize = 64;

/// A file to check.
pub(super) struct Named {
    /// Where it is; none for standard input.
    pub(super) path: Option<PathBuf>,
    /// Its name in reports: the path as it was typed, with `/`.
    pub(super) shown: String,
    /// The folder that it must lie in, with all links resolved; none where the user chose it.
    pub(super) root: Option<PathBuf>,
}

impl Named {
    fn within(&self) -> Within<'_> {
        self.root.as_deref().map_or(Within::Anywhere, Within::Folder)
    }

    /// Returns which links are followed to write it.
    pub(super) fn links(&self) -> Links<'_> {
        self.root.as_deref().map_or(Links::FollowAnywhere, Links::Follow)
    }
}

/// Finds the files to check.
///
/// # Errors
/// If a named one does not exist or is neither a file nor a directory, and if there are none.
pub(super) fn find(named: &[PathBuf], host: &Host) -> Result<Vec<Named>, Failure> {
    let project = Root::find(host);
    let mut files = Vec::new();
    for path in named {
        if path.as_os_str() == "-" {
            files.push(Named { path: None, shown: "-".to_owned(), root: None });
            continue;
        }
        let full = host.cwd.join(path);
        let metadata = fs::metadata(&full).at("read", &full)?;
        if metadata.is_dir() {
            search(&full, &shown(path), &mut files)?;
        } else {
            let root = match project.within(path, &host.cwd) {
                Within::Folder(root) => Some(root.to_owned()),
                Within::Anywhere => None,
            };
            files.push(Named { path: Some(full), shown: shown(path), root });
        }
    }
    if named.is_empty() {
        let root = project.folder();
        let above = host.cwd.strip_prefix(root).map_or(0, |inner| inner.components().count());
        search(root, "../".repeat(above).trim_end_matches('/'), &mut files)?;
    }
    if files.is_empty() {
        return Err(Failure::usage_with_hint(
            "no buildspec*.yml and no .gitlab-ci.yml was found; nothing was checked",
            "name a file: `toolkit lint ci/pipeline.yml`, with `--as buildspec` or `--as gitlab` if its keys do not show its kind",
        ));
    }
    files.sort_by(|left, right| left.shown.cmp(&right.shown));
    files.dedup_by(|left, right| left.path == right.path);
    Ok(files)
}

fn shown(path: &Path) -> String {
    let text = path.display().to_string();
    let text = if cfg!(windows) { text.replace('\\', "/") } else { text };
    text.strip_prefix("./").map_or(text.clone(), str::to_owned)
}

/// Searches a directory. Does not follow links to directories, so that it terminates.
fn search(folder: &Path, prefix: &str, files: &mut Vec<Named>) -> Result<(), Failure> {
    let bound = boundary(folder);
    let prefix = if prefix == "." { "" } else { prefix.trim_end_matches('/') };
    let mut open = vec![(folder.to_owned(), prefix.to_owned(), 0)];
    while let Some((folder, prefix, depth)) = open.pop() {
        let entries = fs::read_dir(&folder).at("read", &folder)?;
        for entry in entries {
            let entry = entry.at("read", &folder)?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let kind = entry.file_type().at("read", &entry.path())?;
            let shown = if prefix.is_empty() { name.clone() } else { format!("{prefix}/{name}") };
            if kind.is_dir() {
                if depth < DEEPEST && is_searched(&name) {
                    open.push((entry.path(), shown, depth + 1));
                }
            } else if is_pipeline(&name) && entry.path().is_file() {
                files.push(Named { path: Some(entry.path()), shown, root: Some(bound.to_owned()) });
            }
        }
    }
    Ok(())
}

/// Returns true if a directory is searched: hidden ones are not, except `.gitlab`, where included files are kept.
fn is_searched(name: &str) -> bool {
    (!name.starts_with('.') || name == ".gitlab") && !SKIPPED.contains(&name)
}

fn is_pipeline(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let Some(stem) = lower.strip_suffix(".yml").or_else(|| lower.strip_suffix(".yaml")) else { return false };
    stem.starts_with("buildspec") || stem.ends_with("buildspec") || stem.ends_with(".gitlab-ci") || stem == "gitlab-ci"
}

/// Reads a file, or the reason why it is not a text file.
///
/// # Errors
/// If it cannot be read.
pub(super) fn read(file: &Named) -> Result<Result<Vec<u8>, Unreadable>, Failure> {
    let Some(path) = &file.path else {
        return Ok(bounded(io::stdin().lock()).at("read", Path::new("standard input"))?);
    };
    match crate::fs::read(path, file.within(), LARGEST as u64) {
        Ok(bytes) => Ok(Ok(bytes)),
        Err(FileError { source: Cause::TooLarge { .. }, .. }) => {
            Ok(Err(Unreadable::TooLarge { size: fs::metadata(path).at("read", path)?.len() }))
        }
        Err(FileError { source: Cause::NotRegular { .. }, .. }) => Err(Failure::usage_with_hint(
            format!("{} is not a regular file; nothing was checked", path.display()),
            "`toolkit lint -` reads standard input",
        )),
        Err(error) => Err(error.into()),
    }
}

fn bounded(from: impl Read) -> io::Result<Result<Vec<u8>, Unreadable>> {
    let mut bytes = Vec::new();
    from.take(LARGEST as u64 + 1).read_to_end(&mut bytes)?;
    Ok(if bytes.len() > LARGEST { Err(Unreadable::TooLarge { size: bytes.len() as u64 }) } else { Ok(bytes) })
}

/// Returns what kind of file this is. A file that is not YAML is checked as YAML.
///
/// # Errors
/// If neither its name nor its keys show it.
pub(super) fn kind(source: &Source) -> Result<Target, Failure> {
    if let Some(target) = lint::target(&source.path, None) {
        return Ok(target);
    }
    let Ok(tree) = yaml::parse(&source.text) else { return Ok(Target::Yaml) };
    if tree.documents.iter().all(yaml::Node::is_null) {
        return Ok(Target::Yaml);
    }
    lint::target(&source.path, Some(&tree)).ok_or_else(|| {
        Failure::usage_with_hint(
            format!("{} is neither a buildspec nor a GitLab pipeline by its name or keys", source.path),
            "name its kind: `--as buildspec`, `--as gitlab`, or `--as yaml` to check only the YAML",
        )
    })
}
