//! Plans a sync: compares everything that a lock needs with the mirror. Changes nothing.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use futures_util::stream::{self, StreamExt, TryStreamExt};

use super::archives::Archive;
use super::compare::{self, EntryState};
use super::documents::Recorded;
use super::{Condition, Content, Entry, Error, Index, Kind, MirrorStore, Use, archives};
use crate::project::Lock;

/// The plan of a sync, which can be shown before anything changes.
#[derive(Debug)]
pub struct Plan {
    /// The files to put into the mirror: archives first.
    pub put: Vec<Planned>,
    /// The number of files that are already in place.
    pub in_place: usize,
    /// The files to remove.
    pub prune: Vec<Gone>,
    /// The current index, and the condition for changing it.
    pub(super) index: Index,
    pub(super) condition: Condition,
    /// The files of this lock that are in place.
    pub(super) right: BTreeMap<String, Entry>,
    /// The other projects whose files stay; none when nothing is pruned.
    pub(super) kept: Option<Kept>,
}

/// A file to put.
#[derive(Debug, Clone)]
pub struct Planned {
    /// Its path in the mirror.
    pub path: String,
    /// Its size in bytes, if known.
    pub size: Option<u64>,
    pub kind: Kind,
    pub reason: Reason,
    pub(super) load: Load,
}

/// The reason for putting a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The mirror has none.
    Missing,
    /// The mirror has another one.
    Different,
}

/// Where a file comes from.
#[derive(Debug, Clone)]
pub(super) enum Load {
    /// To be downloaded and verified.
    Archive(Box<Archive>),
    Document(Box<(Content, BTreeSet<Use>)>),
}

/// A file to remove.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gone {
    /// Its path in the mirror.
    pub path: String,
    /// Its length in bytes.
    pub size: u64,
}

/// The files that other projects need in a shared mirror.
#[derive(Debug, Clone, Default)]
pub struct Kept {
    archives: HashSet<String>,
    tools: HashSet<String>,
}

impl Kept {
    /// Keeps the archives of another lock, and the documents of its tools.
    ///
    /// # Errors
    /// As [`archives`].
    pub fn add(&mut self, lock: &Lock) -> Result<(), Error> {
        self.archives.extend(archives(lock)?.into_iter().map(|archive| archive.path));
        self.tools.extend(lock.tools.iter().map(|tool| tool.name.clone()));
        Ok(())
    }

    /// Returns true if a file stays.
    fn keeps(&self, path: &str, entry: &Entry) -> bool {
        match entry.kind {
            Kind::Archive => self.archives.contains(path),
            Kind::Metadata => entry.uses.iter().any(|one| self.tools.contains(&one.tool)),
        }
    }
}

impl Plan {
    /// Compares the archives of a lock and the documents of its requests with a mirror, several at once.
    pub(super) async fn of(
        archives: &[Archive],
        documents: &[Recorded],
        kept: Option<Kept>,
        store: &dyn MirrorStore,
        jobs: usize,
    ) -> Result<Self, Error> {
        let (index, condition) = Index::read(store).await?;
        let states: Vec<EntryState> = stream::iter(archives)
            .map(|archive| compare::archive(archive, &index, store))
            .buffered(jobs.max(1))
            .try_collect()
            .await?;
        let (mut put, mut right) = (Vec::new(), BTreeMap::new());
        for (archive, state) in archives.iter().zip(states) {
            let load = Load::Archive(Box::new(archive.clone()));
            let (size, kind) = (archive.artifact.size, Kind::Archive);
            entry_or_plan(state, |reason| Planned { path: archive.path.clone(), size, kind, reason, load })
                .map_or_else(|planned| put.push(planned), |entry| drop(right.insert(archive.path.clone(), entry)));
        }
        // Documents that lead to others were read before them, and are put after them.
        let documents: Vec<(&Recorded, Content)> =
            documents.iter().rev().map(|recorded| (recorded, Content::of(recorded.bytes.clone()))).collect();
        let states: Vec<EntryState> = stream::iter(&documents)
            .map(|(recorded, content)| {
                compare::document(&recorded.path, content, entry(content, &recorded.uses), store)
            })
            .buffered(jobs.max(1))
            .try_collect()
            .await?;
        for ((recorded, content), state) in documents.into_iter().zip(states) {
            let (size, kind) = (Some(content.size), Kind::Metadata);
            let load = Load::Document(Box::new((content, recorded.uses.clone())));
            entry_or_plan(state, |reason| Planned { path: recorded.path.clone(), size, kind, reason, load })
                .map_or_else(|planned| put.push(planned), |entry| drop(right.insert(recorded.path.clone(), entry)));
        }
        let mut plan = Self { in_place: right.len(), put, prune: Vec::new(), index, condition, right, kept };
        plan.prune = plan.gone();
        Ok(plan)
    }

    /// Returns the known total size of the files to put, in bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.put.iter().filter_map(|planned| planned.size).sum()
    }

    /// Returns the index after the sync. `new` are the files that were put.
    pub(super) fn index_after(&self, new: &BTreeMap<String, Entry>) -> Index {
        let mut index = self.index.clone();
        for (path, entry) in self.right.iter().chain(new) {
            index.add(path, entry.clone());
        }
        for gone in &self.prune {
            index.remove(&gone.path, gone.size);
        }
        if let Some(kept) = &self.kept {
            for (path, own) in self.right.iter().chain(new) {
                if let Some(entry) = index.files.get_mut(path) {
                    entry.uses.retain(|one| kept.tools.contains(&one.tool) || own.uses.contains(one));
                }
            }
        }
        index
    }

    /// Lists the files of the index that neither this lock nor a kept one needs, and those that an earlier prune has
    /// not removed yet.
    fn gone(&self) -> Vec<Gone> {
        let Some(kept) = &self.kept else { return Vec::new() };
        let own: HashSet<&str> =
            self.right.keys().map(String::as_str).chain(self.put.iter().map(|planned| planned.path.as_str())).collect();
        let unused = |(path, entry): &(&String, &Entry)| !own.contains(path.as_str()) && !kept.keeps(path, entry);
        let files = self.index.files.iter().filter(unused).map(|(path, entry)| (path, entry.size));
        let before = self.index.removed.iter().filter(|(path, _)| !own.contains(path.as_str()));
        let all = files.chain(before.map(|(path, size)| (path, *size)));
        all.map(|(path, size)| Gone { path: path.clone(), size }).collect()
    }
}

/// Returns the entry of a file that is in place, else the plan to put it there.
fn entry_or_plan(state: EntryState, plan: impl FnOnce(Reason) -> Planned) -> Result<Entry, Planned> {
    match state {
        EntryState::Right(entry) => Ok(entry),
        EntryState::Missing => Err(plan(Reason::Missing)),
        EntryState::Different => Err(plan(Reason::Different)),
    }
}

/// Returns the entry of a document.
pub(super) fn entry(content: &Content, uses: &BTreeSet<Use>) -> Entry {
    let (sha256, uses) = (content.sha256.clone(), uses.clone());
    Entry { size: content.size, sha256, kind: Kind::Metadata, digest: None, uses }
}
