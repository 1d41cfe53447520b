//! Credentials that GitLab provides to every job, for its registry and for its dependency proxy
//! (<https://docs.gitlab.com/ci/variables/predefined_variables/>).

use async_trait::async_trait;

use super::keys::same_server;
use super::{Credential, Error, Found, Keychain, Secret};
use crate::host::Host;
use crate::model::Repository;

/// The user for a job's token
/// (<https://docs.gitlab.com/user/packages/container_registry/authenticate_with_container_registry/>).
const TOKEN_USER: &str = "gitlab-ci-token";

/// The credentials of the current job; none outside of GitLab.
#[derive(Debug)]
pub(super) struct Job(Vec<(String, Found)>);

impl Job {
    pub(super) fn new(host: &Host) -> Self {
        let found = |server: &str, user: &str, default: Option<&str>, passwords: &[&'static str]| {
            let server = host.var(server)?.to_owned();
            let (source, password) = passwords.iter().find_map(|name| Some((*name, host.var(name)?)))?;
            // The job's token always has its own user.
            let user = if source == "CI_JOB_TOKEN" { default } else { host.var(user).or(default) }?.to_owned();
            let credential = Credential::Basic { user, password: Secret::new(password) };
            Some((server, Found { credential, source: source.to_owned() }))
        };
        let registry =
            found("CI_REGISTRY", "CI_REGISTRY_USER", Some(TOKEN_USER), &["CI_REGISTRY_PASSWORD", "CI_JOB_TOKEN"]);
        let proxy =
            found("CI_DEPENDENCY_PROXY_SERVER", "CI_DEPENDENCY_PROXY_USER", None, &["CI_DEPENDENCY_PROXY_PASSWORD"]);
        Self(registry.into_iter().chain(proxy).collect())
    }
}

#[async_trait]
impl Keychain for Job {
    async fn find(&self, repository: &Repository) -> Result<Option<Found>, Error> {
        let found = self.0.iter().find(|(server, _)| same_server(server, &repository.registry));
        Ok(found.map(|(_, found)| found.clone()))
    }
}
