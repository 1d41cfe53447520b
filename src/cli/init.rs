//! `toolkit init`: looks at a project and writes its `toolkit.toml`.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;

use super::Global;
use super::below::files_below;
use super::render::{self, Failure, done};
use crate::fs::read_text;
use crate::generate;
use crate::host::Host;
use crate::model::Platform;
use crate::project::{MANIFEST, Manifest, Root};
use crate::provision::{self, Discovery};
use crate::text::chain;
use crate::text::shell::word;
use crate::toolchain::{self, Look, Proposal, Toolchain};

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
const OTHERS: &[(&str, &str)] = &[
    ("package.json", "Node.js"),
    (".nvmrc", "Node.js"),
    (".node-version", "Node.js"),
    ("pyproject.toml", "Python"),
    (".python-version", "Python"),
    ("pom.xml", "Java and Maven"),
    (".java-version", "Java"),
    (".sdkmanrc", "the tools of SDKMAN"),
    ("Cargo.toml", "Rust"),
    ("rust-toolchain.toml", "Rust"),
    (".ruby-version", "Ruby"),
    (".terraform-version", "Terraform"),
];

/// How deep below the project its solutions and project files are looked for.
const DEEPEST: usize = 3;

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
        std::fs::read_dir(&host.cwd).map_err(|cause| {
            Failure::machine(format!("could not read {}", host.cwd.display()), "check its permissions", cause)
        })?;
        let files = files_below(&host.cwd, DEEPEST);
        let found = provision::project(&root, None)?;
        let tools = tools(&root, &found, &files);
        let text = manifest(&tools, host.platform) + &pipeline(&tools, &files, &host.cwd);
        if self.dry_run {
            // As it would be written: the output may become the file.
            render::raw(&text)?;
        } else {
            root.write(&path, &text)?;
            done(global, format!("wrote {}", path.display()));
        }
        for note in notes(&tools, &found, &files) {
            done(global, format!("note: {note}"));
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

/// A tool that the project needs.
struct Needed {
    tool: Arc<dyn Toolchain>,
    /// Its line in `[tools]`.
    line: String,
    proposal: Proposal,
}

/// Lists the tools that the project needs: those that its files request, those whose markers are here, and what these need.
fn tools(root: &Root, found: &Discovery, files: &[String]) -> Vec<Needed> {
    let read = |file: &str| read_text(&root.folder().join(file), root.reach()).ok();
    let look = Look { files, read: &read };
    let mut needed: Vec<Needed> = Vec::new();
    for tool in toolchain::ALL.iter() {
        let card = tool.card();
        let is_its = |request: &&provision::ToolRequest| request.tool.name() == tool.name();
        let file = found.requests.iter().find(is_its).and_then(provision::ToolRequest::file);
        let marked = card.markers.iter().any(|marker| files.iter().any(|file| matches(marker, file)));
        if file.is_none() && !marked {
            continue;
        }
        let proposal = (card.propose)(&card.pipeline, &look);
        let below = proposal.directory.as_ref().and_then(|folder| file_below(tool.as_ref(), folder, files));
        let line = match (file.map(str::to_owned).or(below), &proposal.channel) {
            (Some(file), _) => format!("{} = {{ file = \"{file}\" }}", card.name),
            (None, channel) => format!("{} = \"{}\"", card.name, channel.as_deref().unwrap_or(card.default_channel)),
        };
        needed.push(Needed { tool: tool.clone(), line, proposal });
    }
    let others: Vec<_> = needed.iter().flat_map(|one| one.proposal.others.clone()).collect();
    for (name, versions) in others {
        let Some(tool) = toolchain::find(name).filter(|_| needed.iter().all(|one| one.tool.name() != name)) else {
            continue;
        };
        let versions: Vec<String> = versions.iter().map(|version| format!("\"{version}\"")).collect();
        let line = match versions.as_slice() {
            [one] => format!("{name} = {one}"),
            several => format!("{name} = [{}]", several.join(", ")),
        };
        needed.push(Needed { tool, line, proposal: Proposal::default() });
    }
    needed
}

/// Finds a file of the tool itself in the folder where its commands run.
fn file_below(tool: &dyn Toolchain, folder: &str, files: &[String]) -> Option<String> {
    let own = tool.card().project_files.iter().map(|file| format!("{folder}/{}", file.name));
    own.into_iter().find(|path| files.contains(path))
}

/// Matches `*.sln`, here or in a folder below, and whole names, here.
fn matches(marker: &str, file: &str) -> bool {
    marker.strip_prefix('*').map_or(marker == file, |ending| file.ends_with(ending))
}

/// Lists what the user should know: what was not read, and what is here that no line reads.
fn notes(tools: &[Needed], found: &Discovery, files: &[String]) -> Vec<String> {
    let mut notes: Vec<String> = tools.iter().flat_map(|one| one.proposal.notes.clone()).collect();
    notes.extend(found.notes.iter().cloned());
    notes.extend(
        found.broken.iter().map(|broken| format!("{} is left out: {}", broken.tool.name(), chain(&broken.error))),
    );
    notes.extend(found.silent.iter().filter(|silent| !found.notes.contains(silent)).cloned());
    for (file, tool) in OTHERS.iter().filter(|(file, _)| files.iter().any(|name| name == file)) {
        notes.push(format!("{file} is here, but toolkit does not provide {tool} (`toolkit list --known`)"));
    }
    for tool in toolchain::ALL.iter() {
        let name = tool.name();
        let is_read = |file: &str| tools.iter().any(|one| one.line.contains(&format!("\"{file}\"")));
        for file in files.iter().filter(|file| file.contains('/') && !is_read(file)) {
            let own = tool.card().project_files.iter().any(|own| file.ends_with(&format!("/{}", own.name)));
            let covered = tools.iter().any(|one| one.tool.name() == name);
            if own && !covered {
                notes.push(format!("{file} is there: `{name} = {{ file = \"{file}\" }}` under [tools] reads it"));
            }
        }
    }
    notes
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
    for Needed { line, .. } in tools {
        text.push_str(line);
        text.push('\n');
    }
    text
}

/// Returns `[pipeline]`: the commands of the tools, and the image when there is a Dockerfile. Nothing when there is
/// neither: a section that does nothing is not written.
fn pipeline(tools: &[Needed], files: &[String], folder: &Path) -> String {
    // One tool alone moves the whole pipeline to its folder; of several, each changes to its own.
    let with_commands: Vec<&Proposal> =
        tools.iter().map(|one| &one.proposal).filter(|proposal| **proposal != Proposal::default()).collect();
    let moved = if let [only] = with_commands[..] { only.directory.as_deref() } else { None };
    let all = |of: fn(&Proposal) -> &Vec<String>| -> Vec<String> {
        let placed = |proposal: &&&Proposal| proposal.directory.as_ref().filter(|_| moved.is_none()).cloned();
        let commands = |proposal: &&Proposal| {
            let place = placed(&proposal);
            let command = move |command: &String| match &place {
                Some(folder) => format!("(cd {} && {command})", word(folder)),
                None => command.clone(),
            };
            of(proposal).iter().map(command).collect::<Vec<_>>()
        };
        with_commands.iter().flat_map(commands).collect()
    };
    let step = |name: &str, commands: Vec<String>| {
        let quoted: Vec<_> = commands.iter().map(|command| quoted(command)).collect();
        if quoted.is_empty() { String::new() } else { format!("{name} = [{}]\n", quoted.join(", ")) }
    };
    let steps = [
        step("restore", all(|one| &one.restore)),
        step("build", all(|one| &one.build)),
        step("test", all(|one| &one.test)),
    ]
    .concat();
    let container = files.iter().any(|name| name == "Dockerfile");
    if steps.is_empty() && !container {
        return String::new();
    }
    let mut text = format!(
        "\n# What CI does: `toolkit gen gitlab-ci` and `toolkit gen buildspec` write its files from this.\n\
         [pipeline]\nname = \"{}\"\n",
        generate::name_of(folder)
    );
    if let Some(folder) = moved {
        text.push_str(&format!("directory = {}\n", quoted(folder)));
    }
    if !steps.is_empty() {
        text.push_str(&format!("\n[pipeline.steps]\n{steps}"));
    }
    if container {
        text.push_str("\n# GitLab's own registry, unless `repository` names another; CodeBuild needs one.\n");
        text.push_str("[pipeline.container]\ndockerfile = \"Dockerfile\"\n");
    }
    let reports =
        tools.iter().filter(|one| !one.proposal.test.is_empty()).flat_map(|one| one.tool.card().pipeline.reports);
    for (format, files) in reports {
        text.push_str(&format!("\n[[pipeline.reports]]\nformat = \"{format}\"\nfiles = [\"{files}\"]\n"));
    }
    text
}

/// Writes a TOML basic string, whose escapes are those of JSON.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
