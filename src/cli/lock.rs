//! `toolkit lock`: writes the exact answer for every platform, or checks it.

use std::process::ExitCode;

use clap::Args;

use super::Global;
use super::global_json;
use super::installs::report_unread;
use super::render::{self, Failure, done};
use super::settings::Settings;
use crate::host::Host;
use crate::model::Prefer;
use crate::project::{self, Lock, LockedTool};
use crate::provision::{self, Context, Documents, Published, Requests, ToolRequest, Upgrade};
use crate::text::all_of;

/// Write toolkit.lock: one version for each tool, with URL, size, digest and proof for every platform
///
/// Entries that still match the project are kept; --upgrade resolves them again.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Change nothing; exit 1 when a platform is missing, an entry is out of date or not what its tool would write, a version
    /// is denied, or the file would change. Makes no connection: digests are compared with documents that are cached
    #[arg(long, conflicts_with_all = ["upgrade", "trees"])]
    check: bool,
    /// Resolve again: everything, or only this tool; may be repeated
    #[arg(long, value_name = "TOOL", num_args = 0..=1, default_missing_value = "")]
    upgrade: Vec<String>,
    /// Let an older version take the place of a newer one, when the upstream does not list that any more
    #[arg(long, requires = "upgrade")]
    allow_downgrade: bool,
    /// Download the archives of every platform whose files are not pinned yet, and pin them, so that `verify` finds a forged
    /// cache. With --upgrade, of every platform
    #[arg(long)]
    trees: bool,
    /// Read the upstreams' own documents although a mirror is set; with --check, compare every digest with them
    #[arg(long, conflicts_with = "offline")]
    upstream: bool,
}

const EXAMPLES: &str = "\
Examples:
  toolkit lock
  toolkit lock --check
  toolkit lock --check --upstream
  toolkit lock --upgrade
  toolkit lock --upgrade go
  toolkit lock --trees";

impl Arguments {
    pub(super) fn run(self, host: &Host, global: &Global) -> Result<ExitCode, Failure> {
        let global = &if self.upstream { global.without_mirror() } else { global.clone() };
        let settings = if self.trees { Settings::new(host, global) } else { Settings::without_store(host, global) };
        let mut settings = settings?;
        if !self.upgrade.is_empty() {
            settings.policy.prefer = Prefer::Newest;
        }
        let context = settings.context();
        let Requests { list: requests, notes, broken, .. } = provision::requests(&[], &context)?;
        report_unread(&notes, &broken, &settings);
        let old = Lock::read(&settings.root)?;
        if self.check {
            return self.check(&requests, old.as_ref(), &settings, global);
        }
        let known = |name: &str| requests.iter().find(|request| request.tool.card().is_called(name));
        if let Some(unknown) = self.upgrade.iter().find(|name| !name.is_empty() && known(name).is_none()) {
            let mut used: Vec<&str> = requests.iter().map(|request| request.tool.name()).collect();
            used.dedup();
            return Err(Failure::usage_with_hint(
                format!("the project does not use `{unknown}`, so it cannot be upgraded"),
                format!("nothing was changed; the project uses {}", all_of(&used)),
            ));
        }
        // A tool is known by the names that project files use for it, such as `golang`.
        let tools = |tool: &str| {
            let is_called = |name: &String| known(name).is_some_and(|request| request.tool.name() == tool);
            self.upgrade.iter().any(|name| name.is_empty() || is_called(name))
        };
        let upgrade = Upgrade { tools: &tools, allow_downgrade: self.allow_downgrade };
        let lock = provision::lock(&requests, old.as_ref(), upgrade, &context);
        let mut lock = settings.runtime.block_on(async { Ok(lock.await?) })?;
        // Of what was resolved just now, that has been said.
        let kept = kept(&requests, old.as_ref(), &lock);
        for warning in provision::supported(&kept, &lock, &settings.policy).warnings {
            settings.report.warned(&warning);
        }
        if self.trees {
            let pinned = provision::pin_all(&mut lock, !self.upgrade.is_empty(), &context);
            for (release, tree) in settings.runtime.block_on(async { Ok(pinned.await?) })? {
                done(global, format!("pinned {} {} {}: {tree}", release.tool, release.version, release.platform));
            }
        }
        let code = write(&lock, old.as_ref(), &settings, global)?;
        let sdks: Vec<String> =
            lock.tools.iter().filter(|tool| global_json::is_sdk(&tool.name)).map(|tool| tool.version.clone()).collect();
        global_json::warn_in(settings.root.folder(), &sdks, &settings);
        global_json::warn_below(&sdks, &settings);
        Ok(code)
    }

