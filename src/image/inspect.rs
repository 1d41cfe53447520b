//! What is behind the name of an image: its platforms, their sizes and layers, what they are and how they run.

use futures_util::{StreamExt, TryStreamExt, stream};
use oci_spec::image::{Descriptor, ImageConfiguration, ImageIndex, ImageManifest};

use super::index::{At, is_attestation, platform_of};
use super::{Source, Unread};
use crate::model::{Explain, ImagePlatform, Kind};
use crate::oci::{Content, Manifest, Registries};

/// How many images are read at once.
const AT_ONCE: usize = 8;

/// What is behind a name.
#[derive(Debug)]
pub struct Inspected {
    /// What the name means: an index, or an image.
    pub manifest: Manifest,
    /// The image, or the images of the index.
    pub images: Vec<Image>,
    /// How many rows of the index are statements about images.
    pub attestations: usize,
}

/// One image.
#[derive(Debug)]
pub struct Image {
    /// Its manifest.
    pub manifest: Manifest,
    /// What the index says it runs on; none for an image alone.
    pub stated: Option<ImagePlatform>,
    /// What the manifest says; none for an index inside of the index.
    pub image: Option<ImageManifest>,
    /// How it runs; none where the manifest is of something else than a container image.
    pub configuration: Option<ImageConfiguration>,
}

impl Image {
    /// Returns what the image itself says that it runs on.
    #[must_use]
    pub fn platform(&self) -> Option<ImagePlatform> {
        let configuration = self.configuration.as_ref()?;
        let (os, architecture) = (configuration.os().to_string(), configuration.architecture().to_string());
        Some(ImagePlatform::new(&os, &architecture, configuration.variant().as_deref()))
    }

    /// Returns the layers, the lowest first.
    #[must_use]
    pub fn layers(&self) -> &[Descriptor] {
        self.image.as_ref().map_or(&[], |image| image.layers())
    }

    /// Returns how many bytes a machine downloads for it.
    #[must_use]
    pub fn size(&self) -> u64 {
        let parts: u64 = self.layers().iter().map(Descriptor::size).sum();
        parts + self.image.as_ref().map_or(0, |image| image.config().size()) + self.manifest.bytes.len() as u64
    }
}

/// Why a name cannot be looked into.
#[derive(Debug, thiserror::Error)]
pub enum Unseen {
    /// It cannot be read.
    #[error(transparent)]
    Read(#[from] Unread),
    /// It has no image for the platform that was asked for.
    #[error("{name} has no image for {platform}, only for {}", known.join(", "))]
    NoPlatform {
        /// The name.
        name: String,
        /// The platform that was asked for.
        platform: ImagePlatform,
        /// The platforms that it has.
        known: Vec<String>,
    },
}

impl Explain for Unseen {
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

/// Reads what `at` means: everything, or the image for one platform.
///
/// # Errors
/// When it cannot be read, or has no image for that platform.
pub async fn inspect(at: &At, platform: Option<&ImagePlatform>, registries: &Registries) -> Result<Inspected, Unseen> {
    let (source, manifest) = Source::open(at, registries).await?;
    let (images, attestations) = match &manifest.content {
        Content::Image(_) => (vec![look(&source, manifest.clone(), None, registries).await?], 0),
        Content::Index(index) => rows(&source, index, platform, registries).await?,
    };
    let fits = |image: &Image| platform.is_none_or(|platform| image.is_for(platform));
    let (fitting, others): (Vec<Image>, Vec<Image>) = images.into_iter().partition(fits);
    if let (Some(platform), []) = (platform, fitting.as_slice()) {
        let mut known: Vec<String> = others.iter().filter_map(Image::platform).map(|found| found.to_string()).collect();
        if let Content::Index(index) = &manifest.content {
            known = index.manifests().iter().filter_map(platform_of).map(|found| found.to_string()).collect();
        }
        let name = source.named(&manifest.digest);
        return Err(Unseen::NoPlatform { name, platform: platform.clone(), known });
    }
    Ok(Inspected { manifest, images: fitting, attestations })
}

impl Image {
    fn is_for(&self, platform: &ImagePlatform) -> bool {
        self.platform().as_ref().or(self.stated.as_ref()) == Some(platform)
    }
}

/// Reads the images of an index, or the one whose row names the platform.
async fn rows(
    source: &Source,
    index: &ImageIndex,
    platform: Option<&ImagePlatform>,
    registries: &Registries,
) -> Result<(Vec<Image>, usize), Unseen> {
    let (statements, rows): (Vec<&Descriptor>, Vec<&Descriptor>) =
        index.manifests().iter().partition(|row| is_attestation(row));
    let wanted = |row: &&Descriptor| match (platform, platform_of(row)) {
        (Some(wanted), Some(stated)) => *wanted == stated,
        _ => true,
    };
    let read = async |row: &Descriptor| {
        let manifest = source.manifest(row, registries).await?;
        look(source, manifest, platform_of(row), registries).await
    };
    let images = stream::iter(rows.into_iter().filter(wanted).map(read)).buffered(AT_ONCE).try_collect().await?;
    Ok((images, statements.len()))
}

/// Reads how an image runs, where it is one that can.
async fn look(
    source: &Source,
    manifest: Manifest,
    stated: Option<ImagePlatform>,
    registries: &Registries,
) -> Result<Image, Unseen> {
    let Content::Image(image) = &manifest.content else {
        return Ok(Image { manifest, stated, image: None, configuration: None });
    };
    let image = image.clone();
    let runs = image.config().media_type().as_ref().contains(".image.");
    let configuration = if runs { Some(source.config(&image, registries).await?) } else { None };
    Ok(Image { manifest, stated, image: Some(image), configuration })
}
