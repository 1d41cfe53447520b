//! Staging: where an install is made, out of everybody's sight, until one rename makes it real.
//!
//! A staging folder lives as long as its maker: it is deleted on drop, and `sweep` deletes those whose maker was killed.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::adopt::adopt;
use super::error::Error;
use super::files::Files;
use super::hold::{Attempt, exclusive, hold};
use super::id::{Fingerprint, InstallId};
use super::lock::Lock;
use super::receipt::{Origin, Receipt};
use super::{FILES, Install, RECEIPT, STAGING, Store, TREE};
use crate::fs::{At, FileError, Maker, TempDir, delete, is_absent, make_writable, maker_of};
use crate::model::{Digest, Executable, Node, TreeDigest, Verified};

/// A private folder in which one install comes into being.
#[derive(Debug)]
pub struct Staging {
    pub(super) store: Store,
    pub(super) id: InstallId,
    scratch: Scratch,
    /// Held on to, so that no install is promoted after its lock was given back.
    _lock: Arc<File>,
}

/// What was unpacked into a staging tree.
#[derive(Debug)]
pub struct Unpacked {
    /// The artifacts, in the order of their unpacking.
    pub artifacts: Vec<Origin>,
    /// Every entry that was unpacked; where a path comes twice, the last one counts.
    pub nodes: Vec<Node>,
    /// Every entry that this program added.
    pub added: Vec<Node>,
    /// What the lock pins of the entries that were unpacked.
    pub pinned: Option<TreeDigest>,
    /// The executables that the project names, for a tool that it defines itself.
    pub executables: Vec<Executable>,
    /// The time to put on the receipt.
    pub installed: jiff::Timestamp,
}

impl Store {
    /// Makes an empty staging folder for the install whose lock is held.
    ///
    /// # Errors
    /// When the store cannot be written to.
    pub fn stage(&self, lock: &Lock) -> Result<Staging, Error> {
        let scratch = Scratch::new(self)?;
        let tree = scratch.made().join(TREE);
        fs::create_dir(&tree).at("create", &tree)?;
        Ok(Staging { store: self.clone(), id: lock.id.clone(), scratch, _lock: Arc::clone(&lock.file) })
    }

    /// Deletes what killed processes left in staging and gives the number of folders. Never touches what a living
    /// process holds. Folders of other users that may not be touched stay.
    ///
    /// # Errors
    /// When the staging folder cannot be read or a dead one cannot be deleted.
    pub fn sweep(&self) -> Result<usize, Error> {
        let staging = self.root.join(STAGING);
        if !super::is_folder(&staging)? || is_empty(&staging)? {
            return Ok(0);
        }
        let dead = {
            let _gate = self.gate()?;
            find_dead(&staging)?
        };
        for (path, _) in &dead {
            delete(path).at("delete", path)?;
        }
        Ok(dead.len())
    }

    /// Takes the lock under which staging folders are made and judged: one whose `alive` is not there yet would look
    /// dead otherwise.
    fn gate(&self) -> Result<File, Error> {
        self.lock_file("staging.lock", &|| {})
    }

    /// Checks that `path` and what lies between it and the store's root are real folders, or not there.
    pub(super) fn own(&self, path: &Path) -> Result<(), Error> {
        for folder in path.ancestors().take_while(|folder| *folder != self.root) {
            let found = match fs::symlink_metadata(folder) {
                Ok(metadata) if metadata.is_dir() => continue,
                Ok(metadata) if metadata.is_symlink() => "a symbolic link",
                Ok(_) => "a file",
                Err(error) if is_absent(&error) => continue,
                Err(error) => return Err(FileError::new("look at", folder, error).into()),
            };
            return Err(Error::Foreign { path: folder.to_owned(), found });
        }
        Ok(())
    }
}

