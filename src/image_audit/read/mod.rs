//! Reads the images of one file, by its kind.

mod buildspec;
mod commands;
mod compose;
mod dockerfile;
mod gitlab;
mod kubernetes;
mod lock;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::CheckError;
use super::found::{Location, Needs, Note, NoteKind, Use};
use crate::format::buildspec::images::arch_of;
use crate::format::dockerfile::Dockerfile;
use crate::format::source::LARGEST;
use crate::format::yaml::{self, Node, Tree};
use crate::format::{Source, buildspec as spec, compose as composition, kubernetes as cluster};
use crate::fs::{self, Cause, Within, lexical};
use crate::model::{ImagePlatform, Reference};
use crate::project::LOCK;
use crate::text::comma_separated;

pub use compose::dotenv;

/// The kinds of files that name images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Dockerfile,
    Compose,
    /// Kubernetes manifests, a kustomization.
    Kubernetes,
    GitLab,
    /// A buildspec of CodeBuild.
    Buildspec,
    /// `toolkit.lock`.
    Lock,
}

/// What is known beside the files.
#[derive(Clone, Copy)]
pub struct Setting<'a> {
    /// The platforms that are asked about.
    pub platforms: &'a [ImagePlatform],
    /// The arguments of Dockerfiles.
    pub build_args: &'a BTreeMap<String, String>,
    /// The variables that compose files and pipelines see. Only those that the user named: what a file makes of them is part
    /// of a request to a host that the same file names, so the environment would be a stranger's to read.
    pub variables: &'a dyn Fn(&str) -> Option<String>,
}

#[derive(Debug, Default)]
pub struct Findings {
    pub uses: Vec<Use>,
    /// What else is to be known.
    pub notes: Vec<Note>,
    /// Dockerfiles that a compose file builds with its own arguments, and files that others include: they are not read alone.
    pub claimed: BTreeSet<PathBuf>,
    known: HashSet<Use>,
    told: HashSet<Note>,
}

/// A file to read.
#[derive(Debug)]
pub struct File {
    pub path: PathBuf,
    /// Its text, under the path as people know it.
    pub source: Source,
    /// The folder that what it names must lie in: it may come from a stranger.
    pub root: PathBuf,
}

impl Kind {
    /// Returns what a file is by its name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        let lower = name.to_ascii_lowercase();
        if let Some(stem) = lower.strip_suffix(".yml").or_else(|| lower.strip_suffix(".yaml")) {
            let composed = ["compose", "docker-compose"].iter().any(|word| {
                stem.strip_prefix(word).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-', '_']))
            });
            return match () {
                () if composed || stem.ends_with("-compose") || stem.ends_with(".compose") => Some(Self::Compose),
                () if stem.ends_with("gitlab-ci") => Some(Self::GitLab),
                () if stem.starts_with("buildspec") || stem.ends_with("buildspec") => Some(Self::Buildspec),
                () if stem == "kustomization" => Some(Self::Kubernetes),
                () => None,
            };
        }
        if name == LOCK {
            return Some(Self::Lock);
        }
        let builds = |word: &str| {
            let rest = lower.strip_prefix(word);
            let named = rest.is_some_and(|rest| {
                rest.is_empty() || rest.starts_with('.') || (rest.starts_with(['-', '_']) && !rest.contains('.'))
            });
            named || lower.ends_with(&format!(".{word}"))
        };
        let dockerfile = (builds("dockerfile") || builds("containerfile")) && !lower.ends_with("ignore");
        dockerfile.then_some(Self::Dockerfile)
    }

    /// Returns what a file is by what it says.
    #[must_use]
    pub fn by_content(text: &str) -> Option<Self> {
        let Ok(tree) = yaml::parse(text) else { return Self::builds(text) };
        let root = tree.documents.iter().find(|root| !root.is_null())?;
        let has = |key: &str| root.get(key).is_some();
        let jobs = || tree.documents.last().and_then(Node::entries).unwrap_or_default();
        let is_job = |node: &Node| ["script", "trigger", "extends"].iter().any(|key| node.get(key).is_some());
        match () {
            () if tree.documents.iter().any(cluster::is_object) => Some(Self::Kubernetes),
            () if composition::is_compose(root) => Some(Self::Compose),
            () if has("phases") || (has("batch") && has("version")) => Some(Self::Buildspec),
            () if jobs().iter().any(|entry| is_job(&entry.value)) => Some(Self::GitLab),
            () => Self::builds(text),
        }
    }

    fn builds(text: &str) -> Option<Self> {
        Dockerfile::read(text).problems.is_empty().then_some(Self::Dockerfile)
    }
}

