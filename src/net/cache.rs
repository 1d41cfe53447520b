//! Last good copies of documents: one file for each URL, replaced by one rename, so that two processes never see half of
//! one, nor the head of one copy with the body of another. Only documents that passed their check come here.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::fs::{Durability, Links, Replacement, Within, open};

/// A folder of copies.
#[derive(Debug, Clone)]
pub(super) struct Cache {
    folder: PathBuf,
}

/// A document as it was when upstream last confirmed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Copy {
    pub(super) head: Head,
    pub(super) body: Vec<u8>,
}

/// The first line of a copy's file, as JSON; the document follows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Head {
    /// The URL without its secrets, for people who look into the folder.
    pub(super) url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) etag: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) last_modified: Option<String>,
    /// The next page, where the document comes in pages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) next: Option<String>,
    /// When upstream last gave or confirmed it.
    pub(super) fetched: Timestamp,
    /// The BLAKE3 hash of the document: detects a copy that a full disk or a crash cut short.
    pub(super) blake3: String,
}

impl Copy {
    pub(super) fn new(url: String, fetched: Timestamp, body: Vec<u8>) -> Self {
        let blake3 = blake3::hash(&body).to_hex().to_string();
        Self { head: Head { url, etag: None, last_modified: None, next: None, fetched, blake3 }, body }
    }
}

impl Cache {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Finds the copy of `url`; none when there is none or it is damaged.
    pub(super) fn find(&self, url: &str) -> Option<Copy> {
        let path = self.path(url);
        let mut bytes = Vec::new();
        open(&path, Within::Anywhere).ok()?.read_to_end(&mut bytes).ok()?;
        let line = bytes.iter().position(|byte| *byte == b'\n')?;
        let head: Head = serde_json::from_slice(&bytes[..line]).ok()?;
        let body = bytes[line + 1..].to_vec();
        (blake3::hash(&body).to_hex().as_str() == head.blake3).then_some(Copy { head, body })
    }

    /// Keeps a copy in place of an earlier one.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub(super) fn keep(&self, url: &str, copy: &Copy) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        let mut bytes = serde_json::to_vec(&copy.head).map_err(io::Error::other)?;
        bytes.push(b'\n');
        bytes.extend_from_slice(&copy.body);
        let path = self.path(url);
        let mut replacement = Replacement::new(&path, Links::Replace)?;
        replacement.write_all(&bytes)?;
        Ok(replacement.commit(Durability::Cached)?)
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    fn path(&self, url: &str) -> PathBuf {
        self.folder.join(format!("{}.copy", &blake3::hash(url.as_bytes()).to_hex()[..32]))
    }
}

/// Formats an age in the largest unit that fits: `3 days`.
pub(super) fn age(since: Timestamp, now: Timestamp) -> String {
    let seconds = now.duration_since(since).as_secs().max(0);
    let (count, unit) = match seconds {
        0..60 => return "less than a minute".to_owned(),
        60..3_600 => (seconds / 60, "minute"),
        3_600..86_400 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_said_in_words() {
        let start: Timestamp = "2026-11-01T00:00:00Z".parse().unwrap();
        for (seconds, expected) in [
            (-5, "less than a minute"),
            (59, "less than a minute"),
            (60, "1 minute"),
            (7_199, "1 hour"),
            (7_200, "2 hours"),
            (86_400, "1 day"),
            (40 * 86_400, "40 days"),
        ] {
            let now = start + jiff::SignedDuration::from_secs(seconds);
            assert_eq!(age(start, now), expected);
        }
    }

    #[test]
    fn a_copy_comes_back_as_it_was_kept() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path().join("metadata"));
        let mut copy = Copy::new("https://host/a".to_owned(), Timestamp::UNIX_EPOCH, b"one\ntwo\n".to_vec());
        copy.head.etag = Some("\"x\"".to_owned());
        assert_eq!(cache.find("https://host/a"), None);
        cache.keep("https://host/a", &copy).unwrap();
        assert_eq!(cache.find("https://host/a"), Some(copy));
        assert_eq!(cache.find("https://host/b"), None);
        assert_eq!(fs::read_dir(cache.folder()).unwrap().count(), 1, "no part is left behind");
    }

    #[test]
    fn a_damaged_copy_is_no_copy() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path().to_owned());
        cache.keep("u", &Copy::new("u".to_owned(), Timestamp::UNIX_EPOCH, b"whole".to_vec())).unwrap();
        let path = fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
        let whole = fs::read(&path).unwrap();
        for damaged in [&whole[..whole.len() - 1], &whole[..10], b"", b"\n", b"{}\nwhole"] {
            fs::write(&path, damaged).unwrap();
            assert_eq!(cache.find("u"), None);
        }
    }
}
