//! GitLab Runner on EKS: values of the official chart for each architecture, Karpenter's machines for its jobs, and the
//! commands that apply them. The runner's token is referenced, never contained.

mod config;
mod machines;
mod readme;
mod setup;
mod values;

use super::{Error, Generator, Output, Project};
use crate::project::pipeline::Architecture;
use setup::Setup;

/// The target's name.
const TARGET: &str = "runner";

/// Generates the files that deploy GitLab's runners to a cluster.
#[derive(Debug)]
pub struct Runner;

impl Generator for Runner {
    fn name(&self) -> &'static str {
        TARGET
    }

    fn about(&self) -> &'static str {
        "GitLab Runner on EKS: chart values, Karpenter node pools and how to apply them"
    }

    fn generate(&self, project: &Project<'_>) -> Result<Vec<Output>, Error> {
        let setup = Setup::new(project)?;
        let mut outputs = vec![readme::output(&setup), machines::class(&setup)?];
        for architecture in &setup.architectures {
            outputs.push(machines::pool(&setup, *architecture)?);
            outputs.push(values::output(&setup, *architecture)?);
        }
        Ok(outputs)
    }
}

/// Returns the name of an architecture's release, service account, node pool and file.
fn release(architecture: Architecture) -> String {
    format!("gitlab-runner-{}", architecture.as_str())
}

/// Returns the name of the Secret with an architecture's runner token.
fn secret(architecture: Architecture) -> String {
    format!("{}-token", release(architecture))
}

/// The key of the taint that keeps everything except jobs off their machines.
const TAINT: &str = "gitlab-runner/arch";
