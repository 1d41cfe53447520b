//! Errors between a request and an activation, as the user reads them.

use std::path::{Path, PathBuf};

use super::spelling;
use crate::fs::FileError;
use crate::model::{BadChannel, BadRequest, Choice, Explain, Kind, Level, Platform};
use crate::text::comma_separated;
use crate::{ingest, net, project, store, toolchain};

/// An error between a request and an activation.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A request is not one.
    #[error(transparent)]
    BadRequest(#[from] BadRequest),
    /// A tool's grammar does not know the channel.
    #[error(transparent)]
    BadChannel(#[from] BadChannel),
    /// A tool has no such setting.
    #[error(transparent)]
    BadSetting(#[from] toolchain::BadSetting),
    /// No tool has this name.
    #[error("no tool is called `{name}`")]
    UnknownTool {
        /// The name as it was given.
        name: String,
        /// The known name that comes nearest, or the whole request that was meant.
        near: Option<String>,
        /// All known names.
        known: Vec<String>,
    },
    /// A project cannot define the tool like that.
    #[error("{tool} cannot be defined this way: {reason}")]
    BadDefinition {
        /// The tool.
        tool: String,
        /// What is wrong with it, and what would be right.
        reason: String,
    },
    /// The project lists several versions of a tool of which only one can be visible.
    #[error("{tool} is listed in several versions, and only one can be on PATH")]
    SeveralVersions {
        /// The tool.
        tool: String,
    },
    /// The tool has no such source.
    #[error("{tool} has no source called `{name}`")]
    UnknownSource {
        /// The tool.
        tool: String,
        /// The name as it was given.
        name: String,
        /// The sources that it has.
        known: Vec<String>,
    },
    /// A line of `toolkit.toml` cannot be used.
    #[error("toolkit.toml, line {line}, cannot be used")]
    ManifestLine {
        /// The line, counted from 1.
        line: usize,
        /// Why.
        source: Box<Error>,
    },
    /// A project file could not be read.
    #[error(transparent)]
    ReadFile(#[from] FileError),
    /// A project file is not understood.
    #[error("{} is not understood", path.display())]
    BadProjectFile {
        /// The file.
        path: PathBuf,
        /// The line and the reason.
        source: toolchain::BadProjectFile,
    },
    /// No tool reads files of this name.
    #[error("{} is not a project file that toolkit reads", path.display())]
    UnknownFile {
        /// The file.
        path: PathBuf,
        /// The names that are read.
        known: Vec<String>,
    },
    /// A project file was understood and requests nothing.
    #[error("{} {reason}", path.display())]
    NothingInFile {
        /// The file.
        path: PathBuf,
        /// Why: "has no `go` line".
        reason: String,
    },
    /// A pin is older than another project file allows.
    #[error("{pinned_by} pins {tool} {pin}, but {needed_by} needs at least {minimum}")]
    PinBelowMinimum {
        /// The tool.
        tool: String,
        /// What is pinned.
        pin: String,
        /// The file that pins it.
        pinned_by: String,
        /// The least version.
        minimum: String,
        /// The file that needs it.
        needed_by: String,
    },
    /// There is nothing that says what to do.
    #[error("{}", nothing_asked(folder, silent))]
    NothingAsked {
        /// The folder that was looked at.
        folder: PathBuf,
        /// The files that are there and request nothing: each with the reason.
        silent: Vec<String>,
    },
    /// A project's file cannot be used.
    #[error(transparent)]
    Project(#[from] project::Error),
    /// The upstream does not give what is needed.
    #[error("could not resolve {request}")]
    Resolve {
        /// The request.
        request: String,
        /// Why.
        source: toolchain::Error,
    },
    /// Every candidate was rejected.
    #[error("{}{}: {}{}", no_match(request), in_file(place.as_deref()), meaning(request, &choice.rule), lines(nearest))]
    NothingChosen {
        /// The request.
        request: String,
        /// Where it is written, if in a file.
        place: Option<String>,
        /// The rule that was applied, and every candidate with the reason of its rejection.
        choice: Box<Choice>,
        /// The nearest candidates, each with the reason of its rejection.
        nearest: Vec<String>,
    },
    /// The proof is weaker than the policy accepts.
    #[error("{file} is verified by `{found}` ({source_name}), and the policy requires `{required}`")]
    WeakProof {
        /// The file.
        file: String,
        /// What there is.
        found: Level,
        /// Its source.
        source_name: String,
        /// What the policy requires.
        required: Level,
    },
    /// The lock is needed and not there.
    #[error("there is no toolkit.lock in {}", folder.display())]
    NoLock {
        /// The project.
        folder: PathBuf,
    },
    /// The lock does not answer the project's wishes.
    #[error("toolkit.lock is out of date:\n{}", reasons.join("\n"))]
    StaleLock {
        /// One line for each thing that is wrong.
        reasons: Vec<String>,
    },
    /// The lock holds what its tool would not have written there.
    #[error("toolkit.lock has entries that toolkit would not have written:\n{}", reasons.join("\n"))]
    UnexpectedLock {
        /// One line for each thing that is wrong.
        reasons: Vec<String>,
    },
    /// What the upstream publishes cannot stand in a lock.
    #[error("{tool} {version} for {platform} cannot be locked: {reason}")]
    CannotLock {
        /// The tool.
        tool: String,
        /// The version.
        version: String,
        /// The platform.
        platform: Platform,
        /// What is wrong with it.
        reason: String,
    },
    /// The policy denies unsupported versions, and the lock has some.
    #[error("toolkit.lock has unsupported versions:\n{}", reasons.join("\n"))]
    UnsupportedLock {
        /// One line for each of them.
        reasons: Vec<String>,
    },
    /// The lock has nothing for this platform.
    #[error("toolkit.lock has no {tool} {version} for {platform}")]
    NotLocked {
        /// The tool.
        tool: String,
        /// The locked version.
        version: String,
        /// The platform that is missing.
        platform: Platform,
    },
    /// A tool is not installed, and the command does not install.
    #[error("{tool} {version} is not installed for {platform}")]
    NotInstalled {
        /// The tool.
        tool: String,
        /// The version.
        version: String,
        /// The platform.
        platform: Platform,
    },
    /// An executable of an install cannot be run, so that another program of its name would run instead.
    #[error("{tool} {version} cannot run {}: {reason}", path.display())]
    CannotRun {
        /// The tool.
        tool: String,
        /// The version.
        version: String,
        /// The executable.
        path: PathBuf,
        /// Why it cannot be run.
        reason: String,
    },
    /// The receipt of an install speaks of other files than the lock pins.
    #[error("the install of {tool} {version} for {platform} is not the one that toolkit.lock pins\n  {}", root.display())]
    OtherTree {
        /// The tool.
        tool: String,
        /// The version.
        version: String,
        /// The platform.
        platform: Platform,
        /// Where it is.
        root: PathBuf,
    },
    /// The files of an archive cannot be listed.
    #[error("the archive of {tool} {version} for {platform} cannot be listed: {reason}")]
    Unlistable {
        /// The tool.
        tool: String,
        /// The version.
        version: String,
        /// The platform.
        platform: Platform,
        /// What is wrong with it.
        reason: String,
    },
    /// An install failed.
    #[error("could not install {tool} {version} for {platform}")]
    Install {
        /// The tool.
        tool: String,
        /// The version.
        version: String,
        /// The platform.
        platform: Platform,
        /// Why.
        source: Box<ingest::Error>,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The network failed outside of an install.
    #[error(transparent)]
    Net(#[from] net::Error),
}

/// What helps with a request that is not understood at all.
const SPELLINGS: &str = "nothing was changed; `toolkit resolve --help` lists the tools and their channels";

impl Error {
    /// Considers that an unknown tool may be the channel of the one that was named before it: `dotnet 8`.
    pub(super) fn after(self, before: Option<&String>) -> Self {
        match (self, before) {
            (Self::UnknownTool { name, near, known }, Some(tool)) => {
                let near = spelling::pair(tool, &name).or(near);
                Self::UnknownTool { name, near, known }
            }
            (other, _) => other,
        }
    }
}

impl Explain for Error {
    fn kind(&self) -> Kind {
        match self {
            Self::Project(cause) => cause.kind(),
            Self::Resolve { source, .. } => source.kind(),
            Self::Install { source, .. } => source.kind(),
            Self::Store(cause) => cause.kind(),
            Self::Net(cause) => cause.kind(),
            Self::WeakProof { .. }
            | Self::CannotRun { .. }
            | Self::UnexpectedLock { .. }
            | Self::CannotLock { .. }
            | Self::OtherTree { .. }
            | Self::Unlistable { .. } => Kind::Integrity,
            Self::ManifestLine { source, .. } => source.kind(),
            _ => Kind::Usage,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::UnknownTool { near: Some(near), .. } if near.contains('@') => {
                vec![format!("did you mean `{near}`? A channel follows its tool after an @")]
            }
            Self::UnknownTool { near: Some(near), .. } => vec![format!("did you mean `{near}`?")],
            Self::UnknownSource { tool, known, .. } if known.is_empty() => {
                vec![format!("{tool} has only its default source; remove `source` from the line")]
            }
            Self::UnknownTool { known, .. } => vec![
                format!("expected one of: {}", comma_separated(known)),
                "a project can define others: `[tools.NAME]` with `github` or `url` in toolkit.toml".to_owned(),
            ],
            Self::SeveralVersions { tool } => vec![
                "nothing was changed; keep one version".to_owned(),
                format!("`toolkit exec {tool}@VERSION -- CMD` runs a command with another"),
            ],
            Self::BadDefinition { .. } => {
                vec!["nothing was changed; fix the tool's table in toolkit.toml".to_owned()]
            }
            Self::UnknownSource { known, .. } | Self::UnknownFile { known, .. } => {
                vec![format!("expected one of: {}", comma_separated(known))]
            }
            Self::ManifestLine { source, .. } => source.hints(),
            Self::ReadFile(source) if source.is_absent() => {
                vec!["check the path, which is relative to the project".to_owned()]
            }
            Self::ReadFile(source) => source.hints(),
            Self::NothingInFile { .. } => vec!["name a version in it, or in toolkit.toml".to_owned()],
            Self::PinBelowMinimum { tool, minimum, .. } => {
                vec![format!("nothing was changed; pin {tool} {minimum} or newer, or lower what the project needs")]
            }
            Self::NothingAsked { silent, .. } if !silent.is_empty() => {
                vec![
                    "name a tool under [tools] in toolkit.toml, or as an argument: `toolkit install go@1.27`"
                        .to_owned(),
                ]
            }
            Self::NothingAsked { .. } => {
                vec!["`toolkit init` writes a toolkit.toml, or name a tool: `toolkit install go@1.27`".to_owned()]
            }
            Self::NothingChosen { .. }
            | Self::WeakProof { .. }
            | Self::NoLock { .. }
            | Self::StaleLock { .. }
            | Self::NotLocked { .. }
            | Self::UnsupportedLock { .. }
            | Self::UnexpectedLock { .. }
            | Self::CannotLock { .. }
            | Self::Unlistable { .. }
            | Self::OtherTree { .. }
            | Self::NotInstalled { .. }
            | Self::CannotRun { .. } => self.release_hints(),
            Self::Project(cause) => cause.hints(),
            Self::Resolve { source, .. } => and(source.hints(), "nothing was changed"),
            Self::Install { source, .. } => and(source.hints(), "no partial files were left behind"),
            Self::Store(cause) => cause.hints(),
            Self::Net(cause) => cause.hints(),
            Self::BadSetting(cause) => cause.hints(),
            Self::BadChannel(BadChannel { tool, text, .. }) => match spelling::channel_of(tool, text) {
                Some(meant) => vec![format!("nothing was changed; did you mean `{meant}`?")],
                None => vec![SPELLINGS.to_owned()],
            },
            Self::BadRequest(_) => vec![SPELLINGS.to_owned()],
            Self::BadProjectFile { .. } => {
                vec!["nothing was changed; fix that line, or name the tool: `toolkit install TOOL@CHANNEL`".to_owned()]
            }
        }
    }
}

impl Error {
    /// Returns the advice where a release, its lock entry or its install is at fault.
    fn release_hints(&self) -> Vec<String> {
        match self {
            Self::NothingChosen { .. } => vec![
                "nothing was changed; request something else, or relax `[policy]` in toolkit.toml".to_owned(),
                "`toolkit resolve --explain` lists every candidate with its reason".to_owned(),
            ],
            Self::WeakProof { .. } => {
                vec!["nothing was installed; choose another source, or lower `verification` in toolkit.toml".to_owned()]
            }
            Self::NoLock { .. } | Self::StaleLock { .. } | Self::NotLocked { .. } => {
                vec!["nothing was changed; run `toolkit lock` where the upstreams can be reached, and commit toolkit.lock".to_owned()]
            }
            Self::UnsupportedLock { .. } => vec![
                "nothing was changed; request a supported version and run `toolkit lock`, or relax `unsupported` in toolkit.toml".to_owned(),
            ],
            Self::UnexpectedLock { .. } => vec![
                "nothing was changed; look at who changed it: `git log -p toolkit.lock`".to_owned(),
                "`toolkit lock` resolves such entries again".to_owned(),
            ],
            Self::CannotLock { .. } => {
                vec!["nothing was changed; is the source of the tool the right one? A newer toolkit may know the address".to_owned()]
            }
            Self::Unlistable { .. } => vec!["nothing was changed; check `bin` of the tool in toolkit.toml".to_owned()],
            Self::OtherTree { tool, version, .. } => vec![
                "nothing was run; if the store comes from a cache, delete that cache: somebody may have written to it".to_owned(),
                format!("`toolkit repair {tool}@{version}` installs it again from its archive"),
            ],
            Self::NotInstalled { tool, version, .. } => {
                vec![format!("run `toolkit install` for the project's tools, or `toolkit install {tool}@{version}`")]
            }
            Self::CannotRun { .. } => vec!["nothing was run; `toolkit repair` installs it again".to_owned()],
            _ => Vec::new(),
        }
    }
}

/// Describes that nothing was requested, and what the files that are there lack.
fn nothing_asked(folder: &Path, silent: &[String]) -> String {
    if silent.is_empty() {
        let folder = folder.display();
        return format!("no tool was requested: there is no argument, and no toolkit.toml or project file in {folder}");
    }
    format!("no tool was requested: there is no argument, and in {}{}", folder.display(), lines(silent))
}

/// Appends what was left unchanged.
fn and(mut hints: Vec<String>, unchanged: &str) -> Vec<String> {
    hints.push(unchanged.to_owned());
    hints
}

/// Describes that no release matches a request: "no go release matches `1.99`".
fn no_match(request: &str) -> String {
    match request.split_once('@') {
        Some((tool, channel)) => format!("no {tool} release matches `{channel}`"),
        None => format!("no release matches `{request}`"),
    }
}

/// Names the place of a request in parentheses, behind what is said about it.
fn in_file(place: Option<&str>) -> String {
    place.map_or(String::new(), |place| format!(" ({place})"))
}

/// Returns the meaning of a channel by its rule, without the channel: the message has just named it.
fn meaning<'a>(request: &str, rule: &'a str) -> &'a str {
    let channel = request.split_once('@').map_or(request, |(_, channel)| channel);
    rule.strip_prefix(channel).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(rule)
}

/// Puts each text on a line of its own, after the line before it.
fn lines(texts: &[String]) -> String {
    texts.iter().map(|text| format!("\n{text}")).collect()
}
