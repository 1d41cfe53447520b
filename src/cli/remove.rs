//! `toolkit remove`: takes installs out of the store.

use std::process::ExitCode;

use clap::Args;

use super::Global;
use super::installs::{chosen, discard, name};
use super::render::{self, Failure, done};
use super::settings::Settings;
use crate::host::Host;

/// Remove installs from the store, and the links that `install --link` made to them
///
/// An install that a running `toolkit exec` uses is kept; the exit code is 5 then. The others are removed.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Which installs: TOOL for all of its versions, or TOOL@CHANNEL
    #[arg(value_name = "SPEC", required = true)]
    specs: Vec<String>,
    /// Print what would be removed; change nothing
    #[arg(long)]
    dry_run: bool,
}

const EXAMPLES: &str = "\
Examples:
  toolkit remove go@1.26.1
  toolkit remove dotnet@8 --dry-run";

impl Arguments {
    pub(super) fn run(self, host: &Host, global: &Global) -> Result<ExitCode, Failure> {
        let settings = Settings::without_project(host, global)?;
        let mut installs = chosen(&self.specs, &settings)?;
        let mut kept = Vec::new();
        if self.dry_run {
            for install in &installs {
                done(global, format!("would remove {} ({})", name(install), render::size(install.bytes())));
            }
        } else {
            let discarded = discard(&installs, &|_| false, &settings, global)?;
            installs = discarded.removed;
            kept = discarded.kept;
            kept.iter().for_each(|line| render::say(format!("{line}\n")));
            if let Some(error) = discarded.failure.filter(|_| kept.is_empty()) {
                return Err(error.into());
            }
        }
        if global.json {
            render::json(&installs.iter().map(super::list::value).collect::<Vec<_>>())?;
        }
        Ok(if kept.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(5) })
    }
}
