//! A mirror: a tree of upstream paths, `<mirror>/<host>/<path>`, behind any static server or in a folder. It brings
//! bytes, never trust: digests come from the lock or from signed documents.

use std::fmt;
use std::path::{Path, PathBuf};

use url::Url;

use super::Error;
use super::place::{Place, allowed, below, shown};

/// Where upstream files are read from instead of their own hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirror(Root);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Root {
    /// A static server; the path ends with a slash.
    Web(Url),
    /// A folder.
    Folder(PathBuf),
}

impl Mirror {
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
        let url = Url::parse(text).map_err(|e| bad("", &format!("it is no URL: {e}")))?;
        if url.scheme() == "s3" {
            return Err(bad(
                &shown(&url),
                "s3:// is not supported yet; serve the bucket over https, or sync it to a folder",
            ));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(bad(&shown(&url), "a query or a fragment cannot stand before a path"));
        }
        match allowed(&url) {
            Ok(Place::File(path)) => Ok(Self(Root::Folder(path))),
            Ok(Place::Http(mut url)) => {
                let path = format!("{}/", url.path().trim_end_matches('/'));
                url.set_path(&path);
                Ok(Self(Root::Web(url)))
            }
            Err(Error::Refused { url, reason }) => Err(bad(&url, &reason)),
            Err(other) => Err(other),
        }
    }

    /// Gives the URL of an upstream file in the mirror, for programs that fetch by themselves.
    ///
    /// # Errors
    /// [`Error::Refused`] when the mirror can have no such file.
    pub fn url(&self, upstream: &Url) -> Result<Url, Error> {
        match self.place(upstream, None)? {
            Place::Http(url) => Ok(url),
            Place::File(path) => {
                Url::from_file_path(&path).map_err(|()| bad(&path.display().to_string(), "it is no path from the root"))
            }
        }
    }

    /// Gives the place of an upstream URL in the mirror: `<mirror>/<host>/<path>`, with the scheme for the host where
    /// the URL has none (`goproxy:///x` is `<mirror>/goproxy/x`). `name` replaces what follows the last slash.
    pub(super) fn place(&self, url: &Url, name: Option<&str>) -> Result<Place, Error> {
        let tree = tree(url, name)?;
        match &self.0 {
            Root::Web(root) => {
                let mut place = root.clone();
                place.set_path(&format!("{}{tree}", root.path()));
                Ok(Place::Http(place))
            }
            Root::Folder(root) => file_of(root, &tree).map(Place::File),
        }
    }

    /// Gives the path of an upstream file below the root of any mirror, as file names joined by slashes, percent signs
    /// undone: for those who fill one. `name` replaces what follows the last slash.
    ///
    /// # Errors
    /// [`Error::Refused`] when no mirror can have such a file.
    pub fn path(url: &Url, name: Option<&str>) -> Result<String, Error> {
        let file = file_of(Path::new(""), &tree(url, name)?)?;
        let parts: Vec<_> = file.components().map(|part| part.as_os_str().to_string_lossy()).collect();
        Ok(parts.join("/"))
    }
}

/// Gives the path of an upstream URL below the root of a mirror, with the percent signs of the URL.
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
    Ok(format!("{}/{}", super::place::host(url), path.trim_start_matches('/')))
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
        assert!(mirror("s3://bucket/x").unwrap_err().to_string().contains("not supported yet"));
    }

    #[test]
    fn upstream_paths_map_into_the_tree() {
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
            let Place::Http(got) = mirror("https://m/t").unwrap().place(&url, name).unwrap() else { panic!("{url}") };
            assert_eq!(got.as_str(), format!("https://m/t/{web}"));
            let Place::File(got) = mirror("/m").unwrap().place(&url, name).unwrap() else { panic!("{url}") };
            assert_eq!(got, Path::new("/m").join(folder));
            assert_eq!(Mirror::path(&url, name).unwrap(), folder);
        }
    }

    #[test]
    fn nothing_leaves_the_mirror() {
        for url in ["https://host/%2e%2e%2f%2e%2e%2fetc/passwd", "https://host/a%5c..%5cb", "https://host/?list"] {
            assert!(mirror("/m").unwrap().place(&Url::parse(url).unwrap(), None).is_err(), "{url}");
        }
        let dots = Url::parse("goproxy:///x/%2e%2e/%2e%2e/y").unwrap();
        let Ok(Place::File(path)) = mirror("/m").unwrap().place(&dots, None) else { panic!("a folder gives files") };
        assert!(path.starts_with("/m/goproxy"), "{}", path.display());
    }
}
