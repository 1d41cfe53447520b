//! Says to S3 who asks, again for each attempt, and understands why it refuses.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tokio::sync::OnceCell;
use url::Url;

use super::answer::{Action, Fault, Requested};
use super::location::{Address, Endpoint, Location};
use super::{Error, HASH};
use crate::aws::{Content, Service, Session, signed};
use crate::net::header::{HeaderMap, HeaderName, HeaderValue, IF_MATCH, IF_NONE_MATCH, IF_RANGE, RANGE};
use crate::net::{self, Authorizer, Interpretation, Method, PendingRequest, Refusal};

/// Where nobody says which region a server of your own is in, signatures name this one, which such servers take.
const USUAL_REGION: &str = "us-east-1";

/// The SHA-256 of nothing.
const NOTHING: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// Who asks for the objects of one bucket.
#[derive(Debug)]
pub(super) struct Signer {
    pub(super) session: Arc<Session>,
    pub(super) location: Location,
    endpoint: Endpoint,
    address: OnceCell<Address>,
    /// Whether there are credentials; looked up once.
    known: OnceCell<bool>,
    given_up: Mutex<Vec<(String, Url)>>,
}

impl Signer {
    pub(super) fn new(session: Arc<Session>, location: Location) -> Result<Self, Error> {
        let custom = session.address(Service::S3)?;
        let (dualstack, fips) = (session.is_set("AWS_USE_DUALSTACK_ENDPOINT"), session.is_set("AWS_USE_FIPS_ENDPOINT"));
        let endpoint = Endpoint { custom, dualstack, fips };
        let (address, known, given_up) = (OnceCell::new(), OnceCell::new(), Mutex::default());
        Ok(Self { session, location, endpoint, address, known, given_up })
    }

    /// Returns the address of the bucket. Its region is looked up once, when it is first needed.
    pub(super) async fn address(&self) -> Result<&Address, Error> {
        self.address
            .get_or_try_init(|| async {
                let region = match &self.location.region {
                    Some(region) => region.clone(),
                    None => match self.session.region(Service::S3).await {
                        Err(Error::NoRegion { .. }) if self.endpoint.custom.is_some() => USUAL_REGION.to_owned(),
                        region => region?,
                    },
                };
                self.endpoint.address(&self.location.bucket, &region)
            })
            .await
    }

    /// Returns true if requests are signed: not where the location says so, nor where there are no credentials.
    async fn is_known(&self, region: &str) -> Result<bool, Error> {
        if self.location.anonymous {
            return Ok(false);
        }
        let known = self.known.get_or_try_init(|| async {
            match self.session.credentials(Service::S3, region).await {
                Ok(_) => Ok(true),
                Err(Error::NoCredentials { .. }) => Ok(false),
                Err(other) => Err(other),
            }
        });
        known.await.copied()
    }

    /// Says what is asked, and as whom, for messages about refusals.
    pub(super) fn requested(&self) -> Requested<'_> {
        let region = self.address.get().map_or("", |address| &address.region);
        let unknown = self.known.get() == Some(&false);
        let anonymous = (self.location.anonymous || unknown).then_some(self.location.anonymous);
        Requested { location: &self.location, region, anonymous }
    }

    /// Returns the uploads in parts that nobody waits for any more, with the paths that they were for.
    pub(super) fn given_up(&self) -> MutexGuard<'_, Vec<(String, Url)>> {
        // A list of whole entries, whoever panicked.
        self.given_up.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn headers(&self, asking: PendingRequest<'_>) -> Result<HeaderMap, Error> {
        let region = &self.address().await?.region;
        let mut headers: HeaderMap = asking
            .headers
            .iter()
            .filter(|(name, _)| is_signed(name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let mut own = HeaderMap::new();
        if self.location.requester_pays {
            own.insert("x-amz-request-payer", HeaderValue::from_static("requester"));
        }
        if !self.is_known(region).await? {
            return Ok(own);
        }
        headers.extend(own.clone());
        // The hash of what is sent stands in a header of the request; the signature brings the same one.
        let hash = headers.remove(HASH);
        let hash = hash.as_ref().and_then(|value| value.to_str().ok()).unwrap_or(NOTHING);
        let credentials = self.session.credentials(Service::S3, region).await?;
        let request = (asking.method, asking.url, &headers);
        own.extend(signed(Service::S3, region, credentials, self.session.now(), request, Content::Hashed(hash))?);
        Ok(own)
    }
}

/// Returns true if a header is signed: those that change what is requested. What proxies add or change is not.
fn is_signed(name: &HeaderName) -> bool {
    name.as_str().starts_with("x-amz-") || [RANGE, IF_RANGE, IF_MATCH, IF_NONE_MATCH].contains(name)
}

#[async_trait]
impl Authorizer for Signer {
    async fn authorize(&self, asking: PendingRequest<'_>) -> Result<HeaderMap, net::Error> {
        self.headers(asking).await.map_err(|cause| net::Error::authorization(asking.url, cause))
    }

    fn explains(&self) -> bool {
        true
    }

    async fn refused(&self, asking: PendingRequest<'_>, refusal: Refusal<'_>) -> Interpretation {
        let fault = Fault::read(refusal.status, refusal.headers, refusal.body);
        // Those who ask for a file that is not there want to hear no more than that; and what passes by itself was not
        // a refusal.
        let missing = refusal.status == 404 && fault.code != "NoSuchBucket";
        let passes = matches!(refusal.status, 408 | 429 | 500..) && fault.code != "SlowDown";
        if missing || passes || fault.foreign {
            return Interpretation::Plain;
        }
        let action = match *asking.method {
            Method::GET | Method::HEAD => Action::Read,
            Method::DELETE => Action::Delete,
            _ => Action::Write,
        };
        let error = fault.classify(self.requested(), action, refusal.attempts);
        if error.needs_new_credentials() && refusal.again && !self.location.anonymous {
            self.session.forget().await;
            return Interpretation::Again;
        }
        Interpretation::Error(net::Error::explained(asking.url, refusal.status, error))
    }
}
