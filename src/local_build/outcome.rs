//! What became of a build, under the names of CodeBuild's API
//! (<https://docs.aws.amazon.com/codebuild/latest/APIReference/API_BuildPhase.html>).

use std::collections::BTreeMap;

use serde::Serialize;

/// How something ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// Well.
    Succeeded,
    /// Not well.
    Failed,
    /// The time was up.
    TimedOut,
    /// It never began: a build that it waits for failed.
    Skipped,
}

/// A build that has ended.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// Its name in a batch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identifier: Option<String>,
    /// The buildspec.
    pub buildspec: String,
    /// How it ended.
    pub build_status: Status,
    /// Whether its failure leaves the batch green.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub ignored: bool,
    /// How often it was begun: more than once where `on-failure` says so.
    pub attempts: u32,
    /// How long all of it took.
    pub seconds: f64,
    /// The phases of the last attempt, in order.
    pub phases: Vec<PhaseOutcome>,
    /// What `exported-variables` named, as it was at the end.
    pub exported_variables: BTreeMap<String, String>,
    /// What was collected.
    pub artifacts: Vec<Artifact>,
    /// The files of the report groups.
    pub reports: Vec<ReportFiles>,
}

/// A phase that has ended.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PhaseOutcome {
    /// Its name in the API: `PRE_BUILD`.
    pub phase_type: String,
    /// How it ended.
    pub phase_status: Status,
    /// How long it took.
    pub seconds: f64,
    /// What went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<Context>,
}

/// What CodeBuild says of a phase that failed.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Context {
    /// Such as `COMMAND_EXECUTION_ERROR`.
    pub status_code: String,
    /// In words.
    pub message: String,
}

/// Files that were collected.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Artifact {
    /// The identifier of secondary artifacts; none for the primary ones.
    pub identifier: Option<String>,
    /// `name`, as the shell expands it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Their names in the artifact.
    pub files: Vec<String>,
}

/// The files of a report group.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReportFiles {
    /// The group.
    pub group: String,
    /// Their format.
    pub format: String,
    /// Their paths, seen from the base directory.
    pub files: Vec<String>,
}

impl Status {
    /// Returns CodeBuild's word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
            Self::TimedOut => "TIMED_OUT",
            Self::Skipped => "SKIPPED",
        }
    }
}

impl Outcome {
    /// Makes the outcome of a build that has not begun.
    #[must_use]
    pub fn new(buildspec: &str, build_status: Status) -> Self {
        Self {
            identifier: None,
            buildspec: buildspec.to_owned(),
            build_status,
            ignored: false,
            attempts: 0,
            seconds: 0.0,
            phases: Vec::new(),
            exported_variables: BTreeMap::new(),
            artifacts: Vec::new(),
            reports: Vec::new(),
        }
    }

    /// Returns true if a caller has to hear of a failure.
    #[must_use]
    pub fn is_fine(&self) -> bool {
        self.build_status == Status::Succeeded || self.ignored
    }
}
