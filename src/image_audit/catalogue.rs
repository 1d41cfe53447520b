//! What a registry is asked about an image: for which platforms it is, and which tags stand beside it.

use async_trait::async_trait;

use crate::model::{Explain, ImagePlatform, Reference, Repository};
use crate::oci::{self, Content, Manifest, Registries};

/// How deep indexes of indexes are followed. Nobody is known to push more than one level.
const DEEPEST: usize = 2;

/// The most children of an index that are asked for their platforms one by one, because the index does not tell.
const MOST_ASKED: usize = 16;

/// Who knows images.
#[async_trait]
pub trait Catalogue: Sync {
    /// What can go wrong.
    type Error: Explain + Send + Sync + 'static;

    /// Lists the platforms of an image; none when there is no such image.
    ///
    /// # Errors
    /// When it cannot be found out.
    async fn platforms(&self, at: &Reference) -> Result<Option<Vec<ImagePlatform>>, Self::Error>;

    /// Lists the tags of a repository, in any order.
    ///
    /// # Errors
    /// When it cannot be found out.
    async fn tags(&self, repository: &Repository) -> Result<Vec<String>, Self::Error>;
}

#[async_trait]
impl Catalogue for Registries {
    type Error = oci::Error;

    async fn platforms(&self, at: &Reference) -> Result<Option<Vec<ImagePlatform>>, oci::Error> {
        let Some(manifest) = self.manifest(at).await? else { return Ok(None) };
        let mut platforms = Vec::new();
        let mut open = vec![(manifest, 0)];
        let mut asked = 0;
        while let Some((manifest, depth)) = open.pop() {
            match &manifest.content {
                Content::Image(image) => {
                    let config = self.config(&at.repository, image).await?;
                    let variant = config.variant().as_deref();
                    let (os, architecture) = (config.os().to_string(), config.architecture().to_string());
                    platforms.push(ImagePlatform::new(&os, &architecture, variant));
                }
                Content::Index(_) => {
                    for digest in told(&manifest, &mut platforms) {
                        asked += 1;
                        if depth < DEEPEST && asked <= MOST_ASKED {
                            let child = self.manifest(&at.repository.pinned(&digest)).await?;
                            open.extend(child.map(|child| (child, depth + 1)));
                        }
                    }
                }
            }
        }
        // What is signed or attested stands in indexes under a platform that no machine has.
        platforms.retain(|platform| platform.os != "unknown" && platform.architecture != "unknown");
        platforms.sort();
        platforms.dedup();
        Ok(Some(platforms))
    }

    async fn tags(&self, repository: &Repository) -> Result<Vec<String>, oci::Error> {
        Registries::tags(self, repository).await
    }
}

/// Takes the platforms that an index states; gives the children for which it states none.
fn told(index: &Manifest, platforms: &mut Vec<ImagePlatform>) -> Vec<crate::model::Digest> {
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
