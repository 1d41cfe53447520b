//! Reads from registries.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use oci_spec::image::{Descriptor, ImageConfiguration, ImageManifest};
use serde::Deserialize;
use url::Url;

use super::Error;
use super::access::{Access, Actions};
use super::address::HUB_SERVER;
use super::credentials::Keychain;
use super::error_body::message;
use super::manifest::{ACCEPT, Manifest, digest_of};
use crate::model::{DOCKER_HUB, Digest, Reference, Repository};
use crate::net::header::{ACCEPT as ACCEPT_HEADER, CONTENT_TYPE, HeaderName, HeaderValue};
use crate::net::{self, Answer, Client, Method, Request, is_loopback, next_page};

/// The largest manifest in bytes: registries must accept this, and none is known to accept more
/// (<https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pushing-manifests>).
const LARGEST_MANIFEST: u64 = 4 << 20;

/// The largest image configuration in bytes.
const LARGEST_CONFIG: u64 = 8 << 20;

/// The most pages of tags that are read.
const MOST_PAGES: usize = 1000;

/// Reads and writes images in any registry. Cheap to clone: clones share connections and tokens.
#[derive(Debug, Clone)]
pub struct Registries(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    client: Client,
    access: Arc<Access>,
    /// The schemes of registries on this machine.
    local: Mutex<HashMap<String, &'static str>>,
}

impl Registries {
    /// Uses `client` with the credentials of `keychain`.
    #[must_use]
    pub fn new(client: &Client, keychain: Arc<dyn Keychain>) -> Self {
        let access = Arc::new(Access::new(client.clone(), keychain));
        Self::with_access(client, access)
    }

    /// Uses `client` and shares the tokens of `access`.
    #[must_use]
    pub fn with_access(client: &Client, access: Arc<Access>) -> Self {
        let client = client.direct().authorized_by(access.clone());
        Self(Arc::new(Inner { client, access, local: Mutex::default() }))
    }

    /// Announces the actions in a repository, so that one token is enough for all.
    pub fn expect(&self, repository: &Repository, actions: Actions) {
        self.0.access.expect(repository, actions);
    }

    /// Reads a manifest or an index; none when there is no such tag or digest.
    ///
    /// # Errors
    /// When the registry cannot be reached or denies it, or when the digest is not the requested or stated one.
    pub async fn manifest(&self, at: &Reference) -> Result<Option<Manifest>, Error> {
        let mut request = self.request(Method::GET, &at.repository, &format!("manifests/{}", at.selector())).await?;
        request.headers.insert(ACCEPT_HEADER, HeaderValue::from_static(ACCEPT));
        request.limit = LARGEST_MANIFEST;
        let answer = self.send("read", at, &request).await?;
        match answer.status {
            200 => {}
            404 => return Ok(None),
            _ => return Err(self.refused("read", at, &answer)),
        }
        let header = |name: &HeaderName| answer.headers.get(name).and_then(|value| value.to_str().ok());
        let kind = header(&CONTENT_TYPE).map(str::to_owned);
        let announced = header(&HeaderName::from_static("docker-content-digest")).and_then(|text| text.parse().ok());
        for expected in at.digest.iter().chain(&announced) {
            self.check(at, expected, None, &answer.body)?;
        }
        let unfit = |reason| Error::Document { what: at.to_string(), reason };
        let mut manifest = Manifest::read(kind.as_deref(), answer.body).map_err(unfit)?;
        if let Some(digest) = &at.digest {
            manifest.digest = digest.clone();
        }
        Ok(Some(manifest))
    }

    /// Reads the configuration of an image.
    ///
    /// # Errors
    /// As [`Registries::manifest`]; a missing configuration is an error too.
    pub async fn config(&self, repository: &Repository, manifest: &ImageManifest) -> Result<ImageConfiguration, Error> {
        let bytes = self.small_blob(repository, manifest.config(), LARGEST_CONFIG).await?;
        let what = format!("{repository}@{}", manifest.config().digest());
        serde_json::from_slice(&bytes)
            .map_err(|error| Error::Document { what, reason: format!("it is not an image configuration: {error}") })
    }

    /// Reads a blob into memory and checks its digest.
    async fn small_blob(&self, repository: &Repository, blob: &Descriptor, limit: u64) -> Result<Vec<u8>, Error> {
        let text = blob.digest().to_string();
        let what = format!("{repository}@{text}");
        let unfit = |reason: String| Error::Document { what: what.clone(), reason };
        let digest: Digest = text.parse().map_err(|error: crate::model::BadDigest| unfit(error.to_string()))?;
        if blob.size() > limit {
            return Err(unfit(format!("it has {} bytes, which is too large", blob.size())));
        }
        let mut request = self.request(Method::GET, repository, &format!("blobs/{digest}")).await?;
        request.limit = limit;
        let at = repository.pinned(&digest);
        let answer = self.send("read", &at, &request).await?;
        if answer.status != 200 {
            return Err(self.refused("read", &at, &answer));
        }
        self.check(&at, &digest, Some(blob.size()), &answer.body)?;
        Ok(answer.body)
    }

