//! Reading a mirror again: whether every file that its index names is there and is what it was, and whether it has what a
//! lock names.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Seek, Write};
use std::path::PathBuf;

use futures_util::stream::{self, StreamExt, TryStreamExt};

use super::compare::{self, Hashed};
use super::mirror_store::MirrorStore;
use super::wanted::Archive;
use super::{Condition, Entry, Error, INDEX, Index};
use crate::archive;
use crate::fs::At;
use crate::model::{Algorithm, Digest};
use crate::report::{Report, Task};
use crate::store::{ScratchDir, Store};

/// What to compare a mirror with.
#[derive(Debug, Clone, Copy)]
pub struct Check<'a> {
    /// The archives of a lock; none where only the mirror itself is of interest.
    pub archives: &'a [Archive],
    /// How many files are read at once.
    pub jobs: usize,
    /// Hears how far it is.
    pub report: &'a dyn Report,
    /// Has room for the zips of Go modules, whose hashes are those of what is in them.
    pub store: &'a Store,
}

/// What a check saw.
#[derive(Debug, Default)]
pub struct Checked {
    /// How many files are as they should be.
    pub sound: usize,
    /// The sum of their lengths in bytes.
    pub bytes: u64,
    /// What is wrong, sorted by path.
    pub findings: Vec<Finding>,
    /// How many files no index names, and the sum of their lengths: what an interrupted sync left, or somebody else's.
    pub unnamed: (usize, u64),
}

/// One thing that is wrong with a mirror.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The file.
    pub path: String,
    /// What is wrong with it.
    pub problem: Problem,
}

/// What can be wrong with a file of a mirror.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// The index names it, and it is not there.
    Missing,
    /// The lock names it, and the index does not.
    NotSynced,
    /// Its length is another, in bytes.
    Size {
        /// As the index has it.
        expected: u64,
        /// As it is.
        found: u64,
    },
    /// Its bytes are others.
    Different {
        /// As the index or the lock has it.
        expected: Digest,
        /// As they are; none for a zip of a Go module that cannot be read as one.
        found: Option<Digest>,
    },
    /// The index says that it was put for another digest than the lock has.
    OtherLock {
        /// As the lock has it.
        expected: Digest,
        /// As the index has it.
        found: Digest,
    },
}

/// Reads all files of a mirror again, several at once.
///
/// # Errors
/// [`Error::Unfinished`] without an index; when the mirror cannot be read.
pub async fn check(store: &dyn MirrorStore, wanted: &Check<'_>) -> Result<Checked, Error> {
    let (index, condition) = Index::read(store).await?;
    if condition == Condition::Absent {
        return Err(Error::Unfinished { mirror: store.name() });
    }
    let locked: BTreeMap<&str, &Digest> =
        wanted.archives.iter().map(|archive| (archive.path.as_str(), &archive.artifact.digest)).collect();
    let mut checked = Checked::default();
    let task = wanted.report.began(&store.name(), Some(index.bytes()));
    let found: Result<Vec<Option<Finding>>, Error> = stream::iter(&index.files)
        .map(|(path, entry)| one((path, entry), locked.get(path.as_str()).copied(), store, (wanted, task)))
        .buffered(wanted.jobs.max(1))
        .try_collect()
        .await;
    wanted.report.ended(task, if found.is_ok() { "read" } else { "failed" });
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

/// Counts what no index names.
async fn unnamed(index: &Index, store: &dyn MirrorStore) -> Result<(usize, u64), Error> {
    let listed = store.list().await?;
    let named: BTreeSet<&str> = index.files.keys().map(String::as_str).chain([INDEX]).collect();
    let strange = listed.iter().filter(|file| !named.contains(file.path.as_str()));
    Ok(strange.fold((0, 0), |(count, bytes), file| (count + 1, bytes + file.size)))
}

/// Reads one file again.
async fn one(
    (path, entry): (&str, &Entry),
    locked: Option<&Digest>,
    store: &dyn MirrorStore,
    (wanted, task): (&Check<'_>, Task),
) -> Result<Option<Finding>, Error> {
    let found = |problem| Ok(Some(Finding { path: path.to_owned(), problem }));
    let Some(mut body) = store.open(path).await? else { return found(Problem::Missing) };
    if let Some(length) = body.length().filter(|length| *length != entry.size) {
        return found(Problem::Size { expected: entry.size, found: length });
    }
    let expected = locked.or(entry.digest.as_ref());
    let mut zip = match expected {
        Some(digest) if digest.algorithm() == Algorithm::GoModule => Some(Zip::new(wanted.store)?),
        _ => None,
    };
    let mut advanced = |chunk: &[u8]| {
        wanted.report.advanced(task, chunk.len() as u64);
        if let Some(zip) = &mut zip {
            zip.add(chunk);
        }
    };
    let read = compare::read(body.as_mut(), expected, &mut advanced).await;
    let read = read.map_err(|source| compare::failed(path, store, source))?;
    let module = zip.map(Zip::hash).transpose()?.flatten();
    Ok(problem(&read, module, entry, locked).map(|problem| Finding { path: path.to_owned(), problem }))
}

/// Compares what was read with the index and the lock. `module` is the hash of a Go module.
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

/// The zip of a Go module on its way: what is in it can only be read when it is there.
struct Zip {
    path: PathBuf,
    /// What the disk said to the bytes so far.
    file: io::Result<File>,
    _room: ScratchDir,
}

impl Zip {
    fn new(store: &Store) -> Result<Self, Error> {
        let room = store.scratch_dir().map_err(|source| Error::Staging { source })?;
        let path = room.folder().join("module.zip");
        let file = File::options().read(true).write(true).create_new(true).open(&path);
        Ok(Self { file, path, _room: room })
    }

    fn add(&mut self, chunk: &[u8]) {
        if let Ok(file) = &mut self.file
            && let Err(error) = file.write_all(chunk)
        {
            self.file = Err(error);
        }
    }

    /// Returns the hash; none when it is no zip of a module.
    fn hash(self) -> Result<Option<Digest>, Error> {
        let file = self.file.and_then(|mut file| file.rewind().map(|()| file));
        let file = file.at("write", &self.path)?;
        Ok(archive::module_hash(file, &archive::Limits::default()).ok())
    }
}
