//! The operations of CodeBuild and of build logs that this program uses. Each request is sent once: the caller decides
//! whether and when to retry ([`aws::Error::is_transient`]).

use std::fmt::Debug;

use async_trait::async_trait;
use jiff::Timestamp;

use super::build::{Batch, Build, LogLocation, Project};
use crate::aws;

/// CodeBuild in one region, and the logs of its builds.
#[async_trait]
pub trait Service: Debug + Send + Sync {
    fn region(&self) -> &str;

    async fn start(&self, start: &Start) -> Result<Build, aws::Error>;

    /// Starts a batch of builds.
    async fn start_batch(&self, start: &Start) -> Result<Batch, aws::Error>;

    /// Reads at most 100 builds by their ids or ARNs. The result lacks those that were not found.
    async fn builds(&self, ids: &[String]) -> Result<Vec<Build>, aws::Error>;

    /// Reads at most 100 batches by their ids or ARNs. The result lacks those that were not found.
    async fn batches(&self, ids: &[String]) -> Result<Vec<Batch>, aws::Error>;

    async fn stop(&self, id: &str) -> Result<Build, aws::Error>;

    /// Stops a batch with all of its builds.
    async fn stop_batch(&self, id: &str) -> Result<Batch, aws::Error>;

    /// Lists ids of builds, newest first, of one project or of all. `after` is the token of the previous page.
    async fn list(&self, project: Option<&str>, after: Option<&str>) -> Result<Page, aws::Error>;

    /// Lists ids of batches, as [`Service::list`].
    async fn list_batches(&self, project: Option<&str>, after: Option<&str>) -> Result<Page, aws::Error>;

    async fn project(&self, name: &str) -> Result<Project, aws::Error>;

    /// Reads a page of a log, from its start or from where the previous page ended. A stream that does not exist yet is
    /// [`aws::Error::Missing`].
    async fn log(&self, place: &LogLocation, after: Option<&str>) -> Result<LogPage, aws::Error>;
}

/// A page of ids.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    pub ids: Vec<String>,
    /// The token of the next page; none after the last one.
    pub next: Option<String>,
}

/// A page of a log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogPage {
    /// The events, in order. A message may contain several lines or part of one.
    pub events: Vec<LogEvent>,
    /// The token of the next page; the token that was sent when there is nothing more for now
    /// (<https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html>).
    pub next: String,
}

/// Something that was logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEvent {
    pub time: Timestamp,
    /// The text, usually with a line break at its end.
    pub message: String,
}

/// A build to start. Fields that are `None` or empty keep the project's values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Start {
    pub project: String,
    /// The branch, tag, commit or version of the source.
    pub source_version: Option<String>,
    /// The text of a buildspec, or its path in the source, or its ARN in S3.
    pub buildspec: Option<String>,
    /// Variables, over those of the project.
    pub variables: Vec<Variable>,
    /// The environment type: `ARM_CONTAINER`.
    pub environment_type: Option<String>,
    pub image: Option<String>,
    /// Who pulls the image: `CODEBUILD` or `SERVICE_ROLE`.
    pub pull_credentials: Option<String>,
    /// The compute type: `BUILD_GENERAL1_SMALL`.
    pub compute: Option<String>,
    /// Whether containers may be built.
    pub privileged: Option<bool>,
    /// The build timeout in minutes, 5 to 2160.
    pub timeout: Option<i32>,
    /// The queue timeout in minutes, 5 to 480.
    pub queued_timeout: Option<i32>,
    pub cache: Option<Cache>,
    /// How often CodeBuild retries a failed build, 0 to 10. Not for batches.
    pub retry_limit: Option<i32>,
    /// The idempotency token: within five minutes, the same token starts nothing new. The sender generates one when
    /// none was given, so that a retried request starts nothing twice.
    pub token: Option<String>,
}

/// A variable of a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    pub name: String,
    /// Its value, or the name of the parameter or secret.
    pub value: String,
    /// Where the value is.
    pub kind: VariableKind,
}

/// Where the value of a variable is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VariableKind {
    Plaintext,
    /// In Systems Manager's parameter store.
    ParameterStore,
    SecretsManager,
}

/// A cache of builds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cache {
    Off,
    /// On the host, of these kinds: `LOCAL_SOURCE_CACHE`, `LOCAL_DOCKER_LAYER_CACHE`, `LOCAL_CUSTOM_CACHE`.
    Local(Vec<String>),
    /// In S3: a bucket with a path.
    S3(String),
}
