//! Errors of registries.

use super::credentials;
use crate::model::{Explain, Kind};
use crate::net::{self, Fault};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The registry could not be reached.
    #[error("could not {action} {what}")]
    Net {
        /// What was tried: `read`, `upload`.
        action: &'static str,
        /// The image, blob or repository.
        what: String,
        source: net::Error,
    },
    /// The registry does not allow it.
    #[error("{registry} denies permission to {action} {what}{}", suffix(message))]
    Denied {
        registry: String,
        action: &'static str,
        /// The image, blob or repository.
        what: String,
        /// The identity of the request: `anonymously`, `with the credentials of …`.
        asked_as: String,
        /// The registry's message, escaped for terminals.
        message: String,
    },
    /// The registry returned an unexpected status.
    #[error("{registry} answered {} when asked to {action} {what}{}", net::Status(*status), suffix(message))]
    Answer {
        registry: String,
        action: &'static str,
        /// The image, blob or repository.
        what: String,
        status: u16,
        /// The registry's message, escaped for terminals.
        message: String,
    },
    /// The received bytes are not the requested ones.
    #[error("{what} from {registry} has the wrong contents: expected {expected}, received {received}")]
    Mismatch {
        registry: String,
        /// The image or blob.
        what: String,
        /// The expected digest or size.
        expected: String,
        /// The received digest or size.
        received: String,
    },
    /// The response is not a valid manifest, index, configuration or list.
    #[error("{what} is not as expected: {reason}")]
    Document {
        /// The image or blob.
        what: String,
        reason: String,
    },
    /// The registry requests credentials in an unsupported or unsafe way.
    #[error("{registry} asks for credentials in an unsupported way: {reason}")]
    Challenge { registry: String, reason: String },
    /// A credential could not be read.
    #[error("could not read the credentials for {registry}")]
    Credentials { registry: String, source: credentials::Error },
}

/// Formats the registry's message as a suffix; empty without one.
fn suffix(message: &str) -> String {
    if message.is_empty() { String::new() } else { format!(": {message}") }
}

impl Error {
    /// Returns true if the connection was made and broke, in every attempt.
    pub(super) fn was_cut(&self) -> bool {
        let Self::Net { source: net::Error::GaveUp { source, .. }, .. } = self else { return false };
        !matches!(source.as_ref(), Fault::Status { .. } | Fault::Unreachable { .. })
    }

    /// Returns true if the registry limits the rate of requests.
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
