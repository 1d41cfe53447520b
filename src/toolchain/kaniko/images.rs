//! Images as releases: the tags of a repository, and the layers of a tagged image, with every digest verified from the index
//! down.

use oci_spec::image::{Descriptor, ImageIndex, ImageManifest};
use serde::Deserialize;
use url::Url;

use super::super::Error;
use super::super::shared::locked::Expected;
use crate::model::{
    Artifact, DOCKER_HUB, Date, Digest, Format, ImagePlatform, Level, Platform, Proof, Reference, Repository,
    SourceImage,
};
use crate::net::{self, Document, Metadata, is_loopback};
use crate::oci::{ACCEPT, Content, Manifest, digest_of};
use crate::text::all_of;

/// The API host of `docker.io`.
const HUB_SERVER: &str = "registry-1.docker.io";

/// Reproducible builds write the epoch of Unix (1970) or MS-DOS (1980) instead of a date.
const FIRST_YEAR: i16 = 2013;

/// An image for one platform.
pub(super) struct Image {
    /// Its layers, lowest first.
    pub(super) layers: Vec<Artifact>,
    /// The reference and digest that it was read by.
    pub(super) source: SourceImage,
}

/// The result of looking up a tag.
pub(super) enum Found {
    Image(Image),
    /// The tag does not exist.
    NoTag,
    /// The image exists for other platforms.
    NoPlatform {
        /// Their names, as a list.
        published: String,
    },
}

/// Lists the tags of a repository (<https://github.com/opencontainers/distribution-spec/blob/main/spec.md#listing-tags>).
pub(super) async fn tags(tool: &str, repository: &Repository, metadata: &dyn Metadata) -> Result<Vec<String>, Error> {
    let document = document(repository, "tags/list?n=1000", None, check_tags)?;
    let pages = metadata.pages(&document).await.map_err(|source| failed(tool, source))?;
    let mut tags = Vec::new();
    for page in pages {
        let list: Tags = serde_json::from_slice(&page).map_err(|cause| unfit(&document.url, cause.to_string()))?;
        tags.extend(list.tags.unwrap_or_default());
    }
    Ok(tags)
}

/// Finds the tagged image for a platform. Its programs are static, so the C library does not matter.
pub(super) async fn find(
    tool: &str,
    tag: &Reference,
    platform: Platform,
    metadata: &dyn Metadata,
) -> Result<Found, Error> {
    let Some(top) = top(tool, tag, metadata).await? else { return Ok(Found::NoTag) };
    let expected = ImagePlatform::new(platform.os.as_str(), platform.arch.as_str(), None);
    let reference = Reference { digest: Some(top.digest.clone()), ..tag.clone() };
    let (digest, image) = match top.content {
        Content::Image(image) => {
            let config: Config = config(tool, &tag.repository, &image, metadata).await?;
            let found = ImagePlatform::new(&config.os, &config.architecture, config.variant.as_deref());
            if found != expected {
                return Ok(Found::NoPlatform { published: found.to_string() });
            }
            (top.digest, image)
        }
        Content::Index(index) => match images(&index).find(|(_, platform)| *platform == expected) {
            Some((row, _)) => {
                let digest = digest(&tag.repository, row)?;
                (digest.clone(), image(tool, &tag.repository, &digest, metadata).await?)
            }
            None => return Ok(Found::NoPlatform { published: in_words(images(&index).map(|(_, one)| one)) }),
        },
    };
    let layers = image.layers().iter().map(|layer| artifact(&tag.repository, layer)).collect::<Result<_, _>>()?;
    Ok(Found::Image(Image { layers, source: SourceImage { reference, manifest: Some(digest) } }))
}

