//! Fills a mirror: archives, then documents, then the index, so that no reader finds a document whose archives are
//! missing, or an index with missing files.

use std::collections::{BTreeMap, HashSet};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::StreamExt;
use futures_util::stream;
use sha2::{Digest as _, Sha256};

use super::archives::Archive;
use super::documents::{Documents, Recorded};
use super::mirror_store::{Source, sha256};
use super::plan::{self, Gone, Kept, Load, Plan, Planned};
use super::{Content, Entry, Error, Index, Kind, MirrorStore, archives};
use crate::fs::At;
use crate::ingest;
use crate::model::{Algorithm, Digest};
use crate::project::Lock;
use crate::provision::{Context, ToolRequest};
use crate::store::ScratchDir;

/// The most attempts to write the index while others change it.
const ATTEMPTS: u32 = 10;

/// A sync of a lock into a mirror.
#[derive(Debug)]
pub struct Sync<'a> {
    store: &'a dyn MirrorStore,
    archives: Vec<Archive>,
    documents: Vec<Recorded>,
    /// The needs of other projects, when the mirror is pruned.
    prune: Option<Kept>,
}

/// The result of a sync.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The files that were put.
    pub put: Vec<(String, Entry)>,
    /// The number of files that were already in place.
    pub in_place: usize,
    pub pruned: Vec<Gone>,
    /// True if the index was written.
    pub index_written: bool,
}

impl<'a> Sync<'a> {
    /// Collects what the mirror should contain: reads the documents of all requests through `context`, from the
    /// upstreams or from another mirror. With `prune`, files are removed that neither this lock nor the kept ones need.
    ///
    /// # Errors
    /// When the lock names what a mirror cannot contain, or a document cannot be read.
    pub async fn new(
        lock: &Lock,
        requests: &[ToolRequest],
        prune: Option<Kept>,
        store: &'a dyn MirrorStore,
        context: &Context<'_>,
    ) -> Result<Self, Error> {
        let archives = archives(lock)?;
        let documents = Documents::of(requests, lock, context).await?;
        Ok(Self { store, archives, documents, prune })
    }

    /// Compares it with the mirror. Changes nothing.
    ///
    /// # Errors
    /// When the mirror cannot be read.
    pub async fn plan(&self, jobs: usize) -> Result<Plan, Error> {
        Plan::of(&self.archives, &self.documents, self.prune.clone(), self.store, jobs).await
    }

    /// Executes the plan. If others have changed the index in the meantime, plans again and completes the rest.
    ///
    /// # Errors
    /// The first failure, in [`Error::Stopped`]: files that were put stay, and the index is unchanged.
    pub async fn execute(&self, mut plan: Plan, context: &Context<'_>) -> Result<Outcome, Error> {
        let mut outcome = Outcome { in_place: plan.in_place, ..Outcome::default() };
        let shown: HashSet<String> = plan.prune.iter().map(|gone| gone.path.clone()).collect();
        for _ in 0..ATTEMPTS {
            let there = plan.in_place;
            let counted = AtomicUsize::new(0);
            let stopped = |source: Error| Error::Stopped {
                mirror: self.store.name(),
                put: outcome.put.len() + counted.load(Ordering::Relaxed),
                there: there + counted.load(Ordering::Relaxed),
                total: self.archives.len() + self.documents.len(),
                source: Box::new(source),
            };
            let new = self.put_all(&plan, &counted, context).await.map_err(stopped)?;
            let index = plan.index_after(&new);
            let written = if index == plan.index {
                Ok(false)
            } else {
                index.write(self.store, &plan.condition).await.map(|()| true)
            };
            let written = match written {
                Err(Error::Conflict { .. }) => None,
                written => Some(written.map_err(stopped)?),
            };
            outcome.put.extend(new);
            if let Some(written) = written {
                outcome.index_written = written || !plan.prune.is_empty();
                self.remove(plan.prune, &mut outcome.pruned).await?;
                return Ok(outcome);
            }
            context.report.noted("another sync has changed this mirror in the meantime: planning again");
            plan = self.plan(context.jobs()).await?;
            // Changes by others were not part of the shown plan.
            plan.prune.retain(|gone| shown.contains(&gone.path));
        }
        Err(Error::Contended { mirror: self.store.name(), attempts: ATTEMPTS })
    }

    /// Puts archives, several at once, then documents, one after the other.
    async fn put_all(
        &self,
        plan: &Plan,
        counted: &AtomicUsize,
        context: &Context<'_>,
    ) -> Result<BTreeMap<String, Entry>, Error> {
        let mut new = BTreeMap::new();
        if plan.put.is_empty() {
            return Ok(new);
        }
        let scratch_dir = scratch_dir(context)?;
        let (archives, documents): (Vec<&Planned>, Vec<&Planned>) =
            plan.put.iter().partition(|planned| planned.kind == Kind::Archive);
        let mut running = stream::iter(archives)
            .map(|planned| self.put_one(planned, &scratch_dir, context))
            .buffer_unordered(context.jobs());
        while let Some(put) = running.next().await {
            let (path, entry) = put?;
            counted.fetch_add(1, Ordering::Relaxed);
            new.insert(path, entry);
        }
        drop(running);
        for planned in documents {
            let (path, entry) = self.put_one(planned, &scratch_dir, context).await?;
            counted.fetch_add(1, Ordering::Relaxed);
            new.insert(path, entry);
        }
        Ok(new)
    }

