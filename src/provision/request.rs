//! Where requests come from: arguments, `toolkit.toml`, the project's own files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Context, Error, spelling};
use crate::fs::{self, Within};
use crate::model::{BadRequest, Channel, ToolName};
use crate::project::{Definition, Manifest, Requirement, Root, ToolEntry, did_you_mean};
use crate::toolchain::{self, ProjectFile, Toolchain};

/// One request, read and ready to be resolved.
#[derive(Debug, Clone)]
pub struct ToolRequest {
    /// The tool, or the variant of it that reads another source.
    pub tool: Arc<dyn Toolchain>,
    /// Which of its releases.
    pub channel: Channel,
    /// Where it comes from.
    pub origin: Origin,
    /// The rule that was read out of a project file, for `--explain`.
    pub rule: Option<String>,
    /// The tool's source, when not the usual one.
    pub source: Option<String>,
    /// Settings of the tool itself.
    pub settings: Vec<(String, String)>,
    /// Warnings, although the request was understood.
    pub warnings: Vec<String>,
}

/// Where a request comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The command line.
    Argument(String),
    /// A line of `toolkit.toml`.
    Manifest {
        /// The line, counted from 1.
        line: usize,
    },
    /// A project file.
    File {
        /// Its path.
        path: PathBuf,
        /// The path as the lock records it, relative to the project.
        name: String,
    },
}

impl ToolRequest {
    /// Returns the request in canonical spelling: `dotnet@lts`.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{}@{}", self.tool.name(), self.channel)
    }

    /// Names the project file that asked, as the lock records it.
    #[must_use]
    pub fn file(&self) -> Option<&str> {
        match &self.origin {
            Origin::File { name, .. } => Some(name),
            Origin::Argument(_) | Origin::Manifest { .. } => None,
        }
    }
}

/// The requests of a command, in the order in which their tools go onto `PATH`.
#[derive(Debug, Clone)]
pub struct Requests {
    /// The requests.
    pub list: Vec<ToolRequest>,
    /// Where they come from.
    pub scope: Scope,
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
        let list = by_project()?;
        return match list.is_empty() {
            true => Err(Error::NothingAsked { folder: context.root.folder().to_owned() }),
            false => Ok(Requests { list, scope: Scope::Project }),
        };
    }
    let of_project = if specs.iter().all(|spec| spec.contains('@')) { Vec::new() } else { by_project()? };
    let mut list = Vec::with_capacity(specs.len());
    for (at, spec) in specs.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|before| specs.get(before));
        let request = argument_in(spec, context.manifest).map_err(|error| error.after(before))?;
        let same_tool = |known: &&ToolRequest| !spec.contains('@') && known.tool.name() == request.tool.name();
        match of_project.iter().filter(same_tool).cloned().collect::<Vec<_>>() {
            of_tool if of_tool.is_empty() => list.push(request),
            of_tool => list.extend(of_tool),
        }
    }
    Ok(Requests { list, scope: Scope::Arguments })
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
    Ok(new_request(tool, channel, Origin::Argument(text.to_owned())))
}

/// Reads what the project at `root` asks for: its `toolkit.toml`, or without one its own files.
///
/// # Errors
/// When a file is not understood, or names an unknown tool.
pub fn project(root: &Root, manifest: Option<&Manifest>) -> Result<Vec<ToolRequest>, Error> {
    match manifest {
        Some(manifest) => {
            let requests: Vec<_> =
                manifest.tools.iter().map(|entry| of_entry(root, entry)).collect::<Result<_, _>>()?;
            one_version_each(&requests, &manifest.tools)?;
            Ok(requests)
        }
        None => discovered(root),
    }
}

/// Refuses several versions of a tool whose installs cannot be shown as one root: only the first would be found on `PATH`.
fn one_version_each(requests: &[ToolRequest], entries: &[ToolEntry]) -> Result<(), Error> {
    for (at, (request, entry)) in requests.iter().zip(entries).enumerate() {
        let name = request.tool.name();
        if request.tool.card().layout.shared().is_none()
            && requests[..at].iter().any(|before| before.tool.name() == name)
        {
            let source = Box::new(Error::SeveralVersions { tool: name.to_owned() });
            return Err(Error::ManifestLine { line: entry.line, source });
        }
    }
    Ok(())
}

