//! What answers a request, and its place in the store.

use crate::model::{Platform, Release, ToolName};
use crate::project::{Lock, LockedTool};
use crate::store::{Fingerprint, Install, InstallId};
use crate::toolchain;

/// What answers a request.
#[derive(Debug, Clone)]
pub enum Found {
    /// An install.
    Install(Install),
    /// A release, which may be installed or not.
    Release(Release),
}

impl Found {
    /// Returns its place in the store.
    pub(super) fn id(&self) -> InstallId {
        match self {
            Self::Install(install) => install.id.clone(),
            Self::Release(release) => id_of(release),
        }
    }
}

/// Returns the place of a release in the store.
#[must_use]
pub fn id_of(release: &Release) -> InstallId {
    InstallId {
        tool: release.tool.clone(),
        version: release.version.clone(),
        platform: release.platform,
        fingerprint: Fingerprint::laid_out(
            release.artifacts.iter().map(|artifact| (&artifact.digest, artifact.strip)),
            &release.executables,
        ),
    }
}

/// Lists the installs that a lock names, for every platform.
#[must_use]
pub fn named_installs(lock: &Lock) -> Vec<InstallId> {
    locked_releases(lock).iter().map(id_of).collect()
}

/// Lists the releases that a lock names, for every platform. What is not understood is left out.
#[must_use]
pub fn locked_releases(lock: &Lock) -> Vec<Release> {
    lock.tools.iter().flat_map(|tool| releases_of(tool).unwrap_or_default()).collect()
}

/// Lists the releases that an entry names; none when it is not understood.
pub(super) fn releases_of(tool: &LockedTool) -> Option<Vec<Release>> {
    let (name, version) = (ToolName::parse(&tool.name).ok()?, toolchain::version(&tool.name, &tool.version).ok()?);
    let of = |platform: Platform| Release {
        executables: tool.executables_for(platform),
        pins: Some(tool.pins_for(platform)),
        ..Release::new(name.clone(), version.clone(), platform, tool.artifacts_for(platform))
    };
    Some(tool.platforms().into_iter().map(of).collect())
}
