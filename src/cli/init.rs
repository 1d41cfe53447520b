//! `toolkit init`: looks at a project and writes its `toolkit.toml`.

use std::path::Path;
use std::process::ExitCode;

use clap::Args;

use super::Global;
use super::render::{self, Failure};
use super::site::done;
use crate::host::Host;
use crate::model::Platform;
use crate::project::{self, MANIFEST, Manifest, write_whole};
use crate::provision;
use crate::toolchain;

/// Look at the project and write its toolkit.toml
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Print the file; write nothing
    #[arg(long)]
    dry_run: bool,
}

const EXAMPLES: &str = "\
Examples:
  toolkit init --dry-run
  toolkit init && toolkit lock && toolkit install";

/// Files of toolchains that this program does not provide, so that nobody wonders why they were passed over.
const OTHERS: &[(&str, &str)] =
    &[("package.json", "Node.js"), ("pyproject.toml", "Python"), ("pom.xml", "Java and Maven"), ("Cargo.toml", "Rust")];

impl Arguments {
    pub(super) fn run(self, host: &Host, global: &Global) -> Result<ExitCode, Failure> {
        let path = host.cwd.join(MANIFEST);
        if path.exists() && !self.dry_run {
            return Err(Failure::usage_with_hint(
                format!("{} exists already; nothing was changed", path.display()),
                "`toolkit init --dry-run` prints what a new one would say",
            ));
        }
        let names = names_in(&host.cwd)?;
        let tools = tools(&host.cwd, &names)?;
        let text = manifest(&tools, host.platform);
        if self.dry_run {
            render::data(&text)?;
        } else {
            write_whole(&path, &text)?;
            done(global, &format!("wrote {}", path.display()));
        }
        for (file, tool) in OTHERS.iter().filter(|(file, _)| names.iter().any(|name| name == file)) {
            done(
                global,
                &format!(
                    "note: {file} is here, and {tool} is not among the tools of this toolkit (`toolkit list --known`)"
                ),
            );
        }
        if let Some(above) = host.cwd.parent().and_then(project::find) {
            let file = above.join(MANIFEST);
            done(global, &format!("note: this file takes the place of {} in this folder and below", file.display()));
        }
        if tools.is_empty() {
            done(global, "note: no project file of a known tool is here; name your tools under [tools]");
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn names_in(folder: &Path) -> Result<Vec<String>, Failure> {
    let entries = std::fs::read_dir(folder).map_err(|cause| {
        Failure::machine(format!("could not read {}", folder.display()), "check its permissions", cause)
    })?;
    let mut names: Vec<String> = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort_unstable();
    Ok(names)
}

/// Gives the lines of `[tools]`: a tool's own file where one asks for it, its usual channel where a marker is.
fn tools(folder: &Path, names: &[String]) -> Result<Vec<String>, Failure> {
    let asked = provision::project(folder, None)?;
    let mut lines = Vec::new();
    for tool in toolchain::ALL {
        let file = asked.iter().find(|asked| asked.tool.name() == tool.name()).and_then(provision::Asked::file);
        let marked = tool.markers().iter().any(|marker| names.iter().any(|name| matches(marker, name)));
        match file {
            Some(file) => lines.push(format!("{} = {{ file = \"{file}\" }}", tool.name())),
            None if marked => lines.push(format!("{} = \"{}\"", tool.name(), tool.usual_channel())),
            None => {}
        }
    }
    Ok(lines)
}

/// Matches `*.sln` and whole names.
fn matches(marker: &str, name: &str) -> bool {
    marker.strip_prefix('*').map_or(marker == name, |ending| name.ends_with(ending))
}

fn manifest(tools: &[String], here: Platform) -> String {
    let mut platforms = Manifest::PLATFORMS.to_vec();
    if !platforms.contains(&here) {
        platforms.push(here);
    }
    let platforms: Vec<String> = platforms.iter().map(|platform| format!("\"{platform}\"")).collect();
    let mut text = format!(
        "# What this project builds with. `toolkit lock` pins it in toolkit.lock, `toolkit install` provides it.\n\
         platforms = [{}]\n\n[tools]\n",
        platforms.join(", ")
    );
    for line in tools {
        text.push_str(line);
        text.push('\n');
    }
    text
}
