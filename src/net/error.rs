//! What can go wrong between here and an upstream, in words that hold no secret of a URL.

use std::path::PathBuf;
use std::time::Duration;

pub use super::words::Status;
use super::words::{Amount, Last, Seconds, plural};
use crate::fs::FileError;
use crate::model::{Explain, Kind};

/// What can go wrong between here and an upstream. Every `url` is already without user info and query values.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The URL may not be used at all.
    #[error("{url} is refused: {reason}")]
    Refused {
        /// The URL.
        url: String,
        /// The rule that it breaks.
        reason: String,
    },
    /// The URL has a scheme of this program's own, and nothing says which servers stand behind it.
    #[error("{url} cannot be requested: no server is set for `{scheme}`")]
    NoServer {
        /// The URL.
        url: String,
        /// Its scheme: `goproxy`.
        scheme: String,
    },
    /// The mirror was given in a form that this program does not know.
    #[error("`{mirror}` cannot be a mirror: {reason}")]
    BadMirror {
        /// What was given.
        mirror: String,
        /// What is wrong, and what would be right.
        reason: String,
    },
    /// The server answered with a status that a retry does not fix.
    #[error("{url} answered {}", Status(*status))]
    Status {
        /// The file.
        url: String,
        /// The HTTP status.
        status: u16,
    },
    /// All attempts are used up.
    #[error("{url}: {attempts} {} in {}{}", plural(*attempts, "attempt"), Seconds(*spent), Last(*received, *length))]
    GaveUp {
        /// The file.
        url: String,
        /// How many times it was requested.
        attempts: u32,
        /// The time from the first request to the end, pauses included.
        spent: Duration,
        /// How many bytes had come.
        received: u64,
        /// How many bytes there should have been, when known.
        length: Option<u64>,
        /// What ended the last attempt.
        source: Box<Fault>,
    },
    /// The time for the whole file is over, although bytes still came.
    #[error("{url} was not complete within {}; {} had arrived", Seconds(*limit), Amount(*received, *length))]
    TooSlow {
        /// The file.
        url: String,
        /// The limit that was reached.
        limit: Duration,
        /// How many bytes had come.
        received: u64,
        /// How many bytes there should have been, when known.
        length: Option<u64>,
    },
    /// The server asks to come back later than anybody would wait.
    #[error("{url} answered {} and asks to retry in {}", Status(*status), Seconds(*wait))]
    ComeBackLater {
        /// The file.
        url: String,
        /// The HTTP status.
        status: u16,
        /// How long the server asks to wait.
        wait: Duration,
    },
    /// A redirect leads nowhere, in a circle, or to a place that is refused.
    #[error("{url} redirects {reason}")]
    Redirect {
        /// The URL that redirects.
        url: String,
        /// Where to, and why that is wrong.
        reason: String,
    },
    /// A web page came instead of the file.
    #[error("{url} answered with an HTML page instead of the file")]
    Html {
        /// The file.
        url: String,
    },
    /// The file has no bytes.
    #[error("{url} is empty")]
    Empty {
        /// The file.
        url: String,
    },
    /// The server contradicts an earlier response or what HTTP allows.
    #[error("{url} was answered inconsistently: {reason}")]
    Contradiction {
        /// The file.
        url: String,
        /// Which two things do not fit.
        reason: String,
    },
    /// A document or a file without a published length is larger than any of its kind.
    #[error("{url} is larger than {} MiB, the limit for such a file", limit >> 20)]
    TooLarge {
        /// The document.
        url: String,
        /// The limit in bytes.
        limit: u64,
    },
    /// The file was replaced on the server while it was downloaded.
    #[error("{url} changed on the server while it was downloaded")]
    Changed {
        /// The file.
        url: String,
    },
    /// The response is not the requested document.
    #[error("{url} is not as expected: {reason}")]
    Unfit {
        /// The document.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The certificate of a server is not to be trusted.
    #[error("{host} cannot be trusted: {reason}")]
    Untrusted {
        /// The server.
        host: String,
        /// What is wrong with its certificate.
        reason: String,
    },
    /// No certificate authorities could be loaded on this machine.
    #[error("could not set up TLS: {reason}")]
    Authorities {
        /// What is missing.
        reason: String,
    },
    /// A connection would be needed, and none is allowed.
    #[error("{url} must be downloaded, and --offline allows no connection")]
    Offline {
        /// The file or document.
        url: String,
    },
    /// A file of a mirror or a `file://` URL does not exist.
    #[error("{} does not exist", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// A file of this machine cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The server requires credentials, and none could be obtained.
    #[error("could not authenticate with {host}")]
    Authorization {
        /// The server.
        host: String,
        /// The class of the cause.
        kind: Kind,
        /// The advice of the cause.
        hints: Vec<String>,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Where a store of objects is could not be found out.
    #[error("could not find {store}")]
    Unlocated {
        /// The store: `s3://bucket/prefix`.
        store: String,
        /// The class of the cause.
        kind: Kind,
        /// The advice of the cause.
        hints: Vec<String>,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The server refuses, and says why in its own way.
    #[error("{url} answered {}", Status(*status))]
    Explained {
        /// The file.
        url: String,
        /// The HTTP status.
        status: u16,
        /// The class of the cause.
        kind: Kind,
        /// The advice of the cause.
        hints: Vec<String>,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Upstream failed, and no usable copy from an earlier day is there.
    #[error("could not read {url}, and {copies}")]
    NoCopy {
        /// The document.
        url: String,
        /// Why no copy could stand in.
        copies: String,
        /// Why upstream failed.
        source: Box<Error>,
    },
}

/// What ended one attempt, and is worth another.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The server answered with a status that passes.
    #[error("{host} answered {}", Status(*status))]
    Status {
        /// The server.
        host: String,
        /// The HTTP status.
        status: u16,
    },
    /// No connection came about.
    #[error("{host} could not be reached: {reason}")]
    Unreachable {
        /// The server.
        host: String,
        /// The error of the system.
        reason: String,
    },
    /// The connection was reset.
    #[error("connection reset by {host}")]
    Reset {
        /// The server.
        host: String,
    },
    /// The connection broke in another way.
    #[error("the connection to {host} broke: {reason}")]
    Broken {
        /// The server.
        host: String,
        /// The error of the system.
        reason: String,
    },
    /// Nothing came for too long.
    #[error("{host} sent nothing for {}", Seconds(*waited))]
    Stalled {
        /// The server.
        host: String,
        /// The limit that was reached.
        waited: Duration,
    },
    /// So little came that waiting for the rest is of no use.
    #[error("{host} sent {received} bytes in {}, less than {} KiB/s", Seconds(*waited), least.div_ceil(1024))]
    Slow {
        /// The server.
        host: String,
        /// How many bytes came in that time.
        received: u64,
        /// How long they were waited for.
        waited: Duration,
        /// The least rate in bytes per second.
        least: u64,
    },
    /// The server does not continue a file as HTTP says.
    #[error("{host} did not continue the file where it was cut: {reason}")]
    Misresumed {
        /// The server.
        host: String,
        /// What came instead.
        reason: String,
    },
    /// The connection ended before all bytes were received.
    #[error("{host} ended the connection before the end of the file")]
    Short {
        /// The server.
        host: String,
    },
}

impl Error {
    /// Wraps what an [`super::Authorizer`] could not settle with the server of `url`.
    pub fn authorization<E: Explain + Send + Sync + 'static>(url: &url::Url, cause: E) -> Self {
        let host = super::address::host(url);
        Self::Authorization { host, kind: cause.kind(), hints: cause.hints(), source: Box::new(cause) }
    }

    /// Wraps why the address of a [`super::Store`] is not known.
    pub fn unlocated<E: Explain + Send + Sync + 'static>(store: &str, cause: E) -> Self {
        Self::Unlocated { store: store.to_owned(), kind: cause.kind(), hints: cause.hints(), source: Box::new(cause) }
    }

    /// Wraps what a refusal of `url` means, as an [`super::Authorizer`] understands it.
    pub fn explained<E: Explain + Send + Sync + 'static>(url: &url::Url, status: u16, cause: E) -> Self {
        let url = super::address::shown(url);
        Self::Explained { url, status, kind: cause.kind(), hints: cause.hints(), source: Box::new(cause) }
    }

    /// Returns the HTTP status that ended the attempts; none when it was no status.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Status { status, .. } | Self::ComeBackLater { status, .. } | Self::Explained { status, .. } => {
                Some(*status)
            }
            Self::GaveUp { source, .. } => match source.as_ref() {
                Fault::Status { status, .. } => Some(*status),
                _ => None,
            },
            Self::NoCopy { source, .. } => source.status(),
            _ => None,
        }
    }

    /// Returns true if a server did not respond at all.
    pub(super) fn is_lost(&self) -> bool {
        match self {
            Self::GaveUp { source, received: 0, .. } => {
                matches!(**source, Fault::Unreachable { .. } | Fault::Stalled { .. } | Fault::Slow { .. })
            }
            Self::NoCopy { source, .. } => source.is_lost(),
            _ => false,
        }
    }

    /// Returns true if upstream clearly says that there is no such file, so that the next source may be tried.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Status { status: 404 | 410, .. } | Self::Missing { .. })
    }
}

