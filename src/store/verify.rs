//! Reads a tree again and says where it differs from what was installed.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde::Serialize;

use super::error::Error;
use super::files::Files;
use super::{FILES, Install, Store};
use crate::fs::{At, FileError, is_absent};
use crate::model::NodeKind;

/// One difference between a tree and its file list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Difference {
    /// The path relative to the root.
    pub path: String,
    /// What is different.
    pub change: Change,
}

/// What can be different.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// It was installed and is not there.
    Missing,
    /// It was not installed and is there. Compilers read whatever lies in their root, so that this is a finding as well, but in
    /// the folders into which the tool itself puts files.
    Extra,
    /// A file, folder or link is something else now.
    Kind,
    /// Its owner may or may not execute it any more, or it runs with another user's rights now. Other bits are the
    /// business of the umask and of whoever restored a cache.
    Mode,
    /// The file's bytes are others.
    Content,
    /// The link leads elsewhere.
    Target,
}

/// How to verify.
#[derive(Clone, Copy)]
pub struct Check<'a> {
    /// How many threads read and hash; at least 1.
    pub threads: usize,
    /// Hears how many more bytes were read. Called by all threads.
    pub advanced: &'a (dyn Fn(u64) + Sync),
}

impl Store {
    /// Hashes every file of an install again and lists the differences, sorted by path; none when it is intact.
    ///
    /// # Errors
    /// [`Error::FileList`] when the list itself is not the one that was installed; when something cannot be read.
    pub fn verify(&self, install: &Install, check: Check<'_>) -> Result<Vec<Difference>, Error> {
        verify_tree(&install.root, &install.receipt.files, check)
    }
}

impl Install {
    /// Lists what stands in these folders and was not installed. Reads no file.
    #[must_use]
    pub fn added(&self, folders: &[&str]) -> Vec<String> {
        added(&self.root, &self.receipt.files, folders)
    }
}

/// Lists what stands in these folders of a root and was not installed: one path for each folder that is new as a whole. Nothing
/// where the list of files cannot be trusted.
pub(super) fn added(root: &Path, files: &str, folders: &[&str]) -> Vec<String> {
    let Ok(files) = Files::read(&root.with_file_name(FILES), files) else { return Vec::new() };
    let mut found = BTreeMap::new();
    for folder in folders {
        let path = root.join(folder);
        match fs::symlink_metadata(&path) {
            Ok(metadata) if files.entries().get(*folder) != Some(&NodeKind::Folder) => {
                found.insert((*folder).to_owned(), Entry { path, metadata });
            }
            // What cannot be read is not listed.
            Ok(_) => drop(walk(&path, &format!("{folder}/"), &files, &mut found)),
            Err(_) => {}
        }
    }
    found.into_keys().filter(|path| !files.entries().contains_key(path)).collect()
}

/// Compares the tree at `root` with the list next to it, whose digest is `files`.
pub(super) fn verify_tree(root: &Path, files: &str, check: Check<'_>) -> Result<Vec<Difference>, Error> {
    let files = Files::read(&root.with_file_name(FILES), files)?;
    let mut found = BTreeMap::new();
    if super::is_folder(root)? {
        walk(root, "", &files, &mut found)?;
    }
    let mut differences = Vec::new();
    let mut to_hash = Vec::new();
    for (path, expected) in files.entries() {
        match found.get(path) {
            None => differences.push(Difference { path: path.clone(), change: Change::Missing }),
            Some(entry) => match compare(expected, entry)? {
                Outcome::Same => {}
                Outcome::Differs(change) => differences.push(Difference { path: path.clone(), change }),
                Outcome::Hash(digest) => to_hash.push(Work { path, file: &entry.path, digest }),
            },
        }
    }
    let extra = found.keys().filter(|path| !files.entries().contains_key(*path));
    differences.extend(extra.map(|path| Difference { path: path.clone(), change: Change::Extra }));
    differences.extend(hash_all(&to_hash, check)?);
    differences.sort();
    Ok(differences)
}

/// What stands on disk.
struct Entry {
    path: PathBuf,
    metadata: Metadata,
}

/// A file whose bytes must be read.
struct Work<'a> {
    path: &'a str,
    file: &'a Path,
    digest: [u8; 32],
}

enum Outcome {
    Same,
    Differs(Change),
    Hash([u8; 32]),
}

