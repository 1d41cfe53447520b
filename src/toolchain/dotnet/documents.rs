//! The release documents of .NET as they really are: which fields may be missing or wrong, and which URLs are accepted.
//!
//! Unknown fields are ignored and missing ones tolerated; a field that is used must have its type, or the document is
//! refused before it can replace the last good copy. (<https://github.com/dotnet/core/tree/main/release-notes>)

use serde::Deserialize;
use url::Url;

use super::Component;
use crate::model::{Candidate, Date, Phase, Support, Train, Version};
use crate::net::Document;

/// The host that publishes documents and archives today.
pub(super) const HOST: &str = "builds.dotnet.microsoft.com";

const METADATA: &str = "https://builds.dotnet.microsoft.com/dotnet/release-metadata";

/// Hosts that served the same paths until 2025 and are gone (<https://github.com/dotnet/core/issues/9671>).
const RETIRED: [&str; 2] = ["dotnetcli.blob.core.windows.net", "dotnetcli.azureedge.net"];

/// Further hosts on which archives are published.
const DOWNLOADS: [&str; 2] = ["download.visualstudio.microsoft.com", "download.microsoft.com"];

/// A channel's name, `8.0`, ordered by its numbers: as text, `10.0` would come before `9.0`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ChannelName {
    pub major: u64,
    pub minor: u64,
}

/// `releases-index.json`.
#[derive(Debug, Deserialize)]
pub(super) struct Index {
    #[serde(rename = "releases-index")]
    pub channels: Vec<Entry>,
}

/// What the index, and the head of a channel document, say about a channel.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Entry {
    pub channel_version: String,
    latest_release_date: Option<String>,
    latest_runtime: Option<String>,
    latest_sdk: Option<String>,
    security: Option<bool>,
    support_phase: Option<String>,
    release_type: Option<String>,
    eol_date: Option<String>,
    #[serde(rename = "releases.json")]
    releases_json: Option<String>,
}

/// A channel's `releases.json`.
#[derive(Debug, Deserialize)]
pub(super) struct Channel {
    #[serde(flatten)]
    pub head: Entry,
    releases: Vec<Release>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Release {
    release_date: Option<String>,
    security: Option<bool>,
    runtime: Option<Published>,
    aspnetcore_runtime: Option<Published>,
    sdk: Option<Published>,
    sdks: Option<Vec<Published>>,
}

/// One component of a release, with its files.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Published {
    version: Option<String>,
    #[serde(default)]
    pub files: Vec<File>,
}

/// One file of a component.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct File {
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub url: String,
    pub hash: Option<String>,
}

impl ChannelName {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (major, minor) = text.split_once('.')?;
        let number = |digits: &str| (digits.bytes().all(|b| b.is_ascii_digit())).then(|| digits.parse().ok()).flatten();
        Some(Self { major: number(major)?, minor: number(minor)? })
    }

    /// Returns the document at the URL that the upstream has used for every channel since 2018, so that the index need not be
    /// read first.
    pub(super) fn document(self) -> Document {
        channel_document(parsed(&format!("{METADATA}/{self}/releases.json")))
    }
}

impl std::fmt::Display for ChannelName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// Returns the index of all channels.
pub(super) fn index_document() -> Document {
    let check = |bytes: &[u8]| read_index(bytes).map(drop);
    Document { url: parsed(&format!("{METADATA}/releases-index.json")), mirror_name: None, accept: None, check }
}

fn channel_document(url: Url) -> Document {
    Document { url, mirror_name: None, accept: None, check: |bytes| read_channel(bytes).map(drop) }
}

fn parsed(text: &str) -> Url {
    Url::parse(text).expect("constants and numbers make a valid URL")
}

/// Parses the index.
///
/// # Errors
/// What is wrong, when it is not an index or has no channel.
pub(super) fn read_index(bytes: &[u8]) -> Result<Index, String> {
    let index: Index = serde_json::from_slice(without_mark(bytes)).map_err(|cause| cause.to_string())?;
    if index.channels.is_empty() {
        return Err("`releases-index` is empty".to_owned());
    }
    Ok(index)
}

/// Parses a channel document.
///
/// # Errors
/// What is wrong, when it is not such a document or has no release.
pub(super) fn read_channel(bytes: &[u8]) -> Result<Channel, String> {
    let channel: Channel = serde_json::from_slice(without_mark(bytes)).map_err(|cause| cause.to_string())?;
    if channel.releases.is_empty() {
        return Err("`releases` is empty".to_owned());
    }
    Ok(channel)
}

/// Drops the byte order mark, which several of the documents had.
fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

/// Returns the URL to download from for a URL in a document.
///
/// # Errors
/// When it is not https, or its host does not belong to .NET: a document never decides where bytes come from.
pub(super) fn accepted(text: &str) -> Result<Url, String> {
    let mut url = Url::parse(text).map_err(|cause| format!("`{text}` is not a URL: {cause}"))?;
    if url.scheme() != "https" || url.port().is_some() || !url.username().is_empty() || url.password().is_some() {
        return Err(format!("`{text}` is not a plain https URL"));
    }
    let host = url.host_str().unwrap_or_default();
    if RETIRED.contains(&host) {
        url.set_host(Some(HOST)).map_err(|cause| format!("`{text}` cannot be moved to {HOST}: {cause}"))?;
    } else if host != HOST && !DOWNLOADS.contains(&host) {
        return Err(format!("{host} is not a host of .NET downloads"));
    }
    Ok(url)
}

