//! The card of a tool: what is known about it without asking its upstream.

use std::path::{Path, PathBuf};

use super::layout::Layout;
use super::proposal::{Look, Proposal, UsualPipeline};
use super::setting::Setting;
use crate::host::Host;
use crate::model::{Artifact, Channel, Os, Platform, Redirect, Release, ToolName, Version, Within};

/// What is known about a tool without asking its upstream. Help, completions, `list`, `init` and the generators read it.
///
/// Write what applies, and take the rest from [`Card::BLANK`].
#[derive(Debug, Clone, Copy)]
pub struct Card<'t> {
    /// The name that requests, `toolkit.toml` and the lock use.
    pub name: &'t str,
    /// Other names that requests may use, such as `golang` in `.tool-versions`.
    pub aliases: &'static [&'static str],
    /// One line for lists of tools.
    pub about: &'static str,
    /// What can be requested: a spelling and its meaning, for `--help` and error messages.
    pub spellings: &'static [(&'static str, &'static str)],
    /// The channel of a request that names only the tool.
    pub default_channel: &'static str,
    /// The sources that a project may choose by `source = "…"` instead of the default one.
    pub sources: &'static [&'static str],
    /// Choices that a project may make besides the version: `go = { version = "1", toolchain = "pin" }`.
    pub settings: &'static [Setting],
    /// Project files that request a version, in order of precedence.
    pub project_files: &'static [ProjectFile],
    /// Files that show that a project needs the tool although they name no version: `*.sln`, whole names.
    pub markers: &'static [&'static str],
    /// The usual commands of a pipeline, which `init` proposes.
    pub pipeline: UsualPipeline,
    /// Adapts the usual pipeline to what a project shows.
    pub propose: fn(&UsualPipeline, &Look<'_>) -> Proposal,
    /// Executables relative to the root, without the `.exe` that they have on Windows.
    pub executables: &'static [&'static str],
    /// Variables that upstream documents as redirecting the tool to another install. They are unset wherever the tool is made
    /// visible, unless its activation sets them.
    pub redirected_by: &'static [Redirect],
    /// Lists the folders into which the tool installs programs for its user, as upstream documents them. They go on `PATH`
    /// behind all tools.
    pub user_programs: fn(&Host) -> Vec<PathBuf>,
    /// How to ask which version runs in a folder; none when the tool cannot tell.
    pub version_proof: Option<VersionProof>,
    /// A command that proves an install: it runs and prints a version. Empty when there is none.
    pub smoke_test: &'static [&'static str],
    /// Debian packages that the tool needs in an image, besides certificates and Git.
    pub debian_packages: &'static [&'static str],
    /// What versions have in common that differ in their patch only.
    pub patches: Within,
    /// How an install is laid out.
    pub layout: Layout,
}

impl Card<'static> {
    /// A card on which nothing is written yet: `latest` by default, a root of its own.
    pub const BLANK: Self = Self {
        name: "",
        aliases: &[],
        about: "",
        spellings: &[],
        default_channel: "latest",
        sources: &[],
        settings: &[],
        project_files: &[],
        markers: &[],
        pipeline: UsualPipeline { restore: &[], build: &[], test: &[], reports: &[] },
        propose: |usual, _| Proposal::usual(usual),
        executables: &[],
        redirected_by: &[],
        user_programs: |_| Vec::new(),
        version_proof: None,
        smoke_test: &[],
        debian_packages: &[],
        patches: Within::Minor,
        layout: Layout::Own,
    };
}

