//! Writes to registries: blobs, mounted from another repository or sent whole or in chunks, and manifests
//! (<https://github.com/opencontainers/distribution-spec/blob/main/spec.md#push>). All operations can be repeated.

use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use bytes::Bytes;
use url::Url;

use super::access::Actions;
use super::registry::Registries;
use super::{Error, Manifest};
use crate::fs::FileError;
use crate::model::{Digest, Reference, Repository};
use crate::net::header::{ACCEPT, CONTENT_RANGE, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION};
use crate::net::{Answer, Method, Payload, Request};

/// The most upload sessions for one blob. Interrupted uploads are restarted, because not every registry can resume
/// them.
const SESSIONS: usize = 4;

/// The chunk size in bytes, for registries that do not accept a blob whole.
const PIECE: u64 = 8 << 20;

/// An open upload session: where to send the bytes.
#[derive(Debug, Clone)]
pub struct Session(Url);

/// The result of a request to mount a blob.
#[derive(Debug)]
pub enum Mount {
    /// The blob exists now.
    Done,
    /// The registry needs the bytes, and may have opened an upload session.
    Send(Option<Session>),
}

/// A verified blob on this disk.
#[derive(Debug, Clone, Copy)]
pub struct Blob<'a> {
    pub file: &'a Path,
    pub digest: &'a Digest,
    /// Its length in bytes.
    pub size: u64,
}

/// The result of an upload session.
enum Outcome {
    Done,
    /// The registry lost the session, or the connection broke.
    Again,
    /// Every attempt to send the whole blob was interrupted.
    Cut(Error),
    /// The body is larger than the registry, or a proxy before it, accepts.
    TooLarge,
}

impl Registries {
    /// Announces that blobs of `source`, in the same registry, will be mounted into `target`.
    pub fn expect_mount(&self, target: &Repository, source: &Repository) {
        self.access().expect_mount(target, source);
    }

    /// Returns true if a repository has a manifest.
    ///
    /// # Errors
    /// When the registry cannot be reached or denies it.
    pub async fn has_manifest(&self, repository: &Repository, manifest: &Manifest) -> Result<bool, Error> {
        let at = repository.pinned(&manifest.digest);
        let mut request = self.request(Method::HEAD, repository, &format!("manifests/{}", manifest.digest)).await?;
        request.headers.insert(ACCEPT, self.value(&manifest.media_type, &at)?);
        self.is_there(&at, &request).await
    }

    /// Returns true if a repository has a blob.
    ///
    /// # Errors
    /// When the registry cannot be reached or denies it.
    pub async fn has_blob(&self, repository: &Repository, digest: &Digest) -> Result<bool, Error> {
        let request = self.request(Method::HEAD, repository, &format!("blobs/{digest}")).await?;
        self.is_there(&repository.pinned(digest), &request).await
    }

    async fn is_there(&self, at: &Reference, request: &Request) -> Result<bool, Error> {
        let answer = self.send("look for", at, request).await?;
        match answer.status {
            200 => Ok(true),
            404 => Ok(false),
            _ => Err(self.refused("look for", at, &answer)),
        }
    }

    /// Asks the registry to mount a blob from `source`, a repository of the same registry. A registry without this
    /// feature may return any status; uploading the bytes then shows whether it is allowed.
    ///
    /// # Errors
    /// When the registry cannot be reached.
    pub async fn mount(&self, target: &Repository, source: &Repository, digest: &Digest) -> Result<Mount, Error> {
        let rest = format!("blobs/uploads/?mount={digest}&from={}", source.name);
        let at = target.pinned(digest);
        let answer = self.send("mount", &at, &self.request(Method::POST, target, &rest).await?).await?;
        match answer.status {
            201 => Ok(Mount::Done),
            202 => Ok(Mount::Send(Some(self.session(target, &at, &answer)?))),
            _ => Ok(Mount::Send(None)),
        }
    }

    /// Uploads a blob: whole, or in chunks if the registry does not accept so much at once. `begun` is a session that
    /// the registry has opened already.
    ///
    /// # Errors
    /// When the registry cannot be reached or denies it, or keeps losing upload sessions.
    pub async fn upload(&self, to: &Repository, blob: Blob<'_>, begun: Option<Session>) -> Result<(), Error> {
        let at = to.pinned(blob.digest);
        let (mut begun, mut pieces, mut cut) = (begun, false, None);
        for _ in 0..SESSIONS {
            let session = match begun.take() {
                Some(session) => session,
                None => self.begin(to, &at).await?,
            };
            let outcome = match pieces {
                false => self.send_whole(&at, session, blob).await?,
                true => self.send_pieces(&at, session, blob).await?,
            };
            match outcome {
                Outcome::Done => return Ok(()),
                Outcome::TooLarge => pieces = true,
                // The last response may have been lost although the blob was stored.
                Outcome::Again | Outcome::Cut(_) if self.has_blob(to, blob.digest).await? => return Ok(()),
                Outcome::Again => cut = None,
                Outcome::Cut(error) => cut = Some(error),
            }
        }
        let reason = format!("the registry lost the upload {SESSIONS} times");
        Err(cut.unwrap_or(Error::Document { what: at.to_string(), reason }))
    }

    async fn begin(&self, to: &Repository, at: &Reference) -> Result<Session, Error> {
        self.expect(to, Actions::Push);
        let answer = self.send("upload", at, &self.request(Method::POST, to, "blobs/uploads/").await?).await?;
        match answer.status {
            202 => self.session(to, at, &answer),
            _ => Err(self.refused("upload", at, &answer)),
        }
    }

