//! Settings of a client.

use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use super::{Limits, Mirror, Retry};

/// Whether upstreams are used where there is a mirror.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Order {
    /// Never.
    #[default]
    MirrorOnly,
    /// Where the mirror lacks a file, denies it or cannot be reached. A warning says so once. Bytes that are wrong are an error all
    /// the same, and no reason to look elsewhere.
    MirrorFirst,
}

impl Order {
    /// Every order with its name.
    pub const ALL: [(&'static str, Self); 2] = [("mirror-only", Self::MirrorOnly), ("mirror-first", Self::MirrorFirst)];
}

/// Settings of a client.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Read everything from here instead of its own host. A `file://` URL stays where it is.
    pub mirror: Option<Mirror>,
    /// Whether upstreams are used where there is a mirror.
    pub order: Order,
    /// Make no connection: only copies of documents, `file://` and a mirror that is a folder.
    pub offline: bool,
    /// When waiting ends.
    pub limits: Limits,
    /// How often and with which pauses.
    pub retry: Retry,
    /// The folder of last good copies; without one nothing is kept.
    pub cache: Option<PathBuf>,
    /// How old a kept copy of a document may be to be used without asking upstream.
    pub fresh_for: Duration,
    /// What schemes of our own stand for: `goproxy:///x` is `x` below the first URL, below the next one when that
    /// answers 404 or 410, and so on (the meaning of the commas in `GOPROXY`, <https://go.dev/ref/mod#goproxy-protocol>).
    pub bases: Vec<(String, Vec<Url>)>,
    /// Certificate authorities in PEM files, or folders of them, that count besides those of the system.
    pub authorities: Vec<PathBuf>,
    /// How this program names itself to servers.
    pub user_agent: String,
    /// The clock, for the age of copies and `Retry-After` dates.
    pub now: fn() -> jiff::Timestamp,
}

impl Default for Settings {
    /// No mirror, no copies, the limits and pauses of [`Limits`] and [`Retry`].
    fn default() -> Self {
        Self {
            mirror: None,
            order: Order::default(),
            offline: false,
            limits: Limits::default(),
            retry: Retry::default(),
            cache: None,
            fresh_for: Duration::ZERO,
            bases: Vec::new(),
            authorities: Vec::new(),
            user_agent: concat!("toolkit/", env!("CARGO_PKG_VERSION")).to_owned(),
            now: jiff::Timestamp::now,
        }
    }
}
