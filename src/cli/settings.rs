//! The surroundings of a command, settled once: project, store, network, policy, progress.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

use super::network;
use super::progress::{Progress, View};
use super::render::Failure;
use super::signals::interrupted;
use super::{Global, render};
use crate::host::Host;
use crate::model::{Channel, Level, Platform, Policy};
use crate::net::{self, Client, Memory, Metadata};
use crate::oci::Access;
use crate::oci::credentials::keychain;
use crate::project::{self, Lock, Manifest};
use crate::provision::{self, Context, Installed, ToolRequest};
use crate::report::Report;
use crate::store::{Install, Store};
use crate::toolchain;

/// Everything a command works with.
pub(super) struct Settings {
    pub(super) host: Host,
    /// The folder of `toolkit.toml`, or the current one.
    pub(super) root: PathBuf,
    pub(super) manifest: Option<Manifest>,
    pub(super) store: Store,
    pub(super) client: Client,
    /// What is said to registries of images, by `client` too.
    pub(super) access: Arc<Access>,
    /// Who asks AWS.
    #[cfg(feature = "aws")]
    pub(super) session: Arc<crate::aws::Session>,
    documents: Memory<Client>,
    runtime: OnceCell<Runtime>,
    pub(super) report: Arc<dyn Report>,
    pub(super) policy: Policy,
    pub(super) jobs: usize,
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
        let root = project::find(&host.cwd).unwrap_or(&host.cwd).to_owned();
        let manifest = Manifest::read(&root)?;
        Self::around(host, global, root, manifest, Retries::All)
    }

    /// Settles what commands need that have nothing to do with a project, so that a mistake in one does not stop them.
    pub(super) fn without_project(host: &Host, global: &Global) -> Result<Self, Failure> {
        Self::around(host, global, host.cwd.clone(), None, Retries::All)
    }

    /// Settles what a command needs that reads a document or two and can do without: the project's mirror where its file
    /// is understood.
    pub(super) fn for_documents(host: &Host, global: &Global, retries: Retries) -> Result<Self, Failure> {
        let root = project::find(&host.cwd).unwrap_or(&host.cwd).to_owned();
        let manifest = Manifest::read(&root).ok().flatten();
        Self::around(host, global, root, manifest, retries)
    }

    /// Reads a document.
    pub(super) fn document(&self, document: &net::Document) -> Result<Vec<u8>, Failure> {
        self.block_on(async { Ok(self.documents.read(document).await?) })
    }

    /// Returns the same place without a connection: documents are the last good copies.
    pub(super) fn offline(&self, global: &Global) -> Result<Self, Failure> {
        let global = Global { offline: true, ..global.clone() };
        Self::around(&self.host, &global, self.root.clone(), self.manifest.clone(), Retries::All)
    }

    fn around(
        host: &Host,
        global: &Global,
        root: PathBuf,
        manifest: Option<Manifest>,
        retries: Retries,
    ) -> Result<Self, Failure> {
        let home = host.toolkit_home().ok_or_else(no_home)?;
        let report = report(host, global);
        let mut settings = network::settings(host, global, manifest.as_ref(), &root, &home)?;
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
        let jobs = host.processors.clamp(1, 4);
        let documents = Memory::of(client.clone());
        let (host, store, runtime) = (host.clone(), Store::at(home), OnceCell::new());
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
            jobs,
        })
    }

    /// Returns what provisioning needs of it.
    pub(super) fn context(&self) -> Context<'_> {
        Context {
            store: &self.store,
            metadata: &self.documents,
            net: &self.client,
            report: &self.report,
            policy: &self.policy,
            processors: self.host.processors,
            jobs: self.jobs,
            now: self.host.now,
        }
    }

    /// Returns what names the mirror that is read from, and the folder from which a path in it starts.
    pub(super) fn named_mirror<'a>(&'a self, global: &'a Global) -> Option<(&'a str, &'a Path)> {
        network::mirror_text(&self.host, global, self.manifest.as_ref(), &self.root)
    }

    /// Returns the platforms that the project's lock covers.
    pub(super) fn platforms(&self) -> Vec<Platform> {
        self.manifest.as_ref().map_or_else(|| Manifest::PLATFORMS.to_vec(), |manifest| manifest.platforms.clone())
    }

    /// Reads what the project asks for; an error when that is nothing.
    pub(super) fn project(&self) -> Result<Vec<ToolRequest>, Failure> {
        let asked = provision::project(&self.root, self.manifest.as_ref())?;
        if asked.is_empty() {
            return Err(provision::Error::NothingAsked { folder: self.root.clone() }.into());
        }
        Ok(asked)
    }

    /// Reads the requests of a command: its arguments, or without any the project. A bare tool name means what the
    /// project asks of that tool, where it does.
    pub(super) fn asked(&self, arguments: &[String]) -> Result<Vec<ToolRequest>, Failure> {
        if arguments.is_empty() {
            return self.project();
        }
        let wishes = if arguments.iter().all(|argument| argument.contains('@')) {
            Vec::new()
        } else {
            provision::project(&self.root, self.manifest.as_ref())?
        };
        arguments
            .iter()
            .map(|argument| {
                let asked = provision::argument_in(argument, self.manifest.as_ref())?;
                let wish = wishes.iter().find(|wish| !argument.contains('@') && wish.tool.name() == asked.tool.name());
                Ok(wish.cloned().unwrap_or(asked))
            })
            .collect()
    }

    /// Tells what the tools of these installs ask of the person.
    pub(super) fn tell(&self, installs: &[Installed]) {
        let home = self.host.var("HOME").map(Path::new);
        for Installed { asked, install, .. } in installs {
            for note in asked.tool.card().layout.notes(&install.id.version, &install.root, home) {
                self.report.warned(&note);
            }
        }
    }

    /// Reads the project's lock; none when there is none.
    pub(super) fn lock(&self) -> Result<Option<Lock>, Failure> {
        Ok(Lock::read(&self.root)?)
    }

    /// Finds installs by what was typed: all without arguments, all versions of a bare tool name.
    pub(super) fn chosen(&self, specs: &[String]) -> Result<Vec<Install>, Failure> {
        let all = self.store.list()?;
        if specs.is_empty() {
            return Ok(all);
        }
        let mut chosen = Vec::new();
        for spec in specs {
            let (tool, channel) = self.meant(spec, &all)?;
            if spec.contains('@') && matches!(channel, Channel::Name(_)) {
                return Err(Failure::usage_with_hint(
                    format!("`{spec}` is a moving name, which does not say which install is meant"),
                    "name a version or a line, or the tool alone for all of its versions",
                ));
            }
            let answers = |install: &&Install| {
                let id = &install.id;
                id.tool.as_str() == tool && (!spec.contains('@') || channel.admits(&id.version))
            };
            let found: Vec<Install> = all.iter().filter(answers).cloned().collect();
            if found.is_empty() {
                return Err(Failure::usage_with_hint(
                    format!("nothing that is installed answers `{spec}`; nothing was changed"),
                    "`toolkit list` shows what is installed",
                ));
            }
            chosen.extend(found);
        }
        chosen.sort_by(|left, right| left.id.cmp(&right.id));
        chosen.dedup_by(|left, right| left.id == right.id);
        Ok(chosen)
    }

    /// Reads what was typed about installs. A tool that only another project defines is known by what is installed of it.
    fn meant(&self, spec: &str, installs: &[Install]) -> Result<(String, Channel), Failure> {
        match provision::argument_in(spec, self.manifest.as_ref()) {
            Ok(asked) => Ok((asked.tool.name().to_owned(), asked.channel)),
            Err(provision::Error::UnknownTool { name, .. })
                if installs.iter().any(|install| install.id.tool.as_str() == name) =>
            {
                let text = spec.split_once('@').map_or("latest", |(_, text)| text.trim());
                let channel = toolchain::channel(&name, text).map_err(provision::Error::BadChannel)?;
                Ok((name, channel))
            }
            Err(cause) => Err(cause.into()),
        }
    }

    /// Runs asynchronous work to its end, or to an interrupt, which stops everything and cleans up. All work of a command
    /// runs in one runtime, which keeps its connections open in between; commands that need none start none.
    pub(super) fn block_on<T>(&self, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        self.block_on_through_signals(async {
            tokio::select! {
                result = work => result,
                () = interrupted() => Err(Failure::interrupted()),
            }
        })
    }

    /// As [`Settings::block_on`], for work that listens for signals itself.
    pub(super) fn block_on_through_signals<T>(
        &self,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let runtime = match self.runtime.get() {
            Some(runtime) => runtime,
            None => {
                let runtime = Builder::new_current_thread().enable_all().build().map_err(|cause| {
                    Failure::machine("could not start", "this machine is out of threads or files", cause)
                })?;
                self.runtime.get_or_init(|| runtime)
            }
        };
        runtime.block_on(work)
    }
}

