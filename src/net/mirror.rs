//! A mirror: a tree of upstream paths, `<mirror>/<host>/<path>`, behind any static server or in a folder. It brings
//! bytes, never trust: digests come from the lock or from signed documents.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use url::Url;

use super::address::shown;
use super::place::{Place, allowed, below};
use super::{Authorizer, Error};

/// Where upstream files are read from instead of their own hosts.
#[derive(Debug, Clone)]
pub struct Mirror(Root);

#[derive(Debug, Clone)]
enum Root {
    /// A static server; the path ends with a slash.
    Web(Url),
    /// A folder.
    Folder(PathBuf),
    /// A store of objects.
    Store(Arc<dyn Store>),
}

/// A store of objects whose keys are paths, and which requires credentials.
#[async_trait]
pub trait Store: fmt::Debug + Send + Sync {
    /// Returns its name for people: `s3://bucket/prefix`.
    fn name(&self) -> String;

    /// Returns the address of the object at `path`, which is relative to the mirror's root and has no percent signs of its own.
    ///
    /// # Errors
    /// When the address of the store is not known.
    async fn address(&self, path: &str) -> Result<Url, Error>;

    /// Returns who authenticates requests to its addresses.
    fn authorizer(&self) -> Arc<dyn Authorizer>;
}

/// Why a program that fetches by itself cannot read from a store.
const UNSIGNED: &str = "S3 requires signed requests, which plain downloads are not; serve the bucket over https, or sync it to \
                        a folder";

impl Mirror {
    /// Makes a mirror of a store of objects.
    #[must_use]
    pub fn of(store: Arc<dyn Store>) -> Self {
        Self(Root::Store(store))
    }

    /// Returns true if it is a folder, which needs no connection.
    #[must_use]
    pub fn is_folder(&self) -> bool {
        matches!(self.0, Root::Folder(_))
    }

    /// Reads `https://…`, `http://…` of this machine, `file:///…`, or the path of a folder (relative to `cwd`).
    ///
    /// # Errors
    /// [`Error::BadMirror`] for other schemes, for user info and for queries.
    pub fn parse(text: &str, cwd: &Path) -> Result<Self, Error> {
        if text.is_empty() {
            return Err(bad(text, "it is empty"));
        }
        if !text.contains("://") {
            return Ok(Self(Root::Folder(cwd.join(text))));
        }
        let url = Url::parse(text).map_err(|e| bad("", &format!("it is not a URL: {e}")))?;
        if url.scheme() == "s3" {
            return Err(bad(&shown(&url), UNSIGNED));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(bad(&shown(&url), "a query or a fragment cannot stand before a path"));
        }
        match allowed(&url) {
            Ok(Place::File(path)) => Ok(Self(Root::Folder(path))),
            Ok(Place::Http(mut url) | Place::Store(mut url, _)) => {
                let path = format!("{}/", url.path().trim_end_matches('/'));
                url.set_path(&path);
                Ok(Self(Root::Web(url)))
            }
            Err(Error::Refused { url, reason }) => Err(bad(&url, &reason)),
            Err(other) => Err(other),
        }
    }

    /// Returns the URL of an upstream file in the mirror, for programs that fetch by themselves.
    ///
    /// # Errors
    /// [`Error::Refused`] when the mirror can have no such file, [`Error::BadMirror`] for a store: it requires signed requests.
    pub fn url(&self, upstream: &Url) -> Result<Url, Error> {
        let tree = tree(upstream, None)?;
        match &self.0 {
            Root::Web(root) => Ok(web(root, &tree)),
            Root::Folder(root) => {
                let path = file_of(root, &tree)?;
                Url::from_file_path(&path).map_err(|()| bad(&path.display().to_string(), "it is not an absolute path"))
            }
            Root::Store(store) => Err(bad(&store.name(), UNSIGNED)),
        }
    }

    /// Returns the place of an upstream URL in the mirror: `<mirror>/<host>/<path>`, with the scheme for the host where
    /// the URL has none (`goproxy:///x` is `<mirror>/goproxy/x`). `name` replaces what follows the last slash.
    pub(super) async fn place(&self, url: &Url, name: Option<&str>) -> Result<Place, Error> {
        let tree = tree(url, name)?;
        match &self.0 {
            Root::Web(root) => Ok(Place::Http(web(root, &tree))),
            Root::Folder(root) => file_of(root, &tree).map(Place::File),
            Root::Store(store) => Ok(Place::Store(store.address(&Self::path(url, name)?).await?, store.authorizer())),
        }
    }

    /// Returns the path of an upstream file below the root of any mirror, as file names joined by slashes, percent signs
    /// undone: for those who fill one. `name` replaces what follows the last slash.
    ///
    /// # Errors
    /// [`Error::Refused`] when a mirror cannot contain such a file.
    pub fn path(url: &Url, name: Option<&str>) -> Result<String, Error> {
        let file = file_of(Path::new(""), &tree(url, name)?)?;
        let parts: Vec<_> = file.components().map(|part| part.as_os_str().to_string_lossy()).collect();
        Ok(parts.join("/"))
    }
}

