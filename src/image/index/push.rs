//! Pushes an index: first its images, then the index by digest, then its tags, and reads them back. What exists already
//! is neither sent nor changed, so that the command can be repeated.

use std::path::{Path, PathBuf};

use futures_util::{StreamExt, TryStreamExt, stream};
use oci_spec::image::{Descriptor, MediaType};

use super::child::Child;
use super::error::{CopyFault, IndexError};
use super::plan::Plan;
use super::{Context, PushSpec};
use crate::image::Source;
use crate::ingest::{self, Progress};
use crate::model::{Digest, Repository};
use crate::oci::{self, Blob, Layout, Manifest, Mount, Registries, Session};
use crate::store::AtomicDir;

/// The number of blobs that are copied at once.
const AT_ONCE: usize = 4;

/// Pushes the index and what it needs.
///
/// # Errors
/// When a part cannot be copied, or the registry rejects the index or a tag, or returns something else. The error lists
/// the tags that were moved already.
pub async fn push(plan: &Plan, index: &Manifest, spec: &PushSpec, context: &Context<'_>) -> Result<(), IndexError> {
    for child in plan.children() {
        bring(child, &spec.repository, context).await?;
    }
    let registries = context.registries;
    let by_digest = spec.repository.pinned(&index.digest);
    registries.put_manifest(&by_digest, index).await.map_err(|source| IndexError::Push {
        name: by_digest.to_string(),
        moved: Vec::new(),
        source,
    })?;
    let mut moved = Vec::new();
    for tag in &spec.tags {
        move_tag(tag, index, &moved, spec, registries).await?;
        moved.push(tag.clone());
    }
    for tag in &spec.tags {
        read_back(tag, index, spec, registries).await?;
    }
    Ok(())
}

async fn move_tag(
    tag: &str,
    index: &Manifest,
    moved: &[String],
    spec: &PushSpec,
    registries: &Registries,
) -> Result<(), IndexError> {
    let at = spec.repository.tagged(tag);
    let (name, moved) = (at.to_string(), moved.to_vec());
    let source = match registries.put_manifest(&at, index).await {
        Ok(()) => return Ok(()),
        Err(source) => source,
    };
    if !is_immutable(&source) {
        return Err(IndexError::Push { name, moved, source });
    }
    // ECR refuses even a push that changes nothing: the tag may exist from an earlier run.
    match registries.manifest(&at).await {
        Ok(Some(found)) if found.digest == index.digest => Ok(()),
        _ => Err(IndexError::Immutable { name, digest: index.digest.clone(), moved, source }),
    }
}

/// Returns true if a registry refuses to move a tag. There is no standard error for this: ECR answers 400 `TAG_INVALID`
/// or `ImageTagAlreadyExistsException`, Harbor 412, Quay 409, Google 400, all with a message.
fn is_immutable(error: &oci::Error) -> bool {
    let (status, message) = match error {
        oci::Error::Answer { status, message, .. } => (*status, message),
        oci::Error::Denied { message, .. } => (403, message),
        _ => return false,
    };
    let message = message.to_ascii_lowercase();
    let said = ["immutab", "tag_invalid", "imagetagalreadyexists", "cannot be overwritten", "already exists"];
    matches!(status, 400 | 403 | 405 | 409 | 412) && said.iter().any(|words| message.contains(words))
}

async fn read_back(tag: &str, index: &Manifest, spec: &PushSpec, registries: &Registries) -> Result<(), IndexError> {
    let at = spec.repository.tagged(tag);
    let (name, moved) = (at.to_string(), spec.tags.clone());
    let found =
        registries.manifest(&at).await.map_err(|source| IndexError::Push { name: name.clone(), moved, source })?;
    let found = match found {
        Some(found) if found.bytes == index.bytes => return Ok(()),
        Some(found) => found.digest.to_string(),
        None => "nothing".to_owned(),
    };
    Err(IndexError::ReadBack { name, pushed: index.digest.clone(), found })
}

/// Copies an image to the repository of the index, if necessary.
async fn bring(child: &Child, target: &Repository, context: &Context<'_>) -> Result<(), IndexError> {
    if matches!(&child.source, Source::Registry(repository) if repository == target) {
        return Ok(());
    }
    let failed = |source: CopyFault| IndexError::Copy {
        name: child.name.clone(),
        target: target.to_string(),
        source: Box::new(source),
    };
    let registries = context.registries;
    if registries.has_manifest(target, &child.manifest).await.map_err(|source| failed(source.into()))? {
        return Ok(());
    }
    let layers = child.image.layers().iter().filter(|layer| is_distributed(layer));
    let mut blobs: Vec<&Descriptor> = layers.chain([child.image.config()]).collect();
    blobs.sort_by_key(|blob| blob.digest().as_ref());
    blobs.dedup_by_key(|blob| blob.digest().as_ref());
    let copies = blobs.into_iter().map(|blob| copy(blob, &child.source, target, context));
    stream::iter(copies).buffer_unordered(AT_ONCE).try_collect::<()>().await.map_err(failed)?;
    let at = target.pinned(&child.manifest.digest);
    registries.put_manifest(&at, &child.manifest).await.map_err(|source| failed(source.into()))
}

