//! `toolkit env`: what to add to the environment so that the project's tools are found.

use std::process::ExitCode;

use clap::Args;

use super::Global;
use super::render::{self, Failure};
use super::settings::{Settings, platforms};
use super::shell::{self, Format};
use super::wanted;
use crate::host::Host;
use crate::provision;

/// Print what to add to the environment: PATH and variables
///
/// Works on what is installed and makes no connection. Without arguments: the tools of the project's toolkit.lock.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Which installed tools to show instead of the project's: TOOL or TOOL@CHANNEL
    #[arg(value_name = "SPEC")]
    specs: Vec<String>,
    /// Who reads it
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
        let settings = Settings::new(host, global)?;
        let platform = match &self.platform {
            Some(text) => platforms(std::slice::from_ref(text))?[0],
            None => host.platform,
        };
        let installs = wanted::installed(&self.specs, platform, &settings, global)?;
        settings.tell(&installs);
        let visible = provision::visible_roots(&installs, &settings.store, settings.report.as_ref())?;
        let path = host.search_path.as_ref().map(|path| path.to_string_lossy());
        let format = if global.json { Format::Json } else { self.format };
        render::data(&shell::render(&provision::activate(&visible)?, format, path.as_deref())?)?;
        Ok(ExitCode::SUCCESS)
    }
}
