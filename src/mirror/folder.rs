//! A mirror in a folder. Files appear complete, by one rename.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use super::mirror_store::{MirrorStore, Source, sha256};
use super::{Condition, Content, Error, Head, Listed};
use crate::fs::{At, FileError, Within, is_absent};
use crate::net::{self, Body};
use crate::store::{ScratchDir, Store};

/// The folder of a mirror for staged files and locks.
const OWN: &str = ".toolkit";

/// The size of a read in bytes.
const PIECE: usize = 512 << 10;

/// A mirror in a folder. Nothing is created before the first file is put.
#[derive(Debug, Clone)]
pub struct Folder(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    root: PathBuf,
    /// The staging folder, on the file system of the mirror.
    scratch_dir: Mutex<Option<ScratchDir>>,
}

impl Folder {
    /// Takes a folder, which need not exist yet.
    #[must_use]
    pub fn at(root: PathBuf) -> Self {
        Self(Arc::new(Inner { root, scratch_dir: Mutex::default() }))
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let inner = Arc::clone(&self.0);
        match tokio::task::spawn_blocking(move || work(&inner)).await {
            Ok(outcome) => outcome,
            Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
        }
    }
}

#[async_trait]
impl MirrorStore for Folder {
    fn name(&self) -> String {
        self.0.root.display().to_string()
    }

    /// Reads the file for its SHA-256: a disk is fast, and callers need to know whether the file is the right one.
    async fn head(&self, path: &str) -> Result<Option<Head>, Error> {
        let path = path.to_owned();
        self.blocking(move |inner| inner.head(&inner.inside(&path)?)).await
    }

    async fn open(&self, path: &str) -> Result<Option<Box<dyn Body>>, Error> {
        let path = path.to_owned();
        let opened = self.blocking(move |inner| inner.open(&inner.inside(&path)?)).await?;
        Ok(opened.map(|reader| Box::new(reader) as Box<dyn Body>))
    }

    async fn put(&self, path: &str, content: &Content, condition: &Condition) -> Result<(), Error> {
        let (path, content, condition) = (path.to_owned(), content.clone(), condition.clone());
        self.blocking(move |inner| inner.put(&path, &content, &condition)).await
    }

    async fn list(&self) -> Result<Vec<Listed>, Error> {
        self.blocking(|inner| {
            let mut listed = Vec::new();
            list(&inner.root, &inner.root, &mut listed)?;
            listed.sort_by(|left, right| left.path.cmp(&right.path));
            Ok(listed)
        })
        .await
    }

    async fn delete(&self, path: &str) -> Result<(), Error> {
        let path = path.to_owned();
        self.blocking(move |inner| inner.delete(&path)).await
    }
}

impl Inner {
    /// Returns the real path of a file; fails when a link leads out of the mirror.
    fn inside(&self, path: &str) -> Result<PathBuf, Error> {
        let file = self.root.join(path);
        let outside = || Error::LeadsOut { path: file.clone() };
        if !Path::new(path).components().all(|part| matches!(part, Component::Normal(_))) {
            return Err(outside());
        }
        let Some(there) = file.ancestors().find(|part| fs::symlink_metadata(part).is_ok()) else { return Ok(file) };
        if there == self.root || self.root.starts_with(there) {
            return Ok(file);
        }
        let real = |path: &Path| path.canonicalize();
        match (real(there), real(&self.root)) {
            (Ok(end), Ok(root)) if end.starts_with(&root) => Ok(file),
            // A dangling link may lead anywhere once its target exists.
            _ => Err(outside()),
        }
    }

    fn head(&self, file: &Path) -> Result<Option<Head>, Error> {
        let Some(mut reader) = self.open(file)? else { return Ok(None) };
        let mut hasher = Sha256::new();
        let mut size = 0;
        while let Some(piece) = reader.piece().at("read", file)? {
            hasher.update(&piece);
            size += piece.len() as u64;
        }
        let digest = sha256(hasher);
        Ok(Some(Head { size, tag: digest.hex(), sha256: Some(digest) }))
    }

