//! A mirror under a prefix of a bucket. Objects are always complete: the large ones appear when their last part has
//! arrived.

use async_trait::async_trait;
use bytes::Bytes;

use super::mirror_store::{MirrorStore, Source};
use super::{Condition, Content, Error, Head, Listed};
use crate::aws::{self, s3};
use crate::net::{self, Body};

/// A mirror in a bucket.
#[derive(Debug, Clone)]
pub struct Objects(s3::Bucket);

impl Objects {
    #[must_use]
    pub fn of(bucket: s3::Bucket) -> Self {
        Self(bucket)
    }

    fn failed(&self, action: &'static str, path: &str) -> impl FnOnce(aws::Error) -> Error {
        let (path, mirror) = (path.to_owned(), self.name());
        move |source| Error::Bucket { action, path, mirror, source: Box::new(source) }
    }
}

#[async_trait]
impl MirrorStore for Objects {
    fn name(&self) -> String {
        self.0.location().to_string()
    }

    /// The bucket knows only the SHA-256 of objects that a sync has put there.
    async fn head(&self, path: &str) -> Result<Option<Head>, Error> {
        let head = self.0.head(path).await.map_err(self.failed("look at", path))?;
        Ok(head.map(|s3::Head { size, tag, sha256 }| Head { size, sha256, tag: tag.unwrap_or_default() }))
    }

    async fn open(&self, path: &str) -> Result<Option<Box<dyn Body>>, Error> {
        match self.0.open(path).await {
            Ok(body) => Ok(Some(body)),
            Err(error) if error.is_missing() => Ok(None),
            Err(net::Error::Empty { .. }) => Ok(Some(Box::new(Nothing))),
            Err(source) => Err(Error::Read { path: path.to_owned(), mirror: self.name(), source }),
        }
    }

    async fn put(&self, path: &str, content: &Content, condition: &Condition) -> Result<(), Error> {
        let written = match &content.source {
            Source::Bytes(bytes) => s3::Content::Bytes(bytes),
            Source::File(file) => s3::Content::File { path: file, size: content.size, sha256: &content.sha256 },
        };
        let condition = match condition {
            Condition::Always => s3::Condition::Any,
            Condition::Absent => s3::Condition::Absent,
            Condition::Still(tag) => s3::Condition::Same(tag),
        };
        match self.0.put(path, &written, condition).await {
            Ok(_) => Ok(()),
            Err(aws::Error::Condition { .. }) => Err(Error::Conflict { path: path.to_owned(), mirror: self.name() }),
            Err(error) => Err(self.failed("put", path)(error)),
        }
    }

    async fn list(&self) -> Result<Vec<Listed>, Error> {
        let listed = self.0.list().await.map_err(self.failed("list", "the objects"))?;
        Ok(listed.into_iter().map(|s3::Listed { path, size }| Listed { path, size }).collect())
    }

    async fn delete(&self, path: &str) -> Result<(), Error> {
        self.0.delete(path).await.map_err(self.failed("remove", path))
    }

    async fn clean_up(&self) {
        self.0.settle().await;
    }
}

/// The body of an empty object. For a download it would be an error.
struct Nothing;

#[async_trait]
impl Body for Nothing {
    fn length(&self) -> Option<u64> {
        Some(0)
    }

    async fn chunk(&mut self) -> Result<Option<Bytes>, net::Error> {
        Ok(None)
    }
}
