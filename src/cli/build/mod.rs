//! `toolkit build`: builds of CodeBuild.

#[cfg(feature = "aws")]
mod compare;
#[cfg(feature = "aws")]
mod follow;
#[cfg(feature = "aws")]
mod list;
mod local;
#[cfg(feature = "aws")]
mod permissions;
#[cfg(feature = "aws")]
mod spoken;
#[cfg(feature = "aws")]
mod start;
#[cfg(feature = "aws")]
mod stop;

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::Global;
use super::render::Failure;
use crate::host::Host;

/// Run a buildspec here, or start, follow, list and stop builds on CodeBuild
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
    Start(Box<start::Arguments>),
    #[cfg(feature = "aws")]
    Follow(follow::Arguments),
    #[cfg(feature = "aws")]
    Stop(stop::Arguments),
    #[cfg(feature = "aws")]
    List(list::Arguments),
    #[cfg(feature = "aws")]
    Compare(compare::Arguments),
    #[cfg(feature = "aws")]
    Permissions(permissions::Arguments),
}

const EXAMPLES: &str = "\
Examples:
  toolkit build local
  toolkit build local ci/buildspec.yml --phase build --env STAGE=test
  toolkit build start web --arch amd64,arm64";

impl Arguments {
    pub(super) fn run(self, host: &Host, global: &Global) -> Result<ExitCode, Failure> {
        match self.action {
            Action::Local(arguments) => arguments.run(host, global),
            #[cfg(feature = "aws")]
            Action::Compare(arguments) => arguments.run(host, global),
            #[cfg(feature = "aws")]
            Action::Permissions(arguments) => arguments.run(host, global),
            #[cfg(feature = "aws")]
            Action::Start(arguments) => arguments.run(host, global),
            #[cfg(feature = "aws")]
            Action::Follow(arguments) => arguments.run(host, global),
            #[cfg(feature = "aws")]
            Action::Stop(arguments) => arguments.run(host, global),
            #[cfg(feature = "aws")]
            Action::List(arguments) => arguments.run(host, global),
        }
    }
}

/// Returns CodeBuild, in the region and with the credentials of this machine.
#[cfg(feature = "aws")]
async fn service(
    settings: &super::settings::Settings,
) -> Result<std::sync::Arc<dyn crate::codebuild::Service>, Failure> {
    Ok(crate::codebuild::connect(&settings.session).await?)
}
