//! Kaniko, which builds images without a daemon: published as an image only, so that a release of it is the layers of that
//! image. Its variants are tools of their own, as upstream's tags tell them apart; where it is read from is the source.
//!
//! Google archived its kaniko in June 2025 (<https://github.com/GoogleContainerTools/kaniko>); the fork that is kept lives at
//! <https://github.com/osscontainertools/kaniko>.

mod images;
mod launch;
mod tags;

use std::path::{Path, PathBuf};

use async_trait::async_trait;

use super::{Error, OwnRoot, Toolchain};
use crate::model::{
    Activation, BadChannel, BadVersion, Candidate, Channel, Choice, Date, Phase, Platform, Policy, Release, Repository,
    Support, ToolName, Version,
};
use crate::net::Metadata;

/// A variant of kaniko, and where it is read from.
#[derive(Debug)]
pub struct Kaniko {
    variant: &'static Variant,
    home: Home,
}

/// The executor and the credential helpers.
pub const PLAIN: &dyn Toolchain = &Kaniko { variant: &PLAIN_VARIANT, home: Home::Fork };
/// With a shell from BusyBox: what jobs of a pipeline run in.
pub const DEBUG: &dyn Toolchain = &Kaniko { variant: &DEBUG_VARIANT, home: Home::Fork };
/// Without credential helpers.
pub const SLIM: &dyn Toolchain = &Kaniko { variant: &SLIM_VARIANT, home: Home::Fork };
/// On Alpine Linux, with its shell.
pub const ALPINE: &dyn Toolchain = &Kaniko { variant: &ALPINE_VARIANT, home: Home::Fork };
/// The program that fills a cache of base images.
pub const WARMER: &dyn Toolchain = &Kaniko { variant: &WARMER_VARIANT, home: Home::Fork };

/// What the tags of one kind of image have in common.
#[derive(Debug)]
struct Variant {
    name: &'static str,
    about: &'static str,
    /// What follows the version in a tag.
    suffix: &'static str,
    root: OwnRoot,
    sources: &'static [(&'static str, &'static dyn Toolchain)],
}