/// Windows base layers stay at Microsoft and are not pushed
/// (<https://github.com/opencontainers/image-spec/blob/main/layer.md#non-distributable-layers>).
fn is_distributed(layer: &Descriptor) -> bool {
    let foreign = match layer.media_type() {
        MediaType::ImageLayerNonDistributable
        | MediaType::ImageLayerNonDistributableGzip
        | MediaType::ImageLayerNonDistributableZstd => true,
        other => other.as_ref().contains(".foreign."),
    };
    !foreign || layer.urls().as_ref().is_none_or(Vec::is_empty)
}

/// Brings one blob: mounted where the registry can, else sent.
async fn copy(blob: &Descriptor, from: &Source, target: &Repository, context: &Context<'_>) -> Result<(), CopyFault> {
    let registries = context.registries;
    let unfit =
        |error: crate::model::BadDigest| oci::Error::Document { what: target.to_string(), reason: error.to_string() };
    let digest: Digest = blob.digest().as_ref().parse().map_err(unfit)?;
    let mut begun = None;
    match from {
        Source::Registry(source) if source.registry == target.registry => {
            match registries.mount(target, source, &digest).await? {
                Mount::Done => return Ok(()),
                Mount::Send(session) => begun = session,
            }
        }
        _ if registries.has_blob(target, &digest).await? => return Ok(()),
        _ => {}
    }
    let sending = Sending { blob, digest: &digest, begun };
    match from {
        Source::Layout(layout) => sending.read_and_send(layout, target, registries).await,
        Source::Registry(source) => sending.fetch_and_send(source, target, context).await,
    }
}

/// A blob that must be sent.
struct Sending<'a> {
    blob: &'a Descriptor,
    digest: &'a Digest,
    begun: Option<Session>,
}

impl Sending<'_> {
    async fn read_and_send(self, layout: &Layout, to: &Repository, registries: &Registries) -> Result<(), CopyFault> {
        let (layout, row) = (layout.clone(), self.blob.clone());
        // Hashing a layer takes as long as it is large.
        let file: PathBuf = match tokio::task::spawn_blocking(move || layout.file(&row)).await {
            Ok(file) => file?,
            Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
        };
        self.send(&file, to, registries).await
    }

    /// Keeps the blob on disk in between, so that no byte is sent before all of them were verified.
    async fn fetch_and_send(self, from: &Repository, to: &Repository, context: &Context<'_>) -> Result<(), CopyFault> {
        let folder = AtomicDir::new(&context.store.root().join("copying"))?;
        let file = folder.folder().join("blob");
        let url = context.registries.blob(from, self.digest).await?;
        let download = ingest::Download {
            url: &url,
            digest: self.digest,
            size: Some(self.blob.size()),
            publisher: "the image's manifest",
        };
        let task = context.report.began(&self.digest.short(), Some(self.blob.size()));
        let progress = Progress { report: context.report, task };
        let saved = ingest::save(&context.registries.client().direct(), download, &file, progress).await;
        context.report.ended(task, if saved.is_ok() { "verified" } else { "failed" });
        saved?;
        self.send(&file, to, context.registries).await
    }

    async fn send(self, file: &Path, to: &Repository, registries: &Registries) -> Result<(), CopyFault> {
        let blob = Blob { file, digest: self.digest, size: self.blob.size() };
        Ok(registries.upload(to, blob, self.begun).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registries_have_many_words_for_a_tag_that_stays() {
        let answer = |status, message: &str| oci::Error::Answer {
            registry: "r.io".to_owned(),
            action: "push",
            what: "r.io/app:1".to_owned(),
            status,
            message: message.to_owned(),
        };
        for (status, message, expected) in [
            (400, "TAG_INVALID: The image tag '1' already exists in the 'app' repository", true),
            (400, "ImageTagAlreadyExistsException: …", true),
            (412, "PRECONDITION: Failed to process request due to 'app:1' configured as immutable.", true),
            (409, "TAG_IMMUTABLE: tag is immutable", true),
            (400, "MANIFEST_INVALID: cannot update tag 1. The repository has enabled tag immutability", true),
            (400, "MANIFEST_INVALID: manifest invalid", false),
            (500, "immutable", false),
            (404, "NAME_UNKNOWN", false),
        ] {
            assert_eq!(is_immutable(&answer(status, message)), expected, "{message}");
        }
    }

    #[test]
    fn layers_that_lie_elsewhere_stay_there() {
        let layer = |kind: &str, urls: &[&str]| -> Descriptor {
            serde_json::from_value(serde_json::json!({
                "mediaType": kind, "size": 2, "urls": urls,
                "digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
            }))
            .unwrap()
        };
        let foreign = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
        let elsewhere = &["https://mcr.microsoft.com/x"];
        assert!(!is_distributed(&layer(foreign, elsewhere)));
        assert!(!is_distributed(&layer("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", elsewhere)));
        assert!(is_distributed(&layer(foreign, &[])));
        assert!(is_distributed(&layer("application/vnd.oci.image.layer.v1.tar+gzip", elsewhere)));
    }
}
