//! Joins images of single platforms to an index, under one name. Read this file from top to bottom.
//!
//! Builds and runs nothing; it needs only a registry. Pushes nothing before everything was read and checked.

mod argument;
mod child;
mod claim;
mod compose;
mod error;
mod plan;
mod push;

use std::path::Path;

pub use argument::{ImageArgument, tags};
pub use child::{Child, Spelling, is_attestation, platform_of};
pub use claim::{Claim, Says};
pub use compose::{Format, IndexSpec};
pub use error::{CopyFault, IndexError};

use crate::fs::Within;
use crate::model::{ImagePlatform, Repository};
use crate::oci::{Actions, Manifest, Registries};
use crate::report::Report;
use crate::store::Store;

#[derive(Debug)]
pub struct PushSpec {
    /// The repository of the index.
    pub repository: Repository,
    /// The tags of the index.
    pub tags: Vec<String>,
    /// The images of the index.
    pub images: Vec<ImageArgument>,
    pub platforms: Vec<ImagePlatform>,
    /// How it is written.
    pub index: IndexSpec,
}

/// Whether the index is pushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pushing {
    /// Everything is read and checked, and nothing is pushed.
    Rehearse,
    /// The index is pushed and read back.
    Push,
}

/// The services that are needed.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    pub registries: &'a Registries,
    /// The store for staged blobs.
    pub store: &'a Store,
    pub report: &'a dyn Report,
}

/// An index with its images.
#[derive(Debug)]
pub struct Assembled {
    pub index: Manifest,
    pub children: Vec<Child>,
}

/// Joins images to an index and pushes it.
///
/// # Errors
/// When an image cannot be read or does not match its claims, when the images do not fit together, or when the registry
/// rejects the index.
pub async fn assemble(spec: &PushSpec, pushing: Pushing, context: &Context<'_>) -> Result<Assembled, IndexError> {
    expect(spec, pushing, context.registries); // one token for all that will be done
    let found = child::read(&spec.images, context.registries).await?; // each name once, then by digest
    let plan = plan::Plan::new(found, &spec.platforms)?; // as claimed, one for each platform, none missing
    let index = compose::compose(&plan, &spec.index)?; // the bytes
    plan.notes().iter().for_each(|note| context.report.noted(note));
    if pushing == Pushing::Push {
        push::push(&plan, &index, spec, context).await?; // images, index, tags; then read back
    }
    Ok(Assembled { index, children: plan.into_children() })
}

/// Announces all actions to the registries.
fn expect(spec: &PushSpec, pushing: Pushing, registries: &Registries) {
    let target = &spec.repository;
    registries.expect(target, if pushing == Pushing::Push { Actions::Push } else { Actions::Pull });
    for source in spec.images.iter().filter_map(ImageArgument::repository).filter(|source| *source != target) {
        registries.expect(source, Actions::Pull);
        if source.registry == target.registry && pushing == Pushing::Push {
            registries.expect_mount(target, source);
        }
    }
}

/// Parses the images of the command line.
///
/// # Errors
/// When one is not valid.
pub fn images(
    arguments: &[String],
    children: &[String],
    digest_files: &[(&Path, Within<'_>)],
    target: &Repository,
    cwd: &Path,
) -> Result<Vec<ImageArgument>, IndexError> {
    let mut given = Vec::new();
    for argument in arguments {
        given.push(ImageArgument::argument(argument, target, cwd)?);
    }
    for child in children {
        given.push(ImageArgument::child(child, target, cwd)?);
    }
    for file in digest_files {
        given.extend(ImageArgument::digest_file(*file, target, cwd)?);
    }
    if given.is_empty() { Err(IndexError::NoImages) } else { Ok(given) }
}
