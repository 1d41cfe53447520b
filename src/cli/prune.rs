//! `toolkit prune`: removes what no known project's lock names.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::Global;
use super::installs::{discard, name, readable};
use super::render::{self, Failure, done};
use super::settings::{Retries, Settings};
use crate::host::Host;
use crate::model::Explain;
use crate::project::{LOCK, Lock, Root};
use crate::provision;
use crate::store::{Install, InstallId, Project};
use crate::text::chain;

/// Remove installs that no project's toolkit.lock names, views without members, and what interrupted installs left
///
/// A project is known from the first command on that uses its toolkit.lock (install, exec, env, which, mirror sync), as long as
/// that file exists. While a lock cannot be read, what it named when it was last used is kept. What a running `toolkit exec`
/// uses is kept, and so is what belongs to another user; the exit code is 0 all the same.
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
        // A mistake in this project's file does not keep what nobody needs.
        let settings = Settings::for_documents(host, global, Retries::All)?;
        let keep: Vec<PathBuf> = self.keep.iter().map(|folder| host.cwd.join(folder)).collect();
        if let Some(folder) = keep.iter().find(|folder| !folder.join(LOCK).is_file()) {
            return Err(Failure::usage(format!("there is no {LOCK} in {}; nothing was removed", folder.display())));
        }
        let needed = Needed::read(&keep, &settings)?;
        needed.warnings.iter().for_each(|warning| settings.report.warned(warning));
        // Says what is skipped.
        readable(&settings)?;
        let plan = settings.store.plan_prune(&|id| needed.names(id))?;
        if self.dry_run {
            return foretell(&plan.installs, &settings, global);
        }
        // Read again for each install, when nobody else can install it any more: a project may have come to need it.
        let still_needed = |id: &InstallId| Needed::read(&keep, &settings).map_or(true, |needed| needed.names(id));
        let discarded = discard(&plan.installs, &still_needed, &settings, global)?;
        discarded.kept.iter().for_each(|line| done(global, line.as_str()));
        done(global, format!("freed {}", render::size(discarded.removed.iter().map(Install::bytes).sum())));
        if global.json {
            render::json(&discarded.removed.iter().map(super::list::value).collect::<Vec<_>>())?;
        }
        discarded.failure.map_or(Ok(ExitCode::SUCCESS), |error| Err(error.into()))
    }
}

/// Prints what would be removed.
fn foretell(installs: &[Install], settings: &Settings, global: &Global) -> Result<ExitCode, Failure> {
    let mut removed = Vec::new();
    for install in installs {
        if settings.store.is_in_use(install)? {
            done(global, format!("would keep {}: it is in use", name(install)));
        } else {
            done(global, format!("would remove {} ({})", name(install), render::size(install.bytes())));
            removed.push(install);
        }
    }
    done(global, format!("would free {}", render::size(removed.iter().map(|install| install.bytes()).sum())));
    if global.json {
        render::json(&removed.into_iter().map(super::list::value).collect::<Vec<_>>())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The installs that projects need.
#[derive(Debug, Default)]
struct Needed {
    names: HashSet<String>,
    /// True while nobody can tell what some project needs: then nothing is removed.
    all: bool,
    warnings: Vec<String>,
}

impl Needed {
    /// Reads the locks of all projects that use the store, of this one, and those in `keep`.
    fn read(keep: &[PathBuf], settings: &Settings) -> Result<Self, Failure> {
        let mut needed = Self::default();
        let mut known: Vec<PathBuf> = Vec::new();
        for project in settings.store.projects()? {
            match project {
                Ok(project) => {
                    needed.add(&project);
                    known.push(project.folder);
                }
                Err(error) => {
                    needed.keep_all(&chain(&error));
                    needed.warnings.extend(error.hints());
                }
            }
        }
        let others = keep.iter().map(PathBuf::as_path).chain([settings.root.folder()]);
        for folder in others.filter(|folder| !known.iter().any(|known| known == folder)) {
            needed.add(&Project { folder: folder.to_owned(), installs: Vec::new() });
        }
        Ok(needed)
    }

    fn add(&mut self, project: &Project) {
        match Lock::read(&Root::at(&project.folder)) {
            Ok(Some(lock)) => {
                self.names.extend(provision::named_installs(&lock).iter().map(ToString::to_string));
            }
            Ok(None) => {}
            Err(error) if project.installs.is_empty() => {
                self.keep_all(&chain(&error));
            }
            Err(error) => {
                let folder = Path::new(&project.folder).display();
                self.warnings.push(format!("{}; kept what it named when {folder} was last used", chain(&error)));
                self.names.extend(project.installs.iter().cloned());
            }
        }
    }

    fn keep_all(&mut self, why: &str) {
        self.all = true;
        self.warnings.push(format!("{why}; nobody can tell what that project needs, so that all installs are kept"));
    }

    fn names(&self, id: &InstallId) -> bool {
        self.all || self.names.contains(&id.to_string())
    }
}
