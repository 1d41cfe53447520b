//! One tree in the making: what an archive may add to it, given what it has added before.
//!
//! The target is fresh and private, so the list of what was made here is the truth about it.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, Write};
use std::ops::Bound;
use std::path::{Path, PathBuf};

use super::disk::Disk;
use super::error::{Error, Refusal};
use super::{Options, links, path};
use crate::fs::{At, FileError};
use crate::model::{Node, NodeKind};

/// What grows by the entries of an archive: a fresh tree, or one that a layer changes.
pub(super) trait Grow {
    fn folder(&mut self, path: &str) -> Result<(), Error>;

    fn create(&mut self, path: &str, mode: u32) -> Result<NewFile, Error>;

    fn write(&self, file: &mut NewFile, bytes: &[u8]) -> Result<(), Error>;

    fn close(&mut self, file: NewFile) -> Result<(), Error>;

    fn symbolic_link(&mut self, path: &str, target: &[u8]) -> Result<(), Error>;

    fn hard_link(&mut self, path: &str, target: &str) -> Result<(), Error>;

    /// Lists the tree, sorted by path.
    fn finish(self) -> Result<Vec<Node>, Error>;

    /// Returns the name that a hard link's target has in the tree.
    fn target_name(target: &[u8]) -> &[u8] {
        target
    }

    /// Takes an entry that says what is to be removed; returns true if it is one.
    fn whiteout(&mut self, _path: &str, _is_file: bool, _size: u64) -> Result<bool, Error> {
        Ok(false)
    }
}

/// A tree that grows entry by entry.
#[derive(Debug)]
pub(super) struct Tree {
    root: PathBuf,
    /// Where it is made; none where it is only listed.
    disk: Option<Disk>,
    nodes: BTreeMap<String, NodeKind>,
    /// Lower-case path → path, where the file system does not distinguish the two.
    folded: Option<HashMap<String, String>>,
    /// The folder of the last entry: the next one is most often in it.
    last_parent: String,
    /// Bytes of names kept so far.
    names: u64,
    limits: super::Limits,
}

/// A file that is being written and hashed.
#[derive(Debug)]
pub(super) struct NewFile {
    path: String,
    mode: u32,
    size: u64,
    file: Option<File>,
    hasher: blake3::Hasher,
}

impl Tree {
    pub(super) fn new(root: &Path, options: &Options) -> Result<Self, Error> {
        let disk = if options.writes { Some(Disk::open(root).at("open", root)?) } else { None };
        Ok(Self {
            root: root.to_owned(),
            disk,
            nodes: BTreeMap::new(),
            folded: options.fold_case.then(HashMap::new),
            last_parent: String::new(),
            names: 0,
            limits: options.limits,
        })
    }

    /// Takes up a tree that earlier layers of an image made.
    pub(super) fn over(root: &Path, options: &Options, lower: Vec<Node>) -> Result<Self, Error> {
        let mut tree = Self::new(root, options)?;
        for Node { path, kind } in lower {
            tree.add(path, kind)?;
        }
        Ok(tree)
    }

    /// Returns what is at a path.
    pub(super) fn at(&self, path: &str) -> Option<&NodeKind> {
        self.nodes.get(path)
    }

    /// Lists what is below a folder, parents before their children.
    pub(super) fn below(&self, folder: &str) -> impl DoubleEndedIterator<Item = &str> {
        // `0` is the character after `/`: what begins with the folder and a slash lies between the two.
        let bounds = match folder {
            "" => (Bound::Unbounded, Bound::Unbounded),
            _ => (Bound::Excluded(format!("{folder}/")), Bound::Excluded(format!("{folder}0"))),
        };
        self.nodes.range(bounds).map(|(path, _)| path.as_str())
    }

    /// Removes a file, a link or an empty folder.
    pub(super) fn remove(&mut self, path: &str) -> Result<(), Error> {
        let is_folder = self.nodes.get(path) == Some(&NodeKind::Folder);
        self.made("remove", path, |disk| disk.remove(path, is_folder))?;
        self.nodes.remove(path);
        if let Some(folded) = &mut self.folded {
            folded.remove(&path.to_lowercase());
        }
        self.last_parent.clear();
        Ok(())
    }

    /// Adds a symbolic link whose target nobody has checked.
    pub(super) fn any_link(&mut self, path: &str, target: String) -> Result<(), Error> {
        self.vacant(path)?;
        self.made("create the link", path, |disk| disk.symbolic_link(path, &target))?;
        self.add(path.to_owned(), NodeKind::Link { target })
    }

    /// Lists the tree, sorted by path.
    pub(super) fn list(self) -> Vec<Node> {
        self.nodes.into_iter().map(|(path, kind)| Node { path, kind }).collect()
    }
}

impl Grow for Tree {
    /// Adds a folder, and the folders above it. A folder may be named again.
    fn folder(&mut self, path: &str) -> Result<(), Error> {
        match self.nodes.get(path) {
            Some(NodeKind::Folder) => return Ok(()),
            Some(_) => return Err(Refusal::OverFile.of(path.as_bytes())),
            None => self.parents(path)?,
        }
        self.make_folder(path)
    }