impl Explain for Error {
    fn kind(&self) -> Kind {
        match self {
            Self::Refused { .. } | Self::NoServer { .. } | Self::BadMirror { .. } => Kind::Usage,
            Self::Authorities { .. } => Kind::Machine,
            Self::File(_) => Kind::Machine,
            Self::NoCopy { source, .. } => source.kind(),
            Self::Authorization { kind, .. } | Self::Explained { kind, .. } | Self::Unlocated { kind, .. } => *kind,
            _ => Kind::Upstream,
        }
    }

    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::Refused { .. } => {
                "use https (plain http only for this machine itself), and keep secrets out of the URL"
            }
            Self::NoServer { .. } => {
                "set GOPROXY to the address of a Go module proxy; `direct` and `off` name no server"
            }
            Self::BadMirror { .. } => {
                "a mirror is https://…, file:///…, s3://bucket/prefix or a folder, with upstream paths below it"
            }
            Self::Status { status: 404 | 410, .. } => {
                "the usual causes are a version that does not exist and a mirror that lacks this path"
            }
            Self::Status { status: 407, .. } => "the proxy requires a login: put the credentials into HTTPS_PROXY",
            Self::Status { status: 401 | 403, .. } => {
                "the usual cause is a proxy or firewall that allows only some hosts; a mirror helps: `--mirror URL`"
            }
            Self::Status { .. } | Self::Contradiction { .. } | Self::Redirect { .. } => {
                "the usual cause is a proxy in between; a mirror helps: `--mirror URL`"
            }
            Self::GaveUp { source, .. }
                if matches!(**source, Fault::Unreachable { .. } | Fault::Stalled { .. } | Fault::Slow { .. }) =>
            {
                "check the network; CodeBuild inside a VPC needs a NAT gateway, or a mirror: `--mirror URL`"
            }
            Self::GaveUp { .. } => "try again later, or use a mirror: `--mirror URL`",
            Self::TooSlow { .. } => "raise TOOLKIT_TOTAL_TIMEOUT (seconds), or use a mirror nearby: `--mirror URL`",
            Self::ComeBackLater { .. } => "the server limits the rate of requests; a mirror does not: `--mirror URL`",
            Self::Html { .. } => {
                "the usual causes are the login page of a proxy and a wrong path; open the URL to see the page"
            }
            Self::Empty { .. } => "the usual causes are an incomplete upload and a proxy; try again later",
            Self::TooLarge { .. } | Self::Unfit { .. } => {
                "upstreams usually fix such documents within hours; try again later, or use a mirror: `--mirror URL`"
            }
            Self::Changed { .. } => "try again: the new file is checked like any other",
            Self::Untrusted { .. } => {
                "behind a TLS-intercepting proxy, name its certificate authority in SSL_CERT_FILE"
            }
            Self::Authorities { .. } => "install the package ca-certificates, or name a bundle in SSL_CERT_FILE",
            Self::Offline { .. } => "run once without --offline, or name a mirror folder: `--mirror DIR`",
            Self::Missing { .. } => "the mirror lacks this path, or was made for another version or platform",
            Self::File(_) => "check the permissions of the file and the health of the disk",
            Self::NoCopy { source, .. } => return source.hints(),
            Self::Authorization { hints, .. } | Self::Explained { hints, .. } | Self::Unlocated { hints, .. } => {
                return hints.clone();
            }
        };
        vec![hint.to_owned()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_how_often_how_long_and_how_far() {
        let error = Error::GaveUp {
            url: "https://example.com/a.tar.gz".to_owned(),
            attempts: 4,
            spent: Duration::from_secs(61),
            received: 43_201_331,
            length: Some(223_975_834),
            source: Box::new(Fault::Reset { host: "example.com".to_owned() }),
        };
        assert_eq!(
            crate::text::chain(&error),
            "https://example.com/a.tar.gz: 4 attempts in 61 s; the last one ended after 41.2 of 213.6 MiB: \
             connection reset by example.com"
        );
    }
}
