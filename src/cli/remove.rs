//! `toolkit remove`: takes installs out of the store.

use std::collections::HashSet;
use std::process::ExitCode;

use clap::Args;

use super::Global;
use super::installs::chosen;
use super::render::{self, Failure, done};
use super::settings::Settings;
use crate::host::Host;

/// Remove installs from the store
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
        let installs = chosen(&self.specs, &settings)?;
        let waiting = |text: &str| settings.report.noted(text);
        for install in &installs {
            let id = &install.id;
            if !self.dry_run {
                settings.store.remove(&settings.store.lock(id, &waiting)?)?;
            }
            let verb = if self.dry_run { "would remove" } else { "removed" };
            done(
                global,
                format!("{verb} {} {} {} ({})", id.tool, id.version, id.platform, render::size(install.bytes())),
            );
        }
        if !self.dry_run {
            let keep: HashSet<_> = settings.store.list()?.into_iter().map(|install| install.id).collect();
            settings.store.prune(&settings.store.plan_prune(&keep)?, &waiting)?;
        }
        if global.json {
            render::json(&installs.iter().map(super::list::value).collect::<Vec<_>>())?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