impl Staging {
    /// Returns the staging folder itself, for what is needed on the way and not kept.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        self.scratch.made()
    }

    /// Returns the folder to unpack into. Several artifacts may go into it, one after the other.
    #[must_use]
    pub fn tree(&self) -> PathBuf {
        self.scratch.made().join(TREE)
    }

    /// Makes the install real, and holds it. When it exists by now, that one is given and this one deleted.
    ///
    /// # Errors
    /// When `verified` is not what the install is named by ([`Error::Unproven`]), the nodes contradict each other, or the
    /// store cannot be written to. Nothing is left behind then.
    pub fn promote(self, verified: Vec<Verified>, unpacked: Unpacked) -> Result<Install, Error> {
        if let Some(existing) = self.store.claim(&self.id)? {
            return Ok(existing);
        }
        let receipt = self.seal(verified, unpacked)?;
        let target = self.store.install_folder(&self.id);
        if !self.scratch.place_if_absent(&self.store, &target)? {
            if let Some(existing) = self.store.claim(&self.id)? {
                return Ok(existing);
            }
            // What stands there has no receipt: a cut of power, or nothing of ours.
            self.scratch.place(&self.store, &target)?;
        }
        self.finished(&target, receipt)
    }

    /// Takes over what the tool itself has put into these folders of the install that is to be replaced.
    ///
    /// # Errors
    /// When it cannot be read, or the store cannot be written to.
    pub fn adopt(&self, folders: &[&str]) -> Result<(), Error> {
        adopt(&self.store.root_of(&self.id), &self.tree(), folders)
    }

    /// Makes the install real in the place of a damaged one. A kill at any point leaves either of the two, or none.
    ///
    /// # Errors
    /// As [`Staging::promote`], and [`Error::InUse`] while a program uses the damaged one; it stays then.
    pub fn replace(self, verified: Vec<Verified>, unpacked: Unpacked) -> Result<Install, Error> {
        let receipt = self.seal(verified, unpacked)?;
        let target = self.store.install_folder(&self.id);
        let Some(exclusive) = exclusive(&target)? else { return Err(Error::InUse { name: self.id.to_string() }) };
        self.scratch.place(&self.store, &target)?;
        drop(exclusive);
        self.finished(&target, receipt)
    }

    /// Holds what was placed: its lock is still taken, so that it was not removed meanwhile.
    fn finished(&self, target: &Path, receipt: Receipt) -> Result<Install, Error> {
        let hold = if let Attempt::Held(hold) = hold(target)? { Some(hold) } else { None };
        Ok(Install { id: self.id.clone(), root: target.join(TREE), receipt, hold })
    }

    /// Checks the proof, then writes the file list and, last, the receipt.
    fn seal(&self, verified: Vec<Verified>, unpacked: Unpacked) -> Result<Receipt, Error> {
        let unproven = |reason: &str| Error::Unproven { id: self.id.to_string(), reason: reason.to_owned() };
        let digests: Vec<Digest> = verified.into_iter().map(|verified| verified.digest().clone()).collect();
        if !digests.iter().eq(unpacked.artifacts.iter().map(|artifact| &artifact.digest)) {
            return Err(unproven("the verified digests are not those of its artifacts"));
        }
        let strips = unpacked.artifacts.iter().map(|artifact| artifact.strip);
        if Fingerprint::laid_out(digests.iter().zip(strips), &unpacked.executables) != self.id.fingerprint {
            return Err(unproven("its name has other digests than those that were verified"));
        }
        let folder = self.scratch.made();
        let list = folder.join(FILES);
        let added: Vec<String> = unpacked.added.iter().map(|node| node.path.clone()).collect();
        let files = Files::new(unpacked.nodes.into_iter().chain(unpacked.added))
            .map_err(|reason| Error::FileList { path: list.clone(), reason })?;
        let sealed = write_list(&files, &list)?;
        let (count, bytes) = (files.entries().len() as u64, files.bytes());
        let own = (!added.is_empty()).then(|| {
            let added: Vec<&str> = added.iter().map(String::as_str).collect();
            files.without(&added).digest().to_hex()
        });
        let receipt = Receipt {
            id: self.id.clone(),
            artifacts: unpacked.artifacts,
            executables: unpacked.executables,
            installed: unpacked.installed,
            files: sealed,
            unpacked: own,
            count,
            bytes,
        };
        match (unpacked.pinned, receipt.tree()) {
            (Some(pinned), found) if found != Some(pinned) => {
                let found = found.map_or_else(|| "nothing".to_owned(), |found| found.to_string());
                return Err(Error::OtherTree { id: self.id.to_string(), pinned: pinned.to_string(), found });
            }
            _ => {}
        }
        let path = folder.join(RECEIPT);
        fs::write(&path, receipt.to_json()).at("write", &path)?;
        Ok(receipt)
    }
}

