//! The one client of a run: which places it asks for a URL.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use async_trait::async_trait;
use url::Url;

use super::address::shown;
use super::cache::Cache;
use super::document::{self, Page};
use super::http::Http;
use super::inner::Inner;
use super::place::allowed;
use super::relay::Relay;
use super::route::{Route, next_may_have_it};
use super::settings::Settings;
use super::{Authorizer, Body, Document, Error, Metadata, Mirror, Net};
use crate::report::Report;

/// More pages than any list has: 100 tags a page make 100,000.
const MOST_PAGES: usize = 1000;

/// Reads documents and opens files. Cheap to make and to clone: TLS is set up by the first request that needs it, and
/// all clones share connections.
#[derive(Debug, Clone)]
pub struct Client(Arc<Inner>);

impl Client {
    /// Makes a client that reports to `report` retries, old copies and odd answers.
    #[must_use]
    pub fn new(settings: Settings, report: Arc<dyn Report>) -> Self {
        let http = Arc::new(Http::new(&settings, Arc::clone(&report)));
        let cache = settings.cache.clone().map(Cache::new);
        let (cache_warned, mirror) = (Arc::new(AtomicBool::new(false)), Arc::default());
        Self(Arc::new(Inner { settings, http, authorizer: None, cache, cache_warned, mirror, report }))
    }

    /// Returns a client that shares connections and copies with this one and asks `authorizer` what to say to servers.
    #[must_use]
    pub fn authorized_by(&self, authorizer: Arc<dyn Authorizer>) -> Self {
        self.with(self.0.settings.clone(), Some(authorizer))
    }

    /// Returns a client that shares connections with this one and asks every server itself, whatever mirror there is: a
    /// registry that is written to is not an upstream whose copies would do.
    #[must_use]
    pub fn direct(&self) -> Self {
        self.with(Settings { mirror: None, ..self.0.settings.clone() }, self.0.authorizer.clone())
    }

    /// Returns a client that shares connections with this one and reads from `mirror` instead of the mirror of its settings.
    #[must_use]
    pub fn mirrored_by(&self, mirror: Mirror) -> Self {
        let settings = Settings { mirror: Some(mirror), ..self.0.settings.clone() };
        self.with(settings, self.0.authorizer.clone())
    }

    fn with(&self, settings: Settings, authorizer: Option<Arc<dyn Authorizer>>) -> Self {
        let Inner { http, cache, cache_warned, mirror, report, .. } = self.0.as_ref();
        Self(Arc::new(Inner {
            settings,
            http: Arc::clone(http),
            authorizer,
            cache: cache.clone(),
            cache_warned: Arc::clone(cache_warned),
            mirror: Arc::clone(mirror),
            report: Arc::clone(report),
        }))
    }

    /// Counts the requests that were sent so far, by all clients that share connections with this one.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.0.http.sent()
    }

    pub(super) fn inner(&self) -> &Inner {
        &self.0
    }

    /// Reads one page from the first place that has it.
    async fn page(&self, document: &Document) -> Result<Page, Error> {
        let inner = &self.0;
        let route = inner.route(&document.url, document.mirror_name).await?;
        if let Some(mirror) = &route.mirror {
            let answer = document::read(inner, mirror, document, route.upstreams.is_empty()).await;
            if !answer.as_ref().is_err_and(|error| inner.passes_on(error, &route.upstreams)) {
                return answer;
            }
        }
        let mut answer = Err(nothing_behind(&document.url));
        for place in &route.upstreams {
            answer = document::read(inner, place, document, true).await;
            if !answer.as_ref().is_err_and(next_may_have_it) {
                break;
            }
        }
        match (answer, &route.mirror) {
            (Err(error), Some(mirror)) => document::last_copy(inner, mirror, document, error).await,
            (answer, _) => answer,
        }
    }
}

#[async_trait]
impl Net for Client {
    async fn open(&self, url: &Url) -> Result<Box<dyn Body>, Error> {
        let (inner, name) = (&self.0, shown(url));
        let Route { mirror, upstreams } = inner.route(url, None).await?;
        if let Some(mirror) = &mirror {
            match inner.open(mirror).await {
                Ok(body) if upstreams.is_empty() => return Ok(body),
                Ok(body) => return Ok(Box::new(Relay::of(Arc::clone(inner), body, upstreams, name))),
                Err(error) if inner.passes_on(&error, &upstreams) => {}
                Err(error) => return Err(error),
            }
        }
        inner.open_upstream(&upstreams, &name).await
    }
}

#[async_trait]
impl Metadata for Client {
    async fn read(&self, document: &Document) -> Result<Vec<u8>, Error> {
        Ok(self.page(document).await?.body)
    }

    async fn pages(&self, document: &Document) -> Result<Vec<Vec<u8>>, Error> {
        let first = self.page(document).await?;
        let (mut pages, mut next) = (vec![first.body], first.next);
        while let Some(url) = next {
            if pages.len() == MOST_PAGES {
                let reason = format!("it has more than {MOST_PAGES} pages");
                return Err(Error::Unfit { url: shown(&document.url), reason });
            }
            // The address of a page stands as its server gave it, mirror or not.
            let page = document::read(&self.0, &allowed(&url)?, document, true).await?;
            pages.push(page.body);
            next = page.next;
        }
        Ok(pages)
    }

    fn warn(&self, warning: &str) {
        self.0.report.warned(warning);
    }
}

fn nothing_behind(url: &Url) -> Error {
    Error::NoServer { url: shown(url), scheme: url.scheme().to_owned() }
}
