//! Documents that were read already in this run: choosing a version and finding its files read the same ones.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use tokio::sync::OnceCell;
use url::Url;

use super::{Document, Error, Metadata};
use crate::model::Digest;

/// Reads each document once, also where several readers ask for it at the same time.
#[derive(Debug)]
pub struct Memory<M> {
    inner: M,
    read: Cells<Vec<u8>>,
    pages: Cells<Vec<Vec<u8>>>,
}

type Cells<T> = Mutex<HashMap<String, Arc<OnceCell<T>>>>;

impl<M> Memory<M> {
    /// Remembers what `inner` reads.
    pub fn of(inner: M) -> Self {
        Self { inner, read: Mutex::default(), pages: Mutex::default() }
    }
}

fn cell<T>(cells: &Cells<T>, document: &Document) -> Arc<OnceCell<T>> {
    let mut cells = cells.lock().unwrap_or_else(PoisonError::into_inner);
    Arc::clone(cells.entry(document.url.to_string()).or_default())
}

#[async_trait]
impl<M: Metadata> Metadata for Memory<M> {
    async fn read(&self, document: &Document) -> Result<Vec<u8>, Error> {
        cell(&self.read, document).get_or_try_init(|| self.inner.read(document)).await.cloned()
    }

    async fn pages(&self, document: &Document) -> Result<Vec<Vec<u8>>, Error> {
        cell(&self.pages, document).get_or_try_init(|| self.inner.pages(document)).await.cloned()
    }

    async fn first_seen(&self, url: &Url) -> Result<Option<Digest>, Error> {
        self.inner.first_seen(url).await
    }

    fn holds(&self, document: &Document) -> bool {
        cell(&self.read, document).initialized()
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

    /// Answers after others had a chance to run.
    #[derive(Default)]
    struct Slow(AtomicUsize);

    #[async_trait]
    impl Metadata for Slow {
        async fn read(&self, _: &Document) -> Result<Vec<u8>, Error> {
            tokio::task::yield_now().await;
            self.0.fetch_add(1, Ordering::Relaxed);
            Ok(Vec::new())
        }

        fn warn(&self, _: &str) {}
    }

    #[tokio::test]
    async fn readers_at_the_same_time_share_one_reading() {
        let memory = Memory::of(Slow::default());
        let url = "https://go.dev/dl".parse().unwrap();
        let document = Document { url, mirror_name: None, accept: None, check: |_| Ok(()) };
        let (one, other) = tokio::join!(memory.read(&document), memory.read(&document));
        assert!(one.is_ok() && other.is_ok());
        assert_eq!(memory.inner.0.load(Ordering::Relaxed), 1);
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