/// Returns true if a file is one of those that were published under paths that only the documents know: the runtimes and
/// previews of .NET Core, until 2019.
pub(super) fn is_elsewhere(url: &Url, version: &Version) -> bool {
    let plain = accepted(url.as_str()).is_ok_and(|accepted| accepted == *url);
    let known = url.query().is_none() && url.fragment().is_none() && version.semver().major <= 3;
    plain && known && url.host_str().is_some_and(|host| DOWNLOADS.contains(&host))
}

impl Entry {
    /// Returns the channel's document at the URL in the index, else at the usual one, with a warning.
    pub(super) fn document(&self, name: ChannelName) -> (Document, Option<String>) {
        let Some(named) = &self.releases_json else { return (name.document(), None) };
        match accepted(named) {
            Ok(url) if url.host_str() == Some(HOST) => (channel_document(url), None),
            Ok(_) => {
                (name.document(), Some(format!("the index names `{named}` for {name}; the usual URL is used instead")))
            }
            Err(reason) => (
                name.document(),
                Some(format!("the index names an unexpected URL for {name} ({reason}); the usual one is used instead")),
            ),
        }
    }

    /// Fills missing fields from another entry.
    pub(super) fn or(&self, other: &Self) -> Self {
        let mut joined = self.clone();
        joined.support_phase = known(self.support_phase.as_ref()).or(known(other.support_phase.as_ref()));
        joined.release_type = known(self.release_type.as_ref()).or(known(other.release_type.as_ref()));
        joined.eol_date = known(self.eol_date.as_ref()).or(known(other.eol_date.as_ref()));
        joined
    }

    /// Returns the support of the channel, with a warning for an unknown phase.
    pub(super) fn support(&self) -> (Support, Option<String>) {
        let phase = known(self.support_phase.as_ref()).unwrap_or_default().to_ascii_lowercase();
        let (phase, odd) = match phase.as_str() {
            "preview" => (Phase::Preview, None),
            "go-live" | "rc" => (Phase::GoLive, None),
            "active" | "current" | "lts" => (Phase::Active, None), // the last two until 2022
            "maintenance" => (Phase::Maintenance, None),
            "eol" => (Phase::Eol, None),
            other => (Phase::Active, Some(format!("{}: unknown support phase `{other}`", self.channel_version))),
        };
        let eol = known(self.eol_date.as_ref()).and_then(|text| text.parse().ok());
        (Support { line: self.channel_version.clone(), phase, train: self.train(), eol }, odd)
    }

    /// Returns whether it is a long-term or a standard-term channel; before 2022 only some phases said so.
    pub(super) fn train(&self) -> Option<Train> {
        let word = known(self.release_type.as_ref()).or(known(self.support_phase.as_ref()))?;
        match word.to_ascii_lowercase().as_str() {
            "lts" => Some(Train::Lts),
            "sts" | "current" => Some(Train::Sts),
            _ => None,
        }
    }

    /// Returns the newest version according to the index, which can be wrong: it was `6.0.4209` for two hours in 2024.
    pub(super) fn claimed(&self, component: Component) -> Option<&str> {
        match component {
            Component::Sdk => self.latest_sdk.as_deref(),
            Component::Runtime => self.latest_runtime.as_deref(),
            Component::AspNetCore => None,
        }
    }

    /// Returns a candidate for a channel that cannot be picked, so that its document need not be read.
    pub(super) fn stand_in(&self, component: Component) -> Option<Candidate> {
        let claimed = self.claimed(component).or(self.latest_runtime.as_deref())?;
        Some(Candidate {
            version: Version::parse(claimed).ok()?,
            released: self.latest_release_date.as_deref().and_then(|text| text.parse().ok()),
            support: self.support().0,
            security: self.security.unwrap_or_default(),
        })
    }
}

/// Drops values that mean "none": an empty text, and the word `null` (2022-02-17).
fn known(text: Option<&String>) -> Option<String> {
    text.filter(|text| !text.is_empty() && *text != "null").cloned()
}

impl Channel {
    /// Lists the component's versions, each once, with the date of its first release.
    pub(super) fn candidates(&self, component: Component, support: &Support) -> Vec<Candidate> {
        let mut candidates: Vec<Candidate> = Vec::new();
        for release in &self.releases {
            let released: Option<Date> = release.release_date.as_deref().and_then(|text| text.parse().ok());
            for published in release.published(component) {
                let Some(version) = published.version() else { continue };
                let candidate = Candidate {
                    version,
                    released,
                    support: support.clone(),
                    security: release.security.unwrap_or_default(),
                };
                match candidates.iter_mut().find(|known| known.version == candidate.version) {
                    None => candidates.push(candidate),
                    // An SDK-only release repeats the runtime of the previous one.
                    Some(known) if candidate.released.is_some() && candidate.released < known.released => {
                        *known = candidate;
                    }
                    Some(_) => {}
                }
            }
        }
        candidates
    }

    /// Finds the component with exactly this version.
    pub(super) fn published(&self, component: Component, version: &Version) -> Option<&Published> {
        let mut all = self.releases.iter().flat_map(|release| release.published(component));
        all.find(|published| published.version.as_deref() == Some(version.as_str()))
    }
}

impl Release {
    /// Lists the component's entries in the release: `sdks`, and `sdk` if it is missing from them.
    fn published(&self, component: Component) -> Vec<&Published> {
        match component {
            Component::Runtime => self.runtime.iter().collect(),
            Component::AspNetCore => self.aspnetcore_runtime.iter().collect(),
            Component::Sdk => {
                let mut all: Vec<_> = self.sdks.iter().flatten().collect();
                let more = self.sdk.iter().find(|sdk| all.iter().all(|other| other.version != sdk.version));
                all.extend(more);
                all
            }
        }
    }
}

impl Published {
    fn version(&self) -> Option<Version> {
        Version::parse(self.version.as_deref()?).ok()
    }
}
