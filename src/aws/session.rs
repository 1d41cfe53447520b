//! A session with AWS: the credentials and the region of this machine, looked up at the first request.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{self, ProvideCredentials, future};
use tokio::sync::Mutex;
use url::Url;

use super::{Error, Service, chain};
use crate::host::Host;
use crate::net;

/// Credentials are renewed this long before they expire, so that they last for a request that starts now.
const SPARE: Duration = Duration::from_secs(60);

/// A session with AWS. Nothing is looked up before it is needed.
#[derive(Debug)]
pub struct Session {
    client: net::Client,
    host: Host,
    now: fn() -> SystemTime,
    region: Mutex<Option<Option<String>>>,
    credentials: Mutex<Option<Credentials>>,
}

impl Session {
    /// Creates the session of a machine. All requests go through `client`, without its mirror.
    #[must_use]
    pub fn new(host: &Host, client: &net::Client) -> Self {
        let (region, credentials) = (Mutex::default(), Mutex::default());
        Self { client: client.direct(), host: host.clone(), now: SystemTime::now, region, credentials }
    }

    /// Returns the client of all requests.
    #[must_use]
    pub fn client(&self) -> &net::Client {
        &self.client
    }

    /// Returns the time, for signatures.
    #[must_use]
    pub fn now(&self) -> SystemTime {
        (self.now)()
    }

    /// Returns the region of this machine: `AWS_REGION`, `AWS_DEFAULT_REGION`, the profile's, the instance's.
    ///
    /// # Errors
    /// [`Error::NoRegion`] when none is set, [`Error::BadRegion`] when it is not valid.
    pub async fn region(&self, service: Service) -> Result<String, Error> {
        let mut known = self.region.lock().await;
        if known.is_none() {
            let variable = ["AWS_REGION", "AWS_DEFAULT_REGION"].iter().find_map(|name| self.host.var(name));
            *known = Some(match variable {
                Some(region) => Some(region.to_owned()),
                None => chain::region(&self.client).await,
            });
        }
        let region = known.clone().flatten().ok_or(Error::NoRegion { service: service.name })?;
        // It becomes part of host names that receive credentials.
        let fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if region.chars().all(fine) { Ok(region) } else { Err(Error::BadRegion { text: region }) }
    }

    /// Returns credentials that last for a request that starts now. `region` is where roles are assumed.
    ///
    /// # Errors
    /// When there are none, or they cannot be loaded, or they have expired and there are no new ones.
    pub async fn credentials(&self, service: Service, region: &str) -> Result<Credentials, Error> {
        // The lock is held, so that concurrent requests look them up once.
        let mut known = self.credentials.lock().await;
        let soon = self.now() + SPARE;
        let lasts = |credentials: &Credentials| credentials.expiry().is_none_or(|expiry| expiry > soon);
        if let Some(credentials) = known.as_ref().filter(|credentials| lasts(credentials)) {
            return Ok(credentials.clone());
        }
        if let Some(keys) = self.keys_of_the_environment() {
            return Ok(known.insert(keys).clone());
        }
        let region = self.host.var("AWS_REGION").or_else(|| self.host.var("AWS_DEFAULT_REGION")).unwrap_or(region);
        let found = chain::credentials(&self.client, region, service).await?;
        if found.expiry().is_some_and(|expiry| expiry <= self.now()) {
            return Err(Error::ExpiredCredentials);
        }
        *known = Some(found.clone());
        Ok(found)
    }

    /// Reads the source with the highest precedence
    /// (<https://docs.aws.amazon.com/sdkref/latest/guide/feature-static-credentials.html>).
    fn keys_of_the_environment(&self) -> Option<Credentials> {
        let (id, secret) = (self.host.var("AWS_ACCESS_KEY_ID")?, self.host.var("AWS_SECRET_ACCESS_KEY")?);
        let token = self.host.var("AWS_SESSION_TOKEN").map(str::to_owned);
        Some(Credentials::new(id, secret, token, None, "environment"))
    }

    /// Forgets the credentials after AWS has called them expired. The next request looks for new ones, in files that
    /// may have been written in the meantime.
    pub async fn forget(&self) {
        *self.credentials.lock().await = None;
    }

    /// Returns true if the environment sets a switch, such as `AWS_USE_FIPS_ENDPOINT`, to true.
    #[must_use]
    pub fn is_set(&self, variable: &str) -> bool {
        self.host.var(variable).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// Returns the address that the environment sets for a service in place of the usual one
    /// (<https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html>).
    ///
    /// # Errors
    /// [`Error::Address`] when it is not a usable URL.
    pub fn address(&self, service: Service) -> Result<Option<Url>, Error> {
        if self.is_set("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS") {
            return Ok(None);
        }
        let own = format!("AWS_ENDPOINT_URL_{}", service.variable);
        let Some((variable, text)) =
            [own.as_str(), "AWS_ENDPOINT_URL"].iter().find_map(|name| Some((*name, self.host.var(name)?)))
        else {
            return Ok(None);
        };
        let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "https" | "http") && url.has_host());
        url.map(Some).ok_or_else(|| Error::Address { variable: variable.to_owned() })
    }
}

/// The SDK gets credentials here, so that [`Session::forget`] applies to it too.
impl ProvideCredentials for Session {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            let service = Service::CODEBUILD;
            let found = async { self.credentials(service, &self.region(service).await?).await };
            found.await.map_err(CredentialsError::provider_error) as provider::Result
        })
    }
}
