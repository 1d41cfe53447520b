//! One document: fresh from upstream where that answers with a sound one, else the last good copy, never in silence.

use std::io::Read;
use std::sync::Arc;
use std::time::Instant;

use reqwest::Response;
use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, ETAG, HeaderMap, HeaderName, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED,
    LINK,
};
use url::Url;

use super::address::{host, shown};
use super::body::{encoding, is_html};
use super::cache::{Copy, Head, age};
use super::cause::explained;
use super::file::{self, blocking};
use super::inner::Inner;
use super::place::{Place, Server};
use super::retry::{Attempts, Failure};
use super::wait::{Pace, patiently};
use super::{Document, Error, Fault};
use crate::text::chain;

/// The largest document in bytes, decoded: ten times the largest that is known (Go's full list, 2026).
const LARGEST: u64 = 64 << 20;

type Check = fn(&[u8]) -> Result<(), String>;

/// What upstream answered.
enum Answer {
    /// The copy is still right.
    Unchanged,
    Fresh(Copy),
}

/// One page of a document; most have only one.
pub(super) struct Page {
    pub(super) body: Vec<u8>,
    /// Where the next one is.
    pub(super) next: Option<Url>,
}

/// Reads a document, or a page of it, from one place. `stands_in` tells whether an old copy will do where that fails.
pub(super) async fn read(
    inner: &Arc<Inner>,
    place: &Place,
    document: &Document,
    stands_in: bool,
) -> Result<Page, Error> {
    let check = document.check;
    let server = match inner.server(place) {
        Ok(server) => server,
        Err(path) => {
            let body = file::read(path.to_owned(), LARGEST).await?;
            let unfit = |reason| Error::Unfit { url: path.display().to_string(), reason };
            return check(&body).map(|()| Page { body, next: None }).map_err(unfit);
        }
    };
    let url = &server.url;
    // A copy that an older version of this program took for good may not be good enough today.
    let copy = find_copy(inner, url).await.filter(|copy| check(&copy.body).is_ok());
    if inner.settings.offline {
        return offline(inner, url, copy).and_then(|copy| page(url, copy));
    }
    if let Some(copy) = copy.clone().filter(|copy| is_fresh(inner, copy)) {
        return page(url, copy);
    }
    let copy = match fetch(inner, &server, copy.as_ref(), document).await {
        Ok(Answer::Fresh(fresh)) => {
            if let Some(warning) = copy.as_ref().and_then(|copy| went_back(url, &copy.head, &fresh.head)) {
                inner.report.warned(&warning);
            }
            keep(inner, url, fresh).await
        }
        Ok(Answer::Unchanged) => {
            let mut copy = copy.expect("only a request with a copy's validators counts 304 as an answer");
            copy.head.fetched = (inner.settings.now)();
            keep(inner, url, copy).await
        }
        Err(error) if stands_in => stand_in(inner, url, copy, error)?,
        Err(error) => return Err(error),
    };
    page(url, copy)
}

/// Warns of a document that is older than the copy of the last time: a stale cache on the way, or somebody who brings old
/// releases back.
fn went_back(url: &Url, before: &Head, now: &Head) -> Option<String> {
    let time = |head: &Head| Some(jiff::fmt::rfc2822::parse(head.last_modified.as_deref()?).ok()?.timestamp());
    let (before, now) = (time(before)?, time(now)?);
    let url = shown(url);
    (now < before).then(|| format!("{url} is older than when it was read last: it is of {now}, and was of {before}"))
}

/// Returns the address of the page that follows the one that came from `url` with these headers; none when it is the last.
///
/// # Errors
/// When it lies on another server.
pub fn next_page(url: &Url, headers: &HeaderMap) -> Result<Option<Url>, Error> {
    next_link(headers).map(|next| following(url, &next)).transpose()
}

fn page(url: &Url, copy: Copy) -> Result<Page, Error> {
    let next = copy.head.next.map(|next| following(url, &next)).transpose()?;
    Ok(Page { body: copy.body, next })
}

/// Finds the page that a page of `url` names as the next one. It may not lead to another server: what is asked of the next
/// page is asked with the same credentials.
fn following(url: &Url, next: &str) -> Result<Url, Error> {
    let wrong = |reason: &str| Error::Contradiction { url: shown(url), reason: reason.to_owned() };
    let next = url.join(next).map_err(|_| wrong("its Link header is not a URL"))?;
    if next.origin() != url.origin() || next == *url {
        return Err(wrong("its Link header names another server, or itself, as the next page"));
    }
    Ok(next)
}

