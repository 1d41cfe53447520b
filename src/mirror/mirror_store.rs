//! The operations of a mirror's storage, whatever its kind.

use std::fmt::Debug;
use std::path::PathBuf;

use async_trait::async_trait;
use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use super::Error;
use crate::model::{Algorithm, Digest};
use crate::net::Body;

/// The storage of a mirror: files under paths relative to its root, such as `go.dev/dl/index.json`.
///
/// Files appear atomically. Paths have passed [`check_path`].
#[async_trait]
pub trait MirrorStore: Debug + Send + Sync {
    /// Returns the name of the mirror, for users.
    fn name(&self) -> String;

    /// Returns the metadata of a file, if possible without reading it; none when it does not exist.
    ///
    /// # Errors
    /// When the storage cannot be read.
    async fn head(&self, path: &str) -> Result<Option<Head>, Error>;

    /// Opens a file; none when it does not exist.
    ///
    /// # Errors
    /// When the storage cannot be read.
    async fn open(&self, path: &str) -> Result<Option<Box<dyn Body>>, Error>;

    /// Writes or replaces a file.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the condition is not met; else the error of the storage. The file is then unchanged.
    async fn put(&self, path: &str, content: &Content, condition: &Condition) -> Result<(), Error>;

    /// Lists all files, except those that the storage needs itself.
    ///
    /// # Errors
    /// When the storage cannot be read.
    async fn list(&self) -> Result<Vec<Listed>, Error>;

    /// Removes a file, which may be gone already.
    ///
    /// # Errors
    /// When the storage cannot be read.
    async fn delete(&self, path: &str) -> Result<(), Error>;

    /// Removes the invisible leftovers of interrupted writes.
    async fn clean_up(&self) {}
}

/// The metadata of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Its length in bytes.
    pub size: u64,
    /// Its SHA-256, if known.
    pub sha256: Option<Digest>,
    /// Its version tag, for [`Condition::Still`].
    pub tag: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub path: String,
    /// Its length in bytes.
    pub size: u64,
}

#[derive(Debug, Clone)]
pub struct Content {
    pub source: Source,
    pub size: u64,
    /// Their SHA-256.
    pub sha256: Digest,
}

/// The source of a content's bytes.
#[derive(Debug, Clone)]
pub enum Source {
    Bytes(Bytes),
    /// In a file, which no one else writes to, and which may be moved away.
    File(PathBuf),
}

/// The condition for writing a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    Always,
    /// Only if no file exists.
    Absent,
    /// Only if the file still has this tag.
    Still(String),
}

impl Content {
    /// Takes bytes in memory.
    #[must_use]
    pub fn of(bytes: impl Into<Bytes>) -> Self {
        let bytes: Bytes = bytes.into();
        Self { size: bytes.len() as u64, sha256: sha256_of(&bytes), source: Source::Bytes(bytes) }
    }
}

/// Returns the SHA-256 of bytes.
#[must_use]
pub fn sha256_of(bytes: &[u8]) -> Digest {
    sha256(Sha256::new_with_prefix(bytes))
}

/// Returns the digest of a hasher.
pub(super) fn sha256(hasher: Sha256) -> Digest {
    Digest::new(Algorithm::Sha256, &hasher.finalize()).expect("SHA-256 has its own length")
}

/// Checks that a path of an index or a lock stays below the root of a mirror, outside of the reserved folder.
pub(super) fn check_path(path: &str) -> Result<(), &'static str> {
    let plain = |part: &str| !matches!(part, "" | "." | "..") && part.len() <= 255;
    match path {
        _ if path.len() > 900 => Err("it is too long for a key"),
        _ if path.contains('\\') || path.chars().any(char::is_control) => {
            Err("it contains characters that file names may not contain")
        }
        _ if !path.split('/').all(plain) => Err("a part of it is not a file name"),
        _ if path.starts_with(".toolkit") => Err("it is reserved for the mirror itself"),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_below_the_root() {
        for (path, fine) in [
            ("go.dev/dl/index.json", true),
            ("host:8443/a b/é+", true),
            ("ghcr.io/v2/x/blobs/sha256:0df0", true),
            ("", false),
            ("/etc/passwd", false),
            ("a/../b", false),
            ("a/./b", false),
            ("a//b", false),
            ("a\\b", false),
            ("a\nb", false),
            (".toolkit/index.lock", false),
        ] {
            assert_eq!(check_path(path).is_ok(), fine, "{path}");
        }
    }
}
