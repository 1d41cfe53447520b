//! Large files go in parts, several at once; each part is checked by S3 and sent again by itself
//! (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html>).
//!
//! Nothing is visible before the last step. Parts of an upload that is given up are deleted, as they would cost money; where
//! that fails it is said.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use futures_util::{StreamExt, stream};
use sha2::{Digest as _, Sha256};
use url::Url;

use super::answer::{Action, Fault, value};
use super::{Bucket, CHECKSUM, Condition, HASH, Head, PARTS, WHOLE, add, base64, tag, unexpected};
use crate::aws::{Error, Service};
use crate::fs::FileError;
use crate::model::{Algorithm, Digest};
use crate::net::{self, Metadata as _, Method, Payload, Request};

/// Files above this many bytes go in parts of this many bytes.
pub(super) const LEAST: u64 = 16 << 20;

/// The most parts (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html>).
const MOST_PARTS: u64 = 10_000;

/// How many parts are on their way at once.
const AT_ONCE: usize = 4;

/// How often the last step is tried: it may fail under status 200, which nobody below here sees.
const COMPLETIONS: u32 = 3;

/// The pause in between.
const PAUSE: Duration = Duration::from_secs(1);

/// How much of a file is read at once.
const PIECE: usize = 256 << 10;

/// A part of a file.
#[derive(Debug, Clone)]
struct Part {
    /// Its number, from 1.
    number: u64,
    start: u64,
    length: u64,
    sha256: Digest,
}

/// A part that has arrived.
struct Sent {
    number: u64,
    tag: String,
    sha256: Digest,
}

/// An upload that was begun. Dropped before its end, it is remembered for [`Bucket::settle`].
struct Upload<'a> {
    bucket: &'a Bucket,
    path: &'a str,
    url: Url,
    id: String,
    open: bool,
}

impl Bucket {
    /// Writes a file in parts, and returns the tag of the whole.
    pub(super) async fn put_in_parts(
        &self,
        path: &str,
        (file, size, sha256): (&Path, u64, &Digest),
        condition: Condition<'_>,
    ) -> Result<String, Error> {
        let parts = parts_of(file, size, sha256).await?;
        let mut upload = self.begin(path, sha256, &of_parts(&parts)).await?;
        let written = match upload.send_all(file, parts).await {
            Ok(sent) => upload.complete(&sent, condition).await,
            Err(error) => Err(error),
        };
        if written.is_err() {
            upload.abort().await;
        }
        upload.open = false;
        match written {
            // An attempt whose answer was lost has ended the upload.
            Err(Error::Missing { what, source }) => match self.head(path).await {
                Ok(Some(Head { tag: Some(tag), sha256: Some(there), .. })) if there == *sha256 => Ok(tag),
                _ => Err(Error::Missing { what, source }),
            },
            written => written,
        }
    }

    /// Deletes what was sent by writes that were dropped before their end, as those of an interrupted command are. The
    /// next write does it as well.
    pub async fn settle(&self) {
        let given_up = std::mem::take(&mut *self.signer.given_up());
        for (path, url) in given_up {
            abort(self, &path, url).await;
        }
    }

    async fn begin<'a>(&'a self, path: &'a str, sha256: &Digest, parts: &str) -> Result<Upload<'a>, Error> {
        let url = self.url(path).await?;
        let mut request = Request::new(Method::POST, with_query(&url, "uploads="));
        add(&mut request.headers, "x-amz-checksum-algorithm", "SHA256")?;
        add(&mut request.headers, WHOLE, &sha256.hex())?;
        add(&mut request.headers, PARTS, parts)?;
        let answer = self.ask(request, Action::Write).await?;
        let answer = self.classify(answer, Action::Write)?;
        let id = value(&answer.body, "InitiateMultipartUploadResult", "UploadId").filter(|id| !id.is_empty());
        let id = id.ok_or_else(|| unexpected("it names no upload"))?;
        Ok(Upload { bucket: self, path, url, id, open: true })
    }
}

