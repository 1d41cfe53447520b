//! Views: several installs in one root, as .NET wants its SDKs and runtimes, made of hard links.
//!
//! A view is made in staging and never changed afterwards. Another set of members is another view, so that nobody's
//! running build sees its root change.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::Error;
use super::files::Files;
use super::receipt::{check_schema, json, read_text};
use super::staging::{Scratch, write_list};
use super::verify::verify_tree;
use super::{Check, Difference, FILES, Install, RECEIPT, Store, TREE, VIEWS, folders};
use crate::fs::{At, FileError, symlink};
use crate::model::{Node, NodeKind, ToolName};

/// What a view is to be made of.
#[derive(Debug, Clone, Copy)]
pub struct Composition<'a> {
    /// The name of the shared root: `dotnet`.
    pub name: &'a ToolName,
    /// The members. Where two bring a file that belongs to no version (the muxer, a licence), the later one wins.
    pub members: &'a [Install],
    /// Folders of the tree in which the later member wins although their paths have versions in them, because upstream
    /// reuses those versions.
    pub overlapping: &'a [&'a str],
}

/// A view that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// The name of the shared root.
    pub name: String,
    /// Its members, as their ids print themselves, in their order.
    pub members: Vec<String>,
    /// The folder to point tools at.
    pub root: PathBuf,
    /// The BLAKE3 digest of its file list, in hexadecimal digits.
    files: String,
}

/// The receipt of a view, as it stands in the file.
#[derive(Debug, Serialize, Deserialize)]
struct Written {
    schema: u64,
    name: String,
    members: Vec<String>,
    files: String,
}

impl Store {
    /// Returns the view of these members; makes it when it is not there. Calls `waiting` once when another process makes it.
    ///
    /// # Errors
    /// [`Error::Conflict`] when two members disagree about a file of one version, [`Error::Damaged`] when a member lacks
    /// a file; when the store cannot be written to.
    pub fn view(&self, composition: &Composition<'_>, waiting: &dyn Fn(&str)) -> Result<View, Error> {
        if let Some(view) = self.find_view(composition)? {
            return Ok(view);
        }
        let _lock = self.lock_view(composition.name.as_str(), &composition.digest(), waiting)?;
        match self.find_view(composition)? {
            Some(view) => Ok(view),
            None => self.compose(composition),
        }
    }

    /// Makes the view again in the place of a damaged one.
    ///
    /// # Errors
    /// As [`Store::view`].
    pub fn recompose(&self, composition: &Composition<'_>, waiting: &dyn Fn(&str)) -> Result<View, Error> {
        let _lock = self.lock_view(composition.name.as_str(), &composition.digest(), waiting)?;
        self.compose(composition)
    }

    /// Finds the view of these members.
    ///
    /// # Errors
    /// As [`Store::find`].
    pub fn find_view(&self, composition: &Composition<'_>) -> Result<Option<View>, Error> {
        let folder = self.view_folder(composition.name.as_str(), &composition.digest());
        if !super::is_folder(&folder)? {
            return Ok(None);
        }
        let view = read_view(&folder)?;
        Ok(view.filter(|view| view.name == composition.name.as_str() && view.members == composition.ids()))
    }

