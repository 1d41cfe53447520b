//! Reads the images for a new index: each name is looked up once, then everything is read by digest.

use std::collections::BTreeMap;

use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt, TryStreamExt, stream};
use oci_spec::image::{Descriptor, ImageConfiguration, ImageIndex, ImageManifest};

use super::argument::ImageArgument;
use super::claim::{Claim, Says};
use super::error::IndexError;
use crate::image::budget::{Budget, total_size};
use crate::image::{ReadError, Source};
use crate::model::ImagePlatform;
use crate::oci::{Content, Manifest, Registries};

/// The number of images that are read at once.
const AT_ONCE: usize = 8;

/// The deepest nesting of indexes; one level is usual.
const DEEPEST: usize = 4;

/// The media types of image configurations. A manifest with another `config` is not a container image.
const CONFIGURATIONS: &[&str] =
    &["application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json"];

/// One image of the new index.
#[derive(Debug, Clone)]
pub struct Child {
    /// Its name, for users.
    pub name: String,
    pub source: Source,
    pub manifest: Manifest,
    /// What the manifest says.
    pub image: ImageManifest,
    /// What it runs on.
    pub platform: ImagePlatform,
    /// The platform in its original spelling, for the index.
    pub spelling: Spelling,
    /// True if the image itself states its variant.
    pub states_variant: bool,
    /// The claims about its platform.
    pub claims: Vec<Claim>,
    /// The labels of its configuration.
    pub labels: BTreeMap<String, String>,
    /// The annotations from the index that it came from.
    pub annotations: BTreeMap<String, String>,
}

/// A platform in the spelling of a configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Spelling {
    pub os: String,
    pub architecture: String,
    /// The variant, even if it is the default.
    pub variant: Option<String>,
    /// The version of the operating system, which matters on Windows.
    pub os_version: Option<String>,
    /// The required features of the operating system.
    pub os_features: Vec<String>,
}

impl Child {
    /// Returns the download size in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        total_size(self.image.layers(), self.image.config().size(), &self.manifest)
    }

    /// Returns the name of the image's source.
    #[must_use]
    pub fn place(&self) -> String {
        match &self.source {
            Source::Registry(repository) => repository.to_string(),
            Source::Layout(layout) => format!("oci:{}", layout.folder().display()),
        }
    }
}

#[derive(Debug, Default)]
pub struct Found {
    /// The images, in the order of the command line.
    pub children: Vec<Child>,
    /// Notes for the user.
    pub notes: Vec<String>,
}

/// Reads all images. The first one is read alone, so that its registry requests credentials only once.
///
/// # Errors
/// When one of them cannot be read, or is not an image.
pub async fn read(given: &[ImageArgument], registries: &Registries) -> Result<Found, IndexError> {
    let mut all = Found::default();
    let one = async |given: &ImageArgument| {
        let (source, manifest) = Source::open(&given.at, registries).await?;
        let reading = Reading { given, source, registries, budget: Budget::default() };
        let found = reading.expand(given.name.clone(), manifest, None, 0).await?;
        if found.children.is_empty() {
            return Err(IndexError::EmptyIndex { name: given.name.clone() });
        }
        Ok(found)
    };
    let Some((first, rest)) = given.split_first() else { return Err(IndexError::NoImages) };
    all.add(one(first).await?);
    let mut others = stream::iter(rest.iter().map(one)).buffered(AT_ONCE);
    while let Some(found) = others.try_next().await? {
        all.add(found);
    }
    Ok(all)
}

impl Found {
    fn add(&mut self, other: Self) {
        self.children.extend(other.children);
        self.notes.extend(other.notes);
    }
}

/// The reader of one name.
struct Reading<'a> {
    given: &'a ImageArgument,
    source: Source,
    registries: &'a Registries,
    budget: Budget,
}

