//! Pipeline files from one model. Pure text: a generator opens nothing and runs nothing; the command writes its output.
//! A new target is one new file and one line in [`ALL`].

mod buildspec;
mod dockerfile;
mod error;
mod gitlab_ci;
pub mod images;
pub mod install;
mod pinned;
mod portable;
mod project;
mod runner;
mod stamp;
mod step;

use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use error::Error;
pub use project::ToolSpec;
pub use stamp::{Comments, State, stamped, state};
pub use step::Step;

use crate::format::yaml::{Map, agrees};
use crate::model::Reference;
use crate::project::LockedTool;
use crate::project::pipeline::{Architecture, Pipeline};
use crate::toolchain::Toolchain;

/// Every target, in the order in which help lists them.
pub const ALL: &[&dyn Generator] = &[buildspec::BUILDSPEC, &gitlab_ci::GitLabCi, &dockerfile::CiImage, &runner::Runner];

/// Makes the files of one target.
pub trait Generator: Debug + Sync {
    /// Returns the target's name in `toolkit gen NAME`.
    fn name(&self) -> &'static str;

    /// Describes the output in a few words, for help.
    fn about(&self) -> &'static str;

    /// Makes the files.
    ///
    /// # Errors
    /// When the model asks for something that the target cannot do, or lacks something that it needs.
    fn generate(&self, project: &Project<'_>) -> Result<Vec<Output>, Error>;
}

/// The input of a generator.
#[derive(Debug, Clone)]
pub struct Project<'a> {
    /// The model.
    pub pipeline: &'a Pipeline,
    /// The project's name: the pipeline's, or one derived from the folder's.
    pub name: String,
    /// The architectures to build, without repetition, in a fixed order.
    pub architectures: Vec<Architecture>,
    /// The locked tools, sorted by name.
    pub tools: Vec<Tool<'a>>,
    /// The locked tools that are images, which a job does not install.
    pub images: Vec<LockedImage<'a>>,
    /// The first 12 hexadecimal digits of the lock's SHA-256; none without a lock.
    pub lock_digest: Option<String>,
    /// Where files are read instead of upstream.
    pub mirror: Option<String>,
    /// Whether the project has a `global.json` of its own at or above where its commands run.
    pub has_global_json: bool,
}

/// A tool that the pipeline needs.
#[derive(Debug, Clone)]
pub struct Tool<'a> {
    /// Its toolchain.
    pub toolchain: Arc<dyn Toolchain>,
    /// Its entry in the lock.
    pub locked: &'a LockedTool,
    /// Its settings in the project.
    pub settings: Vec<(String, String)>,
}

/// An image that the lock pins.
#[derive(Debug, Clone)]
pub struct LockedImage<'a> {
    /// The tool.
    pub tool: String,
    /// The purpose of the jobs that can run in it; none where it has no shell.
    pub purpose: Option<&'static str>,
    /// Its name, with the digest of its index.
    pub reference: &'a Reference,
}

impl Project<'_> {
    /// Returns the image for jobs of a purpose: the one that `[pipeline.images]` names, the one that the lock pins, or the
    /// table's.
    #[must_use]
    pub fn image(&self, purpose: &str) -> Option<String> {
        let locked = || self.images.iter().find(|image| image.purpose == Some(purpose));
        match (self.pipeline.images.get(purpose), locked()) {
            (None, Some(image)) => Some(image.reference.to_string()),
            _ => images::find(self.pipeline, purpose).map(str::to_owned),
        }
    }
}

/// A generated file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Where it belongs, relative to the project.
    pub path: PathBuf,
    /// Its text without the header that [`stamped`] adds.
    pub body: String,
    /// How comments are written in it.
    pub comments: Comments,
}

impl Output {
    /// Makes a YAML file, and checks that a second parser reads exactly what was meant.
    ///
    /// # Errors
    /// When it would be read differently, which is a bug in this program: better no file than a wrong one.
    pub fn yaml(path: impl Into<PathBuf>, map: &Map) -> Result<Self, Error> {
        let (path, body) = (path.into(), map.to_text());
        if !agrees(map, &body) {
            return Err(Error::Ambiguous { path });
        }
        Ok(Self { path, body, comments: Comments::Hash })
    }
}

/// Finds a target.
#[must_use]
pub fn find(name: &str) -> Option<&'static dyn Generator> {
    ALL.iter().copied().find(|generator| generator.name() == name)
}

/// Derives a name from a folder's that images, caches and CodeBuild projects accept.
#[must_use]
pub fn name_of(folder: &Path) -> String {
    let name = folder.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    let fit: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(100).collect();
    let fit = fit.trim_matches('-');
    if fit.is_empty() { "project".to_owned() } else { fit.to_owned() }
}