fn new_request(tool: Arc<dyn Toolchain>, channel: Channel, origin: Origin) -> ToolRequest {
    ToolRequest { tool, channel, origin, rule: None, source: None, settings: Vec::new(), warnings: Vec::new() }
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

/// Reads one line of `[tools]`.
fn of_entry(root: &Root, entry: &ToolEntry) -> Result<ToolRequest, Error> {
    let at_line = |source: Error| Error::ManifestLine { line: entry.line, source: Box::new(source) };
    ToolName::parse(&entry.tool).map_err(|cause| at_line(Error::BadRequest(cause)))?;
    if let Some(definition) = &entry.definition {
        let Requirement::Channel(text) = &entry.requirement else { return Err(at_line(unknown(&entry.tool, &[]))) };
        let tool = defined(&entry.tool, definition).map_err(at_line)?;
        let channel = tool.channel(text).map_err(|cause| at_line(cause.into()))?;
        return Ok(new_request(tool, channel, Origin::Manifest { line: entry.line }));
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
    let mut request = match &entry.requirement {
        Requirement::Channel(text) => {
            let channel = tool.channel(text).map_err(|cause| at_line(cause.into()))?;
            new_request(tool, channel, Origin::Manifest { line: entry.line })
        }
        Requirement::File(path) => {
            let full = root.folder().join(path);
            let file = read_file(&tool, &full, &path.to_string_lossy(), root.reach()).map_err(at_line)?;
            file.ok_or_else(|| at_line(Error::NothingInFile { path: full, tool: tool.name().to_owned() }))?
        }
    };
    request.source.clone_from(&entry.source);
    request.settings.clone_from(&entry.settings);
    Ok(request)
}

/// Reads a project file that was named, which must lie `within`: for each tool that reads files of this name, what it asks for.
///
/// # Errors
/// When no tool reads such a file, it is not understood, or it asks for nothing.
pub fn file(path: &Path, within: Within<'_>) -> Result<Vec<ToolRequest>, Error> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let readers: Vec<_> = toolchain::ALL.iter().filter(|tool| reader(tool.as_ref(), &name).is_some()).collect();
    if readers.is_empty() {
        let known = toolchain::ALL.iter().flat_map(|tool| tool.card().project_files).map(|file| file.name.to_owned());
        return Err(Error::UnknownFile { path: path.to_owned(), known: known.collect() });
    }
    let mut found = Vec::new();
    for tool in readers {
        found.extend(read_file(tool, path, &path.to_string_lossy(), within)?);
    }
    if found.is_empty() {
        return Err(Error::NothingInFile { path: path.to_owned(), tool: "any known tool".to_owned() });
    }
    Ok(found)
}

/// Reads the project's own files: for each tool the first of its files, by the tool's order, that lies in the folder or,
/// inside a Git work tree, above it.
fn discovered(root: &Root) -> Result<Vec<ToolRequest>, Error> {
    let folders: Vec<&Path> = root.folders().collect();
    let mut found: Vec<ToolRequest> = Vec::new();
    for tool in toolchain::ALL.iter() {
        for file in tool.card().project_files {
            let places = folders.iter().enumerate().map(|(up, folder)| (up, folder.join(file.name)));
            let Some((up, path)) = places.into_iter().find(|(_, path)| path.is_file()) else {
                continue;
            };
            let name = format!("{}{}", "../".repeat(up), file.name);
            if let Some(request) = read_file(tool, &path, &name, root.reach())? {
                found.push(request);
                break;
            }
        }
    }
    Ok(found)
}

fn reader(tool: &dyn Toolchain, name: &str) -> Option<&'static ProjectFile> {
    tool.card().project_files.iter().find(|file| file.name == name)
}

fn read_file(
    tool: &Arc<dyn Toolchain>,
    path: &Path,
    name: &str,
    within: Within<'_>,
) -> Result<Option<ToolRequest>, Error> {
    let file_name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let Some(file) = reader(tool.as_ref(), &file_name) else {
        let known = tool.card().project_files.iter().map(|file| file.name.to_owned()).collect();
        return Err(Error::UnknownFile { path: path.to_owned(), known });
    };
    let bytes = fs::read(path, within, fs::LARGEST)?;
    let text = String::from_utf8_lossy(&bytes);
    let wish = (file.read)(&text).map_err(|source| Error::BadProjectFile { path: path.to_owned(), source })?;
    let origin = Origin::File { path: path.to_owned(), name: name.to_owned() };
    Ok(wish.channel.map(|channel| ToolRequest {
        rule: Some(wish.rule),
        warnings: wish.warnings,
        ..new_request(tool.clone(), channel, origin)
    }))
}
