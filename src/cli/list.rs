//! `toolkit list`: what is installed, and what can be.

use std::process::ExitCode;

use clap::Args;

use super::installs::readable;
use super::render::{self, Failure};
use super::settings::Settings;
use super::{Global, toolchain_help};
use crate::host::Host;
use crate::provision;
use crate::store::Install;
use crate::toolchain;

/// List what is installed
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = toolchain_help(EXAMPLES))]
pub(super) struct Arguments {
    /// List the tools that toolkit knows, and their channels
    #[arg(long)]
    known: bool,
}

const EXAMPLES: &str = "\
Examples:
  toolkit list
  toolkit list --json
  toolkit list --known";

impl Arguments {
    pub(super) fn run(self, host: &Host, global: &Global) -> Result<ExitCode, Failure> {
        if self.known {
            return known(global);
        }
        let settings = Settings::without_project(host, global)?;
        let installs = readable(&settings)?;
        if global.json {
            return render::json(&installs.iter().map(value).collect::<Vec<_>>()).map(|()| ExitCode::SUCCESS);
        }
        if installs.is_empty() {
            render::done(global, format!("nothing is installed in {}", settings.store.root().display()));
            return Ok(ExitCode::SUCCESS);
        }
        let rows: Vec<Vec<String>> = installs
            .iter()
            .map(|install| {
                let id = &install.id;
                vec![
                    id.tool.to_string(),
                    id.version.to_string(),
                    id.platform.to_string(),
                    render::size(install.bytes()),
                    install.root.display().to_string(),
                ]
            })
            .collect();
        render::data(render::table(&["tool", "version", "platform", "size", "root"], &rows))?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Returns an install as JSON shows it.
pub(super) fn value(install: &Install) -> serde_json::Value {
    let proofs: Vec<_> = install
        .receipt
        .artifacts
        .iter()
        .map(|artifact| {
            serde_json::json!({ "url": artifact.url, "digest": artifact.digest, "size": artifact.size, "proof": artifact.proof })
        })
        .collect();
    serde_json::json!({
        "tool": install.id.tool.as_str(), "version": install.id.version.as_str(),
        "platform": install.id.platform.to_string(), "root": install.root, "bytes": install.bytes(),
        "installed": install.receipt.installed, "artifacts": proofs,
    })
}

fn known(global: &Global) -> Result<ExitCode, Failure> {
    if global.json {
        let tools: Vec<_> = toolchain::ALL
            .iter()
            .map(|tool| {
                let card = tool.card();
                let files: Vec<_> = card.project_files.iter().map(|file| file.name).chain(provision::SHARED_FILES).collect();
                serde_json::json!({
                    "tool": card.name, "aliases": card.aliases, "about": card.about, "files": files,
                    "sources": card.sources, "channels": card.spellings.iter().map(|(spelling, _)| *spelling).collect::<Vec<_>>(),
                })
            })
            .collect();
        return render::json(&tools).map(|()| ExitCode::SUCCESS);
    }
    render::data(format!("{}\n", toolchain_help("").trim_start()))?;
    Ok(ExitCode::SUCCESS)
}
