//! The limits of a document that is read.

/// How deep a document may nest. GitLab stops at 100 (<https://docs.gitlab.com/administration/cicd/limits/>).
pub(super) const DEEPEST: usize = 128;

/// How many nodes a document may have once its aliases are expanded. A pipeline of 100,000 lines has fewer; an alias
/// bomb has more at once.
pub(super) const MOST_NODES: usize = 4_000_000;

/// How many of them may be written out: each takes some hundred bytes of memory.
pub(super) const MOST_WRITTEN: usize = 1_000_000;
