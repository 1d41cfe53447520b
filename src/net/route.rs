//! Where a URL is read: in the mirror, at its upstream, or in the one when the other does not have it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use url::Url;

use super::address::shown;
use super::body::HttpBody;
use super::file::FileBody;
use super::inner::Inner;
use super::place::{Place, allowed};
use super::settings::Order;
use super::{Body, Error};
use crate::text::chain;

/// Where a URL is read, first choice first.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) mirror: Option<Place>,
    pub(super) upstreams: Vec<Place>,
}

impl Inner {
    /// Finds where `url` is to be read. `name` is its file name in a mirror.
    pub(super) async fn route(&self, url: &Url, name: Option<&str>) -> Result<Route, Error> {
        let bases = self.settings.bases.iter().find(|(scheme, _)| scheme == url.scheme()).map(|(_, bases)| bases);
        let upstreams = || match bases {
            Some(bases) => bases.iter().map(|base| allowed(&joined(base, url))).collect(),
            None => Ok(vec![allowed(url)?]),
        };
        let mirrored = bases.is_some() || matches!(url.scheme(), "https" | "http");
        let Some(mirror) = self.settings.mirror.as_ref().filter(|_| mirrored) else {
            return Ok(Route { mirror: None, upstreams: upstreams()? });
        };
        if bases.is_none() {
            allowed(url)?;
        }
        let place = match mirror.place(url, name).await {
            // No server may be asked for it.
            Err(Error::Unlocated { .. }) if self.settings.offline => Err(Error::Offline { url: shown(url) }),
            place => place,
        };
        if self.settings.order == Order::MirrorOnly {
            return Ok(Route { mirror: Some(place?), upstreams: Vec::new() });
        }
        let place = match place {
            _ if self.mirror.lost.load(Ordering::Relaxed) => None,
            // No mirror can have such a file.
            Err(Error::Refused { .. }) => None,
            place => Some(place?),
        };
        Ok(Route { mirror: place, upstreams: upstreams()? })
    }

    /// Returns true if upstreams are to be used after the mirror failed like this, and warns the first time.
    pub(super) fn passes_on(&self, error: &Error, upstreams: &[Place]) -> bool {
        if upstreams.is_empty() || !next_may_have_it(error) && !keeps_back(error) {
            return false;
        }
        if !matches!(error, Error::Offline { .. }) {
            self.mirror.lost.fetch_or(error.is_lost(), Ordering::Relaxed);
            self.say_that_upstreams_are_asked(error);
        }
        true
    }

    fn say_that_upstreams_are_asked(&self, error: &Error) {
        let Some(mirror) = &self.settings.mirror else { return };
        if !self.mirror.warned.swap(true, Ordering::Relaxed) {
            self.report.warned(&format!(
                "the mirror {mirror} does not serve every file, and the rest is read from upstream: {}",
                chain(error)
            ));
        }
    }

    /// Opens a file from the first upstream that has it. `name` is what it is called for people.
    pub(super) async fn open_upstream(
        self: &Arc<Self>,
        upstreams: &[Place],
        name: &str,
    ) -> Result<Box<dyn Body>, Error> {
        let scheme = name.split(':').next().unwrap_or_default().to_owned();
        let mut answer = Err(Error::NoServer { url: name.to_owned(), scheme });
        for place in upstreams {
            answer = self.open(place).await;
            if !answer.as_ref().is_err_and(next_may_have_it) {
                break;
            }
        }
        answer
    }

    pub(super) async fn open(self: &Arc<Self>, place: &Place) -> Result<Box<dyn Body>, Error> {
        match self.server(place) {
            Err(path) => Ok(Box::new(FileBody::open(path.to_owned()).await?)),
            Ok(server) if self.settings.offline => Err(Error::Offline { url: shown(&server.url) }),
            Ok(server) => Ok(Box::new(HttpBody::open(Arc::clone(self), server).await?)),
        }
    }
}

/// Puts the path of `url` below `base`.
fn joined(base: &Url, url: &Url) -> Url {
    let mut joined = base.clone();
    joined.set_path(&format!("{}/{}", base.path().trim_end_matches('/'), url.path().trim_start_matches('/')));
    joined
}

/// Returns true if the next place is worth a look: this one lacks the file, or refuses to serve it.
pub(super) fn next_may_have_it(error: &Error) -> bool {
    error.is_missing() || matches!(error, Error::Offline { .. })
}

/// Returns true if a mirror denies a file or cannot be reached. What came and is wrong is another matter.
fn keeps_back(error: &Error) -> bool {
    match error {
        Error::Status { .. }
        | Error::Explained { .. }
        | Error::Authorization { .. }
        | Error::GaveUp { .. }
        | Error::ComeBackLater { .. }
        | Error::File(_) => true,
        Error::NoCopy { source, .. } => keeps_back(source),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::{Client, Mirror, Settings};
    use crate::report::Silent;
    use std::path::Path;

    #[tokio::test]
    async fn a_url_is_read_where_the_settings_say() {
        let base = |text: &str| Url::parse(text).unwrap();
        let bases = vec![("goproxy".to_owned(), vec![base("https://modules.example"), base("file:///srv/modules/")])];
        let (only, first) = (Order::MirrorOnly, Order::MirrorFirst);
        for (mirror, order, url, expected) in [
            (None, first, "goproxy:///a/@v/b.zip", Some("https://modules.example/a/@v/b.zip /srv/modules/a/@v/b.zip")),
            (Some("/m"), only, "goproxy:///a/@v/b.zip", Some("/m/goproxy/a/@v/b.zip")),
            (
                Some("/m"),
                first,
                "goproxy:///a/@v/b.zip",
                Some("/m/goproxy/a/@v/b.zip https://modules.example/a/@v/b.zip /srv/modules/a/@v/b.zip"),
            ),
            (Some("https://m/t"), only, "https://go.dev/dl/x", Some("https://m/t/go.dev/dl/x")),
            (Some("https://m/t"), first, "https://go.dev/dl/x", Some("https://m/t/go.dev/dl/x https://go.dev/dl/x")),
            (Some("https://m/t"), first, "https://go.dev/dl/x?q", Some("https://go.dev/dl/x?q")),
            (Some("https://m/t"), only, "https://go.dev/dl/x?q", None),
            (Some("https://m/t"), first, "file:///a", Some("/a")),
            (Some("https://m/t"), only, "http://go.dev/dl/x", None),
            (Some("https://m/t"), first, "http://go.dev/dl/x", None),
            (Some("https://m/t"), only, "https://u:p@go.dev/dl/x", None),
            (None, only, "https://go.dev/dl/x", Some("https://go.dev/dl/x")),
            (None, only, "other:///a", None),
        ] {
            let mirror = mirror.map(|mirror| Mirror::parse(mirror, Path::new("/")).unwrap());
            let settings = Settings { mirror, order, bases: bases.clone(), ..Settings::default() };
            let client = Client::new(settings, Arc::new(Silent));
            let route = client.inner().route(&Url::parse(url).unwrap(), None).await;
            let places = route.map(|route| route.mirror.into_iter().chain(route.upstreams).collect::<Vec<_>>());
            let told = places.map(|places| places.iter().map(told).collect::<Vec<_>>().join(" "));
            assert_eq!(told.ok().as_deref(), expected, "{url}");
        }
    }

    fn told(place: &Place) -> String {
        match place {
            Place::Http(url) | Place::Store(url, _) => url.to_string(),
            Place::File(path) => path.display().to_string(),
        }
    }
}