impl Upload<'_> {
    fn url(&self, query: &str) -> Url {
        let id = super::location::encoded(&self.id).replace('/', "%2F");
        with_query(&self.url, &format!("{query}uploadId={id}"))
    }

    /// Sends all parts, several at once. When one is refused, no further one is begun, and those on their way are waited for:
    /// a part that arrives after the upload was aborted stays in the bucket
    /// (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_AbortMultipartUpload.html>).
    async fn send_all(&self, file: &Path, parts: Vec<Part>) -> Result<Vec<Sent>, Error> {
        let refused = AtomicBool::new(false);
        let send = async |part| {
            if refused.load(Ordering::Relaxed) {
                return Ok(None);
            }
            let sent = self.send(file, part).await;
            refused.fetch_or(sent.is_err(), Ordering::Relaxed);
            sent.map(Some)
        };
        let sent: Vec<Result<Option<Sent>, Error>> = stream::iter(parts).map(send).buffered(AT_ONCE).collect().await;
        let sent: Result<Vec<Option<Sent>>, Error> = sent.into_iter().collect();
        Ok(sent?.into_iter().flatten().collect())
    }

    async fn send(&self, file: &Path, part: Part) -> Result<Sent, Error> {
        let mut request = Request::new(Method::PUT, self.url(&format!("partNumber={}&", part.number)));
        add(&mut request.headers, HASH, &part.sha256.hex())?;
        add(&mut request.headers, CHECKSUM, &base64(&part.sha256))?;
        request.payload = Payload::Part { path: file.to_owned(), start: part.start, length: part.length };
        let answer = self.bucket.ask(request, Action::Write).await?;
        let answer = self.bucket.classify(answer, Action::Write)?;
        let tag = tag(&answer.headers).ok_or_else(|| unexpected("it has no ETag"))?;
        Ok(Sent { number: part.number, tag, sha256: part.sha256 })
    }

    async fn complete(&self, sent: &[Sent], condition: Condition<'_>) -> Result<String, Error> {
        let body = list_of(sent);
        let mut request = Request::new(Method::POST, self.url(""));
        condition.add(&mut request.headers)?;
        let hash = Digest::new(Algorithm::Sha256, &Sha256::digest(&body)).map_err(|_| unexpected("no digest"))?;
        add(&mut request.headers, HASH, &hash.hex())?;
        request.payload = Payload::Bytes(body.into());
        let mut attempt = 1;
        loop {
            let answer = self.bucket.ask(request.clone(), Action::Write).await?;
            let answer = self.bucket.classify(answer, Action::Write)?;
            if let Some(tag) = value(&answer.body, "CompleteMultipartUploadResult", "ETag") {
                return Ok(tag);
            }
            // The head of the answer goes out before S3 knows how it ends
            // (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html>).
            let fault = Fault::read(answer.status, &answer.headers, &answer.body);
            let error = fault.classify(self.bucket.signer.requested(), Action::Write, attempt);
            if !error.is_transient() || attempt == COMPLETIONS {
                return Err(error);
            }
            attempt += 1;
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn abort(&mut self) {
        self.open = false;
        abort(self.bucket, self.path, self.url("")).await;
    }
}

impl Drop for Upload<'_> {
    fn drop(&mut self) {
        // Nothing can be asked here any more.
        if self.open {
            self.bucket.signer.given_up().push((self.path.to_owned(), self.url("")));
        }
    }
}

/// Deletes the parts of an upload.
async fn abort(bucket: &Bucket, path: &str, url: Url) {
    let answer = bucket.ask(Request::new(Method::DELETE, url), Action::Abort).await;
    let aborted = answer.and_then(|answer| bucket.classify(answer, Action::Abort));
    match aborted {
        Ok(_) | Err(Error::Missing { .. }) => {}
        Err(error) => bucket.client.warn(&format!("what was sent of {path} stays in {bucket}, unseen: {error}")),
    }
}

fn with_query(url: &Url, query: &str) -> Url {
    let mut url = url.clone();
    url.set_query(Some(query));
    url
}

/// Writes the list by which an upload is completed.
fn list_of(sent: &[Sent]) -> String {
    let mut list = "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">".to_owned();
    for Sent { number, tag, sha256 } in sent {
        let tag = tag.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let checksum = base64(sha256);
        // Writing to a String does not fail.
        let _ = write!(
            list,
            "<Part><PartNumber>{number}</PartNumber><ETag>{tag}</ETag><ChecksumSHA256>{checksum}</ChecksumSHA256></Part>"
        );
    }
    list.push_str("</CompleteMultipartUpload>");
    list
}

