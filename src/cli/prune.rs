//! `toolkit prune`: removes what no known project's lock names.

use std::collections::HashSet;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::Global;
use super::render::{self, Failure, done};
use super::settings::Settings;
use crate::host::Host;
use crate::model::{Release, ToolName};
use crate::project::{LOCK, Lock};
use crate::provision;
use crate::store::InstallId;
use crate::toolchain;

/// Remove installs that no project's toolkit.lock names, views without members, and what interrupted installs left
///
/// A project is known from its first `toolkit install` on, as long as its toolkit.lock exists.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Print what would be removed; change nothing
    #[arg(long)]
    dry_run: bool,
    /// Keep what the toolkit.lock in this folder names, too; may be repeated
    #[arg(long, value_name = "DIR")]
    keep: Vec<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  toolkit prune --dry-run
  toolkit prune --keep ../other-project";

impl Arguments {
    pub(super) fn run(self, host: &Host, global: &Global) -> Result<ExitCode, Failure> {
        let settings = Settings::new(host, global)?;
        let mut folders = settings.store.projects()?;
        folders.push(settings.root.clone());
        for folder in &self.keep {
            let folder = host.cwd.join(folder);
            if !folder.join(LOCK).is_file() {
                return Err(Failure::usage(format!("there is no {LOCK} in {}; nothing was removed", folder.display())));
            }
            folders.push(folder);
        }
        let mut keep = HashSet::new();
        for folder in folders {
            if let Some(lock) = Lock::read(&folder)? {
                keep.extend(named(&lock));
            }
        }
        let plan = settings.store.plan_prune(&keep)?;
        if global.json {
            render::json(&plan.installs.iter().map(super::list::value).collect::<Vec<_>>())?;
        }
        for install in &plan.installs {
            let id = &install.id;
            let verb = if self.dry_run { "would remove" } else { "removing" };
            done(
                global,
                format!("{verb} {} {} {} ({})", id.tool, id.version, id.platform, render::size(install.bytes())),
            );
        }
        let bytes = plan.bytes();
        if !self.dry_run {
            settings.store.prune(&plan, &|waiting| settings.report.noted(waiting))?;
        }
        done(global, format!("{} {}", if self.dry_run { "would free" } else { "freed" }, render::size(bytes)));
        Ok(ExitCode::SUCCESS)
    }
}

/// Lists the installs that a lock names, for every platform.
fn named(lock: &Lock) -> Vec<InstallId> {
    let mut ids = Vec::new();
    for tool in &lock.tools {
        let (Ok(name), Ok(version)) = (ToolName::parse(&tool.name), toolchain::version(&tool.name, &tool.version))
        else {
            continue;
        };
        let mut platforms: Vec<_> = tool.artifacts.iter().map(|locked| locked.platform).collect();
        platforms.dedup();
        for platform in platforms {
            let (artifacts, executables) = (tool.artifacts_for(platform), tool.executables_for(platform));
            let release = Release { executables, ..Release::new(name.clone(), version.clone(), platform, artifacts) };
            ids.push(provision::id_of(&release));
        }
    }
    ids
}
