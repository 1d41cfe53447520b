//! What answers a request, and its place in the store.

use crate::model::{Release, ToolName};
use crate::project::Lock;
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
    let mut ids = Vec::new();
    for tool in &lock.tools {
        let (Ok(name), Ok(version)) = (ToolName::parse(&tool.name), toolchain::version(&tool.name, &tool.version))
        else {
            continue;
        };
        let mut platforms: Vec<_> = tool.artifacts.iter().map(|locked| locked.platform).collect();
        platforms.dedup();
        for platform in platforms {
            let (artifacts, executables) = (tool.artifacts_for(platform), tool.executables_for(platform));
            let release = Release { executables, ..Release::new(name.clone(), version.clone(), platform, artifacts) };
            ids.push(id_of(&release));
        }
    }
    ids
}
