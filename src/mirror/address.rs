//! The address of a mirror to fill.

use std::fmt;
use std::path::{Path, PathBuf};

use url::Url;

use super::Error;
use crate::model::{BadS3Uri, S3Uri};
use crate::net;

/// The address of a writable mirror, as the user gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    Folder(PathBuf),
    /// A bucket, and the prefix of keys in it.
    Bucket {
        bucket: String,
        /// The prefix of all keys, without slashes at its ends; empty for the whole bucket.
        prefix: String,
        /// The original text, whose query may have options.
        text: String,
    },
}

impl Address {
    /// Reads the path of a folder (relative to `cwd`), `file:///…` or `s3://bucket/prefix`.
    ///
    /// # Errors
    /// [`Error::NotWritable`] for a web server, [`Error::BadAddress`] for anything else.
    pub fn parse(text: &str, cwd: &Path) -> Result<Self, Error> {
        let bad = |address: String, reason: String| Err(Error::BadAddress { address, reason });
        let Some((scheme, _)) = text.split_once("://") else {
            if text.is_empty() {
                return bad(String::new(), "it is empty".to_owned());
            }
            return Ok(Self::Folder(cwd.join(text)));
        };
        if scheme.eq_ignore_ascii_case("s3") {
            return bucket(text);
        }
        // A text that is not a valid URL may still contain a password.
        let Ok(url) = Url::parse(text) else { return bad(format!("{scheme}://…"), "it is not a URL".to_owned()) };
        match url.scheme() {
            "http" | "https" => Err(Error::NotWritable { address: net::shown(&url) }),
            "file" if url.host_str().is_none_or(|host| host == "localhost") => match url.to_file_path() {
                Ok(path) => Ok(Self::Folder(path)),
                Err(()) => bad(net::shown(&url), "it is not a path of this machine".to_owned()),
            },
            "file" => bad(net::shown(&url), "a file URL may not name a host".to_owned()),
            other => bad(net::shown(&url), format!("the scheme is not supported: `{other}`")),
        }
    }

    /// Returns true if both are the same mirror, as far as this machine can tell.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Folder(left), Self::Folder(right)) => {
                let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
                real(left) == real(right)
            }
            (Self::Bucket { bucket, prefix, .. }, Self::Bucket { bucket: other, prefix: below, .. }) => {
                (bucket, prefix) == (other, below)
            }
            _ => false,
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(path) => write!(f, "{}", path.display()),
            Self::Bucket { bucket, prefix, .. } if prefix.is_empty() => write!(f, "s3://{bucket}"),
            Self::Bucket { bucket, prefix, .. } => write!(f, "s3://{bucket}/{prefix}"),
        }
    }
}

fn bucket(text: &str) -> Result<Address, Error> {
    let uri: S3Uri =
        text.parse().map_err(|cause: BadS3Uri| Error::BadAddress { address: cause.text, reason: cause.reason })?;
    let prefix = uri.key.unwrap_or_default().trim_matches('/').to_owned();
    Ok(Address::Bucket { bucket: uri.bucket.unwrap_or_default(), prefix, text: text.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_and_buckets_are_read_and_servers_are_refused() {
        for (text, expected) in [
            ("mirror", Ok("/project/mirror")),
            ("/srv/mirror", Ok("/srv/mirror")),
            ("file:///srv/my%20mirror", Ok("/srv/my mirror")),
            ("s3://builds", Ok("s3://builds")),
            ("s3://builds/", Ok("s3://builds")),
            ("s3://builds/tools//", Ok("s3://builds/tools")),
            ("s3://builds/a/b%20c", Ok("s3://builds/a/b c")),
            ("s3://builds/x?region=eu-west-1", Ok("s3://builds/x")),
            ("s3://", Err("not name a bucket")),
            ("https://host/tools", Err("cannot be filled")),
            ("http://127.0.0.1:8080/", Err("cannot be filled")),
            ("https://user:secret@host/tools", Err("cannot be filled")),
            ("file://server/share", Err("may not name a host")),
            ("ftp://user:secret@host/", Err("not supported: `ftp`")),
            ("https://user:secret@[host/", Err("not a URL")),
            ("", Err("it is empty")),
        ] {
            match (Address::parse(text, Path::new("/project")), expected) {
                (Ok(address), Ok(shown)) => assert_eq!(address.to_string(), shown),
                (Err(error), Err(said)) => {
                    let told = error.to_string();
                    assert!(told.contains(said) && !told.contains("secret"), "{text}: {told}");
                }
                (read, _) => panic!("{text}: {read:?}"),
            }
        }
    }

    #[test]
    fn one_place_has_many_spellings() {
        let folder = tempfile::tempdir().unwrap();
        let read = |text: &str| Address::parse(text, folder.path()).unwrap();
        assert!(read(".").is(&read(&format!("file://{}", folder.path().display()))));
        assert!(read("s3://builds/a").is(&read("s3://builds/a/?region=eu-west-1")));
        assert!(!read("s3://builds/a").is(&read("s3://builds/b")) && !read("a").is(&read("b")));
    }
}