    /// Lists the tags of a repository, as the registry orders them. Empty when it has no such repository.
    ///
    /// # Errors
    /// When the registry cannot be reached or denies it.
    pub async fn tags(&self, repository: &Repository) -> Result<Vec<String>, Error> {
        #[derive(Deserialize)]
        struct Page {
            tags: Option<Vec<String>>,
        }
        let mut request = self.request(Method::GET, repository, "tags/list?n=1000").await?;
        let mut tags = Vec::new();
        for _ in 0..MOST_PAGES {
            let answer = self.send("list", repository, &request).await?;
            match answer.status {
                200 => {}
                404 if tags.is_empty() => return Ok(tags),
                _ => return Err(self.refused("list", repository, &answer)),
            }
            let unfit =
                |error| Error::Document { what: repository.to_string(), reason: format!("its list of tags: {error}") };
            let page: Page = serde_json::from_slice(&answer.body).map_err(unfit)?;
            tags.extend(page.tags.unwrap_or_default());
            let failed = |source| Error::Net { action: "list", what: repository.to_string(), source };
            match next_page(&request.url, &answer.headers).map_err(failed)? {
                Some(next) => request.url = next,
                None => return Ok(tags),
            }
        }
        Err(Error::Document {
            what: repository.to_string(),
            reason: format!("its list of tags has more than {MOST_PAGES} pages"),
        })
    }

    /// Returns the address of a blob, for streaming.
    ///
    /// # Errors
    /// When the scheme of a registry on this machine cannot be determined.
    pub async fn blob(&self, repository: &Repository, digest: &Digest) -> Result<Url, Error> {
        self.url(repository, &format!("blobs/{digest}")).await
    }

    /// Returns the client with credentials.
    pub fn client(&self) -> &Client {
        &self.0.client
    }

    pub(super) fn access(&self) -> &Access {
        &self.0.access
    }

    /// Returns an address in a repository: `…/v2/<name>/<rest>`.
    ///
    /// # Errors
    /// When the scheme of a registry on this machine cannot be determined.
    pub(super) async fn url(&self, repository: &Repository, rest: &str) -> Result<Url, Error> {
        let Repository { registry, name } = repository;
        let host = if registry == DOCKER_HUB { HUB_SERVER } else { registry };
        let address = |scheme: &str| {
            let text = format!("{scheme}://{host}/v2/{name}/{rest}");
            let unfit = |_| Error::Document { what: repository.to_string(), reason: "it makes no address".to_owned() };
            text.parse::<Url>().map_err(unfit)
        };
        let url = address("https")?;
        if !is_loopback(&url) {
            return Ok(url);
        }
        match self.local_scheme(registry, &url).await? {
            "https" => Ok(url),
            scheme => address(scheme),
        }
    }

    /// Finds out whether a registry on this machine speaks TLS. Only there may it be without.
    async fn local_scheme(&self, registry: &str, url: &Url) -> Result<&'static str, Error> {
        let known = || self.0.local.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(scheme) = known().get(registry) {
            return Ok(scheme);
        }
        let mut root = url.clone();
        root.set_path("/v2/");
        root.set_query(None);
        let request = Request { retried: false, ..Request::new(Method::GET, root) };
        let scheme = match self.0.client.exchange(&request).await {
            Ok(_) => "https",
            // What speaks TLS with a certificate that is not trusted must not be told anything without TLS.
            Err(source @ (net::Error::Untrusted { .. } | net::Error::Offline { .. })) => {
                return Err(Error::Net { action: "reach", what: registry.to_owned(), source });
            }
            Err(_) => "http",
        };
        known().insert(registry.to_owned(), scheme);
        Ok(scheme)
    }

    pub(super) async fn request(&self, method: Method, repository: &Repository, rest: &str) -> Result<Request, Error> {
        Ok(Request::new(method, self.url(repository, rest).await?))
    }

    /// Sends a request about `what`.
    pub(super) async fn send(
        &self,
        action: &'static str,
        what: &impl ToString,
        request: &Request,
    ) -> Result<Answer, Error> {
        let failed = |source| Error::Net { action, what: what.to_string(), source };
        self.0.client.exchange(request).await.map_err(failed)
    }

    /// Makes the error for an answer that is not a success.
    pub(super) fn refused(&self, action: &'static str, what: &impl ToString, answer: &Answer) -> Error {
        let registry = match (answer.url.host_str(), answer.url.port()) {
            (Some(HUB_SERVER), None) => DOCKER_HUB.to_owned(),
            (Some(host), Some(port)) => format!("{host}:{port}"),
            (host, _) => host.unwrap_or_default().to_owned(),
        };
        let (what, message) = (what.to_string(), message(&answer.body));
        match answer.status {
            401 | 403 => Error::Denied { asked_as: self.0.access.asked_as(&registry), registry, action, what, message },
            status => Error::Answer { registry, action, what, status, message },
        }
    }

    fn check(&self, at: &Reference, expected: &Digest, size: Option<u64>, bytes: &[u8]) -> Result<(), Error> {
        let received = digest_of(expected.algorithm(), bytes);
        let wrong_size = size.is_some_and(|size| size != bytes.len() as u64);
        if received == *expected && !wrong_size {
            return Ok(());
        }
        let description = |digest: &Digest, size: Option<u64>| match size.filter(|_| wrong_size) {
            Some(size) => format!("{digest} ({size} bytes)"),
            None => digest.to_string(),
        };
        Err(Error::Mismatch {
            registry: at.repository.registry.clone(),
            what: at.to_string(),
            expected: description(expected, size),
            received: description(&received, Some(bytes.len() as u64)),
        })
    }
}
