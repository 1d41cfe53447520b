//! One request: a tool, which of its releases, and where the request comes from.

use std::path::PathBuf;
use std::sync::Arc;

use crate::model::Channel;
use crate::toolchain::Toolchain;

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
    /// Makes a request with nothing but what it requests.
    pub(super) fn new(tool: Arc<dyn Toolchain>, channel: Channel, origin: Origin) -> Self {
        Self { tool, channel, origin, rule: None, source: None, settings: Vec::new(), warnings: Vec::new() }
    }

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
