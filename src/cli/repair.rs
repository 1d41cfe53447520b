//! `toolkit repair`: reinstalls what differs from its receipt.

use std::process::ExitCode;

use clap::Args;

use super::Global;
use super::installs::chosen;
use super::render::{self, Failure, done};
use super::settings::Settings;
use super::verify::{check, differences, value, view_value};
use crate::host::Host;
use crate::provision;

/// Reinstall what differs from its receipt, from the URLs and digests that the receipt records
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Which installs to check instead of all: TOOL or TOOL@CHANNEL
    #[arg(value_name = "SPEC")]
    specs: Vec<String>,
}

const EXAMPLES: &str = "\
Examples:
  toolkit repair
  toolkit repair go";

impl Arguments {
    pub(super) fn run(self, host: &Host, global: &Global) -> Result<ExitCode, Failure> {
        let settings = Settings::new(host, global)?;
        let mut repaired = Vec::new();
        for install in chosen(&self.specs, &settings)? {
            let differences = differences(&install, &settings)?;
            if differences.is_empty() {
                continue;
            }
            settings.runtime.block_on(async { Ok(provision::repair(&install, &settings.context()).await?) })?;
            let id = &install.id;
            done(
                global,
                format!("repaired {} {} {} ({} differed)", id.tool, id.version, id.platform, differences.len()),
            );
            repaired.push(value(&install, &differences));
        }
        for view in settings.store.views()? {
            let differences = settings.store.verify_view(&view, check(&settings))?;
            if !differences.is_empty() {
                provision::recompose(&view, &settings.store, settings.report.as_ref())?;
                done(global, format!("rebuilt the view {}", view.root.display()));
                repaired.push(view_value(&view, &differences));
            }
        }
        if repaired.is_empty() {
            done(global, "nothing differs");
        }
        if global.json {
            render::json(&repaired)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
