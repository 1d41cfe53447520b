//! The tools that this program knows. A new one is one new file and one line in [`ALL`].

mod custom;
pub mod dotnet;
pub mod go;
pub mod kaniko;
pub mod podman;
mod shared;

use std::ffi::OsString;
use std::fmt::Debug;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use url::Url;

use crate::host::Host;
use crate::model::{
    Activation, BadChannel, BadVersion, Candidate, Channel, Choice, Digest, Extra, Level, Platform, Policy, Proof,
    Release, Repository, Version,
};
use crate::net::Metadata;
use crate::sandbox::Job;

pub use custom::define;
pub use shared::error::Error;
pub use shared::setting::{BadSetting, Setting, SettingValue, activate, check as check_settings};

/// Every tool, in the order in which people should see them.
pub const ALL: &[&dyn Toolchain] = &[
    dotnet::SDK,
    dotnet::RUNTIME,
    dotnet::ASPNETCORE,
    &go::GO,
    kaniko::PLAIN,
    kaniko::DEBUG,
    kaniko::SLIM,
    kaniko::ALPINE,
    kaniko::WARMER,
    &podman::ENGINE,
    &podman::REMOTE,
];

/// What this program must know about a tool.
///
/// Implementers bring knowledge of one upstream: its documents, spellings, project files. They print nothing, write
/// nothing, and reach the network only through `metadata`.
#[async_trait]
pub trait Toolchain: Debug + Sync {
    /// Returns the name by which people ask for it.
    fn name(&self) -> &'static str;

    /// Returns other names for it, such as `golang` in `.tool-versions`.
    fn aliases(&self) -> &'static [&'static str] {
        &[]
    }

    /// Says in a few words what it is.
    fn about(&self) -> &'static str;

    /// Lists what can be asked of it: a spelling and what it means. For `--help`, the README and error messages.
    fn spellings(&self) -> &'static [(&'static str, &'static str)];

    /// Reads what a person asks of it.
    ///
    /// # Errors
    /// When the text is none of the tool's spellings; the reason names one that would be right.
    fn channel(&self, text: &str) -> Result<Channel, BadChannel>;

    /// Reads only the documents that the channel (and the policy's need for dates) asks for, and lists what could be chosen.
    ///
    /// # Errors
    /// When a document cannot be had, or is not what it should be.
    async fn candidates(
        &self,
        channel: &Channel,
        policy: &Policy,
        metadata: &dyn Metadata,
    ) -> Result<Vec<Candidate>, Error>;

    /// Chooses. Pure, so that the whole version policy of a tool is one table of cases.
    fn choose(&self, channel: &Channel, candidates: &[Candidate], policy: &Policy) -> Choice;

    /// Returns what must be fetched for `version` on `platform`.
    ///
    /// # Errors
    /// When the upstream has no such version, does not publish it for the platform, or announces no usable digest.
    async fn release(&self, version: &Version, platform: Platform, metadata: &dyn Metadata) -> Result<Release, Error>;

    /// Reads a full version in the upstream's spelling, as the lock and receipts record it.
    ///
    /// # Errors
    /// When it is none.
    fn version(&self, text: &str) -> Result<Version, BadVersion> {
        Version::parse(text)
    }

    /// Returns the channel of a request that names only the tool.
    fn usual_channel(&self) -> &'static str {
        "latest"
    }

    /// Returns what makes an install at `root` visible.
    fn activation(&self, root: &Path) -> Activation;

    /// Returns the executables that `--link` puts into a folder, relative to the root.
    fn executables(&self, platform: Platform) -> Vec<PathBuf>;

    /// Lists what an install needs beside what the upstream ships: `root` is where it will be, and its files are there
    /// under another path by now.
    fn extras(&self, _root: &Path, _platform: Platform) -> Vec<Extra> {
        Vec::new()
    }

    /// Tells what the person must do about an install of `version` at `root` that this program cannot: one sentence each.
    fn notes(&self, _version: &Version, _root: &Path, _home: Option<&Path>) -> Vec<String> {
        Vec::new()
    }

    /// Returns true if a release of a lock is what the tool means by its version. A project that defines a tool can change
    /// its mind about where it comes from and how it is laid out.
    fn agrees(&self, release: &Release) -> bool {
        release.executables.is_empty()
    }

    /// Names the root that several installs share as a view (`dotnet`: SDKs and runtimes in one `DOTNET_ROOT`).
    fn shared_root(&self) -> Option<&'static str> {
        None
    }

    /// Lists folders of a shared root in which the later member wins although their paths have versions in them, because
    /// the upstream reuses those versions.
    fn overlapping(&self) -> &'static [&'static str] {
        &[]
    }

    /// Returns which .NET-like runtime an install at `root` brings, to decide whose copy of an unversioned file wins when
    /// several installs share a root: the highest.
    fn rank(&self, _root: &Path) -> Option<Version> {
        None
    }

    /// Lists other sources that a project may choose by `source = "…"`, each a toolchain of the same name.
    fn sources(&self) -> &'static [(&'static str, &'static dyn Toolchain)] {
        &[]
    }

    /// Returns the tool as it is read from a repository of images that a project names by `source = "registry.example/…"`; none
    /// for tools that do not come as images.
    fn of_repository(&self, _repository: &Repository) -> Option<&'static dyn Toolchain> {
        None
    }

    /// Says how its program runs, where that must be in a root file system of its own.
    fn own_root(&self) -> Option<&'static OwnRoot> {
        None
    }

    /// Lists files that show that a project needs the tool although they name no version: `*.sln`.
    fn markers(&self) -> &'static [&'static str] {
        &[]
    }

    /// Lists the choices that a project may make about it beside the version: `go = { version = "1", toolchain = "pin" }`.
    fn settings(&self) -> &'static [Setting] {
        &[]
    }

    /// Lists the project files that ask for it.
    fn project_files(&self) -> &'static [ProjectFile] {
        &[]
    }

    /// Returns the usual commands of a pipeline, which `init` proposes to a project that needs the tool.
    fn usual_pipeline(&self) -> UsualPipeline {
        UsualPipeline::default()
    }

    /// Returns the question that shows, in the folder where it is asked, which version runs there; none when the tool has no
    /// such answer. Unlike [`Toolchain::smoke_test`] it must fail, or answer differently, when something in the machine
    /// makes another version run.
    fn version_proof(&self, _version: &str) -> Option<VersionProof> {
        None
    }

    /// Returns a command that proves an install: it runs and prints a version.
    fn smoke_test(&self) -> &'static [&'static str] {
        &[]
    }
}

