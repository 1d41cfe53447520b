//! Where requests come from: arguments, `toolkit.toml`, the project's own files.

use std::sync::Arc;

use super::files::{self, Broken, Discovery};
use super::{Context, Error, Origin, ToolRequest, spelling};
use crate::model::{BadRequest, Channel, Range, ToolName, Within};
use crate::project::{Definition, Manifest, Patch, Requirement, Root, ToolEntry, did_you_mean};
use crate::toolchain::{self, Toolchain};

/// The requests of a command, in the order in which their tools go onto `PATH`.
#[derive(Debug)]
pub struct Requests {
    /// The requests.
    pub list: Vec<ToolRequest>,
    /// Where they come from.
    pub scope: Scope,
    /// What of the project's files is not read, or does not count: a sentence for each.
    pub notes: Vec<String>,
    /// The tools that a file of the project names in a way that cannot be used.
    pub broken: Vec<Broken>,
}

/// Where the requests of a command come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Arguments name the tools.
    Arguments,
    /// They are those of the project, which `toolkit.lock` pins.
    Project,
}

/// Reads the requests of a command: its arguments, or without any the project. A tool without a channel means what the
/// project requests of that tool, where it does.
///
/// # Errors
/// When an argument or a project file is not understood, or nothing is requested.
pub fn requests(specs: &[String], context: &Context<'_>) -> Result<Requests, Error> {
    let by_project = || project(context.root, context.manifest);
    if specs.is_empty() {
        let Discovery { requests, silent, notes, mut broken } = by_project()?;
        if !requests.is_empty() {
            return Ok(Requests { list: requests, scope: Scope::Project, notes, broken });
        }
        let nothing = || Error::NothingAsked { folder: context.root.folder().to_owned(), silent };
        return Err(broken.pop().map_or_else(nothing, |broken| broken.error));
    }
    let of_project = if specs.iter().all(|spec| spec.contains('@')) { Discovery::default() } else { by_project()? };
    let Discovery { requests: of_project, mut broken, .. } = of_project;
    let mut list = Vec::with_capacity(specs.len());
    for (at, spec) in specs.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|before| specs.get(before));
        let request = argument_in(spec, context.manifest).map_err(|error| error.after(before))?;
        let same_tool = |known: &&ToolRequest| !spec.contains('@') && known.tool.name() == request.tool.name();
        match of_project.iter().filter(same_tool).cloned().collect::<Vec<_>>() {
            of_tool if of_tool.is_empty() => {
                let is_its = |broken: &Broken| !spec.contains('@') && broken.tool.name() == request.tool.name();
                if let Some(at) = broken.iter().position(is_its) {
                    return Err(broken.swap_remove(at).error);
                }
                list.push(request);
            }
            of_tool => list.extend(of_tool),
        }
    }
    Ok(Requests { list, scope: Scope::Arguments, notes: Vec::new(), broken: Vec::new() })
}

/// Reads a request as it is typed: `go`, `go@1.27`, `dotnet@>=8 <10`.
///
/// # Errors
/// When the tool is not known (with a near miss) or its grammar does not know the channel.
pub fn argument(text: &str) -> Result<ToolRequest, Error> {
    argument_in(text, None)
}

/// Reads a request as [`argument`] does, in a project that may define tools of its own.
///
/// # Errors
/// As [`argument`], and when the definition cannot be used.
pub fn argument_in(text: &str, manifest: Option<&Manifest>) -> Result<ToolRequest, Error> {
    let (name, channel) = match text.split_once('@') {
        Some((name, channel)) => (name, Some(channel.trim())),
        None => (text, None),
    };
    if name.is_empty() || channel.is_some_and(str::is_empty) {
        let reason = "write it as TOOL or TOOL@CHANNEL, like go@1.27".to_owned();
        return Err(BadRequest { text: text.to_owned(), reason }.into());
    }
    let entries = manifest.map_or(&[][..], |manifest| &manifest.tools);
    let tool = match entries.iter().find(|entry| entry.tool == name).and_then(|entry| entry.definition.as_ref()) {
        Some(definition) => defined(name, definition)?,
        None => known(name).map_err(|_| unknown(name, entries))?,
    };
    let channel = tool.channel(channel.unwrap_or(tool.card().default_channel))?;
    Ok(ToolRequest::new(tool, channel, Origin::Argument(text.to_owned())))
}

/// Reads what the project at `root` asks for: its `toolkit.toml`, or without one its own files.
///
/// # Errors
/// When a file is not understood, or names an unknown tool.
pub fn project(root: &Root, manifest: Option<&Manifest>) -> Result<Discovery, Error> {
    let Some(manifest) = manifest else { return files::discover(root) };
    let mut found = Discovery::default();
    for entry in &manifest.tools {
        let requests = of_entry(root, entry)?;
        one_version(&requests, &found.requests, entry)?;
        found.requests.extend(requests);
    }
    if manifest.tools.is_empty() {
        found.silent.push("toolkit.toml names no tool under [tools]".to_owned());
    }
    Ok(found)
}

/// Refuses another version of a tool whose installs cannot be shown as one root: only the first would be found on `PATH`.
fn one_version(requests: &[ToolRequest], before: &[ToolRequest], entry: &ToolEntry) -> Result<(), Error> {
    let Some(request) = requests.first() else { return Ok(()) };
    let name = request.tool.name();
    if request.tool.card().layout.shared().is_some() || before.iter().all(|before| before.tool.name() != name) {
        return Ok(());
    }
    let source = Box::new(Error::SeveralVersions { tool: name.to_owned() });
    Err(Error::ManifestLine { line: entry.line, source })
}

