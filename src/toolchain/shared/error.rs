//! What can go wrong between a request and a release.

use crate::model::{Digest, Explain, Kind, Platform};
use crate::net;

/// What can go wrong between a request and a release.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A document of the upstream could not be had.
    #[error("could not read the {tool} releases")]
    Metadata {
        /// The tool.
        tool: String,
        /// Why.
        source: net::Error,
    },
    /// A document of the upstream contradicts itself or lacks what it must have.
    #[error("{url} is not as expected: {reason}")]
    Document {
        /// Where it was read.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The upstream has no such version.
    #[error("{tool} {version} does not exist")]
    NoSuchVersion {
        /// The tool.
        tool: String,
        /// The version that was asked for.
        version: String,
        /// What comes near it.
        near: Vec<String>,
    },
    /// The version is not published for the platform.
    #[error("{tool} {version} is published for {published}, not for {platform}")]
    NoSuchPlatform {
        /// The tool.
        tool: String,
        /// The version.
        version: String,
        /// The platform that was asked for.
        platform: Platform,
        /// The platforms that exist, as a list in words.
        published: String,
    },
    /// GitHub answers no more requests from this address for now.
    #[error("GitHub does not list the releases of {repository} at the moment")]
    Limited {
        /// The repository.
        repository: String,
        /// What it answered.
        source: net::Error,
    },
    /// GitHub knows no such repository, or shows it only to those who log in.
    #[error("GitHub has no repository {repository}, the source of {tool}")]
    NoRepository {
        /// The tool.
        tool: String,
        /// The repository.
        repository: String,
    },
    /// Nobody announces a digest of a file, and the policy asks for one.
    #[error("no checksum is published for {url}: {reason}")]
    Unannounced {
        /// The file.
        url: String,
        /// Who could, and does not.
        reason: String,
    },
    /// The upstream announces no usable digest for a file.
    #[error("{url} has no usable digest: {reason}")]
    NoDigest {
        /// The file.
        url: String,
        /// What is wrong with what it announces.
        reason: String,
    },
    /// A document is not the one whose digest was announced.
    #[error("{url} does not match its published digest\nexpected {expected}, received {received}")]
    Mismatch {
        /// Where it was read.
        url: String,
        /// The announced digest.
        expected: Digest,
        /// The digest of what came.
        received: Digest,
    },
}

impl Explain for Error {
    fn kind(&self) -> Kind {
        match self {
            Self::Metadata { source, .. } => source.kind(),
            Self::Document { .. } => Kind::Upstream,
            Self::Limited { .. } => Kind::Upstream,
            Self::NoSuchVersion { .. } | Self::NoSuchPlatform { .. } | Self::NoRepository { .. } => Kind::Usage,
            Self::NoDigest { .. } | Self::Mismatch { .. } | Self::Unannounced { .. } => Kind::Integrity,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Metadata { source, .. } => source.hints(),
            Self::Document { .. } => {
                vec!["upstreams usually fix such documents within hours; until then, use a mirror or the lock".to_owned()]
            }
            Self::NoSuchVersion { tool, near, .. } if near.is_empty() => {
                vec![format!("no version is similar; `{tool}@latest` selects the newest release")]
            }
            Self::NoSuchVersion { near, .. } => vec![format!("similar versions are {}", near.join(", "))],
            Self::NoSuchPlatform { platform, .. } => {
                vec![format!("remove `{platform}` from `platforms` in toolkit.toml, or ask for another version")]
            }
            Self::Limited { .. } => vec![
                "it allows 60 requests an hour per address, which runners share; toolkit sends no token".to_owned(),
                "`toolkit install --locked` does not need it; otherwise try again in an hour, or use a mirror: `--mirror URL`"
                    .to_owned(),
            ],
            Self::NoRepository { .. } => {
                vec!["check the spelling; private repositories cannot be read".to_owned()]
            }
            Self::Unannounced { .. } => vec![
                "request a newer release, or one with published checksums".to_owned(),
                "`verification = \"first-seen\"` under `[policy]` in toolkit.toml trusts the file as it is when it is locked"
                    .to_owned(),
            ],
            Self::NoDigest { .. } => {
                vec!["a file without a digest is never installed; request a newer version".to_owned()]
            }
            Self::Mismatch { .. } => {
                vec![
                    "the server, or a proxy in front of it, sends different bytes; report it to its operator, and do not retry"
                        .to_owned(),
                ]
            }
        }
    }
}
