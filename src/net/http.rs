//! One HTTP exchange: the client, made when first needed, TLS, redirects, and which responses are worth another attempt.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use reqwest::header::{AUTHORIZATION, HeaderMap, LOCATION, RETRY_AFTER};
use reqwest::{Body, Method, Response, StatusCode};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use url::Url;

use super::address::{host, is_loopback, shown};
use super::authorize::{Interpretation, PendingRequest, Refusal};
use super::cause::{explained, root};
use super::place::{Place, allowed};
use super::retry::{Attempts, Failure, Limits, retry_after};
use super::wait::patiently;
use super::{Authorizer, Error, Fault};
use crate::fs::At;
use crate::report::Report;

/// More redirects than any upstream needs; aka.ms to the .NET servers takes two.
const MOST_REDIRECTS: usize = 10;

/// How much of a refusal is read: the errors of AWS have less than 4 KiB.
const REFUSAL: usize = 64 << 10;

/// Sends requests. Holds no connection and no certificate until the first one.
#[derive(Debug)]
pub(super) struct Http {
    pub(super) limits: Limits,
    user_agent: String,
    authorities: Vec<PathBuf>,
    now: fn() -> jiff::Timestamp,
    report: Arc<dyn Report>,
    /// One client for each [`Way`]: only the last reads the certificates of the system, which takes milliseconds.
    clients: [OnceLock<reqwest::Client>; 3],
    /// How many requests were sent.
    sent: AtomicU64,
    /// The servers that were silent or out of reach in all attempts, and have not answered since.
    given_up: Mutex<HashSet<String>>,
}

/// A request that can be sent again.
pub(super) struct Outgoing<'a> {
    pub(super) method: &'a Method,
    pub(super) url: &'a Url,
    pub(super) headers: &'a HeaderMap,
    pub(super) authorizer: Option<&'a dyn Authorizer>,
    /// Makes the body, anew for each time that it is sent.
    pub(super) body: &'a (dyn Fn() -> Body + Sync),
    /// The length of the body in bytes.
    pub(super) length: u64,
    /// Whether the body is for the server of the address alone.
    pub(super) secret: bool,
}

impl<'a> Outgoing<'a> {
    fn asking(&self) -> PendingRequest<'a> {
        PendingRequest { method: self.method, url: self.url, headers: self.headers }
    }

    /// Returns the authorizer that knows what refusals mean.
    fn explainer(&self) -> Option<&'a dyn Authorizer> {
        self.authorizer.filter(|authorizer| authorizer.explains())
    }

    /// Returns true if the answer sends the request elsewhere. What has a body is only sent on by the statuses that keep the
    /// method (RFC 9110 §15.4).
    fn follows(&self, response: &Response) -> bool {
        match response.status().as_u16() {
            _ if self.explainer().is_some() => false,
            301..=303 => self.method.is_safe(),
            307 | 308 => true,
            _ => false,
        }
    }
}

/// How a server is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Plain http on this machine.
    Plain,
    /// TLS on this machine. A proxy elsewhere could not reach it.
    Local,
    /// TLS, through the proxies of the environment.
    Remote,
}

impl Http {
    pub(super) fn new(settings: &super::Settings, report: Arc<dyn Report>) -> Self {
        Self {
            limits: settings.limits,
            user_agent: settings.user_agent.clone(),
            authorities: settings.authorities.clone(),
            now: settings.now,
            report,
            clients: Default::default(),
            sent: AtomicU64::new(0),
            given_up: Mutex::default(),
        }
    }

    /// Counts the requests that were sent, each redirect and each further attempt on its own.
    pub(super) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    pub(super) fn has_given_up(&self, url: &Url) -> bool {
        self.given_up().contains(&server(url))
    }

    pub(super) fn give_up(&self, url: &Url) {
        self.given_up().insert(server(url));
    }

    fn given_up(&self) -> MutexGuard<'_, HashSet<String>> {
        self.given_up.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for `start` and follows redirects. Returns answers with status 200, 206, 304 and 416; every other one is a
    /// failure.
    ///
    /// # Errors
    /// The failure says whether another attempt is worth it.
    pub(super) async fn get(
        &self,
        start: &Url,
        headers: &HeaderMap,
        authorizer: Option<&dyn Authorizer>,
        of: &Attempts,
    ) -> Result<Response, Failure> {
        let request = Outgoing {
            method: &Method::GET,
            url: start,
            headers,
            authorizer,
            body: &Body::default,
            length: 0,
            secret: false,
        };
        let mut again = true;
        loop {
            let (url, response) = self.send(&request, of).await?;
            let status = response.status().as_u16();
            if matches!(status, 200 | 206 | 304 | 416) {
                return Ok(response);
            }
            match self.meaning(&request, response, again, of).await {
                Interpretation::Again if again => again = false,
                Interpretation::Error(error) => return Err(error.into()),
                Interpretation::Again | Interpretation::Plain => {
                    return Err(Error::Status { url: shown(&url), status }.into());
                }
            }
        }
    }

