//! What the files of a project request: those of the tools themselves, which are binding (`global.json`) or state a minimum
//! (`go.mod`), and the pins of version managers (`.go-version`, `.tool-versions`, `mise.toml`).

use std::path::Path;
use std::sync::Arc;

use super::version_managers::{self, Interpretation, Line, manager_of};
use super::{Error, Origin, ToolRequest};
use crate::fs::{self, FileError, Within};
use crate::model::{Channel, Version};
use crate::project::{Root, ToolEntry};
use crate::text::{chain, comma_separated};
use crate::toolchain::{self, FileRequest, ProjectFile, Role, Toolchain};

/// The most members of a workspace that are looked into.
const MOST_MEMBERS: usize = 256;

/// What the files of a project request, and what they say in vain.
#[derive(Debug, Default)]
pub struct Discovery {
    /// The requests.
    pub requests: Vec<ToolRequest>,
    /// The files that are there and request nothing: each with the reason.
    pub silent: Vec<String>,
    /// What is not read, or does not count: a sentence for each.
    pub notes: Vec<String>,
    /// The tools that a version manager's file names in a way that cannot be used. They do not stop the others.
    pub broken: Vec<Broken>,
}

/// A tool whose line in a file of many tools cannot be used.
#[derive(Debug)]
pub struct Broken {
    /// The tool.
    pub tool: Arc<dyn Toolchain>,
    /// The file, the line and the reason.
    pub error: Error,
}

/// Reads the bytes of a project file, within whatever bounds apply.
type Read<'r> = &'r dyn Fn(&Path) -> Result<Vec<u8>, FileError>;

/// Reads a project file that was named, which must lie `within`: for each tool that reads files of this name, what it
/// requests.
///
/// # Errors
/// When no tool reads such a file, it is not understood, or it requests nothing.
pub fn file(path: &Path, within: Within<'_>) -> Result<Discovery, Error> {
    let read = |path: &Path| fs::read(path, within, fs::LARGEST);
    let name = path.to_string_lossy().into_owned();
    let mut found = Discovery::default();
    if let Some(manager) = manager_of(path) {
        let lines = lines_of(path, manager, &read)?;
        for line in &lines {
            found.take_line(line, path, &name);
        }
        found.notes.extend(not_provided(&name, &lines));
        found
            .silent
            .extend(found.requests.is_empty().then(|| "names no version of a tool that toolkit provides".to_owned()));
    } else {
        let readers: Vec<_> =
            toolchain::ALL.iter().filter_map(|tool| Some((tool, reader(tool.as_ref(), path)?))).collect();
        if readers.is_empty() {
            return Err(Error::UnknownFile { path: path.to_owned(), known: known_files(None) });
        }
        for (tool, file) in readers {
            let wish = read_own(file, path, &read)?;
            found.silent.extend(wish.channel.is_none().then(|| wish.rule.clone()));
            found.requests.extend(request_of(tool, wish, path, &name));
        }
    }
    if !found.requests.is_empty() {
        return Ok(found);
    }
    match found.broken.pop() {
        Some(broken) => Err(broken.error),
        None => Err(Error::NothingInFile { path: path.to_owned(), reason: found.silent.join("; ") }),
    }
}

/// Reads what a file that `toolkit.toml` names requests of one tool.
///
/// # Errors
/// As [`file`].
pub(super) fn of_tool(tool: &Arc<dyn Toolchain>, root: &Root, path: &Path) -> Result<Vec<ToolRequest>, Error> {
    let (full, name) = (root.folder().join(path), path.to_string_lossy());
    let read = |path: &Path| fs::read(path, root.reach(), fs::LARGEST);
    let nothing = |reason: String| Error::NothingInFile { path: full.clone(), reason };
    if let Some(manager) = manager_of(path) {
        let lines = lines_of(&full, manager, &read)?;
        let is_its = |line: &&Line| line.tool().is_some_and(|found| found.name() == tool.name());
        let line = lines.iter().find(is_its);
        let line = line.ok_or_else(|| nothing(format!("names no version of {}", tool.name())))?;
        let requests = of_line(tool, line, &full, &name)?;
        return requests
            .ok_or_else(|| nothing(format!("leaves {} to the machine (line {})", tool.name(), line.number)));
    }
    let Some(file) = reader(tool.as_ref(), path) else {
        return Err(Error::UnknownFile { path: full, known: known_files(Some(tool)) });
    };
    let wish = read_own(file, &full, &read)?;
    let rule = wish.rule.clone();
    request_of(tool, wish, &full, &name).map(|request| vec![request]).ok_or_else(|| nothing(rule))
}

