//! What can go wrong between the first byte and the unpacked tree.

use std::fmt;
use std::io;

use crate::archive;
use crate::fs::FileError;
use crate::model::{Digest, Explain, Kind, THREAD_HINT};
use crate::net;

/// Why a file was not taken in.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file did not come.
    #[error("could not download {file}")]
    Net {
        /// The file's name.
        file: String,
        /// What the network says.
        source: net::Error,
    },
    /// The bytes are not the announced ones.
    #[error(
        "{file} is not the file that {announcer} announced\nexpected {}, received {}",
        Bytes(&expected.0, expected.1),
        Bytes(&received.0, Some(received.1))
    )]
    Mismatch {
        /// The file's name.
        file: String,
        /// Who announced its digest.
        announcer: String,
        /// The announced digest, and the length when that was announced.
        expected: Box<(Digest, Option<u64>)>,
        /// The digest and the length of what came.
        received: Box<(Digest, u64)>,
    },
    /// The length is not the announced one.
    #[error("{file} is not the file that {announcer} announced\nexpected {expected} bytes, received {received}")]
    Length {
        /// The file's name.
        file: String,
        /// Who announced its length.
        announcer: String,
        /// The announced length in bytes.
        expected: u64,
        /// The length in bytes that the server tells, or that came.
        received: u64,
    },
    /// The server sends and sends.
    #[error("{file} is not the file that {announcer} announced\nexpected {expected} bytes, received more")]
    Longer {
        /// The file's name.
        file: String,
        /// Who announced its length.
        announcer: String,
        /// The announced length in bytes.
        expected: u64,
    },
    /// The right bytes are no archive that can be unpacked.
    #[error("could not unpack {file}")]
    Archive {
        /// The file's name.
        file: String,
        /// What is wrong with it.
        source: archive::Error,
    },
    /// Neither the contents nor the name tell a format that can be unpacked.
    #[error("{file} is neither a tar nor a zip archive, judging by its contents and its name")]
    UnknownFormat {
        /// The file's name.
        file: String,
    },
    /// An `h1:` hash for something that is no zip.
    #[error("{file} is not a Go module, and only a Go module's zip can be checked against an h1 hash")]
    NoModule {
        /// The file's name.
        file: String,
    },
    /// This machine did not take the file.
    #[error(transparent)]
    File(#[from] FileError),
    /// This machine did not start a thread.
    #[error("could not start a thread")]
    Thread {
        /// What the system says.
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

/// Prints a digest and a length: `sha256:0df0…c1e7 (79.4 MiB)`. Small lengths are exact.
struct Bytes<'a>(&'a Digest, Option<u64>);

impl fmt::Display for Bytes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MIB: u64 = 1 << 20;
        f.write_str(&self.0.short())?;
        match self.1 {
            None => Ok(()),
            Some(size) if size < MIB => write!(f, " ({size} bytes)"),
            Some(size) => write!(f, " ({:.1} MiB)", size as f64 / MIB as f64),
        }
    }
}