/// Reads `Link: </v2/x/tags/list?last=b>; rel="next"` (RFC 8288 §3), which may list other relations, too.
fn next_link(headers: &HeaderMap) -> Option<String> {
    let links = headers.get_all(LINK).into_iter().filter_map(|value| value.to_str().ok());
    links.flat_map(|value| value.split(",")).find_map(|link| {
        let (target, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
        let mut parameters = parameters.split(';').map(|parameter| parameter.trim().replace(['"', ' '], ""));
        parameters.any(|parameter| parameter.eq_ignore_ascii_case("rel=next")).then(|| target.to_owned())
    })
}

/// Returns true if a copy is so young that upstream is not asked. One from the future is not: a clock was wrong.
fn is_fresh(inner: &Inner, copy: &Copy) -> bool {
    let age = (inner.settings.now)().duration_since(copy.head.fetched);
    std::time::Duration::try_from(age).is_ok_and(|age| age < inner.settings.fresh_for)
}

fn offline(inner: &Inner, url: &Url, copy: Option<Copy>) -> Result<Copy, Error> {
    let copy = copy.ok_or_else(|| Error::Offline { url: shown(url) })?;
    let age = age(copy.head.fetched, (inner.settings.now)());
    inner.report.noted(&format!("offline: {} is a copy from {age} ago", shown(url)));
    Ok(copy)
}

/// Serves the copy where upstream failed, and says so.
fn stand_in(inner: &Inner, url: &Url, copy: Option<Copy>, error: Error) -> Result<Copy, Error> {
    match copy {
        Some(copy) => {
            let age = age(copy.head.fetched, (inner.settings.now)());
            let why = chain(&error);
            inner
                .report
                .warned(&format!("using the copy of {} from {age} ago, because upstream failed: {why}", shown(url)));
            Ok(copy)
        }
        // The next source may have it; to wrap this would hide that.
        None if error.is_missing() => Err(error),
        None => {
            let copies = match &inner.cache {
                Some(cache) => format!("no usable copy of it is in {}", cache.folder().display()),
                None => "no copies are cached".to_owned(),
            };
            Err(Error::NoCopy { url: shown(url), copies, source: Box::new(error) })
        }
    }
}

/// Returns the last good copy of what one place served, where everybody failed; else the error.
pub(super) async fn last_copy(inner: &Inner, place: &Place, document: &Document, error: Error) -> Result<Page, Error> {
    let Ok(server) = inner.server(place) else { return Err(error) };
    let copy = find_copy(inner, &server.url).await.filter(|copy| (document.check)(&copy.body).is_ok());
    match copy {
        Some(copy) if !error.is_missing() => page(&server.url, stand_in(inner, &server.url, Some(copy), error)?),
        _ => Err(error),
    }
}

async fn find_copy(inner: &Inner, url: &Url) -> Option<Copy> {
    let (cache, url) = (inner.cache.clone()?, url.to_string());
    blocking(move || Ok(cache.find(&url))).await.ok()?
}

/// Keeps a good copy for the next time; a failure to keep it is ignored.
async fn keep(inner: &Inner, url: &Url, copy: Copy) -> Copy {
    let Some(cache) = inner.cache.clone() else { return copy };
    let (kept, url) = (copy.clone(), url.to_string());
    let in_cache = cache.clone();
    if let Err(error) = blocking(move || in_cache.keep(&url, &kept)).await {
        inner.warn_about_cache(&cache, &error);
    }
    copy
}

/// Asks until there is an answer, and checks it.
async fn fetch(inner: &Inner, server: &Server, copy: Option<&Copy>, document: &Document) -> Result<Answer, Error> {
    let url = &server.url;
    let limits = inner.settings.limits;
    let mut attempts = inner.attempts(url, limits.documents.min(limits.total));
    let headers = headers(copy, document.accept);
    loop {
        attempts.received = 0;
        match attempt(inner, server, &headers, &mut attempts).await {
            Ok((_, None)) if copy.is_some() => return Ok(Answer::Unchanged),
            Ok((_, None)) => {
                let reason = "304, although no copy was known".to_owned();
                return Err(Error::Contradiction { url: attempts.url, reason });
            }
            Ok((head, Some(body))) => return checked(inner, url, &head, body, document.check),
            Err(failure) => inner.recover(&mut attempts, url, failure).await?,
        }
    }
}

fn checked(inner: &Inner, url: &Url, head: &HeaderMap, body: Vec<u8>, check: Check) -> Result<Answer, Error> {
    match check(&body) {
        Ok(()) => {}
        Err(_) if is_html(head) => return Err(Error::Html { url: shown(url) }),
        Err(_) if body.is_empty() => return Err(Error::Empty { url: shown(url) }),
        Err(reason) => return Err(Error::Unfit { url: shown(url), reason }),
    }
    let text = |name: HeaderName| head.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let mut copy = Copy::new(shown(url), (inner.settings.now)(), body);
    copy.head.etag = text(ETAG);
    copy.head.last_modified = text(LAST_MODIFIED);
    copy.head.next = next_link(head);
    Ok(Answer::Fresh(copy))
}

fn headers(copy: Option<&Copy>, accept: Option<&'static str>) -> HeaderMap {
    let mut headers = HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static("gzip"))]);
    if let Some(accept) = accept {
        headers.insert(ACCEPT, HeaderValue::from_static(accept));
    }
    let mut add = |name: HeaderName, value: &Option<String>| {
        // A copy's file may hold anything; what is not a valid header is not sent.
        if let Some(value) = value.as_ref().and_then(|value| HeaderValue::from_str(value).ok()) {
            headers.insert(name, value);
        }
    };
    if let Some(copy) = copy {
        add(IF_NONE_MATCH, &copy.head.etag);
        add(IF_MODIFIED_SINCE, &copy.head.last_modified);
    }
    headers
}

