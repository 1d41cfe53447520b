//! Errors about indexes.

use std::path::PathBuf;

use crate::fs::Cause;
use crate::image::ReadError;
use crate::model::{BadReference, Digest, Explain, ImagePlatform, Kind};
use crate::text::comma_separated;
use crate::{ingest, oci, store};

#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// A name is not valid.
    #[error(transparent)]
    BadName(#[from] BadReference),
    /// The argument of `--child` is not valid.
    #[error("`--child {text}` is not valid: {reason}")]
    BadChild { text: String, reason: String },
    /// A digest file cannot be read.
    #[error("could not read the digest file {}", path.display())]
    DigestFile { path: PathBuf, source: Cause },
    /// A digest file is not valid.
    #[error("{}, line {line}, is not a digest: {reason}", path.display())]
    BadDigestFile {
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        reason: String,
    },
    /// No tag was given.
    #[error("no tag was given for the index")]
    NoTag,
    /// A tag was given with a digest.
    #[error("{tag} cannot be a tag of the index: it has a digest")]
    TagWithDigest { tag: String },
    /// The tags are of several repositories.
    #[error("all tags of an index must name one repository, and these name {first} and {other}")]
    TagsApart {
        /// The repository of the first tag.
        first: String,
        other: String,
    },
    /// No image was given.
    #[error("no image was given for the index")]
    NoImages,
    /// A given index is empty.
    #[error("{name} is an index without images")]
    EmptyIndex { name: String },
    /// Indexes are nested too deeply.
    #[error("{name} nests indexes more than {levels} levels deep")]
    TooDeep {
        name: String,
        /// The deepest allowed level.
        levels: usize,
    },
    /// A given name is not an image.
    #[error("{name} is not a container image: it contains {kind}")]
    NotAnImage {
        name: String,
        /// The media type of its contents.
        kind: String,
    },
    /// An image does not state its platform.
    #[error("the configuration of {name} does not name an operating system and an architecture")]
    NoPlatform { name: String },
    /// An image is for another platform than claimed.
    #[error("{name} is an image for {found}, and {by} says {claimed}")]
    WrongPlatform {
        name: String,
        /// The platform in its configuration.
        found: ImagePlatform,
        claimed: String,
        by: String,
    },
    /// An index lacks the requested image.
    #[error("{name} has no image for {platform}, only for {}", list(known))]
    NotInIndex {
        name: String,
        platform: ImagePlatform,
        /// The platforms that it has.
        known: Vec<ImagePlatform>,
    },
    /// Two images are for one platform.
    #[error("two images are for {platform}: {first} and {second}{}", if *same { ", which are the same image" } else { "" })]
    Twice {
        platform: ImagePlatform,
        first: String,
        second: String,
        /// True if both have the same digest.
        same: bool,
    },
    /// A required platform is missing.
    #[error("there is no image for {}, only for {}", list(missing), list(found))]
    Missing {
        /// The platforms that are missing.
        missing: Vec<ImagePlatform>,
        /// The platforms that are there.
        found: Vec<ImagePlatform>,
    },
    /// A Docker manifest list would contain OCI images.
    #[error("a Docker manifest list can contain only images in Docker's format, and {name} is in OCI's")]
    MixedFormats {
        /// The first image of the other format.
        name: String,
    },
    /// A Docker manifest list cannot have annotations.
    #[error("a Docker manifest list cannot have annotations")]
    NoAnnotations,
    /// An image could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A blob could not be copied to the repository of the index.
    #[error("could not copy {name} to {target}")]
    Copy {
        name: String,
        /// The repository of the index.
        target: String,
        source: Box<CopyFault>,
    },
    /// The registry rejected the index.
    #[error("could not push the index as {name}")]
    Push {
        /// The tag or digest.
        name: String,
        /// The tags that were moved already.
        moved: Vec<String>,
        source: oci::Error,
    },
    /// The tag exists for another image, and the registry does not allow it to be moved.
    #[error("the tag {name} exists, and its repository does not allow tags to be moved")]
    Immutable {
        name: String,
        /// The index, which is in the repository without this tag.
        digest: Digest,
        /// The tags that were moved already.
        moved: Vec<String>,
        /// What the registry said.
        source: oci::Error,
    },
    /// The tag does not point to what was pushed.
    #[error("{name} was pushed as {pushed} and now reads as {found}")]
    ReadBack {
        name: String,
        /// The digest of what was pushed.
        pushed: Digest,
        /// The digest that the registry returned, or that the tag is missing.
        found: String,
    },
}

