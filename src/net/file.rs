//! The bytes of one file of this machine, read on threads where blocking is allowed.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use bytes::Bytes;

use super::{Body, Error};
use crate::fs::{FileError, Within, open};

/// How many bytes are read at once: enough to make the change of threads cheap.
const PIECE: usize = 512 * 1024;

/// A file on its way from the file system.
pub(super) struct FileBody {
    path: PathBuf,
    /// None while a thread reads it.
    file: Option<File>,
    length: u64,
    received: u64,
}

impl FileBody {
    /// Opens the file.
    pub(super) async fn open(path: PathBuf) -> Result<Self, Error> {
        let to_open = path.clone();
        let opened = blocking(move || {
            let file = open(&to_open, Within::Anywhere)?;
            let length = file.metadata()?.len();
            Ok((file, length))
        });
        let (file, length) = opened.await.map_err(|source| unreadable(&path, source))?;
        if length == 0 {
            return Err(Error::Empty { url: path.display().to_string() });
        }
        Ok(Self { path, file: Some(file), length, received: 0 })
    }
}

#[async_trait]
impl Body for FileBody {
    fn length(&self) -> Option<u64> {
        Some(self.length)
    }

    async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        let changed = |body: &Self| Error::Changed { url: body.path.display().to_string() };
        let left = usize::try_from(self.length - self.received).unwrap_or(usize::MAX);
        if left == 0 {
            return Ok(None);
        }
        // A caller that dropped the future of the last piece has lost that piece.
        let Some(mut file) = self.file.take() else { return Err(changed(self)) };
        let read = blocking(move || {
            let mut piece = vec![0; left.min(PIECE)];
            let count = file.read(&mut piece)?;
            piece.truncate(count);
            Ok((file, piece))
        });
        let (file, piece) = read.await.map_err(|source| unreadable(&self.path, source))?;
        if piece.is_empty() {
            return Err(changed(self));
        }
        self.file = Some(file);
        self.received += piece.len() as u64;
        Ok(Some(piece.into()))
    }
}

/// Reads a whole document of at most `limit` bytes.
pub(super) async fn read(path: PathBuf, limit: u64) -> Result<Vec<u8>, Error> {
    let to_read = path.clone();
    let bytes = blocking(move || {
        let mut bytes = Vec::new();
        open(&to_read, Within::Anywhere)?.take(limit + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    });
    let bytes = bytes.await.map_err(|source| unreadable(&path, source))?;
    if bytes.len() as u64 > limit {
        return Err(Error::TooLarge { url: path.display().to_string(), limit });
    }
    Ok(bytes)
}

/// Runs what blocks on a thread made for it.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

fn unreadable(path: &Path, source: io::Error) -> Error {
    match source.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Error::Missing { path: path.to_owned() },
        _ => FileError::new("read", path, source).into(),
    }
}
