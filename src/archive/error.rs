//! What can be wrong with an archive, and what this machine can refuse.

use std::fmt;
use std::io;

use crate::fs::FileError;
use crate::model::{Explain, Kind, THREAD_HINT};

/// Why an archive was not unpacked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An entry that a well-meant archive does not have.
    #[error("{} was refused: {reason}", Entry(entry))]
    Refused {
        /// The entry's name, made printable.
        entry: String,
        /// What is wrong with it.
        reason: Refusal,
    },
    /// The archive as a whole is not what its format says.
    #[error("the archive is malformed: {problem}")]
    Malformed {
        /// What is wrong, and where.
        problem: String,
    },
    /// The bytes do not decompress, or end too soon.
    #[error("the archive is damaged")]
    Damaged {
        /// What the decoder says.
        source: io::Error,
    },
    /// The archive asks for more than a toolchain ever needs.
    #[error("the archive has more than {allowed} {what}")]
    Limit {
        /// What is limited: `entries`, `bytes when unpacked`.
        what: &'static str,
        /// How much of it is allowed.
        allowed: u64,
    },
    /// This machine did not take what was unpacked.
    #[error(transparent)]
    File(#[from] FileError),
    /// This machine did not start a thread.
    #[error("could not start a thread")]
    Thread {
        /// The error of the system.
        source: io::Error,
    },
}

/// What is wrong with an entry. Texts are read after a colon.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The name is empty, or names the root.
    #[error("it has no name")]
    Empty,
    /// The name is not UTF-8.
    #[error("its name is not UTF-8")]
    NotUnicode,
    /// The name is absolute.
    #[error("its path is absolute")]
    Absolute,
    /// The name has a `..`.
    #[error("its path has `..`")]
    Parent,
    /// The name has NUL or another control character.
    #[error("its name has a control character")]
    Control,
    /// The name has a backslash, which separates paths on Windows.
    #[error("its path has a backslash")]
    Backslash,
    /// A part of the name begins like a Windows drive.
    #[error("its path has a drive letter")]
    Drive,
    /// The name cannot exist on Windows.
    #[error("its name is not allowed on Windows")]
    Windows,
    /// A part of the name is longer than file systems take.
    #[error("a part of its path has more than 255 bytes")]
    LongPart,
    /// The name is longer than systems take.
    #[error("its path has more than 4096 bytes")]
    LongPath,
    /// The name has too many parts.
    #[error("its path has more than 128 parts")]
    Deep,
    /// A file whose name ends like a folder's.
    #[error("it is a file and its name ends in a slash")]
    SlashedFile,
    /// The path was there already.
    #[error("the path occurs twice")]
    Duplicate,
    /// The path differs from an earlier one only in case.
    #[error("its path differs from `{other}` only in case")]
    CaseFold {
        /// The earlier path.
        other: String,
    },
    /// A file, where a folder was.
    #[error("a folder already has this path")]
    OverFolder,
    /// A folder, where a file or link was.
    #[error("something other than a folder already has this path")]
    OverFile,
    /// A path below a file.
    #[error("its parent `{parent}` is not a folder")]
    BelowFile {
        /// The file.
        parent: String,
    },
    /// A path below a symbolic link.
    #[error("its parent `{parent}` is a symbolic link")]
    ThroughLink {
        /// The link.
        parent: String,
    },
    /// A link to something outside.
    #[error("it links to `{target}`, outside the archive")]
    LinkOut {
        /// The target.
        target: String,
    },
    /// A hard link whose target was not unpacked before.
    #[error("it is a hard link to `{target}`, which is not a file unpacked before it")]
    HardLink {
        /// The target.
        target: String,
    },
    /// Links that lead to links without end.
    #[error("its links are too entangled to follow")]
    Entangled,
    /// A device, a pipe or a socket.
    #[error("it is a {kind}, and only files, folders and links are unpacked")]
    Special {
        /// What it is.
        kind: &'static str,
    },
    /// A type nobody here knows.
    #[error("its type `{flag}` is not known")]
    UnknownType {
        /// The type flag, made printable.
        flag: String,
    },
    /// A file with holes.
    #[error("it is a sparse file")]
    Sparse,
    /// A link or folder with contents.
    #[error("it is a {kind} and has {size} bytes of contents")]
    Contents {
        /// What it is.
        kind: &'static str,
        /// How much it brings.
        size: u64,
    },
    /// Two headers that state different lengths.
    #[error("its headers disagree on its size: {header} and {extended} bytes")]
    Sizes {
        /// The length in the plain header.
        header: u64,
        /// The length in the extended header.
        extended: u64,
    },
    /// Two headers that state different names.
    #[error("its extended headers give it two names")]
    TwoNames,
    /// A layer's entry whose name begins like a whiteout's.
    #[error("it is not a valid whiteout of a layer: {reason}")]
    Whiteout {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// An encrypted entry.
    #[error("it is encrypted")]
    Encrypted,
    /// A compression other than stored and deflated.
    #[error("its compression is neither stored nor deflated")]
    Compression,
    /// An entry of a module zip outside its module.
    #[error("it is not below `{prefix}` like the entries before it")]
    OutsideModule {
        /// The module and version.
        prefix: String,
    },
}

impl Error {
    /// Wraps what a decoder or the archive's reader says: damage, unless the system itself reports it.
    pub(super) fn reading(source: io::Error) -> Self {
        match source.raw_os_error() {
            Some(_) => FileError::new("read", "the archive", source).into(),
            None => Self::Damaged { source },
        }
    }

    pub(super) fn malformed(problem: impl Into<String>) -> Self {
        Self::Malformed { problem: problem.into() }
    }
}

impl Refusal {
    /// Names the entry that was refused. The name is the archive's: what a terminal could obey is escaped.
    pub(super) fn of(self, entry: &[u8]) -> Error {
        let name: String = String::from_utf8_lossy(entry).chars().take(200).flat_map(char::escape_debug).collect();
        Error::Refused { entry: name, reason: self }
    }
}

/// Names an entry in a sentence; one without a name has none to show.
struct Entry<'a>(&'a str);

impl fmt::Display for Entry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            "" => f.write_str("an entry of the archive"),
            name => write!(f, "the archive's entry `{name}`"),
        }
    }
}

impl Explain for Error {
    fn kind(&self) -> Kind {
        match self {
            Self::Refused { .. } | Self::Malformed { .. } | Self::Damaged { .. } | Self::Limit { .. } => {
                Kind::Integrity
            }
            Self::File(source) => source.kind(),
            Self::Thread { .. } => Kind::Machine,
        }
    }

    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::Refused { .. } => "a toolchain's archive has no such entry; do not unpack it by other means",
            Self::Malformed { .. } | Self::Damaged { .. } => {
                "the file is broken at its source; report it to its publisher"
            }
            Self::Limit { .. } => "an archive that expands like this is an attack; do not unpack it by other means",
            Self::File(source) => return source.hints(),
            Self::Thread { .. } => THREAD_HINT,
        };
        vec![hint.to_owned()]
    }
}
