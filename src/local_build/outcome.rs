//! The result of a build, with the names of CodeBuild's API
//! (<https://docs.aws.amazon.com/codebuild/latest/APIReference/API_BuildPhase.html>).

use std::collections::BTreeMap;

use serde::Serialize;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    Succeeded,
    Failed,
    /// The time was up.
    TimedOut,
    /// It did not start, because a build that it waits for failed.
    Skipped,
}

/// A build that has ended.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// Its name in a batch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identifier: Option<String>,
    pub buildspec: String,
    pub build_status: Status,
    /// True if the batch succeeds despite its failure.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub ignored: bool,
    /// The number of attempts: more than one with `on-failure: RETRY`.
    pub attempts: u32,
    pub seconds: f64,
    /// The phases of the last attempt, in order.
    pub phases: Vec<PhaseOutcome>,
    /// The values of `exported-variables` at the end.
    pub exported_variables: BTreeMap<String, String>,
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
    pub phase_status: Status,
    /// How long it took.
    pub seconds: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<Context>,
}

/// CodeBuild's description of a failed phase.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Context {
    /// Such as `COMMAND_EXECUTION_ERROR`.
    pub status_code: String,
    pub message: String,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Artifact {
    /// The identifier of secondary artifacts; none for the primary ones.
    pub identifier: Option<String>,
    /// The value of `name` after expansion.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Their names in the artifact.
    pub files: Vec<String>,
}

/// The files of a report group.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReportFiles {
    pub group: String,
    pub format: String,
    /// Their paths, relative to the base directory.
    pub files: Vec<String>,
}

impl Status {
    /// Returns CodeBuild's name for it.
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
    /// Creates the outcome of a build that has not started.
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

    /// Hides secrets wherever commands may have put them.
    pub(super) fn hide(&mut self, hide: &dyn Fn(&str) -> String) {
        let apply = |text: &mut String| *text = hide(text);
        self.exported_variables.values_mut().for_each(apply);
        self.phases
            .iter_mut()
            .filter_map(|phase| phase.context.as_mut())
            .for_each(|context| apply(&mut context.message));
        for artifact in &mut self.artifacts {
            artifact.name.iter_mut().chain(&mut artifact.files).for_each(apply);
        }
        self.reports.iter_mut().flat_map(|report| &mut report.files).for_each(apply);
    }

    /// Returns true unless the build failed and the failure counts.
    #[must_use]
    pub fn is_fine(&self) -> bool {
        self.build_status == Status::Succeeded || self.ignored
    }
}
