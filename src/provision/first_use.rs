//! Trust on first use: digests of files for which no checksum is published, of the bytes of today, where the project's
//! policy accepts that. The lock pins them, so that from then on the file cannot change unnoticed.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use sha2::{Digest as _, Sha256};
use url::Url;

use super::Context;
use crate::model::{Algorithm, Digest, Level};
use crate::net::{Document, Error, Metadata};

/// The documents of one request, with digests for files without a checksum. Warnings wait for their turn, so that those of
/// requests that are resolved side by side do not mix.
pub(super) struct FirstUse<'a> {
    pub(super) context: &'a Context<'a>,
    warnings: Mutex<Vec<String>>,
}

impl<'a> FirstUse<'a> {
    pub(super) fn new(context: &'a Context<'a>) -> Self {
        Self { context, warnings: Mutex::default() }
    }

    pub(super) fn report_warnings(&self) {
        for warning in std::mem::take(&mut *self.warnings.lock().unwrap_or_else(PoisonError::into_inner)) {
            self.context.report.warned(&warning);
        }
    }
}

#[async_trait]
impl Metadata for FirstUse<'_> {
    async fn read(&self, document: &Document) -> Result<Vec<u8>, Error> {
        self.context.metadata.read(document).await
    }

    async fn pages(&self, document: &Document) -> Result<Vec<Vec<u8>>, Error> {
        self.context.metadata.pages(document).await
    }

    fn holds(&self, document: &Document) -> bool {
        self.context.metadata.holds(document)
    }

    async fn first_seen(&self, url: &Url) -> Result<Option<Digest>, Error> {
        if self.context.policy.verification > Level::FirstSeen {
            return Ok(None);
        }
        let digest = hash(self.context, url).await?;
        self.warn(&format!("no checksum is published for {url}; today's file has {digest}"));
        Ok(Some(digest))
    }

    fn warn(&self, warning: &str) {
        self.warnings.lock().unwrap_or_else(PoisonError::into_inner).push(warning.to_owned());
    }
}

/// Receives the file and returns its digest; the bytes are not kept.
async fn hash(context: &Context<'_>, url: &Url) -> Result<Digest, Error> {
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
    context.report.ended(task, "hashed");
    Ok(Digest::new(Algorithm::Sha256, &hasher.finalize()).expect("SHA-256 has its own length"))
}
