//! The one client of a run: which places it asks for a URL.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use async_trait::async_trait;
use url::Url;

use super::body::HttpBody;
use super::cache::Cache;
use super::document;
use super::file::FileBody;
use super::http::Http;
use super::inner::Inner;
use super::place::{Place, allowed, shown};
use super::settings::Settings;
use super::{Body, Document, Error, Metadata, Net};
use crate::report::Report;

/// Reads documents and opens files. Cheap to make and to clone: TLS is set up by the first request that needs it, and
/// all clones share connections.
#[derive(Debug, Clone)]
pub struct Client(Arc<Inner>);

impl Client {
    /// Makes a client that tells `report` about retries, old copies and odd answers.
    #[must_use]
    pub fn new(settings: Settings, report: Arc<dyn Report>) -> Self {
        let http = Http::new(&settings);
        let cache = settings.cache.clone().map(Cache::new);
        Self(Arc::new(Inner { settings, http, cache, cache_warned: AtomicBool::new(false), report }))
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
        let mut answer = Err(nothing_behind(&document.url));
        for place in self.0.places(&document.url, document.mirror_name)? {
            answer = document::read(&self.0, &place, document.check).await;
            if !answer.as_ref().is_err_and(next_may_have_it) {
                break;
            }
        }
        answer
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
