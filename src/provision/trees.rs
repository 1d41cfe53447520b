//! Pins of trees: what a lock says of the files that an archive unpacks to, so that a store which somebody else may have
//! written to can be compared with more than itself.

use super::found::{id_of, locked_releases, releases_of};
use super::plan::{Place, blocking, ingest_one};
use super::{Context, Error, Installed};
use crate::archive::Layers;
use crate::ingest::Ingested;
use crate::model::{Extra, Pins, Release, TreeDigest};
use crate::project::Lock;
use crate::store::{FileList, Install, InstallId};
use crate::toolchain;

/// Reads the archives of a release, verifies them and lists what they unpack to. Nothing is unpacked; a private folder of
/// the store takes what must be received whole.
///
/// # Errors
/// As an install of the release.
pub async fn read_archives(release: &Release, context: &Context<'_>) -> Result<FileList, Error> {
    let store = context.store.clone();
    let scratch = blocking(move || store.scratch_dir()).await?;
    let folder = scratch.folder();
    let place = Place { scratch: &folder, tree: &folder, writes: false };
    let (mut nodes, mut layers) = (Vec::new(), Layers::default());
    for artifact in &release.artifacts {
        let Ingested { nodes: more, .. } = ingest_one(artifact, &mut layers, place, release, context).await?;
        nodes.extend(more);
    }
    nodes.extend(layers.nodes);
    let list = FileList::of(nodes, &release.executables).map_err(|reason| Error::Unlistable {
        tool: release.tool.to_string(),
        version: release.version.to_string(),
        platform: release.platform,
        reason,
    })?;
    blocking(move || scratch.close()).await?;
    Ok(list)
}

/// Lists the files that this program adds to an install.
#[must_use]
pub fn added_files(install: &Install) -> Vec<Extra> {
    let tool = toolchain::find(install.id.tool.as_str());
    tool.map_or_else(Vec::new, |tool| tool.card().layout.added_files(install.id.platform))
}

/// Reads every archive of the lock whose tree is not pinned, and pins it; `again` reads all. Returns what was pinned.
///
/// # Errors
/// That of the first archive that cannot be read or verified.
pub async fn pin_all(lock: &mut Lock, again: bool, context: &Context<'_>) -> Result<Vec<(Release, TreeDigest)>, Error> {
    let mut pinned = Vec::new();
    for release in locked_releases(lock) {
        if !again && release.pins.is_some_and(|pins| pins.tree.is_some()) {
            continue;
        }
        let tree = read_archives(&release, context).await?.digest();
        pin(lock, &id_of(&release), tree);
        pinned.push((release, tree));
    }
    Ok(pinned)
}

/// Pins the trees that this run unpacked from verified archives, in the lock that named them. Returns true if the lock is
/// another one now.
#[must_use]
pub fn pin_installed(lock: &mut Lock, installs: &[Installed]) -> bool {
    let fresh = installs
        .iter()
        .filter(|installed| installed.work.is_some() && matches!(installed.pins, Some(Pins { tree: None })));
    let mut changed = false;
    for installed in fresh {
        if let Some(tree) = installed.install.receipt.tree() {
            changed |= pin(lock, &installed.install.id, tree);
        }
    }
    changed
}

/// Pins the tree of a release, where the lock names it.
fn pin(lock: &mut Lock, id: &InstallId, tree: TreeDigest) -> bool {
    let mut changed = false;
    for tool in &mut lock.tools {
        let found = releases_of(tool).unwrap_or_default().into_iter().any(|release| id_of(&release) == *id);
        if found {
            changed |= tool.trees.insert(id.platform, tree) != Some(tree);
        }
    }
    changed
}