/// Returns the checksum that S3 will have of the whole
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html>, composite checksums).
fn of_parts(parts: &[Part]) -> String {
    let hash = parts.iter().fold(Sha256::new(), |hash, part| hash.chain_update(part.sha256.bytes()));
    format!("{}-{}", BASE64_STANDARD.encode(hash.finalize()), parts.len())
}

/// Returns the length of the parts of a file.
fn part_length(size: u64) -> u64 {
    let mebibyte = 1 << 20;
    size.div_ceil(MOST_PARTS).div_ceil(mebibyte).saturating_mul(mebibyte).max(LEAST)
}

/// Divides a file, and checks that it is what it was said to be.
async fn parts_of(file: &Path, size: u64, sha256: &Digest) -> Result<Vec<Part>, Error> {
    let path = file.to_owned();
    let hashed = tokio::task::spawn_blocking(move || hashed(&path, size)).await;
    let unreadable = |source: io::Error| {
        let source = net::Error::from(FileError::new("read", file, source));
        Error::Unreachable { service: Service::S3.name, source: Box::new(source) }
    };
    let (parts, whole) = hashed.map_err(io::Error::other).and_then(|hashed| hashed).map_err(unreadable)?;
    if whole != *sha256 {
        return Err(unreadable(io::Error::other("it is not what it was a moment ago")));
    }
    Ok(parts)
}

fn hashed(path: &Path, size: u64) -> io::Result<(Vec<Part>, Digest)> {
    let digest = |hash: Sha256| Digest::new(Algorithm::Sha256, &hash.finalize()).map_err(io::Error::other);
    let (mut file, mut whole, mut parts) = (File::open(path)?, Sha256::new(), Vec::new());
    let (mut start, mut buffer) = (0, vec![0; PIECE]);
    while start < size {
        let length = part_length(size).min(size - start);
        let (mut hash, mut left) = (Sha256::new(), length);
        while left > 0 {
            let most = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
            file.read_exact(&mut buffer[..most])?;
            hash.update(&buffer[..most]);
            whole.update(&buffer[..most]);
            left -= most as u64;
        }
        parts.push(Part { number: parts.len() as u64 + 1, start, length, sha256: digest(hash)? });
        start += length;
    }
    // A file that is longer than expected is not at its end either.
    if file.read(&mut buffer[..1])? > 0 {
        return Err(io::Error::other("it is longer than it was a moment ago"));
    }
    Ok((parts, digest(whole)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_any_size_has_at_most_ten_thousand_parts() {
        for (size, length) in [
            (LEAST + 1, LEAST),
            (40 << 20, LEAST),
            (MOST_PARTS * LEAST, LEAST),
            (MOST_PARTS * LEAST + 1, 17 << 20),
            (5 << 40, 525 << 20),
        ] {
            assert_eq!(part_length(size), length, "{size}");
            assert!(size.div_ceil(length) <= MOST_PARTS);
        }
    }

    #[tokio::test]
    async fn parts_are_hashed_and_the_file_is_checked() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("large");
        let bytes: Vec<u8> = (0..LEAST + 5).map(|n| (n % 251) as u8).collect();
        std::fs::write(&file, &bytes).unwrap();
        let of = |bytes: &[u8]| Digest::new(Algorithm::Sha256, &Sha256::digest(bytes)).unwrap();
        let parts = parts_of(&file, LEAST + 5, &of(&bytes)).await.unwrap();
        let cut = usize::try_from(LEAST).unwrap();
        let expected = [(1, 0, LEAST, of(&bytes[..cut])), (2, LEAST, 5, of(&bytes[cut..]))];
        let parts: Vec<_> = parts.into_iter().map(|part| (part.number, part.start, part.length, part.sha256)).collect();
        assert_eq!(parts, expected);
        for (size, digest) in [(LEAST + 4, of(&bytes)), (LEAST + 6, of(&bytes)), (LEAST + 5, of(b"else"))] {
            assert!(parts_of(&file, size, &digest).await.is_err());
        }
    }
}
