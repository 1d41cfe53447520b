//! What can go wrong between the first byte and the unpacked tree.

use std::fmt;
use std::io;

use crate::archive;
use crate::fs::FileError;
use crate::model::{Digest, Explain, Kind, THREAD_HINT};
use crate::net;

/// Why a file was not downloaded and unpacked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The download failed.
    #[error("could not download {file}")]
    Net {
        /// The file's name.
        file: String,
        /// The network error.
        source: net::Error,
    },
    /// The bytes do not have the published checksum.
    #[error(
        "{file} does not match its checksum\nexpected {}, received {}",
        Bytes(&expected.0, expected.1, Some(publisher)),
        Bytes(&received.0, Some(received.1), None)
    )]
    Mismatch {
        /// The file's name.
        file: String,
        /// Where the checksum comes from: a host, `--digest`.
        publisher: String,
        /// The published digest, and the length where one is published.
        expected: Box<(Digest, Option<u64>)>,
        /// The digest and the length of what came.
        received: Box<(Digest, u64)>,
    },
    /// The length is not the published one.
    #[error("{file} has the wrong length\nexpected {expected} bytes ({publisher}), received {received}")]
    Length {
        /// The file's name.
        file: String,
        /// Where the length comes from.
        publisher: String,
        /// The published length in bytes.
        expected: u64,
        /// The length in bytes that the server tells, or that came.
        received: u64,
    },
    /// The server sends more than it should.
    #[error("{file} has the wrong length\nexpected {expected} bytes ({publisher}), received more")]
    Longer {
        /// The file's name.
        file: String,
        /// Where the length comes from.
        publisher: String,
        /// The published length in bytes.
        expected: u64,
    },
    /// The bytes match, but are not an archive that can be unpacked.
    #[error("could not unpack {file}")]
    Archive {
        /// The file's name.
        file: String,
        /// What is wrong with it.
        source: archive::Error,
    },
    /// Neither the contents nor the name tell the format.
    #[error("{file} is neither a tar nor a zip archive, judging by its contents and its name")]
    UnknownFormat {
        /// The file's name.
        file: String,
    },
    /// An `h1:` hash for something that is not a zip.
    #[error("{file} is not a Go module, and only a Go module's zip can be checked against an h1 hash")]
    NoModule {
        /// The file's name.
        file: String,
    },
    /// The file could not be written here.
    #[error(transparent)]
    File(#[from] FileError),
    /// This machine did not start a thread.
    #[error("could not start a thread")]
    Thread {
        /// The reason.
        source: io::Error,
    },
}

impl Explain for Error {
    fn kind(&self) -> Kind {
        match self {
            Self::Net { source, .. } => source.kind(),
            Self::Archive { source, .. } => source.kind(),
            Self::Mismatch { .. } | Self::Length { .. } | Self::Longer { .. } => Kind::Integrity,
            Self::UnknownFormat { .. } | Self::NoModule { .. } => Kind::Usage,
            Self::File(source) => source.kind(),
            Self::Thread { .. } => Kind::Machine,
        }
    }

    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::Net { source, .. } => return source.hints(),
            Self::Archive { source, .. } => return source.hints(),
            Self::Mismatch { .. } | Self::Length { .. } | Self::Longer { .. } => {
                "the usual cause is a proxy or mirror that serves different bytes; try without it"
            }
            Self::UnknownFormat { .. } => "to save the file as it is, use `--output FILE`",
            Self::NoModule { .. } => "give the file's sha256 or sha512",
            Self::File(source) => return source.hints(),
            Self::Thread { .. } => THREAD_HINT,
        };
        vec![hint.to_owned()]
    }
}

/// Prints a digest, a length and where they come from: `sha256:0df0…c1e7 (79.4 MiB, go.dev)`. Small lengths are exact.
struct Bytes<'a>(&'a Digest, Option<u64>, Option<&'a str>);

impl fmt::Display for Bytes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MIB: u64 = 1 << 20;
        let size = self.1.map(|size| match size {
            ..MIB => format!("{size} bytes"),
            _ => format!("{:.1} MiB", size as f64 / MIB as f64),
        });
        f.write_str(&self.0.short())?;
        match (size, self.2) {
            (None, None) => Ok(()),
            (Some(size), None) => write!(f, " ({size})"),
            (None, Some(publisher)) => write!(f, " ({publisher})"),
            (Some(size), Some(publisher)) => write!(f, " ({size}, {publisher})"),
        }
    }
}
