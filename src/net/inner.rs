//! What the parts of one client share: its settings, its connections, its copies, and whom it tells.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Authorizer;
use super::cache::Cache;
use super::http::Http;
use super::settings::Settings;
use crate::report::Report;

/// What all clones of a client, its documents and its bodies share.
#[derive(Debug)]
pub(super) struct Inner {
    pub(super) settings: Settings,
    pub(super) http: Arc<Http>,
    pub(super) authorizer: Option<Arc<dyn Authorizer>>,
    pub(super) cache: Option<Cache>,
    /// Set once the person knows that copies cannot be kept.
    pub(super) cache_warned: Arc<AtomicBool>,
    pub(super) report: Arc<dyn Report>,
}

impl Inner {
    pub(super) fn authorizer(&self) -> Option<&dyn Authorizer> {
        self.authorizer.as_deref()
    }

    /// Says once that copies cannot be kept.
    pub(super) fn warn_about_cache(&self, cache: &Cache, error: &std::io::Error) {
        if !self.cache_warned.swap(true, Ordering::Relaxed) {
            let folder = cache.folder().display();
            self.report.warned(&format!("could not keep a copy of a document in {folder}: {error}"));
        }
    }
}