/// Returns the creation date of a tagged image, as its builder recorded it; none when it recorded no date.
pub(super) async fn created(tool: &str, tag: &Reference, metadata: &dyn Metadata) -> Result<Option<Date>, Error> {
    let Some(top) = top(tool, tag, metadata).await? else { return Ok(None) };
    let image = match top.content {
        Content::Image(image) => image,
        Content::Index(index) => match images(&index).next() {
            Some((row, _)) => image(tool, &tag.repository, &digest(&tag.repository, row)?, metadata).await?,
            None => return Ok(None),
        },
    };
    let config = config(tool, &tag.repository, &image, metadata).await?;
    let stamp: Option<jiff::Timestamp> = config.created.and_then(|text| text.parse().ok());
    let day = stamp.map(|stamp| stamp.to_zoned_datetime(jiff::tz::TimeZone::UTC).date());
    Ok(day.filter(|day| day.year() >= FIRST_YEAR))
}

/// Lists the images of an index. Attestations and signatures have the platform `unknown/unknown` and are left out.
fn images(index: &ImageIndex) -> impl Iterator<Item = (&Descriptor, ImagePlatform)> {
    let platform = |row: &Descriptor| {
        let platform = row.platform().as_ref()?;
        let (os, architecture) = (platform.os().to_string(), platform.architecture().to_string());
        Some(ImagePlatform::new(&os, &architecture, platform.variant().as_deref()))
    };
    let rows = index.manifests().iter().filter_map(move |row| Some((row, platform(row)?)));
    rows.filter(|(_, platform)| platform.os != "unknown")
}

/// Reads the manifest or index of a tag; none when the tag does not exist.
async fn top(tool: &str, tag: &Reference, metadata: &dyn Metadata) -> Result<Option<Manifest>, Error> {
    let document = document(&tag.repository, &format!("manifests/{}", tag.selector()), Some(ACCEPT), check_manifest)?;
    let bytes = match metadata.read(&document).await {
        Ok(bytes) => bytes,
        Err(source) if source.is_missing() => return Ok(None),
        Err(source) => return Err(failed(tool, source)),
    };
    Manifest::read(None, bytes).map(Some).map_err(|reason| unfit(&document.url, reason))
}

/// Reads the manifest of one image by its digest.
async fn image(
    tool: &str,
    repository: &Repository,
    digest: &Digest,
    metadata: &dyn Metadata,
) -> Result<ImageManifest, Error> {
    let document = document(repository, &format!("manifests/{digest}"), Some(ACCEPT), check_manifest)?;
    let bytes = pinned(tool, &document, digest, metadata).await?;
    match Manifest::read(None, bytes).map_err(|reason| unfit(&document.url, reason))?.content {
        Content::Image(image) => Ok(image),
        Content::Index(_) => Err(unfit(&document.url, "it is an index inside an index".to_owned())),
    }
}

/// The part of an image configuration that is needed here.
#[derive(Deserialize)]
struct Config {
    os: String,
    architecture: String,
    variant: Option<String>,
    created: Option<String>,
}

async fn config(
    tool: &str,
    repository: &Repository,
    image: &ImageManifest,
    metadata: &dyn Metadata,
) -> Result<Config, Error> {
    let digest = digest(repository, image.config())?;
    let document = document(repository, &format!("blobs/{digest}"), None, check_config)?;
    let bytes = pinned(tool, &document, &digest, metadata).await?;
    serde_json::from_slice(&bytes).map_err(|cause| unfit(&document.url, cause.to_string()))
}

/// Reads a document and verifies its digest.
async fn pinned(tool: &str, document: &Document, digest: &Digest, metadata: &dyn Metadata) -> Result<Vec<u8>, Error> {
    let bytes = metadata.read(document).await.map_err(|source| failed(tool, source))?;
    let received = digest_of(digest.algorithm(), &bytes);
    if received == *digest {
        return Ok(bytes);
    }
    Err(Error::Mismatch { url: document.url.to_string(), expected: digest.clone(), received })
}

