//! What to say to registries: challenges are answered with credentials or with tokens bought for them, each kept for the
//! repository that it was given for.
//!
//! One token is asked for everything that will be done in a repository ([`Access::expect`]), and the way to the token
//! service, once known, is taken for the next repository of the same registry without being refused first.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde::Deserialize;
use url::Url;

use super::Error;
use super::address::{RegistryPath, registry_path};
use super::challenge::{Challenge, challenges};
use super::credentials::{Credential, Found, Keychain};
use super::error_body::message;
use crate::model::Repository;
use crate::net::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use crate::net::{self, Answer, Authorizer, Client, Method, Payload, PendingRequest, Request, shown};

/// The life of a token whose service says nothing about it (<https://distribution.github.io/distribution/spec/auth/token/>).
const USUAL_LIFE: Duration = Duration::from_secs(60);

/// A token that dies within this time is renewed first: the request that carries it takes its time too.
const MARGIN: Duration = Duration::from_secs(5);

/// The most bytes of a token service's answer; tokens of some services have several KiB.
const LARGEST: u64 = 1 << 20;

/// What will be done in a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Actions {
    Pull,
    Push,
}

/// Answers the challenges of registries. Other servers are told nothing.
#[derive(Debug)]
pub struct Access {
    /// Asks token services; has no authorizer itself.
    client: Client,
    keychain: Arc<dyn Keychain>,
    known: Mutex<Known>,
    /// Held while a token is bought, so that requests in parallel buy one together.
    buying: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Known {
    expected: HashMap<Repository, Vec<Scope>>,
    /// How the registry behind an origin wants to be told who is there.
    ways: HashMap<String, Challenge>,
    passes: HashMap<Repository, Pass>,
    /// Addresses in which no repository can be read, such as those of uploads on some registries.
    adopted: HashMap<String, Repository>,
    /// As whom each registry is asked, in words.
    asked_as: HashMap<String, String>,
}

/// What is needed in one repository.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Scope {
    name: String,
    actions: Actions,
}

/// What is said until `dies`.
#[derive(Debug, Clone)]
struct Pass {
    value: HeaderValue,
    dies: Option<Instant>,
}

impl Access {
    /// Makes an access that finds credentials in `keychain` and asks token services through `client`.
    #[must_use]
    pub fn new(client: Client, keychain: Arc<dyn Keychain>) -> Self {
        Self { client, keychain, known: Mutex::default(), buying: tokio::sync::Mutex::default() }
    }

    /// Announces the actions in a repository, so that one token is enough for all.
    pub fn expect(&self, repository: &Repository, actions: Actions) {
        self.need(repository, &repository.name, actions);
    }

    /// Announces that blobs of `source`, in the same registry, will be mounted into `target`.
    pub fn expect_mount(&self, target: &Repository, source: &Repository) {
        self.need(target, &source.name, Actions::Pull);
    }

    fn need(&self, repository: &Repository, name: &str, actions: Actions) {
        let mut known = self.known();
        let scopes = known.expected.entry(repository.clone()).or_default();
        match scopes.iter_mut().find(|scope| scope.name == name) {
            Some(scope) if scope.actions >= actions => return,
            Some(scope) => scope.actions = actions,
            None => scopes.push(Scope { name: name.to_owned(), actions }),
        }
        // A token that allows less is of no use any more.
        known.passes.remove(repository);
    }

    /// Remembers that requests to `url` belong to a repository although their address does not say so.
    pub(super) fn adopt(&self, url: &Url, repository: &Repository) {
        self.known().adopted.insert(without_query(url), repository.clone());
    }

    /// Returns the account that a registry is asked with, for messages.
    pub(super) fn asked_as(&self, registry: &str) -> String {
        let asked_as = self.known().asked_as.get(registry).cloned();
        asked_as.unwrap_or_else(|| "anonymously, because no credentials were found".to_owned())
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // A thread that panicked while it held the lock left whole entries behind.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn repository(&self, url: &Url) -> Option<Repository> {
        match registry_path(url) {
            Some(RegistryPath { repository: Some(repository), .. }) => Some(repository),
            _ => self.known().adopted.get(&without_query(url)).cloned(),
        }
    }

