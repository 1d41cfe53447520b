//! What every place of a mirror can do, whatever it is made of.

use std::fmt::Debug;
use std::path::PathBuf;

use async_trait::async_trait;
use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use super::Error;
use crate::model::{Algorithm, Digest};
use crate::net::Body;

/// A place that holds the files of a mirror under paths relative to its root: `go.dev/dl/index.json`.
///
/// What is put there is seen whole or not at all. Paths have passed [`check_path`].
#[async_trait]
pub trait MirrorStore: Debug + Send + Sync {
    /// Names it, for people.
    fn name(&self) -> String;

    /// Looks at a file without reading it, as far as the place can; none when there is none.
    ///
    /// # Errors
    /// When the place does not answer.
    async fn head(&self, path: &str) -> Result<Option<Head>, Error>;

    /// Starts to read a file; none when there is none.
    ///
    /// # Errors
    /// When the place does not answer.
    async fn open(&self, path: &str) -> Result<Option<Box<dyn Body>>, Error>;

    /// Puts a file there, in place of an earlier one.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the condition does not hold (any more); else what the place says. The file is then as it
    /// was before.
    async fn put(&self, path: &str, content: &Content, condition: &Condition) -> Result<(), Error>;

    /// Lists all files, but for those that the place needs for itself.
    ///
    /// # Errors
    /// When the place does not answer.
    async fn list(&self) -> Result<Vec<Listed>, Error>;

    /// Removes a file, which may be gone by now.
    ///
    /// # Errors
    /// When the place does not answer.
    async fn delete(&self, path: &str) -> Result<(), Error>;

    /// Clears away what writes that were interrupted have left, which nobody sees.
    async fn clean_up(&self) {}
}

/// What a place knows about a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Its length in bytes.
    pub size: u64,
    /// Its SHA-256, where the place knows it.
    pub sha256: Option<Digest>,
    /// What tells it from a later one, for [`Condition::Still`].
    pub tag: String,
}

/// A file as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its path.
    pub path: String,
    /// Its length in bytes.
    pub size: u64,
}

/// What to put.
#[derive(Debug, Clone)]
pub struct Content {
    /// The bytes.
    pub source: Source,
    /// Their number.
    pub size: u64,
    /// Their SHA-256.
    pub sha256: Digest,
}

/// Where the bytes of a content are.
#[derive(Debug, Clone)]
pub enum Source {
    /// In memory.
    Bytes(Bytes),
    /// In a file, which nobody else writes to and which may be taken away.
    File(PathBuf),
}

/// When something may be put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// Whatever is there.
    Always,
    /// Only where nothing is.
    Absent,
    /// Only where the file with this tag still is.
    Still(String),
}

impl Content {
    /// Takes bytes in memory.
    #[must_use]
    pub fn of(bytes: impl Into<Bytes>) -> Self {
        let bytes: Bytes = bytes.into();
        Self { size: bytes.len() as u64, sha256: hashed(&bytes), source: Source::Bytes(bytes) }
    }
}

/// Returns the SHA-256 of bytes.
#[must_use]
pub fn hashed(bytes: &[u8]) -> Digest {
    sha256(Sha256::new_with_prefix(bytes))
}

/// Returns what a hasher has seen.
pub(super) fn sha256(hasher: Sha256) -> Digest {
    Digest::new(Algorithm::Sha256, &hasher.finalize()).expect("SHA-256 has its own length")
}

/// Checks that a path of an index or a lock stays below the root of a mirror, and away from what a place keeps for itself.
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