/// How the program of an image runs: with the image's tree as its root, and never in the machine's own.
#[derive(Debug)]
pub struct OwnRoot {
    /// The program, in that root.
    pub program: &'static str,
    /// The purpose of the pipeline's jobs that can run in the image; none where it has no shell.
    pub job_image: Option<&'static str>,
    /// Finds what a run of the program with these arguments needs of the machine. The error says what is wrong with them.
    pub prepare: fn(&Host, &str, &[OsString]) -> Result<Job, String>,
}

/// How a tool is asked for its version, and what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionProof {
    /// The command; its words are the tool's own.
    pub command: &'static [&'static str],
    /// What it must print among other words, between spaces or at the edge of a line.
    pub words: String,
    /// Names of files in the folder or above it that can make another version run.
    pub swayed_by: &'static [&'static str],
}

/// What most projects of a tool do in their pipelines.
#[derive(Debug, Clone, Copy, Default)]
pub struct UsualPipeline {
    /// Commands that fetch dependencies.
    pub restore: &'static [&'static str],
    /// Commands that compile.
    pub build: &'static [&'static str],
    /// Commands that test.
    pub test: &'static [&'static str],
    /// The reports of these tests: format and glob.
    pub reports: &'static [(&'static str, &'static str)],
}

/// A file in a project that says which version of a tool it wants.
#[derive(Debug)]
pub struct ProjectFile {
    /// Its name: `global.json`, `go.mod`.
    pub name: &'static str,
    /// Reads it.
    pub read: fn(&str) -> Result<FileRequest, BadProjectFile>,
}

/// What a project file asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRequest {
    /// What is asked for; none when the file leaves it open.
    pub channel: Option<Channel>,
    /// The rule that was read out of it, for `--explain`: "toolchain go1.22.5 (line 5)".
    pub rule: String,
    /// What the person should know about the file although it was understood.
    pub warnings: Vec<String>,
}

/// A project file that cannot be understood. The path is added by whoever opened it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct BadProjectFile {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong, and what would be right.
    pub reason: String,
}

/// Says for which platforms a release exists, when the one that was asked for is none of them.
fn not_published(
    tool: &str,
    version: &Version,
    platform: Platform,
    published: impl Iterator<Item = Platform>,
) -> Error {
    let mut names: Vec<String> = published.map(|platform| platform.to_string()).collect();
    names.sort();
    names.dedup();
    let published = match names.split_last() {
        None => "no platform as an archive".to_owned(),
        Some((only, [])) => only.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    };
    Error::NoSuchPlatform { tool: tool.to_owned(), version: version.to_string(), platform, published }
}

/// Takes the digest of what is at `url` today, for a file of which nobody announces one; `why` says so in words.
///
/// # Errors
/// [`Error::Unannounced`] when the policy asks for more than that.
async fn first_seen(url: &Url, why: &str, metadata: &dyn Metadata) -> Result<(Digest, Proof), Error> {
    let seen = metadata.first_seen(url).await;
    match seen.map_err(|source| Error::Metadata { tool: url.to_string(), source })? {
        Some(digest) => Ok((digest, Proof { level: Level::FirstSeen, source: "the first download".to_owned() })),
        None => Err(Error::Unannounced { url: url.to_string(), reason: why.to_owned() }),
    }
}

/// Reads a version of the tool called `name`; of one that only some project knows, as such tools number theirs.
///
/// # Errors
/// When it is none.
pub fn version(name: &str, text: &str) -> Result<Version, BadVersion> {
    find(name).map_or_else(|| shared::semantic::version(text), |tool| tool.version(text))
}

/// Reads what is asked of the tool called `name`, as [`version`] does.
///
/// # Errors
/// When it is none of the tool's spellings.
pub fn channel(name: &str, text: &str) -> Result<Channel, BadChannel> {
    find(name).map_or_else(|| shared::semantic::channel(name, text), |tool| tool.channel(text))
}

/// Finds a tool by its name or an alias, without regard to case.
#[must_use]
pub fn find(name: &str) -> Option<&'static dyn Toolchain> {
    let is = |other: &str| other.eq_ignore_ascii_case(name);
    ALL.iter().copied().find(|tool| is(tool.name()) || tool.aliases().iter().any(|alias| is(alias)))
}
