//! The sources of credentials for registries. They are looked up by the name of a repository, only in the environment,
//! the user's own files and the helpers that those files name; a project file cannot name any of them.
//!
//! The first match wins, in this order:
//!
//! 1. Files. `REGISTRY_AUTH_FILE` alone where it is set, as for podman, buildah and skopeo
//!    (<https://github.com/containers/image/blob/main/docs/containers-auth.json.5.md>). Else the text in
//!    `DOCKER_AUTH_CONFIG` (docker and GitLab's runner: <https://docs.gitlab.com/ci/docker/using_docker_images/>), podman's
//!    `auth.json` of the session and of the user, then docker's `config.json`. In each file: the helper program in
//!    `credHelpers`, the entries in `auths` with the longest key first, the helper program in `credsStore`. Podman reads its
//!    files in this order too; docker knows only the last one and asks `credsStore` in front of `auths`, which it then keeps
//!    empty.
//! 2. The variables that GitLab sets in every job, for the registries that they name.
//! 3. Amazon ECR's API, for the registries of ECR, as `docker-credential-ecr-login` does
//!    (<https://github.com/awslabs/amazon-ecr-credential-helper>).

use std::fmt::{self, Debug};
use std::sync::Arc;

use async_trait::async_trait;

use crate::host::Host;
use crate::model::Repository;
use crate::net;

mod config;
mod ecr;
mod error;
mod files;
mod gitlab;
mod helper;
mod keys;

pub use ecr::place_of as ecr_place;
pub use error::Error;

/// A secret text. Its `Debug` prints no part of it, and it has no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a text as a secret.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns the text, for sending it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// A credential for a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// A user with a password.
    Basic { user: String, password: Secret },
    /// An OAuth 2 refresh token, to be exchanged at the registry's token service: docker's `identitytoken`
    /// (<https://distribution.github.io/distribution/spec/auth/oauth/>).
    Refresh { token: Secret },
    /// A token to send as it is: docker's `registrytoken`.
    Bearer { token: Secret },
}

/// A credential with its source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub credential: Credential,
    /// The source, for messages: `docker-credential-ecr-login`, `/root/.docker/config.json`.
    pub source: String,
}

/// A source of credentials.
#[async_trait]
pub trait Keychain: Debug + Send + Sync {
    /// Finds the credential for a repository; without one, the request is anonymous.
    ///
    /// # Errors
    /// When its source is broken: the file, the helper, the API.
    async fn find(&self, repository: &Repository) -> Result<Option<Found>, Error>;

    /// Returns why requests to a repository are anonymous although there is a source for it, for the hints of an error.
    /// Known only after [`Keychain::find`] found nothing.
    fn reason_anonymous(&self, _repository: &Repository) -> Option<String> {
        None
    }
}

/// Has no credentials: all requests are anonymous.
#[derive(Debug, Clone, Copy, Default)]
pub struct Anonymous;

#[async_trait]
impl Keychain for Anonymous {
    async fn find(&self, _: &Repository) -> Result<Option<Found>, Error> {
        Ok(None)
    }
}

/// Creates the default chain of this machine. Nothing is read or started before the first [`Keychain::find`].
///
/// `client` is for Amazon's API; it must not have an authorizer.
#[must_use]
pub fn keychain(host: &Host, client: &net::Client) -> Arc<dyn Keychain> {
    let files = files::Files::new(host);
    let gitlab = gitlab::Job::new(host);
    let ecr = ecr::Ecr::new(host, client);
    Arc::new(Chain(vec![Box::new(files), Box::new(gitlab), Box::new(ecr)]))
}

/// Tries several sources in order.
#[derive(Debug)]
struct Chain(Vec<Box<dyn Keychain>>);

#[async_trait]
impl Keychain for Chain {
    async fn find(&self, repository: &Repository) -> Result<Option<Found>, Error> {
        for keychain in &self.0 {
            if let Some(found) = keychain.find(repository).await? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    fn reason_anonymous(&self, repository: &Repository) -> Option<String> {
        self.0.iter().find_map(|keychain| keychain.reason_anonymous(repository))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_is_printed() {
        let secret = || Secret::new("hunter2");
        for credential in [
            Credential::Basic { user: "alice".to_owned(), password: secret() },
            Credential::Refresh { token: secret() },
            Credential::Bearer { token: secret() },
        ] {
            let found = Found { credential, source: "here".to_owned() };
            let printed = format!("{found:?} {found:#?}");
            assert!(!printed.contains("hunter2") && printed.contains('…'), "{printed}");
        }
    }
}
