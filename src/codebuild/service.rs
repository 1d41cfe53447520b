//! What this program asks of CodeBuild and of the logs of builds. Each question is sent once: whoever asks knows whether
//! and when another attempt is worth it ([`aws::Error::passes`]).

use std::fmt::Debug;

use async_trait::async_trait;
use jiff::Timestamp;

use super::build::{Batch, Build, LogPlace, Project};
use crate::aws;

/// CodeBuild in one region, and the logs of its builds.
#[async_trait]
pub trait Service: Debug + Send + Sync {
    /// Returns the region.
    fn region(&self) -> &str;

    /// Starts a build.
    async fn start(&self, start: &Start) -> Result<Build, aws::Error>;

    /// Starts a batch of builds.
    async fn start_batch(&self, start: &Start) -> Result<Batch, aws::Error>;

    /// Reads at most 100 builds by their ids or ARNs. Those that are not found are missing in the answer.
    async fn builds(&self, ids: &[String]) -> Result<Vec<Build>, aws::Error>;

    /// Reads at most 100 batches by their ids or ARNs. Those that are not found are missing in the answer.
    async fn batches(&self, ids: &[String]) -> Result<Vec<Batch>, aws::Error>;

    /// Stops a build.
    async fn stop(&self, id: &str) -> Result<Build, aws::Error>;

    /// Stops a batch with all of its builds.
    async fn stop_batch(&self, id: &str) -> Result<Batch, aws::Error>;

    /// Lists ids of builds, newest first, of one project or of all. `after` is where the page before ended.
    async fn list(&self, project: Option<&str>, after: Option<&str>) -> Result<Page, aws::Error>;

    /// Lists ids of batches, as [`Service::list`].
    async fn list_batches(&self, project: Option<&str>, after: Option<&str>) -> Result<Page, aws::Error>;

    /// Reads a project.
    async fn project(&self, name: &str) -> Result<Project, aws::Error>;

    /// Reads a page of a log, from its begin or from where the page before ended. A stream that is not there yet is
    /// [`aws::Error::Missing`].
    async fn log(&self, place: &LogPlace, after: Option<&str>) -> Result<LogPage, aws::Error>;
}

/// A page of ids.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// The ids.
    pub ids: Vec<String>,
    /// Where the next page begins; none after the last one.
    pub next: Option<String>,
}

/// A page of a log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogPage {
    /// What was logged, in order; a message may hold several lines or a part of one.
    pub events: Vec<LogEvent>,
    /// Where the next page begins: the token that was sent when this is the end for now
    /// (<https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html>).
    pub next: String,
}

/// Something that was logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEvent {
    /// When.
    pub time: Timestamp,
    /// What, usually with the end of a line.
    pub message: String,
}

/// What to start. What is `None` or empty stays as the project has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Start {
    /// The project.
    pub project: String,
    /// The branch, tag, commit or version of the source.
    pub source_version: Option<String>,
    /// The text of a buildspec, or its path in the source, or its ARN in S3.
    pub buildspec: Option<String>,
    /// Variables, over those of the project.
    pub variables: Vec<Variable>,
    /// The environment type: `ARM_CONTAINER`.
    pub environment_type: Option<String>,
    /// The image.
    pub image: Option<String>,
    /// Who pulls the image: `CODEBUILD` or `SERVICE_ROLE`.
    pub pull_credentials: Option<String>,
    /// The compute type: `BUILD_GENERAL1_SMALL`.
    pub compute: Option<String>,
    /// Whether containers may be built.
    pub privileged: Option<bool>,
    /// The minutes after which a build ends, 5 to 2160.
    pub timeout: Option<i32>,
    /// The minutes that it may wait in the queue, 5 to 480.
    pub queued_timeout: Option<i32>,
    /// The cache.
    pub cache: Option<Cache>,
    /// How often a failed build is started again by CodeBuild, 0 to 10. Not for batches.
    pub retry_limit: Option<i32>,
    /// The same token within five minutes starts nothing new. Made up by who sends it where nobody gave one, so that a
    /// request that is sent again starts nothing twice.
    pub token: Option<String>,
}

/// A variable of a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its value, or the name of the parameter or secret.
    pub value: String,
    /// Where the value is.
    pub kind: VariableKind,
}

/// Where the value of a variable is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VariableKind {
    /// In the request.
    Plaintext,
    /// In Systems Manager's parameter store.
    ParameterStore,
    /// In Secrets Manager.
    SecretsManager,
}

/// A cache of builds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cache {
    /// None.
    Off,
    /// On the host, of these kinds: `LOCAL_SOURCE_CACHE`, `LOCAL_DOCKER_LAYER_CACHE`, `LOCAL_CUSTOM_CACHE`.
    Local(Vec<String>),
    /// In S3: a bucket with a path.
    S3(String),
}
