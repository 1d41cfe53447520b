//! The bytes of one file from a server. After a cut, the rest is requested by `Range`, and only from the same file.
//!
//! Which answer continues a file: `206` with the expected start and total; `200` (the server ignores ranges) with the
//! same validator, whose first bytes are skipped. A server without any validator is taken at its length; either way the
//! digest of the whole decides in the end, so that a wrong guess costs time and never correctness. That holds too for an
//! answer without a length and is not chunked: its end cannot be distinguished from a cut.

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use bytes::Bytes;
use reqwest::Response;
use reqwest::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_RANGE,
    LAST_MODIFIED, RANGE,
};
use url::Url;

use super::address::host;
use super::cause::explained;
use super::inner::Inner;
use super::place::Server;
use super::retry::{Attempts, Failure};
use super::wait::{Pace, patiently};
use super::{Authorizer, Body, Error, Fault};

/// A file on its way from a server.
pub(super) struct HttpBody {
    inner: Arc<Inner>,
    /// Where it was requested; redirects are followed again by every attempt, as signed targets expire.
    url: Url,
    authorizer: Option<Arc<dyn Authorizer>>,
    attempts: Attempts,
    /// What distinguishes this file from a later one; none before the first answer.
    validators: Option<Validators>,
    encoding: Option<String>,
    /// The answer that bytes come from; none before an attempt.
    response: Option<Response>,
    /// How many bytes of the answer are known already.
    skip: u64,
    /// How fast the answer comes.
    pace: Pace,
    resuming: Resuming,
    /// Set once the answer came too slowly; told when its last bytes were passed on.
    slow: Option<Fault>,
    ended: bool,
}

/// How a file goes on after a cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Resuming {
    /// By a range, which was not needed so far.
    Unused,
    /// By a range, as it did already.
    Used,
    /// As a whole, whose first bytes are skipped: the server answers ranges wrongly, or the receiver wants it so.
    Never,
}

impl HttpBody {
    /// Asks for the file; the body stands at its first byte.
    pub(super) async fn open(inner: Arc<Inner>, Server { url, authorizer }: Server) -> Result<Self, Error> {
        let attempts = inner.attempts(&url, inner.settings.limits.total);
        let (validators, encoding, response) = (None, None, None);
        let (pace, resuming) = (Pace::default(), Resuming::Unused);
        let (skip, slow, ended) = (0, None, false);
        let mut body = Self {
            inner,
            url,
            authorizer,
            attempts,
            validators,
            encoding,
            response,
            skip,
            pace,
            resuming,
            slow,
            ended,
        };
        body.connect().await?;
        if let Some(encoding) = &body.encoding {
            body.inner.report.warned(&format!(
                "{} came with Content-Encoding {encoding}, which was not requested; the bytes are checked as received",
                body.attempts.url
            ));
        }
        Ok(body)
    }

    /// Sends requests until a response starts at the byte that is needed next.
    async fn connect(&mut self) -> Result<(), Error> {
        while let Err(failure) = self.ask().await {
            self.recover(failure).await?;
        }
        Ok(())
    }

    async fn recover(&mut self, failure: Failure) -> Result<(), Error> {
        self.response = None;
        self.inner.recover(&mut self.attempts, &self.url, failure).await
    }

    async fn ask(&mut self) -> Result<(), Failure> {
        let headers = self.headers();
        let response = self.inner.http.get(&self.url, &headers, self.authorizer.as_deref(), &self.attempts).await?;
        match response.status().as_u16() {
            200 if self.validators.is_none() => self.begin(&response)?,
            200 => self.begin_again(&response)?,
            206 if self.asks_for_range() => self.go_on(&response)?,
            416 if self.asks_for_range() => return Ok(self.beyond(&response)?),
            status => return Err(self.contradiction(format!("status {status}, which was not requested")).into()),
        }
        self.pace = Pace::default();
        self.response = Some(response);
        Ok(())
    }

    fn asks_for_range(&self) -> bool {
        self.attempts.received > 0 && self.resuming != Resuming::Never
    }

    fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static("identity"))]);
        if self.asks_for_range() {
            let range = HeaderValue::try_from(format!("bytes={}-", self.attempts.received));
            headers.insert(RANGE, range.expect("digits are valid in a header"));
            if let Some(validator) = self.validators.as_ref().and_then(Validators::for_ranges) {
                headers.insert(IF_RANGE, validator.clone());
            }
        }
        headers
    }

    /// Takes the first response.
    fn begin(&mut self, response: &Response) -> Result<(), Error> {
        self.refuse_html(response)?;
        let length = announced(response);
        if length == Some(0) {
            return Err(Error::Empty { url: self.attempts.url.clone() });
        }
        self.refuse_endless(length.unwrap_or_default())?;
        self.attempts.length = length;
        self.encoding = encoding(response.headers());
        self.validators = Some(Validators::of(response.headers()));
        Ok(())
    }

    /// Takes a whole file where the rest was requested: the server knows no ranges, or has another file now.
    fn begin_again(&mut self, response: &Response) -> Result<(), Error> {
        self.refuse_html(response)?;
        let now = Validators::of(response.headers());
        let same = self.validators.as_ref().is_some_and(|before| before.same(&now));
        if !same || announced(response) != self.attempts.length {
            return Err(self.changed());
        }
        self.skip = self.attempts.received;
        Ok(())
    }

    /// Takes the rest. A server that sends something else instead is asked for the whole from now on.
    fn go_on(&mut self, response: &Response) -> Result<(), Failure> {
        let value = response.headers().get(CONTENT_RANGE).and_then(|value| value.to_str().ok());
        let Some(ContentRange { start: Some(start), total }) = value.and_then(content_range) else {
            return Err(self.misresumed("206 without a usable Content-Range".to_owned()));
        };
        if is_multipart(response.headers()) {
            return Err(self.misresumed("several ranges came, and one was requested".to_owned()));
        }
        if start != self.attempts.received {
            let requested = self.attempts.received;
            return Err(self.misresumed(format!("bytes from {requested} were requested, bytes from {start} came")));
        }
        let now = Validators::of(response.headers());
        let other_total = matches!((total, self.attempts.length), (Some(now), Some(before)) if now != before);
        if other_total || self.validators.as_ref().is_some_and(|before| before.contradicts(&now)) {
            return Err(self.changed().into());
        }
        self.attempts.length = self.attempts.length.or(total);
        self.resuming = Resuming::Used;
        self.skip = 0;
        Ok(())
    }

    fn misresumed(&mut self, reason: String) -> Failure {
        self.resuming = Resuming::Never;
        Fault::Misresumed { host: host(&self.url), reason }.into()
    }

    /// Refuses more than any file has, where nothing says how much it should be.
    fn refuse_endless(&self, bytes: u64) -> Result<(), Error> {
        let limit = self.inner.settings.limits.largest;
        if bytes > limit { Err(Error::TooLarge { url: self.attempts.url.clone(), limit }) } else { Ok(()) }
    }

    /// Takes "there is nothing behind that": the end, where the length was unknown and all has come.
    fn beyond(&mut self, response: &Response) -> Result<(), Error> {
        let value = response.headers().get(CONTENT_RANGE).and_then(|value| value.to_str().ok());
        let total = value.and_then(content_range).and_then(|range| range.total);
        if self.attempts.length.is_none() && total == Some(self.attempts.received) {
            self.ended = true;
            return Ok(());
        }
        Err(self.changed())
    }

    /// Log-in pages and error pages come with status 200 (go.dev/dl/….sha256 is one: <https://go.dev/issue/41172>).
    fn refuse_html(&self, response: &Response) -> Result<(), Error> {
        let is_page = [".html", ".htm"].iter().any(|end| self.url.path().ends_with(end));
        if is_html(response.headers()) && !is_page {
            return Err(Error::Html { url: self.attempts.url.clone() });
        }
        Ok(())
    }

    /// Drops what is known already, counts the rest.
    fn accept(&mut self, mut bytes: Bytes) -> Result<Option<Bytes>, Error> {
        let known = self.skip.min(bytes.len() as u64);
        self.skip -= known;
        // `known` is at most the length of `bytes`, so it fits.
        let _ = bytes.split_to(usize::try_from(known).unwrap_or(bytes.len()));
        if bytes.is_empty() {
            return Ok(None);
        }
        self.attempts.received += bytes.len() as u64;
        self.refuse_endless(self.attempts.received)?;
        match self.attempts.length {
            Some(length) if self.attempts.received > length => {
                Err(self.contradiction(format!("more than the announced {length} bytes")))
            }
            _ => Ok(Some(bytes)),
        }
    }

    /// Judges the end of an answer: the end of the file, or a cut.
    fn end(&mut self) -> Result<(), Failure> {
        let complete = self.skip == 0 && self.attempts.length.is_none_or(|length| length == self.attempts.received);
        if !complete {
            return Err(Fault::Short { host: host(&self.url) }.into());
        }
        if self.attempts.received == 0 {
            return Err(Error::Empty { url: self.attempts.url.clone() }.into());
        }
        self.ended = true;
        self.response = None;
        Ok(())
    }

    fn changed(&self) -> Error {
        Error::Changed { url: self.attempts.url.clone() }
    }

    fn contradiction(&self, reason: String) -> Error {
        Error::Contradiction { url: self.attempts.url.clone(), reason }
    }
}