    /// Sends a request and follows redirects, which keep its method. Returns the last address with every answer that another
    /// attempt would not change.
    ///
    /// # Errors
    /// The failure says whether another attempt is worth it.
    pub(super) async fn send(&self, request: &Outgoing<'_>, of: &Attempts) -> Result<(Url, Response), Failure> {
        let start = request.url;
        let mut url = start.clone();
        let mut seen = Vec::new();
        loop {
            let response = self.answer_of(request, &url, of).await?;
            if !request.follows(&response) {
                return self.judge(request, url, response, of).await;
            }
            let next = target(&url, &response)?;
            seen.push(url);
            let wrong = |reason: String| Failure::Final(Error::Redirect { url: shown(start), reason });
            if request.secret && next.origin() != start.origin() {
                let reason = format!("to {}, and what is sent is meant for this server alone", shown(&next));
                return Err(wrong(reason));
            }
            if seen.contains(&next) {
                return Err(wrong(format!("in a loop: {} came twice", shown(&next))));
            }
            if seen.len() > MOST_REDIRECTS {
                return Err(wrong(format!("more than {MOST_REDIRECTS} times")));
            }
            url = next;
        }
    }

    /// Sends the request to `url`, once more where the authorizer has something new to say to the server that refused it.
    /// A server that the request was redirected to gets no credentials and no header that is marked as sensitive.
    async fn answer_of(&self, request: &Outgoing<'_>, url: &Url, of: &Attempts) -> Result<Response, Failure> {
        let mut headers = request.headers.clone();
        let same = url.origin() == request.url.origin();
        if !same {
            headers.remove(AUTHORIZATION);
            headers = open_ones(headers);
        }
        let Some(authorizer) = request.authorizer.filter(|_| same) else {
            return self.send_once(request, url, headers, of).await;
        };
        let open = headers;
        let asking = PendingRequest { method: request.method, url, headers: &open };
        let sent = authorizer.authorize(asking).await?;
        let response = self.send_once(request, url, joined(&open, &sent), of).await?;
        if response.status() != StatusCode::UNAUTHORIZED
            || !authorizer.challenged(asking, &sent, response.headers()).await?
        {
            return Ok(response);
        }
        let sent = authorizer.authorize(asking).await?;
        self.send_once(request, url, joined(&open, &sent), of).await
    }

    async fn send_once(
        &self,
        request: &Outgoing<'_>,
        url: &Url,
        headers: HeaderMap,
        of: &Attempts,
    ) -> Result<Response, Failure> {
        self.sent.fetch_add(1, Ordering::Relaxed);
        let sent = self.client(url)?.request(request.method.clone(), url.clone()).headers(headers);
        let least = self.limits.stall.max(self.limits.connect);
        // A body on its way is not seen; it gets the time that it takes at the least rate.
        let waited = least.saturating_add(Duration::from_secs(request.length / self.limits.least_rate.max(1)));
        let answer = sent.body((request.body)()).send();
        match patiently(answer, url, waited.min(of.left()?), (&self.limits, &*self.report)).await {
            Some(Ok(response)) => {
                self.given_up().remove(&server(url));
                Ok(response)
            }
            Some(Err(error)) => Err(explained(&error, url, self.limits.connect)),
            None => {
                of.left()?;
                Err(Fault::Stalled { host: host(url), waited }.into())
            }
        }
    }

    async fn judge(
        &self,
        request: &Outgoing<'_>,
        url: Url,
        response: Response,
        of: &Attempts,
    ) -> Result<(Url, Response), Failure> {
        let status = response.status().as_u16();
        match status {
            408 | 429 | 500 | 502 | 503 | 504 => {
                let value = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
                let after = value.and_then(|value| retry_after(value, (self.now)()));
                let meaning = match self.meaning(request, response, false, of).await {
                    Interpretation::Error(error) => Some(Box::new(error)),
                    Interpretation::Plain | Interpretation::Again => None,
                };
                Err(Failure::Passing { fault: Fault::Status { host: host(&url), status }, after, meaning })
            }
            _ => Ok((url, response)),
        }
    }

    /// Asks the authorizer what a refusal means, where it knows.
    async fn meaning(&self, request: &Outgoing<'_>, response: Response, again: bool, of: &Attempts) -> Interpretation {
        let Some(authorizer) = request.explainer() else { return Interpretation::Plain };
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = self.beginning(response, of).await;
        let refusal = Refusal { status, headers: &headers, body: &body, attempts: of.attempt(), again };
        authorizer.refused(request.asking(), refusal).await
    }

