//! Where bytes may come from: which URLs are allowed, and which files and servers they name.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use url::Url;

use super::address::{is_loopback, shown};
use super::{Authorizer, Error};

/// A place that can be read directly.
#[derive(Debug, Clone)]
pub(super) enum Place {
    /// Over https, or over http from this machine.
    Http(Url),
    /// The same, from a store that requires credentials.
    Store(Url, Arc<dyn Authorizer>),
    /// From the file system.
    File(PathBuf),
}

/// A server, and who authenticates requests to it.
#[derive(Debug, Clone)]
pub(super) struct Server {
    pub(super) url: Url,
    pub(super) authorizer: Option<Arc<dyn Authorizer>>,
}

/// Turns a URL into a place: https anywhere, http only to this machine, files without a host.
pub(super) fn allowed(url: &Url) -> Result<Place, Error> {
    let refuse = |reason: &str| Err(Error::Refused { url: shown(url), reason: reason.to_owned() });
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("it contains a user name or a password");
    }
    match url.scheme() {
        "https" => Ok(Place::Http(url.clone())),
        "http" if is_loopback(url) => Ok(Place::Http(url.clone())),
        "http" => refuse("plain http is allowed to this machine only"),
        "file" if url.host_str().is_some_and(|host| host != "localhost") => refuse("a file URL may not name a host"),
        "file" => {
            let path = below(Path::new("/"), url)?;
            Ok(Place::File(path))
        }
        "s3" => refuse("S3 objects are read from a mirror: --mirror s3://bucket/prefix"),
        other => refuse(&format!("the scheme is not supported: `{other}`")),
    }
}

/// Joins the path of `url` to `root` as real file names; never leaves `root`.
pub(super) fn below(root: &Path, url: &Url) -> Result<PathBuf, Error> {
    let refuse = |reason: &str| Error::Refused { url: shown(url), reason: reason.to_owned() };
    let mut path = root.to_path_buf();
    for segment in url.path_segments().ok_or_else(|| refuse("it has no path"))?.filter(|segment| !segment.is_empty()) {
        let name = percent_decoded(segment).ok_or_else(|| refuse("its path is not UTF-8"))?;
        // The URL parser resolves plain dots; what is left here was hidden by percent signs.
        if name == "." || name == ".." || name.contains(['/', '\\', '\0']) {
            return Err(refuse("a part of its path is not a file name"));
        }
        path.push(name);
    }
    Ok(path)
}

/// Undoes `%41`; none when the result is not UTF-8.
fn percent_decoded(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let pair = bytes.get(at + 1..at + 3).and_then(|pair| std::str::from_utf8(pair).ok());
        match pair.filter(|pair| pair.bytes().all(|b| b.is_ascii_hexdigit())) {
            Some(pair) if bytes[at] == b'%' => {
                decoded.push(u8::from_str_radix(pair, 16).expect("two hexadecimal digits were just checked"));
                at += 3;
            }
            _ => {
                decoded.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_safe_urls_are_allowed() {
        for (url, verdict) in [
            ("https://go.dev/dl/", true),
            ("http://127.0.0.1:8080/a", true),
            ("http://127.9.9.9/a", true),
            ("http://[::1]/a", true),
            ("http://localhost/a", true),
            ("http://localhost.example.com/a", false),
            ("http://go.dev/dl/", false),
            ("http://0.0.0.0/", false),
            ("https://user@go.dev/", false),
            ("https://user:secret@go.dev/", false),
            ("file:///tmp/a", true),
            ("file://server/a", false),
            ("file:///tmp/%2e%2e%2fa", false),
            ("file:///tmp/a%00b", false),
            ("ftp://go.dev/", false),
            ("s3://bucket/a", false),
        ] {
            let url = Url::parse(url).unwrap();
            assert_eq!(allowed(&url).is_ok(), verdict, "{url}");
        }
        let refused = allowed(&Url::parse("https://user:secret@go.dev/?q=secret").unwrap()).unwrap_err();
        assert!(!refused.to_string().contains("secret"), "{refused}");
    }

    #[test]
    fn percent_signs_become_file_names() {
        for (path, expected) in [
            ("/a%20b/c%2Bd", Some("/root/a b/c+d")),
            ("/a//b/", Some("/root/a/b")),
            ("/100%", Some("/root/100%")),
            ("/a/../../b", Some("/root/b")),
            ("/%C3%A9", Some("/root/é")),
            ("/%FF", None),
            ("/a/%2e%2E/%2fetc", None),
            ("/a%5cb", None),
        ] {
            let url = Url::parse(&format!("https://host{path}")).unwrap();
            assert_eq!(below(Path::new("/root"), &url).ok(), expected.map(PathBuf::from), "{path}");
        }
    }
}
