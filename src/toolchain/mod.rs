//! The tools that this program knows. A new one is one new file and one line in [`ALL`].

mod custom;
pub mod dotnet;
pub mod go;
pub mod kaniko;
pub mod podman;
mod shared;

use std::fmt::Debug;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use async_trait::async_trait;

use crate::model::{
    Activation, BadChannel, BadVersion, Candidate, Channel, Choice, Platform, Policy, Release, Version,
};
use crate::net::Metadata;
use shared::semantic;

pub use custom::define;
pub use shared::card::{BadProjectFile, Card, FileRequest, ProjectFile, Role, VersionProof, Workspace};
pub use shared::error::Error;
pub use shared::layout::{Chroot, Completion, Layout, SharedRoot};
pub use shared::proposal::{Look, Proposal, UsualPipeline};
pub use shared::setting::{BadSetting, Setting, SettingValue, activate, check as check_settings};

/// Every tool, in the order in which people should see them.
pub static ALL: LazyLock<Vec<Arc<dyn Toolchain>>> = LazyLock::new(|| {
    vec![
        Arc::new(dotnet::SDK),
        Arc::new(dotnet::RUNTIME),
        Arc::new(dotnet::ASPNETCORE),
        Arc::new(go::GO),
        Arc::new(kaniko::PLAIN),
        Arc::new(kaniko::DEBUG),
        Arc::new(kaniko::SLIM),
        Arc::new(kaniko::ALPINE),
        Arc::new(kaniko::WARMER),
        Arc::new(podman::ENGINE),
        Arc::new(podman::REMOTE),
    ]
});

/// What this program must know about a tool.
///
/// Implementers bring knowledge of one upstream: its documents, spellings, project files. They print nothing, write
/// nothing, and reach the network only through `metadata`. A tool that numbers its releases as semantic versions needs
/// [`card`](Self::card), [`candidates`](Self::candidates), [`release`](Self::release) and
/// [`check_locked`](Self::check_locked) alone.
#[async_trait]
pub trait Toolchain: Debug + Send + Sync {
    /// Returns what is known about the tool without asking its upstream.
    fn card(&self) -> Card<'_>;

    /// Parses a channel, the part of a request after `@`.
    ///
    /// # Errors
    /// When the text is none of the tool's spellings; the reason names one that is.
    fn channel(&self, text: &str) -> Result<Channel, BadChannel> {
        semantic::channel(self.card().name, text)
    }

    /// Parses a full version in the upstream's spelling, as the lock and receipts record it.
    ///
    /// # Errors
    /// When the text is not a full version.
    fn version(&self, text: &str) -> Result<Version, BadVersion> {
        semantic::version(text)
    }

    /// Lists the versions that could be chosen, from as few documents as the channel and the policy need.
    ///
    /// # Errors
    /// When a document cannot be read, or is not what it should be.
    async fn candidates(
        &self,
        channel: &Channel,
        policy: &Policy,
        metadata: &dyn Metadata,
    ) -> Result<Vec<Candidate>, Error>;

    /// Chooses one candidate, with a reason for every other. Pure, so that the whole version policy of a tool is one table
    /// of cases.
    fn choose(&self, channel: &Channel, candidates: &[Candidate], policy: &Policy) -> Choice {
        semantic::choose(channel, candidates, policy)
    }

    /// Returns the files of `version` for `platform`, with their checksums.
    ///
    /// # Errors
    /// When the upstream has no such version, does not publish it for the platform, or publishes no usable checksum.
    async fn release(&self, version: &Version, platform: Platform, metadata: &dyn Metadata) -> Result<Release, Error>;

    /// Compares a release that a lock records with what the tool itself would write there for its version and platform:
    /// URL, kind of digest, proof, format, executables. Needs no connection. A lock may come from a stranger, and a project
    /// that defines a tool can change its mind about where it comes from.
    ///
    /// # Errors
    /// The first difference, as a sentence.
    fn check_locked(&self, release: &Release) -> Result<(), String>;

    /// Returns the folders for `PATH` and the variables that make an install at `root` visible; [`activate`] adds what is unset.
    fn activation(&self, root: &Path) -> Activation {
        Activation { paths: self.card().folders_on_path(root), ..Activation::default() }
    }

    /// Returns the tool as it is read from another source: one of the card's `sources`, or a repository that the project
    /// names. None when the tool does not know the source.
    fn with_source(&self, _source: &str) -> Option<Arc<dyn Toolchain>> {
        None
    }
}

impl dyn Toolchain + '_ {
    /// Returns the name of the tool.
    #[must_use]
    pub fn name(&self) -> &str {
        self.card().name
    }
}

/// Finds a tool by its name or an alias; case does not matter.
#[must_use]
pub fn find(name: &str) -> Option<Arc<dyn Toolchain>> {
    ALL.iter().find(|tool| tool.card().is_called(name)).cloned()
}

/// Parses a version of the tool called `name`; a tool that only some project defines has semantic versions.
///
/// # Errors
/// When the text is not a full version.
pub fn version(name: &str, text: &str) -> Result<Version, BadVersion> {
    find(name).map_or_else(|| semantic::version(text), |tool| tool.version(text))
}

/// Parses a channel of the tool called `name`, as [`version`] does.
///
/// # Errors
/// When the text is none of the tool's spellings.
pub fn channel(name: &str, text: &str) -> Result<Channel, BadChannel> {
    find(name).map_or_else(|| semantic::channel(name, text), |tool| tool.channel(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ToolName;

    #[test]
    fn every_card_is_complete_and_its_names_are_its_own() {
        let mut names: Vec<&str> = Vec::new();
        for tool in ALL.iter() {
            let card = tool.card();
            assert!(ToolName::parse(card.name).is_ok(), "{} is not a tool's name", card.name);
            assert!(!card.about.is_empty() && !card.spellings.is_empty(), "{}", card.name);
            assert!(tool.channel(card.default_channel).is_ok(), "{}@{}", card.name, card.default_channel);
            for source in card.sources {
                let other = tool.with_source(source).unwrap_or_else(|| panic!("{} has no {source}", card.name));
                assert_eq!(other.name(), card.name, "{source}");
            }
            assert!(tool.with_source("nowhere").is_none(), "{}", card.name);
            names.extend([card.name].iter().chain(card.aliases));
        }
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count, "two tools have one name");
    }
}
