//! The plan of a build.

use serde::Serialize;

use super::phases::shown;
use super::{Build, RunOptions, Spec, notes};
use crate::format::buildspec::PhaseName;
use crate::host::Host;

/// A build that has not begun.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// Its name in a batch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identifier: Option<String>,
    /// The builds that it waits for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub waits_for: Vec<String>,
    pub buildspec: String,
    /// The phases that have commands, in order.
    pub phases: Vec<PlannedPhase>,
    /// The secrets that need values.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<String>,
    /// What is otherwise here than on CodeBuild.
    pub notes: Vec<String>,
}

/// A phase that has not begun.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedPhase {
    /// Its name in the API.
    pub phase_type: &'static str,
    /// `on-failure`, where it is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_failure: Option<String>,
    pub commands: Vec<String>,
    /// What runs afterwards in any case.
    pub finally: Vec<String>,
}

pub(super) fn of(spec: &Spec, build: &Build, settings: &RunOptions, host: &Host) -> Plan {
    let buildspec = &spec.buildspec;
    let is_selected = |name: PhaseName| settings.phases.is_empty() || settings.phases.contains(&name);
    let phases = buildspec.phases.iter().filter(|phase| is_selected(phase.name)).map(|phase| PlannedPhase {
        phase_type: shown(phase.name),
        on_failure: phase.on_failure_text.as_ref().map(|text| text.text.clone()),
        commands: phase.commands.iter().map(|command| command.text.clone()).collect(),
        finally: phase.finally.iter().map(|command| command.text.clone()).collect(),
    });
    let secrets = buildspec.env.parameter_store.iter().chain(&buildspec.env.secrets_manager);
    Plan {
        identifier: build.identifier.clone(),
        waits_for: build.waits_for.clone(),
        buildspec: spec.path.clone(),
        phases: phases.collect(),
        secrets: secrets.map(|pair| pair.key.text.clone()).collect(),
        notes: notes::of(buildspec, build, host),
    }
}
