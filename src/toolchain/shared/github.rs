//! Releases on GitHub: their list, the URLs of their files, and the checksum to trust
//! (<https://docs.github.com/rest/releases/releases#list-releases>).
//!
//! No token is sent: public repositories need none, and conditional requests, the lock and mirrors stay within the limit of
//! 60 requests an hour. Downloads go to github.com directly, which that limit does not cover.

use serde::Deserialize;
use url::Url;

use super::error::Error;
use super::{first_use, sums};
use crate::model::{Date, Digest, Level, Proof};
use crate::net::{self, Document, Fault, Metadata};

/// The API that lists releases.
const API: &str = "https://api.github.com/";

/// The source of an asset's digest, as proofs name it.
const DIGEST_SOURCE: &str = "api.github.com";

/// The proof of a digest that GitHub computed.
pub(in crate::toolchain) const HASHED: (Level, &str) = (Level::Checksum, DIGEST_SOURCE);

/// Names a checksum file of a release as the source of digests.
pub(in crate::toolchain) fn listed_by(sums: &str) -> String {
    format!("{sums} on github.com")
}

/// A repository: `owner/name`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::toolchain) struct Repository {
    owner: String,
    name: String,
}

/// A published release.
#[derive(Debug, Clone)]
pub(in crate::toolchain) struct Published {
    /// Its tag.
    pub(in crate::toolchain) tag: String,
    /// Whether it is marked as a prerelease.
    pub(in crate::toolchain) prerelease: bool,
    /// The day of publication.
    pub(in crate::toolchain) day: Option<Date>,
    /// Its completely uploaded files.
    pub(in crate::toolchain) assets: Vec<Asset>,
}

/// A file of a release.
#[derive(Debug, Clone)]
pub(in crate::toolchain) struct Asset {
    /// Its name.
    pub(in crate::toolchain) name: String,
    /// Its length in bytes.
    pub(in crate::toolchain) size: Option<u64>,
    /// Its digest as GitHub spells it; none for files uploaded before June 2025.
    digest: Option<String>,
}

#[derive(Deserialize)]
struct RawRelease {
    tag_name: String,
    #[serde(default)]
    draft: bool,
    #[serde(default)]
    prerelease: bool,
    published_at: Option<String>,
    #[serde(default)]
    assets: Vec<RawAsset>,
}

#[derive(Deserialize)]
struct RawAsset {
    name: String,
    state: Option<String>,
    size: Option<u64>,
    digest: Option<String>,
}

impl Repository {
    /// Parses `owner/name` by GitHub's grammar, so that nothing else gets into a URL.
    ///
    /// # Errors
    /// The reason.
    pub(in crate::toolchain) fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a GitHub repository; write it as OWNER/NAME, like jqlang/jq");
        let (owner, name) = text.split_once('/').ok_or_else(wrong)?;
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
        let owner_fits = (1..=39).contains(&owner.len()) && owner.chars().all(|c| plain(c) || c == '_');
        let name_fits = (1..=100).contains(&name.len()) && name.chars().all(|c| plain(c) || matches!(c, '_' | '.'));
        if !owner_fits || !name_fits || matches!(name, "." | "..") {
            return Err(wrong());
        }
        Ok(Self { owner: owner.to_owned(), name: name.to_owned() })
    }

    /// Returns the document that lists releases, newest first, in pages of 100. In a mirror it is one page, `releases.json`.
    fn releases(&self) -> Document {
        let Self { owner, name } = self;
        let url = Url::parse(&format!("{API}repos/{owner}/{name}/releases?per_page=100"));
        let url = url.expect("a repository's name has no character with a meaning in a URL");
        Document { url, mirror_name: Some("releases.json"), accept: Some("application/vnd.github+json"), check }
    }

    /// Returns the URL of a file of the release with this tag.
    pub(in crate::toolchain) fn download(&self, tag: &str, file: &str) -> Url {
        let mut url = Url::parse("https://github.com/").expect("a constant URL is valid");
        let parts = ["releases", "download"].into_iter().chain(tag.split('/')).chain([file]);
        url.path_segments_mut()
            .expect("https has a path")
            .pop_if_empty()
            .extend([self.owner.as_str(), self.name.as_str()])
            .extend(parts);
        url
    }
}

impl std::fmt::Display for Repository {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.owner, self.name)
    }
}

/// Lists every release of a repository, in GitHub's order, which is not that of versions. A renamed or moved repository
/// answers with a redirect, which is followed.
///
/// # Errors
/// [`Error::Limited`] when GitHub throttles requests, [`Error::NoRepository`] when the repository does not exist, and
/// [`Error::Metadata`] when the list cannot be read for another reason.
pub(in crate::toolchain) async fn releases(
    tool: &str,
    repository: &Repository,
    metadata: &dyn Metadata,
) -> Result<Vec<Published>, Error> {
    let document = repository.releases();
    let pages = metadata.pages(&document).await.map_err(|source| failed(tool, repository, source))?;
    let mut releases: Vec<Published> = Vec::new();
    for page in pages {
        let page = parse(&page).map_err(|reason| Error::Document { url: document.url.to_string(), reason })?;
        for release in page {
            // A release published in the meantime moves the last one of a page to the next page.
            if !releases.iter().any(|known| known.tag == release.tag) {
                releases.push(release);
            }
        }
    }
    Ok(releases)
}

