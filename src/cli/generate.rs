//! `toolkit gen`: writes pipeline files from `[pipeline]` in toolkit.toml, or reports whether they are stale.

use std::path::{Component, Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use clap::builder::PossibleValuesParser;
use serde_json::json;
use similar::TextDiff;

use super::Global;
use super::render::{self, Failure, done};
use super::settings::policy;
use super::styled::{Styled, cyan, green, red};
use crate::fs::{Cause, FileError, make_folder, read_text_if_present};
use crate::generate::{self, Generator, Output, Project, State, ToolSpec, stamped, state};
use crate::host::Host;
use crate::project::{LOCK, Lock, MANIFEST, Manifest, Root};
use crate::provision::{self, ToolRequest};

/// Write the pipeline's files from toolkit.toml and toolkit.lock
///
/// The same project gives the same bytes, on any machine and any day. A file that somebody edited, or that toolkit did not
/// write, is left alone unless --force says otherwise. Makes no connection.
#[derive(Debug, Args)]
#[command(after_long_help = help(), after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// What to generate; by default every target whose files exist already
    #[arg(value_name = "TARGET", value_parser = targets())]
    targets: Vec<String>,
    /// Write nothing; exit 1 and show the difference when a file is missing or stale
    #[arg(long, conflicts_with_all = ["diff", "stdout", "force"])]
    check: bool,
    /// Write nothing; show what would change
    #[arg(long, conflicts_with_all = ["stdout", "force"])]
    diff: bool,
    /// Write nothing; print the files
    #[arg(long, conflicts_with = "force")]
    stdout: bool,
    /// Replace files that were edited by hand or not written by toolkit
    #[arg(long)]
    force: bool,
}

const EXAMPLES: &str = "\
Examples:
  toolkit gen gitlab-ci
  toolkit gen buildspec --diff
  toolkit gen runner --stdout
  toolkit gen --check";

/// Lists the targets under the examples, for `--help`; `-h` stays short.
fn help() -> String {
    let targets = generate::ALL.iter().map(|target| format!("\n  {:<12} {}", target.name(), target.about()));
    format!("{EXAMPLES}\n\nTargets:{}", targets.collect::<String>())
}

fn targets() -> PossibleValuesParser {
    PossibleValuesParser::new(generate::ALL.iter().map(|target| target.name()))
}

/// A file as it should be, and the file that is there.
struct Planned {
    /// Where it belongs, as people see it.
    path: PathBuf,
    /// The whole text it should have.
    text: String,
    /// What is there; none when nothing is.
    found: Option<String>,
}

impl Arguments {
    pub(super) fn run(self, host: &Host, global: &Global) -> Result<ExitCode, Failure> {
        let missing = || {
            Failure::usage_with_hint(
                format!("there is no {MANIFEST} in {} or above", host.cwd.display()),
                "nothing was changed; `toolkit init` writes one that fits the project",
            )
        };
        let root = Root::find(host);
        let manifest = Manifest::read(&root)?.ok_or_else(missing)?;
        let planned = self.plan(&root, &manifest, host, global)?;
        if let Some(warning) = folder_mirror(&planned, &root, &manifest) {
            done(global, warning);
        }
        if self.stdout {
            return print(&planned, global);
        }
        if self.check || self.diff {
            return self.compare(&planned, root.folder(), global);
        }
        write(&planned, &root, self.force, global)
    }

    fn plan(&self, root: &Root, manifest: &Manifest, host: &Host, global: &Global) -> Result<Vec<Planned>, Failure> {
        let lock = Lock::read(root)?;
        let requests = provision::project(root, Some(manifest))?.requests;
        if let Some(lock) = &lock {
            provision::trust(&requests, lock)?;
            let reasons = provision::supported(&requests, lock, &policy(host, Some(manifest)));
            if !reasons.findings.is_empty() {
                return Err(provision::Error::UnsupportedLock { reasons: reasons.findings }.into());
            }
            reasons.warnings.iter().for_each(|warning| done(global, format!("warning: {warning}")));
        }
        let pairs = lock.as_ref().map_or_else(|| vec![None; requests.len()], |lock| provision::pair(&requests, lock));
        let spec = |(request, locked): (ToolRequest, _)| ToolSpec {
            toolchain: request.tool,
            settings: request.settings,
            locked,
        };
        let specs = requests.into_iter().zip(pairs).map(spec).collect();
        let project = Project::new(manifest, lock.as_ref(), specs, root.folder())?;
        self.of(&project, root)
    }