    fn open(&self, file: &Path) -> Result<Option<Reader>, Error> {
        // Links inside the mirror are fine, and `inside` has refused those that lead out.
        match crate::fs::open(file, Within::Anywhere) {
            Ok(opened) => {
                let length = opened.metadata().at("read", file)?.len();
                Ok(Some(Reader { path: file.to_owned(), file: Some(opened), length }))
            }
            Err(error) if error.is_absent() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn put(&self, path: &str, content: &Content, condition: &Condition) -> Result<(), Error> {
        let target = self.inside(path)?;
        let ready = self.ready(content)?;
        let parent = target.parent().unwrap_or(&self.root);
        fs::create_dir_all(parent).at("create", parent)?;
        let _held = match condition {
            Condition::Always => None,
            _ => Some(self.hold()?),
        };
        let fits = match condition {
            Condition::Always => true,
            Condition::Absent => self.head(&target)?.is_none(),
            Condition::Still(tag) => self.head(&target)?.is_some_and(|head| head.tag == *tag),
        };
        if !fits {
            return Err(Error::Conflict { path: path.to_owned(), mirror: self.root.display().to_string() });
        }
        Ok(fs::rename(&ready, &target).at("write", &target)?)
    }

    /// Returns a staged file with the content on the mirror's own file system. It is synced before it gets its name: a
    /// power cut must not leave half a file in the mirror.
    fn ready(&self, content: &Content) -> Result<PathBuf, Error> {
        let ready = self.scratch_dir()?.join(format!("{:016x}", fastrand::u64(..)));
        if let Source::File(given) = &content.source
            && fs::rename(given, &ready).is_ok()
        {
            let synced = File::open(&ready).and_then(|file| file.sync_all());
            return Ok(synced.map(|()| ready.clone()).at("write", &ready)?);
        }
        let written = File::create_new(&ready).and_then(|mut file| {
            match &content.source {
                Source::Bytes(bytes) => file.write_all(bytes)?,
                Source::File(given) => {
                    io::copy(&mut File::open(given)?, &mut file)?;
                }
            }
            file.sync_all()
        });
        written.map(|()| ready.clone()).map_err(|source| {
            // The disk may be full; a leftover would make that worse.
            let _ = fs::remove_file(&ready);
            FileError::new("write", &ready, source).into()
        })
    }

    /// Returns the staging folder, created at the first use. Leftovers of killed processes are removed.
    fn scratch_dir(&self) -> Result<PathBuf, Error> {
        let mut scratch_dir = self.scratch_dir.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(scratch_dir) = scratch_dir.as_ref() {
            return Ok(scratch_dir.folder());
        }
        let store = Store::at(self.inside(OWN)?);
        let failed = |source| Error::Staging { source };
        store.sweep().map_err(failed)?;
        Ok(scratch_dir.insert(store.scratch_dir().map_err(failed)?).folder())
    }

    /// Waits for the lock for comparing and writing. The lock ends with the file handle, whatever happens to this
    /// process.
    fn hold(&self) -> Result<File, Error> {
        let path = self.inside(OWN)?.join("index.lock");
        let file = File::options().read(true).write(true).create(true).truncate(false).open(&path).at("lock", &path)?;
        file.lock().at("lock", &path)?;
        Ok(file)
    }

    /// Removes a file, and the folders that become empty.
    fn delete(&self, path: &str) -> Result<(), Error> {
        let file = self.inside(path)?;
        match fs::remove_file(&file) {
            Err(error) if !is_absent(&error) => return Err(FileError::new("remove", &file, error).into()),
            _ => {}
        }
        let above = file.ancestors().skip(1).take_while(|folder| *folder != self.root);
        // A folder that is not empty, or already gone, ends the loop; neither is an error.
        let _ = above.map(fs::remove_dir).find(Result::is_err);
        Ok(())
    }
}

/// Lists files below `folder`; links to files inside the mirror count as files.
fn list(root: &Path, folder: &Path, listed: &mut Vec<Listed>) -> Result<(), Error> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if is_absent(&error) => return Ok(()),
        Err(error) => return Err(FileError::new("read", folder, error).into()),
    };
    for entry in entries {
        let entry = entry.at("read", folder)?;
        let (path, kind) = (entry.path(), entry.file_type().at("read", folder)?);
        let Ok(below) = path.strip_prefix(root) else { continue };
        if below == Path::new(OWN) {
            continue;
        }
        if kind.is_dir() {
            list(root, &path, listed)?;
        } else if let Some(data) = path.metadata().ok().filter(fs::Metadata::is_file) {
            let parts: Vec<_> = below.components().map(|part| part.as_os_str().to_string_lossy()).collect();
            listed.push(Listed { path: parts.join("/"), size: data.len() });
        }
    }
    Ok(())
}

/// The body of a file of the mirror. Unlike a download, it may be empty.
struct Reader {
    path: PathBuf,
    /// None while a thread reads it, and after its end.
    file: Option<File>,
    length: u64,
}

impl Reader {
    fn piece(&mut self) -> io::Result<Option<Bytes>> {
        let Some(file) = self.file.as_mut() else { return Ok(None) };
        let mut piece = vec![0; PIECE];
        let count = file.read(&mut piece)?;
        piece.truncate(count);
        if piece.is_empty() {
            self.file = None;
            return Ok(None);
        }
        Ok(Some(piece.into()))
    }
}

#[async_trait]
impl Body for Reader {
    fn length(&self) -> Option<u64> {
        Some(self.length)
    }

    async fn chunk(&mut self) -> Result<Option<Bytes>, net::Error> {
        let (path, length) = (self.path.clone(), self.length);
        let mut reader = Self { path: path.clone(), file: self.file.take(), length };
        let read = tokio::task::spawn_blocking(move || reader.piece().map(|piece| (reader, piece)));
        let (reader, piece) = read.await.map_err(io::Error::other).flatten().at("read", &path)?;
        self.file = reader.file;
        Ok(piece)
    }
}