    fn pass(&self, repository: &Repository) -> Option<HeaderValue> {
        let known = self.known();
        let pass = known.passes.get(repository)?;
        let lives = pass.dies.is_none_or(|dies| Instant::now() + MARGIN < dies);
        lives.then(|| pass.value.clone())
    }

    /// Returns the value of `Authorization` for a request; none where there is nothing to say (yet).
    async fn authorization(&self, url: &Url) -> Result<Option<HeaderValue>, net::Error> {
        let Some(repository) = self.repository(url) else { return Ok(None) };
        if let Some(value) = self.pass(&repository) {
            return Ok(Some(value));
        }
        let Some(way) = self.known().ways.get(&origin(url)).cloned() else { return Ok(None) };
        let _buying = self.buying.lock().await;
        if let Some(value) = self.pass(&repository) {
            return Ok(Some(value));
        }
        self.obtain(&repository, url, &way).await.map_err(|cause| net::Error::authorization(url, cause))
    }

    /// Finds what to say in `repository` the way its registry wants it. None when there is nothing to say.
    async fn obtain(&self, repository: &Repository, url: &Url, way: &Challenge) -> Result<Option<HeaderValue>, Error> {
        let registry = &repository.registry;
        let failed = |source| Error::Credentials { registry: registry.clone(), source };
        let found = self.keychain.find(repository).await.map_err(failed)?;
        let asked_as = match &found {
            Some(Found { source, .. }) => Some(format!("with the credentials of {source}")),
            None => self.keychain.reason_anonymous(repository).map(|why| format!("anonymously, as {why}")),
        };
        self.known().asked_as.extend(asked_as.map(|asked_as| (registry.clone(), asked_as)));
        let credential = found.map(|found| found.credential);
        let pass = match (way.scheme.as_str(), credential) {
            (_, Some(Credential::Bearer { token })) => {
                Some(Pass { value: bearer(token.reveal(), registry)?, dies: None })
            }
            ("basic", Some(Credential::Basic { user, password })) => {
                Some(Pass { value: basic(&user, password.reveal(), registry)?, dies: None })
            }
            ("basic", _) => None,
            (_, credential) => Some(self.buy(repository, url, way, credential).await?),
        };
        let value = pass.as_ref().map(|pass| pass.value.clone());
        if let Some(pass) = pass {
            self.known().passes.insert(repository.clone(), pass);
        }
        Ok(value)
    }

    /// Exchanges a credential, or none, for a token.
    async fn buy(
        &self,
        repository: &Repository,
        url: &Url,
        way: &Challenge,
        credential: Option<Credential>,
    ) -> Result<Pass, Error> {
        let registry = &repository.registry;
        let realm = realm(way, url).map_err(|reason| Error::Challenge { registry: registry.clone(), reason })?;
        let scopes = self.scopes(repository, way);
        let request = token_request(realm, way, &scopes, credential, registry)?;
        let what = format!("a token for {repository}");
        let answer = self.client.exchange(&request).await;
        let answer = answer.map_err(|source| Error::Net { action: "ask for", what: what.clone(), source })?;
        token(&answer, &what, registry, || self.asked_as(registry))
    }

    /// Joins what the registry asks for and what will be needed.
    fn scopes(&self, repository: &Repository, way: &Challenge) -> Vec<String> {
        let known = self.known();
        let own = vec![Scope { name: repository.name.clone(), actions: Actions::Pull }];
        let mut needed = known.expected.get(repository).cloned().unwrap_or(own);
        let mut scopes = Vec::new();
        for scope in way.scopes() {
            match scope.strip_prefix("repository:").and_then(|rest| rest.rsplit_once(':')) {
                // The scope of another repository stands in a challenge that was remembered.
                Some((name, actions)) if name == repository.name && actions.contains("push") => {
                    needed
                        .iter_mut()
                        .filter(|scope| scope.name == name)
                        .for_each(|scope| scope.actions = Actions::Push);
                }
                Some(_) => {}
                None => scopes.push(scope),
            }
        }
        // A registry with scopes of its own (public.ecr.aws asks for `aws`) knows no others.
        if scopes.is_empty() {
            scopes.extend(needed.iter().map(Scope::text));
        }
        scopes
    }
}

