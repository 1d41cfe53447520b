//! `toolkit build`: builds of CodeBuild.

#[cfg(feature = "aws")]
mod compare;
mod local;

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::Global;
use super::render::Failure;
use crate::host::Host;

/// Run a buildspec
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, subcommand_required = true, arg_required_else_help = true)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    Local(Box<local::Arguments>),
    #[cfg(feature = "aws")]
    Compare(compare::Arguments),
}

const EXAMPLES: &str = "\
Examples:
  toolkit build local
  toolkit build local ci/buildspec.yml --phase build --env STAGE=test";

impl Arguments {
    pub(super) fn run(self, host: &Host, global: &Global) -> Result<ExitCode, Failure> {
        match self.action {
            Action::Local(arguments) => arguments.run(host, global),
            #[cfg(feature = "aws")]
            Action::Compare(arguments) => arguments.run(host, global),
        }
    }
}