/// Reads the project's own files, from its folder up to its boundary.
///
/// # Errors
/// When a tool's own file is not understood, or a pin is below the minimum of another file.
pub(super) fn discover(root: &Root) -> Result<Discovery, Error> {
    let mut found = Discovery::default();
    let managed = managed(root, &mut found)?;
    for tool in toolchain::ALL.iter() {
        let own = |role: fn(Role) -> bool, found: &mut Discovery| nearest(tool, role, root, &mut found.silent);
        let binding = own(|role| role == Role::Binding, &mut found)?;
        let pin = own(|role| role == Role::Pin, &mut found)?;
        let minimum = own(|role| matches!(role, Role::Minimum { .. }), &mut found)?;
        let managed = managed.iter().find(|one| one.requests[0].tool.name() == tool.name());
        let chosen = choose(binding, pin, managed.cloned(), &mut found.notes);
        let Some(chosen) = chosen.or_else(|| minimum.clone()) else { continue };
        if let Some(Nearest { minimum: Some(least), requests, .. }) = &minimum {
            for request in &chosen.requests {
                above(request, least, &requests[0])?;
            }
        }
        found.requests.extend(chosen.requests);
    }
    // Another file requests the tool: what cannot be used does not count, and is said.
    let (answered, broken): (Vec<Broken>, Vec<Broken>) = std::mem::take(&mut found.broken)
        .into_iter()
        .partition(|broken| found.requests.iter().any(|request| request.tool.name() == broken.tool.name()));
    found.broken = broken;
    found.notes.extend(answered.iter().map(|broken| format!("a line does not count: {}", chain(&broken.error))));
    Ok(found)
}

/// What the nearest file requests of a tool.
#[derive(Debug, Clone)]
struct Nearest {
    /// How many folders it lies above the project's.
    up: usize,
    requests: Vec<ToolRequest>,
    minimum: Option<Version>,
}

/// Chooses among files: one that the tool itself obeys, else the nearest pin. What does not count is noted.
fn choose(
    binding: Option<Nearest>,
    pin: Option<Nearest>,
    managed: Option<Nearest>,
    notes: &mut Vec<String>,
) -> Option<Nearest> {
    let mut candidates: Vec<Nearest> = [pin, managed].into_iter().flatten().collect();
    candidates.sort_by_key(|one| one.up);
    let mut candidates = binding.into_iter().chain(candidates);
    let chosen = candidates.next()?;
    for other in candidates {
        let channels = |one: &Nearest| one.requests.iter().map(|request| request.channel.clone()).collect::<Vec<_>>();
        if channels(&other) != channels(&chosen) {
            let (request, counts) = (&other.requests[0], place(&chosen.requests[0]));
            notes.push(format!("{} of {} does not count: {counts} decides", request.text(), place(request)));
        }
    }
    Some(chosen)
}

/// Names the file that a request comes from.
fn place(request: &ToolRequest) -> String {
    match &request.origin {
        Origin::File { name, .. } => name.clone(),
        Origin::Manifest { line } => format!("toolkit.toml, line {line},"),
        Origin::Argument(text) => text.clone(),
    }
}

/// Checks that what a request pins can be as new as another file needs.
fn above(request: &ToolRequest, least: &Version, needed_by: &ToolRequest) -> Result<(), Error> {
    if reaches(&request.channel, least) {
        return Ok(());
    }
    Err(Error::PinBelowMinimum {
        tool: request.tool.name().to_owned(),
        pin: request.channel.to_string(),
        pinned_by: place(request),
        minimum: least.to_string(),
        needed_by: place(needed_by),
    })
}

/// Returns true if an answer to the channel can be `least` or newer, as far as that shows without the upstream's documents.
fn reaches(channel: &Channel, least: &Version) -> bool {
    let numbers = least.semver();
    match channel {
        Channel::Exact(version) => version >= least,
        Channel::Line(line) | Channel::Preview(line) => {
            (line.major, line.minor.unwrap_or(u64::MAX)) >= (numbers.major, numbers.minor)
        }
        _ => true,
    }
}

