//! Objects in a bucket of Amazon S3, or of a store that speaks its protocol: read as a mirror, and written by `toolkit
//! mirror sync`. Requests, retries and resumed downloads are in [`crate::net`]; this module has what is specific to S3.

mod answer;
mod location;
mod multipart;
mod signer;
mod withheld;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use base64::prelude::{BASE64_STANDARD, Engine as _};
use sha2::Digest as _;
use url::Url;

use super::{Error, Service, Session};
use crate::model::{Algorithm, Digest, S3Uri};
use crate::net::header::{CONTENT_LENGTH, ETAG, HeaderMap, HeaderName, HeaderValue, IF_MATCH, IF_NONE_MATCH};
use crate::net::{self, Answer, Authorizer, Client, Method, Mirror, Net as _, Payload, Request, Store as _};

use answer::{Action, Fault};
use signer::Signer;

pub use location::Location;
pub use withheld::withheld;

/// The header with the SHA-256 of the body, in hexadecimal digits.
const HASH: &str = "x-amz-content-sha256";

/// The header with the SHA-256 of the body, in Base64, which S3 checks and keeps.
const CHECKSUM: &str = "x-amz-checksum-sha256";

/// This program's own header with the SHA-256 of the whole object, even if it was uploaded in parts.
const WHOLE: &str = "x-amz-meta-toolkit-sha256";

/// The header with the checksum that S3 computes for an object in parts: the hash of the parts' hashes. It ties
/// [`WHOLE`] to the bytes that S3 has.
const PARTS: &str = "x-amz-meta-toolkit-parts";

/// Objects of a bucket whose keys begin with a prefix. Paths are relative to the prefix and have no percent signs of their
/// own. Nothing is looked up before the first request.
#[derive(Debug, Clone)]
pub struct Bucket {
    signer: Arc<Signer>,
    client: Client,
}

/// The metadata of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Its length in bytes.
    pub size: u64,
    /// Its ETag, with the quotes; it changes with the object.
    pub tag: Option<String>,
    /// The SHA-256 of the whole object: S3's own checksum for an object that was uploaded in one piece; else the one
    /// that [`Bucket::put`] wrote, if S3's hash of the parts' hashes matches the one that was written, or if the store
    /// has none.
    pub sha256: Option<Digest>,
}

/// An object in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub path: String,
    /// Its length in bytes.
    pub size: u64,
}

#[derive(Debug, Clone, Copy)]
pub enum Content<'a> {
    Bytes(&'a [u8]),
    /// A file, which must not change during the upload.
    File {
        path: &'a Path,
        /// Its length in bytes.
        size: u64,
        /// Its SHA-256; S3 rejects other bytes.
        sha256: &'a Digest,
    },
}

/// The condition for writing an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition<'a> {
    Any,
    Absent,
    /// It has this tag.
    Same(&'a str),
}

impl Bucket {
    /// Opens the bucket of a location with the session's credentials.
    ///
    /// # Errors
    /// [`Error::Address`] when the environment sets an invalid endpoint.
    pub fn new(session: Arc<Session>, location: Location) -> Result<Self, Error> {
        let client = session.client().clone();
        let signer = Arc::new(Signer::new(session, location)?);
        let client = client.authorized_by(Arc::clone(&signer) as Arc<dyn Authorizer>);
        Ok(Self { signer, client })
    }

    #[must_use]
    pub fn location(&self) -> &Location {
        &self.signer.location
    }

    /// Returns the mirror that reads from here.
    #[must_use]
    pub fn mirror(&self) -> Mirror {
        Mirror::of(Arc::new(self.clone()))
    }

    /// Reads the metadata of an object; none when it does not exist.
    ///
    /// # Errors
    /// When S3 cannot be reached or denies it.
    pub async fn head(&self, path: &str) -> Result<Option<Head>, Error> {
        let mut request = Request::new(Method::HEAD, self.url(path).await?);
        add(&mut request.headers, "x-amz-checksum-mode", "ENABLED")?;
        let answer = self.ask(request, Action::Read).await?;
        if answer.status == 404 {
            return Ok(None);
        }
        let answer = self.classify(answer, Action::Read)?;
        let text = |name: HeaderName| answer.headers.get(name).and_then(|value| value.to_str().ok());
        let own = |name: &'static str| text(HeaderName::from_static(name));
        let size = text(CONTENT_LENGTH).and_then(|length| length.parse().ok());
        // This program always writes this checksum; an object with another one is from another writer.
        let other = |name: &&HeaderName| name.as_str().starts_with("x-amz-checksum-") && *name != "x-amz-checksum-type";
        let is_ours = own(CHECKSUM).is_some() || !answer.headers.keys().any(|name| other(&name));
        let sha256 = hashed(own(CHECKSUM), own(WHOLE), own(PARTS)).filter(|_| is_ours);
        let size = size.ok_or_else(|| unexpected("it has no length of the object"))?;
        Ok(Some(Head { size, tag: text(ETAG).map(str::to_owned), sha256 }))
    }

