//! Layers of images: what one says is to be changed in the tree of those below it.
//!
//! The rules are those of <https://github.com/opencontainers/image-spec/blob/main/layer.md>; where that is silent, what
//! umoci and containerd do. As everywhere in this module, the list of what was made here is the truth about the target, and
//! the names of a layer are looked up in that list and never on the disk.

use std::collections::HashSet;
use std::path::Path;

use super::error::{Error, Refusal};
use super::tree::{Grow, NewFile, Tree};
use super::{Cost, Options, path};
use crate::model::{Node, NodeKind};

/// The beginning of a name that stands for a removed one.
const WHITEOUT: &str = ".wh.";
/// What follows it where everything in the folder is removed.
const OPAQUE: &str = ".wh..opq";
/// The kernel gives up after this many links in one path (<https://man7.org/linux/man-pages/man7/path_resolution.7.html>).
const HOPS: usize = 40;
/// All steps together, so that a layer that leads in circles or removes the same again and again costs a second and not a
/// day.
const STEPS: usize = 5_000_000;

/// A tree that layers made, and what they have cost of the limits; empty before the first.
#[derive(Debug, Default)]
pub struct Layers {
    /// The tree, sorted by path.
    pub nodes: Vec<Node>,
    pub(super) cost: Cost,
}

/// One layer that is being applied.
#[derive(Debug)]
pub(super) struct Layer {
    tree: Tree,
    /// What this layer brought, with the folders above it: its whiteouts do not touch that.
    own: HashSet<String>,
    /// The folder of the last entry, as named and as found: the next entry is most often in it.
    last: (String, String),
    steps: usize,
}

impl Layer {
    pub(super) fn over(lower: Layers, root: &Path, options: &Options) -> Result<Self, Error> {
        let tree = Tree::over(root, options, lower.nodes)?;
        Ok(Self { tree, own: HashSet::new(), last: Default::default(), steps: STEPS })
    }

    /// Finds where a name of the layer really is: the folders of its path may be symbolic links.
    fn place(&mut self, path: &str) -> Result<String, Error> {
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        if self.last.0 != parent {
            let found = self.follow(parent).map_err(|reason| reason.of(path.as_bytes()))?;
            self.last = (parent.to_owned(), found);
        }
        Ok(match self.last.1.as_str() {
            "" => name.to_owned(),
            found => format!("{found}/{name}"),
        })
    }

    /// Follows the links in a path, the last part included, as the kernel does for a process whose root is the tree: `..`
    /// at the root stays there, and an absolute target begins there.
    fn follow(&mut self, path: &str) -> Result<String, Refusal> {
        let mut here = String::new();
        let mut ahead: Vec<String> = path.split('/').rev().map(str::to_owned).collect();
        let mut hops = 0;
        while let Some(part) = ahead.pop() {
            self.steps = self.steps.checked_sub(1).ok_or(Refusal::Entangled)?;
            match part.as_str() {
                "" | "." => continue,
                ".." => {
                    here.truncate(path::parent(&here).len());
                    continue;
                }
                _ => {}
            }
            let before = here.len();
            if before > 0 {
                here.push('/');
            }
            here.push_str(&part);
            if let Some(NodeKind::Link { target }) = self.tree.at(&here) {
                hops += 1;
                if hops > HOPS {
                    return Err(Refusal::Entangled);
                }
                here.truncate(if target.starts_with('/') { 0 } else { before });
                ahead.extend(target.split('/').rev().map(str::to_owned));
            }
        }
        // Targets are kept as they are, so that what they lead to is checked like the name of an entry.
        if hops > 0 { path::clean(here.as_bytes()) } else { Ok(here) }
    }

    /// Makes way for something that is not a folder: what a lower layer has at the path goes, whatever it is.
    fn vacate(&mut self, place: &str) -> Result<(), Error> {
        let refusal = match self.tree.at(place) {
            None => return Ok(()),
            Some(_) if !self.own.contains(place) => return self.remove(place, true),
            Some(NodeKind::Folder) => Refusal::OverFolder,
            Some(_) => Refusal::Duplicate,
        };
        Err(refusal.of(place.as_bytes()))
    }

    /// Removes what lower layers brought: what is below the path and, when `whole`, the path itself.
    fn remove(&mut self, place: &str, whole: bool) -> Result<(), Error> {
        let below =
            self.tree.below(place).chain([place].into_iter().filter(|_| whole && self.tree.at(place).is_some()));
        let mut doomed = Vec::new();
        for path in below {
            self.steps = self
                .steps
                .checked_sub(1)
                .ok_or(Error::Limit { what: "steps of removing what lower layers have", allowed: STEPS as u64 })?;
            if !self.own.contains(path) {
                doomed.push(path.to_owned());
            }
        }
        // Children come after their folder in the order of paths.
        doomed.sort_unstable_by(|left, right| right.cmp(left));
        for path in &doomed {
            self.tree.remove(path)?;
        }
        self.last = Default::default();
        Ok(())
    }

