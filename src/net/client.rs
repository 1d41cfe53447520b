//! The one client of a run: which places it asks for a URL.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use async_trait::async_trait;
use url::Url;

use super::body::HttpBody;
use super::cache::Cache;
use super::document::{self, Page};
use super::file::FileBody;
use super::http::Http;
use super::inner::Inner;
use super::place::{Place, allowed, shown};
use super::settings::Settings;
use super::{Authorizer, Body, Document, Error, Metadata, Net};
use crate::report::Report;

/// More pages than any list has: 100 tags a page make 100,000.
const MOST_PAGES: usize = 1000;

/// Reads documents and opens files. Cheap to make and to clone: TLS is set up by the first request that needs it, and
/// all clones share connections.
#[derive(Debug, Clone)]
pub struct Client(Arc<Inner>);

impl Client {
    /// Makes a client that tells `report` about retries, old copies and odd answers.
    #[must_use]
    pub fn new(settings: Settings, report: Arc<dyn Report>) -> Self {
        let http = Arc::new(Http::new(&settings));
        let cache = settings.cache.clone().map(Cache::new);
        let cache_warned = Arc::new(AtomicBool::new(false));
        Self(Arc::new(Inner { settings, http, authorizer: None, cache, cache_warned, report }))
    }

    /// Gives a client that shares connections and copies with this one and asks `authorizer` what to say to servers.
    #[must_use]
    pub fn authorized_by(&self, authorizer: Arc<dyn Authorizer>) -> Self {
        self.with(self.0.settings.clone(), Some(authorizer))
    }

    /// Gives a client that shares connections with this one and asks every server itself, whatever mirror there is: a
    /// registry that is written to is no upstream of which copies serve as well.
    #[must_use]
    pub fn direct(&self) -> Self {
        self.with(Settings { mirror: None, ..self.0.settings.clone() }, self.0.authorizer.clone())
    }

    fn with(&self, settings: Settings, authorizer: Option<Arc<dyn Authorizer>>) -> Self {
        let Inner { http, cache, cache_warned, report, .. } = self.0.as_ref();
        Self(Arc::new(Inner {
            settings,
            http: Arc::clone(http),
            authorizer,
            cache: cache.clone(),
            cache_warned: Arc::clone(cache_warned),
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
        let mut answer = Err(nothing_behind(&document.url));
        for place in self.0.places(&document.url, document.mirror_name)? {
            answer = document::read(&self.0, &place, document).await;
            if !answer.as_ref().is_err_and(next_may_have_it) {
                break;
            }
        }
        answer
    }
}

#[async_trait]
impl Net for Client {
    async fn open(&self, url: &Url) -> Result<Box<dyn Body>, Error> {
        let mut answer = Err(nothing_behind(url));
        for place in self.0.places(url, None)? {
            answer = self.0.open(place).await;
            if !answer.as_ref().is_err_and(next_may_have_it) {
                break;
            }
        }
        answer
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
            let page = document::read(&self.0, &allowed(&url)?, document).await?;
            pages.push(page.body);
            next = page.next;
        }
        Ok(pages)
    }

    fn warn(&self, warning: &str) {
        self.0.report.warned(warning);
    }
}

impl Inner {
    /// Lists where `url` is to be read, first choice first.
    fn places(&self, url: &Url, name: Option<&str>) -> Result<Vec<Place>, Error> {
        let bases = self.settings.bases.iter().find(|(scheme, _)| scheme == url.scheme()).map(|(_, bases)| bases);
        match (&self.settings.mirror, bases) {
            (Some(mirror), None) if matches!(url.scheme(), "https" | "http") => {
                allowed(url)?;
                Ok(vec![mirror.place(url, name)?])
            }
            (Some(mirror), Some(_)) => Ok(vec![mirror.place(url, name)?]),
            (_, None) => Ok(vec![allowed(url)?]),
            (None, Some(bases)) => bases.iter().map(|base| allowed(&joined(base, url))).collect(),
        }
    }

    async fn open(self: &Arc<Self>, place: Place) -> Result<Box<dyn Body>, Error> {
        match place {
            Place::File(path) => Ok(Box::new(FileBody::open(path).await?)),
            Place::Http(url) if self.settings.offline => Err(Error::Offline { url: shown(&url) }),
            Place::Http(url) => Ok(Box::new(HttpBody::open(Arc::clone(self), url).await?)),
        }
    }
}

/// Puts the path of `url` below `base`.
fn joined(base: &Url, url: &Url) -> Url {
    let mut joined = base.clone();
    joined.set_path(&format!("{}/{}", base.path().trim_end_matches('/'), url.path().trim_start_matches('/')));
    joined
}

/// Tells whether the next place is worth a look: this one lacks the file, or may not be asked for it.
fn next_may_have_it(error: &Error) -> bool {
    error.is_missing() || matches!(error, Error::Offline { .. })
}

fn nothing_behind(url: &Url) -> Error {
    Error::NoServer { url: shown(url), scheme: url.scheme().to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Mirror;
    use crate::report::Silent;
    use std::path::Path;

    #[test]
    fn a_url_is_read_where_the_settings_say() {
        let base = |text: &str| Url::parse(text).unwrap();
        let bases = vec![("goproxy".to_owned(), vec![base("https://modules.example"), base("file:///srv/modules/")])];
        for (mirror, url, expected) in [
            (None, "goproxy:///a/@v/b.zip", Some("https://modules.example/a/@v/b.zip /srv/modules/a/@v/b.zip")),
            (Some("/m"), "goproxy:///a/@v/b.zip", Some("/m/goproxy/a/@v/b.zip")),
            (Some("https://m/t"), "https://go.dev/dl/x", Some("https://m/t/go.dev/dl/x")),
            (Some("https://m/t"), "file:///a", Some("/a")),
            (Some("https://m/t"), "http://go.dev/dl/x", None),
            (Some("https://m/t"), "https://u:p@go.dev/dl/x", None),
            (None, "https://go.dev/dl/x", Some("https://go.dev/dl/x")),
            (None, "other:///a", None),
        ] {
            let mirror = mirror.map(|mirror| Mirror::parse(mirror, Path::new("/")).unwrap());
            let settings = Settings { mirror, bases: bases.clone(), ..Settings::default() };
            let places = Client::new(settings, Arc::new(Silent)).0.places(&Url::parse(url).unwrap(), None);
            let told = places.map(|places| places.iter().map(told).collect::<Vec<_>>().join(" "));
            assert_eq!(told.ok().as_deref(), expected, "{url}");
        }
    }

    fn told(place: &Place) -> String {
        match place {
            Place::Http(url) => url.to_string(),
            Place::File(path) => path.display().to_string(),
        }
    }
}