/// Where an image is read from.
#[derive(Debug, Clone, Copy)]
enum Home {
    /// The maintained fork at GitHub.
    Fork,
    /// The maintained fork on Docker Hub.
    DockerHub,
    /// Google's, whose last release was v1.24.0.
    Archived,
    /// A repository that a project names: a copy of one of these.
    Own(&'static Repository),
}

const fn root(program: &'static str, job_image: Option<&'static str>) -> OwnRoot {
    OwnRoot { program, job_image, prepare: launch::prepare }
}

static PLAIN_VARIANT: Variant = Variant {
    name: "kaniko",
    about: "builds images without a daemon; runs only by `toolkit exec kaniko -- FLAGS`, in a root of its own",
    suffix: "",
    root: root("/kaniko/executor", None),
    sources: &[
        ("dockerhub", &Kaniko { variant: &PLAIN_VARIANT, home: Home::DockerHub }),
        ("archived", &Kaniko { variant: &PLAIN_VARIANT, home: Home::Archived }),
    ],
};

static DEBUG_VARIANT: Variant = Variant {
    name: "kaniko-debug",
    about: "kaniko with a shell: the image of jobs that `toolkit gen gitlab-ci` writes",
    suffix: "-debug",
    root: root("/kaniko/executor", Some("kaniko")),
    sources: &[
        ("dockerhub", &Kaniko { variant: &DEBUG_VARIANT, home: Home::DockerHub }),
        ("archived", &Kaniko { variant: &DEBUG_VARIANT, home: Home::Archived }),
    ],
};

static SLIM_VARIANT: Variant = Variant {
    name: "kaniko-slim",
    about: "kaniko without credential helpers",
    suffix: "-slim",
    root: root("/kaniko/executor", None),
    sources: &[
        ("dockerhub", &Kaniko { variant: &SLIM_VARIANT, home: Home::DockerHub }),
        ("archived", &Kaniko { variant: &SLIM_VARIANT, home: Home::Archived }),
    ],
};

static ALPINE_VARIANT: Variant = Variant {
    name: "kaniko-alpine",
    about: "kaniko on Alpine Linux, with a shell",
    suffix: "-alpine",
    root: root("/kaniko/executor", Some("kaniko")),
    sources: &[("dockerhub", &Kaniko { variant: &ALPINE_VARIANT, home: Home::DockerHub })],
};

static WARMER_VARIANT: Variant = Variant {
    name: "kaniko-warmer",
    about: "fills a cache of base images for kaniko",
    suffix: "-warmer",
    root: root("/kaniko/warmer", None),
    sources: &[("dockerhub", &Kaniko { variant: &WARMER_VARIANT, home: Home::DockerHub })],
};

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
    fn name(&self) -> &'static str {
        self.variant.name
    }

    fn about(&self) -> &'static str {
        self.variant.about
    }

    fn spellings(&self) -> &'static [(&'static str, &'static str)] {
        SPELLINGS
    }

    fn channel(&self, text: &str) -> Result<Channel, BadChannel> {
        let bad = |reason| BadChannel { tool: self.name().to_owned(), text: text.to_owned(), reason };
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
        let mut versions: Vec<Version> = images::tags(self.name(), &repository, metadata)
            .await?
            .iter()
            .filter_map(|tag| tags::version(tag, self.variant.suffix))
            .collect();
        versions.sort_by(|left, right| right.cmp(left));
        versions.dedup();
        let mut candidates: Vec<Candidate> = versions.into_iter().map(|version| self.candidate(version)).collect();
        if policy.needs_dates() {
            for candidate in candidates.iter_mut().filter(|one| tags::outside(channel, &one.version).is_none()) {
                let tag = repository.tagged(&tags::tag(&candidate.version, self.variant.suffix));
                candidate.released = images::created(self.name(), &tag, metadata).await?;
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
        let tag = self.repository().tagged(&tags::tag(version, self.variant.suffix));
        let image = match images::find(self.name(), &tag, platform, metadata).await? {
            images::Found::Image(image) => image,
            images::Found::NoTag => return Err(self.no_such_version(version, metadata).await),
            images::Found::NoPlatform { published } => {
                let (tool, version) = (self.name().to_owned(), version.to_string());
                return Err(Error::NoSuchPlatform { tool, version, platform, published });
            }
        };
        let tool = ToolName::parse(self.name()).expect("the names of the variants are names of tools");
        Ok(Release { image: Some(image.source), ..Release::new(tool, version.clone(), platform, image.layers) })
    }

    fn version(&self, text: &str) -> Result<Version, BadVersion> {
        Version::parse(text)
    }

    /// Returns nothing: what is on `PATH` can be started by mistake, and the executor empties the file system that it runs on.
    fn activation(&self, _root: &Path) -> Activation {
        Activation::default()
    }

    fn executables(&self, _platform: Platform) -> Vec<PathBuf> {
        Vec::new()
    }

    fn sources(&self) -> &'static [(&'static str, &'static dyn Toolchain)] {
        self.variant.sources
    }

    /// A project names few repositories, and what it named is needed to the end of the program: that is as long as these
    /// live.
    fn of_repository(&self, repository: &Repository) -> Option<&'static dyn Toolchain> {
        let home = Home::Own(Box::leak(Box::new(repository.clone())));
        Some(Box::leak(Box::new(Self { variant: self.variant, home })))
    }

    fn own_root(&self) -> Option<&'static OwnRoot> {
        Some(&self.variant.root)
    }
}

impl Kaniko {
    fn repository(&self) -> Repository {
        let of = |registry: &str, name: &str| Repository { registry: registry.to_owned(), name: name.to_owned() };
        match self.home {
            Home::Fork => of("ghcr.io", "osscontainertools/kaniko"),
            Home::DockerHub => of("docker.io", "martizih/kaniko"),
            Home::Archived => of("gcr.io", "kaniko-project/executor"),
            Home::Own(repository) => repository.clone(),
        }
    }

    fn candidate(&self, version: Version) -> Candidate {
        let line = format!("{}.{}", version.semver().major, version.semver().minor);
        let (phase, eol) = match self.home {
            // The day on which the repository became read-only.
            Home::Archived => (Phase::Eol, Some(Date::constant(2025, 6, 3))),
            // The fork says of no line that it has ended.
            Home::Fork | Home::DockerHub | Home::Own(_) => (Phase::Active, None),
        };
        Candidate { version, released: None, support: Support { line, phase, train: None, eol }, security: false }
    }

    async fn no_such_version(&self, version: &Version, metadata: &dyn Metadata) -> Error {
        let tags = images::tags(self.name(), &self.repository(), metadata).await.unwrap_or_default();
        let mut known: Vec<Version> = tags.iter().filter_map(|tag| tags::version(tag, self.variant.suffix)).collect();
        known.sort_by(|left, right| right.cmp(left));
        let near = known.iter().filter(|other| other.semver().minor == version.semver().minor).take(3);
        let near: Vec<String> = near.map(ToString::to_string).collect();
        let newest = || known.iter().take(2).map(ToString::to_string).collect();
        let near = if near.is_empty() { newest() } else { near };
        Error::NoSuchVersion { tool: self.name().to_owned(), version: version.to_string(), near }
    }
}
