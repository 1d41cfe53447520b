//! The project that a command works in: its folder, and how far its files may reach. Found once per command.
//!
//! Links in a project may lead anywhere in its repository, and no further: whoever sends a change may send a link to
//! `~/.netrc`. A file that was only found is not used where somebody else may have planted it.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Error, LOCK, MANIFEST};
use crate::fs::{FileError, LARGEST, Links, Within, lexical, planted_by, read, read_found, replace};
use crate::host::Host;

/// The project of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    folder: PathBuf,
    boundary: PathBuf,
    /// Whether the user vouches for whatever lies there: by `TOOLKIT_SAFE_DIRECTORY`, or because CI says that it is the job's.
    vouched: bool,
}

impl Root {
    /// Finds the project around the current directory: the nearest folder with a `toolkit.toml` or a `toolkit.lock`, else the
    /// current directory itself, whose project files may lie above it as far as the boundary.
    #[must_use]
    pub fn find(host: &Host) -> Self {
        Self::new(nearest(&host.cwd).unwrap_or(&host.cwd), host)
    }

    /// Finds the project that the folder above the current directory lies in; none where no `toolkit.toml` is above.
    #[must_use]
    pub fn above(host: &Host) -> Option<Self> {
        let folder = host.cwd.ancestors().skip(1).find(|folder| folder.join(MANIFEST).is_file())?;
        Some(Self::new(folder, host))
    }

    /// Returns the current directory as a project of its own, whatever lies above it.
    #[must_use]
    pub fn here(host: &Host) -> Self {
        Self::new(&host.cwd, host)
    }

    /// Returns the project in a folder that the user named.
    #[must_use]
    pub fn at(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), boundary: boundary(folder).to_owned(), vouched: false }
    }

    fn new(folder: &Path, host: &Host) -> Self {
        let job = folder_of_job(folder, host);
        let vouched = job.is_some() || is_safe(folder, host);
        let planted = |marker: &fs::Metadata, above: &Path| !vouched && planted_by(marker, above).is_some();
        // Of the two, the one that is nearer: a job's folder may lie in somebody's home that is a repository, too.
        let found = [work_tree(folder, &planted), job].into_iter().flatten();
        let boundary = found.max_by_key(|path| path.components().count()).unwrap_or(folder).to_owned();
        Self { folder: folder.to_owned(), boundary, vouched }
    }

    /// Returns the folder of `toolkit.toml` and `toolkit.lock`, or where they would be.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the folder that all files of the project lie in: the top of its Git work tree, else the folder that CI names
    /// as the job's, else its own.
    #[must_use]
    pub fn boundary(&self) -> &Path {
        &self.boundary
    }

    /// Lists the folder and those above it up to the boundary: where project files are looked for. A stray file in `/` or
    /// `/codebuild` decides nothing.
    pub fn folders(&self) -> impl Iterator<Item = &Path> {
        self.folder.ancestors().take_while(|folder| folder.starts_with(&self.boundary))
    }

    /// Returns where a file may lie that the user named in `cwd`: in the project when its name lies there, since it may be a
    /// stranger's link, else anywhere.
    #[must_use]
    pub fn within(&self, path: &Path, cwd: &Path) -> Within<'_> {
        let inside = lexical(&cwd.join(path)).starts_with(&self.boundary);
        if inside { Within::Folder(&self.boundary) } else { Within::Anywhere }
    }

    /// Returns which links are followed to write a file that the user named in `cwd`, as [`Root::within`] does for reading.
    #[must_use]
    pub fn links(&self, path: &Path, cwd: &Path) -> Links<'_> {
        match self.within(path, cwd) {
            Within::Folder(root) => Links::Follow(root),
            Within::Anywhere => Links::FollowAnywhere,
        }
    }

    /// Returns the bounds of every file of the project.
    #[must_use]
    pub fn reach(&self) -> Within<'_> {
        Within::Folder(&self.boundary)
    }

    /// Reads a file of the project that was found, not named.
    ///
    /// # Errors
    /// When it leads out of the project, may have been planted by somebody else, is not a regular file, or cannot be read.
    pub fn read(&self, path: &Path) -> Result<Vec<u8>, FileError> {
        if self.vouched { read(path, self.reach(), LARGEST) } else { read_found(path, self.reach()) }
    }

    /// Reads a text file in the project's folder; none when there is none.
    ///
    /// # Errors
    /// As [`Root::read`], and when it is not a text.
    pub fn read_if_present(&self, name: &str) -> Result<Option<String>, Error> {
        let path = self.folder.join(name);
        match self.read(&path) {
            Ok(bytes) => match String::from_utf8(bytes) {
                Ok(text) => Ok(Some(text)),
                Err(_) => Err(FileError::new("read", path, crate::fs::Cause::NotText).into()),
            },
            Err(error) if error.is_absent() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes a text file of the project whole or not at all. A link is followed as far as the project reaches.
    ///
    /// # Errors
    /// When it leads out of the project or its folder cannot be written to; the file is then as it was before.
    pub fn write(&self, path: &Path, text: &str) -> Result<(), Error> {
        Ok(replace(path, text, Links::Follow(&self.boundary))?)
    }
}

/// Returns the folder that all files of a project in `folder` lie in: the top of its Git work tree, else `folder` itself.
#[must_use]
pub fn boundary(folder: &Path) -> &Path {
    work_tree(folder, &|marker, above| planted_by(marker, above).is_some()).unwrap_or(folder)
}

fn nearest(start: &Path) -> Option<&Path> {
    start.ancestors().find(|folder| [MANIFEST, LOCK].iter().any(|name| folder.join(name).is_file()))
}

/// Finds the top of the Git work tree around a folder. That of a submodule lies in the work tree of its superproject, whose
/// files count for it, too: the .NET host and Go look for theirs there. A `.git` that somebody else may have `planted` is none.
fn work_tree<'f>(folder: &'f Path, planted: &dyn Fn(&fs::Metadata, &Path) -> bool) -> Option<&'f Path> {
    let mut top = None;
    for above in folder.ancestors() {
        let marker = above.join(".git");
        let Ok(data) = fs::metadata(&marker) else { continue };
        if planted(&data, above) {
            continue;
        }
        top = Some(above);
        if data.is_dir() || !is_of_submodule(&marker) {
            break;
        }
    }
    top
}