    /// Notes what the layer brought. The folders above it are then its own as well: a whiteout of one of them leaves it.
    fn brought(&mut self, place: &str) {
        let mut path = place;
        while !path.is_empty() && !self.own.contains(path) {
            self.own.insert(path.to_owned());
            path = path::parent(path);
        }
    }
}

impl Grow for Layer {
    /// Adds a folder, or finds it in a lower layer. It takes the place of anything else there.
    fn folder(&mut self, path: &str) -> Result<(), Error> {
        let place = self.place(path)?;
        match self.tree.at(&place) {
            Some(NodeKind::Folder) => {}
            Some(_) if self.own.contains(&place) => return Err(Refusal::OverFile.of(place.as_bytes())),
            _ => {
                self.vacate(&place)?;
                self.tree.folder(&place)?;
            }
        }
        self.brought(&place);
        Ok(())
    }

    /// Starts a file, a new one: what another name of a replaced file shows stays as it was.
    fn create(&mut self, path: &str, mode: u32) -> Result<NewFile, Error> {
        let place = self.place(path)?;
        self.vacate(&place)?;
        self.brought(&place);
        self.tree.create(&place, mode)
    }

    fn write(&self, file: &mut NewFile, bytes: &[u8]) -> Result<(), Error> {
        self.tree.write(file, bytes)
    }

    fn close(&mut self, file: NewFile) -> Result<(), Error> {
        self.tree.close(file)
    }

    /// Adds a symbolic link. Whoever follows it does so in a chroot.
    fn symbolic_link(&mut self, path: &str, target: &[u8]) -> Result<(), Error> {
        let target = path::any_target(target).map_err(|reason| reason.of(path.as_bytes()))?;
        let place = self.place(path)?;
        self.vacate(&place)?;
        self.brought(&place);
        self.last = Default::default();
        self.tree.any_link(&place, target)
    }

    /// Adds one more name of a file or symbolic link, of this or a lower layer.
    fn hard_link(&mut self, path: &str, target: &str) -> Result<(), Error> {
        let (place, found) = (self.place(path)?, self.place(target)?);
        let refusal = || Refusal::HardLink { target: target.to_owned() }.of(path.as_bytes());
        let same = found == place || found.starts_with(&format!("{place}/"));
        let kind = self.tree.at(&found).filter(|kind| !same && **kind != NodeKind::Folder).cloned();
        let kind = kind.ok_or_else(refusal)?;
        self.vacate(&place)?;
        self.brought(&place);
        match kind {
            NodeKind::Link { target } => {
                self.last = Default::default();
                self.tree.any_link(&place, target)
            }
            _ => self.tree.hard_link(&place, &found),
        }
    }

    fn finish(self) -> Result<Vec<Node>, Error> {
        Ok(self.tree.list())
    }

    /// Builders write the target as it was on their machine: `/usr/bin/perl` (kaniko does).
    fn target_name(target: &[u8]) -> &[u8] {
        target.strip_prefix(b"/").unwrap_or(target)
    }

    fn whiteout(&mut self, path: &str, is_file: bool, size: u64) -> Result<bool, Error> {
        let refused = |reason| Err(Refusal::Whiteout { reason }.of(path.as_bytes()));
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        if parent.split('/').any(|part| part.starts_with(WHITEOUT)) {
            return refused("it is below a name that stands for a removed one");
        }
        let Some(hidden) = name.strip_prefix(WHITEOUT) else { return Ok(false) };
        match hidden {
            "" => return refused("it names nothing"),
            "." | ".." => return refused("it names a folder by dots"),
            OPAQUE => {}
            _ if hidden.starts_with(WHITEOUT) => return refused("the names after `.wh..wh.` belong to a file system"),
            _ => {}
        }
        if !is_file || size > 0 {
            return refused("a whiteout is an empty file");
        }
        if hidden == OPAQUE {
            let folder = self.follow(parent).map_err(|reason| reason.of(path.as_bytes()))?;
            self.remove(&folder, false)?;
        } else {
            let place = self.place(path)?;
            let hidden = format!("{}{hidden}", &place[..place.len() - name.len()]);
            self.remove(&hidden, true)?;
        }
        Ok(true)
    }
}
