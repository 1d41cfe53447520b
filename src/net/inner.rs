//! What the parts of one client share: its settings, its connections, its copies, and its report.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use url::Url;

use super::address::shown;
use super::cache::Cache;
use super::http::Http;
use super::place::{Place, Server};
use super::retry::{Attempts, Failure};
use super::settings::Settings;
use super::{Authorizer, Error};
use crate::report::Report;

/// What all clones of a client, its documents and its bodies share.
#[derive(Debug)]
pub(super) struct Inner {
    pub(super) settings: Settings,
    pub(super) http: Arc<Http>,
    pub(super) authorizer: Option<Arc<dyn Authorizer>>,
    pub(super) cache: Option<Cache>,
    /// Set once the user was warned that copies cannot be kept.
    pub(super) cache_warned: Arc<AtomicBool>,
    pub(super) mirror: Arc<MirrorState>,
    pub(super) report: Arc<dyn Report>,
}

/// What was found out about the mirror in this run.
#[derive(Debug, Default)]
pub(super) struct MirrorState {
    /// Set once the user was warned that upstreams are used, too.
    pub(super) warned: AtomicBool,
    /// Set when it could not be reached: to wait for it again would cost every file minutes.
    pub(super) lost: AtomicBool,
}

impl Inner {
    /// Returns the server of a place, or the path of a file.
    pub(super) fn server<'p>(&self, place: &'p Place) -> Result<Server, &'p Path> {
        match place {
            Place::Http(url) => Ok(Server { url: url.clone(), authorizer: self.authorizer.clone() }),
            Place::Store(url, authorizer) => Ok(Server { url: url.clone(), authorizer: Some(Arc::clone(authorizer)) }),
            Place::File(path) => Err(path),
        }
    }

    /// Begins to ask for `url`. A server that was given up in this run is asked once: to wait for it again would cost every file
    /// minutes, and a stranger's project may name thousands.
    pub(super) fn attempts(&self, url: &Url, total: Duration) -> Attempts {
        let mut retry = self.settings.retry;
        if self.http.has_given_up(url) {
            retry.attempts = 1;
        }
        Attempts::new(shown(url), retry, total)
    }

    /// Waits before the next attempt to ask for `url`.
    ///
    /// # Errors
    /// When there is none.
    pub(super) async fn recover(&self, attempts: &mut Attempts, url: &Url, failure: Failure) -> Result<(), Error> {
        let outcome = attempts.recover(failure, |note| self.report.noted(note)).await;
        if outcome.as_ref().is_err_and(Error::is_lost) {
            self.http.give_up(url);
        }
        outcome
    }

    pub(super) fn authorizer(&self) -> Option<&dyn Authorizer> {
        self.authorizer.as_deref()
    }

    /// Warns once that copies cannot be kept.
    pub(super) fn warn_about_cache(&self, cache: &Cache, error: &std::io::Error) {
        if !self.cache_warned.swap(true, Ordering::Relaxed) {
            let folder = cache.folder().display();
            self.report.warned(&format!("could not keep a copy of a document in {folder}: {error}"));
        }
    }
}
