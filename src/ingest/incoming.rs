//! The receiving side: chunks come, are passed on, counted and hashed.

use bytes::{Bytes, BytesMut};
use sha2::{Digest as _, Sha256, Sha512};

use super::tries::Tries;
use super::worker::Worker;
use super::{Download, Error, Progress};
use crate::model::{Algorithm, Digest};
use crate::net::{self, Body, Net};

/// How many bytes detect a format.
const FIRST_BYTES: usize = 512;

/// A file on its way.
pub(super) struct Incoming<'a> {
    body: Box<dyn Body>,
    /// Bytes that were looked at and not passed on yet.
    ahead: Option<Bytes>,
    download: Download<'a>,
    tries: &'a Tries,
    progress: Progress<'a>,
}

/// All that is known about what came, when all has come.
#[derive(Debug)]
pub(super) struct Total {
    /// The digest, unless it is one of the zip's contents.
    pub(super) digest: Option<Digest>,
    /// The length in bytes.
    pub(super) bytes: u64,
}

impl<'a> Incoming<'a> {
    /// Asks for the file. A length that is wrong already now is an error already now.
    pub(super) async fn open(
        net: &dyn Net,
        (download, tries): (Download<'a>, &'a Tries),
        progress: Progress<'a>,
    ) -> Result<Self, Error> {
        let mut body = net.open(download.url).await.map_err(|source| failed(&download, source))?;
        if tries.must_be_whole() {
            body.never_resume();
        }
        match (download.size, body.length()) {
            (Some(expected), Some(received)) if expected != received => Err(Error::Length {
                file: download.file(),
                publisher: download.publisher.to_owned(),
                expected,
                received,
            }),
            (None, Some(length)) => {
                progress.report.sized(progress.task, length);
                Ok(Self { body, ahead: None, download, tries, progress })
            }
            _ => Ok(Self { body, ahead: None, download, tries, progress }),
        }
    }

    pub(super) fn download(&self) -> Download<'a> {
        self.download
    }

    /// Waits for enough bytes to detect a format, or for all there are.
    pub(super) async fn first_bytes(&mut self) -> Result<&[u8], Error> {
        let mut first = BytesMut::new();
        while first.len() < FIRST_BYTES {
            let Some(chunk) = self.chunk().await? else { break };
            first.extend_from_slice(&chunk);
        }
        Ok(self.ahead.insert(first.freeze()))
    }

    /// Receives all bytes and passes them to the worker as long as it takes them.
    ///
    /// # Errors
    /// At once when the network gives up, when more comes than is published, or when the worker fails because of this
    /// machine. A worker that fails because of the bytes does not end it: the digest decides whose fault that is.
    pub(super) async fn receive<T>(mut self, mut worker: Option<&mut Worker<T>>) -> Result<Total, Error> {
        let mut hasher = Hasher::new(self.download.digest.algorithm());
        let mut bytes = 0;
        while let Some(chunk) = self.chunk().await? {
            bytes += chunk.len() as u64;
            if let Some(expected) = self.download.size.filter(|size| bytes > *size) {
                let (file, publisher) = (self.download.file(), self.download.publisher.to_owned());
                return Err(Error::Longer { file, publisher, expected });
            }
            if let Some(worker) = &mut worker {
                worker.pass(chunk.clone()).await?;
            }
            // Hashed here and not on a thread of its own: a chunk takes 0.05 ms (SHA-256) or 0.2 ms (SHA-512), less than
            // handing it over and waking somebody up, and here it fills the time in which the network is ahead.
            hasher.update(&chunk);
            self.progress.report.advanced(self.progress.task, chunk.len() as u64);
        }
        if let Some(worker) = worker {
            worker.end();
        }
        Ok(Total { digest: hasher.finish(), bytes })
    }

    async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        match self.ahead.take() {
            Some(chunk) => Ok(Some(chunk)),
            None => {
                let chunk = self.body.chunk().await;
                self.tries.ended(self.body.was_resumed());
                chunk.map_err(|source| failed(&self.download, source))
            }
        }
    }
}

fn failed(download: &Download<'_>, source: net::Error) -> Error {
    Error::Net { file: download.file(), source }
}

enum Hasher {
    Sha256(Sha256),
    Sha512(Sha512),
    /// The hash of a Go module is taken from the zip's contents.
    Later,
}

impl Hasher {
    fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Sha256 => Self::Sha256(Sha256::new()),
            Algorithm::Sha512 => Self::Sha512(Sha512::new()),
            Algorithm::GoModule => Self::Later,
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(hasher) => hasher.update(bytes),
            Self::Sha512(hasher) => hasher.update(bytes),
            Self::Later => {}
        }
    }

    fn finish(self) -> Option<Digest> {
        let digest = match self {
            Self::Sha256(hasher) => Digest::new(Algorithm::Sha256, &hasher.finalize()),
            Self::Sha512(hasher) => Digest::new(Algorithm::Sha512, &hasher.finalize()),
            Self::Later => return None,
        };
        Some(digest.expect("a hash has its own length"))
    }
}
