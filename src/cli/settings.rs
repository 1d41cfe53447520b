//! What a command line settles, once: project, store, network, policy, progress. It carries nothing out.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::Global;
use super::network;
use super::progress::{Progress, View};
use super::render::Failure;
use super::runtime::Runtime;
use crate::host::{BadHome, Host};
use crate::model::{Level, Policy};
use crate::net::{Client, Memory, Mirror};
use crate::oci::Access;
use crate::oci::credentials::keychain;
use crate::project::{Manifest, Root};
use crate::provision::{self, Context, LockRule};
use crate::report::Report;
use crate::store::Store;

/// Everything a command works with.
pub(super) struct Settings {
    pub(super) host: Host,
    /// The project, found once.
    pub(super) root: Root,
    pub(super) manifest: Option<Manifest>,
    pub(super) store: Store,
    pub(super) client: Client,
    /// The access to registries of images, for `client` too.
    pub(super) access: Arc<Access>,
    /// The access to AWS.
    #[cfg(feature = "aws")]
    pub(super) session: Arc<crate::aws::Session>,
    /// Upstreams' documents, each of which is read once.
    pub(super) documents: Memory<Client>,
    pub(super) runtime: Runtime,
    pub(super) report: Arc<dyn Report>,
    pub(super) policy: Policy,
    pub(super) lock_rule: LockRule,
    copies_only: bool,
    /// How many requests and installs run side by side, where the user says it.
    pub(super) jobs: Option<usize>,
}

/// How old a copy of a document may be where a command only looks up what a request means: `exec`, `env`, `which`.
const LOOKUP: Duration = Duration::from_secs(60 * 60);

/// The store of commands that need none, where no folder for one is known. Nothing is there, and nothing can be made there.
const NO_STORE: &str = "/nonexistent/toolkit";

/// How long a document is worth waiting for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Retries {
    /// As long as the settings say, with every retry.
    All,
    /// One request and a few seconds: the command can do without.
    None,
}

/// How much a command asks of upstreams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// The newest documents, with every retry.
    Whole,
    /// Documents that were read within an hour are new enough.
    Lookup,
    /// As [`Retries::None`].
    Glance,
}

impl Settings {
    /// Reads the project around the current directory and settles what follows from it, the environment and the flags.
    pub(super) fn new(host: &Host, global: &Global) -> Result<Self, Failure> {
        let root = Root::find(host);
        let manifest = Manifest::read(&root)?;
        Self::around(host, global, (root, manifest), Some(host.toolkit_home()?), Extent::Whole)
    }

    /// Settles the same for a command that runs tools or looks them up: documents that were read within an hour are not asked
    /// for again, and the folders of the store go on `PATH`.
    pub(super) fn for_lookup(host: &Host, global: &Global) -> Result<Self, Failure> {
        let root = Root::find(host);
        let manifest = Manifest::read(&root)?;
        Self::around(host, global, (root, manifest), Some(host.toolkit_home()?), Extent::Lookup)?.on_path()
    }

    /// Settles the same for a command that needs no store. Where no folder for one is known, documents are not kept.
    pub(super) fn without_store(host: &Host, global: &Global) -> Result<Self, Failure> {
        let root = Root::find(host);
        let manifest = Manifest::read(&root)?;
        Self::around(host, global, (root, manifest), home_if_known(host)?, Extent::Whole)
    }

    /// Settles what commands need that no project concerns, so that a mistake in one does not stop them.
    pub(super) fn without_project(host: &Host, global: &Global) -> Result<Self, Failure> {
        Self::around(host, global, (Root::here(host), None), Some(host.toolkit_home()?), Extent::Whole)
    }

    /// Settles what a command needs that reads a document or two and can do without: the project's mirror where its file
    /// is understood.
    pub(super) fn for_documents(host: &Host, global: &Global, retries: Retries) -> Result<Self, Failure> {
        let root = Root::find(host);
        let manifest = Manifest::read(&root).ok().flatten();
        let extent = if retries == Retries::None { Extent::Glance } else { Extent::Whole };
        Self::around(host, global, (root, manifest), home_if_known(host)?, extent)
    }

    /// Refuses a store whose folders `PATH` cannot carry: the machine's own tools would run in the place of those in it.
    pub(super) fn on_path(self) -> Result<Self, Failure> {
        if provision::fits_on_path(self.store.root()) {
            return Ok(self);
        }
        let separator = if cfg!(windows) { ';' } else { ':' };
        Err(Failure::usage_with_hint(
            format!(
                "the store {} has a `{separator}` in its name, which PATH cannot carry",
                self.store.root().display()
            ),
            "nothing was changed; set TOOLKIT_HOME to a folder without one",
        ))
    }

