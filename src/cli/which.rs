//! `toolkit which`: where an executable comes from, and which SDK the .NET host would select.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::Global;
use super::render::{self, Failure};
use super::settings::Settings;
use super::styled::{Styled, green, red};
use crate::host::Host;
use crate::provision::{self, Sourcing, Visible};
use crate::toolchain::{self, dotnet};

/// Print the path of an executable of the project's tools
///
/// `which dotnet-sdk` prints the SDK that the .NET host would select in the current directory, by the host's own rules
/// (global.json, roll-forward, prereleases), without running it.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// An executable (go, gofmt, dotnet), a tool, or `dotnet-sdk`
    #[arg(value_name = "NAME")]
    name: String,
    /// For `dotnet-sdk`: the .NET root to look in [default: DOTNET_ROOT, else the project's]
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    /// For `dotnet-sdk`: print the rule, the pick, and every rejected SDK with its reason
    #[arg(long)]
    explain: bool,
}

const EXAMPLES: &str = "\
Examples:
  toolkit which go
  toolkit which dotnet-sdk
  toolkit which dotnet-sdk --root /usr/share/dotnet --explain
  toolkit which dotnet-sdk --json";

impl Arguments {
    pub(super) fn run(self, host: &Host, global: &Global) -> Result<ExitCode, Failure> {
        let settings = Settings::for_lookup(host, global)?;
        if self.name == "dotnet-sdk" {
            return self.sdk(&settings, global);
        }
        if self.root.is_some() || self.explain {
            return Err(Failure::usage("--root and --explain go with `which dotnet-sdk`"));
        }
        let path = executable(&self.name, &visible(&settings)?)?;
        if global.json {
            render::json(&serde_json::json!({ "name": self.name, "path": path }))?;
        } else {
            render::data(format!("{}\n", path.display()))?;
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Prints the SDK that the host would select; exits 1 when it would find none.
    fn sdk(&self, settings: &Settings, global: &Global) -> Result<ExitCode, Failure> {
        let root = match (&self.root, settings.host.var("DOTNET_ROOT")) {
            (Some(root), _) => settings.host.cwd.join(root),
            (None, Some(root)) => settings.host.cwd.join(root),
            (None, None) => dotnet_root(&visible(settings)?)?,
        };
        if !root.is_dir() {
            return Err(Failure::usage_with_hint(
                format!("{} is not a folder, so it is not a .NET root", root.display()),
                "name the folder that holds `dotnet` and `sdk` with --root",
            ));
        }
        let selection = dotnet::host::select(&root, &settings.host.cwd);
        for warning in &selection.warnings {
            settings.report.warned(warning);
        }
        let found = selection.version.is_some();
        if global.json {
            render::json(&selection)?;
        } else {
            render::data(self.text(&selection))?;
        }
        Ok(if found { ExitCode::SUCCESS } else { ExitCode::from(1) })
    }

    fn text(&self, selection: &dotnet::host::Selection) -> Styled {
        let mut text = match (&selection.version, &selection.path) {
            (Some(version), Some(path)) => green(version) + format!(" {}\n", path.display()),
            _ => red("the host would find no compatible SDK") + "\n",
        };
        if let (None, Some(message)) = (&selection.version, &selection.message) {
            text.push(format!("  {message}\n"));
        }
        if self.explain || selection.version.is_none() {
            let file =
                selection.global_json.as_ref().map_or("no global.json".to_owned(), |file| file.display().to_string());
            text.push(format!("  file      {file}\n  rule      {}\n", selection.rule));
            for judged in &selection.explain {
                let mark = if judged.verdict == "picked" { "✓" } else { "·" };
                text.push(format!("  {mark} {:<26} {}\n", judged.version, judged.reason));
            }
        }
        text
    }
}

fn visible(settings: &Settings) -> Result<Vec<Visible>, Failure> {
    let context = settings.context();
    let requests = provision::requests(&[], &context)?;
    let provisioned = provision::provision(&requests, settings.host.platform, Sourcing::InstalledOnly, &context);
    let installs = settings.runtime.block_on_if_waiting(provisioned)?;
    let visible = provision::visible_roots(&installs, &settings.store, settings.report.as_ref())?;
    visible.iter().try_for_each(Visible::check)?;
    Ok(visible)
}

/// Finds an executable by its name, or the first one of the tool with that name.
fn executable(name: &str, visible: &[Visible]) -> Result<PathBuf, Failure> {
    let tool = toolchain::find(name);
    for one in visible {
        for path in one.executables() {
            let stem = Path::new(&path).file_stem().is_some_and(|stem| stem == name);
            if stem || tool.as_ref().is_some_and(|tool| tool.name() == one.tool.name()) || one.tool.name() == name {
                return Ok(one.root.join(path));
            }
        }
    }
    Err(Failure::usage_with_hint(
        format!("none of the project's tools has an executable `{name}`"),
        "`toolkit env` shows what the project's tools put on PATH",
    ))
}

fn dotnet_root(visible: &[Visible]) -> Result<PathBuf, Failure> {
    let is_dotnet = |one: &&Visible| one.tool.card().layout.shared().is_some_and(|root| root.name == dotnet::ROOT.name);
    visible.iter().find(is_dotnet).map(|one| one.root.clone()).ok_or_else(|| {
        Failure::usage_with_hint("the project has no .NET root", "name one with --root, or set DOTNET_ROOT")
    })
}
