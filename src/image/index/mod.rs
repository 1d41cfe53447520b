//! From images of single platforms to one name for all of them. Read this file from top to bottom.
//!
//! Nothing is built and nothing is run; a registry is all that is needed. Nothing is pushed before everything was read and
//! checked.

mod child;
mod claim;
mod compose;
mod error;
mod given;
mod plan;
mod push;

use std::path::Path;

pub use child::{Child, Spelling, is_attestation, platform_of};
pub use claim::{Claim, Says};
pub use compose::{Format, IndexSpec};
pub use error::{CopyFault, IndexError};
pub use given::{At, Given, tags};

use crate::model::{ImagePlatform, Repository};
use crate::oci::{Actions, Manifest, Registries};
use crate::report::Report;
use crate::store::Store;

/// What is wanted.
#[derive(Debug)]
pub struct PushSpec {
    /// Where the index goes.
    pub repository: Repository,
    /// The tags that shall mean it.
    pub tags: Vec<String>,
    /// The images that it shall hold.
    pub images: Vec<Given>,
    /// The platforms that it must have.
    pub platforms: Vec<ImagePlatform>,
    /// How it is written.
    pub wish: IndexSpec,
}

/// Whether anything is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pushing {
    /// Everything is read and checked, and nothing is pushed.
    Rehearse,
    /// The index is pushed and read back.
    Push,
}

/// What the work needs.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The registries.
    pub registries: &'a Registries,
    /// Where blobs are kept on their way.
    pub store: &'a Store,
    /// Who hears what is going on.
    pub report: &'a dyn Report,
}

/// An index and what it holds.
#[derive(Debug)]
pub struct Assembled {
    /// The index.
    pub index: Manifest,
    /// Its images.
    pub children: Vec<Child>,
}

/// Joins images to an index and pushes it.
///
/// # Errors
/// When an image cannot be read, they do not fit together or are not what was said about them, or the registry does not
/// take the index.
pub async fn assemble(wanted: &PushSpec, pushing: Pushing, context: &Context<'_>) -> Result<Assembled, IndexError> {
    expect(wanted, pushing, context.registries); // one token for all that will be done
    let found = child::read(&wanted.images, context.registries).await?; // each name once, then by digest
    let plan = plan::Plan::new(found, &wanted.platforms)?; // as claimed, one for each platform, none missing
    let index = compose::compose(&plan, &wanted.wish)?; // the bytes
    plan.notes().iter().for_each(|note| context.report.noted(note));
    if pushing == Pushing::Push {
        push::push(&plan, &index, wanted, context).await?; // images, index, tags; then read back
    }
    Ok(Assembled { index, children: plan.into_children() })
}

/// Says beforehand what will be done where.
fn expect(wanted: &PushSpec, pushing: Pushing, registries: &Registries) {
    let target = &wanted.repository;
    registries.expect(target, if pushing == Pushing::Push { Actions::Push } else { Actions::Pull });
    for source in wanted.images.iter().filter_map(Given::repository).filter(|source| *source != target) {
        registries.expect(source, Actions::Pull);
        if source.registry == target.registry && pushing == Pushing::Push {
            registries.expect_mount(target, source);
        }
    }
}

/// Reads everything that was typed about images.
///
/// # Errors
/// When something is not understood.
pub fn images(
    arguments: &[String],
    children: &[String],
    digest_files: &[std::path::PathBuf],
    target: &Repository,
    cwd: &Path,
) -> Result<Vec<Given>, IndexError> {
    let mut given = Vec::new();
    for argument in arguments {
        given.push(Given::argument(argument, target, cwd)?);
    }
    for child in children {
        given.push(Given::child(child, target, cwd)?);
    }
    for file in digest_files {
        given.extend(Given::digest_file(file, target, cwd)?);
    }
    if given.is_empty() { Err(IndexError::NoImages) } else { Ok(given) }
}