    fn around(
        host: &Host,
        global: &Global,
        (root, manifest): (Root, Option<Manifest>),
        home: Option<PathBuf>,
        extent: Extent,
    ) -> Result<Self, Failure> {
        let report = report(host, global);
        let mut settings = network::settings(host, global, manifest.as_ref(), root.folder(), home.as_deref())?;
        match extent {
            Extent::Whole => {}
            Extent::Lookup => settings.fresh_for = LOOKUP,
            Extent::Glance => {
                settings.retry.attempts = 1;
                settings.limits.connect = settings.limits.connect.min(Duration::from_secs(3));
                settings.limits.total = settings.limits.total.min(Duration::from_secs(10));
            }
        }
        let copies_only = settings.offline && !settings.mirror.as_ref().is_some_and(Mirror::is_folder);
        let client = Client::new(settings, report.clone());
        let access = Arc::new(Access::new(client.direct(), keychain(host, &client.direct())));
        #[cfg(feature = "aws")]
        let session = Arc::new(crate::aws::Session::new(host, &client));
        #[cfg(feature = "aws")]
        let store = network::store(host, global, manifest.as_ref(), &session)?;
        #[cfg(not(feature = "aws"))]
        let store = network::store(host, global, manifest.as_ref())?;
        let client = store.map_or(client.clone(), |store| client.mirrored_by(store));
        let client = client.authorized_by(access.clone());
        let policy = policy(host, manifest.as_ref());
        let lock_rule = lock_rule(host)?;
        let documents = Memory::of(client.clone());
        let store = Store::at(home.unwrap_or_else(|| NO_STORE.into()));
        let (host, runtime) = (host.clone(), Runtime::default());
        Ok(Self {
            host,
            root,
            manifest,
            store,
            client,
            access,
            #[cfg(feature = "aws")]
            session,
            documents,
            runtime,
            report,
            policy,
            lock_rule,
            copies_only,
            jobs: None,
        })
    }

    /// Returns what provisioning needs of it.
    pub(super) fn context(&self) -> Context<'_> {
        Context {
            root: &self.root,
            manifest: self.manifest.as_ref(),
            store: &self.store,
            metadata: &self.documents,
            net: &self.client,
            report: &self.report,
            policy: &self.policy,
            lock_rule: self.lock_rule,
            copies_only: self.copies_only,
            host: &self.host,
            processors: &self.host.processors,
            jobs: self.jobs,
            now: self.host.now,
        }
    }

    /// Returns what names the mirror that is read from, and the folder from which a path in it starts.
    pub(super) fn named_mirror<'a>(&'a self, global: &'a Global) -> Option<(&'a str, &'a Path)> {
        network::mirror_text(&self.host, global, self.manifest.as_ref(), self.root.folder())
    }
}

fn report(host: &Host, global: &Global) -> Arc<dyn Report> {
    let view = match () {
        () if global.quiet => View::Quiet,
        () if host.terminal && host.var("CI").is_none() => View::Bars,
        () => View::Lines,
    };
    Arc::new(Progress::new(view))
}

/// Returns the folder for installs and caches; none where nothing names one.
fn home_if_known(host: &Host) -> Result<Option<PathBuf>, BadHome> {
    match host.toolkit_home() {
        Ok(home) => Ok(Some(home)),
        Err(BadHome::Unknown) => Ok(None),
        Err(bad) => Err(bad),
    }
}

/// Reads `TOOLKIT_LOCKED`. Without it a job of a CI system keeps the lock as it was committed.
fn lock_rule(host: &Host) -> Result<LockRule, Failure> {
    match host.var("TOOLKIT_LOCKED").map(str::to_ascii_lowercase).as_deref() {
        Some("1" | "true" | "yes") => Ok(LockRule::Require),
        Some("0" | "false" | "no") => Ok(LockRule::Renew),
        Some(other) => {
            Err(Failure::usage(format!("the environment variable TOOLKIT_LOCKED is `{other}`, which is not 1 or 0")))
        }
        None if host.is_ci() => Ok(LockRule::Keep),
        None => Ok(LockRule::Renew),
    }
}

pub(super) fn policy(host: &Host, manifest: Option<&Manifest>) -> Policy {
    let mut policy = Policy::on(host.today());
    if let Some(manifest) = manifest {
        policy.minimum_age = manifest.minimum_age;
        policy.unsupported = manifest.unsupported;
        policy.verification = manifest.verification.unwrap_or(Level::Checksum);
    }
    policy
}
