//! The input of the generators, assembled from a project's own files.

use std::path::Path;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::{Error, LockedImage, Project, Tool, name_of};
use crate::model::{Arch, Os, hex};
use crate::project::pipeline::{Architecture, Pipeline};
use crate::project::{Lock, LockedTool, Manifest, boundary};
use crate::toolchain::Toolchain;

/// A tool that a project requires.
#[derive(Debug, Clone)]
pub struct ToolSpec<'a> {
    /// The tool.
    pub toolchain: Arc<dyn Toolchain>,
    /// Its settings in the project.
    pub settings: Vec<(String, String)>,
    /// Its entry in the lock; none when it has none.
    pub locked: Option<&'a LockedTool>,
}

impl<'a> ToolSpec<'a> {
    /// Describes a tool without settings by its entry in the lock.
    #[must_use]
    pub fn of(toolchain: Arc<dyn Toolchain>, locked: Option<&'a LockedTool>) -> Self {
        Self { toolchain, settings: Vec::new(), locked }
    }
}

impl<'a> Project<'a> {
    /// Assembles the input for the project in `root`, which requires the tools in `specs`.
    ///
    /// # Errors
    /// When `[pipeline]` is not understood, or the lock lacks a tool or its files for an architecture that is built.
    pub fn new(
        manifest: &'a Manifest,
        lock: Option<&'a Lock>,
        specs: Vec<ToolSpec<'a>>,
        root: &Path,
    ) -> Result<Self, Error> {
        let pipeline = manifest.pipeline()?;
        let architectures = architectures(pipeline, manifest);
        let (mut tools, mut images) = (Vec::new(), Vec::new());
        for ToolSpec { toolchain, settings, locked } in specs {
            let locked = locked.ok_or_else(|| Error::NotLocked { tool: toolchain.name().to_owned() })?;
            if let (Some(root), Some(reference)) = (toolchain.card().layout.chroot(), &locked.image) {
                images.push(LockedImage { tool: toolchain.name().to_owned(), purpose: root.job_image, reference });
                continue;
            }
            for architecture in &architectures {
                let of = |arch: Arch| locked.artifacts.iter().any(|one| one.platform.arch == arch);
                if !of(architecture.arch()) {
                    let tool = toolchain.name().to_owned();
                    return Err(Error::NotLockedFor { tool, architecture: architecture.as_str() });
                }
            }
            tools.push(Tool { toolchain, locked, settings });
        }
        Ok(Self {
            pipeline,
            name: pipeline.name.clone().unwrap_or_else(|| name_of(root)),
            architectures,
            tools,
            images,
            lock_digest: lock.map(|lock| digest(&lock.without_trees().to_text())),
            mirror: manifest.mirror.clone(),
            has_global_json: has_global_json(root, pipeline.directory.as_deref()),
        })
    }
}

/// Returns true if the repository has a `global.json` at or above the folder in which commands run. What is above the
/// repository belongs to this machine and must not change the output.
fn has_global_json(root: &Path, directory: Option<&str>) -> bool {
    let top = boundary(root);
    let start = root.join(directory.unwrap_or_default());
    let inside = start.ancestors().take_while(|folder| folder.starts_with(top));
    inside.into_iter().any(|folder| folder.join("global.json").is_file())
}

fn architectures(pipeline: &Pipeline, manifest: &Manifest) -> Vec<Architecture> {
    let of = |arch| match arch {
        Arch::Amd64 => Some(Architecture::Amd64),
        Arch::Arm64 => Some(Architecture::Arm64),
        _ => None,
    };
    let mut found = if pipeline.architectures.is_empty() {
        manifest.platforms.iter().filter(|one| one.os == Os::Linux).filter_map(|one| of(one.arch)).collect()
    } else {
        pipeline.architectures.clone()
    };
    found.sort_unstable();
    found.dedup();
    found
}

fn digest(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes())[..6])
}