/// Returns true if a `.git` file is that of a submodule, which names a folder below its superproject's `.git/modules`. That
/// of a linked work tree names one below `worktrees` (<https://git-scm.com/docs/gitrepository-layout>).
fn is_of_submodule(marker: &Path) -> bool {
    let Ok(bytes) = read(marker, Within::Anywhere, 4096) else { return false };
    let text = String::from_utf8_lossy(&bytes);
    let Some(named) = text.trim().strip_prefix("gitdir:") else { return false };
    let parts: Vec<&str> = named.trim().split(['/', '\\']).collect();
    let last = |name: &str| parts.iter().rposition(|part| *part == name);
    parts.contains(&".git") && last("modules").is_some() && last("worktrees") < last("modules")
}

/// Finds the folder of a CI job that a folder lies in. CodePipeline's archives, for one, have no `.git`.
fn folder_of_job<'f>(folder: &'f Path, host: &Host) -> Option<&'f Path> {
    let is_named = |name: &str| {
        // CodeBuild names each secondary source in a variable of its own: `CODEBUILD_SRC_DIR_name`.
        matches!(name, "CI_PROJECT_DIR" | "GITHUB_WORKSPACE") || name.starts_with("CODEBUILD_SRC_DIR")
    };
    let named = host.vars().filter(|(name, value)| is_named(name) && Path::new(value).is_absolute());
    let folders = named.filter_map(|(_, value)| enclosing(folder, Path::new(value)));
    folders.max_by_key(|path| path.components().count())
}

/// Returns true if the user trusts whoever can write to a folder: `TOOLKIT_SAFE_DIRECTORY` names it, one above it, or `*`.
fn is_safe(folder: &Path, host: &Host) -> bool {
    let Some(list) = host.var("TOOLKIT_SAFE_DIRECTORY") else { return false };
    let trusted = |one: PathBuf| {
        one.as_os_str() == "*" || one.is_absolute() && (one.parent().is_none() || enclosing(folder, &one).is_some())
    };
    std::env::split_paths(list).any(trusted)
}

/// Returns the folder or the one above it that `named` is, also by another path; never the root of the file system.
fn enclosing<'f>(folder: &'f Path, named: &Path) -> Option<&'f Path> {
    named.parent()?;
    let by_name = || folder.ancestors().find(|above| *above == named);
    let by_real_path = || {
        let real = named.canonicalize().ok()?;
        folder.ancestors().find(|above| above.canonicalize().is_ok_and(|above| above == real))
    };
    by_name().or_else(by_real_path)
}

#[cfg(test)]
#[path = "root/tests.rs"]
mod tests;
