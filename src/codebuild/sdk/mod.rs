//! CodeBuild through the AWS SDK, and build logs through AWS's JSON protocol.

mod logs;
mod read;
mod refusal;
mod write;

use std::sync::Arc;

use async_trait::async_trait;
use aws_credential_types::provider::{ProvideCredentials, future};
use aws_sdk_codebuild::Client;
use aws_sdk_codebuild::config::retry::RetryConfig;
use aws_sdk_codebuild::config::timeout::TimeoutConfig;
use aws_sdk_codebuild::config::{BehaviorVersion, Config, IdentityCache, Region, StalledStreamProtectionConfig};

use super::build::{Batch, Build, LogLocation, Project};
use super::service::{LogPage, Page, Service, Start};
use crate::aws::needs::{self, Place};
use crate::aws::{self, Connector, Need, Session};

/// Connects to CodeBuild in the region of this machine.
///
/// # Errors
/// When no region is known, or the environment sets an invalid address.
pub async fn connect(session: &Arc<Session>) -> Result<Arc<dyn Service>, aws::Error> {
    let region = session.region(aws::Service::CODEBUILD).await?;
    let mut config = Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .http_client(Connector::new(session.client()))
        .credentials_provider(Provider(Arc::clone(session)))
        // The session caches credentials itself, and must be able to forget them.
        .identity_cache(IdentityCache::no_cache())
        // The caller decides about retries.
        .retry_config(RetryConfig::disabled())
        // The client has its own limits.
        .timeout_config(TimeoutConfig::disabled())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .region(Region::new(region.clone()));
    config = match session.address(aws::Service::CODEBUILD)? {
        // The SDK does not accept FIPS or dual-stack settings together with a custom address.
        Some(address) => config.endpoint_url(address.as_str().trim_end_matches('/')),
        None => config
            .use_fips(session.is_set("AWS_USE_FIPS_ENDPOINT"))
            .use_dual_stack(session.is_set("AWS_USE_DUALSTACK_ENDPOINT")),
    };
    let client = Client::from_conf(config.build());
    Ok(Arc::new(Sdk { client, session: Arc::clone(session), region }))
}

/// Adapts the session to the SDK.
#[derive(Debug)]
struct Provider(Arc<Session>);

impl ProvideCredentials for Provider {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        self.0.provide_credentials()
    }
}

/// CodeBuild in one region.
#[derive(Debug)]
struct Sdk {
    client: Client,
    session: Arc<Session>,
    region: String,
}

impl Sdk {
    fn place(&self) -> Place<'_> {
        Place::in_region(&self.region)
    }

    /// Loads credentials before the SDK does: its error would hide the cause.
    async fn ready(&self) -> Result<(), aws::Error> {
        self.session.credentials(aws::Service::CODEBUILD, &self.region).await.map(drop)
    }

    /// Converts the error of a response. Expired credentials are forgotten, so that the next request looks for new
    /// ones.
    async fn checked<T, E>(
        &self,
        result: Result<T, refusal::SdkError<E>>,
        need: &Need,
        what: &str,
    ) -> Result<T, aws::Error>
    where
        E: refusal::OperationError,
    {
        let result = result.map_err(|error| refusal::convert(error, need, what));
        if result.as_ref().is_err_and(aws::Error::needs_new_credentials) {
            self.session.forget().await;
        }
        result
    }

    fn missing_answer(what: &str) -> aws::Error {
        aws::Error::Answer { service: aws::Service::CODEBUILD.name, reason: format!("it does not contain {what}") }
    }
}

/// Sends a request, and returns the response.
macro_rules! send {
    ($sdk:expr, $request:expr, $need:expr, $what:expr) => {{
        $sdk.ready().await?;
        let result = $request.send().await;
        $sdk.checked(result, $need, $what).await?
    }};
}

#[async_trait]
impl Service for Sdk {
    fn region(&self) -> &str {
        &self.region
    }

    async fn start(&self, start: &Start) -> Result<Build, aws::Error> {
        let need = needs::start_build(self.place(), &start.project);
        let answer = send!(self, write::build(&self.client, start)?, &need, &project_named(&start.project));
        answer.build_value.map(read::build).ok_or_else(|| Self::missing_answer("the build"))
    }

    async fn start_batch(&self, start: &Start) -> Result<Batch, aws::Error> {
        let need = needs::start_build_batch(self.place(), &start.project);
        let answer = send!(self, write::batch(&self.client, start)?, &need, &project_named(&start.project));
        answer.build_batch.map(read::batch).ok_or_else(|| Self::missing_answer("the batch"))
    }

