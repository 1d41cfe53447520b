//! Reads images from a registry's repository or a layout on this disk. After the name was looked up, everything is read
//! by digest, so that changes do not affect a reader.

use oci_spec::image::{Descriptor, ImageConfiguration, ImageManifest};

use super::location::ImageLocation;
use crate::model::{Digest, Explain, Kind, Reference, Repository, did_you_mean};
use crate::oci::{self, Layout, LayoutError, Manifest, Registries};

/// The source of an image.
#[derive(Debug, Clone)]
pub enum Source {
    Registry(Repository),
    Layout(Layout),
}

/// Why an image could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The image does not exist.
    #[error("{name} does not exist")]
    Absent {
        name: String,
        /// The most similar tag.
        near: Option<String>,
    },
    /// It is an index of more than any has.
    #[error("{name} leads to more than {limit} manifests")]
    TooMany {
        name: String,
        /// How many are read at most.
        limit: usize,
    },
    #[error(transparent)]
    Registry(#[from] oci::Error),
    #[error(transparent)]
    Layout(#[from] LayoutError),
}

impl Source {
    /// Looks up a name once, and reads its manifest or index.
    ///
    /// # Errors
    /// When it does not exist, cannot be read, or is not valid.
    pub async fn open(at: &ImageLocation, registries: &Registries) -> Result<(Self, Manifest), ReadError> {
        match at {
            ImageLocation::Registry(reference) => match registries.manifest(reference).await? {
                Some(manifest) => Ok((Self::Registry(reference.repository.clone()), manifest)),
                None => Err(absent(reference, registries).await),
            },
            ImageLocation::Layout { folder, tag } => {
                let layout = Layout::open(folder)?;
                let manifest = layout.find(tag.as_deref())?;
                Ok((Self::Layout(layout), manifest))
            }
        }
    }

    /// Reads the manifest or index of a row of an index.
    ///
    /// # Errors
    /// When it cannot be read or does not match the row.
    pub async fn manifest(&self, row: &Descriptor, registries: &Registries) -> Result<Manifest, ReadError> {
        match self {
            Self::Layout(layout) => Ok(layout.manifest(row)?),
            Self::Registry(repository) => {
                let digest: Digest = row.digest().as_ref().parse().map_err(|error: crate::model::BadDigest| {
                    oci::Error::Document { what: repository.to_string(), reason: error.to_string() }
                })?;
                let at = repository.pinned(&digest);
                let found = registries.manifest(&at).await?;
                found.ok_or_else(|| ReadError::Absent { name: at.to_string(), near: None })
            }
        }
    }

    /// Reads the configuration of an image.
    ///
    /// # Errors
    /// When it cannot be read or does not match the manifest.
    pub async fn config(
        &self,
        manifest: &ImageManifest,
        registries: &Registries,
    ) -> Result<ImageConfiguration, ReadError> {
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

    /// Returns the name of the image with this digest, for users.
    #[must_use]
    pub fn named(&self, digest: &Digest) -> String {
        match self {
            Self::Registry(repository) => repository.pinned(digest).to_string(),
            Self::Layout(layout) => format!("oci:{}@{digest}", layout.folder().display()),
        }
    }
}

/// Returns the error for a missing name, with the most similar tag. Tags are read only in this case, because that costs
/// a request.
async fn absent(reference: &Reference, registries: &Registries) -> ReadError {
    let name = reference.to_string();
    let Some(tag) = reference.tag.as_deref().filter(|_| reference.digest.is_none()) else {
        return ReadError::Absent { name, near: None };
    };
    let tags = registries.tags(&reference.repository).await.unwrap_or_default();
    let near = did_you_mean(tag, tags.iter().map(String::as_str));
    ReadError::Absent { name, near: near.map(|tag| reference.repository.tagged(tag).to_string()) }
}

impl Explain for ReadError {
    fn kind(&self) -> Kind {
        match self {
            Self::Absent { .. } | Self::TooMany { .. } => Kind::Usage,
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
            Self::TooMany { .. } => vec!["no more of them were read; name one image of it by its digest".to_owned()],
            Self::Registry(cause) => cause.hints(),
            Self::Layout(cause) => cause.hints(),
        }
    }
}