/// Refuses a version in `toolkit.toml` that is below the minimum of a file beside it, unless a setting of the tool lifts that.
///
/// # Errors
/// When it is below. A file that is not understood is left to the tool, which says so itself.
pub(super) fn check_pin(request: &ToolRequest, entry: &ToolEntry, root: &Root) -> Result<(), Error> {
    for file in request.tool.card().project_files {
        let Role::Minimum { lifted_by: (name, value) } = file.role else { continue };
        let lifted = entry.settings.iter().any(|(known, set)| known == name && set == value);
        let path = root.folder().join(file.name);
        if lifted || !path.is_file() {
            continue;
        }
        let Ok(wish) = read_own(file, &path, &|path| root.read(path)) else { continue };
        let Some(least) = wish.minimum.clone() else { continue };
        let needed_by = request_of(&request.tool, wish, &path, file.name);
        return needed_by.map_or(Ok(()), |needed_by| above(request, &least, &needed_by));
    }
    Ok(())
}

/// Finds the nearest file of a tool that has this role and requests something. Those that request nothing are noted.
fn nearest(
    tool: &Arc<dyn Toolchain>,
    role: fn(Role) -> bool,
    root: &Root,
    silent: &mut Vec<String>,
) -> Result<Option<Nearest>, Error> {
    for file in tool.card().project_files.iter().filter(|file| role(file.role)) {
        let places = root.folders().enumerate().map(|(up, folder)| (up, folder.join(file.name)));
        let Some((up, path)) = places.into_iter().find(|(_, path)| path.is_file()) else { continue };
        let name = format!("{}{}", "../".repeat(up), file.name);
        let wish = read_own(file, &path, &|path| root.read(path))?;
        let (rule, minimum) = (wish.rule.clone(), wish.minimum.clone());
        match request_of(tool, wish, &path, &name) {
            Some(request) => return Ok(Some(Nearest { up, requests: vec![request], minimum })),
            None => silent.push(format!("{name} {rule}")),
        }
    }
    Ok(None)
}

/// Reads the files of version managers: for each known tool the nearest line. What they name beyond is noted.
fn managed(root: &Root, found: &mut Discovery) -> Result<Vec<Nearest>, Error> {
    let mut nearest: Vec<Nearest> = Vec::new();
    for (up, folder) in root.folders().enumerate() {
        for (file, manager) in version_managers::FILES {
            let path = folder.join(file);
            if !path.is_file() {
                continue;
            }
            let name = format!("{}{file}", "../".repeat(up));
            let lines = match lines_of(&path, manager, &|path| root.read(path)) {
                Ok(lines) => lines,
                Err(Error::BadProjectFile { source, .. }) => {
                    found.silent.push(format!("{name} is not read: {source}"));
                    found.notes.push(format!("{name} is not read: {source}"));
                    continue;
                }
                Err(error) => return Err(error),
            };
            for line in &lines {
                let is_new = |tool: &Arc<dyn Toolchain>| {
                    let is_its = |known: &Arc<dyn Toolchain>| known.name() == tool.name();
                    !nearest.iter().any(|one| is_its(&one.requests[0].tool))
                        && !found.broken.iter().any(|broken| is_its(&broken.tool))
                };
                if line.tool().as_ref().is_some_and(is_new) {
                    let before = found.requests.len();
                    found.take_line(line, &path, &name);
                    let requests = found.requests.split_off(before);
                    nearest.extend((!requests.is_empty()).then_some(Nearest { up, requests, minimum: None }));
                }
            }
            if lines.iter().all(|line| line.tool().is_none()) {
                found.silent.push(format!("{name} names no tool that toolkit provides"));
            }
            found.notes.extend(not_provided(&name, &lines));
        }
    }
    Ok(nearest)
}

/// Notes the tools of a file that are not known here.
fn not_provided(name: &str, lines: &[Line]) -> Option<String> {
    let others: Vec<&str> = lines.iter().filter(|line| line.tool().is_none()).map(|line| line.name.as_str()).collect();
    (!others.is_empty())
        .then(|| format!("not read from {name}: {}, which toolkit does not provide", comma_separated(others)))
}