    /// Reads the next address of an upload. On most registries it contains the repository, but not on all; on another
    /// server, this one's credentials are not sent.
    fn session(&self, to: &Repository, at: &Reference, answer: &Answer) -> Result<Session, Error> {
        let location = answer.headers.get(LOCATION).and_then(|value| value.to_str().ok());
        let url = location.and_then(|location| answer.url.join(location).ok()).ok_or_else(|| Error::Document {
            what: at.to_string(),
            reason: "the registry opened an upload without saying where".to_owned(),
        })?;
        if url.origin() == answer.url.origin() {
            self.access().adopt(&url, to);
        }
        Ok(Session(url))
    }

    /// Sends one `PUT` with all bytes.
    async fn send_whole(&self, at: &Reference, session: Session, blob: Blob<'_>) -> Result<Outcome, Error> {
        let mut request = Request::new(Method::PUT, completed(session, blob.digest));
        request.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        request.payload = Payload::File(blob.file.to_owned());
        match self.send("upload", at, &request).await {
            Ok(answer) => self.judge(at, &answer),
            // The registry may have the blob although no response arrived.
            Err(error) if error.was_cut() => Ok(Outcome::Cut(error)),
            Err(error) => Err(error),
        }
    }

    /// Sends one `PATCH` per chunk, then a `PUT` without a body.
    async fn send_pieces(&self, at: &Reference, session: Session, blob: Blob<'_>) -> Result<Outcome, Error> {
        let (mut session, mut from) = (session, 0);
        while from < blob.size {
            let until = (from + PIECE).min(blob.size);
            let bytes = piece(blob.file, from, until - from).await.map_err(|source| Error::Net {
                action: "upload",
                what: at.to_string(),
                source: FileError::new("read", blob.file, source).into(),
            })?;
            // No retries: a chunk that is sent twice would be in the blob twice.
            let mut request = Request { retried: false, ..Request::new(Method::PATCH, session.0) };
            let range = format!("{from}-{}", until - 1);
            request.headers = HeaderMap::from_iter([
                (CONTENT_TYPE, HeaderValue::from_static("application/octet-stream")),
                (CONTENT_RANGE, self.value(&range, at)?),
            ]);
            request.payload = Payload::Bytes(bytes);
            let Ok(answer) = self.send("upload", at, &request).await else { return Ok(Outcome::Again) };
            match answer.status {
                202 => session = self.session(&at.repository, at, &answer)?,
                _ => return self.judge(at, &answer),
            }
            from = until;
        }
        let request = Request::new(Method::PUT, completed(session, blob.digest));
        let answer = self.send("upload", at, &request).await?;
        self.judge(at, &answer)
    }

    fn judge(&self, at: &Reference, answer: &Answer) -> Result<Outcome, Error> {
        match answer.status {
            201 | 204 => Ok(Outcome::Done),
            413 => Ok(Outcome::TooLarge),
            // The session is gone, or has another offset: an earlier attempt was interrupted.
            404 | 416 => Ok(Outcome::Again),
            400 if super::error_body::message(&answer.body).contains("BLOB_UPLOAD_") => Ok(Outcome::Again),
            _ => Err(self.refused("upload", at, answer)),
        }
    }

    /// Puts a manifest or an index under the tag or digest of `at`, replacing an earlier one.
    ///
    /// # Errors
    /// When the registry cannot be reached or rejects it, or returns another digest.
    pub async fn put_manifest(&self, at: &Reference, manifest: &Manifest) -> Result<(), Error> {
        let rest = format!("manifests/{}", at.selector());
        let mut request = self.request(Method::PUT, &at.repository, &rest).await?;
        request.headers.insert(CONTENT_TYPE, self.value(&manifest.media_type, at)?);
        request.payload = Payload::Bytes(Bytes::copy_from_slice(&manifest.bytes));
        let answer = self.send("push", at, &request).await?;
        if !(200..300).contains(&answer.status) {
            return Err(self.refused("push", at, &answer));
        }
        let stated = answer.headers.get(HeaderName::from_static("docker-content-digest"));
        let stated: Option<Digest> = stated.and_then(|value| value.to_str().ok()?.parse().ok());
        match stated.filter(|stated| stated.algorithm() == manifest.digest.algorithm() && *stated != manifest.digest) {
            Some(other) => Err(Error::Mismatch {
                registry: at.repository.registry.clone(),
                what: at.to_string(),
                expected: manifest.digest.to_string(),
                received: other.to_string(),
            }),
            None => Ok(()),
        }
    }

    fn value(&self, text: &str, at: &Reference) -> Result<HeaderValue, Error> {
        HeaderValue::from_str(text)
            .map_err(|_| Error::Document { what: at.to_string(), reason: "its media type is not text".to_owned() })
    }
}

/// Adds the digest that completes an upload.
fn completed(session: Session, digest: &Digest) -> Url {
    let mut url = session.0;
    url.query_pairs_mut().append_pair("digest", &digest.to_string());
    url
}

/// Reads part of a file, off the async thread.
async fn piece(file: &Path, from: u64, length: u64) -> std::io::Result<Bytes> {
    let path = file.to_owned();
    let read = move || {
        let mut file = std::fs::File::open(path)?;
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        file.take(length).read_to_end(&mut bytes)?;
        Ok(Bytes::from(bytes))
    };
    tokio::task::spawn_blocking(read).await.map_err(std::io::Error::other)?
}
