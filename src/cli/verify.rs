//! `toolkit verify`: hashes every installed file again and compares it with the receipt.

use std::process::ExitCode;

use clap::Args;

use super::Global;
use super::installs::chosen;
use super::render::{self, Failure, done};
use super::settings::Settings;
use super::styled::{Styled, green, red};
use crate::host::Host;
use crate::store::{self, Change, Check, Difference, Install, View};
use crate::text::escape_line;

/// Hash every installed file again and compare it with the receipt of its install
///
/// Exits 1 when something differs. Use it after a CI cache was restored: caches are not trusted.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Which installs to check instead of all: TOOL or TOOL@CHANNEL
    #[arg(value_name = "SPEC")]
    specs: Vec<String>,
}

const EXAMPLES: &str = "\
Examples:
  toolkit verify
  toolkit verify go@1.27 --json";

impl Arguments {
    pub(super) fn run(self, host: &Host, global: &Global) -> Result<ExitCode, Failure> {
        let settings = Settings::without_project(host, global)?;
        let installs = chosen(&self.specs, &settings)?;
        let mut sound = true;
        let mut report = Vec::new();
        for install in &installs {
            let differences = differences(install, &settings)?;
            sound &= differences.is_empty();
            if !global.json {
                print(install, &differences)?;
            }
            report.push(value(install, &differences));
        }
        for view in settings.store.views()? {
            let differences = settings.store.verify_view(&view, check(&settings))?;
            sound &= differences.is_empty();
            if !global.json && !differences.is_empty() {
                render::data(lines(&format!("view {}", view.root.display()), &differences))?;
            }
            report.push(view_value(&view, &differences));
        }
        if global.json {
            render::json(&report)?;
        }
        if sound {
            return Ok(ExitCode::SUCCESS);
        }
        done(global, "hint: `toolkit repair` reinstalls what differs");
        Ok(ExitCode::from(1))
    }
}

/// Lists what differs in an install. A file list that cannot be trusted is a difference like any other: the receipt vouches
/// for it.
pub(super) fn differences(install: &Install, settings: &Settings) -> Result<Vec<Difference>, Failure> {
    match settings.store.verify(install, check(settings)) {
        Err(store::Error::FileList { path, .. }) => {
            Ok(vec![Difference { path: path.display().to_string(), change: Change::Content }])
        }
        outcome => Ok(outcome?),
    }
}

/// Hashes on every processor, without a bar: a minute at most even for several toolchains.
pub(super) fn check(settings: &Settings) -> Check<'static> {
    Check { threads: settings.host.processors.count(), advanced: &|_| {} }
}

fn print(install: &Install, differences: &[Difference]) -> Result<(), Failure> {
    let id = &install.id;
    let name = format!("{} {} {}", id.tool, id.version, id.platform);
    if differences.is_empty() {
        return render::data(green("ok") + format!(" {name}, {}\n", render::size(install.bytes())));
    }
    render::data(lines(&name, differences))
}

fn lines(name: &str, differences: &[Difference]) -> Styled {
    let mut text = red("differs") + " " + name + "\n";
    for difference in differences {
        text.push(format!("  {}\n", escape_line(&difference.to_string())));
    }
    text
}

/// Returns an install, and what differs in it, as JSON shows it.
pub(super) fn value(install: &Install, differences: &[Difference]) -> serde_json::Value {
    serde_json::json!({
        "tool": install.id.tool.as_str(), "version": install.id.version.as_str(),
        "platform": install.id.platform.to_string(), "root": install.root,
        "sound": differences.is_empty(), "differences": differences,
    })
}

/// Returns a view, which belongs to no single tool, and what differs in it.
pub(super) fn view_value(view: &View, differences: &[Difference]) -> serde_json::Value {
    serde_json::json!({ "view": view.root, "sound": differences.is_empty(), "differences": differences })
}
