//! Podman: a static build with the engine, and the remote client. Both come from releases on GitHub: the client from the
//! project's own (<https://github.com/podman-container-tools/podman/releases>), the engine from the third-party builds of
//! podman-static (<https://github.com/mgoltzsche/podman-static/releases>).

mod engine;
mod remote;

pub use engine::ENGINE;
pub use remote::REMOTE;

use std::path::Path;

use async_trait::async_trait;

use super::shared::github::{self, Published, Repository};
use super::shared::locked::{self, Expected};
use super::shared::{platforms, semantic};
use super::{Card, Error, Toolchain};
use crate::model::{
    Activation, Algorithm, Arch, Artifact, Candidate, Channel, Format, Level, Os, Phase, Platform, Policy, Release,
    Support, Version,
};
use crate::net::Metadata;

/// The engine or the client, and how it is published.
#[derive(Debug)]
pub struct Podman {
    card: Card<'static>,
    /// The repository on GitHub.
    repository: &'static str,
    /// What precedes the processor in the name of an archive.
    prefix: &'static str,
    /// The list of checksums, where releases have one.
    sums: Option<&'static str>,
    /// How many leading folders of the archive to drop.
    strip: usize,
    /// Returns the variables that an install at the path needs.
    variables: fn(&Path) -> Vec<(String, String)>,
}

/// A release whose tag is a version.
struct Tagged {
    version: Version,
    published: Published,
}

/// The spellings of either.
const SPELLINGS: &[(&str, &str)] = &[
    ("latest", "the newest release; `stable` means the same"),
    ("5", "the newest release of Podman 5; also `5.x`"),
    ("5.8", "the newest patch of 5.8; also `5.8.x`, `v5.8`"),
    ("5.8.4", "this release; also `v5.8.4`"),
    ("6.0.0-rc1", "this prerelease; prereleases are chosen only by name"),
    ("^5.6", "a semantic-version range; also `>=5.6 <6`, `5.7 || 5.8`"),
];

#[async_trait]
impl Toolchain for Podman {
    fn card(&self) -> Card<'_> {
        self.card
    }

    async fn candidates(
        &self,
        _channel: &Channel,
        _policy: &Policy,
        metadata: &dyn Metadata,
    ) -> Result<Vec<Candidate>, Error> {
        Ok(candidates(&self.releases(metadata).await?))
    }

    async fn release(&self, version: &Version, platform: Platform, metadata: &dyn Metadata) -> Result<Release, Error> {
        let releases = self.releases(metadata).await?;
        let Some(Tagged { version, published }) = releases.iter().find(|tagged| tagged.version == *version) else {
            let near = semantic::near(version, releases.iter().map(|tagged| &tagged.version));
            return Err(Error::NoSuchVersion { tool: self.card.name.to_owned(), version: version.to_string(), near });
        };
        let asset = self.archive_name(platform).and_then(|name| published.asset(&name)).ok_or_else(|| {
            let platforms = published.assets.iter().filter_map(|asset| self.platform_of(&asset.name));
            platforms::not_published(self.card.name, version, platform, &platforms::names(platforms))
        })?;
        let (repository, sums) = (self.repository(), self.sums.filter(|name| published.asset(name).is_some()));
        let (digest, proof) = github::digest(&repository, published, asset, sums, metadata).await?;
        let url = repository.download(&published.tag, &asset.name);
        let artifact = Artifact { url, digest, proof, size: asset.size, format: Format::TarGz, strip: self.strip };
        Ok(self.card.release(version, platform, vec![artifact]))
    }

    fn check_locked(&self, release: &Release) -> Result<(), String> {
        let artifact = locked::only_file(release)?;
        let Some(file) = self.archive_name(release.platform) else {
            return Err(format!("{} is not published for {}", self.card.name, release.platform));
        };
        let url = self.repository().download(&format!("v{}", release.version), &file);
        let listed = github::listed_by(self.sums.unwrap_or_default());
        // Releases before 2021 have no checksum file.
        let proofs = &[(Level::Checksum, listed.as_str()), github::HASHED, locked::FIRST_SEEN];
        let proofs = if self.sums.is_some() { &proofs[..] } else { &proofs[1..] };
        let algorithm = Some(Algorithm::Sha256);
        Expected { url, algorithm, proofs, format: Some(Format::TarGz), strip: self.strip }.check(artifact)
    }

    fn activation(&self, root: &Path) -> Activation {
        Activation { paths: self.card.folders_on_path(root), vars: (self.variables)(root), ..Activation::default() }
    }
}

impl Podman {
    fn repository(&self) -> Repository {
        Repository::parse(self.repository).expect("a constant repository is valid")
    }

    /// Reads the releases that have an archive, newest first.
    async fn releases(&self, metadata: &dyn Metadata) -> Result<Vec<Tagged>, Error> {
        let mut found = Vec::new();
        for published in github::releases(self.card.name, &self.repository(), metadata).await? {
            let version = published.tag.strip_prefix('v').and_then(|text| semantic::version(text).ok());
            if let Some(version) = version
                && published.assets.iter().any(|asset| self.platform_of(&asset.name).is_some())
            {
                found.push(Tagged { version, published });
            }
        }
        found.sort_by(|a, b| b.version.cmp(&a.version));
        found.dedup_by(|a, b| a.version == b.version);
        Ok(found)
    }

    /// Returns the name of the archive. Its programs are static, so one serves glibc and musl.
    fn archive_name(&self, platform: Platform) -> Option<String> {
        let known = platform.os == Os::Linux && matches!(platform.arch, Arch::Amd64 | Arch::Arm64);
        known.then(|| format!("{}{}.tar.gz", self.prefix, platform.arch.as_str()))
    }

    /// Returns the platform of an archive; none for signatures, checksum files and other files.
    fn platform_of(&self, name: &str) -> Option<Platform> {
        let arch = name.strip_prefix(self.prefix)?.strip_suffix(".tar.gz")?;
        let arch = [Arch::Amd64, Arch::Arm64].into_iter().find(|known| known.as_str() == arch)?;
        Some(Platform::new(Os::Linux, arch))
    }
}

/// Turns releases into candidates.
///
/// Podman fixes its newest minor only (<https://endoflife.date/podman>), so a line reaches end of life when the next one is
/// released.
fn candidates(releases: &[Tagged]) -> Vec<Candidate> {
    let line = |version: &Version| (version.semver().major, version.semver().minor);
    let is_out = |tagged: &&Tagged| !tagged.version.is_prerelease() && !tagged.published.prerelease;
    let candidate = |tagged: &Tagged| {
        let own = line(&tagged.version);
        let newer = releases.iter().filter(is_out).filter(|other| line(&other.version) > own);
        let next = newer.clone().map(|other| line(&other.version)).min();
        let phase = match next {
            Some(_) => Phase::Eol,
            None if is_out(&tagged) => Phase::Active,
            None => Phase::Preview,
        };
        let eol =
            newer.filter(|other| Some(line(&other.version)) == next).filter_map(|other| other.published.day).min();
        let support = Support { line: format!("{}.{}", own.0, own.1), phase, train: None, eol };
        Candidate { version: tagged.version.clone(), released: tagged.published.day, support, security: false }
    };
    releases.iter().map(candidate).collect()
}
