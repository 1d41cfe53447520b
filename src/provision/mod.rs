//! From `dotnet@lts` to a directory on `PATH`. Read this file from top to bottom.

mod error;
mod first_use;
mod lockfile;
mod plan;
mod request;
mod resolve;
mod visible;

use std::sync::Arc;

pub use error::Error;
pub use lockfile::{Findings, check, from_lock, lock};
pub use plan::{Installed, Missing, Plan, Work, id_of, repair};
pub use request::{Origin, ToolRequest, argument, argument_in, file, project};
pub use resolve::{Resolved, releases, resolve};
pub use visible::{Visible, activate, link, recompose, visible_roots};

use crate::model::{Platform, Policy, Release};
use crate::net::{Metadata, Net};
use crate::report::Report;
use crate::store::Store;

/// Everything that provisioning needs of its surroundings.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// Where installs live.
    pub store: &'a Store,
    /// Reads upstreams' documents.
    pub metadata: &'a dyn Metadata,
    /// Opens upstreams' files.
    pub net: &'a dyn Net,
    /// Hears about progress.
    pub report: &'a Arc<dyn Report>,
    /// The rules of the project.
    pub policy: &'a Policy,
    /// How many threads can run at once.
    pub processors: usize,
    /// How many installs run side by side.
    pub jobs: usize,
    /// The time that receipts record.
    pub now: jiff::Timestamp,
}

/// Makes the requests available on `platform`: resolves, installs what is missing.
///
/// # Errors
/// The first failure. What was installed by then stays; nothing half-made does.
pub async fn provision(
    asked: &[ToolRequest],
    platform: Platform,
    context: &Context<'_>,
) -> Result<Vec<Installed>, Error> {
    let mut releases: Vec<(ToolRequest, Release)> = Vec::new();
    for asked in asked {
        releases.push((asked.clone(), release_for(asked, platform, context).await?));
    }
    Plan::new(releases, context.store)?.apply(context).await
}

/// Resolves one request to its files on `platform`: the channel to one version, the version to files with digests.
///
/// # Errors
/// As [`resolve()`] and [`releases`].
pub async fn release_for(asked: &ToolRequest, platform: Platform, context: &Context<'_>) -> Result<Release, Error> {
    let resolved = resolve(asked, context).await?;
    let mut releases = releases(asked, resolved.version(), &[platform], context).await?;
    Ok(releases.remove(0))
}