fn known(name: &str) -> Result<Arc<dyn Toolchain>, Error> {
    toolchain::find(name).ok_or_else(|| unknown(name, &[]))
}

/// Returns the error for an unknown tool, with all known ones: those of this program and those of the project.
fn unknown(name: &str, entries: &[ToolEntry]) -> Error {
    let defined = || entries.iter().filter(|entry| entry.definition.is_some()).map(|entry| entry.tool.as_str());
    let names = || toolchain::ALL.iter().map(|tool| tool.name()).chain(defined());
    Error::UnknownTool {
        name: name.to_owned(),
        near: spelling::request(name).or_else(|| did_you_mean(name, names()).map(str::to_owned)),
        known: names().map(str::to_owned).collect(),
    }
}

/// Makes a tool of the project's definition.
fn defined(name: &str, definition: &Definition) -> Result<Arc<dyn Toolchain>, Error> {
    toolchain::define(&ToolName::parse(name)?, definition)
        .map_err(|reason| Error::BadDefinition { tool: name.to_owned(), reason })
}

/// Reads one version of a tool in `[tools]`; a file of a version manager may name several.
fn of_entry(root: &Root, entry: &ToolEntry) -> Result<Vec<ToolRequest>, Error> {
    let at_line = |source: Error| Error::ManifestLine { line: entry.line, source: Box::new(source) };
    ToolName::parse(&entry.tool).map_err(|cause| at_line(Error::BadRequest(cause)))?;
    if let Some(definition) = &entry.definition {
        let Requirement::Channel(text) = &entry.requirement else { return Err(at_line(unknown(&entry.tool, &[]))) };
        let tool = defined(&entry.tool, definition).map_err(at_line)?;
        let channel = tool.channel(text).map_err(|cause| at_line(cause.into()))?;
        return Ok(vec![ToolRequest::new(tool, channel, Origin::Manifest { line: entry.line })]);
    }
    let mut tool = known(&entry.tool).map_err(at_line)?;
    if let Some(name) = &entry.source {
        let Some(variant) = tool.with_source(name) else {
            let known = tool.card().sources.iter().map(|known| (*known).to_owned()).collect();
            return Err(at_line(Error::UnknownSource { tool: tool.name().to_owned(), name: name.clone(), known }));
        };
        tool = variant;
    }
    toolchain::check_settings(tool.as_ref(), &entry.settings).map_err(|cause| at_line(cause.into()))?;
    let mut requests = match &entry.requirement {
        Requirement::Channel(text) => {
            let channel = tool.channel(text).map_err(|cause| at_line(cause.into()))?;
            let request = ToolRequest::new(tool, channel, Origin::Manifest { line: entry.line });
            files::check_pin(&request, entry, root)?;
            vec![request]
        }
        Requirement::File(path) => files::of_tool(&tool, root, path).map_err(at_line)?,
    };
    for request in &mut requests {
        if entry.patch == Patch::Newest {
            request.channel = newest_patch(&request.channel, request.tool.card().patches);
        }
        request.source.clone_from(&entry.source);
        request.settings.clone_from(&entry.settings);
    }
    Ok(requests)
}

/// Returns the channel of all patches of a version that is named in full, from that one on. A line, a range or a prerelease
/// stays as it is, and so does a `global.json` that allows one version only.
fn newest_patch(channel: &Channel, patches: Within) -> Channel {
    let named = match channel {
        Channel::Exact(version) => version,
        Channel::Minimum(minimum) if minimum.within != Within::Version => &minimum.version,
        _ => return channel.clone(),
    };
    let semver::Version { major, minor, patch, pre, .. } = named.semver();
    let end = match patches {
        Within::Band => format!("{major}.{minor}.{}", (patch / 100 + 1) * 100),
        _ => format!("{major}.{}", minor + 1),
    };
    let range = Range::parse(&format!(">={major}.{minor}.{patch} <{end}")).ok().filter(|_| pre.is_empty());
    range.map_or_else(|| channel.clone(), Channel::Range)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_patch_stays_within_the_patches_of_the_tool() {
        for (tool, text, expected) in [
            ("go", "1.26.0", ">=1.26.0 <1.27"),
            ("go", "1.26", "1.26"),
            ("go", "1.27rc3", "1.27rc3"),
            ("go", "latest", "latest"),
            ("dotnet", "10.0.302", ">=10.0.302 <10.0.400"),
            ("dotnet-runtime", "8.0.1", ">=8.0.1 <8.1"),
        ] {
            let request = argument(&format!("{tool}@{text}")).unwrap();
            let channel = newest_patch(&request.channel, request.tool.card().patches);
            assert_eq!(channel.to_string(), expected, "{tool}@{text}");
            assert!(
                channel.admits(request.channel.named_version().unwrap_or(&request.tool.version("1.26.1").unwrap()))
            );
        }
        let file =
            |text: &str| (toolchain::find("dotnet").unwrap().card().project_files[0].read)(text).unwrap().channel;
        for (policy, expected) in [
            ("latestMajor", ">=10.0.300 <10.0.400"),
            ("patch", ">=10.0.300 <10.0.400"),
            ("disable", "10.0.300 rollForward=disable"),
        ] {
            let text = format!("{{\"sdk\": {{\"version\": \"10.0.300\", \"rollForward\": \"{policy}\"}}}}");
            assert_eq!(newest_patch(&file(&text).unwrap(), Within::Band).to_string(), expected, "{policy}");
        }
    }
}