impl Discovery {
    /// Adds what a line of a version manager's file requests; notes what it leaves to the machine.
    fn take_line(&mut self, line: &Line, path: &Path, name: &str) {
        let Some(tool) = line.tool() else { return };
        match of_line(&tool, line, path, name) {
            Ok(Some(requests)) => self.requests.extend(requests),
            Ok(None) => {
                self.notes.push(format!("{name}, line {}: `{}` is left to the machine", line.number, line.text()));
            }
            Err(error) => self.broken.push(Broken { tool, error }),
        }
    }
}

/// Returns what a line requests of its tool; none when that is whatever the machine has.
fn of_line(tool: &Arc<dyn Toolchain>, line: &Line, path: &Path, name: &str) -> Result<Option<Vec<ToolRequest>>, Error> {
    let bad = |source| Error::BadProjectFile { path: path.to_owned(), source };
    let (channels, notes) = match version_managers::meaning(tool.as_ref(), line).map_err(bad)? {
        Interpretation::System => return Ok(None),
        Interpretation::Channels(channels, notes) => (channels, notes),
    };
    let request = |channel| ToolRequest {
        rule: Some(format!("{} (line {})", line.text(), line.number)),
        warnings: notes.clone(),
        ..ToolRequest::new(tool.clone(), channel, Origin::File { path: path.to_owned(), name: name.to_owned() })
    };
    Ok(Some(channels.into_iter().map(request).collect()))
}

fn lines_of(path: &Path, manager: version_managers::Manager, read: Read<'_>) -> Result<Vec<Line>, Error> {
    let bytes = read(path)?;
    version_managers::read(manager, &String::from_utf8_lossy(&bytes))
        .map_err(|source| Error::BadProjectFile { path: path.to_owned(), source })
}

/// Reads a file of one tool and, where it is that of a workspace, the files of its members.
fn read_own(file: &ProjectFile, path: &Path, read: Read<'_>) -> Result<FileRequest, Error> {
    let bad = |path: &Path| {
        let path = path.to_owned();
        move |source| Error::BadProjectFile { path, source }
    };
    let bytes = read(path)?;
    let text = String::from_utf8_lossy(&bytes);
    let wish = (file.read)(&text).map_err(bad(path))?;
    let Some(workspace) = &file.workspace else { return Ok(wish) };
    let folder = path.parent().unwrap_or(path);
    let mut members = Vec::new();
    for member in (workspace.members)(&text).into_iter().take(MOST_MEMBERS) {
        let path = folder.join(&member);
        // One that is missing, or lies outside of the project, is left to the tool.
        let Ok(bytes) = read(&path) else { continue };
        let wish = (workspace.read)(&String::from_utf8_lossy(&bytes)).map_err(bad(&path))?;
        members.push((member, wish));
    }
    Ok((workspace.combine)(wish, &members))
}

fn request_of(tool: &Arc<dyn Toolchain>, wish: FileRequest, path: &Path, name: &str) -> Option<ToolRequest> {
    let origin = Origin::File { path: path.to_owned(), name: name.to_owned() };
    let channel = wish.channel?;
    Some(ToolRequest {
        rule: Some(wish.rule),
        warnings: wish.warnings,
        ..ToolRequest::new(tool.clone(), channel, origin)
    })
}

/// Finds how a tool reads a file that was named: by its whole name, else by its ending.
fn reader(tool: &dyn Toolchain, path: &Path) -> Option<&'static ProjectFile> {
    let name = path.file_name()?.to_string_lossy();
    let files = tool.card().project_files;
    let by_ending = |file: &&ProjectFile| file.ending.is_some_and(|ending| name.ends_with(ending));
    files.iter().find(|file| file.name == name).or_else(|| files.iter().find(by_ending))
}

/// Lists the names that are read, for one tool or for all.
fn known_files(tool: Option<&Arc<dyn Toolchain>>) -> Vec<String> {
    let all = toolchain::ALL.iter().filter(|one| tool.is_none_or(|tool| tool.name() == one.name()));
    let own = all.flat_map(|tool| tool.card().project_files).map(|file| file.name);
    own.chain(version_managers::SHARED_FILES).map(str::to_owned).collect()
}

#[cfg(test)]
#[path = "files/tests.rs"]
mod tests;
