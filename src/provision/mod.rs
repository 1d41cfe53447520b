//! From `dotnet@lts` to a directory on `PATH`. Read this file from top to bottom.
//!
//! `install`, `exec`, `env`, `lock` and `resolve` all go through it. Nothing here prints, and nothing here decides which
//! tool a machine needs.

mod error;
mod files;
mod first_use;
mod found;
mod lockfile;
mod plan;
mod published;
mod request;
mod resolve;
mod source;
mod spelling;
mod tool_request;
mod trees;
mod version_managers;
mod visible;

use std::sync::Arc;
use std::task::Poll;

pub use error::Error;
pub use files::{Broken, Discovery, file};
pub use found::{Found, id_of, locked_releases, named_installs};
pub use lockfile::{Findings, Upgrade, check, lock, pair, trust};
pub use plan::{Installed, Missing, Plan, Work, repair};
pub use published::{Documents, Published, compare, supported};
pub use request::{Requests, Scope, argument, argument_in, project, requests};
pub use resolve::{Resolved, resolve};
pub use source::{LockRule, Sourcing, releases};
pub use tool_request::{Origin, ToolRequest};
pub use trees::{added_files, pin_all, pin_installed, read_archives};
pub use version_managers::SHARED_FILES;
pub use visible::{Visible, fits_on_path, is_made_of_its_members, link, recompose, visible_roots};

use crate::host::{Host, Processors};
use crate::model::{Activation, Explain as _, Kind, Platform, Policy};
use crate::net::{Metadata, Net};
use crate::project::{Manifest, Root};
use crate::report::Report;
use crate::store::{Hold, Store};

/// Makes the tools that `requests` name usable on `platform`, and returns their installs.
///
/// # Errors
/// The first failure, in the order of the requests. What was installed before stays; nothing unfinished does.
pub async fn provision(
    requests: &Requests,
    platform: Platform,
    sourcing: Sourcing,
    context: &Context<'_>,
) -> Result<Vec<Installed>, Error> {
    let plan = plan(requests, platform, sourcing, context).await?;
    let (present, missing) =
        (plan.present.clone(), plan.missing.iter().map(|missing| missing.request.clone()).collect());
    match plan.apply(context).await {
        // what is missing, side by side, each install under its own lock
        Err(cause) if sourcing == Sourcing::InstalledIfUnreachable && cause.kind() == Kind::Upstream => {
            source::instead(requests.scope, present, missing, platform, cause, context)
        }
        outcome => outcome,
    }
}

/// Finds the releases that `requests` mean, and which of them are missing. Installs nothing.
///
/// # Errors
/// As [`releases`], and when the store cannot be read.
pub async fn plan(
    requests: &Requests,
    platform: Platform,
    sourcing: Sourcing,
    context: &Context<'_>,
) -> Result<Plan, Error> {
    let releases = releases(requests, platform, sourcing, context).await?; // from the lock, the store, or upstream
    Plan::new(releases, context.store) // what is here already, what is missing
}

/// Returns what makes the installs usable: folders for `PATH`, variables to set and to unset. Installs that share a root become
/// one view. The second value keeps what the activation names in the store, as long as it or what inherits it lives.
///
/// # Errors
/// When a view cannot be composed, an executable of an install cannot be run, or a setting of a tool cannot be applied to its
/// install.
pub fn activate(installs: &[Installed], context: &Context<'_>) -> Result<(Activation, Vec<Hold>), Error> {
    let roots = visible_roots(installs, context.store, context.report.as_ref())?;
    let activation = visible::activation(&roots, context.host)?;
    Ok((activation, roots.into_iter().flat_map(|root| root.holds).collect()))
}

/// Returns to the caller once. Whatever the lock and the store answer is done before, so that a command with nothing to
/// wait for can go without an asynchronous runtime: to start one is a tenth of its time.
async fn before_waiting() {
    let mut returned = false;
    std::future::poll_fn(|task| {
        if std::mem::replace(&mut returned, true) {
            return Poll::Ready(());
        }
        task.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// What provisioning needs of the project and the machine.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The project: the folder of `toolkit.toml` and `toolkit.lock`, or the current one.
    pub root: &'a Root,
    /// `toolkit.toml`, where there is one.
    pub manifest: Option<&'a Manifest>,
    /// Where installs live.
    pub store: &'a Store,
    /// Reads upstreams' documents.
    pub metadata: &'a dyn Metadata,
    /// Opens upstreams' files.
    pub net: &'a dyn Net,
    /// Receives progress.
    pub report: &'a Arc<dyn Report>,
    /// The rules of the project.
    pub policy: &'a Policy,
    /// What may be done about a lock that is missing or out of date.
    pub lock_rule: LockRule,
    /// Whether upstreams' documents are only the copies that were kept: no connection is made, and no mirror is a folder.
    pub copies_only: bool,
    /// The machine, for the folders of its user.
    pub host: &'a Host,
    /// How many threads can run at once.
    pub processors: &'a Processors,
    /// How many requests are resolved, and how many installs run, side by side; up to 4, as the machine allows, where it is not
    /// said.
    pub jobs: Option<usize>,
    /// The time that receipts record.
    pub now: jiff::Timestamp,
}

impl Context<'_> {
    /// Returns how many requests are resolved, and how many installs run, side by side.
    #[must_use]
    pub fn jobs(&self) -> usize {
        self.jobs.unwrap_or_else(|| self.processors.count().min(4)).max(1)
    }

    /// Returns the platforms that the project's lock covers.
    #[must_use]
    pub fn platforms(&self) -> Vec<Platform> {
        self.manifest.map_or_else(|| Manifest::PLATFORMS.to_vec(), |manifest| manifest.platforms.clone())
    }
}