    /// Reads the beginning of an answer, as much of it as comes.
    async fn beginning(&self, mut response: Response, of: &Attempts) -> Vec<u8> {
        let mut body = Vec::new();
        let until = Instant::now() + self.limits.stall.min(of.left().unwrap_or_default());
        while body.len() < REFUSAL {
            let wait = until.saturating_duration_since(Instant::now());
            match tokio::time::timeout(wait, response.chunk()).await {
                Ok(Ok(Some(bytes))) => body.extend_from_slice(&bytes),
                _ => break,
            }
        }
        body.truncate(REFUSAL);
        body
    }

    /// Returns the client for `url`, made now when it is the first of its way.
    pub(super) fn client(&self, url: &Url) -> Result<reqwest::Client, Error> {
        let way = match (url.scheme(), is_loopback(url)) {
            ("http", _) => Way::Plain,
            (_, true) => Way::Local,
            (_, false) => Way::Remote,
        };
        let cell = &self.clients[way as usize];
        if let Some(client) = cell.get() {
            return Ok(client.clone());
        }
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(self.tls(way)?)
            .user_agent(&self.user_agent)
            .connect_timeout(self.limits.connect)
            .redirect(reqwest::redirect::Policy::none())
            .https_only(way != Way::Plain);
        if way != Way::Remote {
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|e| Error::Authorities { reason: root(&e) })?;
        Ok(cell.get_or_init(|| client).clone())
    }

    /// Sets up rustls over ring, without a process-wide default.
    fn tls(&self, way: Way) -> Result<rustls::ClientConfig, Error> {
        let refused = |error: rustls::Error| Error::Authorities { reason: error.to_string() };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = rustls::ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(refused)?;
        if way == Way::Plain {
            return Ok(builder.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth());
        }
        let extra = self.extra_authorities()?;
        let verifier = rustls_platform_verifier::Verifier::new_with_extra_roots(extra, provider).map_err(refused)?;
        Ok(builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth())
    }

    /// Reads the certificates that count besides those of the system.
    fn extra_authorities(&self) -> Result<Vec<CertificateDer<'static>>, Error> {
        let mut found = Vec::new();
        for path in &self.authorities {
            if path.is_dir() {
                for entry in std::fs::read_dir(path).at("read", path)? {
                    // A folder of OpenSSL holds other things too; only certificates count.
                    let file = entry.at("read", path)?.path();
                    found.extend(CertificateDer::pem_file_iter(file).into_iter().flatten().flatten().filter(is_usable));
                }
            } else {
                let pem = std::fs::read(path).at("read", path)?;
                let before = found.len();
                found.extend(CertificateDer::pem_slice_iter(&pem).flatten().filter(is_usable));
                if found.len() == before {
                    return Err(Error::Authorities { reason: format!("{} contains no certificate", path.display()) });
                }
            }
        }
        Ok(found)
    }
}

/// Names a server with its scheme: one that speaks no TLS may well answer without.
fn server(url: &Url) -> String {
    format!("{}://{}", url.scheme(), host(url))
}

/// Adds the headers that authenticate the request.
fn joined(open: &HeaderMap, sent: &HeaderMap) -> HeaderMap {
    let mut headers = open.clone();
    for (name, value) in sent {
        headers.insert(name.clone(), value.clone());
    }
    headers
}

/// Leaves out what is marked as sensitive.
fn open_ones(headers: HeaderMap) -> HeaderMap {
    let secret: Vec<_> =
        headers.iter().filter(|(_, value)| value.is_sensitive()).map(|(name, _)| name.clone()).collect();
    secret.iter().fold(headers, |mut headers, name| {
        headers.remove(name);
        headers
    })
}

/// Returns true if rustls takes the certificate; bundles hold old ones that it does not.
fn is_usable(certificate: &CertificateDer<'static>) -> bool {
    rustls::RootCertStore::empty().add(certificate.clone()).is_ok()
}

/// Reads where a redirect leads.
fn target(url: &Url, response: &Response) -> Result<Url, Error> {
    let wrong = |reason: String| Error::Redirect { url: shown(url), reason };
    let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
    let next = location
        .and_then(|location| url.join(location).ok())
        .ok_or_else(|| wrong("without saying where to".to_owned()))?;
    if url.scheme() == "https" && next.scheme() != "https" {
        return Err(wrong(format!("to {}, and https is never downgraded", shown(&next))));
    }
    match allowed(&next) {
        Ok(Place::Http(mut next)) => {
            next.set_fragment(None);
            Ok(next)
        }
        Ok(Place::File(_) | Place::Store(..)) => Err(wrong(format!("to {}, a file of this machine", shown(&next)))),
        Err(Error::Refused { url: next, reason }) => Err(wrong(format!("to {next}, which is refused: {reason}"))),
        Err(other) => Err(other),
    }
}