    /// Makes the targets that were named; without names, those whose files are here.
    fn of(&self, project: &Project<'_>, root: &Root) -> Result<Vec<Planned>, Failure> {
        let mut planned = Vec::new();
        if self.targets.is_empty() {
            for target in generate::ALL {
                // A target that cannot be made has no files here that could be stale.
                let Ok(outputs) = target.generate(project) else { continue };
                if outputs.iter().any(|output| root.folder().join(&output.path).exists()) {
                    planned.extend(stamp(*target, outputs, root)?);
                }
            }
            if planned.is_empty() {
                let names: Vec<_> = generate::ALL.iter().map(|target| target.name()).collect();
                return Err(Failure::usage_with_hint(
                    "no generated file is here yet".to_owned(),
                    format!("name a target: {}", names.join(", ")),
                ));
            }
        }
        for name in &self.targets {
            let target = generate::find(name).expect("clap lets only known names through");
            planned.extend(stamp(target, target.generate(project)?, root)?);
        }
        Ok(planned)
    }

    fn compare(&self, planned: &[Planned], root: &Path, global: &Global) -> Result<ExitCode, Failure> {
        let stale: Vec<&Planned> = planned.iter().filter(|file| !file.is_current()).collect();
        if global.json {
            summary(planned, &[])?;
        } else {
            for file in &stale {
                render::data(difference(file, root))?;
            }
        }
        if stale.is_empty() {
            done(global, format!("{} up to date", count(planned.len())));
            return Ok(ExitCode::SUCCESS);
        }
        let names: Vec<String> = stale.iter().map(|file| shown(&file.path, root)).collect();
        done(global, format!("stale: {}", names.join(", ")));
        done(global, "hint: run `toolkit gen` with the target's name, and commit what it writes");
        Ok(ExitCode::from(u8::from(self.check)))
    }
}

impl Planned {
    /// Returns true if what is there is what should be, whichever line ends a checkout has.
    fn is_current(&self) -> bool {
        self.found.as_ref().is_some_and(|found| found.replace("\r\n", "\n") == self.text)
    }

    /// Returns why writing it would lose somebody's work, if it would.
    fn would_lose(&self) -> Option<&'static str> {
        let found = self.found.as_ref().filter(|_| !self.is_current())?;
        match state(found) {
            State::Generated => None,
            State::Edited => Some("was edited by hand since toolkit wrote it"),
            State::Foreign => Some("was not written by toolkit"),
        }
    }
}

/// Warns of a mirror that is a folder of this machine and goes into files for other machines.
fn folder_mirror(planned: &[Planned], root: &Root, manifest: &Manifest) -> Option<String> {
    let mirror =
        manifest.mirror.as_deref().filter(|mirror| mirror.starts_with(['/', '\\']) || mirror.starts_with("file:"))?;
    let path = mirror.trim_start_matches("file://");
    let names: Vec<String> =
        planned.iter().filter(|file| file.text.contains(path)).map(|file| shown(&file.path, root.folder())).collect();
    let text = root.read_if_present(MANIFEST).ok().flatten().unwrap_or_default();
    let is_mirror = |line: &str| line.trim_start().starts_with("mirror") && line.contains(mirror);
    let line = text.lines().position(is_mirror).map_or_else(String::new, |at| format!(", line {}", at + 1));
    (!names.is_empty()).then(|| {
        format!(
            "warning: {MANIFEST}{line}: the mirror {mirror} is a folder of this machine, and {} reads from it: every \
             machine that runs it needs the same folder",
            names.join(", ")
        )
    })
}

