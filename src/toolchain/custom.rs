//! Tools that a project defines: releases on GitHub, or files at a URL pattern.

use std::sync::Arc;

use async_trait::async_trait;
use url::Url;

use super::shared::github::{self, Published, Repository};
use super::shared::locked::{self, Expected};
use super::shared::{first_use, platforms, semantic, sums};
use super::{Card, Error, Toolchain};
use crate::model::{
    Arch, Artifact, BadChannel, Candidate, Channel, Digest, Executable, Format, Level, Phase, Platform, Policy, Proof,
    Release, ToolName, Version,
};
use crate::net::Metadata;
use crate::project::{Definition, Origin, Pattern};

/// A tool as a project defines it.
#[derive(Debug)]
pub struct CustomTool {
    name: ToolName,
    definition: Definition,
    /// The repository, where releases are on GitHub.
    repository: Option<Repository>,
}

const SPELLINGS: &[(&str, &str)] = &[
    ("latest", "the newest release on GitHub; `stable` means the same"),
    ("1.7", "the newest release of 1.7 on GitHub; with `url`, this version"),
    ("1.7.1", "this release"),
    ("^1.6", "a semantic-version range of releases on GitHub"),
];

/// The architectures for which a project can define files.
const ARCHES: &[Arch] = &[Arch::Amd64, Arch::Arm64, Arch::Arm, Arch::S390x, Arch::Ppc64le, Arch::Riscv64];

/// Makes a tool of a project's definition.
///
/// # Errors
/// The reason: the tool is built in, or the repository is not `OWNER/NAME`.
pub fn define(name: &ToolName, definition: &Definition) -> Result<Arc<dyn Toolchain>, String> {
    if super::find(name.as_str()).is_some() {
        return Err("this tool is built in; remove `github` and `url`, or choose another name".to_owned());
    }
    let repository = match &definition.origin {
        Origin::GitHub { repository, .. } => Some(Repository::parse(repository)?),
        Origin::Url(_) => None,
    };
    Ok(Arc::new(CustomTool { name: name.clone(), definition: definition.clone(), repository }))
}

/// A release on GitHub whose tag is a version.
struct Tagged {
    version: Version,
    published: Published,
}

#[async_trait]
impl Toolchain for CustomTool {
    /// A release names its executables, so the card has none.
    fn card(&self) -> Card<'_> {
        Card {
            name: self.name.as_str(),
            about: "a tool that the project defines in toolkit.toml",
            spellings: SPELLINGS,
            ..Card::BLANK
        }
    }

    /// A URL pattern has no list of releases, so it needs an exact version.
    fn channel(&self, text: &str) -> Result<Channel, BadChannel> {
        if self.repository.is_some() {
            return semantic::channel(self.name.as_str(), text);
        }
        semantic::version(text).map(Channel::Exact).map_err(|_| BadChannel {
            tool: self.name.to_string(),
            text: text.to_owned(),
            reason: "a URL has no list of releases to choose from; name one version, such as 25.1".to_owned(),
        })
    }

    async fn candidates(
        &self,
        channel: &Channel,
        _policy: &Policy,
        metadata: &dyn Metadata,
    ) -> Result<Vec<Candidate>, Error> {
        let Some(repository) = &self.repository else {
            let Channel::Exact(version) = channel else { return Ok(Vec::new()) };
            return Ok(vec![semantic::candidate(version.clone(), None, Phase::Active)]);
        };
        let releases = self.releases(repository, metadata).await?;
        let of = |Tagged { version, published }: Tagged| {
            let phase = if published.prerelease { Phase::Preview } else { Phase::Active };
            semantic::candidate(version, published.day, phase)
        };
        Ok(releases.into_iter().map(of).collect())
    }

    async fn release(&self, version: &Version, platform: Platform, metadata: &dyn Metadata) -> Result<Release, Error> {
        let (version, artifact) = match &self.repository {
            Some(repository) => self.on_github(repository, version, platform, metadata).await?,
            None => (version.clone(), self.at_url(version, platform, metadata).await?),
        };
        let executables = self.executables_of(&version, platform, artifact.file_name());
        Ok(Release { executables, ..self.card().release(&version, platform, vec![artifact]) })
    }

    fn check_locked(&self, release: &Release) -> Result<(), String> {
        let Release { version, platform, artifacts, .. } = release;
        let [artifact] = artifacts.as_slice() else {
            return Err(format!("it has {} files, expected one", artifacts.len()));
        };
        let Some(url) = self.url(version, *platform) else {
            return Err("the definition has no file for the platform".to_owned());
        };
        let listed = self.lister(version, *platform, &url);
        let proofs = match (&listed, &self.repository) {
            (Some(list), _) => vec![(Level::Checksum, list.as_str())],
            (None, Some(_)) => vec![github::HASHED, locked::FIRST_SEEN],
            (None, None) => vec![locked::FIRST_SEEN],
        };
        let (format, strip) = self.packing(file_name(&url));
        let executables = self.executables_of(version, *platform, file_name(&url));
        Expected { url, algorithm: None, proofs: &proofs, format: Some(format), strip }.check(artifact)?;
        if release.image.is_some() || release.executables != executables {
            return Err("its executables are not those of the definition".to_owned());
        }
        Ok(())
    }
}

