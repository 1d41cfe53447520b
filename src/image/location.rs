//! The location of an image: a registry, or a folder on this disk.

use std::path::{Path, PathBuf};

use crate::model::{BadReference, Reference};

/// Where an image is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageLocation {
    Registry(Reference),
    /// An OCI layout on this disk.
    Layout {
        folder: PathBuf,
        /// The name of the image in the layout; none when the layout contains only one.
        tag: Option<String>,
    },
}

impl ImageLocation {
    /// Parses `oci:DIR`, `oci:DIR:TAG` or a reference. Paths are relative to `cwd`.
    ///
    /// # Errors
    /// When the text is none of these.
    pub fn read(text: &str, cwd: &Path) -> Result<Self, BadReference> {
        let Some(rest) = text.strip_prefix("oci:") else {
            return Ok(Self::Registry(without_transport(text).parse()?));
        };
        // The name of a folder may contain a colon.
        let split = rest.rsplit_once(':').filter(|(_, tag)| !tag.contains('/') && !cwd.join(rest).is_dir());
        let (folder, tag) = split.map_or((rest, None), |(folder, tag)| (folder, Some(tag.to_owned())));
        Ok(Self::Layout { folder: cwd.join(folder), tag })
    }
}

/// Removes `docker://`, with which skopeo and podman mark registries.
pub(super) fn without_transport(text: &str) -> &str {
    text.strip_prefix("docker://").unwrap_or(text)
}
