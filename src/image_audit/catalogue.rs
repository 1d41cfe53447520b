//! Queries a registry about an image: its platforms, and the tags of its repository.

use std::collections::HashSet;

use async_trait::async_trait;

use crate::model::{Explain, ImagePlatform, Reference, Repository};
use crate::oci::{self, Content, Manifest, Registries};

/// The deepest nesting of indexes. No one is known to use more than one level.
const DEEPEST: usize = 2;

/// The most children of an index that are read for their platforms, when the index does not state them.
const MOST_ASKED: usize = 16;

#[async_trait]
pub trait Catalogue: Sync {
    /// What can go wrong.
    type Error: Explain + Send + Sync + 'static;

    /// Lists the platforms of an image; none when it does not exist.
    ///
    /// # Errors
    /// When the registry cannot be read.
    async fn platforms(&self, at: &Reference) -> Result<Option<Vec<ImagePlatform>>, Self::Error>;

    /// Lists the tags of a repository, in any order.
    ///
    /// # Errors
    /// When the registry cannot be read.
    async fn tags(&self, repository: &Repository) -> Result<Vec<String>, Self::Error>;
}

#[async_trait]
impl Catalogue for Registries {
    type Error = oci::Error;

    async fn platforms(&self, at: &Reference) -> Result<Option<Vec<ImagePlatform>>, oci::Error> {
        let Some(manifest) = self.manifest(at).await? else { return Ok(None) };
        let mut platforms = Vec::new();
        let mut open = vec![(manifest, 0)];
        let mut asked = HashSet::new();
        while let Some((manifest, depth)) = open.pop() {
            match &manifest.content {
                Content::Image(image) => {
                    let config = self.config(&at.repository, image).await?;
                    let variant = config.variant().as_deref();
                    let (os, architecture) = (config.os().to_string(), config.architecture().to_string());
                    platforms.push(ImagePlatform::new(&os, &architecture, variant));
                }
                Content::Index(_) => {
                    for digest in add_stated(&manifest, &mut platforms) {
                        if depth < DEEPEST && asked.len() < MOST_ASKED && asked.insert(digest.to_string()) {
                            let child = self.manifest(&at.repository.pinned(&digest)).await?;
                            open.extend(child.map(|child| (child, depth + 1)));
                        }
                    }
                }
            }
        }
        // Signatures and attestations are in indexes under an unknown platform.
        platforms.retain(|platform| platform.os != "unknown" && platform.architecture != "unknown");
        platforms.sort();
        platforms.dedup();
        Ok(Some(platforms))
    }

    async fn tags(&self, repository: &Repository) -> Result<Vec<String>, oci::Error> {
        Registries::tags(self, repository).await
    }
}

/// Adds the platforms that an index states; returns the children without one.
fn add_stated(index: &Manifest, platforms: &mut Vec<ImagePlatform>) -> Vec<crate::model::Digest> {
    let Content::Index(index) = &index.content else { return Vec::new() };
    let mut untold = Vec::new();
    for child in index.manifests() {
        match child.platform() {
            Some(platform) => {
                let (os, architecture) = (platform.os().to_string(), platform.architecture().to_string());
                platforms.push(ImagePlatform::new(&os, &architecture, platform.variant().as_deref()));
            }
            None => untold.extend(child.digest().to_string().parse().ok()),
        }
    }
    untold
}
