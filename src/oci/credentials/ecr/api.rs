//! `GetAuthorizationToken` of ECR's API, signed by Signature Version 4
//! (<https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetAuthorizationToken.html>,
//! <https://docs.aws.amazon.com/AmazonECRPublic/latest/APIReference/API_GetAuthorizationToken.html>).

use std::collections::BTreeMap;
use std::time::SystemTime;

use crate::net::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use aws_smithy_runtime_api::client::identity::Identity;
use bytes::Bytes;
use tokio::sync::Mutex;
use url::Url;

use super::super::{Error, Found};
use super::answer::{self, Token};
use super::{Registry, chain};
use crate::host::Host;
use crate::net::{self, Method, Payload, Request};

/// The question: for all registries that the credentials reach.
const QUESTION: &[u8] = b"{}";

/// An answer has some KiB.
const LARGEST: u64 = 1 << 20;

/// Asks the API, once for all registries of a region, and again when a token grows old.
#[derive(Debug)]
pub(super) struct Api {
    client: net::Client,
    /// The addresses that the environment puts in place of the usual ones: private, public.
    addresses: [Option<(&'static str, String)>; 2],
    /// Where this machine is, for the SDK.
    region: Option<String>,
    now: fn() -> jiff::Timestamp,
    /// By the host of the API.
    tokens: Mutex<BTreeMap<String, Token>>,
    /// Why the public registry is read without a user.
    anonymous: std::sync::Mutex<Option<String>>,
}

/// The two services, which differ in names only.
struct Service {
    name: &'static str,
    target: &'static str,
    action: &'static str,
}

const PRIVATE: Service = Service {
    name: "ecr",
    target: "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken",
    action: "ecr:GetAuthorizationToken",
};

const PUBLIC: Service = Service {
    name: "ecr-public",
    target: "SpencerFrontendService.GetAuthorizationToken",
    action: "ecr-public:GetAuthorizationToken and sts:GetServiceBearerToken",
};

impl Api {
    pub(super) fn new(host: &Host, client: &net::Client) -> Self {
        Self {
            client: client.clone(),
            addresses: [address(host, "AWS_ENDPOINT_URL_ECR"), address(host, "AWS_ENDPOINT_URL_ECR_PUBLIC")],
            region: host.var("AWS_REGION").or_else(|| host.var("AWS_DEFAULT_REGION")).map(str::to_owned),
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
            Err(error @ Error::EcrAddress { .. }) => Err(error),
            Err(error) if registry.public => {
                self.stay_anonymous(&error);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Says why the public registry is read without a user.
    pub(super) fn why_none(&self, registry: &Registry) -> Option<String> {
        self.anonymous.lock().ok()?.clone().filter(|_| registry.public)
    }

    fn is_anonymous(&self) -> bool {
        self.anonymous.lock().is_ok_and(|reason| reason.is_some())
    }

    fn stay_anonymous(&self, error: &Error) {
        if let Ok(mut reason) = self.anonymous.lock() {
            *reason = Some(error.to_string());
        }
    }

    async fn token(&self, registry: &Registry) -> Result<Token, Error> {
        let service = if registry.public { &PUBLIC } else { &PRIVATE };
        let url = self.address(registry)?;
        let region = self.region.as_deref().unwrap_or(&registry.region);
        let credentials = chain::credentials(&self.client, region).await?;
        let now = SystemTime::from((self.now)());
        if credentials.expiry().is_some_and(|expiry| expiry <= now) {
            return Err(Error::AwsExpired);
        }
        let signed = signed(service, &url, &registry.region, credentials, now);
        let headers = signed.map_err(|reason| Error::AwsBroken { reason })?;
        let payload = Payload::Bytes(Bytes::from_static(QUESTION));
        let request = Request { method: Method::POST, url, headers, payload, limit: LARGEST, retried: true };
        let answer = self.client.exchange(&request).await;
        let unreachable = |source| Error::EcrUnreachable { source: Box::new(source) };
        answer::read(&answer.map_err(unreachable)?, service.action)
    }

    /// Gives the address of the API.
    fn address(&self, registry: &Registry) -> Result<Url, Error> {
        let Some((variable, text)) = &self.addresses[usize::from(registry.public)] else {
            let url = format!("https://{}/", registry.api);
            let reason = format!("{} is no host", registry.api);
            return Url::parse(&url).map_err(|_| Error::EcrAnswer { reason });
        };
        let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "https" | "http") && url.has_host());
        url.ok_or(Error::EcrAddress { variable })
    }
}

/// Reads the address that the environment sets for a service
/// (<https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html>).
fn address(host: &Host, own: &'static str) -> Option<(&'static str, String)> {
    if host.var("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        return None;
    }
    [own, "AWS_ENDPOINT_URL"].iter().find_map(|name| Some((*name, host.var(name)?.to_owned())))
}

/// Makes the headers of the request, signature included; all that prove something are marked as sensitive.
fn signed(
    service: &Service,
    url: &Url,
    region: &str,
    credentials: Credentials,
    now: SystemTime,
) -> Result<HeaderMap, String> {
    let said = |error: &dyn std::error::Error| format!("the request could not be signed: {error}");
    let open = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", service.target)];
    let identity = Identity::from(credentials);
    let params = SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name(service.name)
        .time(now)
        .settings(SigningSettings::default())
        .build()
        .map_err(|error| said(&error))?
        .into();
    let body = SignableBody::Bytes(QUESTION);
    let signable = SignableRequest::new("POST", url.as_str(), open.into_iter(), body).map_err(|error| said(&error))?;
    let (instructions, _) = sign(signable, &params).map_err(|error| said(&error))?.into_parts();
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(open[0].1));
    headers.insert("x-amz-target", HeaderValue::from_static(service.target));
    for (name, value) in instructions.headers() {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|error| said(&error))?;
        let mut value = HeaderValue::from_str(value).map_err(|error| said(&error))?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Ok(headers)
}