    /// Opens an object for reading. One that does not exist [is missing](net::Error::is_missing).
    ///
    /// # Errors
    /// When S3 cannot be reached or denies it.
    pub async fn open(&self, path: &str) -> Result<Box<dyn net::Body>, net::Error> {
        self.client.open(&self.address(path).await?).await
    }

    /// Writes an object atomically, and returns its new tag.
    ///
    /// # Errors
    /// [`Error::Condition`] when the condition is not met. Of two writers with the same bytes under
    /// [`Condition::Absent`] both may succeed. Also when S3 cannot be reached or denies it.
    pub async fn put(&self, path: &str, content: &Content<'_>, condition: Condition<'_>) -> Result<String, Error> {
        self.settle().await;
        let written = match content {
            Content::File { path: file, size, sha256 } if *size > multipart::LEAST => {
                self.put_in_parts(path, (file, *size, sha256), condition).await
            }
            _ => self.put_at_once(path, content, condition).await,
        };
        match (written, condition) {
            // An earlier attempt whose response was lost may have succeeded.
            (Err(Error::Condition { what }), Condition::Absent) => match self.head(path).await? {
                Some(Head { tag: Some(tag), sha256, .. }) if sha256.is_some() && sha256 == content.sha256() => Ok(tag),
                _ => Err(Error::Condition { what }),
            },
            (written, _) => written,
        }
    }

    /// Deletes an object; a missing one is not an error.
    ///
    /// # Errors
    /// When S3 cannot be reached or denies it.
    pub async fn delete(&self, path: &str) -> Result<(), Error> {
        let answer = self.ask(Request::new(Method::DELETE, self.url(path).await?), Action::Delete).await?;
        self.classify(answer, Action::Delete).map(|_| ())
    }

    /// Lists all objects, sorted by their keys' bytes.
    ///
    /// # Errors
    /// When S3 cannot be reached or denies it.
    pub async fn list(&self) -> Result<Vec<Listed>, Error> {
        let (mut objects, mut next) = (Vec::new(), None::<String>);
        loop {
            let mut url = self.signer.address().await?.root.clone();
            let mut query = "list-type=2&encoding-type=url".to_owned();
            for (name, value) in [("prefix", Some(&self.location().prefix)), ("continuation-token", next.as_ref())] {
                if let Some(value) = value.filter(|value| !value.is_empty()) {
                    query.push_str(&format!("&{name}={}", location::encoded(value).replace('/', "%2F")));
                }
            }
            url.set_query(Some(&query));
            let answer = self.ask(Request::new(Method::GET, url), Action::List).await?;
            let answer = self.classify(answer, Action::List)?;
            let page = answer::page(&answer.body, &self.location().prefix);
            let page = page.ok_or_else(|| unexpected("it is not a list of objects"))?;
            objects.extend(page.objects);
            match page.next {
                Some(token) if next.as_ref() == Some(&token) => {
                    return Err(unexpected("the pages of the list repeat"));
                }
                None => return Ok(objects),
                more => next = more,
            }
        }
    }

    async fn put_at_once(&self, path: &str, content: &Content<'_>, condition: Condition<'_>) -> Result<String, Error> {
        let sha256 = content.sha256().ok_or_else(|| unexpected("the digest of the file is not a SHA-256"))?;
        let payload = match content {
            Content::Bytes(bytes) => Payload::Bytes(bytes.to_vec().into()),
            Content::File { path, .. } => Payload::File(path.to_path_buf()),
        };
        let mut request = Request::new(Method::PUT, self.url(path).await?);
        condition.add(&mut request.headers)?;
        add(&mut request.headers, HASH, &sha256.hex())?;
        add(&mut request.headers, CHECKSUM, &base64(&sha256))?;
        add(&mut request.headers, WHOLE, &sha256.hex())?;
        request.payload = payload;
        let answer = self.ask(request, Action::Write).await?;
        let answer = self.classify(answer, Action::Write)?;
        tag(&answer.headers).ok_or_else(|| unexpected("it has no ETag"))
    }

    async fn url(&self, path: &str) -> Result<Url, Error> {
        Ok(self.signer.address().await?.of(&format!("{}{path}", self.location().prefix)))
    }

    /// Sends a request, and repeats it with new credentials if they have expired.
    async fn ask(&self, request: Request, action: Action) -> Result<Answer, Error> {
        let answer = self.exchange(&request).await?;
        if answer.status < 400 || !self.fault(&answer, action).needs_new_credentials() {
            return Ok(answer);
        }
        self.signer.session.forget().await;
        self.exchange(&request).await
    }

    async fn exchange(&self, request: &Request) -> Result<Answer, Error> {
        self.client.exchange(request).await.map_err(Error::from_net)
    }

