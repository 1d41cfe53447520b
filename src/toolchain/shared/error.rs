//! Errors between a request and a release.

use crate::model::{Digest, Explain, Kind, Platform};
use crate::net;

/// What can go wrong between a request and a release.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A document of the upstream could not be read.
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
    /// The upstream has no release of this version or line.
    #[error("no {tool} release matches `{version}`")]
    NoSuchVersion {
        /// The tool.
        tool: String,
        /// The requested version.
        version: String,
        /// The nearest ones that exist.
        near: Vec<String>,
    },
    /// The version is not published for the platform.
    #[error("{tool} {version} is published for {published}, not for {platform}")]
    NoSuchPlatform {
        /// The tool.
        tool: String,
        /// The version.
        version: String,
        /// The requested platform.
        platform: Platform,
        /// The platforms that it is published for, as a list.
        published: String,
    },
    /// GitHub is throttling requests from this IP address.
    #[error("GitHub is throttling requests for the releases of {repository}")]
    Limited {
        /// The repository.
        repository: String,
        /// Its answer.
        source: net::Error,
    },
    /// The repository does not exist, or is private.
    #[error("GitHub has no public repository {repository}, the source of {tool}")]
    NoRepository {
        /// The tool.
        tool: String,
        /// The repository.
        repository: String,
    },
    /// No checksum is published for a file, and the policy asks for one.
    #[error("no checksum is published for {url}: {reason}")]
    NoChecksum {
        /// The file.
        url: String,
        /// Where one was looked for.
        reason: String,
    },
    /// The published checksum of a file is missing where it must be, or cannot be used.
    #[error("{url} has no usable checksum: {reason}")]
    UnusableChecksum {
        /// The file.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A document does not match its published checksum.
    #[error("{url} does not match its checksum\nexpected {expected}, received {received}")]
    Mismatch {
        /// Where it was read.
        url: String,
        /// The published checksum.
        expected: Digest,
        /// The checksum of what was received.
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
            Self::UnusableChecksum { .. } | Self::Mismatch { .. } | Self::NoChecksum { .. } => Kind::Integrity,
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
                vec![format!("remove `{platform}` from `platforms` in toolkit.toml, or request another version")]
            }
            Self::Limited { .. } => vec![
                "without a token it allows 60 requests an hour per IP address, which CI runners share; toolkit sends none".to_owned(),
                "`toolkit install --locked` needs none of them; otherwise retry in an hour, or use a mirror: `--mirror URL`"
                    .to_owned(),
            ],
            Self::NoRepository { .. } => {
                vec!["check the spelling; private repositories cannot be read".to_owned()]
            }
            Self::NoChecksum { .. } => vec![
                "request a newer release, or one with a published checksum".to_owned(),
                "`verification = \"first-seen\"` under `[policy]` in toolkit.toml trusts the file as it is when it is locked"
                    .to_owned(),
            ],
            Self::UnusableChecksum { .. } => {
                vec!["a file without a checksum is never installed; request a newer version".to_owned()]
            }
            Self::Mismatch { .. } => {
                vec![
                    "the server or a proxy in between returned other bytes; report it to its operator, and do not retry"
                        .to_owned(),
                ]
            }
        }
    }
}
