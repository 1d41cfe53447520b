//! `toolkit init`: looks at a project and writes its `toolkit.toml`.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;

use super::Global;
use super::render::{self, Failure, done};
use crate::generate;
use crate::host::Host;
use crate::model::Platform;
use crate::project::{MANIFEST, Manifest, Root};
use crate::provision;
use crate::toolchain::{self, Toolchain};

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

/// Files of toolchains that this program does not provide, so that the reader learns why they are left out.
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
        let root = Root::here(host);
        let names = names_in(&host.cwd)?;
        let tools = tools(&root, &names)?;
        let text = manifest(&tools, host.platform) + &pipeline(&tools, &names, &host.cwd);
        if self.dry_run {
            // As it would be written: the output may become the file.
            render::raw(&text)?;
        } else {
            root.write(&path, &text)?;
            done(global, format!("wrote {}", path.display()));
        }
        for (file, tool) in OTHERS.iter().filter(|(file, _)| names.iter().any(|name| name == file)) {
            done(global, format!("note: {file} is here, but toolkit does not provide {tool} (`toolkit list --known`)"));
        }
        if let Some(above) = Root::above(host) {
            let file = above.folder().join(MANIFEST);
            done(global, format!("note: this file replaces {} for this folder and below", file.display()));
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

/// A tool that the project needs, and its line in `[tools]`.
type Needed = (Arc<dyn Toolchain>, String);

/// Returns the lines of `[tools]`: a tool's own file where one asks for it, its usual channel where a marker is.
fn tools(root: &Root, names: &[String]) -> Result<Vec<Needed>, Failure> {
    let requests = provision::project(root, None)?.requests;
    let mut lines = Vec::new();
    for tool in toolchain::ALL.iter() {
        let file =
            requests.iter().find(|request| request.tool.name() == tool.name()).and_then(provision::ToolRequest::file);
        let marked = tool.card().markers.iter().any(|marker| names.iter().any(|name| matches(marker, name)));
        match file {
            Some(file) => lines.push((tool.clone(), format!("{} = {{ file = \"{file}\" }}", tool.name()))),
            None if marked => {
                lines.push((tool.clone(), format!("{} = \"{}\"", tool.name(), tool.card().default_channel)));
            }
            None => {}
        }
    }
    Ok(lines)
}

/// Matches `*.sln` and whole names.
fn matches(marker: &str, name: &str) -> bool {
    marker.strip_prefix('*').map_or(marker == name, |ending| name.ends_with(ending))
}

fn manifest(tools: &[Needed], here: Platform) -> String {
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
    for (_, line) in tools {
        text.push_str(line);
        text.push('\n');
    }
    text
}

/// Returns `[pipeline]`: the usual commands of the tools, and the image when there is a Dockerfile. Nothing when there is
/// neither: a section that does nothing is not written.
fn pipeline(tools: &[Needed], names: &[String], folder: &Path) -> String {
    let usual: Vec<_> = tools.iter().map(|(tool, _)| tool.card().pipeline).collect();
    let step = |name: &str, commands: Vec<&str>| {
        let quoted: Vec<_> = commands.iter().map(|command| format!("\"{command}\"")).collect();
        if quoted.is_empty() { String::new() } else { format!("{name} = [{}]\n", quoted.join(", ")) }
    };
    let all = |commands: fn(&toolchain::UsualPipeline) -> &'static [&'static str]| -> Vec<&str> {
        usual.iter().flat_map(|usual| commands(usual).iter().copied()).collect()
    };
    let steps = [
        step("restore", all(|usual| usual.restore)),
        step("build", all(|usual| usual.build)),
        step("test", all(|usual| usual.test)),
    ]
    .concat();
    let container = names.iter().any(|name| name == "Dockerfile");
    if steps.is_empty() && !container {
        return String::new();
    }
    let mut text = format!(
        "\n# What CI does: `toolkit gen gitlab-ci` and `toolkit gen buildspec` write its files from this.\n\
         [pipeline]\nname = \"{}\"\n",
        generate::name_of(folder)
    );
    if !steps.is_empty() {
        text.push_str(&format!("\n[pipeline.steps]\n{steps}"));
    }
    if container {
        text.push_str("\n# GitLab's own registry, unless `repository` names another; CodeBuild needs one.\n");
        text.push_str("[pipeline.container]\ndockerfile = \"Dockerfile\"\n");
    }
    for (format, files) in usual.iter().flat_map(|usual| usual.reports) {
        text.push_str(&format!("\n[[pipeline.reports]]\nformat = \"{format}\"\nfiles = [\"{files}\"]\n"));
    }
    text
}
