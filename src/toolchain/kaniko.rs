//! Kaniko, which builds images without a daemon. It is published as an image only, so the artifacts of a release are the
//! layers of that image. Its variants, which the upstream's tags distinguish, are separate tools; registries are sources.
//!
//! Google archived kaniko in June 2025 (<https://github.com/GoogleContainerTools/kaniko>); the maintained fork is
//! <https://github.com/osscontainertools/kaniko>.

mod images;
mod launch;
mod tags;

use std::sync::Arc;

use async_trait::async_trait;

use super::shared::{locked, semantic};
use super::{Card, Chroot, Error, Layout, Toolchain};
use crate::model::{
    BadChannel, BadVersion, Candidate, Channel, Choice, Date, Phase, Platform, Policy, Reference, Release, Repository,
    Support, Version,
};
use crate::net::Metadata;

/// A variant of kaniko from one source.
#[derive(Debug)]
pub struct Kaniko {
    card: Card<'static>,
    /// What follows the version in the variant's tags.
    suffix: &'static str,
    source: Source,
}

/// The repository that an image comes from.
#[derive(Debug)]
enum Source {
    /// The maintained fork on GitHub's registry.
    Fork,
    /// The maintained fork on Docker Hub.
    DockerHub,
    /// Google's, whose last release was v1.24.0.
    Archived,
    /// A repository that the project names: a copy of one of the others.
    Custom(Repository),
}

/// The executor and the credential helpers.
pub const PLAIN: Kaniko = Kaniko {
    card: Card {
        name: "kaniko",
        about: "builds images without a daemon; runs chrooted, only by `toolkit exec kaniko -- FLAGS`",
        ..CARD
    },
    suffix: "",
    source: Source::Fork,
};

/// With a shell from BusyBox, so that pipeline jobs can run in it.
pub const DEBUG: Kaniko = Kaniko {
    card: Card {
        name: "kaniko-debug",
        about: "kaniko with a shell: the image of the jobs that `toolkit gen gitlab-ci` writes",
        layout: chroot(EXECUTOR, Some("kaniko")),
        ..CARD
    },
    suffix: "-debug",
    source: Source::Fork,
};

/// Without credential helpers.
pub const SLIM: Kaniko = Kaniko {
    card: Card { name: "kaniko-slim", about: "kaniko without credential helpers", ..CARD },
    suffix: "-slim",
    source: Source::Fork,
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
    source: Source::Fork,
};

/// Fills a cache of base images. Google published it in another repository.
pub const WARMER: Kaniko = Kaniko {
    card: Card {
        name: "kaniko-warmer",
        about: "fills a cache of base images for kaniko",
        sources: &["dockerhub"],
        layout: chroot("/kaniko/warmer", None),
        ..CARD
    },
    suffix: "-warmer",
    source: Source::Fork,
};

const EXECUTOR: &str = "/kaniko/executor";

/// What the variants have in common. They put nothing on `PATH`, where it could be started by mistake: the executor empties
/// the file system that it runs on.
const CARD: Card<'static> =
    Card { spellings: SPELLINGS, sources: &["dockerhub", "archived"], layout: chroot(EXECUTOR, None), ..Card::BLANK };

const fn chroot(program: &'static str, job_image: Option<&'static str>) -> Layout {
    Layout::Chroot(Chroot { program, job_image, prepare: launch::prepare })
}

/// The spellings of every variant, from every source.
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

    /// Lists the tags. They have no dates: where dates matter, images are read for their creation date, newest first, until
    /// one is allowed.
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
        Ok(Release { image: Some(image.source), ..self.card.release(version, platform, image.layers) })
    }

    fn version(&self, text: &str) -> Result<Version, BadVersion> {
        Version::parse(text)
    }

    fn check_locked(&self, release: &Release) -> Result<(), String> {
        locked::no_executables(release)?;
        let tag = self.repository().tagged(&tags::tag(&release.version, self.suffix));
        let Some(image) = &release.image else { return Err("it names no image".to_owned()) };
        let unpinned = Reference { digest: None, ..image.reference.clone() };
        if unpinned != tag {
            return Err(format!("its image is {unpinned}, expected {tag}"));
        }
        release.artifacts.iter().try_for_each(|layer| images::check_locked(&tag.repository, layer))
    }

    fn with_source(&self, source: &str) -> Option<Arc<dyn Toolchain>> {
        let source = match source {
            "dockerhub" => Source::DockerHub,
            "archived" if self.card.sources.contains(&source) => Source::Archived,
            repository if repository.contains('/') => Source::Custom(repository.parse().ok()?),
            _ => return None,
        };
        Some(Arc::new(Self { card: self.card, suffix: self.suffix, source }))
    }
}

impl Kaniko {
    fn repository(&self) -> Repository {
        let of = |registry: &str, name: &str| Repository { registry: registry.to_owned(), name: name.to_owned() };
        match &self.source {
            Source::Fork => of("ghcr.io", "osscontainertools/kaniko"),
            Source::DockerHub => of("docker.io", "martizih/kaniko"),
            Source::Archived => of("gcr.io", "kaniko-project/executor"),
            Source::Custom(repository) => repository.clone(),
        }
    }

    fn candidate(&self, version: Version) -> Candidate {
        let line = format!("{}.{}", version.semver().major, version.semver().minor);
        let (phase, eol) = match &self.source {
            // The day when the repository became read-only.
            Source::Archived => (Phase::Eol, Some(Date::constant(2025, 6, 3))),
            // The fork declares no end of life.
            Source::Fork | Source::DockerHub | Source::Custom(_) => (Phase::Active, None),
        };
        Candidate { version, released: None, support: Support { line, phase, train: None, eol }, security: false }
    }

    async fn no_such_version(&self, version: &Version, metadata: &dyn Metadata) -> Error {
        let tags = images::tags(self.card.name, &self.repository(), metadata).await.unwrap_or_default();
        let known: Vec<Version> = tags.iter().filter_map(|tag| tags::version(tag, self.suffix)).collect();
        let near = semantic::near(version, known.iter());
        Error::NoSuchVersion { tool: self.card.name.to_owned(), version: version.to_string(), near }
    }
}
