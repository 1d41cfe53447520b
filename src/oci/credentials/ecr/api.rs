//! `GetAuthorizationToken` of ECR's API
//! (<https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetAuthorizationToken.html>,
//! <https://docs.aws.amazon.com/AmazonECRPublic/latest/APIReference/API_GetAuthorizationToken.html>).

use std::collections::BTreeMap;

use tokio::sync::Mutex;
use url::Url;

use super::super::{Error, Found};
use super::Registry;
use super::answer::{self, Token};
use crate::aws::{self, Question, Service, Session, needs};
use crate::host::Host;
use crate::net;

/// The question: for all registries that the credentials reach.
const QUESTION: &str = "{}";

/// An answer has some KiB.
const LARGEST: u64 = 1 << 20;

/// Asks the API, once for all registries of a region, and again when a token grows old.
#[derive(Debug)]
pub(super) struct Api {
    session: Session,
    now: fn() -> jiff::Timestamp,
    /// By the host of the API.
    tokens: Mutex<BTreeMap<String, Token>>,
    /// Why the public registry is read without a user.
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

    /// Gets the password for a registry. The public one is read without when there is none: an image that everybody may
    /// have shall not depend on a permission.
    pub(super) async fn find(&self, registry: &Registry) -> Result<Option<Found>, Error> {
        // Held meanwhile, so that requests side by side ask once.
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

    /// Says why the public registry is read without a user.
    pub(super) fn why_none(&self, registry: &Registry) -> Option<String> {
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
            // It asks for `sts:GetServiceBearerToken` too, and says so where that is missing.
            let target = "SpencerFrontendService.GetAuthorizationToken";
            (Service::ECR_PUBLIC, target, needs::ecr_public_login())
        } else {
            let target = "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken";
            (Service::ECR, target, needs::ecr_login())
        };
        let question = Question {
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
        let answer = self.session.ask(question).await?;
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