    fn fault(&self, answer: &Answer, action: Action) -> Error {
        Fault::read(answer.status, &answer.headers, &answer.body).classify(self.signer.requested(), action, 1)
    }

    fn classify(&self, answer: Answer, action: Action) -> Result<Answer, Error> {
        if (200..300).contains(&answer.status) { Ok(answer) } else { Err(self.fault(&answer, action)) }
    }
}

/// Reads `s3://bucket/path` of this bucket.
#[async_trait]
impl net::Net for Bucket {
    async fn open(&self, url: &Url) -> Result<Box<dyn net::Body>, net::Error> {
        let uri: Result<S3Uri, _> = url.as_str().parse();
        match uri {
            Ok(S3Uri { bucket: Some(bucket), key: Some(key), .. }) if bucket == self.location().bucket => {
                Bucket::open(self, &key).await
            }
            _ => Err(net::Error::Refused {
                url: net::shown(url),
                reason: format!("it names no object of the bucket `{}`", self.location().bucket),
            }),
        }
    }
}

#[async_trait]
impl net::Store for Bucket {
    fn name(&self) -> String {
        self.location().to_string()
    }

    async fn address(&self, path: &str) -> Result<Url, net::Error> {
        self.url(path).await.map_err(|cause| net::Error::unlocated(&self.location().to_string(), cause))
    }

    fn authorizer(&self) -> Arc<dyn Authorizer> {
        Arc::clone(&self.signer) as Arc<dyn Authorizer>
    }
}

impl Content<'_> {
    /// Returns the SHA-256; none where the digest that was given is another one.
    fn sha256(&self) -> Option<Digest> {
        match self {
            Self::Bytes(bytes) => Digest::new(Algorithm::Sha256, &sha2::Sha256::digest(bytes)).ok(),
            Self::File { sha256, .. } => {
                Some((*sha256).clone()).filter(|sha256| sha256.algorithm() == Algorithm::Sha256)
            }
        }
    }
}

impl Condition<'_> {
    fn add(self, headers: &mut HeaderMap) -> Result<(), Error> {
        match self {
            Self::Any => Ok(()),
            Self::Absent => add(headers, IF_NONE_MATCH.as_str(), "*"),
            Self::Same(tag) => add(headers, IF_MATCH.as_str(), tag),
        }
    }
}

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.location().fmt(f)
    }
}

fn add(headers: &mut HeaderMap, name: &'static str, value: &str) -> Result<(), Error> {
    let value = HeaderValue::from_str(value).map_err(|_| unexpected("its ETag is not a valid header value"))?;
    headers.insert(HeaderName::from_static(name), value);
    Ok(())
}

/// Finds the SHA-256 of an object: from S3's own checksum, of which one in parts ends with `-` and their number, and
/// from what is written next to it
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html>).
fn hashed(checksum: Option<&str>, whole: Option<&str>, parts: Option<&str>) -> Option<Digest> {
    let claimed = whole.and_then(|whole| Digest::from_hex(Algorithm::Sha256, whole).ok());
    // Some stores leave the number out.
    let hash = |text: &str| text.split('-').next().map(str::to_owned);
    match (checksum, parts) {
        (None, _) => claimed,
        (Some(own), Some(parts)) => claimed.filter(|_| hash(own) == hash(parts)),
        (Some(own), None) if own.contains('-') => None,
        (Some(own), None) => Digest::new(Algorithm::Sha256, &BASE64_STANDARD.decode(own).ok()?).ok(),
    }
}

fn base64(digest: &Digest) -> String {
    BASE64_STANDARD.encode(digest.bytes())
}

fn tag(headers: &HeaderMap) -> Option<String> {
    headers.get(ETAG).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

fn unexpected(reason: &str) -> Error {
    Error::Answer { service: Service::S3.name, reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_s3_hashed_itself_goes_before_what_is_written_beside_an_object() {
        let digest = |text: &str| Digest::new(Algorithm::Sha256, &sha2::Sha256::digest(text)).unwrap();
        let (right, other) = (digest("right"), digest("other"));
        let (claim, own) = (right.hex(), base64(&other));
        for (checksum, whole, parts, expected) in [
            (None, Some(claim.as_str()), None, Some(&right)),
            (Some(own.as_str()), Some(claim.as_str()), None, Some(&other)),
            (Some("abc=-3"), Some(claim.as_str()), Some("abc=-3"), Some(&right)),
            (Some("abc="), Some(claim.as_str()), Some("abc=-3"), Some(&right)),
            (Some("xyz=-3"), Some(claim.as_str()), Some("abc=-3"), None),
            (Some("abc=-3"), Some(claim.as_str()), None, None),
            (Some("abc=-3"), None, Some("abc=-3"), None),
            (Some("no base64"), Some(claim.as_str()), None, None),
            (None, None, None, None),
        ] {
            assert_eq!(hashed(checksum, whole, parts).as_ref(), expected, "{checksum:?} {whole:?} {parts:?}");
        }
    }
}