impl Scope {
    fn text(&self) -> String {
        let actions = match self.actions {
            Actions::Pull => "pull",
            Actions::Push => "pull,push",
        };
        format!("repository:{}:{actions}", self.name)
    }
}

#[async_trait]
impl Authorizer for Access {
    async fn authorize(&self, asking: PendingRequest<'_>) -> Result<HeaderMap, net::Error> {
        let value = self.authorization(asking.url).await?;
        Ok(value.map(|value| (AUTHORIZATION, value)).into_iter().collect())
    }

    async fn challenged(
        &self,
        asking: PendingRequest<'_>,
        sent: &HeaderMap,
        answered: &HeaderMap,
    ) -> Result<bool, net::Error> {
        let (url, sent, headers) = (asking.url, sent.get(AUTHORIZATION), answered);
        if registry_path(url).is_none() && self.repository(url).is_none() {
            return Ok(false);
        }
        let challenges = challenges(headers);
        let by = |scheme: &str| challenges.iter().find(|challenge| challenge.scheme == scheme).cloned();
        let Some(way) = by("bearer").or_else(|| by("basic")) else { return Ok(false) };
        self.known().ways.insert(origin(url), way.clone());
        let Some(repository) = self.repository(url) else { return Ok(false) };
        let _buying = self.buying.lock().await;
        if self.pass(&repository).is_some_and(|value| sent != Some(&value)) {
            return Ok(true); // Another request was refused at the same time and has settled it.
        }
        let value = self.obtain(&repository, url, &way).await;
        let value = value.map_err(|cause| net::Error::authorization(url, cause))?;
        Ok(value.is_some_and(|value| sent != Some(&value)))
    }
}

/// Reads where tokens are given. What is served over TLS does not send its callers' credentials elsewhere without it.
fn realm(way: &Challenge, url: &Url) -> Result<Url, String> {
    let text = way.get("realm").ok_or("it names no token service")?;
    let realm: Url = text.parse().map_err(|_| "the address of its token service is none".to_owned())?;
    if url.scheme() == "https" && realm.scheme() != "https" {
        return Err(format!("its token service {} does not use https", shown(&realm)));
    }
    Ok(realm)
}

/// Asks with `GET` and a password, or with `POST` and a refresh token
/// (<https://distribution.github.io/distribution/spec/auth/oauth/>).
fn token_request(
    mut realm: Url,
    way: &Challenge,
    scopes: &[String],
    credential: Option<Credential>,
    registry: &str,
) -> Result<Request, Error> {
    let service = way.get("service");
    if let Some(Credential::Refresh { token }) = credential {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "refresh_token").append_pair("client_id", "toolkit");
        form.append_pair("refresh_token", token.reveal()).append_pair("scope", &scopes.join(" "));
        service.map(|service| form.append_pair("service", service));
        let mut request = Request::new(Method::POST, realm);
        request.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        request.payload = Payload::Secret(form.finish().into());
        request.limit = LARGEST;
        return Ok(request);
    }
    {
        let mut query = realm.query_pairs_mut();
        service.map(|service| query.append_pair("service", service));
        scopes.iter().for_each(|scope| {
            query.append_pair("scope", scope);
        });
    }
    let mut request = Request::new(Method::GET, realm);
    if let Some(Credential::Basic { user, password }) = credential {
        request.headers.insert(AUTHORIZATION, basic(&user, password.reveal(), registry)?);
    }
    request.limit = LARGEST;
    Ok(request)
}

/// What a token service answers.
#[derive(Deserialize)]
struct Given {
    token: Option<String>,
    access_token: Option<String>,
    expires_in: Option<u64>,
}

