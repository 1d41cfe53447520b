//! Documents that were read already in this run: choosing a version and finding its files read the same ones.

use std::collections::HashMap;
use std::sync::Mutex;

use async_trait::async_trait;
use url::Url;

use super::{Document, Error, Metadata};
use crate::model::Digest;

/// Reads each document once.
#[derive(Debug)]
pub struct Memory<M> {
    inner: M,
    read: Mutex<HashMap<String, Vec<u8>>>,
    pages: Mutex<HashMap<String, Vec<Vec<u8>>>>,
}

impl<M> Memory<M> {
    /// Remembers what `inner` reads.
    pub fn of(inner: M) -> Self {
        Self { inner, read: Mutex::default(), pages: Mutex::default() }
    }
}

#[async_trait]
impl<M: Metadata> Metadata for Memory<M> {
    async fn read(&self, document: &Document) -> Result<Vec<u8>, Error> {
        let key = document.url.as_str();
        // A poisoned lock means that another thread panicked: then the document is simply read again.
        if let Some(bytes) = self.read.lock().ok().and_then(|read| read.get(key).cloned()) {
            return Ok(bytes);
        }
        let bytes = self.inner.read(document).await?;
        if let Ok(mut read) = self.read.lock() {
            read.insert(key.to_owned(), bytes.clone());
        }
        Ok(bytes)
    }

    async fn pages(&self, document: &Document) -> Result<Vec<Vec<u8>>, Error> {
        let key = document.url.as_str();
        if let Some(pages) = self.pages.lock().ok().and_then(|read| read.get(key).cloned()) {
            return Ok(pages);
        }
        let pages = self.inner.pages(document).await?;
        if let Ok(mut read) = self.pages.lock() {
            read.insert(key.to_owned(), pages.clone());
        }
        Ok(pages)
    }

    async fn first_seen(&self, url: &Url) -> Result<Option<Digest>, Error> {
        self.inner.first_seen(url).await
    }

    fn holds(&self, document: &Document) -> bool {
        self.read.lock().is_ok_and(|read| read.contains_key(document.url.as_str()))
    }

    fn warn(&self, warning: &str) {
        self.inner.warn(warning);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[derive(Default)]
    struct Counting(AtomicUsize);

    #[async_trait]
    impl Metadata for Counting {
        async fn read(&self, document: &Document) -> Result<Vec<u8>, Error> {
            match self.0.fetch_add(1, Ordering::Relaxed) {
                0 => Err(Error::Changed { url: document.url.to_string() }),
                _ => Ok(document.url.path().as_bytes().to_vec()),
            }
        }

        fn warn(&self, _: &str) {}
    }

    #[tokio::test]
    async fn a_document_is_read_once_and_a_failure_is_not_remembered() {
        let memory = Memory::of(Counting::default());
        let document = |path: &str| Document {
            url: format!("https://go.dev/{path}").parse().unwrap(),
            mirror_name: None,
            accept: None,
            check: |_| Ok(()),
        };
        assert!(memory.read(&document("a")).await.is_err());
        assert!(!memory.holds(&document("a")));
        for _ in 0..3 {
            assert_eq!(memory.read(&document("a")).await.unwrap(), b"/a");
        }
        assert!(memory.holds(&document("a")) && !memory.holds(&document("b")));
        assert_eq!(memory.read(&document("b")).await.unwrap(), b"/b");
        assert_eq!(memory.inner.0.load(Ordering::Relaxed), 3);
    }
}
