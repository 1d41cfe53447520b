//! Digests of files that nobody announces: of what is there today, where the project says that this will do. The lock
//! remembers them, so that from then on the file cannot change unnoticed.

use async_trait::async_trait;
use sha2::{Digest as _, Sha256};
use url::Url;

use super::Context;
use crate::model::{Algorithm, Digest, Level};
use crate::net::{Document, Error, Metadata};

/// The site's documents, and eyes for files without a digest.
pub(super) struct FirstUse<'a>(pub(super) &'a Context<'a>);

#[async_trait]
impl Metadata for FirstUse<'_> {
    async fn read(&self, document: &Document) -> Result<Vec<u8>, Error> {
        self.0.metadata.read(document).await
    }

    async fn pages(&self, document: &Document) -> Result<Vec<Vec<u8>>, Error> {
        self.0.metadata.pages(document).await
    }

    fn holds(&self, document: &Document) -> bool {
        self.0.metadata.holds(document)
    }

    async fn first_seen(&self, url: &Url) -> Result<Option<Digest>, Error> {
        if self.0.policy.verification > Level::FirstSeen {
            return Ok(None);
        }
        let digest = look(self.0, url).await?;
        self.0.report.warned(&format!("nobody announces a digest of {url}; what is there today is {digest}"));
        Ok(Some(digest))
    }

    fn warn(&self, warning: &str) {
        self.0.metadata.warn(warning);
    }
}

/// Receives the file and keeps nothing of it but its digest.
async fn look(context: &Context<'_>, url: &Url) -> Result<Digest, Error> {
    let mut body = context.net.open(url).await?;
    let name = url.path_segments().and_then(|mut parts| parts.next_back()).unwrap_or_default();
    let task = context.report.began(name, body.length());
    let mut hasher = Sha256::new();
    loop {
        match body.chunk().await {
            Ok(Some(chunk)) => {
                hasher.update(&chunk);
                context.report.advanced(task, chunk.len() as u64);
            }
            Ok(None) => break,
            Err(error) => {
                context.report.ended(task, "failed");
                return Err(error);
            }
        }
    }
    context.report.ended(task, "seen");
    Ok(Digest::new(Algorithm::Sha256, &hasher.finalize()).expect("SHA-256 has its own length"))
}