/// Reads a file.
///
/// # Errors
/// When it is not what its kind says.
pub fn read(file: &File, kind: Kind, setting: &Setting<'_>, findings: &mut Findings) -> Result<(), CheckError> {
    let text = &file.source.text;
    let tree = match kind {
        Kind::Dockerfile | Kind::Lock => Tree::default(),
        _ => yaml::parse(text).map_err(|source| CheckError::NoYaml {
            path: file.source.path.clone().into(),
            line: file.source.line_of(source.offset),
            source,
        })?,
    };
    match kind {
        Kind::Dockerfile => return dockerfile::read_alone(file, setting, findings),
        Kind::Lock => return lock::read(file, findings),
        Kind::Compose => compose::read(file, &tree, setting, findings),
        Kind::Kubernetes => kubernetes::read(file, &cluster::images(&tree), findings),
        Kind::GitLab => gitlab::read(file, &tree, setting, findings),
        Kind::Buildspec => buildspec::read(file, &spec::Buildspec::read(&tree).0, findings),
    }
    Ok(())
}

impl File {
    fn location(&self, span: &Range<usize>) -> Option<Location> {
        Some(Location { file: self.source.path.clone(), position: self.source.position(span.start) })
    }

    /// Opens a file that this one includes; none when it does not exist or is not text.
    fn included(&self, name: &str) -> Option<Self> {
        let (path, shown) = self.beside(name);
        let text = self.text_of(&path).ok()?;
        Some(Self { source: Source::new(shown, text), path, root: self.root.clone() })
    }

    /// Reads a regular file that is text; else says what is wrong with it, to be read after its name.
    fn text_of(&self, path: &Path) -> Result<String, &'static str> {
        const NO_TEXT: &str = "does not exist or is not text";
        let bytes = fs::read(path, Within::Folder(&self.root), LARGEST as u64).map_err(|error| match error.source {
            Cause::LeadsOut { .. } => "lies outside of the project",
            _ => NO_TEXT,
        })?;
        Source::decode("", bytes).map(|source| source.text).map_err(|_| NO_TEXT)
    }

    /// Returns a file that this one names: where it is, and what people know it as.
    fn beside(&self, name: &str) -> (PathBuf, String) {
        let folder = self.path.parent().unwrap_or(Path::new(""));
        let shown = Path::new(&self.source.path).parent().unwrap_or(Path::new("")).join(name);
        (lexical(&folder.join(name)), lexical(&shown).display().to_string())
    }
}

impl Findings {
    /// Adds an image by its name: a note when that is none of a registry's.
    fn add(
        &mut self,
        name: Result<String, String>,
        written: &str,
        location: Option<Location>,
        role: &str,
        needs: Needs,
    ) {
        let mut note = |kind, text| self.note(kind, location.clone(), written, text);
        let name = match name {
            Ok(name) => name.trim().to_owned(),
            Err(reason) => return note(NoteKind::Unresolved, reason),
        };
        if name.starts_with("aws/codebuild/") {
            let arch = arch_of(&name).map_or(String::new(), |arch| format!(" for linux/{arch}"));
            return note(NoteKind::Curated, format!("CodeBuild keeps {name}{arch}; its `type` of machine must fit"));
        }
        let image: Reference = match name.parse() {
            Ok(image) => image,
            Err(error) => return note(NoteKind::Unresolved, error.to_string()),
        };
        if let Needs::Pinned(platforms) = &needs {
            note(NoteKind::Pinned, format!("{image} is held to {}", comma_separated(platforms)));
        }
        let one = Use { location, role: role.to_owned(), image, needs };
        if self.known.insert(one.clone()) {
            self.uses.push(one);
        }
    }

    pub(super) fn unread(&mut self, location: Option<Location>, subject: &str, text: impl Into<String>) {
        self.note(NoteKind::Unread, location, subject, text.into());
    }

    fn note(&mut self, kind: NoteKind, location: Option<Location>, subject: &str, text: String) {
        let note = Note { kind, location, subject: subject.to_owned(), text };
        if self.told.insert(note.clone()) {
            self.notes.push(note);
        }
    }
}

/// Reads the platform that a file contains an image to; no note is made of one that cannot be read.
fn held(text: &str) -> Needs {
    let arch_alone = || format!("linux/{text}").parse().ok();
    match if text.contains('/') { text.parse().ok() } else { arch_alone() } {
        Some(platform) => Needs::Pinned(vec![platform]),
        None => Needs::All,
    }
}
