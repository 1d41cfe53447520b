//! `toolkit image`: images of several platforms.

mod check;
mod index;
mod inspect;

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::Global;
use super::render::Failure;
use super::settings::Settings;
use crate::host::Host;
use crate::model::{BadPlatform, ImagePlatform};
use crate::oci::Registries;

/// Join images of single platforms under one name, inspect images, and find those that lack a platform
///
/// Needs only a registry: no daemon, no container, no privileges.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, subcommand_required = true, arg_required_else_help = true)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    Index(index::Arguments),
    Inspect(inspect::Arguments),
    Check(check::Arguments),
}

const EXAMPLES: &str = "\
Examples:
  toolkit image index --tag ghcr.io/me/app:1.2 ghcr.io/me/app:1.2-amd64 ghcr.io/me/app:1.2-arm64
  toolkit image inspect ghcr.io/me/app:1.2
  toolkit image check --platform linux/amd64,linux/arm64";

impl Arguments {
    pub(super) fn run(self, host: &Host, global: &Global) -> Result<ExitCode, Failure> {
        match self.action {
            Action::Index(arguments) => arguments.run(host, global),
            Action::Inspect(arguments) => arguments.run(host, global),
            Action::Check(arguments) => arguments.run(host, global),
        }
    }
}

/// Returns the registries, with the credentials of this machine.
fn registries(settings: &Settings) -> Registries {
    Registries::with_access(&settings.client, settings.access.clone())
}

/// Reads a platform of an image.
fn platform(text: &str) -> Result<ImagePlatform, Failure> {
    text.parse().map_err(|cause: BadPlatform| Failure::usage(cause.to_string()))
}
