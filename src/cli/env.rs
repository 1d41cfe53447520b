//! `toolkit env`: what to add to the environment so that the project's tools are found.

use std::process::ExitCode;

use clap::Args;

use super::installs::report_notes;
use super::render::{self, Failure};
use super::settings::Settings;
use super::shell::{self, Format};
use super::{Global, platform};
use crate::host::Host;
use crate::provision::{self, Sourcing};

/// Print what to add to the environment: PATH and variables
///
/// Uses what is installed and makes no connection. Without arguments: the tools of the project's toolkit.lock.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Which installed tools to show instead of the project's: TOOL or TOOL@CHANNEL
    #[arg(value_name = "SPEC")]
    specs: Vec<String>,
    /// The reader: a shell, a CI system, a Dockerfile, a program
    #[arg(long, value_enum, default_value = "sh")]
    format: Format,
    /// Show installs for this platform instead of this machine's
    #[arg(long, value_name = "PLATFORM")]
    platform: Option<String>,
}

const EXAMPLES: &str = "\
Examples:
  eval \"$(toolkit env)\"
  toolkit env --format fish | source
  toolkit env --format dotenv > toolkit.env
  eval \"$(toolkit env --format github)\"
  toolkit env go@1.27 --format json";

impl Arguments {
    pub(super) fn run(self, host: &Host, global: &Global) -> Result<ExitCode, Failure> {
        let settings = Settings::offline(host, global)?;
        let platform = platform(self.platform.as_deref(), host)?;
        let context = settings.context();
        let requests = provision::requests(&self.specs, &context)?;
        let provisioned = provision::provision(&requests, platform, Sourcing::InstalledOnly, &context);
        let installs = settings.runtime.block_on_if_waiting(provisioned)?;
        report_notes(&installs, &settings);
        let (activation, _holds) = provision::activate(&installs, &context)?;
        let path = host.search_path.as_ref().map(|path| path.to_string_lossy());
        let format = if global.json { Format::Json } else { self.format };
        // As it is: a shell evaluates it, or it becomes a file. Each format quotes what it carries.
        render::raw(shell::render(&activation, format, path.as_deref())?)?;
        Ok(ExitCode::SUCCESS)
    }
}
