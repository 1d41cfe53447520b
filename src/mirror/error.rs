//! What can go wrong between a lock and a mirror, and what to do about it.

use std::path::PathBuf;

use super::INDEX;
use crate::fs::FileError;
use crate::model::{Digest, Explain, Kind};
use crate::{aws, ingest, net, provision, store, toolchain};

/// Why a mirror was not filled, checked or listed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody says which mirror is meant.
    #[error("no mirror was given")]
    NoMirror,
    /// A mirror was named in a form that this program does not know.
    #[error("`{address}` cannot be a mirror: {reason}")]
    BadAddress {
        /// What was given, without its secrets.
        address: String,
        /// What is wrong.
        reason: String,
    },
    /// A server was named where something is to be written.
    #[error("{address} cannot be filled, checked or listed: a web server only serves files")]
    NotWritable {
        /// The address.
        address: String,
    },
    /// The index is not what this program writes.
    #[error("{INDEX} of {mirror} cannot be used: {reason}")]
    BadIndex {
        /// The mirror.
        mirror: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The index was written by a newer version of this program.
    #[error("{INDEX} of {mirror} has version {found}; this toolkit reads version {known}")]
    NewerIndex {
        /// The mirror.
        mirror: String,
        /// Its version.
        found: u64,
        /// The version that is understood.
        known: u64,
    },
    /// There is no index, which is written last.
    #[error("{mirror} is an incomplete mirror: it has no {INDEX}")]
    Unfinished {
        /// The mirror.
        mirror: String,
    },
    /// Two files of a lock want one path.
    #[error("{path} would be two files of the mirror: toolkit.lock lists {} and {} for it", first.short(), second.short())]
    TwoFiles {
        /// The path.
        path: String,
        /// The digest of the one.
        first: Digest,
        /// The digest of the other.
        second: Digest,
    },
    /// A mirror cannot have a file of the lock.
    #[error("a mirror cannot contain {url}: {reason}")]
    NoPlace {
        /// The file.
        url: String,
        /// Why not.
        reason: String,
    },
    /// An archive was not received, or is not what the lock says.
    #[error("could not mirror {file} of {tool} {version}")]
    Archive {
        /// The file.
        file: String,
        /// The tool.
        tool: String,
        /// Its version.
        version: String,
        /// What went wrong.
        source: Box<ingest::Error>,
    },
    /// The documents of a tool were not had.
    #[error("could not read the documents of {tool} {version}")]
    Documents {
        /// The tool.
        tool: String,
        /// The locked version.
        version: String,
        /// What went wrong.
        source: Box<toolchain::Error>,
    },
    /// The request of a tool could not be resolved, whose documents the mirror is to have.
    #[error("could not read the documents that resolve {request}")]
    Request {
        /// The request.
        request: String,
        /// What went wrong.
        source: Box<provision::Error>,
    },
    /// A file of the mirror could not be read.
    #[error("could not read {path} of {mirror}")]
    Read {
        /// The file.
        path: String,
        /// The mirror.
        mirror: String,
        /// What went wrong.
        source: net::Error,
    },
    /// The disk refused something.
    #[error(transparent)]
    File(#[from] FileError),
    /// A symbolic link in a mirror leads elsewhere.
    #[error("{} leads out of the mirror through a symbolic link", path.display())]
    LeadsOut {
        /// The path.
        path: PathBuf,
    },
    /// No room for downloads on this machine.
    #[error("could not create a staging folder for the mirror")]
    Staging {
        /// What the store says.
        source: store::Error,
    },
    /// The bucket refused something.
    #[error("could not {action} {path} in {mirror}")]
    Bucket {
        /// What was tried.
        action: &'static str,
        /// Which file.
        path: String,
        /// The mirror.
        mirror: String,
        /// What AWS says.
        source: Box<aws::Error>,
    },
    /// Somebody else wrote the file meanwhile.
    #[error("{path} of {mirror} was changed by another writer in the meantime")]
    Conflict {
        /// The file.
        path: String,
        /// The mirror.
        mirror: String,
    },
    /// Others write the index again and again.
    #[error("{INDEX} of {mirror} was changed by others {attempts} times while this sync finished")]
    Contended {
        /// The mirror.
        mirror: String,
        /// How often it was tried.
        attempts: u32,
    },
    /// A prune did not come to its end.
    #[error("{left} {} of {mirror} could not be removed", files(*left))]
    Left {
        /// The mirror.
        mirror: String,
        /// How many files are left.
        left: usize,
        /// Why.
        source: Box<Error>,
    },
    /// A sync did not come to its end.
    #[error("{mirror} was not synced")]
    Stopped {
        /// The mirror.
        mirror: String,
        /// How many files were put by then.
        put: usize,
        /// How many files of the lock are in their place by then, those that were there before included.
        there: usize,
        /// How many there should be.
        wanted: usize,
        /// Why it stopped.
        source: Box<Error>,
    },
}

impl Explain for Error {
    fn kind(&self) -> Kind {
        match self {
            Self::Unfinished { .. } => Kind::Finding,
            Self::NoMirror
            | Self::BadAddress { .. }
            | Self::NotWritable { .. }
            | Self::NewerIndex { .. }
            | Self::TwoFiles { .. }
            | Self::NoPlace { .. } => Kind::Usage,
            Self::Conflict { .. } | Self::Contended { .. } => Kind::Upstream,
            Self::BadIndex { .. } => Kind::Integrity,
            Self::File(source) => source.kind(),
            Self::LeadsOut { .. } => Kind::Machine,
            Self::Archive { source, .. } => source.kind(),
            Self::Documents { source, .. } => source.kind(),
            Self::Request { source, .. } => source.kind(),
            Self::Read { source, .. } => source.kind(),
            Self::Staging { source } => source.kind(),
            Self::Bucket { source, .. } => source.kind(),
            Self::Stopped { source, .. } | Self::Left { source, .. } => source.kind(),
        }
    }

    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::Archive { source, .. } => return source.hints(),
            Self::Documents { source, .. } => return source.hints(),
            Self::Request { source, .. } => return source.hints(),
            Self::Read { source, .. } => return source.hints(),
            Self::Staging { source } => return source.hints(),
            Self::Bucket { source, .. } => return source.hints(),
            Self::Stopped { put, there, wanted, source, .. } => {
                let mut hints = source.hints();
                hints.push(so_far(*put, *there, *wanted));
                return hints;
            }
            Self::Left { source, .. } => {
                let mut hints = source.hints();
                hints.push(format!("{INDEX} no longer lists them; the next `--prune` removes them"));
                return hints;
            }
            Self::NoMirror => {
                "name a folder or s3://bucket/prefix, or set `mirror` under [source] in toolkit.toml, or TOOLKIT_MIRROR"
            }
            Self::BadAddress { .. } => "expected a folder, file:///path or s3://bucket/prefix",
            Self::NotWritable { .. } => "name the folder or the bucket behind it: /srv/mirror, s3://bucket/prefix",
            Self::BadIndex { .. } => "remove it and run `toolkit mirror sync`, which writes it again",
            Self::NewerIndex { .. } => "nothing was changed; update toolkit",
            Self::Unfinished { .. } => "run `toolkit mirror sync`, which writes it last",
            Self::TwoFiles { .. } => "nothing was changed; run `toolkit lock --upgrade`",
            Self::NoPlace { .. } => "nothing was changed; a mirror contains only files with plain URLs",
            Self::File(source) => return source.hints(),
            Self::LeadsOut { .. } => {
                "nothing was written through it; replace the link with a folder, or name its target"
            }
            Self::Conflict { .. } | Self::Contended { .. } => "run it again, preferably when no other sync is running",
        };
        vec![hint.to_owned()]
    }
}

fn files(count: usize) -> &'static str {
    if count == 1 { "file" } else { "files" }
}

/// Says what a sync that stopped leaves behind. Files come before the index, and every file is put whole.
fn so_far(put: usize, there: usize, wanted: usize) -> String {
    let place = format!("{there} of {wanted} files are in place");
    match put {
        0 => format!("nothing was written ({place}); run it again to continue"),
        _ => format!("{place}, {put} of them new, and {INDEX} is as it was; run it again to continue"),
    }
}
