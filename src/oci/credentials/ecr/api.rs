//! `GetAuthorizationToken` of ECR's API
//! (<https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetAuthorizationToken.html>,
//! <https://docs.aws.amazon.com/AmazonECRPublic/latest/APIReference/API_GetAuthorizationToken.html>).

use std::collections::BTreeMap;

use tokio::sync::Mutex;
use url::Url;

use super::super::{Error, Found};
use super::Registry;
use super::answer::{self, Token};
use crate::aws::{self, JsonRequest, Service, Session, needs};
use crate::host::Host;
use crate::net;

/// The request: for all registries that the credentials can access.
const QUESTION: &str = "{}";

/// The largest response in bytes. A response has a few KiB.
const LARGEST: u64 = 1 << 20;

/// Gets tokens from the API: one for all registries of a region, and a new one before it expires.
#[derive(Debug)]
pub(super) struct Api {
    session: Session,
    now: fn() -> jiff::Timestamp,
    /// By the host of the API.
    tokens: Mutex<BTreeMap<String, Token>>,
    /// The reason why the public registry is read anonymously.
    anonymous: std::sync::Mutex<Option<String>>,
}

impl Api {
    pub(super) fn new(host: &Host, client: &net::Client) -> Self {
        Self {
            session: Session::new(host, client),
            now: jiff::Timestamp::now,
            tokens: Mutex::default(),
            anonymous: std::sync::Mutex::default(),
        }
    }

    /// Gets the password for a registry. The public one is read anonymously if there is none: a public image must not
    /// depend on a permission.
    pub(super) async fn find(&self, registry: &Registry) -> Result<Option<Found>, Error> {
        // The lock is held, so that concurrent requests get it once.
        let mut tokens = self.tokens.lock().await;
        if let Some(token) = tokens.get(&registry.api).filter(|token| token.lasts((self.now)())) {
            return Ok(Some(token.found()));
        }
        if registry.public && self.is_anonymous() {
            return Ok(None);
        }
        match self.token(registry).await {
            Ok(token) => {
                let found = token.found();
                tokens.insert(registry.api.clone(), token);
                Ok(Some(found))
            }
            Err(error @ aws::Error::Address { .. }) => Err(error.into()),
            Err(error) if registry.public => {
                self.stay_anonymous(&error);
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Returns the reason why the public registry is read anonymously.
    pub(super) fn reason_anonymous(&self, registry: &Registry) -> Option<String> {
        self.anonymous.lock().ok()?.clone().filter(|_| registry.public)
    }

    fn is_anonymous(&self) -> bool {
        self.anonymous.lock().is_ok_and(|reason| reason.is_some())
    }

    fn stay_anonymous(&self, error: &aws::Error) {
        if let Ok(mut reason) = self.anonymous.lock() {
            *reason = Some(error.to_string());
        }
    }

    async fn token(&self, registry: &Registry) -> Result<Token, aws::Error> {
        let (service, target, need) = if registry.public {
            // It also requires `sts:GetServiceBearerToken`, and names it if it is missing.
            let target = "SpencerFrontendService.GetAuthorizationToken";
            (Service::ECR_PUBLIC, target, needs::ecr_public_login())
        } else {
            let target = "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken";
            (Service::ECR, target, needs::ecr_login())
        };
        let request = JsonRequest {
            service,
            url: self.address(service, registry)?,
            region: &registry.region,
            target,
            need: &need,
            what: "the registry",
            body: QUESTION.to_owned(),
            limit: LARGEST,
            retried: true,
        };
        let answer = self.session.ask(request).await?;
        answer::read(&answer).map_err(|reason| aws::Error::Answer { service: service.name, reason })
    }

    /// Returns the address of the API.
    fn address(&self, service: Service, registry: &Registry) -> Result<Url, aws::Error> {
        if let Some(url) = self.session.address(service)? {
            return Ok(url);
        }
        let unfit = |_| aws::Error::Answer { service: service.name, reason: format!("{} is not a host", registry.api) };
        Url::parse(&format!("https://{}/", registry.api)).map_err(unfit)
    }
}