fn token(answer: &Answer, what: &str, registry: &str, asked_as: impl Fn() -> String) -> Result<Pass, Error> {
    match answer.status {
        200 => {}
        401 | 403 => {
            return Err(Error::Denied {
                registry: registry.to_owned(),
                action: "have",
                what: what.to_owned(),
                asked_as: asked_as(),
                message: message(&answer.body),
            });
        }
        status => {
            return Err(Error::Answer {
                registry: registry.to_owned(),
                action: "give",
                what: what.to_owned(),
                status,
                message: message(&answer.body),
            });
        }
    }
    let unfit = |reason: &str| Error::Document { what: what.to_owned(), reason: reason.to_owned() };
    let given: Given = serde_json::from_slice(&answer.body).map_err(|_| unfit("the answer is not a token's JSON"))?;
    let token = given.token.or(given.access_token).filter(|token| !token.is_empty());
    let token = token.ok_or_else(|| unfit("the answer holds no token"))?;
    let life = given.expires_in.filter(|seconds| *seconds > 0).map_or(USUAL_LIFE, Duration::from_secs);
    Ok(Pass { value: bearer(&token, registry)?, dies: Instant::now().checked_add(life) })
}

fn bearer(token: &str, registry: &str) -> Result<HeaderValue, Error> {
    sensitive(&format!("Bearer {token}"), registry)
}

fn basic(user: &str, password: &str, registry: &str) -> Result<HeaderValue, Error> {
    sensitive(&format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}"))), registry)
}

fn sensitive(text: &str, registry: &str) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::from_str(text).map_err(|_| Error::Challenge {
        registry: registry.to_owned(),
        reason: "the token for it holds characters that no header may hold".to_owned(),
    })?;
    value.set_sensitive(true);
    Ok(value)
}

fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

fn without_query(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    url.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oci::credentials::Anonymous;
    use crate::report::Silent;

    fn access() -> Access {
        Access::new(Client::new(net::Settings::default(), Arc::new(Silent)), Arc::new(Anonymous))
    }

    fn way(scope: &str) -> Challenge {
        let value = format!("Bearer realm=\"https://auth.example/token\",service=\"s\"{scope}");
        let headers = HeaderMap::from_iter([(net::header::WWW_AUTHENTICATE, HeaderValue::from_str(&value).unwrap())]);
        challenges(&headers).remove(0)
    }

    #[test]
    fn one_token_is_asked_for_all_that_will_be_done() {
        let (app, base): (Repository, Repository) =
            ("r.example/app".parse().unwrap(), "r.example/base".parse().unwrap());
        let access = access();
        assert_eq!(access.scopes(&app, &way("")), ["repository:app:pull"]);
        assert_eq!(access.scopes(&app, &way(",scope=\"repository:app:pull,push\"")), ["repository:app:pull,push"]);
        assert_eq!(access.scopes(&app, &way(",scope=\"repository:other:pull\"")), ["repository:app:pull"]);
        assert_eq!(access.scopes(&app, &way(",scope=\"aws\"")), ["aws"]);
        access.expect(&app, Actions::Push);
        access.expect(&app, Actions::Pull);
        access.expect_mount(&app, &base);
        assert_eq!(access.scopes(&app, &way("")), ["repository:app:pull,push", "repository:base:pull"]);
    }

    #[test]
    fn a_token_service_without_tls_is_refused_by_a_registry_with_it() {
        let way = |realm: &str| {
            let value = HeaderValue::from_str(&format!("Bearer realm=\"{realm}\"")).unwrap();
            challenges(&HeaderMap::from_iter([(net::header::WWW_AUTHENTICATE, value)])).remove(0)
        };
        let (tls, plain) = ("https://r.example/v2/".parse().unwrap(), "http://localhost/v2/".parse().unwrap());
        assert!(realm(&way("https://auth.example/t"), &tls).is_ok());
        assert!(realm(&way("http://auth.example/t"), &tls).is_err());
        assert!(realm(&way("http://localhost/t"), &plain).is_ok());
        assert!(realm(&way("not an address"), &plain).is_err());
    }

    #[test]
    fn nothing_is_printed_of_what_is_said() {
        let value = basic("user", "very-secret", "r.example").unwrap();
        assert!(!format!("{value:?}").contains("c2VjcmV0"), "{value:?}");
    }
}
