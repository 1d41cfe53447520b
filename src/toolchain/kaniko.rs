//! Kaniko, which builds images without a daemon: published as an image only, so that a release of it is the layers of that
//! image. Its variants are tools of their own, as upstream's tags tell them apart; where it is read from is the source.
//!
//! Google archived its kaniko in June 2025 (<https://github.com/GoogleContainerTools/kaniko>); the fork that is kept lives at
//! <https://github.com/osscontainertools/kaniko>.

mod images;
mod launch;
mod tags;

use std::sync::Arc;

use async_trait::async_trait;

use super::shared::semantic;
use super::{Card, Chroot, Error, Layout, Toolchain};
use crate::model::{
    BadChannel, BadVersion, Candidate, Channel, Choice, Date, Phase, Platform, Policy, Release, Repository, Support,
    ToolName, Version,
};
use crate::net::Metadata;

/// A variant of kaniko, and where it is read from.
#[derive(Debug)]
pub struct Kaniko {
    card: Card<'static>,
    /// What follows the version in the variant's tags.
    suffix: &'static str,
    home: Home,
}

/// Where an image is read from.
#[derive(Debug)]
enum Home {
    /// The maintained fork at GitHub.
    Fork,
    /// The maintained fork on Docker Hub.
    DockerHub,
    /// Google's, whose last release was v1.24.0.
    Archived,
    /// A repository that a project names: a copy of one of these.
    Own(Repository),
}

/// The executor and the credential helpers.
pub const PLAIN: Kaniko = Kaniko {
    card: Card {
        name: "kaniko",
        about: "builds images without a daemon; runs only by `toolkit exec kaniko -- FLAGS`, in a root of its own",
        ..CARD
    },
    suffix: "",
    home: Home::Fork,
};

/// With a shell from BusyBox: what jobs of a pipeline run in.
pub const DEBUG: Kaniko = Kaniko {
    card: Card {
        name: "kaniko-debug",
        about: "kaniko with a shell: the image of jobs that `toolkit gen gitlab-ci` writes",
        layout: chroot(EXECUTOR, Some("kaniko")),
        ..CARD
    },
    suffix: "-debug",
    home: Home::Fork,
};

/// Without credential helpers.
pub const SLIM: Kaniko = Kaniko {
    card: Card { name: "kaniko-slim", about: "kaniko without credential helpers", ..CARD },
    suffix: "-slim",
    home: Home::Fork,
};

/// On Alpine Linux, with its shell. Google never published it.
pub const ALPINE: Kaniko = Kaniko {
    card: Card {
        name: "kaniko-alpine",
        about: "kaniko on Alpine Linux, with a shell",
        sources: &["dockerhub"],
        layout: chroot(EXECUTOR, Some("kaniko")),
        ..CARD
    },
    suffix: "-alpine",
    home: Home::Fork,
};

/// The program that fills a cache of base images. Google's repository of it is another one.
pub const WARMER: Kaniko = Kaniko {
    card: Card {
        name: "kaniko-warmer",
        about: "fills a cache of base images for kaniko",
        sources: &["dockerhub"],
        layout: chroot("/kaniko/warmer", None),
        ..CARD
    },
    suffix: "-warmer",
    home: Home::Fork,
};

const EXECUTOR: &str = "/kaniko/executor";

/// What the variants have in common. Nothing of them goes on `PATH`, where it could be started by mistake: the executor
/// empties the file system that it runs on.
const CARD: Card<'static> =
    Card { spellings: SPELLINGS, sources: &["dockerhub", "archived"], layout: chroot(EXECUTOR, None), ..Card::BLANK };

const fn chroot(program: &'static str, job_image: Option<&'static str>) -> Layout {
    Layout::Chroot(Chroot { program, job_image, prepare: launch::prepare })
}

/// What can be asked of kaniko, whatever the variant and the source.
const SPELLINGS: &[(&str, &str)] = &[
    ("latest", "the newest release"),
    ("1", "the newest release of kaniko 1; also `1.x`"),
    ("1.28", "the newest patch of 1.28; also `1.28.x`, `v1.28`"),
    ("1.28.3", "this release; also `v1.28.3`"),
    ("^1.27", "a semantic-version range; also `>=1.27 <1.29`"),
];

