//! One body, in one pass: received, hashed and unpacked side by side on threads, and accepted only when its digest
//! matches. Nothing but the unpacked tree is written, except for zips, which need a file to seek in.
//!
//! ```text
//! this thread          unpack thread             inflate thread (when a second processor is free)
//! receive, hash  ──▶   walk, write, BLAKE3  ◀──  decompress
//!       └────────────────────────────────────────────▲
//! ```
//!
//! A digest that is wrong is the error that is reported, whatever the unpacker says about those bytes: an unpacker that
//! fails is remembered, the rest is still received and hashed, and only bytes that are the right ones can be a bad archive.

use std::fs::File;
use std::io::Seek;
use std::path::Path;

use url::Url;

use crate::archive::{self, Compression, Layout, Limits};
use crate::fs::{At, Durability, Links, Replacement, delete, nameless_file};
use crate::model::{Algorithm, Artifact, Digest, Format, Node, Received, Verified};
use crate::net::{self, Net};
use crate::report::{Report, Task};

mod error;
mod incoming;
mod layer;
mod plain;
mod tries;
mod worker;

pub use error::Error;
pub use layer::{IngestedLayer, ingest_layer};

use incoming::{Incoming, Total};
use tries::Tries;
use worker::{Stoppable, Worker};

/// A file to receive, and what its bytes must be.
#[derive(Debug, Clone, Copy)]
pub struct Download<'a> {
    /// Where upstream publishes it.
    pub url: &'a Url,
    /// What its bytes must hash to.
    pub digest: &'a Digest,
    /// Its length in bytes, where one is published.
    pub size: Option<u64>,
    /// Where the digest comes from, for messages: a host, `--digest`.
    pub publisher: &'a str,
}

/// How a file is packed.
#[derive(Debug, Clone, Copy)]
pub struct Packing {
    /// Its format; `None` to tell it by the first bytes, then by the URL.
    pub format: Option<Format>,
    /// How many leading parts of each path to drop.
    pub strip: usize,
}

/// Receives progress. The caller reports `began` and `ended`.
#[derive(Debug, Clone, Copy)]
pub struct Progress<'a> {
    /// Who receives it.
    pub report: &'a dyn Report,
    /// The task that advances.
    pub task: Task,
}

/// What ingesting needs in addition to the file.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    /// An existing folder of the caller's own, for the one file that a zip is received into; best on the target's disk.
    pub staging: &'a Path,
    /// What an archive may cost.
    pub limits: Limits,
    /// How many threads can run at once.
    pub processors: usize,
    /// Whether the tree is made, or only read, checked and listed.
    pub writes: bool,
    /// Receives progress.
    pub progress: Progress<'a>,
}

impl Options<'_> {
    fn unpacking(&self, strip: usize) -> archive::Options {
        let (limits, writes) = (self.limits, self.writes);
        archive::Options { limits, writes, ..archive::Options::new(strip, self.processors) }
    }
}

/// A file that was received, verified and unpacked.
#[derive(Debug)]
pub struct Ingested {
    /// The digest that was checked.
    pub verified: Verified,
    /// The unpacked tree, sorted by path.
    pub nodes: Vec<Node>,
    /// The file's length in bytes.
    pub bytes: u64,
}

/// Receives an artifact and unpacks it into `target`, an existing, empty folder that nobody else writes to.
///
/// A future that is dropped waits for its threads, which stop at their next block; after that nothing is written any
/// more. After an error `target` holds leftovers and the caller removes it.
///
/// # Errors
/// As [`unpack`].
pub async fn ingest(
    net: &dyn Net,
    artifact: &Artifact,
    target: &Path,
    options: &Options<'_>,
) -> Result<Ingested, Error> {
    unpack(
        net,
        Download::of(artifact),
        Packing { format: Some(artifact.format), strip: artifact.strip },
        target,
        options,
    )
    .await
}