/// Why a part of an image could not be copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyFault {
    /// The source or the target registry failed.
    #[error(transparent)]
    Registry(#[from] oci::Error),
    /// The source layout is not valid.
    #[error(transparent)]
    Layout(#[from] oci::LayoutError),
    /// It could not be downloaded.
    #[error(transparent)]
    Download(#[from] ingest::Error),
    /// It could not be staged.
    #[error(transparent)]
    Store(#[from] store::Error),
}

fn list(platforms: &[ImagePlatform]) -> String {
    if platforms.is_empty() {
        return "none".to_owned();
    }
    comma_separated(platforms)
}

/// Describes the progress of a push.
fn unmoved(moved: &[String]) -> String {
    match moved {
        [] => "no tag was moved; the command can safely be run again".to_owned(),
        moved => format!("moved so far: {}; the command can safely be run again", moved.join(", ")),
    }
}

impl Explain for IndexError {
    fn kind(&self) -> Kind {
        match self {
            Self::DigestFile { .. } => Kind::Machine,
            Self::WrongPlatform { .. } | Self::Twice { .. } | Self::Missing { .. } | Self::NotInIndex { .. } => {
                Kind::Finding
            }
            Self::Read(cause) => cause.kind(),
            Self::Copy { source, .. } => source.kind(),
            Self::Push { source, .. } => source.kind(),
            Self::ReadBack { .. } => Kind::Integrity,
            _ => Kind::Usage,
        }
    }

    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::BadName(_) => {
                "expected registry/repository:tag, registry/repository@sha256:…, or oci:DIR for a folder"
            }
            Self::BadChild { .. } => "for example `--child linux/arm64=registry/app:1.2-arm64`",
            Self::DigestFile { .. } => "check that the job that writes it ran, and that its artifacts were downloaded",
            Self::BadDigestFile { .. } => {
                "kaniko writes such files with --digest-file and --image-name-with-digest-file, podman with --digestfile"
            }
            Self::NoTag | Self::TagWithDigest { .. } => "name it with `--tag registry/repository:tag`",
            Self::TagsApart { .. } => "nothing was pushed; run the command once for each repository",
            Self::NoImages => "name images, `oci:DIR`, `--child PLATFORM=IMAGE` or `--digest-file FILE`",
            Self::EmptyIndex { .. } | Self::TooDeep { .. } | Self::NotAnImage { .. } | Self::NoPlatform { .. } => {
                "nothing was pushed; `toolkit image inspect` shows what it is"
            }
            Self::WrongPlatform { .. } => {
                "nothing was pushed; the usual causes are a job on the wrong machine and a build cache that ignores the platform (buildah: \
                 --no-cache)"
            }
            Self::NotInIndex { .. } | Self::Missing { .. } => {
                "nothing was pushed; name an image for each platform, or request fewer with --platform"
            }
            Self::Twice { same: true, .. } => {
                "nothing was pushed; if both were intended, one job has overwritten the image of the other"
            }
            Self::Twice { .. } => "nothing was pushed; leave one of them out",
            Self::MixedFormats { .. } => "nothing was pushed; leave out --format: an OCI index can contain both",
            Self::NoAnnotations => "nothing was pushed; use `--format oci`",
            Self::Read(cause) => return and(cause.hints(), "nothing was pushed"),
            Self::Copy { source, .. } => {
                return and(source.hints(), "no tag was moved; the command can safely be run again");
            }
            Self::Push { source, moved, .. } => return and(push_hints(source), &unmoved(moved)),
            Self::Immutable { digest, moved, .. } => {
                let hint = format!("choose another tag; the index is in the repository as {digest}");
                return vec![hint, unmoved(moved)];
            }
            Self::ReadBack { .. } => {
                "another job pushed the same tag at the same time, or the registry rewrites manifests"
            }
        };
        vec![hint.to_owned()]
    }
}

/// Returns the hints of the registry's error, adapted to indexes.
fn push_hints(source: &oci::Error) -> Vec<String> {
    match source {
        oci::Error::Answer { status: 400 | 415, .. } => {
            vec![
                "some registries accept only one format: try `--format docker` with images in Docker's format"
                    .to_owned(),
            ]
        }
        other => other.hints(),
    }
}

fn and(mut hints: Vec<String>, more: &str) -> Vec<String> {
    hints.push(more.to_owned());
    hints
}

impl Explain for CopyFault {
    fn kind(&self) -> Kind {
        match self {
            Self::Registry(cause) => cause.kind(),
            Self::Layout(cause) => cause.kind(),
            Self::Download(cause) => cause.kind(),
            Self::Store(cause) => cause.kind(),
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Registry(cause) => cause.hints(),
            Self::Layout(cause) => cause.hints(),
            Self::Download(cause) => cause.hints(),
            Self::Store(cause) => cause.hints(),
        }
    }
}
