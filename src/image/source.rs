//! Where images are read from: a repository of a registry, or a layout on this disk. Both are asked by digest once the first
//! name was looked up, so that nothing changes under a reader's feet.

use oci_spec::image::{Descriptor, ImageConfiguration, ImageManifest};

use super::index::At;
use crate::model::{Digest, Explain, Kind, Reference, Repository, did_you_mean};
use crate::oci::{self, Layout, LayoutError, Manifest, Registries};

/// Where an image is read from.
#[derive(Debug, Clone)]
pub enum Source {
    /// A repository.
    Registry(Repository),
    /// A layout.
    Layout(Layout),
}

/// Why an image could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Unread {
    /// There is none of this name.
    #[error("{name} does not exist")]
    Absent {
        /// The name.
        name: String,
        /// The tag that was most likely meant.
        near: Option<String>,
    },
    /// The registry did not give it.
    #[error(transparent)]
    Registry(#[from] oci::Error),
    /// The layout did not give it.
    #[error(transparent)]
    Layout(#[from] LayoutError),
}

impl Source {
    /// Looks a name up, once, and reads the manifest or index that it stands for.
    ///
    /// # Errors
    /// When there is none, or it cannot be read or is not what it should be.
    pub async fn open(at: &At, registries: &Registries) -> Result<(Self, Manifest), Unread> {
        match at {
            At::Registry(reference) => match registries.manifest(reference).await? {
                Some(manifest) => Ok((Self::Registry(reference.repository.clone()), manifest)),
                None => Err(absent(reference, registries).await),
            },
            At::Layout { folder, tag } => {
                let layout = Layout::open(folder)?;
                let manifest = layout.find(tag.as_deref())?;
                Ok((Self::Layout(layout), manifest))
            }
        }
    }

    /// Reads the manifest or index that a row of an index names.
    ///
    /// # Errors
    /// When it cannot be read or is not what the row says.
    pub async fn manifest(&self, row: &Descriptor, registries: &Registries) -> Result<Manifest, Unread> {
        match self {
            Self::Layout(layout) => Ok(layout.manifest(row)?),
            Self::Registry(repository) => {
                let digest: Digest = row.digest().as_ref().parse().map_err(|error: crate::model::BadDigest| {
                    oci::Error::Document { what: repository.to_string(), reason: error.to_string() }
                })?;
                let at = repository.pinned(&digest);
                let found = registries.manifest(&at).await?;
                found.ok_or_else(|| Unread::Absent { name: at.to_string(), near: None })
            }
        }
    }

    /// Reads the configuration of an image.
    ///
    /// # Errors
    /// When it cannot be read or is not what the manifest says.
    pub async fn config(
        &self,
        manifest: &ImageManifest,
        registries: &Registries,
    ) -> Result<ImageConfiguration, Unread> {
        match self {
            Self::Registry(repository) => Ok(registries.config(repository, manifest).await?),
            Self::Layout(layout) => {
                let (digest, bytes) = layout.blob(manifest.config())?;
                let unfit = |error| oci::Error::Document {
                    what: digest.to_string(),
                    reason: format!("it is not an image configuration: {error}"),
                };
                Ok(serde_json::from_slice(&bytes).map_err(unfit)?)
            }
        }
    }

    /// Names the image with this digest as people would.
    #[must_use]
    pub fn named(&self, digest: &Digest) -> String {
        match self {
            Self::Registry(repository) => repository.pinned(digest).to_string(),
            Self::Layout(layout) => format!("oci:{}@{digest}", layout.folder().display()),
        }
    }
}

/// Says that a name stands for nothing, and looks for the tag that was meant: only then, as it costs a request.
async fn absent(reference: &Reference, registries: &Registries) -> Unread {
    let name = reference.to_string();
    let Some(tag) = reference.tag.as_deref().filter(|_| reference.digest.is_none()) else {
        return Unread::Absent { name, near: None };
    };
    let tags = registries.tags(&reference.repository).await.unwrap_or_default();
    let near = did_you_mean(tag, tags.iter().map(String::as_str));
    Unread::Absent { name, near: near.map(|tag| reference.repository.tagged(tag).to_string()) }
}

impl Explain for Unread {
    fn kind(&self) -> Kind {
        match self {
            Self::Absent { .. } => Kind::Usage,
            Self::Registry(cause) => cause.kind(),
            Self::Layout(cause) => cause.kind(),
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Absent { near: Some(near), .. } => vec![format!("did you mean {near}?")],
            Self::Absent { .. } => {
                vec!["check the name; the job that pushes it may not have run, or may have failed".to_owned()]
            }
            Self::Registry(cause) => cause.hints(),
            Self::Layout(cause) => cause.hints(),
        }
    }
}