/// Turns a layer into an artifact.
fn artifact(repository: &Repository, layer: &Descriptor) -> Result<Artifact, Error> {
    let digest = digest(repository, layer)?;
    let url = address(repository, &format!("blobs/{digest}"))?;
    let kind = layer.media_type().to_string();
    let format = match kind.as_str() {
        "application/vnd.oci.image.layer.v1.tar" | "application/vnd.docker.image.rootfs.diff.tar" => Format::LayerTar,
        "application/vnd.oci.image.layer.v1.tar+gzip" | "application/vnd.docker.image.rootfs.diff.tar.gzip" => {
            Format::LayerTarGz
        }
        "application/vnd.oci.image.layer.v1.tar+zstd" | "application/vnd.docker.image.rootfs.diff.tar.zstd" => {
            Format::LayerTarZst
        }
        _ => return Err(unfit(&url, format!("unknown layer type `{}`", kind.escape_debug()))),
    };
    let proof = Proof { level: Level::Checksum, source: repository.registry.clone() };
    Ok(Artifact { url, digest, proof, size: Some(layer.size()), format, strip: 0 })
}

/// Compares a layer in a lock with what would be written there. A registry names layers by their digests.
///
/// # Errors
/// The first difference.
pub(super) fn check_locked(repository: &Repository, layer: &Artifact) -> Result<(), String> {
    let url = address(repository, &format!("blobs/{}", layer.digest)).map_err(|cause| cause.to_string())?;
    let proofs = &[(Level::Checksum, repository.registry.as_str())];
    Expected { url, algorithm: None, proofs, format: None, strip: 0 }.check(layer)?;
    match layer.format.is_layer() {
        true => Ok(()),
        false => Err(format!("the format of {} is not that of a layer", layer.file_name())),
    }
}

fn digest(repository: &Repository, descriptor: &Descriptor) -> Result<Digest, Error> {
    let text = descriptor.digest().to_string();
    text.parse().map_err(|bad: crate::model::BadDigest| Error::UnusableChecksum {
        url: repository.to_string(),
        reason: bad.to_string(),
    })
}

fn document(
    repository: &Repository,
    rest: &str,
    accept: Option<&'static str>,
    check: fn(&[u8]) -> Result<(), String>,
) -> Result<Document, Error> {
    let url = address(repository, rest)?;
    let mirror_name = url.query().is_some().then_some("list");
    Ok(Document { url, mirror_name, accept, check })
}

/// Returns a document of a repository. A registry on this machine uses plain HTTP.
fn address(repository: &Repository, rest: &str) -> Result<Url, Error> {
    let Repository { registry, name } = repository;
    let host = if registry == DOCKER_HUB { HUB_SERVER } else { registry };
    let make = |scheme: &str| {
        let text = format!("{scheme}://{host}/v2/{name}/{rest}");
        text.parse::<Url>().map_err(|cause| Error::Document { url: text.clone(), reason: cause.to_string() })
    };
    let url = make("https")?;
    if is_loopback(&url) { make("http") } else { Ok(url) }
}

#[derive(Deserialize)]
struct Tags {
    tags: Option<Vec<String>>,
}

fn check_tags(bytes: &[u8]) -> Result<(), String> {
    let list: Result<Tags, _> = serde_json::from_slice(bytes);
    list.map(|_| ()).map_err(|cause| format!("it is not a list of tags: {cause}"))
}

fn check_manifest(bytes: &[u8]) -> Result<(), String> {
    Manifest::read(None, bytes.to_vec()).map(|_| ())
}

fn check_config(bytes: &[u8]) -> Result<(), String> {
    let config: Result<Config, _> = serde_json::from_slice(bytes);
    config.map(|_| ()).map_err(|cause| format!("it is not an image configuration: {cause}"))
}

fn failed(tool: &str, source: net::Error) -> Error {
    Error::Metadata { tool: tool.to_owned(), source }
}

fn unfit(url: &Url, reason: String) -> Error {
    Error::Document { url: url.to_string(), reason }
}

/// Joins platforms: `linux/amd64, linux/arm64 and linux/s390x`.
fn in_words(platforms: impl Iterator<Item = ImagePlatform>) -> String {
    let mut names: Vec<String> = platforms.map(|platform| platform.to_string()).collect();
    names.sort();
    names.dedup();
    if names.is_empty() { "no platform".to_owned() } else { all_of(names) }
}
