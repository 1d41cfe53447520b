//! Small files about paths outside the store, one for each: its name is the digest of the path.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::Store;
use super::error::Error;
use crate::fs::{At, Durability, FileError, Links, Replacement, is_absent};

/// The length of a record's name.
const DIGITS: usize = 16;

/// Writes the record about `path` into a folder of the store, by one rename. What stands there already needs no write.
pub(super) fn write(store: &Store, folder: &str, path: &Path, text: &[u8]) -> Result<(), Error> {
    let record = place(store, folder, path);
    if super::read_regular(&record).is_ok_and(|known| known == text) {
        return Ok(());
    }
    store.make_folder(&store.root().join(folder))?;
    let mut replacement = Replacement::new(&record, Links::Replace)?;
    replacement.write_all(text).at("write", &record)?;
    // Synced: what nothing else can tell again must not come back empty.
    Ok(replacement.commit(Durability::Synced)?)
}

/// Returns where the record about `path` is.
pub(super) fn place(store: &Store, folder: &str, path: &Path) -> PathBuf {
    store.root().join(folder).join(&blake3::hash(&bytes_of(path)).to_hex()[..DIGITS])
}

/// Lists the records in a folder of the store, sorted by name. What a killed process was about to write is none.
pub(super) fn list(store: &Store, folder: &str) -> Result<Vec<PathBuf>, Error> {
    let folder = store.root().join(folder);
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if is_absent(&error) => return Ok(Vec::new()),
        Err(error) => return Err(FileError::new("read", &folder, error).into()),
    };
    let mut paths = Vec::new();
    for entry in entries {
        let entry = entry.at("read", &folder)?;
        let is_digest = |name: &str| name.len() == DIGITS && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        if entry.file_name().to_str().is_some_and(is_digest) {
            paths.push(entry.path());
        }
    }
    paths.sort();
    Ok(paths)
}

/// Returns a path as it stands in a record: byte by byte, since not every name is a text.
#[cfg(unix)]
pub(super) fn bytes_of(path: &Path) -> Vec<u8> {
    std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str()).to_owned()
}

#[cfg(not(unix))]
pub(super) fn bytes_of(path: &Path) -> Vec<u8> {
    path.to_string_lossy().into_owned().into_bytes()
}

#[cfg(unix)]
pub(super) fn path_of(bytes: &[u8]) -> PathBuf {
    PathBuf::from(<std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(bytes))
}

#[cfg(not(unix))]
pub(super) fn path_of(bytes: &[u8]) -> PathBuf {
    PathBuf::from(String::from_utf8_lossy(bytes).into_owned())
}