    fn check(
        &self,
        requests: &[ToolRequest],
        old: Option<&Lock>,
        settings: &Settings,
        global: &Global,
    ) -> Result<ExitCode, Failure> {
        let mut findings = match old {
            None => vec![format!("there is no {} in {}", project::LOCK, settings.root.folder().display())],
            Some(lock) => provision::check(requests, &settings.context().platforms(), lock, &settings.policy).0,
        };
        if let (Some(lock), true) = (old, findings.is_empty()) {
            let published = self.published(requests, lock, settings, global)?;
            published.warnings.iter().for_each(|warning| settings.report.warned(warning));
            findings = published.findings;
        }
        if let (Some(lock), true) = (old, findings.is_empty()) {
            let text = settings.root.read_if_present(project::LOCK)?.unwrap_or_default();
            if !lock.is_written_as(&text) {
                findings.push(
                    "the file was edited: `toolkit lock` would write other bytes for the same versions".to_owned(),
                );
            }
        }
        if global.json {
            render::json(&serde_json::json!({ "findings": findings }))?;
        } else {
            for finding in &findings {
                render::data(format!("{finding}\n"))?;
            }
        }
        if findings.is_empty() {
            let compared = if self.upstream { ", and its digests are those that the upstreams publish" } else { "" };
            done(global, format!("toolkit.lock is up to date{compared}"));
            return Ok(ExitCode::SUCCESS);
        }
        done(global, "hint: run `toolkit lock`, and commit toolkit.lock");
        Ok(ExitCode::from(1))
    }

    /// Compares the lock with the upstreams' documents: all of them, or those that are at hand.
    fn published(
        &self,
        requests: &[ToolRequest],
        lock: &Lock,
        settings: &Settings,
        global: &Global,
    ) -> Result<Published, Failure> {
        let recorded = provision::supported(requests, lock, &settings.policy);
        if self.upstream {
            let context = settings.context();
            let found = provision::compare(requests, lock, Documents::Needed, &context);
            return Ok(recorded.and(settings.runtime.block_on(async { Ok(found.await?) })?));
        }
        // Which copies there are needs no message.
        let quiet = Settings::without_store(&settings.host, &Global { quiet: true, offline: true, ..global.clone() })?;
        let context = Context { policy: &settings.policy, ..quiet.context() };
        let found = provision::compare(requests, lock, Documents::AtHand, &context);
        Ok(recorded.and(quiet.runtime.block_on(async { Ok(found.await?) })?))
    }
}

/// Lists the requests whose entries stayed as they were.
fn kept(requests: &[ToolRequest], old: Option<&Lock>, new: &Lock) -> Vec<ToolRequest> {
    let Some(old) = old else { return Vec::new() };
    let pairs = provision::pair(requests, old).into_iter().zip(provision::pair(requests, new));
    requests.iter().zip(pairs).filter(|(_, (old, new))| old == new).map(|(request, _)| request.clone()).collect()
}

/// Writes the lock when its bytes differ, and prints what changed.
fn write(lock: &Lock, old: Option<&Lock>, settings: &Settings, global: &Global) -> Result<ExitCode, Failure> {
    let path = settings.root.folder().join(project::LOCK);
    let found = settings.root.read_if_present(project::LOCK);
    let same = found.is_ok_and(|text| text.is_some_and(|text| lock.is_written_as(&text)));
    if !same {
        lock.write(&settings.root)?;
    }
    for tool in &lock.tools {
        let was = old.and_then(|old| before(tool, lock, old)).map(|tool| tool.version.as_str());
        let change = match was {
            Some(version) if version == tool.version => "unchanged".to_owned(),
            Some(version) => format!("was {version}"),
            None => "new".to_owned(),
        };
        done(global, format!("{} {} ({change})", tool.name, tool.version));
        if let Some(image) = &tool.image {
            done(global, format!("  {image}"));
        }
    }
    let platforms: Vec<String> = settings.context().platforms().iter().map(ToString::to_string).collect();
    let state = if same { "is up to date" } else { "written" };
    done(global, format!("{} {state}, for {}", path.display(), platforms.join(", ")));
    if global.json {
        render::json(&summary(lock, same))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Finds what an entry was before: the one for the same request, else the only one where the tool had one and has one.
fn before<'l>(tool: &LockedTool, lock: &Lock, old: &'l Lock) -> Option<&'l LockedTool> {
    let same = old.entries(&tool.name).find(|before| before.request == tool.request && before.file == tool.file);
    let only = || old.entries(&tool.name).next().filter(|_| lock.entries(&tool.name).count() == 1);
    same.or_else(only)
}

fn summary(lock: &Lock, same: bool) -> serde_json::Value {
    let tools: Vec<_> = lock
        .tools
        .iter()
        .map(|tool| {
            let mut summary =
                serde_json::json!({ "tool": tool.name, "request": tool.request, "version": tool.version });
            if let Some(image) = &tool.image {
                summary["image"] = image.to_string().into();
            }
            summary
        })
        .collect();
    serde_json::json!({ "changed": !same, "tools": tools })
}