impl Drop for Settings {
    /// Returns blocking work that was begun a moment to end: an install that is being promoted is done in milliseconds, but
    /// the wait for another process' lock may be long, and nobody waits for its outcome any more.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(Duration::from_secs(2));
        }
    }
}

/// Calls `ask` when the person or the system asks the program to stop, for work that is not asynchronous.
pub(super) fn when_interrupted(ask: impl FnOnce() + Send + 'static) {
    // Without a thread or a runtime the signal ends the process by itself.
    let _ = std::thread::Builder::new().spawn(move || {
        if let Ok(runtime) = Builder::new_current_thread().enable_all().build() {
            runtime.block_on(interrupted());
            ask();
        }
    });
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
        "no folder for toolchains is known: neither TOOLKIT_HOME nor HOME is set",
        "set TOOLKIT_HOME to a folder that can be written",
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

/// Reads `--platform` values.
pub(super) fn platforms(texts: &[String]) -> Result<Vec<Platform>, Failure> {
    texts
        .iter()
        .map(|text| text.parse().map_err(|cause: crate::model::BadPlatform| Failure::usage(cause.to_string())))
        .collect()
}

/// Prints one line for people about something that was done.
pub(super) fn done(global: &Global, text: &str) {
    if !global.quiet {
        render::say(&format!("{text}\n"));
    }
}
