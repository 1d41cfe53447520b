//! `toolkit repair`: reinstalls what differs from its receipt.

use std::process::ExitCode;

use clap::Args;

use super::Global;
use super::basis::{AllPins, Basis, pinned};
use super::installs::{chosen, name};
use super::render::{self, Failure, done};
use super::settings::Settings;
use super::verify::{examine, examine_view, first, value, view_value};
use crate::host::Host;
use crate::provision;
use crate::store::{Change, Error, Install, View};
use crate::text::escape_line;

/// Reinstall what differs from its receipt or from what toolkit.lock pins, from the URLs and digests that the receipt records
///
/// What a tool itself has added to its root (the packs and records of `dotnet workload install`) stays; every other file that was
/// added goes, and is named. What a running `toolkit exec` uses is left as it is; the exit code is 5 then.
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
        let pins = pinned(&settings);
        let mut run = Run { settings, pins, global, repaired: Vec::new(), in_use: false, failure: None };
        for install in chosen(&self.specs, &run.settings)? {
            run.install(&install)?;
        }
        for view in run.settings.store.views()? {
            run.view(&view)?;
        }
        let Run { repaired, in_use, failure, .. } = run;
        if repaired.is_empty() && !in_use && failure.is_none() {
            done(global, "nothing differs");
        }
        if global.json {
            render::json(&repaired)?;
        }
        match failure {
            Some(error) => Err(error.into()),
            None if in_use => Ok(ExitCode::from(5)),
            None => Ok(ExitCode::SUCCESS),
        }
    }
}

/// A repair on its way.
struct Run<'a> {
    settings: Settings,
    /// What the lock of the project pins.
    pins: AllPins,
    global: &'a Global,
    repaired: Vec<serde_json::Value>,
    /// True if something that differs was kept because a program uses it.
    in_use: bool,
    /// The first install or view that could not be read.
    failure: Option<Error>,
}

impl Run<'_> {
    /// Installs what differs again. What is removed meanwhile needs no repair.
    fn install(&mut self, install: &Install) -> Result<(), Failure> {
        let name = name(install);
        let found = match examine(install, &Basis::of(install, &self.pins), &self.settings) {
            Ok(Some(found)) if !found.is_sound() => found,
            Ok(_) => return Ok(()),
            Err(error) => {
                self.failure = first(self.failure.take(), error, &name, &self.settings);
                return Ok(());
            }
        };
        let (context, pins) = (self.settings.context(), self.pins.get(&install.id).copied());
        match self.settings.runtime.block_on(async { Ok(provision::repair(install, pins, &context).await) })? {
            Ok(_) => {}
            Err(provision::Error::Store(Error::InUse { .. })) => {
                self.kept(&name);
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        }
        done(self.global, format!("repaired {name} ({} differed)", found.differences.len()));
        for added in found.differences.iter().filter(|difference| difference.change == Change::Extra) {
            done(self.global, format!("  {} went, which was added, not by toolkit", escape_line(&added.path)));
        }
        self.repaired.push(value(install, &found));
        Ok(())
    }

    fn view(&mut self, view: &View) -> Result<(), Failure> {
        let root = view.root.display();
        let found = match examine_view(view, &self.settings) {
            Ok(Some(found)) if !found.is_sound() => found,
            Ok(_) => return Ok(()),
            Err(error) => {
                self.failure = first(self.failure.take(), error, &format!("view {root}"), &self.settings);
                return Ok(());
            }
        };
        match provision::recompose(view, &self.settings.store, self.settings.report.as_ref()) {
            Ok(()) => {}
            Err(provision::Error::Store(Error::InUse { .. })) => {
                self.kept(&format!("the view {root}"));
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        }
        done(self.global, format!("rebuilt the view {root}"));
        self.repaired.push(view_value(view, &found));
        Ok(())
    }

    fn kept(&mut self, name: &str) {
        self.in_use = true;
        render::say(format!("kept {name} as it is: it is in use\n"));
    }
}
