//! Mirrors: filled from a lock, checked, listed.
//!
//! A mirror is a [`MirrorStore`]: a tree of upstream paths in a folder or a bucket, and at its root an [`Index`] of what was put
//! there, which is written last. Readers need no index: they ask for paths, and believe digests of the lock.
//!
//! ```text
//! toolkit.lock ─▶ archives  ─▶ received, verified ─▶ put ┐
//!       └▶ the tools, asked anew ─▶ documents     ─▶ put ┴▶ the index, on the condition that nobody else wrote it meanwhile
//! ```

mod address;
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
mod wanted;

pub use address::Address;
#[cfg(feature = "aws")]
pub use bucket::Objects;
pub use check::{Check, Checked, Finding, Problem, check};
pub use documents::{Documents, Recorded};
pub use error::Error;
pub use folder::Folder;
pub use index::{Entry, INDEX, Index, Kind, Use};
pub use mirror_store::{Condition, Content, Head, Listed, MirrorStore, Source, hashed};
pub use plan::{Gone, Kept, Plan, Planned, Reason};
pub use sync::{Outcome, Sync};
pub use wanted::{Archive, archives};