/// Writes a file list and gives its digest.
pub(super) fn write_list(files: &Files, path: &Path) -> Result<String, Error> {
    let text = files.to_text();
    fs::write(path, &text).at("write", path)?;
    Ok(blake3::hash(text.as_bytes()).to_hex().to_string())
}

/// A private folder on the store's file system, deleted on drop.
#[derive(Debug)]
pub(super) struct Scratch(TempDir);

impl Scratch {
    pub(super) fn new(store: &Store) -> Result<Self, Error> {
        let staging = store.root.join(STAGING);
        store.make_folder(&staging)?;
        store.own(&staging)?;
        let _gate = store.gate()?;
        let scratch = Self(TempDir::unswept(&staging, "")?);
        let made = scratch.made();
        fs::create_dir(&made).at("create", &made)?;
        Ok(scratch)
    }

    /// Returns the folder that is to be moved into place.
    pub(super) fn made(&self) -> PathBuf {
        self.0.path().join("made")
    }

    /// Moves what was made to `target`, where nothing may stand; returns true if it did.
    pub(super) fn place_if_absent(&self, store: &Store, target: &Path) -> Result<bool, Error> {
        make_parent(store, target)?;
        if fs::symlink_metadata(target).is_ok() {
            return Ok(false);
        }
        match fs::rename(self.made(), target) {
            Ok(()) => Ok(true),
            Err(error) if matches!(error.kind(), io::ErrorKind::AlreadyExists | io::ErrorKind::DirectoryNotEmpty) => {
                Ok(false)
            }
            Err(error) => Err(FileError::new("create", target, error).into()),
        }
    }

    /// Moves what was made to `target` and what stood there out of the way.
    pub(super) fn place(&self, store: &Store, target: &Path) -> Result<(), Error> {
        make_parent(store, target)?;
        let old = self.take(target)?;
        let renamed = fs::rename(self.made(), target).inspect_err(|_| {
            if let Some(old) = old {
                // The first error is the one to report; this only tries to keep what was there.
                let _ = fs::rename(old, target);
            }
        });
        Ok(renamed.at("create", target)?)
    }

    /// Moves `path` in here, to be deleted with the rest, and returns where it is now; a link is moved as a link.
    pub(super) fn take(&self, path: &Path) -> Result<Option<PathBuf>, Error> {
        let trash = self.0.path().join("trash");
        match fs::rename(path, &trash) {
            Ok(()) => Ok(Some(trash)),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(FileError::new("move away", path, error).into()),
        }
    }

    /// Deletes the folder and says when that fails, which a drop cannot.
    pub(super) fn discard(self) -> Result<(), Error> {
        Ok(self.0.close()?)
    }
}

fn make_parent(store: &Store, target: &Path) -> Result<(), Error> {
    let parent = target.parent().expect("the store places nothing at its root");
    // Before and after: no folder is made through a link, and none that came meanwhile is used.
    store.own(parent)?;
    store.make_folder(parent)?;
    store.own(parent)
}

/// Finds what nobody holds in the staging folder. Call it behind the gate.
fn find_dead(staging: &Path) -> Result<Vec<(PathBuf, Option<File>)>, Error> {
    let mut dead = Vec::new();
    for entry in fs::read_dir(staging).at("read", staging)? {
        let path = entry.at("read", staging)?.path();
        match maker_of(&path)? {
            Maker::Alive => {}
            Maker::Dead(file) => dead.push((path, Some(file))),
            Maker::Unknown => dead.push((path, None)),
        }
    }
    Ok(dead)
}

fn is_empty(folder: &Path) -> Result<bool, Error> {
    Ok(fs::read_dir(folder).at("read", folder)?.next().is_none())
}

/// Makes a tree's own folder movable: an archive may have set its mode to read-only, and a rename changes its `..`.
pub(super) fn make_movable(folder: &Path) -> Result<(), Error> {
    let read_only = fs::symlink_metadata(folder).at("look at", folder)?.permissions().readonly();
    if read_only { Ok(make_writable(folder).at("change the mode of", folder)?) } else { Ok(()) }
}
