//! `toolkit lock`: writes the exact answer for every platform, or checks it.

use std::process::ExitCode;

use clap::Args;

use super::Global;
use super::render::{self, Failure};
use super::settings::{Settings, done};
use crate::host::Host;
use crate::model::Prefer;
use crate::project::{self, Lock};
use crate::provision::{self, ToolRequest};

/// Write toolkit.lock: one version for each tool, with URL, size, digest and proof for every platform
///
/// Entries that still answer what the project asks for are kept; --upgrade looks again.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Change nothing; exit 1 when a platform is missing, an entry does not answer, or the file would change
    #[arg(long, conflicts_with = "upgrade")]
    check: bool,
    /// Resolve again: everything, or only this tool; may be repeated
    #[arg(long, value_name = "TOOL", num_args = 0..=1, default_missing_value = "")]
    upgrade: Vec<String>,
}

const EXAMPLES: &str = "\
Examples:
  toolkit lock
  toolkit lock --check
  toolkit lock --upgrade
  toolkit lock --upgrade go";

impl Arguments {
    pub(super) fn run(self, host: &Host, global: &Global) -> Result<ExitCode, Failure> {
        let mut settings = Settings::new(host, global)?;
        let asked = settings.project()?;
        let old = settings.lock()?;
        if self.check {
            return check(&asked, old.as_ref(), &settings, global);
        }
        if let Some(unknown) = self.upgrade.iter().find(|name| !name.is_empty() && !asks_for(&asked, name)) {
            return Err(Failure::usage(format!("the project does not ask for `{unknown}`, so it cannot be upgraded")));
        }
        if !self.upgrade.is_empty() {
            settings.policy.prefer = Prefer::Newest;
        }
        let upgrade = |tool: &str| self.upgrade.iter().any(|name| name.is_empty() || name == tool);
        let lock = settings.block_on(async {
            Ok(provision::lock(&asked, &settings.platforms(), old.as_ref(), &upgrade, &settings.context()).await?)
        })?;
        write(&lock, old.as_ref(), &settings, global)
    }
}

fn asks_for(asked: &[ToolRequest], name: &str) -> bool {
    asked.iter().any(|asked| asked.tool.name() == name)
}

/// Writes the lock when its bytes differ, and says what changed.
fn write(lock: &Lock, old: Option<&Lock>, settings: &Settings, global: &Global) -> Result<ExitCode, Failure> {
    let path = settings.root.join(project::LOCK);
    let same = std::fs::read_to_string(&path).is_ok_and(|text| text == lock.to_text());
    if !same {
        lock.write(&settings.root)?;
    }
    for tool in &lock.tools {
        let was = old.and_then(|old| old.tool(&tool.name)).map(|tool| tool.version.as_str());
        let change = match was {
            Some(version) if version == tool.version => "unchanged".to_owned(),
            Some(version) => format!("was {version}"),
            None => "new".to_owned(),
        };
        done(global, &format!("{} {} ({change})", tool.name, tool.version));
        if let Some(image) = &tool.image {
            done(global, &format!("  {image}"));
        }
    }
    let state = if same { "is up to date" } else { "written" };
    done(global, &format!("{} {state}, for {}", path.display(), platforms(settings)));
    if global.json {
        render::json(&summary(lock, same))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn platforms(settings: &Settings) -> String {
    settings.platforms().iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
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

fn check(asked: &[ToolRequest], old: Option<&Lock>, settings: &Settings, global: &Global) -> Result<ExitCode, Failure> {
    let mut findings = match old {
        None => vec![format!("there is no {} in {}", project::LOCK, settings.root.display())],
        Some(lock) => provision::check(asked, &settings.platforms(), lock, &settings.policy).0,
    };
    if let (Some(lock), true) = (old, findings.is_empty()) {
        let text = std::fs::read_to_string(settings.root.join(project::LOCK)).unwrap_or_default();
        if text != lock.to_text() {
            findings.push("the file was edited: `toolkit lock` would write other bytes for the same answer".to_owned());
        }
    }
    if global.json {
        render::json(&serde_json::json!({ "findings": findings }))?;
    } else {
        for finding in &findings {
            render::data(&format!("{}\n", render::printable(finding)))?;
        }
    }
    if findings.is_empty() {
        done(global, "toolkit.lock answers what the project asks for");
        return Ok(ExitCode::SUCCESS);
    }
    done(global, "hint: run `toolkit lock`, and commit toolkit.lock");
    Ok(ExitCode::from(1))
}