#[async_trait]
impl Body for HttpBody {
    fn length(&self) -> Option<u64> {
        self.attempts.length
    }

    fn encoding(&self) -> Option<&str> {
        self.encoding.as_deref()
    }

    fn was_resumed(&self) -> bool {
        self.resuming == Resuming::Used
    }

    fn never_resume(&mut self) {
        self.resuming = Resuming::Never;
    }

    async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        let limits = self.inner.settings.limits;
        while !self.ended {
            if let Some(slow) = self.slow.take().filter(|_| self.attempts.length != Some(self.attempts.received)) {
                self.recover(slow.into()).await?;
                continue;
            }
            let Some(response) = self.response.as_mut() else {
                self.connect().await?;
                continue;
            };
            let (wait, asked) = (limits.stall.min(self.attempts.left()?), Instant::now());
            let came = patiently(response.chunk(), &self.url, wait, (&limits, &*self.inner.report)).await;
            let failure = match came {
                Some(Ok(Some(bytes))) => {
                    let pace = self.pace.count(bytes.len(), asked.elapsed(), &self.url, &limits);
                    match (self.accept(bytes)?, pace) {
                        // What came counts, even when it is the last before the server is given up.
                        (Some(bytes), pace) => {
                            self.slow = pace.err();
                            return Ok(Some(bytes));
                        }
                        (None, Ok(())) => continue,
                        (None, Err(slow)) => slow.into(),
                    }
                }
                Some(Ok(None)) => match self.end() {
                    Ok(()) => continue,
                    Err(failure) => failure,
                },
                Some(Err(error)) => explained(&error, &self.url, limits.connect),
                None => {
                    self.attempts.left()?;
                    Fault::Stalled { host: host(&self.url), waited: limits.stall }.into()
                }
            };
            self.recover(failure).await?;
        }
        Ok(None)
    }
}

/// What distinguishes a file from a later one under the same URL.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Validators {
    etag: Option<HeaderValue>,
    last_modified: Option<HeaderValue>,
}

impl Validators {
    fn of(headers: &HeaderMap) -> Self {
        let header = |name: HeaderName| headers.get(name).cloned();
        Self { etag: header(ETAG), last_modified: header(LAST_MODIFIED) }
    }

    /// Returns what `If-Range` may carry: never a weak ETag (RFC 9110 §13.1.5).
    fn for_ranges(&self) -> Option<&HeaderValue> {
        self.etag.as_ref().filter(|etag| !etag.as_bytes().starts_with(b"W/")).or(self.last_modified.as_ref())
    }

    /// Returns true if two whole answers are of one file. Two without validators are, as far as is known.
    fn same(&self, other: &Self) -> bool {
        match (&self.etag, &other.etag) {
            (None, None) => self.last_modified == other.last_modified,
            (mine, theirs) => mine == theirs,
        }
    }

    /// Returns true if a partial answer says that it is of another file; it may say nothing.
    fn contradicts(&self, other: &Self) -> bool {
        let differ = |mine: &Option<HeaderValue>, theirs: &Option<HeaderValue>| {
            mine.is_some() && theirs.is_some() && mine != theirs
        };
        match (&self.etag, &other.etag) {
            (Some(_), Some(_)) => differ(&self.etag, &other.etag),
            _ => differ(&self.last_modified, &other.last_modified),
        }
    }
}

/// Returns true if an answer says of itself that it is a web page.
pub(super) fn is_html(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    matches!(kind.as_str(), "text/html" | "application/xhtml+xml")
}

/// Returns true if an answer holds its bytes in parts with headers of their own (RFC 9110 §14.6).
fn is_multipart(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.trim_start().to_ascii_lowercase().starts_with("multipart/byteranges")
}

