//! Builds and batches, as CodeBuild describes them
//! (<https://docs.aws.amazon.com/codebuild/latest/APIReference/API_Build.html>,
//! <https://docs.aws.amazon.com/codebuild/latest/APIReference/API_BuildBatch.html>).

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;

/// One build, or a batch of builds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum BuildKind {
    #[default]
    Single,
    /// A batch of builds.
    Batch,
}

impl BuildKind {
    /// Returns `build` or `batch`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Single => "build",
            Self::Batch => "batch",
        }
    }
}

/// The status of a build, a batch or a phase.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Status {
    /// It runs or waits.
    InProgress,
    /// It did what it should.
    Succeeded,
    Failed,
    Fault,
    /// It took longer than it may.
    TimedOut,
    Stopped,
    /// A status newer than this program, or one that only events have (`CLIENT_ERROR`).
    Other(String),
}

impl Status {
    /// Reads the API's word.
    #[must_use]
    pub fn parse(word: &str) -> Self {
        match word {
            "IN_PROGRESS" => Self::InProgress,
            "SUCCEEDED" => Self::Succeeded,
            "FAILED" => Self::Failed,
            "FAULT" => Self::Fault,
            "TIMED_OUT" => Self::TimedOut,
            "STOPPED" => Self::Stopped,
            other => Self::Other(other.to_owned()),
        }
    }

    /// Returns the API's word.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::InProgress => "IN_PROGRESS",
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
            Self::Fault => "FAULT",
            Self::TimedOut => "TIMED_OUT",
            Self::Stopped => "STOPPED",
            Self::Other(word) => word,
        }
    }

    /// Returns true if the build has ended. The field `buildComplete` is not used, because some emulators of CodeBuild
    /// never set it.
    #[must_use]
    pub fn is_over(&self) -> bool {
        *self != Self::InProgress
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One phase of a build or a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phase {
    /// Its name: `PRE_BUILD`.
    pub name: String,
    /// The result; none while the phase runs.
    pub status: Option<Status>,
    pub started: Option<Timestamp>,
    pub ended: Option<Timestamp>,
    /// The duration in whole seconds, as the API returns it; none while the phase runs.
    pub duration: Option<Duration>,
    pub contexts: Vec<Context>,
}

/// Why a phase failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// The class: `COMMAND_EXECUTION_ERROR`; may be empty.
    pub code: String,
    /// The text; may be empty.
    pub message: String,
}

/// What a build runs on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    /// The type: `ARM_CONTAINER`.
    pub kind: String,
    pub image: String,
    /// The compute type: `BUILD_GENERAL1_SMALL`.
    pub compute: String,
    /// Whether containers may be built.
    pub privileged: bool,
    /// The ARN of its reserved fleet; none for on-demand machines.
    pub fleet: Option<String>,
}

/// The location of a build's log. A build has none before PROVISIONING.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LogLocation {
    pub group: String,
    pub stream: String,
}

/// The position of a build in a chain of automatic retries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AutoRetry {
    /// How many retries there may be.
    pub limit: i32,
    /// The number of this retry; 0 for the first build.
    pub number: i32,
    /// The ARN of the build that follows it.
    pub next: Option<String>,
    /// The ARN of the build that it follows.
    pub previous: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Build {
    /// Its id: `web:12345678-…`.
    pub id: String,
    pub arn: Option<String>,
    /// Its number in the project.
    pub number: Option<i64>,
    pub project: String,
    pub status: Status,
    /// The phase that runs.
    pub current: Option<String>,
    /// All phases so far, in order.
    pub phases: Vec<Phase>,
    pub started: Option<Timestamp>,
    pub ended: Option<Timestamp>,
    /// What it runs on.
    pub environment: Environment,
    /// The requested version of the source.
    pub source_version: Option<String>,
    /// The commit that this version resolved to.
    pub resolved_version: Option<String>,
    pub initiator: Option<String>,
    /// The location of its log; none before there is one, or when logs are disabled.
    pub log: Option<LogLocation>,
    /// The log in the console.
    pub log_link: Option<String>,
    /// The log in S3, in the console.
    pub s3_log_link: Option<String>,
    /// Where artifacts were put.
    pub artifacts: Vec<String>,
    /// The ARNs of reports.
    pub reports: Vec<String>,
    /// The variables that its commands exported.
    pub exported: Vec<(String, String)>,
    /// The batch that it belongs to.
    pub batch: Option<String>,
    /// Its position in a chain of automatic retries.
    pub retry: AutoRetry,
}

#[cfg(test)]
impl Build {
    /// Makes a build of which nothing but its id is known.
    pub(super) fn bare(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            arn: None,
            number: None,
            project: id.split(':').next().unwrap_or_default().to_owned(),
            status: Status::InProgress,
            current: None,
            phases: Vec::new(),
            started: Some(Timestamp::UNIX_EPOCH),
            ended: None,
            environment: Environment::default(),
            source_version: None,
            resolved_version: None,
            initiator: None,
            log: None,
            log_link: None,
            s3_log_link: None,
            artifacts: Vec::new(),
            reports: Vec::new(),
            exported: Vec::new(),
            batch: None,
            retry: AutoRetry::default(),
        }
    }
}

/// A batch of builds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    pub id: String,
    pub arn: Option<String>,
    /// Its number in the project.
    pub number: Option<i64>,
    pub project: String,
    pub status: Status,
    /// The phase that runs.
    pub current: Option<String>,
    /// All phases so far, in order.
    pub phases: Vec<Phase>,
    pub started: Option<Timestamp>,
    pub ended: Option<Timestamp>,
    pub groups: Vec<Group>,
}

/// One build of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its identifier in the buildspec.
    pub identifier: String,
    /// The builds that it waits for.
    pub depends_on: Vec<String>,
    /// Whether the batch may succeed without it.
    pub ignore_failure: bool,
    /// The build that runs for it or did at last: its ARN and how it stands; none before it is started.
    pub current: Option<(String, Status)>,
    /// The builds before it, which were retried.
    pub prior: Vec<(String, Status)>,
}

/// What is known about a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    pub name: String,
    pub arn: Option<String>,
    /// What its builds run on.
    pub environment: Environment,
    /// The minutes after which a build ends.
    pub timeout: Option<i32>,
}

/// The id in an ARN, or the id itself: `arn:aws:codebuild:…:build/web:1` is `web:1`.
#[must_use]
pub fn id_of(text: &str) -> &str {
    text.strip_prefix("arn:").and_then(|rest| rest.rsplit_once('/')).map_or(text, |(_, id)| id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_holds_the_id() {
        for (text, expected) in [
            ("arn:aws:codebuild:eu-west-1:111122223333:build/web:1-2", "web:1-2"),
            ("arn:aws:codebuild:eu-west-1:111122223333:build-batch/web:1-2", "web:1-2"),
            ("web:1-2", "web:1-2"),
        ] {
            assert_eq!(id_of(text), expected);
        }
    }

    #[test]
    fn words_that_nobody_knows_stay_what_they_are() {
        for word in ["IN_PROGRESS", "SUCCEEDED", "FAILED", "FAULT", "TIMED_OUT", "STOPPED", "CLIENT_ERROR"] {
            assert_eq!(Status::parse(word).as_str(), word);
        }
        assert!(Status::parse("CLIENT_ERROR").is_over());
        assert!(!Status::InProgress.is_over());
    }
}