#[async_trait]
impl Toolchain for Kaniko {
    fn card(&self) -> Card<'_> {
        self.card
    }

    fn channel(&self, text: &str) -> Result<Channel, BadChannel> {
        let bad = |reason| BadChannel { tool: self.card.name.to_owned(), text: text.to_owned(), reason };
        tags::channel(text).map_err(bad)
    }

    /// Lists the tags. They have no dates: where dates matter, the images that could be the answer are asked when they were
    /// made, newest first, up to the first that may be taken.
    async fn candidates(
        &self,
        channel: &Channel,
        policy: &Policy,
        metadata: &dyn Metadata,
    ) -> Result<Vec<Candidate>, Error> {
        let repository = self.repository();
        let mut versions: Vec<Version> = images::tags(self.card.name, &repository, metadata)
            .await?
            .iter()
            .filter_map(|tag| tags::version(tag, self.suffix))
            .collect();
        versions.sort_by(|left, right| right.cmp(left));
        versions.dedup();
        let mut candidates: Vec<Candidate> = versions.into_iter().map(|version| self.candidate(version)).collect();
        if policy.needs_dates() {
            for candidate in candidates.iter_mut().filter(|one| semantic::outside(channel, one).is_none()) {
                let tag = repository.tagged(&tags::tag(&candidate.version, self.suffix));
                candidate.released = images::created(self.card.name, &tag, metadata).await?;
                if policy.forbids(candidate).is_none() {
                    break;
                }
            }
        }
        Ok(candidates)
    }

    fn choose(&self, channel: &Channel, candidates: &[Candidate], policy: &Policy) -> Choice {
        tags::choose(channel, candidates, policy)
    }

    async fn release(&self, version: &Version, platform: Platform, metadata: &dyn Metadata) -> Result<Release, Error> {
        let tag = self.repository().tagged(&tags::tag(version, self.suffix));
        let image = match images::find(self.card.name, &tag, platform, metadata).await? {
            images::Found::Image(image) => image,
            images::Found::NoTag => return Err(self.no_such_version(version, metadata).await),
            images::Found::NoPlatform { published } => {
                let (tool, version) = (self.card.name.to_owned(), version.to_string());
                return Err(Error::NoSuchPlatform { tool, version, platform, published });
            }
        };
        let tool = ToolName::parse(self.card.name).expect("the names of the variants are names of tools");
        Ok(Release { image: Some(image.source), ..Release::new(tool, version.clone(), platform, image.layers) })
    }

    fn version(&self, text: &str) -> Result<Version, BadVersion> {
        Version::parse(text)
    }

    fn with_source(&self, source: &str) -> Option<Arc<dyn Toolchain>> {
        let home = match source {
            "dockerhub" => Home::DockerHub,
            "archived" if self.card.sources.contains(&source) => Home::Archived,
            repository if repository.contains('/') => Home::Own(repository.parse().ok()?),
            _ => return None,
        };
        Some(Arc::new(Self { card: self.card, suffix: self.suffix, home }))
    }
}

impl Kaniko {
    fn repository(&self) -> Repository {
        let of = |registry: &str, name: &str| Repository { registry: registry.to_owned(), name: name.to_owned() };
        match &self.home {
            Home::Fork => of("ghcr.io", "osscontainertools/kaniko"),
            Home::DockerHub => of("docker.io", "martizih/kaniko"),
            Home::Archived => of("gcr.io", "kaniko-project/executor"),
            Home::Own(repository) => repository.clone(),
        }
    }

    fn candidate(&self, version: Version) -> Candidate {
        let line = format!("{}.{}", version.semver().major, version.semver().minor);
        let (phase, eol) = match &self.home {
            // The day on which the repository became read-only.
            Home::Archived => (Phase::Eol, Some(Date::constant(2025, 6, 3))),
            // The fork says of no line that it has ended.
            Home::Fork | Home::DockerHub | Home::Own(_) => (Phase::Active, None),
        };
        Candidate { version, released: None, support: Support { line, phase, train: None, eol }, security: false }
    }

    async fn no_such_version(&self, version: &Version, metadata: &dyn Metadata) -> Error {
        let tags = images::tags(self.card.name, &self.repository(), metadata).await.unwrap_or_default();
        let mut known: Vec<Version> = tags.iter().filter_map(|tag| tags::version(tag, self.suffix)).collect();
        known.sort_by(|left, right| right.cmp(left));
        let near = known.iter().filter(|other| other.semver().minor == version.semver().minor).take(3);
        let near: Vec<String> = near.map(ToString::to_string).collect();
        let newest = || known.iter().take(2).map(ToString::to_string).collect();
        let near = if near.is_empty() { newest() } else { near };
        Error::NoSuchVersion { tool: self.card.name.to_owned(), version: version.to_string(), near }
    }
}