    /// Lists all views, sorted by name and digest.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn views(&self) -> Result<Vec<View>, Error> {
        let mut views = Vec::new();
        for name in folders(&self.root.join(VIEWS))? {
            for folder in folders(&name)? {
                match read_view(&folder) {
                    Ok(Some(view)) if self.folder_of(&view) == folder => views.push(view),
                    Ok(_) | Err(Error::NewerSchema { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(views)
    }

    /// Hashes every file of a view again and lists the differences.
    ///
    /// # Errors
    /// As [`Store::verify`].
    pub fn verify_view(&self, view: &View, check: Check<'_>) -> Result<Vec<Difference>, Error> {
        verify_tree(&view.root, &view.files, check)
    }

    /// Removes a view, waiting for whoever makes it; returns true if there was one.
    ///
    /// # Errors
    /// As [`Store::remove`].
    pub fn remove_view(&self, view: &View, waiting: &dyn Fn(&str)) -> Result<bool, Error> {
        let _lock = self.lock_view(&view.name, &digest(&view.name, &view.members), waiting)?;
        self.remove_folder(&self.folder_of(view))
    }

    fn compose(&self, composition: &Composition<'_>) -> Result<View, Error> {
        let entries = merge(composition)?;
        let scratch = Scratch::new(self)?;
        let tree = scratch.made().join(TREE);
        fs::create_dir(&tree).at("create", &tree)?;
        for (path, (member, kind)) in &entries {
            make(&composition.members[*member].root.join(path), kind, &tree.join(path))?;
        }
        let list = scratch.made().join(FILES);
        let nodes = entries.into_iter().map(|(path, (_, kind))| Node { path, kind });
        let files = Files::new(nodes).map_err(|reason| Error::FileList { path: list.clone(), reason })?;
        let (name, members) = (composition.name.to_string(), composition.ids());
        let written = Written { schema: 1, name, members, files: write_list(&files, &list)? };
        let path = scratch.made().join(RECEIPT);
        fs::write(&path, json(&written)).at("write", &path)?;
        let folder = self.view_folder(&written.name, &composition.digest());
        scratch.place(self, &folder)?;
        Ok(written.at(&folder))
    }

    fn lock_view(&self, name: &str, digest: &str, waiting: &dyn Fn(&str)) -> Result<fs::File, Error> {
        let message = format!("waiting for another process that composes the {name} root");
        self.lock_file(&format!("view.{name}.{digest}.lock"), &|| waiting(&message))
    }

    fn folder_of(&self, view: &View) -> PathBuf {
        self.view_folder(&view.name, &digest(&view.name, &view.members))
    }

    fn view_folder(&self, name: &str, digest: &str) -> PathBuf {
        self.root.join(VIEWS).join(name).join(digest)
    }
}

impl Composition<'_> {
    fn ids(&self) -> Vec<String> {
        self.members.iter().map(|member| member.id.to_string()).collect()
    }

    fn digest(&self) -> String {
        digest(self.name.as_str(), &self.ids())
    }

    /// Returns true if the later member may bring another file at this path.
    fn may_differ(&self, path: &str) -> bool {
        let overlaps = |folder: &&str| path.strip_prefix(*folder).is_some_and(|rest| rest.starts_with('/'));
        !is_versioned(path) || self.overlapping.iter().any(overlaps)
    }
}

impl Written {
    fn at(self, folder: &Path) -> View {
        View { name: self.name, members: self.members, root: folder.join(TREE), files: self.files }
    }
}

/// Reads the receipt of a view; none when there is none that can be used.
fn read_view(folder: &Path) -> Result<Option<View>, Error> {
    let path = folder.join(RECEIPT);
    let Some(text) = read_text(&path)? else { return Ok(None) };
    check_schema(&text, &path)?;
    let written = serde_json::from_slice::<Written>(&text).ok();
    // The name becomes a path again when the view is removed.
    Ok(written.filter(|written| ToolName::parse(&written.name).is_ok()).map(|written| written.at(folder)))
}

/// Names a view by its members and their order.
fn digest(name: &str, members: &[String]) -> String {
    let mut hasher = blake3::Hasher::new();
    for line in std::iter::once(name).chain(members.iter().map(String::as_str)) {
        hasher.update(line.as_bytes());
        hasher.update(b"\n");
    }
    let mut hex = hasher.finalize().to_hex().to_string();
    hex.truncate(16);
    hex
}

/// Decides for each path which member brings it.
fn merge(composition: &Composition<'_>) -> Result<BTreeMap<String, (usize, NodeKind)>, Error> {
    let mut merged: BTreeMap<String, (usize, NodeKind)> = BTreeMap::new();
    for (index, member) in composition.members.iter().enumerate() {
        let files = Files::read(&member.root.with_file_name(FILES), &member.receipt.files)?;
        for (path, kind) in files.entries() {
            match merged.get(path) {
                Some((_, known)) if known == kind => continue,
                Some((first, known)) => {
                    let folder = *known == NodeKind::Folder || *kind == NodeKind::Folder;
                    if folder || !composition.may_differ(path) {
                        return Err(Error::Conflict {
                            view: composition.name.to_string(),
                            path: path.clone(),
                            first: composition.members[*first].id.to_string(),
                            second: member.id.to_string(),
                        });
                    }
                }
                None => {}
            }
            merged.insert(path.clone(), (index, kind.clone()));
        }
    }
    Ok(merged)
}

/// Returns true if a path lies in a folder of one version: `shared/Microsoft.NETCore.App/8.0.1/…`.
fn is_versioned(path: &str) -> bool {
    let is_version = |part: &str| {
        let mut numbers = part.split('.');
        let mut number = || numbers.next().is_some_and(|digits| digits.starts_with(|c: char| c.is_ascii_digit()));
        number() && number()
    };
    path.rsplit('/').skip(1).any(is_version)
}

fn make(source: &Path, kind: &NodeKind, target: &Path) -> Result<(), Error> {
    match kind {
        NodeKind::Folder => Ok(fs::create_dir(target).at("create", target)?),
        NodeKind::Link { target: text } => Ok(symlink(Path::new(text), target).at("create", target)?),
        NodeKind::File { size, .. } => {
            let intact = fs::symlink_metadata(source).is_ok_and(|file| file.is_file() && file.len() == *size);
            if !intact {
                return Err(Error::Damaged { path: source.to_owned() });
            }
            link_or_copy(source, target)
        }
    }
}

/// Makes a hard link, or a copy where the file system or the system's rules refuse one.
fn link_or_copy(source: &Path, target: &Path) -> Result<(), Error> {
    use io::ErrorKind::{CrossesDevices, PermissionDenied, TooManyLinks, Unsupported};
    match fs::hard_link(source, target) {
        Ok(()) => Ok(()),
        // fs.protected_hardlinks refuses files of another user: "permission denied".
        Err(error) if matches!(error.kind(), CrossesDevices | PermissionDenied | TooManyLinks | Unsupported) => {
            Ok(fs::copy(source, target).map(drop).at("create", target)?)
        }
        Err(error) => Err(FileError::new("create", target, error).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_a_version_is_told_from_one_without() {
        for (path, expected) in [
            ("dotnet", false),
            ("LICENSE.txt", false),
            ("host/fxr/10.0.0/libhostfxr.so", true),
            ("shared/Microsoft.NETCore.App/8.0.21/System.dll", true),
            ("sdk/10.0.100-rc.2.25502.107/dotnet.dll", true),
            ("lib/net10.0/x", false),
            ("8/x", false),
            ("docs/8.0.txt", false),
        ] {
            assert_eq!(is_versioned(path), expected, "{path}");
        }
    }

    #[test]
    fn what_cannot_be_linked_is_copied() {
        let here = tempfile::tempdir().unwrap();
        let Ok(elsewhere) = tempfile::tempdir_in("/dev/shm") else {
            eprintln!("skipped: no second file system at /dev/shm");
            return;
        };
        let (source, target) = (here.path().join("source"), elsewhere.path().join("target"));
        fs::write(&source, "contents").unwrap();
        link_or_copy(&source, &target).unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"contents");
        assert!(link_or_copy(&source, &here.path().join("absent/target")).is_err());
        assert!(link_or_copy(&here.path().join("absent"), &target).is_err());
    }
}