/// Asks once. Returns no body for 304.
async fn attempt(
    inner: &Inner,
    Server { url, authorizer }: &Server,
    headers: &HeaderMap,
    attempts: &mut Attempts,
) -> Result<(HeaderMap, Option<Vec<u8>>), Failure> {
    let response = inner.http.get(url, headers, authorizer.as_deref(), attempts).await?;
    let head = response.headers().clone();
    match response.status().as_u16() {
        200 => {}
        304 => return Ok((head, None)),
        status => {
            let reason = format!("status {status}, which was not requested");
            return Err(Error::Contradiction { url: shown(url), reason }.into());
        }
    }
    let body = collected(inner, url, response, attempts, LARGEST).await?;
    match encoding(&head).as_deref() {
        None => Ok((head, Some(body))),
        Some("gzip" | "x-gzip") => Ok((head, Some(inflated(url, &body)?))),
        Some(other) => {
            let reason = format!("it came with Content-Encoding {other}, which was not requested");
            Err(Error::Unfit { url: shown(url), reason }.into())
        }
    }
}

pub(super) async fn collected(
    inner: &Inner,
    url: &Url,
    mut response: Response,
    attempts: &mut Attempts,
    largest: u64,
) -> Result<Vec<u8>, Failure> {
    let limits = inner.settings.limits;
    attempts.length = response.content_length();
    let (mut body, mut pace) = (Vec::new(), Pace::default());
    loop {
        let (wait, asked) = (limits.stall.min(attempts.left()?), Instant::now());
        match patiently(response.chunk(), url, wait, (&limits, &*inner.report)).await {
            Some(Ok(Some(bytes))) => {
                body.extend_from_slice(&bytes);
                pace.count(bytes.len(), asked.elapsed(), url, &limits)?;
            }
            Some(Ok(None)) => return Ok(body),
            Some(Err(error)) => return Err(explained(&error, url, limits.connect)),
            None => {
                attempts.left()?;
                return Err(Fault::Stalled { host: host(url), waited: limits.stall }.into());
            }
        }
        attempts.received = body.len() as u64;
        if attempts.received > largest {
            return Err(Error::TooLarge { url: shown(url), limit: largest }.into());
        }
    }
}

/// Undoes gzip, up to the size of the largest document.
fn inflated(url: &Url, body: &[u8]) -> Result<Vec<u8>, Error> {
    let mut inflated = Vec::new();
    flate2::read::MultiGzDecoder::new(body)
        .take(LARGEST + 1)
        .read_to_end(&mut inflated)
        .map_err(|e| Error::Unfit { url: shown(url), reason: format!("its gzip coding is broken: {e}") })?;
    if inflated.len() as u64 > LARGEST {
        return Err(Error::TooLarge { url: shown(url), limit: LARGEST });
    }
    Ok(inflated)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_that_is_older_than_its_copy_is_said() {
        let url = Url::parse("https://go.dev/dl/?mode=json").unwrap();
        let of = |modified: Option<&str>| {
            let mut copy = Copy::new(shown(&url), jiff::Timestamp::UNIX_EPOCH, Vec::new());
            copy.head.last_modified = modified.map(str::to_owned);
            copy.head
        };
        let (early, late) = (Some("Mon, 02 Nov 2026 10:00:00 GMT"), Some("Tue, 03 Nov 2026 10:00:00 GMT"));
        for (before, now, expected) in [
            (early, late, false),
            (late, late, false),
            (late, early, true),
            (None, early, false),
            (late, None, false),
            (Some("yesterday"), early, false),
        ] {
            let warning = went_back(&url, &of(before), &of(now));
            assert_eq!(warning.is_some(), expected, "{before:?} {now:?}: {warning:?}");
        }
    }
}