    /// Starts a file. It exists for the tree once it is [closed](Self::close).
    ///
    /// Of `mode` the owner may always read and write, so that a tree can be removed; nobody else may write, and setuid,
    /// setgid and sticky bits are dropped.
    fn create(&mut self, path: &str, mode: u32) -> Result<NewFile, Error> {
        self.vacant(path)?;
        let mode = mode & 0o755 | 0o600;
        let file = self.made("create", path, |disk| disk.file(path, mode))?;
        Ok(NewFile { path: path.to_owned(), mode, size: 0, file, hasher: blake3::Hasher::new() })
    }

    /// Appends to a file.
    fn write(&self, file: &mut NewFile, bytes: &[u8]) -> Result<(), Error> {
        file.hasher.update(bytes);
        file.size += bytes.len() as u64;
        let NewFile { path, file: Some(file), .. } = file else { return Ok(()) };
        file.write_all(bytes).map_err(|source| self.failed("write", path, source))
    }

    /// Ends a file.
    fn close(&mut self, file: NewFile) -> Result<(), Error> {
        let NewFile { path, mode, size, file, hasher } = file;
        drop(file);
        self.add(path, NodeKind::File { mode, size, digest: *hasher.finalize().as_bytes() })
    }

    /// Adds a symbolic link that stays inside the tree.
    fn symbolic_link(&mut self, path: &str, target: &[u8]) -> Result<(), Error> {
        let target = path::link_target(path, target).map_err(|reason| reason.of(path.as_bytes()))?;
        self.any_link(path, target)
    }

    /// Adds one more name of a file that is there already.
    fn hard_link(&mut self, path: &str, target: &str) -> Result<(), Error> {
        self.vacant(path)?;
        let Some(kind @ NodeKind::File { .. }) = self.nodes.get(target).cloned() else {
            return Err(Refusal::HardLink { target: target.to_owned() }.of(path.as_bytes()));
        };
        self.made("create the link", path, |disk| disk.hard_link(path, target))?;
        self.add(path.to_owned(), kind)
    }

    /// Checks where the links lead and lists the tree, sorted by path.
    fn finish(self) -> Result<Vec<Node>, Error> {
        links::check(&self.nodes)?;
        Ok(self.list())
    }
}

impl Tree {
    fn vacant(&mut self, path: &str) -> Result<(), Error> {
        match self.nodes.get(path) {
            None => self.parents(path),
            Some(NodeKind::Folder) => Err(Refusal::OverFolder.of(path.as_bytes())),
            Some(_) => Err(Refusal::Duplicate.of(path.as_bytes())),
        }
    }

    /// Makes the folders above `path` that are missing.
    fn parents(&mut self, path: &str) -> Result<(), Error> {
        let parent = path::parent(path);
        if parent == self.last_parent {
            return Ok(());
        }
        let ends = parent.match_indices('/').map(|(at, _)| at).chain(Some(parent.len()).filter(|end| *end > 0));
        for end in ends {
            let above = &parent[..end];
            let refusal = match self.nodes.get(above) {
                Some(NodeKind::Folder) => continue,
                Some(NodeKind::Link { .. }) => Refusal::ThroughLink { parent: above.to_owned() },
                Some(NodeKind::File { .. }) => Refusal::BelowFile { parent: above.to_owned() },
                None => {
                    self.make_folder(above)?;
                    continue;
                }
            };
            return Err(refusal.of(path.as_bytes()));
        }
        parent.clone_into(&mut self.last_parent);
        Ok(())
    }

    fn make_folder(&mut self, path: &str) -> Result<(), Error> {
        self.made("create the folder", path, |disk| disk.folder(path))?;
        self.add(path.to_owned(), NodeKind::Folder)
    }

    fn add(&mut self, path: String, kind: NodeKind) -> Result<(), Error> {
        let target = if let NodeKind::Link { target } = &kind { target.len() } else { 0 };
        self.names += (path.len() + target) as u64;
        if self.names > self.limits.names {
            return Err(Error::Limit { what: "bytes of names", allowed: self.limits.names });
        }
        if let Some(folded) = &mut self.folded
            && let Some(other) = folded.insert(path.to_lowercase(), path.clone())
        {
            return Err(Refusal::CaseFold { other }.of(path.as_bytes()));
        }
        self.nodes.insert(path, kind);
        if self.nodes.len() as u64 > self.limits.entries {
            return Err(Error::Limit { what: "entries", allowed: self.limits.entries });
        }
        Ok(())
    }

    /// Takes a step on the disk, where the tree is made at all.
    fn made<T>(
        &mut self,
        action: &'static str,
        path: &str,
        step: impl FnOnce(&mut Disk) -> io::Result<T>,
    ) -> Result<Option<T>, Error> {
        match self.disk.as_mut().map(step).transpose() {
            Ok(made) => Ok(made),
            Err(source) => Err(self.failed(action, path, source)),
        }
    }

    /// Explains a failed step. What exists although this tree did not make it is another spelling of the same name.
    fn failed(&self, action: &'static str, path: &str, source: io::Error) -> Error {
        if source.kind() == io::ErrorKind::AlreadyExists {
            return Refusal::Duplicate.of(path.as_bytes());
        }
        FileError::new(action, self.root.join(path), source).into()
    }
}