/// Returns outputs their headers and reads what is there.
fn stamp(target: &dyn Generator, outputs: Vec<Output>, root: &Root) -> Result<Vec<Planned>, Failure> {
    outputs
        .into_iter()
        .map(|output| {
            let path = root.folder().join(inside(&output.path)?);
            let found = match read_text_if_present(&path, root.reach()) {
                // It is not text, so toolkit did not write it.
                Err(FileError { source: Cause::NotText, .. }) => Some(String::new()),
                found => found?,
            };
            Ok(Planned { path, text: stamped(target.name(), &output.body, output.comments), found })
        })
        .collect()
}

/// Refuses a path that leads out of the project.
fn inside(path: &Path) -> Result<&Path, Failure> {
    let plain = path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if plain && path.file_name().is_some() {
        return Ok(path);
    }
    Err(Failure::usage_with_hint(
        format!("{} leads out of the project", path.display()),
        "nothing was changed; give a path below toolkit.toml",
    ))
}

fn print(planned: &[Planned], global: &Global) -> Result<ExitCode, Failure> {
    if global.json {
        let files: Vec<_> = planned.iter().map(|file| json!({ "path": file.path, "text": file.text })).collect();
        render::json(&files)?;
        return Ok(ExitCode::SUCCESS);
    }
    for file in planned {
        if planned.len() > 1 {
            render::data(format!("# ==> {} <==\n", file.path.display()))?;
        }
        // As it would be written: the output may become the file.
        render::raw(&file.text)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes what differs; nothing at all when somebody's work would be lost.
fn write(planned: &[Planned], root: &Root, force: bool, global: &Global) -> Result<ExitCode, Failure> {
    if let Some((file, why)) = planned.iter().find_map(|file| Some((file, file.would_lose()?))).filter(|_| !force) {
        return Err(Failure::usage_with_hint(
            format!("{} {why}; no file was changed", shown(&file.path, root.folder())),
            "`--diff` shows what would change; move the edit into toolkit.toml, or let `--force` replace the file",
        ));
    }
    let mut written = Vec::new();
    for file in planned {
        let name = shown(&file.path, root.folder());
        if file.is_current() {
            done(global, format!("{name} is up to date"));
            continue;
        }
        let folder = file.path.parent().unwrap_or(root.folder());
        make_folder(folder, root.reach())?;
        root.write(&file.path, &file.text)?;
        done(global, format!("{} {name}", if file.found.is_some() { "updated" } else { "wrote" }));
        written.push(file.path.as_path());
    }
    if global.json {
        summary(planned, &written)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn summary(planned: &[Planned], written: &[&Path]) -> Result<(), Failure> {
    let files: Vec<_> = planned
        .iter()
        .map(|file| {
            let state = match &file.found {
                _ if written.contains(&file.path.as_path()) => "written",
                None => "missing",
                Some(_) if file.is_current() => "current",
                Some(_) => "stale",
            };
            json!({ "path": file.path, "state": state })
        })
        .collect();
    render::json(&json!({ "lock": LOCK, "files": files }))
}

fn difference(file: &Planned, root: &Path) -> Styled {
    let name = shown(&file.path, root);
    let found = file.found.as_deref().unwrap_or_default();
    let diff = TextDiff::from_lines(found, &file.text);
    let old = if file.found.is_some() { name.as_str() } else { "/dev/null" };
    let text = diff.unified_diff().context_radius(3).header(old, &name).to_string();
    let painted = |line: &str| match line.chars().next() {
        Some('+') => green(line),
        Some('-') => red(line),
        Some('@') => cyan(line),
        _ => line.into(),
    };
    text.lines().map(|line| painted(line) + "\n").collect()
}

fn shown(path: &Path, root: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).display().to_string()
}

fn count(files: usize) -> String {
    if files == 1 { "1 file is".to_owned() } else { format!("{files} files are") }
}
