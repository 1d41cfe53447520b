//! Inspects an image: its platforms, their sizes, layers and configurations.

use futures_util::{StreamExt, TryStreamExt, stream};
use oci_spec::image::{Descriptor, ImageConfiguration, ImageManifest};

use super::budget::{Budget, total_size};
use super::index::{is_attestation, platform_of};
use super::location::ImageLocation;
use super::{ReadError, Source};
use crate::model::{Explain, ImagePlatform, Kind};
use crate::oci::{Content, Manifest, Registries};

/// The number of images that are read at once.
const AT_ONCE: usize = 8;

/// The result of an inspection.
#[derive(Debug)]
pub struct Inspected {
    /// The manifest of the name: an index, or an image.
    pub manifest: Manifest,
    /// The image, or the images of the index.
    pub images: Vec<Image>,
    /// The number of attestations in the index.
    pub attestations: usize,
}

#[derive(Debug)]
pub struct Image {
    pub manifest: Manifest,
    /// The platform according to the index; none for a single image.
    pub stated: Option<ImagePlatform>,
    /// The parsed manifest; none for a nested index.
    pub image: Option<ImageManifest>,
    /// The configuration; none if the manifest is not of a container image.
    pub configuration: Option<ImageConfiguration>,
}

impl Image {
    /// Returns the platform according to the image itself.
    #[must_use]
    pub fn platform(&self) -> Option<ImagePlatform> {
        let configuration = self.configuration.as_ref()?;
        let (os, architecture) = (configuration.os().to_string(), configuration.architecture().to_string());
        Some(ImagePlatform::new(&os, &architecture, configuration.variant().as_deref()))
    }

    /// Returns the layers, bottom first.
    #[must_use]
    pub fn layers(&self) -> &[Descriptor] {
        self.image.as_ref().map_or(&[], |image| image.layers())
    }

    /// Returns the download size in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        let own = self.image.as_ref().map_or(0, |image| image.config().size());
        total_size(self.layers(), own, &self.manifest)
    }
}

/// Why an image cannot be inspected.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    /// It cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It has no image for the requested platform.
    #[error("{name} has no image for {platform}, only for {}", known.join(", "))]
    NoPlatform {
        name: String,
        platform: ImagePlatform,
        /// The platforms that it has.
        known: Vec<String>,
    },
}

impl Explain for InspectError {
    fn kind(&self) -> Kind {
        match self {
            Self::Read(cause) => cause.kind(),
            Self::NoPlatform { .. } => Kind::Finding,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Read(cause) => cause.hints(),
            Self::NoPlatform { .. } => vec!["leave out --platform to see all platforms".to_owned()],
        }
    }
}

/// Inspects `at`: everything, or the image for one platform.
///
/// # Errors
/// When it cannot be read, or has no image for that platform.
pub async fn inspect(
    at: &ImageLocation,
    platform: Option<&ImagePlatform>,
    registries: &Registries,
) -> Result<Inspected, InspectError> {
    let (source, manifest) = Source::open(at, registries).await?;
    let (images, attestations) = match &manifest.content {
        Content::Image(_) => (vec![look(&source, manifest.clone(), None, registries).await?], 0),
        Content::Index(index) => rows(&source, &manifest, index.manifests(), (platform, registries)).await?,
    };
    let fits = |image: &Image| platform.is_none_or(|platform| image.is_for(platform));
    let (fitting, others): (Vec<Image>, Vec<Image>) = images.into_iter().partition(fits);
    if let (Some(platform), []) = (platform, fitting.as_slice()) {
        let mut known: Vec<String> = others.iter().filter_map(Image::platform).map(|found| found.to_string()).collect();
        if let Content::Index(index) = &manifest.content {
            known = index.manifests().iter().filter_map(platform_of).map(|found| found.to_string()).collect();
        }
        let name = source.named(&manifest.digest);
        return Err(InspectError::NoPlatform { name, platform: platform.clone(), known });
    }
    Ok(Inspected { manifest, images: fitting, attestations })
}

impl Image {
    fn is_for(&self, platform: &ImagePlatform) -> bool {
        self.platform().as_ref().or(self.stated.as_ref()) == Some(platform)
    }
}

/// Reads the images of an index, or the one for the platform.
async fn rows(
    source: &Source,
    index: &Manifest,
    rows: &[Descriptor],
    (platform, registries): (Option<&ImagePlatform>, &Registries),
) -> Result<(Vec<Image>, usize), InspectError> {
    let (statements, rows): (Vec<&Descriptor>, Vec<&Descriptor>) = rows.iter().partition(|row| is_attestation(row));
    let is_requested = |row: &&Descriptor| match (platform, platform_of(row)) {
        (Some(platform), Some(stated)) => *platform == stated,
        _ => true,
    };
    let budget = Budget::default();
    let mut wanted = Vec::new();
    for row in rows.into_iter().filter(is_requested) {
        if budget.admits(row, &source.named(&index.digest))? {
            wanted.push(row);
        }
    }
    let read = async |row: &Descriptor| {
        let manifest = source.manifest(row, registries).await?;
        look(source, manifest, platform_of(row), registries).await
    };
    let images = stream::iter(wanted.into_iter().map(read)).buffered(AT_ONCE).try_collect().await?;
    Ok((images, statements.len()))
}

/// Reads the configuration of a container image.
async fn look(
    source: &Source,
    manifest: Manifest,
    stated: Option<ImagePlatform>,
    registries: &Registries,
) -> Result<Image, InspectError> {
    let Content::Image(image) = &manifest.content else {
        return Ok(Image { manifest, stated, image: None, configuration: None });
    };
    let image = image.clone();
    let runs = image.config().media_type().as_ref().contains(".image.");
    let configuration = if runs { Some(source.config(&image, registries).await?) } else { None };
    Ok(Image { manifest, stated, image: Some(image), configuration })
}
