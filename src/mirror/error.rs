//! Errors about mirrors.

use std::path::PathBuf;

use super::INDEX;
use crate::fs::FileError;
use crate::model::{Digest, Explain, Kind};
use crate::{aws, ingest, net, provision, store, toolchain};

/// Why a mirror could not be filled, checked or listed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No mirror was given.
    #[error("no mirror was given")]
    NoMirror,
    /// The address of the mirror is not valid.
    #[error("`{address}` cannot be a mirror: {reason}")]
    BadAddress {
        /// The address, without secrets.
        address: String,
        reason: String,
    },
    /// A web server cannot be written to.
    #[error("{address} cannot be filled, checked or listed: a web server only serves files")]
    NotWritable { address: String },
    /// The index is not valid.
    #[error("{INDEX} of {mirror} cannot be used: {reason}")]
    BadIndex { mirror: String, reason: String },
    /// The index was written by a newer version of this program.
    #[error("{INDEX} of {mirror} has version {found}; this toolkit reads version {known}")]
    NewerIndex {
        mirror: String,
        found: u64,
        /// The version that is understood.
        known: u64,
    },
    /// The mirror has no index.
    #[error("{mirror} is an incomplete mirror: it has no {INDEX}")]
    Unfinished { mirror: String },
    /// Two files of a lock have the same path.
    #[error("{path} would be two files of the mirror: toolkit.lock lists {} and {} for it", first.short(), second.short())]
    TwoFiles {
        path: String,
        /// The digest of the one.
        first: Digest,
        /// The digest of the other.
        second: Digest,
    },
    /// A mirror cannot have a file of the lock.
    #[error("a mirror cannot contain {url}: {reason}")]
    NotMirrorable { url: String, reason: String },
    /// An archive could not be downloaded, or does not match the lock.
    #[error("could not mirror {file} of {tool} {version}")]
    Archive { file: String, tool: String, version: String, source: Box<ingest::Error> },
    /// The documents of a tool could not be read.
    #[error("could not read the documents of {tool} {version}")]
    Documents { tool: String, version: String, source: Box<toolchain::Error> },
    /// A request whose documents belong into the mirror could not be resolved.
    #[error("could not read the documents that resolve {request}")]
    Request { request: String, source: Box<provision::Error> },
    /// A file of the mirror could not be read.
    #[error("could not read {path} of {mirror}")]
    Read { path: String, mirror: String, source: net::Error },
    /// A file operation failed.
    #[error(transparent)]
    File(#[from] FileError),
    /// A symbolic link in a mirror leads out of it.
    #[error("{} leads out of the mirror through a symbolic link", path.display())]
    LeadsOut { path: PathBuf },
    /// There is no staging folder for downloads.
    #[error("could not create a staging folder for the mirror")]
    Staging {
        /// What the store says.
        source: store::Error,
    },
    /// A request to the bucket failed.
    #[error("could not {action} {path} in {mirror}")]
    Bucket { action: &'static str, path: String, mirror: String, source: Box<aws::Error> },
    /// Another writer changed the file in the meantime.
    #[error("{path} of {mirror} was changed by another writer in the meantime")]
    Conflict { path: String, mirror: String },
    /// Other writers kept changing the index.
    #[error("{INDEX} of {mirror} was changed by others {attempts} times while this sync finished")]
    Contended {
        mirror: String,
        /// The number of attempts.
        attempts: u32,
    },
    /// A prune was not completed.
    #[error("{left} {} of {mirror} could not be removed", files(*left))]
    Left {
        mirror: String,
        /// The number of files that are left.
        left: usize,
        source: Box<Error>,
    },
    /// A sync was not completed.
    #[error("{mirror} was not synced")]
    Stopped {
        mirror: String,
        /// The number of files that were put before it stopped.
        put: usize,
        /// The number of files that are in place, including those from before.
        there: usize,
        /// The expected number of files.
        total: usize,
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
            | Self::NotMirrorable { .. } => Kind::Usage,
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
            Self::Stopped { put, there, total, source, .. } => {
                let mut hints = source.hints();
                hints.push(so_far(*put, *there, *total));
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
            Self::NotMirrorable { .. } => "nothing was changed; a mirror contains only files with plain URLs",
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

/// Describes the state after a sync that stopped. Files are put before the index, and each is complete.
fn so_far(put: usize, there: usize, total: usize) -> String {
    let progress = format!("{there} of {total} files are in place");
    match put {
        0 => format!("nothing was written ({progress}); run it again to continue"),
        _ => format!("{progress}, {put} of them new, and {INDEX} is as it was; run it again to continue"),
    }
}
