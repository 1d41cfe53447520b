//! Views: several installs in one root, as .NET wants its SDKs and runtimes, made of hard links.
//!
//! A view is made in staging and never changed afterwards. Another set of members is another view, so that nobody's
//! running build sees its root change.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::adopt::{adopt, link_or_copy};
use super::error::Error;
use super::files::Files;
use super::hold::{Attempt, exclusive, hold};
use super::receipt::{check_schema, json, read_text};
use super::removal::Removal;
use super::staging::{Scratch, write_list};
use super::verify::{added, verify_tree};
use super::{Check, Difference, FILES, Hold, Install, RECEIPT, Store, TREE, VIEWS, folders};
use crate::fs::{At, FileError, is_absent, symlink};
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
    /// Folders of the tree into which the tool itself puts files; they stay when the view is made again.
    pub added: &'a [&'a str],
}

/// A view that exists.
#[derive(Debug, Clone)]
pub struct View {
    /// The name of the shared root.
    pub name: String,
    /// Its members, as their ids print themselves, in their order.
    pub members: Vec<String>,
    /// The folder to point tools at.
    pub root: PathBuf,
    /// Keeps it from being removed; none for a view that was only found, and where the file system has no locks.
    pub hold: Option<Hold>,
    /// True for one that was just made.
    pub is_new: bool,
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
    /// Returns the view of these members, and holds it; makes it when it is not there. Calls `waiting` once when another process
    /// makes it. The members should be held, so that none vanishes meanwhile.
    ///
    /// # Errors
    /// [`Error::Conflict`] when two members disagree about a file of one version, [`Error::Damaged`] when a member lacks
    /// a file; when the store cannot be written to.
    pub fn view(&self, composition: &Composition<'_>, waiting: &dyn Fn(&str)) -> Result<View, Error> {
        if let Some(view) = self.claim_view(composition)? {
            return Ok(view);
        }
        let _lock = self.lock_view(composition.name.as_str(), &composition.digest(), waiting)?;
        match self.claim_view(composition)? {
            Some(view) => Ok(view),
            None => self.compose(composition),
        }
    }

    /// Makes the view again in the place of a damaged one, with what the tool itself has put into it.
    ///
    /// # Errors
    /// As [`Store::view`], and [`Error::InUse`] while a program uses it.
    pub fn recompose(&self, composition: &Composition<'_>, waiting: &dyn Fn(&str)) -> Result<View, Error> {
        let _lock = self.lock_view(composition.name.as_str(), &composition.digest(), waiting)?;
        self.compose(composition)
    }

    /// Holds the view of these members, where there is one.
    fn claim_view(&self, composition: &Composition<'_>) -> Result<Option<View>, Error> {
        let hold = match hold(&self.view_folder(composition.name.as_str(), &composition.digest()))? {
            Attempt::Held(hold) => Some(hold),
            Attempt::Unheld => None,
            Attempt::Gone => return Ok(None),
        };
        Ok(self.find_view(composition)?.map(|view| View { hold, ..view }))
    }

    /// Holds a view that was listed; none when it is gone.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn hold_view(&self, view: &View) -> Result<Option<View>, Error> {
        let folder = self.folder_of(view);
        let hold = match hold(&folder)? {
            Attempt::Held(hold) => Some(hold),
            Attempt::Unheld => None,
            Attempt::Gone => return Ok(None),
        };
        Ok(read_view(&folder)?.map(|view| View { hold, ..view }))
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

    /// Lists all views that can be read, sorted by name and digest: one that is private or broken is made again by whoever
    /// needs it, and hides no other.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn views(&self) -> Result<Vec<View>, Error> {
        let mut views = Vec::new();
        for name in folders(&self.root.join(VIEWS))? {
            for folder in folders(&name).unwrap_or_default() {
                views.extend(read_view(&folder).ok().flatten().filter(|view| self.folder_of(view) == folder));
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

    /// Removes a view that nobody uses, waiting for whoever makes it.
    ///
    /// # Errors
    /// As [`Store::remove`].
    pub fn remove_view(&self, view: &View, waiting: &dyn Fn(&str)) -> Result<Removal, Error> {
        let _lock = self.lock_view(&view.name, &digest(&view.name, &view.members), waiting)?;
        self.remove_folder(&self.folder_of(view))
    }

    /// Returns true if the view's list of files is the one that the lists of its members make: the receipt of a view vouches
    /// for nothing that its members do not.
    ///
    /// # Errors
    /// As [`Store::view`]; [`Error::FileList`] when the list of a member cannot be trusted.
    pub fn is_made_of(&self, view: &View, composition: &Composition<'_>) -> Result<bool, Error> {
        let nodes = merge(composition)?.into_iter().map(|(path, (_, kind))| Node { path, kind });
        let untrusted = |reason: String| Error::FileList { path: view.root.with_file_name(FILES), reason };
        let files = Files::new(nodes).map_err(untrusted)?;
        Ok(blake3::hash(files.to_text().as_bytes()).to_hex().as_str() == view.files)
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
        let Some(exclusive) = exclusive(&folder)? else {
            return Err(Error::InUse { name: format!("the view {}", folder.join(TREE).display()) });
        };
        adopt(&folder.join(TREE), &tree, composition.added)?;
        scratch.place(self, &folder)?;
        drop(exclusive);
        let hold = if let Attempt::Held(hold) = hold(&folder)? { Some(hold) } else { None };
        Ok(View { hold, is_new: true, ..written.at(&folder) })
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

impl View {
    /// Lists what stands in these folders and was not composed. Reads no file.
    #[must_use]
    pub fn added(&self, folders: &[&str]) -> Vec<String> {
        added(&self.root, &self.files, folders)
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
        View {
            name: self.name,
            members: self.members,
            root: folder.join(TREE),
            hold: None,
            is_new: false,
            files: self.files,
        }
    }
}

/// Two views are the same whether they are held or not.
impl PartialEq for View {
    fn eq(&self, other: &Self) -> bool {
        let same = |view: &Self| (view.name.clone(), view.members.clone(), view.root.clone(), view.files.clone());
        same(self) == same(other)
    }
}

impl Eq for View {}

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
        NodeKind::File { size, .. } => match fs::symlink_metadata(source) {
            Ok(file) if file.is_file() && file.len() == *size => link_or_copy(source, target),
            Err(error) if !is_absent(&error) => Err(FileError::new("look at", source, error).into()),
            _ => Err(Error::Damaged { path: source.to_owned() }),
        },
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
}