    async fn put_one(
        &self,
        planned: &Planned,
        scratch_dir: &ScratchDir,
        context: &Context<'_>,
    ) -> Result<(String, Entry), Error> {
        let entry = match &planned.load {
            Load::Archive(archive) => self.put_archive(archive, scratch_dir, context).await?,
            Load::Document(document) => {
                let (content, uses) = document.as_ref();
                self.store.put(&planned.path, content, &super::Condition::Always).await?;
                context.report.noted(&format!("{}: uploaded", planned.path));
                plan::entry(content, uses)
            }
        };
        Ok((planned.path.clone(), entry))
    }

    /// Downloads an archive, verifies it against the lock, and puts it into the mirror.
    async fn put_archive(
        &self,
        archive: &Archive,
        scratch_dir: &ScratchDir,
        context: &Context<'_>,
    ) -> Result<Entry, Error> {
        let artifact = &archive.artifact;
        let report = context.report.as_ref();
        let task = report.began(artifact.file_name(), artifact.size);
        let received = receive(archive, scratch_dir.folder(), ingest::Progress { report, task }, context).await;
        let put = match &received {
            Ok((content, _)) => self.store.put(&archive.path, content, &super::Condition::Always).await,
            Err(_) => Ok(()),
        };
        let fine = received.is_ok() && put.is_ok();
        report.ended(task, if fine { "verified and uploaded" } else { "failed" });
        let (content, file) = received?;
        // A folder takes the file over; with other mirrors it must be removed at once, so that the disk does not fill
        // up.
        let _ = std::fs::remove_file(file);
        put?;
        let (digest, uses) = (Some(artifact.digest.clone()), archive.uses.clone());
        Ok(Entry { size: content.size, sha256: content.sha256, kind: Kind::Archive, digest, uses })
    }

    /// Removes files that the index no longer lists, and then their names from its list of files to remove.
    async fn remove(&self, gone: Vec<Gone>, removed: &mut Vec<Gone>) -> Result<(), Error> {
        let total = gone.len();
        for gone in gone {
            let deleted = self.store.delete(&gone.path).await;
            deleted.map_err(|source| {
                let (mirror, left, source) = (self.store.name(), total - removed.len(), Box::new(source));
                Error::Left { mirror, left, source }
            })?;
            removed.push(gone);
        }
        if total > 0 {
            let (mut index, condition) = Index::read(self.store).await?;
            for gone in removed.iter() {
                index.removed.remove(&gone.path);
            }
            match index.write(self.store, &condition).await {
                // The list of another sync may keep them longer; the next prune finds that they are gone.
                Err(Error::Conflict { .. }) | Ok(()) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Creates the staging folder, and removes leftovers of killed processes.
fn scratch_dir(context: &Context<'_>) -> Result<ScratchDir, Error> {
    let made = context.store.sweep().and_then(|_| context.store.scratch_dir());
    made.map_err(|source| Error::Staging { source })
}

async fn receive(
    archive: &Archive,
    folder: PathBuf,
    progress: ingest::Progress<'_>,
    context: &Context<'_>,
) -> Result<(Content, PathBuf), Error> {
    let artifact = &archive.artifact;
    let file = folder.join(format!("{:016x}", fastrand::u64(..)));
    let (url, digest, size) = (&artifact.url, &artifact.digest, artifact.size);
    let download = ingest::Download { url, digest, size, publisher: &artifact.proof.source };
    let verified = ingest::save(context.net, download, &file, progress).await.map_err(|source| Error::Archive {
        file: artifact.file_name().to_owned(),
        tool: archive.tool.clone(),
        version: archive.version.clone(),
        source: Box::new(source),
    })?;
    let sha256 = match verified.digest() {
        digest if digest.algorithm() == Algorithm::Sha256 => digest.clone(),
        _ => hash(file.clone()).await?,
    };
    let size = file.metadata().at("look at", &file)?.len();
    Ok((Content { source: Source::File(file.clone()), size, sha256 }, file))
}

async fn hash(file: PathBuf) -> Result<Digest, Error> {
    let read = |file: &Path| -> io::Result<Digest> {
        let (mut hasher, mut file) = (Sha256::new(), std::fs::File::open(file)?);
        let mut piece = vec![0; 1 << 20];
        loop {
            match file.read(&mut piece)? {
                0 => return Ok(sha256(hasher)),
                count => hasher.update(&piece[..count]),
            }
        }
    };
    match tokio::task::spawn_blocking(move || Ok(read(&file).at("read", &file)?)).await {
        Ok(outcome) => outcome,
        Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
    }
}
