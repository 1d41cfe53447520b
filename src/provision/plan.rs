//! What is here, what is missing, and the installing of the missing: side by side, each under its own lock.

use std::path::Path;
use std::time::Instant;

use futures_util::StreamExt;
use futures_util::stream;

use super::found::Found;
use super::{Context, Error, ToolRequest};
use crate::archive::{Layers, Limits};
use crate::ingest::{self, Ingested, IngestedLayer};
use crate::model::{Artifact, Pins, Release, Verified};
use crate::store::{Install, InstallId, Lock, Origin, Staging, Store, Unpacked};
use crate::toolchain::{self, Layout, Toolchain};

/// What is here already and what is missing. A value, so that `--dry-run` can print it before anything changes.
#[derive(Debug)]
pub struct Plan {
    /// Installs that are here.
    pub present: Vec<Installed>,
    /// Releases that must be fetched.
    pub missing: Vec<Missing>,
}

/// A release that is not installed.
#[derive(Debug, Clone)]
pub struct Missing {
    /// The request.
    pub request: ToolRequest,
    /// What to fetch.
    pub release: Release,
    /// Where it will be.
    pub id: InstallId,
}

/// An install that answers a request. It is held: nobody removes it before this value and its clones are gone.
#[derive(Debug, Clone)]
pub struct Installed {
    /// The request.
    pub request: ToolRequest,
    /// The install.
    pub install: Install,
    /// What was done for it; none when it was here already.
    pub work: Option<Work>,
    /// What the lock pins of it; none when it does not come from the lock.
    pub pins: Option<Pins>,
}

/// What an install took.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Work {
    /// How many bytes were received.
    pub bytes: u64,
    /// How long it took.
    pub seconds: f64,
}

impl Plan {
    /// Looks up which releases are installed. A release that two requests name is planned once.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn new(releases: Vec<(ToolRequest, Found)>, store: &Store) -> Result<Self, Error> {
        let mut plan = Self { present: Vec::new(), missing: Vec::new() };
        let mut seen: Vec<InstallId> = Vec::new();
        for (request, found) in releases {
            let id = found.id();
            if seen.contains(&id) {
                continue;
            }
            seen.push(id.clone());
            let release = match found {
                Found::Install(install) => {
                    plan.present.push(Installed { request, install, work: None, pins: None });
                    continue;
                }
                Found::Release(release) => release,
            };
            match store.claim(&id)? {
                Some(install) => {
                    agrees(&install, release.pins)?;
                    plan.present.push(Installed { request, install, work: None, pins: release.pins });
                }
                None => plan.missing.push(Missing { request, release, id }),
            }
        }
        Ok(plan)
    }

    /// Installs what is missing, at most `context.jobs()` at once, and returns all installs: those that were here first.
    ///
    /// # Errors
    /// The first failure; the others are stopped and leave nothing unfinished.
    pub async fn apply(self, context: &Context<'_>) -> Result<Vec<Installed>, Error> {
        let mut installs = self.present;
        if self.missing.is_empty() {
            return Ok(installs);
        }
        super::before_waiting().await;
        let store = context.store.clone();
        blocking(move || store.sweep()).await?;
        let mut running =
            stream::iter(self.missing.into_iter().map(|missing| install(missing, context))).buffered(context.jobs());
        while let Some(installed) = running.next().await {
            installs.push(installed?);
        }
        Ok(installs)
    }
}

/// Installs one release: takes its lock, looks again, stages, ingests every file, promotes by one rename.
async fn install(missing: Missing, context: &Context<'_>) -> Result<Installed, Error> {
    let Missing { request, release, id } = missing;
    let started = Instant::now();
    let lock = lock(&id, context).await?;
    let (store, sought) = (context.store.clone(), id.clone());
    if let Some(install) = blocking(move || store.claim(&sought)).await? {
        agrees(&install, release.pins)?;
        return Ok(Installed { request, install, work: None, pins: release.pins });
    }
    let staged = stage(&release, Some(request.tool.as_ref()), &lock, context).await?;
    let bytes = staged.unpacked.artifacts.iter().map(|origin| origin.size).sum();
    let install = blocking(move || staged.staging.promote(staged.verified, staged.unpacked)).await?;
    let work = Some(Work { bytes, seconds: started.elapsed().as_secs_f64() });
    Ok(Installed { request, install, work, pins: release.pins })
}

/// Compares an install that is here already with what the lock pins of it, by the receipt alone: whoever restored the
/// store from a cache may have written both. `verify` reads the files.
///
/// # Errors
/// [`Error::OtherTree`] when the receipt speaks of another tree.
pub(super) fn agrees(install: &Install, pins: Option<Pins>) -> Result<(), Error> {
    let pinned = pins.and_then(|pins| pins.tree);
    match (pinned, install.receipt.tree()) {
        (Some(pinned), found) if found != Some(pinned) => Err(Error::OtherTree {
            tool: install.id.tool.to_string(),
            version: install.id.version.to_string(),
            platform: install.id.platform,
            root: install.root.clone(),
        }),
        _ => Ok(()),
    }
}