impl CustomTool {
    /// Reads the releases whose tags match the definition's pattern and which have a file for some platform.
    async fn releases(&self, repository: &Repository, metadata: &dyn Metadata) -> Result<Vec<Tagged>, Error> {
        let Origin::GitHub { tag, .. } = &self.definition.origin else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        for published in github::releases(self.name.as_str(), repository, metadata).await? {
            let version = tag.version_in(&published.tag).and_then(|text| semantic::version(text).ok());
            if let Some(version) = version
                && self.platforms(&version, &published).next().is_some()
            {
                found.push(Tagged { version, published });
            }
        }
        found.sort_by(|a, b| b.version.cmp(&a.version));
        found.dedup_by(|a, b| a.version == b.version);
        Ok(found)
    }

    /// Lists the platforms for which a release has a file.
    fn platforms(&self, version: &Version, published: &Published) -> impl Iterator<Item = Platform> {
        platforms::every(ARCHES).filter(|platform| {
            let file = self.definition.file(version.as_str(), *platform);
            file.is_some_and(|name| published.asset(&name).is_some())
        })
    }

    async fn on_github(
        &self,
        repository: &Repository,
        version: &Version,
        platform: Platform,
        metadata: &dyn Metadata,
    ) -> Result<(Version, Artifact), Error> {
        let releases = self.releases(repository, metadata).await?;
        let Some(Tagged { version, published }) = releases.iter().find(|tagged| tagged.version == *version) else {
            let near = semantic::near(version, releases.iter().map(|tagged| &tagged.version));
            return Err(Error::NoSuchVersion { tool: self.name.to_string(), version: version.to_string(), near });
        };
        let file = self.definition.file(version.as_str(), platform);
        let asset = file
            .and_then(|name| published.asset(&name))
            .ok_or_else(|| self.not_published(version, platform, self.platforms(version, published)))?;
        let url = repository.download(&published.tag, &asset.name);
        let list = self.definition.sums.as_ref().map(|sums| self.fill(sums, version, platform, &asset.name));
        if let Some(list) = list.as_ref().filter(|list| published.asset(list).is_none()) {
            let reason = format!("the release has no file {list}, named by `sums`");
            return Err(Error::UnusableChecksum { url: url.to_string(), reason });
        }
        let (digest, proof) = github::digest(repository, published, asset, list.as_deref(), metadata).await?;
        Ok((version.clone(), self.artifact(url, digest, proof, asset.size)))
    }

