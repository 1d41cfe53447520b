//! Verifies a mirror: every file of its index exists and is unchanged, and every archive of a lock is in it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Seek, Write};
use std::path::PathBuf;

use futures_util::stream::{self, StreamExt, TryStreamExt};

use super::archives::Archive;
use super::compare::{self, Hashed};
use super::mirror_store::MirrorStore;
use super::{Condition, Entry, Error, INDEX, Index};
use crate::archive;
use crate::fs::At;
use crate::model::{Algorithm, Digest};
use crate::report::{Report, Task};
use crate::store::{ScratchDir, Store};

/// What to compare a mirror with.
#[derive(Debug, Clone, Copy)]
pub struct Check<'a> {
    /// The archives of a lock; empty to check only the mirror itself.
    pub archives: &'a [Archive],
    /// The number of files that are read at once.
    pub jobs: usize,
    pub report: &'a dyn Report,
    /// Stores the zips of Go modules while they are hashed by their contents.
    pub store: &'a Store,
}

/// The result of a check.
#[derive(Debug, Default)]
pub struct Checked {
    /// The number of correct files.
    pub sound: usize,
    /// Their total size in bytes.
    pub bytes: u64,
    /// What is wrong, sorted by path.
    pub findings: Vec<Finding>,
    /// The number of files that the index does not list, and their total size: left by an interrupted sync, or by
    /// another program.
    pub unnamed: (usize, u64),
}

/// One problem of a mirror.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub path: String,
    pub problem: Problem,
}

/// The problems that a file of a mirror can have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// The index lists it, but it does not exist.
    Missing,
    /// The lock lists it, but the index does not.
    NotSynced,
    /// Its size differs, in bytes.
    Size {
        /// As the index has it.
        expected: u64,
        found: u64,
    },
    Different {
        /// According to the index or the lock.
        expected: Digest,
        /// The actual digest; none for a zip that is not a valid Go module.
        found: Option<Digest>,
    },
    /// The index has another digest than the lock.
    OtherLock {
        /// As the lock has it.
        expected: Digest,
        /// As the index has it.
        found: Digest,
    },
}

/// Reads and verifies all files of a mirror, several at once.
///
/// # Errors
/// [`Error::Unfinished`] without an index; when the mirror cannot be read.
pub async fn check(store: &dyn MirrorStore, request: &Check<'_>) -> Result<Checked, Error> {
    let (index, condition) = Index::read(store).await?;
    if condition == Condition::Absent {
        return Err(Error::Unfinished { mirror: store.name() });
    }
    let locked: BTreeMap<&str, &Digest> =
        request.archives.iter().map(|archive| (archive.path.as_str(), &archive.artifact.digest)).collect();
    let mut checked = Checked::default();
    let task = request.report.began(&store.name(), Some(index.bytes()));
    let found: Result<Vec<Option<Finding>>, Error> = stream::iter(&index.files)
        .map(|(path, entry)| one((path, entry), locked.get(path.as_str()).copied(), store, (request, task)))
        .buffered(request.jobs.max(1))
        .try_collect()
        .await;
    request.report.ended(task, if found.is_ok() { "read" } else { "failed" });
    let found = found?;
    for (entry, finding) in index.files.values().zip(found) {
        match finding {
            Some(finding) => checked.findings.push(finding),
            None => {
                checked.sound += 1;
                checked.bytes += entry.size;
            }
        }
    }
    let absent = locked.keys().filter(|path| !index.files.contains_key(**path));
    checked.findings.extend(absent.map(|path| Finding { path: (*path).to_owned(), problem: Problem::NotSynced }));
    checked.findings.sort_by(|left, right| left.path.cmp(&right.path));
    checked.unnamed = unnamed(&index, store).await?;
    Ok(checked)
}

/// Counts the files that the index does not list.
async fn unnamed(index: &Index, store: &dyn MirrorStore) -> Result<(usize, u64), Error> {
    let listed = store.list().await?;
    let named: BTreeSet<&str> = index.files.keys().map(String::as_str).chain([INDEX]).collect();
    let strange = listed.iter().filter(|file| !named.contains(file.path.as_str()));
    Ok(strange.fold((0, 0), |(count, bytes), file| (count + 1, bytes + file.size)))
}

async fn one(
    (path, entry): (&str, &Entry),
    locked: Option<&Digest>,
    store: &dyn MirrorStore,
    (request, task): (&Check<'_>, Task),
) -> Result<Option<Finding>, Error> {
    let found = |problem| Ok(Some(Finding { path: path.to_owned(), problem }));
    let Some(mut body) = store.open(path).await? else { return found(Problem::Missing) };
    if let Some(length) = body.length().filter(|length| *length != entry.size) {
        return found(Problem::Size { expected: entry.size, found: length });
    }
    let expected = locked.or(entry.digest.as_ref());
    let mut zip = match expected {
        Some(digest) if digest.algorithm() == Algorithm::GoModule => Some(Zip::new(request.store)?),
        _ => None,
    };
    let mut advanced = |chunk: &[u8]| {
        request.report.advanced(task, chunk.len() as u64);
        if let Some(zip) = &mut zip {
            zip.add(chunk);
        }
    };
    let read = compare::read(body.as_mut(), expected, &mut advanced).await;
    let read = read.map_err(|source| compare::failed(path, store, source))?;
    let module = zip.map(Zip::hash).transpose()?.flatten();
    Ok(problem(&read, module, entry, locked).map(|problem| Finding { path: path.to_owned(), problem }))
}

/// Compares a file with the index and the lock. `module` is its hash as a Go module.
fn problem(read: &Hashed, module: Option<Digest>, entry: &Entry, locked: Option<&Digest>) -> Option<Problem> {
    if read.size != entry.size {
        return Some(Problem::Size { expected: entry.size, found: read.size });
    }
    if read.sha256 != entry.sha256 {
        return Some(Problem::Different { expected: entry.sha256.clone(), found: Some(read.sha256.clone()) });
    }
    if let (Some(locked), Some(put)) = (locked, &entry.digest)
        && locked != put
    {
        return Some(Problem::OtherLock { expected: locked.clone(), found: put.clone() });
    }
    let expected = locked.or(entry.digest.as_ref())?;
    let found = read.of(expected.algorithm()).cloned().or(module);
    (found.as_ref() != Some(expected)).then(|| Problem::Different { expected: expected.clone(), found })
}

/// Receives the zip of a Go module: its contents can only be read when it is complete.
struct Zip {
    path: PathBuf,
    /// The first error of the disk.
    file: io::Result<File>,
    _room: ScratchDir,
}

impl Zip {
    fn new(store: &Store) -> Result<Self, Error> {
        let scratch_dir = store.scratch_dir().map_err(|source| Error::Staging { source })?;
        let path = scratch_dir.folder().join("module.zip");
        let file = File::options().read(true).write(true).create_new(true).open(&path);
        Ok(Self { file, path, _room: scratch_dir })
    }

    fn add(&mut self, chunk: &[u8]) {
        if let Ok(file) = &mut self.file
            && let Err(error) = file.write_all(chunk)
        {
            self.file = Err(error);
        }
    }

    /// Returns the hash; none when it is not the zip of a module.
    fn hash(self) -> Result<Option<Digest>, Error> {
        let file = self.file.and_then(|mut file| file.rewind().map(|()| file));
        let file = file.at("write", &self.path)?;
        Ok(archive::module_hash(file, &archive::Limits::default()).ok())
    }
}