impl Reading<'_> {
    /// Returns the image, or all images of the index.
    fn expand<'a>(
        &'a self,
        name: String,
        manifest: Manifest,
        row: Option<Descriptor>,
        depth: usize,
    ) -> BoxFuture<'a, Result<Found, IndexError>> {
        async move {
            match &manifest.content {
                Content::Image(image) => {
                    let image = image.clone();
                    let child = self.child(name, manifest, image, row.as_ref()).await?;
                    Ok(Found { children: vec![child], notes: Vec::new() })
                }
                Content::Index(_) if depth == DEEPEST => Err(IndexError::TooDeep { name, levels: DEEPEST }),
                Content::Index(index) => self.rows(&name, index, depth).await,
            }
        }
        .boxed()
    }

    async fn rows(&self, name: &str, index: &ImageIndex, depth: usize) -> Result<Found, IndexError> {
        let (attestations, rows): (Vec<&Descriptor>, Vec<&Descriptor>) =
            index.manifests().iter().partition(|row| is_attestation(row));
        let mut selected: Vec<&Descriptor> = rows.iter().copied().filter(|row| self.is_selected(row)).collect();
        if let (Some(platform), [], false) = (self.requested_platform(), selected.as_slice(), rows.is_empty()) {
            let known = rows.iter().filter_map(|row| platform_of(row)).collect();
            return Err(IndexError::NotInIndex { name: name.to_owned(), platform: platform.clone(), known });
        }
        let mut admitted = Vec::new();
        for row in selected.drain(..) {
            if self.budget.admits(row, &self.given.name)? {
                admitted.push(row);
            }
        }
        let open = async |row: &Descriptor| {
            let manifest = self.source.manifest(row, self.registries).await?;
            let name = self.source.named(&manifest.digest);
            self.expand(name, manifest, Some(row.clone()), depth + 1).await
        };
        let mut all = Found::default();
        if !attestations.is_empty() {
            let count = attestations.len();
            all.notes.push(format!("left out {count} attestations of {name}, which are not images"));
        }
        let mut found = stream::iter(admitted.into_iter().map(open)).buffered(AT_ONCE);
        while let Some(found) = found.try_next().await? {
            all.add(found);
        }
        Ok(all)
    }

    /// Reads the configuration and makes sure that it is one.
    async fn child(
        &self,
        name: String,
        manifest: Manifest,
        image: ImageManifest,
        row: Option<&Descriptor>,
    ) -> Result<Child, IndexError> {
        let kind = image.config().media_type().as_ref();
        if !CONFIGURATIONS.contains(&kind) {
            return Err(IndexError::NotAnImage { name, kind: kind.to_owned() });
        }
        let configuration = self.source.config(&image, self.registries).await?;
        let mut claims = self.given.claims.clone();
        if let Some(stated) = row.and_then(platform_of) {
            let by = format!("the index {}", self.given.name);
            claims.push(Claim { by, says: Says::Platform(stated) });
        }
        let Some(mut spelling) = spelling(&configuration, row) else { return Err(IndexError::NoPlatform { name }) };
        let states_variant = spelling.variant.is_some();
        spelling.variant = spelling.variant.or_else(|| claims.iter().find_map(Claim::variant));
        let platform = ImagePlatform::new(&spelling.os, &spelling.architecture, spelling.variant.as_deref());
        let labels = configuration.config().as_ref().and_then(|config| config.labels().clone()).unwrap_or_default();
        let annotations = row.and_then(|row| row.annotations().clone()).unwrap_or_default();
        Ok(Child {
            name,
            source: self.source.clone(),
            manifest,
            image,
            platform,
            spelling,
            states_variant,
            claims,
            labels: labels.into_iter().collect(),
            annotations: annotations.into_iter().collect(),
        })
    }

    /// Returns the platform of a flag: only that image of an index is used.
    fn requested_platform(&self) -> Option<&ImagePlatform> {
        self.given.claims.iter().find_map(|claim| match &claim.says {
            Says::Platform(platform) => Some(platform),
            Says::Words { .. } => None,
        })
    }

    fn is_selected(&self, row: &Descriptor) -> bool {
        match (self.requested_platform(), platform_of(row)) {
            (Some(requested), Some(stated)) => *requested == stated,
            _ => true,
        }
    }
}

