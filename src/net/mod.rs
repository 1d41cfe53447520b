//! HTTP and files: documents with a last good copy, and bodies that resume by themselves.
//! It knows no credential and refuses URLs that hold one; where an [`Authorizer`] brings some, they go to the server that
//! was requested and to no other. It leaves digests to the caller.

use async_trait::async_trait;
use bytes::Bytes;
use url::Url;

use crate::model::Digest;

mod address;
mod authorize;
mod body;
mod cache;
mod cause;
mod client;
mod document;
mod error;
mod exchange;
mod file;
mod http;
mod inner;
mod memory;
mod mirror;
mod once;
mod place;
mod relay;
mod retry;
mod route;
mod settings;
mod wait;
mod words;

pub use address::{is_loopback, shown};
pub use authorize::{Authorizer, Interpretation, PendingRequest, Refusal};
pub use client::Client;
pub use document::next_page;
pub use error::{Error, Fault, Status};
pub use exchange::{Answer, Payload, Request};
pub use memory::Memory;
pub use mirror::{Mirror, Store};
pub use reqwest::Method;
pub use reqwest::header;
pub use retry::{Limits, Retry};
pub use settings::{Order, Settings};

/// A document of an upstream: a release index, a checksum list.
#[derive(Debug, Clone)]
pub struct Document {
    /// Where the upstream serves it.
    pub url: Url,
    /// Its file name in a mirror, relative to the URL's folder, where the upstream serves it under a query
    /// (`go.dev/dl/?mode=json` is `go.dev/dl/index.json` there).
    pub mirror_name: Option<&'static str>,
    /// What to say in `Accept`, where one address has several shapes (manifests of images).
    pub accept: Option<&'static str>,
    /// Returns true if bytes are such a document, so that neither an HTML page nor a broken upload replaces the last good
    /// copy.
    pub check: fn(&[u8]) -> Result<(), String>,
}

/// Reads documents of upstreams.
#[async_trait]
pub trait Metadata: Send + Sync {
    /// Reads the document: fresh when upstream answers with one that passes its check, else the last good copy, with a
    /// warning that says its age.
    ///
    /// # Errors
    /// When there is neither.
    async fn read(&self, document: &Document) -> Result<Vec<u8>, Error>;

    /// Reads a document that comes in pages, each of which names the next one by `Link: <…>; rel="next"` (RFC 8288), and
    /// gives them all in order. Each passes the document's check. A mirror has one page.
    ///
    /// # Errors
    /// As [`Metadata::read`], and when the pages lead to another server or do not end.
    async fn pages(&self, document: &Document) -> Result<Vec<Vec<u8>>, Error> {
        Ok(vec![self.read(document).await?])
    }

    /// Returns true if the document was read already in this run, so that reading it again costs nothing.
    fn holds(&self, _document: &Document) -> bool {
        false
    }

    /// Takes the digest of what is at `url` today, where somebody decided that this may be believed; none otherwise.
    ///
    /// # Errors
    /// When the file cannot be had.
    async fn first_seen(&self, _url: &Url) -> Result<Option<Digest>, Error> {
        Ok(None)
    }

    /// Warns the user about what was read.
    fn warn(&self, warning: &str);
}

/// Opens files of upstreams, whatever their scheme and whichever mirror stands in between.
#[async_trait]
pub trait Net: Send + Sync {
    /// Starts to receive `url` from its first byte. Retries by itself.
    ///
    /// # Errors
    /// When the server does not answer with the file after all attempts.
    async fn open(&self, url: &Url) -> Result<Box<dyn Body>, Error>;
}

/// The bytes of one file, in order, resumed by itself after a cut.
#[async_trait]
pub trait Body: Send {
    /// Returns the length in bytes, when the server stated it.
    fn length(&self) -> Option<u64>;

    /// Returns the coding that the server put on top of the file although none was requested (`gzip`). The bytes are given
    /// as they come: some servers label an archive that way and mean the archive itself. A digest that does not fit
    /// can be explained by it.
    fn encoding(&self) -> Option<&str> {
        None
    }

    /// Returns true if a part was asked for after a cut, so that bytes that are wrong may be the fault of the server's ranges.
    fn was_resumed(&self) -> bool {
        false
    }

    /// Asks for the whole file again after a cut from now on, and skips what came already.
    fn never_resume(&mut self) {}

    /// Returns the next bytes; `None` only when all bytes were received. A sender that vanishes is an error, never
    /// the end.
    ///
    /// # Errors
    /// When all attempts are used up. [`Error::Changed`] when the server now has other bytes under the URL: what was
    /// received is worthless and the caller may open it again.
    async fn chunk(&mut self) -> Result<Option<Bytes>, Error>;
}