/// Returns the path of an upstream URL below the root of a mirror, with the percent signs of the URL.
fn tree(url: &Url, name: Option<&str>) -> Result<String, Error> {
    let path = match name {
        None if url.query().is_some() => {
            let reason = "it has a query, and no name in a mirror".to_owned();
            return Err(Error::Refused { url: shown(url), reason });
        }
        None => url.path().to_owned(),
        Some(name) => {
            let folder = url.path().rfind('/').map_or("", |slash| &url.path()[..slash]);
            format!("{folder}/{name}")
        }
    };
    Ok(format!("{}/{}", super::address::host(url), path.trim_start_matches('/')))
}

fn web(root: &Url, tree: &str) -> Url {
    let mut place = root.clone();
    place.set_path(&format!("{}{tree}", root.path()));
    place
}

fn file_of(root: &Path, tree: &str) -> Result<PathBuf, Error> {
    // A URL of its own resolves dots and percent signs by one set of rules.
    let mut place = Url::parse("file:///").expect("a constant URL is valid");
    place.set_path(tree);
    below(root, &place)
}

impl fmt::Display for Mirror {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Root::Web(url) => f.write_str(&shown(url)),
            Root::Folder(path) => write!(f, "{}", path.display()),
            Root::Store(store) => f.write_str(&store.name()),
        }
    }
}

fn bad(mirror: &str, reason: &str) -> Error {
    Error::BadMirror { mirror: mirror.to_owned(), reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mirror(text: &str) -> Result<Mirror, Error> {
        Mirror::parse(text, Path::new("/project"))
    }

    #[test]
    fn mirrors_are_read() {
        for (text, expected) in [
            ("https://host/tools", Some("https://host/tools/")),
            ("https://host/tools///", Some("https://host/tools/")),
            ("http://127.0.0.1:99", Some("http://127.0.0.1:99/")),
            ("file:///srv/my%20mirror/", Some("/srv/my mirror")),
            ("/srv/mirror", Some("/srv/mirror")),
            ("mirror", Some("/project/mirror")),
            ("./a b", Some("/project/./a b")),
            ("", None),
            ("http://host/tools", None),
            ("https://user:secret@host/", None),
            ("https://host/?sig=secret", None),
            ("s3://bucket/tools", None),
            ("file://server/share", None),
            ("ftp://host/", None),
            ("https://", None),
        ] {
            let read = mirror(text).map(|mirror| mirror.to_string());
            assert_eq!(read.as_deref().ok(), expected, "{text}");
            if let Err(error) = read {
                assert!(!error.to_string().contains("secret"), "{error}");
            }
        }
        assert!(mirror("s3://bucket/x").unwrap_err().to_string().contains("signed requests"));
    }

    #[tokio::test]
    async fn upstream_paths_map_into_the_tree() {
        for (url, name, web, folder) in [
            ("https://go.dev/dl/?mode=json", Some("index.json"), "go.dev/dl/index.json", "go.dev/dl/index.json"),
            (
                "https://dl.google.com/go/go1.27.3.linux-arm64.tar.gz",
                None,
                "dl.google.com/go/go1.27.3.linux-arm64.tar.gz",
                "dl.google.com/go/go1.27.3.linux-arm64.tar.gz",
            ),
            (
                "goproxy:///golang.org/toolchain/@v/v0.0.1-go1.27.3.linux-arm64.zip",
                None,
                "goproxy/golang.org/toolchain/@v/v0.0.1-go1.27.3.linux-arm64.zip",
                "goproxy/golang.org/toolchain/@v/v0.0.1-go1.27.3.linux-arm64.zip",
            ),
            ("https://host:8443/a%2Bb", None, "host:8443/a%2Bb", "host:8443/a+b"),
            ("https://host/a/../../../b", None, "host/b", "host/b"),
        ] {
            let url = Url::parse(url).unwrap();
            let Place::Http(got) = mirror("https://m/t").unwrap().place(&url, name).await.unwrap() else {
                panic!("{url}")
            };
            assert_eq!(got.as_str(), format!("https://m/t/{web}"));
            let Place::File(got) = mirror("/m").unwrap().place(&url, name).await.unwrap() else { panic!("{url}") };
            assert_eq!(got, Path::new("/m").join(folder));
            assert_eq!(Mirror::path(&url, name).unwrap(), folder);
        }
    }

    #[tokio::test]
    async fn nothing_leaves_the_mirror() {
        for url in ["https://host/%2e%2e%2f%2e%2e%2fetc/passwd", "https://host/a%5c..%5cb", "https://host/?list"] {
            assert!(mirror("/m").unwrap().place(&Url::parse(url).unwrap(), None).await.is_err(), "{url}");
        }
        let dots = Url::parse("goproxy:///x/%2e%2e/%2e%2e/y").unwrap();
        let Ok(Place::File(path)) = mirror("/m").unwrap().place(&dots, None).await else {
            panic!("a folder gives files")
        };
        assert!(path.starts_with("/m/goproxy"), "{}", path.display());
    }
}