fn failed(tool: &str, repository: &Repository, source: net::Error) -> Error {
    let repository = repository.to_string();
    match &source {
        error if is_limit(error) => Error::Limited { repository, source },
        net::Error::Status { url, status: 404 } if url.starts_with(API) => {
            Error::NoRepository { tool: tool.to_owned(), repository }
        }
        _ => Error::Metadata { tool: tool.to_owned(), source },
    }
}

/// Returns true if GitHub itself throttles. It answers 403 or 429 when the requests of an hour are used up
/// (<https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit>).
fn is_limit(error: &net::Error) -> bool {
    match error {
        net::Error::NoCopy { source, .. } => is_limit(source),
        net::Error::Status { url, status: 403 | 429 } | net::Error::ComeBackLater { url, .. } => url.starts_with(API),
        net::Error::GaveUp { url, source, .. } => {
            url.starts_with(API) && matches!(**source, Fault::Status { status: 429, .. })
        }
        _ => false,
    }
}

fn check(bytes: &[u8]) -> Result<(), String> {
    parse(bytes).map(drop)
}

fn parse(bytes: &[u8]) -> Result<Vec<Published>, String> {
    if bytes.trim_ascii_start().starts_with(b"<") {
        return Err("it is an HTML page, not a list of releases".to_owned());
    }
    let raw: Vec<RawRelease> =
        serde_json::from_slice(bytes).map_err(|cause| format!("it is not a list of releases: {cause}"))?;
    Ok(raw.into_iter().filter(|release| !release.draft).map(Published::from).collect())
}

impl From<RawRelease> for Published {
    fn from(raw: RawRelease) -> Self {
        let day = raw.published_at.and_then(|time| time.get(..10)?.parse().ok());
        let is_whole = |asset: &RawAsset| asset.state.as_deref().is_none_or(|state| state == "uploaded");
        let assets = raw.assets.into_iter().filter(is_whole);
        let assets = assets.map(|RawAsset { name, size, digest, .. }| Asset { name, size, digest }).collect();
        Self { tag: raw.tag_name, prerelease: raw.prerelease, day, assets }
    }
}

impl Published {
    pub(in crate::toolchain) fn asset(&self, name: &str) -> Option<&Asset> {
        self.assets.iter().find(|asset| asset.name == name)
    }
}

impl Asset {
    /// Returns the digest that GitHub computed on upload; none where it computed none.
    fn digest(&self, url: &Url) -> Result<Option<Digest>, Error> {
        let unusable = |reason: String| Error::UnusableChecksum { url: url.to_string(), reason };
        self.digest.as_deref().map(|text| text.parse().map_err(|bad| unusable(format!("{bad}")))).transpose()
    }
}

/// Finds the digest of an asset: from the release's checksum file `sums`, where there is one, else from GitHub, else from
/// the file as it is today, where the policy allows trust on first use.
///
/// # Errors
/// [`Error::UnusableChecksum`] when the checksum file does not list the asset, or contradicts GitHub: then one of the two
/// was changed after the other. [`Error::NoChecksum`] when there is none and the policy asks for one.
pub(in crate::toolchain) async fn digest(
    repository: &Repository,
    release: &Published,
    asset: &Asset,
    sums: Option<&str>,
    metadata: &dyn Metadata,
) -> Result<(Digest, Proof), Error> {
    let url = repository.download(&release.tag, &asset.name);
    let unusable = |reason: String| Error::UnusableChecksum { url: url.to_string(), reason };
    let published = asset.digest(&url)?;
    let Some(sums) = sums else {
        return match published {
            Some(digest) => Ok((digest, Proof { level: Level::Checksum, source: DIGEST_SOURCE.to_owned() })),
            None => first_use::digest(&url, "GitHub publishes none", metadata).await,
        };
    };
    let listed = listed(repository, release, asset, sums, metadata).await?;
    match published {
        Some(published) if published.algorithm() == listed.algorithm() && published != listed => Err(unusable(
            format!("{sums} of the release lists {}, and GitHub lists {}", listed.short(), published.short()),
        )),
        _ => Ok((listed, Proof { level: Level::Checksum, source: listed_by(sums) })),
    }
}

async fn listed(
    repository: &Repository,
    release: &Published,
    asset: &Asset,
    sums: &str,
    metadata: &dyn Metadata,
) -> Result<Digest, Error> {
    let document = sums::document(repository.download(&release.tag, sums));
    let bytes = metadata
        .read(&document)
        .await
        .map_err(|source| Error::Metadata { tool: format!("{repository} {}", release.tag), source })?;
    let unusable = |reason: String| {
        let url = repository.download(&release.tag, &asset.name).to_string();
        Error::UnusableChecksum { url, reason }
    };
    sums::find(&bytes, &asset.name)
        .map_err(unusable)?
        .ok_or_else(|| unusable(format!("{sums} of the release does not list it")))
}

#[cfg(test)]
#[path = "github/tests.rs"]
mod tests;