/// Returns true if a row is an attestation, not an image
/// (<https://docs.docker.com/build/metadata/attestations/attestation-storage/>).
#[must_use]
pub fn is_attestation(row: &Descriptor) -> bool {
    let kind = row.annotations().as_ref().and_then(|all| all.get("vnd.docker.reference.type"));
    let unknown = |platform: &oci_spec::image::Platform| {
        platform.os().to_string() == "unknown" && platform.architecture().to_string() == "unknown"
    };
    kind.is_some_and(|kind| kind == "attestation-manifest") || row.platform().as_ref().is_some_and(unknown)
}

/// Returns the platform that a row states.
#[must_use]
pub fn platform_of(row: &Descriptor) -> Option<ImagePlatform> {
    let platform = row.platform().as_ref()?;
    let (os, architecture) = (platform.os().to_string(), platform.architecture().to_string());
    Some(ImagePlatform::new(&os, &architecture, platform.variant().as_deref()))
}

/// Takes the platform from the configuration and, if it has no variant, the variant from the row.
fn spelling(configuration: &ImageConfiguration, row: Option<&Descriptor>) -> Option<Spelling> {
    let (os, architecture) = (configuration.os().to_string(), configuration.architecture().to_string());
    if os.is_empty() || architecture.is_empty() {
        return None;
    }
    let stated = row.and_then(|row| row.platform().as_ref()).and_then(|platform| platform.variant().clone());
    let own = configuration.variant().clone();
    Some(Spelling {
        os,
        architecture,
        variant: own.or(stated).filter(|variant| !variant.is_empty()),
        os_version: configuration.os_version().clone(),
        os_features: configuration.os_features().clone().unwrap_or_default(),
    })
}

impl From<crate::oci::Error> for IndexError {
    fn from(cause: crate::oci::Error) -> Self {
        Self::Read(ReadError::Registry(cause))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use serde_json::json;

    /// Makes an image of `r.io` as if it had been read.
    pub(crate) fn child(name: &str, platform: &str) -> Child {
        let reference: crate::model::Reference = format!("r.io/{name}").parse().unwrap();
        let platform: ImagePlatform = platform.parse().unwrap();
        let manifest = manifest(name);
        let Content::Image(image) = manifest.content.clone() else { panic!("an image") };
        Child {
            name: name.to_owned(),
            source: Source::Registry(reference.repository.clone()),
            manifest,
            image,
            spelling: Spelling {
                os: platform.os.clone(),
                architecture: platform.architecture.clone(),
                variant: platform.variant.clone(),
                ..Spelling::default()
            },
            states_variant: platform.variant.is_some(),
            platform,
            claims: Claim::of_name(&reference).into_iter().collect(),
            labels: BTreeMap::new(),
            annotations: BTreeMap::new(),
        }
    }

    fn manifest(name: &str) -> Manifest {
        let config = json!({ "mediaType": CONFIGURATIONS[0], "size": 2, "digest":
            "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a" });
        let value = json!({ "schemaVersion": 2, "config": config, "layers": [], "annotations": { "name": name } });
        Manifest::read(None, value.to_string().into_bytes()).unwrap()
    }

    #[test]
    fn attestations_are_told_from_images() {
        let row = |platform: &str, annotations: serde_json::Value| -> Descriptor {
            let (os, architecture) = platform.split_once('/').unwrap();
            serde_json::from_value(json!({
                "mediaType": "application/vnd.oci.image.manifest.v1+json", "size": 2, "annotations": annotations,
                "digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
                "platform": { "os": os, "architecture": architecture },
            }))
            .unwrap()
        };
        let attestation = json!({ "vnd.docker.reference.type": "attestation-manifest" });
        assert!(is_attestation(&row("unknown/unknown", attestation.clone())));
        assert!(is_attestation(&row("unknown/unknown", json!({}))));
        assert!(is_attestation(&row("linux/amd64", attestation)));
        assert!(!is_attestation(&row("linux/amd64", json!({ "vnd.docker.reference.type": "other" }))));
    }
}
