//! What answers a request, and its place in the store.

use crate::model::Release;
use crate::store::{Fingerprint, Install, InstallId};

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
