//! Decides whether a file of a mirror is the right one, as cheaply as possible: by its metadata, else by reading it.

use sha2::{Digest as _, Sha256, Sha512};

use super::archives::Archive;
use super::mirror_store::{MirrorStore, sha256};
use super::{Content, Entry, Error, Index, Kind};
use crate::model::{Algorithm, Digest};
use crate::net::Body;

/// The state of a path, compared with the expected file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum EntryState {
    Right(Entry),
    Missing,
    /// Another file, or one that cannot be verified.
    Different,
}

/// Compares an archive of the mirror with the lock. If the index has the lock's digest, the file was verified when it
/// was put there, and must only be unchanged; otherwise it is read and must have that digest.
pub(super) async fn archive(locked: &Archive, index: &Index, store: &dyn MirrorStore) -> Result<EntryState, Error> {
    let Some(head) = store.head(&locked.path).await? else { return Ok(EntryState::Missing) };
    let expected = &locked.artifact.digest;
    if locked.artifact.size.is_some_and(|size| size != head.size) {
        return Ok(EntryState::Different);
    }
    let known = index.files.get(&locked.path).filter(|known| known.digest.as_ref() == Some(expected));
    let right = |size, sha256: Digest| {
        let (digest, uses) = (Some(expected.clone()), locked.uses.clone());
        EntryState::Right(Entry { size, sha256, kind: Kind::Archive, digest, uses })
    };
    if let Some(found) = head.sha256 {
        if known.is_some_and(|known| known.sha256 == found) || *expected == found {
            return Ok(right(head.size, found));
        }
        if known.is_some() || expected.algorithm() == Algorithm::Sha256 {
            return Ok(EntryState::Different);
        }
    }
    if known.is_none() && expected.algorithm() == Algorithm::GoModule {
        return Ok(EntryState::Different);
    }
    let Some(mut body) = store.open(&locked.path).await? else { return Ok(EntryState::Missing) };
    let found = read(body.as_mut(), Some(expected), &mut |_| {}).await;
    let found = found.map_err(|source| failed(&locked.path, store, source))?;
    let fits = known.is_some_and(|known| known.sha256 == found.sha256) || found.is(expected);
    Ok(if fits { right(found.size, found.sha256) } else { EntryState::Different })
}

/// Compares a document of the mirror with the current one of its upstream.
pub(super) async fn document(
    path: &str,
    content: &Content,
    entry: Entry,
    store: &dyn MirrorStore,
) -> Result<EntryState, Error> {
    let Some(head) = store.head(path).await? else { return Ok(EntryState::Missing) };
    if head.size != content.size {
        return Ok(EntryState::Different);
    }
    let found = match head.sha256 {
        Some(found) => found,
        None => {
            let Some(mut body) = store.open(path).await? else { return Ok(EntryState::Missing) };
            read(body.as_mut(), None, &mut |_| {}).await.map_err(|source| failed(path, store, source))?.sha256
        }
    };
    Ok(if found == content.sha256 { EntryState::Right(entry) } else { EntryState::Different })
}

/// The digests of a file.
#[derive(Debug, Clone)]
pub(super) struct Hashed {
    pub(super) size: u64,
    pub(super) sha256: Digest,
    sha512: Option<Digest>,
}

impl Hashed {
    /// Returns true if the file has this digest. Hashes of Go modules are not compared here, because they cover the
    /// contents of the zip.
    pub(super) fn is(&self, digest: &Digest) -> bool {
        self.of(digest.algorithm()).is_some_and(|found| found == digest)
    }

    pub(super) fn of(&self, algorithm: Algorithm) -> Option<&Digest> {
        match algorithm {
            Algorithm::Sha256 => Some(&self.sha256),
            Algorithm::Sha512 => self.sha512.as_ref(),
            Algorithm::GoModule => None,
        }
    }
}

/// Reads and hashes a file, also with the algorithm of `expected`.
pub(super) async fn read(
    body: &mut dyn Body,
    expected: Option<&Digest>,
    advanced: &mut (dyn FnMut(&[u8]) + Send),
) -> Result<Hashed, crate::net::Error> {
    let long = expected.is_some_and(|digest| digest.algorithm() == Algorithm::Sha512);
    let (mut short, mut long, mut size) = (Sha256::new(), long.then(Sha512::new), 0);
    while let Some(chunk) = body.chunk().await? {
        short.update(&chunk);
        if let Some(long) = &mut long {
            long.update(&chunk);
        }
        size += chunk.len() as u64;
        advanced(&chunk);
    }
    let sha512 = |long: Sha512| Digest::new(Algorithm::Sha512, &long.finalize()).expect("SHA-512 has its own length");
    Ok(Hashed { size, sha256: sha256(short), sha512: long.map(sha512) })
}

pub(super) fn failed(path: &str, store: &dyn MirrorStore, source: crate::net::Error) -> Error {
    Error::Read { path: path.to_owned(), mirror: store.name(), source }
}