/// Installs the files of an install again, in its place; they must be what `pins` says. What the tool itself has put there
/// stays.
///
/// # Errors
/// When a file is not available any more, an archive holds other files than the lock pins, or a program uses the install;
/// the damaged install stays then.
pub async fn repair(install: &Install, pins: Option<Pins>, context: &Context<'_>) -> Result<Install, Error> {
    let release = Release { pins, ..install.release() };
    let lock = lock(&install.id, context).await?;
    let tool = toolchain::find(release.tool.as_str());
    let staged = stage(&release, tool.as_deref(), &lock, context).await?;
    let layout = tool.map(|tool| tool.card().layout);
    let added = layout.and_then(Layout::shared).map_or(&[][..], |root| root.added);
    let install = blocking(move || {
        staged.staging.adopt(added)?;
        staged.staging.replace(staged.verified, staged.unpacked)
    })
    .await?;
    if let Some(layout) = layout {
        context.store.place(&install, &layout.placed_files(&install.root))?;
    }
    Ok(install)
}

/// Waits for the lock of the install without blocking the other downloads.
async fn lock(id: &InstallId, context: &Context<'_>) -> Result<Lock, Error> {
    let (store, id, report) = (context.store.clone(), id.clone(), context.report.clone());
    blocking(move || store.lock(&id, &|waiting| report.noted(waiting))).await
}

/// A tree in staging, every byte of it verified.
struct Staged {
    staging: Staging,
    verified: Vec<Verified>,
    unpacked: Unpacked,
}

/// Fetches, verifies and unpacks every file of the release into a staging folder, and adds the files that the tool needs next to them.
/// The files stand side by side in one tree, but for the layers of an image, each of which changes the tree that those
/// before it made.
async fn stage(
    release: &Release,
    tool: Option<&dyn Toolchain>,
    lock: &Lock,
    context: &Context<'_>,
) -> Result<Staged, Error> {
    // Makes two folders, and waits at most for another process that lists staging: too little to leave the thread for.
    let staging = context.store.stage(lock)?;
    let (scratch, tree) = (&staging.folder(), &staging.tree());
    let place = Place { scratch, tree, writes: true };
    let mut verified = Vec::with_capacity(release.artifacts.len());
    let executables = release.executables.clone();
    let mut unpacked = Unpacked {
        artifacts: Vec::new(),
        nodes: Vec::new(),
        added: Vec::new(),
        pinned: release.pins.and_then(|pins| pins.tree),
        executables,
        installed: context.now,
    };
    let mut layers = Layers::default();
    for artifact in &release.artifacts {
        let Ingested { verified: proof, nodes, bytes } =
            ingest_one(artifact, &mut layers, place, release, context).await?;
        verified.push(proof);
        unpacked.artifacts.push(Origin::of(artifact, bytes));
        unpacked.nodes.extend(nodes);
    }
    unpacked.nodes.extend(layers.nodes);
    staging.expose(&release.executables, &mut unpacked.nodes)?;
    if let Some(tool) = tool {
        unpacked.added.extend(staging.add(&tool.card().layout.added_files(release.platform))?);
    }
    Ok(Staged { staging, verified, unpacked })
}

/// Where files are taken in.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    /// A private folder, for what is needed on the way.
    pub(super) scratch: &'a Path,
    /// The folder to unpack into.
    pub(super) tree: &'a Path,
    /// Whether anything is unpacked into it; else archives are only read and listed.
    pub(super) writes: bool,
}

/// Takes in one file. A layer gives no nodes of its own: `layers` is the tree with it.
pub(super) async fn ingest_one(
    artifact: &Artifact,
    layers: &mut Layers,
    place: Place<'_>,
    release: &Release,
    context: &Context<'_>,
) -> Result<Ingested, Error> {
    let report = context.report.as_ref();
    let task = report.began(artifact.file_name(), artifact.size);
    let options = ingest::Options {
        staging: place.scratch,
        limits: Limits::default(),
        processors: context.processors.count(),
        writes: place.writes,
        progress: ingest::Progress { report, task },
    };
    let outcome = if artifact.format.is_layer() {
        let lower = std::mem::take(layers);
        let ingested = ingest::ingest_layer(context.net, artifact, place.tree, &options, lower).await;
        ingested.map(|IngestedLayer { verified, layers: tree, bytes }| {
            *layers = tree;
            Ingested { verified, nodes: Vec::new(), bytes }
        })
    } else {
        ingest::ingest(context.net, artifact, place.tree, &options).await
    };
    let done = if place.writes { "verified and unpacked" } else { "verified and read" };
    report.ended(task, if outcome.is_ok() { done } else { "failed" });
    outcome.map_err(|source| Error::Install {
        tool: release.tool.to_string(),
        version: release.version.to_string(),
        platform: release.platform,
        source: Box::new(source),
    })
}

/// Runs blocking work off the async thread.
pub(super) async fn blocking<T: Send + 'static, E: Send + 'static>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, Error>
where
    Error: From<E>,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => Ok(result?),
        Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
    }
}
