//! The index of a mirror: `toolkit-mirror.json` at its root, written after all files that it lists.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::mirror_store::{MirrorStore, check_path};
use super::{Condition, Content, Error, INDEX};
use crate::model::{Algorithm, Digest};
use crate::net::{self, Body};

/// The version of the index's own format.
const VERSION: u64 = 1;

/// The largest index in bytes: 64 MiB list about 200,000 files.
const LARGEST: usize = 64 << 20;

/// The files that completed syncs have put into a mirror, by path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Index {
    pub files: BTreeMap<String, Entry>,
    /// Files that a prune removes, with their sizes in bytes. They are listed until they are gone, so that the next
    /// prune can complete one that was interrupted.
    pub removed: BTreeMap<String, u64>,
}

/// One file of a mirror.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its length in bytes.
    pub size: u64,
    /// Its SHA-256.
    pub sha256: Digest,
    pub kind: Kind,
    /// The digest in the lock, for an archive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// The tools that need it.
    #[serde(rename = "for", default, skip_serializing_if = "BTreeSet::is_empty")]
    pub uses: BTreeSet<Use>,
}

/// The kind of a file of a mirror.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// An archive of a lock.
    Archive,
    /// A document that is read to choose a version and to find its archives: release index, list of checksums,
    /// signature.
    Metadata,
}

/// A use of a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Use {
    pub tool: String,
    /// Its version, of an archive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The platform, of an archive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
}

/// The file format: a list sorted by path, so that every tool can read it.
#[derive(Serialize, Deserialize)]
struct File {
    version: u64,
    #[serde(default)]
    files: Vec<Row>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    removed: BTreeMap<String, u64>,
}

#[derive(Serialize, Deserialize)]
struct Row {
    path: String,
    #[serde(flatten)]
    entry: Entry,
}

impl Index {
    /// Reads the index of a mirror, and returns the condition for writing it: that it is unchanged. The index of a new
    /// mirror is empty.
    ///
    /// # Errors
    /// When it cannot be read or is not valid.
    pub async fn read(store: &dyn MirrorStore) -> Result<(Self, Condition), Error> {
        // The tag is read first: if another writer changes the index in between, a later write fails, as it should.
        // Both are always read: S3 distinguishes a missing bucket from a missing object only for reads.
        let head = store.head(INDEX).await?;
        let (Some(mut body), Some(head)) = (store.open(INDEX).await?, head) else {
            return Ok((Self::default(), Condition::Absent));
        };
        let bytes = collected(body.as_mut(), store).await?;
        Ok((Self::parse(&bytes, &store.name())?, Condition::Still(head.tag)))
    }

    /// Reads the text of the index of `mirror`.
    ///
    /// # Errors
    /// When it is not valid, or a path leaves the mirror.
    pub fn parse(bytes: &[u8], mirror: &str) -> Result<Self, Error> {
        let bad = |reason: String| Error::BadIndex { mirror: mirror.to_owned(), reason };
        let version: Version = serde_json::from_slice(bytes).map_err(|cause| bad(cause.to_string()))?;
        if version.version != VERSION {
            return Err(Error::NewerIndex { mirror: mirror.to_owned(), found: version.version, known: VERSION });
        }
        let file: File = serde_json::from_slice(bytes).map_err(|cause| bad(cause.to_string()))?;
        let mut files = BTreeMap::new();
        let checked = |path: &str| match check_path(path) {
            Ok(()) if path == INDEX => Err(bad(format!("`{path}` is the index itself"))),
            Ok(()) => Ok(()),
            Err(reason) => {
                Err(bad(format!("`{}`: {reason}", path.chars().take(200).collect::<String>().escape_debug())))
            }
        };
        for Row { path, entry } in file.files {
            checked(&path)?;
            if entry.sha256.algorithm() != Algorithm::Sha256 {
                return Err(bad(format!("`{path}` has no SHA-256")));
            }
            if let Some(twice) = files.insert(path.clone(), entry).map(|_| path) {
                return Err(bad(format!("`{twice}` is listed twice")));
            }
        }
        file.removed.keys().try_for_each(|path| checked(path))?;
        Ok(Self { files, removed: file.removed })
    }