/// Returns the coding on top of the file, `identity` counting as none.
pub(super) fn encoding(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_ENCODING)?;
    let name = String::from_utf8_lossy(value.as_bytes()).trim().to_ascii_lowercase();
    (!name.is_empty() && name != "identity").then_some(name)
}

fn announced(response: &Response) -> Option<u64> {
    response.headers().get(reqwest::header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// A `Content-Range` of bytes.
#[derive(Debug, PartialEq, Eq)]
struct ContentRange {
    /// The first byte; none in the answer to a range that cannot be had.
    start: Option<u64>,
    /// The length of the whole, when known.
    total: Option<u64>,
}

/// Reads `bytes 5-9/10`, `bytes 5-9/*` and `bytes */10` (RFC 9110 §14.4).
fn content_range(value: &str) -> Option<ContentRange> {
    let number = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse::<u64>().ok()).flatten();
    let (unit, rest) = value.trim().split_once(' ')?;
    let (range, total) = rest.split_once('/')?;
    if !unit.eq_ignore_ascii_case("bytes") {
        return None;
    }
    let total = if total == "*" { None } else { Some(number(total)?) };
    if range == "*" {
        return total.is_some().then_some(ContentRange { start: None, total });
    }
    let (start, end) = range.split_once('-')?;
    let (start, end) = (number(start)?, number(end)?);
    let sound = start <= end && total.is_none_or(|total| end < total);
    sound.then_some(ContentRange { start: Some(start), total })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_ranges_are_read() {
        for (value, expected) in [
            ("bytes 5-9/10", Some((Some(5), Some(10)))),
            ("Bytes 0-0/1", Some((Some(0), Some(1)))),
            ("bytes 5-9/*", Some((Some(5), None))),
            ("bytes */10", Some((None, Some(10)))),
            ("bytes */*", None),
            ("bytes 9-5/10", None),
            ("bytes 5-10/10", None),
            ("bytes +5-9/10", None),
            ("bytes 5-9", None),
            ("bytes 5/10", None),
            ("items 5-9/10", None),
            ("bytes 5-99999999999999999999/*", None),
            ("", None),
        ] {
            assert_eq!(content_range(value).map(|range| (range.start, range.total)), expected, "{value}");
        }
    }

    fn validators(etag: &str, last_modified: &str) -> Validators {
        let value = |text: &str| (!text.is_empty()).then(|| HeaderValue::from_str(text).unwrap());
        Validators { etag: value(etag), last_modified: value(last_modified) }
    }

    #[test]
    fn a_file_is_told_from_a_later_one() {
        for (before, now, same, contradicts) in [
            (("\"a\"", ""), ("\"a\"", ""), true, false),
            (("\"a\"", ""), ("\"b\"", ""), false, true),
            (("\"a\"", "x"), ("\"a\"", "y"), true, false),
            (("\"a\"", ""), ("", ""), false, false),
            (("", "x"), ("", "x"), true, false),
            (("", "x"), ("", "y"), false, true),
            (("", ""), ("", ""), true, false),
        ] {
            let (before, now) = (validators(before.0, before.1), validators(now.0, now.1));
            assert_eq!((before.same(&now), before.contradicts(&now)), (same, contradicts), "{before:?} {now:?}");
        }
    }

    #[test]
    fn a_weak_etag_asks_for_no_range() {
        for (etag, modified, expected) in
            [("\"a\"", "x", Some("\"a\"")), ("W/\"a\"", "x", Some("x")), ("W/\"a\"", "", None), ("", "", None)]
        {
            let validators = validators(etag, modified);
            assert_eq!(validators.for_ranges().map(|value| value.to_str().unwrap()), expected);
        }
    }

    #[test]
    fn codings_and_pages_are_seen() {
        let headers =
            |name: HeaderName, value: &str| HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())]);
        for (value, expected) in [("gzip", Some("gzip")), (" X-GZip ", Some("x-gzip")), ("identity", None), ("", None)]
        {
            assert_eq!(encoding(&headers(CONTENT_ENCODING, value)).as_deref(), expected);
        }
        for (value, expected) in
            [("text/html", true), ("Text/HTML; charset=utf-8", true), ("application/gzip", false), ("", false)]
        {
            assert_eq!(is_html(&headers(CONTENT_TYPE, value)), expected);
        }
    }
}
