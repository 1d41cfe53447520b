//! One request of any method with its whole answer, retried by itself.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;

use bytes::Bytes;
use futures_util::stream;
use reqwest::header::HeaderMap;
use reqwest::{Body, Method};
use url::Url;

use super::Error;
use super::address::shown;
use super::client::Client;
use super::document::collected;
use super::http::Outgoing;
use super::place::{Place, allowed};
use super::retry::{Attempts, Failure};
use crate::fs::At;

/// How many bytes of a file are sent at once.
const PIECE: usize = 256 << 10;

/// A request that may be sent several times: what it asks for is the same however often it arrives.
#[derive(Debug, Clone)]
pub struct Request {
    /// Its method.
    pub method: Method,
    /// Its address.
    pub url: Url,
    /// Its headers; `Authorization` comes from the client's [`super::Authorizer`]. Those that are marked as
    /// [sensitive](reqwest::header::HeaderValue::set_sensitive) follow no redirect to another server.
    pub headers: HeaderMap,
    /// Its body.
    pub payload: Payload,
    /// The most bytes that its answer may have.
    pub limit: u64,
    /// Whether faults are worth another attempt.
    pub retried: bool,
}

/// The body of a request.
#[derive(Debug, Clone)]
pub enum Payload {
    /// None.
    Empty,
    /// Bytes in memory.
    Bytes(Bytes),
    /// Bytes in memory that are meant for the server of the address alone: a redirect to another one is an error.
    Secret(Bytes),
    /// A whole file, read anew each time; its length must not change meanwhile.
    File(PathBuf),
    /// `length` bytes of a file from byte `start` on, read anew each time.
    Part {
        /// The file.
        path: PathBuf,
        /// The first byte, from 0.
        start: u64,
        /// How many bytes, which the file must have.
        length: u64,
    },
}

/// The answer to a request.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Where it came from, after redirects.
    pub url: Url,
    /// The HTTP status: any but those that pass (408, 429, 500, 502, 503, 504).
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Vec<u8>,
}

impl Request {
    /// Asks for `url` without a body, and for no more than a document's worth of an answer.
    #[must_use]
    pub fn new(method: Method, url: Url) -> Self {
        Self { method, url, headers: HeaderMap::new(), payload: Payload::Empty, limit: 16 << 20, retried: true }
    }
}

impl Client {
    /// Sends a request until there is an answer that another attempt would not change, and returns it whatever its status.
    /// Never reads from the mirror: what is said to one server is not meant for another.
    ///
    /// # Errors
    /// When the address is refused, a connection is needed and not allowed, or all attempts are used up.
    pub async fn exchange(&self, request: &Request) -> Result<Answer, Error> {
        let inner = self.inner();
        let Place::Http(url) = allowed(&request.url)? else {
            let reason = "a file URL cannot answer a request".to_owned();
            return Err(Error::Refused { url: shown(&request.url), reason });
        };
        if inner.settings.offline {
            return Err(Error::Offline { url: shown(&url) });
        }
        let limits = &inner.settings.limits;
        let total = if request.payload.is_file() { limits.total } else { limits.documents.min(limits.total) };
        let mut attempts = inner.attempts(&url, total);
        if !request.retried {
            attempts.only_one();
        }
        loop {
            attempts.received = 0;
            match self.exchange_once(request, &url, &mut attempts).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => inner.recover(&mut attempts, &url, failure).await?,
            }
        }
    }

    async fn exchange_once(&self, request: &Request, url: &Url, attempts: &mut Attempts) -> Result<Answer, Failure> {
        let inner = self.inner();
        let mut headers = request.headers.clone();
        let body = request.payload.body(&mut headers)?;
        // Some servers, S3 among them, answer 411 where nobody says that there is nothing (RFC 9110 §8.6).
        if matches!(request.payload, Payload::Empty) && matches!(request.method, Method::POST | Method::PUT) {
            headers.insert(reqwest::header::CONTENT_LENGTH, 0.into());
        }
        let outgoing = Outgoing {
            method: &request.method,
            url,
            headers: &headers,
            authorizer: inner.authorizer(),
            body: body.as_ref(),
            length: request.payload.length(),
            secret: matches!(request.payload, Payload::Secret(_)),
        };
        let (url, response) = inner.http.send(&outgoing, attempts).await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = collected(inner, &url, response, attempts, request.limit).await?;
        Ok(Answer { url, status, headers, body })
    }
}

pub(super) type MakesBody = Box<dyn Fn() -> Body + Send + Sync>;

impl Payload {
    /// Returns true if it is read from a file, which may be large.
    fn is_file(&self) -> bool {
        matches!(self, Self::File(_) | Self::Part { .. })
    }

    /// Returns the length in bytes; that of a file that cannot be read is found out when it is sent.
    pub(super) fn length(&self) -> u64 {
        match self {
            Self::Empty => 0,
            Self::Bytes(bytes) | Self::Secret(bytes) => bytes.len() as u64,
            Self::File(path) => path.metadata().map_or(0, |data| data.len()),
            Self::Part { length, .. } => *length,
        }
    }

    /// Returns what makes the body, and adds its length to the headers.
    pub(super) fn body(&self, headers: &mut HeaderMap) -> Result<MakesBody, Error> {
        Ok(match self {
            Self::Empty => Box::new(Body::default),
            Self::Bytes(bytes) | Self::Secret(bytes) => {
                let bytes = bytes.clone();
                Box::new(move || Body::from(bytes.clone()))
            }
            Self::File(path) => {
                let length = path.metadata().at("read", path)?.len();
                headers.insert(reqwest::header::CONTENT_LENGTH, length.into());
                let path = path.clone();
                Box::new(move || Body::wrap_stream(pieces(path.clone(), 0, length)))
            }
            Self::Part { path, start, length } => {
                headers.insert(reqwest::header::CONTENT_LENGTH, (*length).into());
                let (path, start, length) = (path.clone(), *start, *length);
                Box::new(move || Body::wrap_stream(pieces(path.clone(), start, length)))
            }
        })
    }
}

/// Reads a part of a file piece by piece, outside the async thread.
fn pieces(path: PathBuf, start: u64, length: u64) -> impl stream::Stream<Item = std::io::Result<Bytes>> {
    stream::try_unfold((None::<File>, length), move |(file, left)| {
        let path = path.clone();
        async move {
            let read = tokio::task::spawn_blocking(move || {
                let mut file = match file {
                    Some(file) => file,
                    None => {
                        let mut file = File::open(&path)?;
                        file.seek(SeekFrom::Start(start))?;
                        file
                    }
                };
                let mut piece = Vec::with_capacity(PIECE);
                Read::by_ref(&mut file).take(left.min(PIECE as u64)).read_to_end(&mut piece)?;
                Ok::<_, std::io::Error>((piece, file))
            });
            let (piece, file) = read.await.map_err(std::io::Error::other)??;
            let left = left - piece.len() as u64;
            Ok((!piece.is_empty()).then(|| (Bytes::from(piece), (Some(file), left))))
        }
    })
}