    async fn builds(&self, ids: &[String]) -> Result<Vec<Build>, aws::Error> {
        let need = needs::batch_get_builds(self.place(), &projects(ids));
        let request = self.client.batch_get_builds().set_ids(Some(ids.to_vec()));
        let answer = send!(self, request, &need, &named("build", ids));
        Ok(answer.builds.unwrap_or_default().into_iter().map(read::build).collect())
    }

    async fn batches(&self, ids: &[String]) -> Result<Vec<Batch>, aws::Error> {
        let need = needs::batch_get_build_batches(self.place(), &projects(ids));
        let request = self.client.batch_get_build_batches().set_ids(Some(ids.to_vec()));
        let answer = send!(self, request, &need, &named("batch", ids));
        Ok(answer.build_batches.unwrap_or_default().into_iter().map(read::batch).collect())
    }

    async fn stop(&self, id: &str) -> Result<Build, aws::Error> {
        let need = needs::stop_build(self.place(), needs::project_of(id));
        let what = format!("the build `{id}`");
        let answer = send!(self, self.client.stop_build().id(id), &need, &what);
        answer.build_value.map(read::build).ok_or_else(|| Self::missing_answer("the build"))
    }

    async fn stop_batch(&self, id: &str) -> Result<Batch, aws::Error> {
        let need = needs::stop_build_batch(self.place(), needs::project_of(id));
        let what = format!("the batch `{id}`");
        let answer = send!(self, self.client.stop_build_batch().id(id), &need, &what);
        answer.build_batch.map(read::batch).ok_or_else(|| Self::missing_answer("the batch"))
    }

    async fn list(&self, project: Option<&str>, after: Option<&str>) -> Result<Page, aws::Error> {
        let after = after.map(str::to_owned);
        Ok(if let Some(project) = project {
            let need = needs::list_builds_for_project(self.place(), project);
            let request = self.client.list_builds_for_project().project_name(project).set_next_token(after);
            let answer = send!(self, request, &need, &project_named(project));
            Page { ids: answer.ids.unwrap_or_default(), next: answer.next_token }
        } else {
            let request = self.client.list_builds().set_next_token(after);
            let answer = send!(self, request, &needs::list_builds(), "the list of builds");
            Page { ids: answer.ids.unwrap_or_default(), next: answer.next_token }
        })
    }

    async fn list_batches(&self, project: Option<&str>, after: Option<&str>) -> Result<Page, aws::Error> {
        let after = after.map(str::to_owned);
        Ok(if let Some(project) = project {
            let need = needs::list_build_batches_for_project(self.place(), project);
            let request = self.client.list_build_batches_for_project().project_name(project).set_next_token(after);
            let answer = send!(self, request, &need, &project_named(project));
            Page { ids: answer.ids.unwrap_or_default(), next: answer.next_token }
        } else {
            let request = self.client.list_build_batches().set_next_token(after);
            let answer = send!(self, request, &needs::list_build_batches(), "the list of batches");
            Page { ids: answer.ids.unwrap_or_default(), next: answer.next_token }
        })
    }

    async fn project(&self, name: &str) -> Result<Project, aws::Error> {
        let need = needs::batch_get_projects(self.place(), name);
        let what = project_named(name);
        let answer = send!(self, self.client.batch_get_projects().names(name), &need, &what);
        let found = answer.projects.unwrap_or_default().into_iter().next();
        found.map(read::project).ok_or(aws::Error::Missing { what, source: None })
    }

    async fn log(&self, place: &LogLocation, after: Option<&str>) -> Result<LogPage, aws::Error> {
        let result = logs::page(&self.session, &self.region, place, after).await;
        if result.as_ref().is_err_and(aws::Error::needs_new_credentials) {
            self.session.forget().await;
        }
        result
    }
}

fn project_named(name: &str) -> String {
    format!("the project `{name}`")
}

/// Returns the project of the builds; `*` when they belong to several projects.
fn projects(ids: &[String]) -> String {
    let mut names = ids.iter().map(|id| needs::project_of(id));
    let first = names.next().unwrap_or("*");
    if names.all(|name| name == first) { first.to_owned() } else { "*".to_owned() }
}

fn named(kind: &str, ids: &[String]) -> String {
    match ids {
        [id] => format!("the {kind} `{id}`"),
        _ => format!("one of {} {}", ids.len(), if kind == "batch" { "batches" } else { "builds" }),
    }
}