    /// Returns the bytes of the file; the same entries always give the same bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let rows = self.files.iter().map(|(path, entry)| Row { path: path.clone(), entry: entry.clone() });
        let file = File { version: VERSION, files: rows.collect(), removed: self.removed.clone() };
        let mut bytes = serde_json::to_vec_pretty(&file).expect("our own types have string keys");
        bytes.push(b'\n');
        bytes
    }

    /// Writes it into a mirror.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the condition is not met; else the error of the mirror.
    pub async fn write(&self, store: &dyn MirrorStore, condition: &Condition) -> Result<(), Error> {
        store.put(INDEX, &Content::of(self.to_bytes()), condition).await
    }

    /// Adds or replaces a file. Its earlier uses are kept.
    pub fn add(&mut self, path: &str, mut entry: Entry) {
        if let Some(known) = self.files.get(path).filter(|known| known.kind == entry.kind) {
            let same = known.sha256 == entry.sha256 || entry.kind == Kind::Metadata;
            entry.uses.extend(known.uses.iter().filter(|_| same).cloned());
        }
        self.files.insert(path.to_owned(), entry);
        self.removed.remove(path);
    }

    /// Moves a file to the list of those to be removed.
    pub(super) fn remove(&mut self, path: &str, size: u64) {
        self.files.remove(path);
        self.removed.insert(path.to_owned(), size);
    }

    /// Returns the total size in bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.files.values().map(|entry| entry.size).sum()
    }
}

/// The part of the file that every version has.
#[derive(Deserialize)]
struct Version {
    version: u64,
}

async fn collected(body: &mut dyn Body, store: &dyn MirrorStore) -> Result<Vec<u8>, Error> {
    let failed = |source| Error::Read { path: INDEX.to_owned(), mirror: store.name(), source };
    let mut bytes = Vec::new();
    while let Some(chunk) = body.chunk().await.map_err(failed)? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > LARGEST {
            return Err(failed(net::Error::TooLarge { url: INDEX.to_owned(), limit: LARGEST as u64 }));
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mirror::sha256_of;

    fn entry(tool: &str) -> Entry {
        let uses = BTreeSet::from([Use { tool: tool.to_owned(), version: None, platform: None }]);
        Entry { size: 1, sha256: sha256_of(b"x"), kind: Kind::Metadata, digest: None, uses }
    }

    #[test]
    fn an_index_comes_back_as_it_was_written() {
        let mut index = Index::default();
        index.add("go.dev/dl/index.json", entry("go"));
        index.add("a/b", Entry { kind: Kind::Archive, digest: Some(sha256_of(b"y")), ..entry("a") });
        index.add("c", entry("c"));
        index.remove("c", 1);
        let bytes = index.to_bytes();
        assert_eq!(Index::parse(&bytes, "m").unwrap(), index);
        assert_eq!(Index::parse(&bytes, "m").unwrap().to_bytes(), bytes);
    }

    #[test]
    fn an_index_that_nobody_wrote_is_refused() {
        let mut index = Index::default();
        index.add("a/b", entry("go"));
        let good = String::from_utf8(index.to_bytes()).unwrap();
        for (from, to, said) in [
            ("a/b", "../b", "not a file name"),
            ("a/b", "/etc/passwd", "not a file name"),
            ("a/b", ".toolkit/index.lock", "reserved for"),
            ("a/b", "toolkit-mirror.json", "the index itself"),
            ("sha256:", "sha512:", "hexadecimal"),
            ("\"size\": 1", "\"size\": -1", "line"),
            ("\"version\": 1", "\"version\": 2", "version 2"),
            ("\"version\": 1", "\"version\": \"1\"", "line"),
            ("{", "", "line"),
            ("\"version\": 1", "\"version\": 1, \"removed\": { \"../x\": 1 }", "not a file name"),
        ] {
            let text = good.replacen(from, to, 1);
            assert_ne!(text, good, "{from}");
            let error = Index::parse(text.as_bytes(), "m").unwrap_err().to_string();
            assert!(error.contains(said), "{to}: {error}");
        }
    }

    #[test]
    fn what_a_file_was_needed_for_it_still_is() {
        let mut index = Index::default();
        index.add("a", entry("go"));
        index.add("a", Entry { sha256: sha256_of(b"new"), ..entry("dotnet") });
        assert_eq!(index.files["a"].uses.len(), 2);
        assert_eq!(index.files["a"].sha256, sha256_of(b"new"));
        let archive = |text: &[u8]| Entry { kind: Kind::Archive, sha256: sha256_of(text), ..entry("x") };
        index.add("b", archive(b"1"));
        index.add("b", Entry { uses: BTreeSet::new(), ..archive(b"2") });
        assert!(index.files["b"].uses.is_empty(), "another archive is needed for nothing that the first was");
    }
}