impl<'t> Card<'t> {
    /// Returns true if requests may call the tool `name`; case does not matter.
    #[must_use]
    pub fn is_called(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name) || self.aliases.iter().any(|alias| alias.eq_ignore_ascii_case(name))
    }

    /// Lists the executables for a platform, relative to the root.
    #[must_use]
    pub fn executables_on(&self, platform: Platform) -> Vec<PathBuf> {
        let suffix = if platform.os == Os::Windows { ".exe" } else { "" };
        self.executables.iter().map(|path| PathBuf::from(format!("{path}{suffix}"))).collect()
    }

    /// Lists the folders of the executables of an install at `root`, for `PATH`.
    #[must_use]
    pub fn folders_on_path(&self, root: &Path) -> Vec<PathBuf> {
        let mut folders: Vec<PathBuf> =
            self.executables.iter().filter_map(|path| root.join(path).parent().map(Path::to_owned)).collect();
        folders.dedup();
        folders
    }

    /// Returns a release of the tool.
    ///
    /// # Panics
    /// When the name of the card is not a tool's name, which a test checks for every tool.
    #[must_use]
    pub fn release(&self, version: &Version, platform: Platform, artifacts: Vec<Artifact>) -> Release {
        let tool = ToolName::parse(self.name).expect("the name of a card is a tool's name");
        Release::new(tool, version.clone(), platform, artifacts)
    }

    /// Returns the folder that generated files unpack the tool into: the one that it shares with others, else its own.
    #[must_use]
    pub fn folder(&self) -> &'t str {
        self.layout.shared().map_or(self.name, |shared| shared.name)
    }
}

/// A question whose answer shows, in the folder where it is asked, which version runs there. Unlike [`Card::smoke_test`],
/// it must fail or answer differently when something on the machine makes another version run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VersionProof {
    /// The command.
    pub command: &'static [&'static str],
    /// What precedes the version in its answer, in the same word or the words before.
    pub prefix: &'static str,
    /// Names of files in the folder or above it that can make another version run.
    pub overridden_by: &'static [&'static str],
}

impl VersionProof {
    /// Returns what the answer must contain, between spaces or at the edge of a line.
    #[must_use]
    pub fn expected(&self, version: &str) -> String {
        format!("{}{version}", self.prefix)
    }
}

/// A project file that requests a version of a tool.
#[derive(Debug)]
pub struct ProjectFile {
    /// Its name: `global.json`, `go.mod`.
    pub name: &'static str,
    /// The ending of other names that a user may give to such a file: `.mod` for `go build -modfile=tools/go.tool.mod`.
    pub ending: Option<&'static str>,
    /// What its request is to those of other files.
    pub role: Role,
    /// Parses its text.
    pub read: fn(&str) -> Result<FileRequest, BadProjectFile>,
    /// Where the files of its members are, if it is that of a workspace.
    pub workspace: Option<Workspace>,
}

impl ProjectFile {
    /// A file of its own that the tool itself obeys.
    pub const BLANK: Self = Self {
        name: "",
        ending: None,
        role: Role::Binding,
        read: |_| Ok(FileRequest { channel: None, rule: String::new(), warnings: Vec::new(), minimum: None }),
        workspace: None,
    };
}

/// What the request of a file is to those of other files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The tool itself obeys the file, whatever others say.
    Binding,
    /// Somebody chose the version.
    Pin,
    /// The project needs at least this version, so that a pin goes before it and must not be below.
    Minimum {
        /// The setting of the tool, and its value, under which a lower version runs nevertheless.
        lifted_by: (&'static str, &'static str),
    },
}

/// The files that a workspace consists of.
#[derive(Debug)]
pub struct Workspace {
    /// Lists the members' files, as paths relative to the workspace's folder.
    pub members: fn(&str) -> Vec<String>,
    /// Parses a member's file.
    pub read: fn(&str) -> Result<FileRequest, BadProjectFile>,
    /// Joins what the workspace requests with what its members request, each with its path.
    pub combine: fn(FileRequest, &[(String, FileRequest)]) -> FileRequest,
}

/// What a project file requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRequest {
    /// The channel; none when the file leaves the version open.
    pub channel: Option<Channel>,
    /// The rule that was read from it, for `--explain`: "toolchain go1.22.5 (line 5)". Without a channel: why, after the
    /// file's name: "has no `go` line".
    pub rule: String,
    /// What the user should know although the file was understood.
    pub warnings: Vec<String>,
    /// The least version that the project needs, where the file states one.
    pub minimum: Option<Version>,
}

/// A project file that cannot be parsed. The caller that opened it adds the path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct BadProjectFile {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong, and what is expected.
    pub reason: String,
}
