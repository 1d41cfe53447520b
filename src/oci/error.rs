//! What can go wrong between here and a registry.

use super::credentials;
use crate::model::{Explain, Kind};
use crate::net::{self, Fault};

/// What can go wrong between here and a registry.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The registry could not be asked.
    #[error("could not {action} {what}")]
    Net {
        /// What was tried: `read`, `upload`.
        action: &'static str,
        /// The image, blob or repository.
        what: String,
        /// Why.
        source: net::Error,
    },
    /// The registry does not allow it.
    #[error("{registry} denies permission to {action} {what}{}", said(message))]
    Denied {
        /// The registry.
        registry: String,
        /// What was tried.
        action: &'static str,
        /// The image, blob or repository.
        what: String,
        /// As whom it was asked: `anonymously`, `with the credentials of …`.
        asked_as: String,
        /// What the registry said, made fit for a terminal.
        message: String,
    },
    /// The registry answered with a status that nobody expects there.
    #[error("{registry} answered {} when asked to {action} {what}{}", net::Status(*status), said(message))]
    Answer {
        /// The registry.
        registry: String,
        /// What was tried.
        action: &'static str,
        /// The image, blob or repository.
        what: String,
        /// The HTTP status.
        status: u16,
        /// What the registry said, made fit for a terminal.
        message: String,
    },
    /// The bytes that came are not the ones that were asked for.
    #[error("{what} from {registry} has the wrong contents: expected {expected}, received {received}")]
    Mismatch {
        /// The registry.
        registry: String,
        /// The image or blob.
        what: String,
        /// The digest or size that was announced.
        expected: String,
        /// The digest or size of what came.
        received: String,
    },
    /// What came is no manifest, index, configuration or list that this program understands.
    #[error("{what} is not as expected: {reason}")]
    Document {
        /// The image or blob.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The registry asks for credentials in a way that is not understood or not safe.
    #[error("{registry} asks for credentials in an unsupported way: {reason}")]
    Challenge {
        /// The registry.
        registry: String,
        /// What is wrong.
        reason: String,
    },
    /// A credential could not be read.
    #[error("could not read the credentials for {registry}")]
    Credentials {
        /// The registry.
        registry: String,
        /// Why.
        source: credentials::Error,
    },
}

/// Joins what a registry said to a sentence; nothing when it said nothing.
fn said(message: &str) -> String {
    if message.is_empty() { String::new() } else { format!(": {message}") }
}

impl Error {
    /// Returns true if the connection was there and broke, however often it was tried.
    pub(super) fn was_cut(&self) -> bool {
        let Self::Net { source: net::Error::GaveUp { source, .. }, .. } = self else { return false };
        !matches!(source.as_ref(), Fault::Status { .. } | Fault::Unreachable { .. })
    }

    /// Returns true if the registry limits how often it may be asked.
    fn is_limit(&self) -> bool {
        matches!(self, Self::Net { source, .. } if source.status() == Some(429))
    }
}

impl Explain for Error {
    fn kind(&self) -> Kind {
        match self {
            Self::Net { source, .. } => source.kind(),
            Self::Denied { .. } => Kind::Usage,
            Self::Mismatch { .. } => Kind::Integrity,
            Self::Answer { .. } | Self::Document { .. } | Self::Challenge { .. } => Kind::Upstream,
            Self::Credentials { source, .. } => source.kind(),
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Net { .. } if self.is_limit() => vec![
                "registries limit how often they may be asked, anonymous callers first: log in, or use a mirror of the \
                 registry (Docker Hub: https://docs.docker.com/docker-hub/usage/pulls/)"
                    .to_owned(),
            ],
            Self::Net { source, .. } => source.hints(),
            Self::Denied { asked_as, registry, .. } => vec![
                format!("the request was made {asked_as}; check what they allow"),
                format!("`docker login {registry}` or `podman login {registry}` stores credentials that toolkit finds"),
            ],
            Self::Mismatch { .. } => {
                vec!["it was not used; the usual cause is a proxy or cache in between".to_owned()]
            }
            Self::Answer { .. } | Self::Document { .. } => {
                vec!["check the name; `toolkit image inspect` shows what the registry has".to_owned()]
            }
            Self::Challenge { .. } => {
                vec![
                    "no credentials were sent; ask the registry's operator to fix its WWW-Authenticate header"
                        .to_owned(),
                ]
            }
            Self::Credentials { source, .. } => source.hints(),
        }
    }
}