/// Collects what stands in a folder. Does not go into folders that were not installed: one finding each is enough.
fn walk(folder: &Path, prefix: &str, files: &Files, found: &mut BTreeMap<String, Entry>) -> Result<(), Error> {
    for entry in fs::read_dir(folder).at("read", folder)? {
        let entry = entry.at("read", folder)?;
        let path = entry.path();
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        let metadata = match fs::symlink_metadata(&path) {
            Ok(metadata) => metadata,
            Err(error) if is_absent(&error) => continue,
            Err(error) => return Err(FileError::new("look at", &path, error).into()),
        };
        if metadata.is_dir() && files.entries().get(&name) == Some(&NodeKind::Folder) {
            walk(&path, &format!("{name}/"), files, found)?;
        }
        found.insert(name, Entry { path, metadata });
    }
    Ok(())
}

/// Compares what is known without reading a file.
fn compare(expected: &NodeKind, entry: &Entry) -> Result<Outcome, Error> {
    let Entry { path, metadata } = entry;
    Ok(match expected {
        NodeKind::Folder if metadata.is_dir() => Outcome::Same,
        NodeKind::Link { target } if metadata.is_symlink() => {
            let found = fs::read_link(path).at("read", path)?;
            if found == Path::new(target) { Outcome::Same } else { Outcome::Differs(Change::Target) }
        }
        NodeKind::File { mode, size, digest } if metadata.is_file() => {
            if metadata.len() != *size {
                Outcome::Differs(Change::Content)
            } else if changed_mode(*mode, metadata) {
                Outcome::Differs(Change::Mode)
            } else {
                Outcome::Hash(*digest)
            }
        }
        _ => Outcome::Differs(Change::Kind),
    })
}

#[cfg(unix)]
fn changed_mode(expected: u32, metadata: &Metadata) -> bool {
    // Owner's execute, set-user-id, set-group-id and sticky.
    const TELLING: u32 = 0o7100;
    (std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) ^ expected) & TELLING != 0
}

#[cfg(not(unix))]
fn changed_mode(_: u32, _: &Metadata) -> bool {
    false
}

/// Hashes files on several threads, each taking the next one.
fn hash_all(work: &[Work<'_>], check: Check<'_>) -> Result<Vec<Difference>, Error> {
    let next = AtomicUsize::new(0);
    let outcome = Mutex::new(Ok(Vec::new()));
    let run = || {
        let mut buffer = vec![0; 128 * 1024];
        while let Some(Work { path, file, digest }) = work.get(next.fetch_add(1, Ordering::Relaxed)) {
            let hashed = hash(file, &mut buffer, check);
            let mut outcome = outcome.lock().expect("no thread panics while it holds this");
            match (hashed.at("read", file).map_err(Error::from), outcome.as_mut()) {
                (_, Err(_)) => return,
                (Err(error), _) => *outcome = Err(error),
                (Ok(found), Ok(differences)) if found != *digest => {
                    differences.push(Difference { path: (*path).to_owned(), change: Change::Content });
                }
                (Ok(_), Ok(_)) => {}
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..check.threads {
            // Without another thread this one does all of the work.
            if std::thread::Builder::new().spawn_scoped(scope, run).is_err() {
                break;
            }
        }
        run();
    });
    outcome.into_inner().expect("no thread panicked")
}

fn hash(path: &Path, buffer: &mut [u8], check: Check<'_>) -> io::Result<[u8; 32]> {
    let mut file = File::open(path)?;
    let mut hasher = blake3::Hasher::new();
    loop {
        match file.read(buffer) {
            Ok(0) => return Ok(*hasher.finalize().as_bytes()),
            Ok(length) => {
                hasher.update(&buffer[..length]);
                (check.advanced)(length as u64);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, change } = self;
        match change {
            Change::Missing => write!(f, "{path} is missing"),
            Change::Extra => write!(f, "{path} was added, not by toolkit"),
            Change::Kind => write!(f, "{path} is something else than what was installed"),
            Change::Mode => write!(f, "{path} has another mode"),
            Change::Content => write!(f, "{path} has other contents"),
            Change::Target => write!(f, "{path} links to another place"),
        }
    }
}

impl fmt::Debug for Check<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Check").field("threads", &self.threads).finish_non_exhaustive()
    }
}