    async fn at_url(&self, version: &Version, platform: Platform, metadata: &dyn Metadata) -> Result<Artifact, Error> {
        let Some(url) = self.url(version, platform) else {
            let published =
                platforms::every(ARCHES).filter(|other| self.definition.file(version.as_str(), *other).is_some());
            return Err(self.not_published(version, platform, published));
        };
        let Some(sums) = &self.definition.sums else {
            let (digest, proof) = first_use::digest(&url, "`sums` is not set", metadata).await?;
            return Ok(self.artifact(url, digest, proof, None));
        };
        let name = file_name(&url);
        let list = url_of(&self.fill(sums, version, platform, name));
        let source = list.host_str().unwrap_or_default().to_owned();
        let bytes = metadata
            .read(&sums::document(list))
            .await
            .map_err(|source| Error::Metadata { tool: self.name.to_string(), source })?;
        let unusable = |reason: String| Error::UnusableChecksum { url: url.to_string(), reason };
        let digest = sums::find(&bytes, name)
            .map_err(unusable)?
            .ok_or_else(|| unusable("the checksum file named by `sums` does not list it".to_owned()))?;
        Ok(self.artifact(url, digest, Proof { level: Level::Checksum, source }, None))
    }

    /// Returns the source of digests that `sums` names; none where the definition names no checksum file.
    fn lister(&self, version: &Version, platform: Platform, url: &Url) -> Option<String> {
        let list = self.fill(self.definition.sums.as_ref()?, version, platform, file_name(url));
        Some(match &self.repository {
            Some(_) => github::listed_by(&list),
            None => url_of(&list).host_str().unwrap_or_default().to_owned(),
        })
    }

    fn not_published(&self, version: &Version, platform: Platform, published: impl Iterator<Item = Platform>) -> Error {
        platforms::not_published(self.name.as_str(), version, platform, &platforms::names(published))
    }

    /// Returns the URL of the file; none when the definition has no file for the platform.
    fn url(&self, version: &Version, platform: Platform) -> Option<Url> {
        let file = self.definition.file(version.as_str(), platform)?;
        Some(match (&self.repository, &self.definition.origin) {
            (Some(repository), Origin::GitHub { tag, .. }) => {
                repository.download(&self.fill(tag, version, platform, ""), &file)
            }
            _ => url_of(&file),
        })
    }

    fn artifact(&self, url: Url, digest: Digest, proof: Proof, size: Option<u64>) -> Artifact {
        let (format, strip) = self.packing(file_name(&url));
        Artifact { url, digest, proof, size, format, strip }
    }

    /// Returns the format of a file and how many folders to strip. A file that is not an archive is the executable itself.
    fn packing(&self, name: &str) -> (Format, usize) {
        match Format::from_name(name) {
            Some(format) => (format, self.definition.strip),
            None => (Format::File, 0),
        }
    }

    /// Returns the executables: those that the definition names, or the file itself where it is not an archive.
    fn executables_of(&self, version: &Version, platform: Platform, file: &str) -> Vec<Executable> {
        let named = &self.definition.executables;
        if Format::from_name(file).is_none() && named.len() <= 1 {
            let name = named.first().map_or(self.name.as_str(), |(name, _)| name);
            return vec![Executable { name: name.to_owned(), path: file.to_owned() }];
        }
        let of = |(name, path): &(String, Pattern)| Executable {
            name: name.clone(),
            path: self.fill(path, version, platform, ""),
        };
        named.iter().map(of).collect()
    }

    fn fill(&self, pattern: &Pattern, version: &Version, platform: Platform, asset: &str) -> String {
        self.definition.fill(pattern, version.as_str(), platform, asset)
    }
}

fn file_name(url: &Url) -> &str {
    url.path_segments().and_then(|mut parts| parts.next_back()).unwrap_or_default()
}

/// Parses a URL whose pattern was checked before versions and platforms filled it in, which cannot break it.
fn url_of(text: &str) -> Url {
    Url::parse(text).expect("the pattern of a URL was checked when it was read")
}
