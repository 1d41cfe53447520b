//! What a command line settles, once: project, store, network, policy, progress. It carries nothing out.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::Global;
use super::network;
use super::progress::{Progress, View};
use super::render::Failure;
use super::runtime::Runtime;
use crate::host::Host;
use crate::model::{Level, Policy};
use crate::net::{Client, Memory};
use crate::oci::Access;
use crate::oci::credentials::keychain;
use crate::project::{Manifest, Root};
use crate::provision::Context;
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
    /// How many requests and installs run side by side, where the user says it.
    pub(super) jobs: Option<usize>,
}

/// How long a document is worth waiting for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Retries {
    /// As long as the settings say, with every retry.
    All,
    /// One request and a few seconds: the command can do without.
    None,
}

impl Settings {
    /// Reads the project around the current directory and settles what follows from it, the environment and the flags.
    pub(super) fn new(host: &Host, global: &Global) -> Result<Self, Failure> {
        let root = Root::find(host);
        let manifest = Manifest::read(&root)?;
        Self::around(host, global, root, manifest, Retries::All)
    }

    /// Settles the same without a connection: documents are the last good copies.
    pub(super) fn offline(host: &Host, global: &Global) -> Result<Self, Failure> {
        Self::new(host, &Global { offline: true, ..global.clone() })
    }

    /// Settles what commands need that no project concerns, so that a mistake in one does not stop them.
    pub(super) fn without_project(host: &Host, global: &Global) -> Result<Self, Failure> {
        Self::around(host, global, Root::here(host), None, Retries::All)
    }

    /// Settles what a command needs that reads a document or two and can do without: the project's mirror where its file
    /// is understood.
    pub(super) fn for_documents(host: &Host, global: &Global, retries: Retries) -> Result<Self, Failure> {
        let root = Root::find(host);
        let manifest = Manifest::read(&root).ok().flatten();
        Self::around(host, global, root, manifest, retries)
    }

    fn around(
        host: &Host,
        global: &Global,
        root: Root,
        manifest: Option<Manifest>,
        retries: Retries,
    ) -> Result<Self, Failure> {
        let home = host.toolkit_home().ok_or_else(no_home)?;
        let report = report(host, global);
        let mut settings = network::settings(host, global, manifest.as_ref(), root.folder(), &home)?;
        if retries == Retries::None {
            settings.retry.attempts = 1;
            settings.limits.connect = settings.limits.connect.min(Duration::from_secs(3));
            settings.limits.total = settings.limits.total.min(Duration::from_secs(10));
        }
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
        let documents = Memory::of(client.clone());
        let (host, store, runtime) = (host.clone(), Store::at(home), Runtime::default());
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

fn no_home() -> Failure {
    Failure::machine(
        "there is no folder for toolchains: neither TOOLKIT_HOME nor HOME is set",
        "set TOOLKIT_HOME to a writable folder",
        std::io::Error::new(std::io::ErrorKind::NotFound, "the environment names no home directory"),
    )
}

fn policy(host: &Host, manifest: Option<&Manifest>) -> Policy {
    let mut policy = Policy::on(host.today());
    if let Some(manifest) = manifest {
        policy.minimum_age = manifest.minimum_age;
        policy.unsupported = manifest.unsupported;
        policy.verification = manifest.verification.unwrap_or(Level::Checksum);
    }
    policy
}
