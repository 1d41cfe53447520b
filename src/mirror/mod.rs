//! Mirrors: filled from a lock, checked, listed.
//!
//! A mirror is a [`MirrorStore`]: a tree of upstream paths in a folder or a bucket, with an [`Index`] at its root,
//! which is written last. Readers need no index: they request paths, and trust the digests of the lock.
//!
//! ```text
//! toolkit.lock ─▶ archives  ─▶ received, verified ─▶ put ┐
//!       └▶ the tools, asked anew ─▶ documents     ─▶ put ┴▶ the index, on the condition that nobody else wrote it meanwhile
//! ```

mod address;
mod archives;
#[cfg(feature = "aws")]
mod bucket;
mod check;
mod compare;
mod documents;
mod error;
mod folder;
mod index;
mod mirror_store;
mod plan;
mod sync;

pub use address::Address;
pub use archives::{Archive, archives};
#[cfg(feature = "aws")]
pub use bucket::Objects;
pub use check::{Check, Checked, Finding, Problem, check};
pub use documents::{Documents, Recorded};
pub use error::Error;
pub use folder::Folder;
pub use index::{Entry, Index, Kind, Use};
pub use mirror_store::{Condition, Content, Head, Listed, MirrorStore, Source, sha256_of};
pub use plan::{Gone, Kept, Plan, Planned, Reason};
pub use sync::{Outcome, Sync};

/// The file at the root of a mirror that lists the files of finished syncs.
pub const INDEX: &str = "toolkit-mirror.json";