/// Receives any file and unpacks it into `target`, as [`ingest`] does.
///
/// # Errors
/// [`Error::Mismatch`], [`Error::Length`] or [`Error::Longer`] when the bytes do not match; else what the
/// network, the archive or this machine says.
pub async fn unpack(
    net: &dyn Net,
    download: Download<'_>,
    packing: Packing,
    target: &Path,
    options: &Options<'_>,
) -> Result<Ingested, Error> {
    let tries = Tries::default();
    loop {
        match unpack_once(net, (download, &tries), packing, target, options).await {
            Err(error) if tries.once_more(&error, options.progress) => empty(target).await?,
            outcome => return outcome,
        }
    }
}

/// Receives a file and keeps it as it is under `path`, which is replaced, by one rename, when the bytes are the right ones.
/// Until then they are in a temporary file next to it, which is gone after an error.
///
/// # Errors
/// As [`unpack`].
pub async fn save(
    net: &dyn Net,
    download: Download<'_>,
    path: &Path,
    progress: Progress<'_>,
) -> Result<Verified, Error> {
    let tries = Tries::default();
    loop {
        match save_once(net, (download, &tries), path, progress).await {
            Err(error) if tries.once_more(&error, progress) => {}
            outcome => return outcome,
        }
    }
}

async fn unpack_once(
    net: &dyn Net,
    (download, tries): (Download<'_>, &Tries),
    packing: Packing,
    target: &Path,
    options: &Options<'_>,
) -> Result<Ingested, Error> {
    let mut incoming = Incoming::open(net, (download, tries), options.progress).await?;
    let format = match packing.format {
        Some(format) => Some(format),
        None => archive::detect(incoming.first_bytes().await?, download.url.path()),
    };
    let Some(format) = format else {
        // Most often this is a page that says why there is no archive; then the digest is what is wrong.
        let total = incoming.receive::<()>(None).await?;
        download.verify(total)?;
        return Err(Error::UnknownFormat { file: download.file() });
    };
    if format == Format::File {
        return plain::place(incoming, target).await;
    }
    let unpacking = options.unpacking(packing.strip);
    match Compression::of(format) {
        Some(compression) => unpack_stream(incoming, compression, target, unpacking).await,
        None => unpack_zip(incoming, Layout::of(format), target, unpacking, options.staging).await,
    }
}

async fn unpack_stream(
    incoming: Incoming<'_>,
    compression: Compression,
    target: &Path,
    options: archive::Options,
) -> Result<Ingested, Error> {
    let download = incoming.download();
    if download.digest.algorithm() == Algorithm::GoModule {
        return Err(Error::NoModule { file: download.file() });
    }
    let (target, file) = (target.to_owned(), download.file());
    let mut worker = Worker::start("unpack", move |arrivals| {
        archive::unpack_tar(arrivals, compression, &target, &options).map_err(|source| Error::Archive { file, source })
    })?;
    let total = incoming.receive(Some(&mut worker)).await?;
    let outcome = worker.outcome().await;
    let bytes = total.bytes;
    Ok(Ingested { verified: download.verify(total)?, nodes: outcome?, bytes })
}

/// A zip's list of entries is at its end, so it is received whole, into a file without a name where the system has such.
async fn unpack_zip(
    incoming: Incoming<'_>,
    layout: Layout,
    target: &Path,
    options: archive::Options,
    staging: &Path,
) -> Result<Ingested, Error> {
    let download = incoming.download();
    let (file, total) = receive_nameless(incoming, staging).await?;
    let bytes = total.bytes;
    let (verified, file) = verify_file(download, total, file, options.limits).await?;
    let (target, name) = (target.to_owned(), download.file());
    let mut worker = Worker::start("unpack", move |arrivals| {
        archive::unpack_zip(Stoppable::new(file, &arrivals), layout, &target, &options)
            .map_err(|source| Error::Archive { file: name, source })
    })?;
    let nodes = worker.outcome().await?;
    Ok(Ingested { verified, nodes, bytes })
}

async fn save_once(
    net: &dyn Net,
    (download, tries): (Download<'_>, &Tries),
    path: &Path,
    progress: Progress<'_>,
) -> Result<Verified, Error> {
    let incoming = Incoming::open(net, (download, tries), progress).await?;
    let part = Replacement::new(path, Links::Replace)?;
    let file = part.file().try_clone().at("write", path)?;
    let (file, total) = receive_into(incoming, file, path).await?;
    let (verified, file) = verify_file(download, total, file, Limits::default()).await?;
    drop(file);
    // Not synced: what a power cut takes can be downloaded again.
    part.commit(Durability::Cached)?;
    Ok(verified)
}

/// Receives a file into one that has no name where the system has such: no crash leaves it behind.
async fn receive_nameless(incoming: Incoming<'_>, staging: &Path) -> Result<(File, Total), Error> {
    let file = nameless_file(staging)?;
    let (mut file, total) = receive_into(incoming, file, staging).await?;
    file.rewind().at("read", staging)?;
    Ok((file, total))
}

async fn receive_into(incoming: Incoming<'_>, file: File, path: &Path) -> Result<(File, Total), Error> {
    let path = path.to_owned();
    let mut worker = Worker::start("receive", move |mut arrivals| {
        let mut file = file;
        std::io::copy(&mut arrivals, &mut file).at("write", &path)?;
        Ok(file)
    })?;
    let total = incoming.receive(Some(&mut worker)).await?;
    Ok((worker.outcome().await?, total))
}

/// Checks a file that was received: by what was hashed on the way, or, for a module's hash, by what is in the zip.
async fn verify_file(
    download: Download<'_>,
    mut total: Total,
    file: File,
    limits: Limits,
) -> Result<(Verified, File), Error> {
    if download.digest.algorithm() != Algorithm::GoModule {
        return Ok((download.verify(total)?, file));
    }
    let name = download.file();
    let mut worker = Worker::start("hash", move |arrivals| {
        let mut reader = Stoppable::new(file, &arrivals);
        let digest = archive::module_hash(&mut reader, &limits);
        Ok((digest.map_err(|source| Error::Archive { file: name, source })?, reader.into_inner()))
    })?;
    let (digest, file) = worker.outcome().await?;
    total.digest = Some(digest);
    Ok((download.verify(total)?, file))
}

/// Removes what an attempt left in a folder, and keeps the folder.
async fn empty(folder: &Path) -> Result<(), Error> {
    let folder = folder.to_owned();
    let mut worker = Worker::start("remove", move |_| {
        for entry in std::fs::read_dir(&folder).at("empty", &folder)? {
            delete(&entry.at("empty", &folder)?.path()).at("empty", &folder)?;
        }
        Ok(())
    })?;
    worker.outcome().await
}

impl<'a> Download<'a> {
    fn of(artifact: &'a Artifact) -> Self {
        let Artifact { url, digest, size, proof, .. } = artifact;
        Self { url, digest, size: *size, publisher: &proof.source }
    }
}

impl Download<'_> {
    /// Names the file, for messages.
    fn file(&self) -> String {
        let name = self.url.path_segments().and_then(|mut parts| parts.next_back()).unwrap_or_default();
        if name.is_empty() { net::shown(self.url) } else { name.to_owned() }
    }

    /// Compares everything that was received with what is published.
    fn verify(&self, total: Total) -> Result<Verified, Error> {
        let (file, publisher) = (self.file(), self.publisher.to_owned());
        let Some(digest) = total.digest else { return Err(Error::NoModule { file }) };
        let verified = Received::new(digest).verify(self.digest).map_err(|received| Error::Mismatch {
            file: file.clone(),
            publisher: publisher.clone(),
            expected: Box::new((self.digest.clone(), self.size)),
            received: Box::new((received, total.bytes)),
        })?;
        match self.size {
            Some(expected) if expected != total.bytes => {
                Err(Error::Length { file, publisher, expected, received: total.bytes })
            }
            _ => Ok(verified),
        }
    }
}
