//! What is wrong with the shape of a buildspec.

use std::ops::Range;

/// A mistake in the shape of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What kind.
    pub kind: ProblemKind,
    /// Where it is.
    pub span: Range<usize>,
    /// What is wrong, with the names at hand.
    pub message: String,
    /// The text that belongs in its place, where that is certain.
    pub instead: Option<String>,
}

/// The kinds of mistakes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProblemKind {
    /// The file holds nothing.
    Nothing,
    /// The file is no map.
    Root,
    /// `version` is missing.
    VersionMissing,
    /// `version` is neither 0.1 nor 0.2.
    Version,
    /// A key that must be there is not.
    Missing,
    /// Artifacts have secondary ones and no `files` of their own.
    OnlySecondary,
    /// A key that nothing reads.
    UnknownKey,
    /// A key that is almost one that is read.
    MisspeltKey,
    /// A key that is read elsewhere.
    MisplacedKey,
    /// A phase that does not exist.
    Phase,
    /// A list where a map belongs, and so on.
    Type,
    /// A part that is there and holds nothing.
    Empty,
    /// Neither yes nor no.
    Truth,
    /// `commands` is one text.
    CommandsText,
    /// A command that YAML reads as a map.
    CommandMap {
        /// Which command of its list, from 0.
        index: usize,
        /// Where the key of the list stands.
        list: Range<usize>,
        /// Whether it is written in braces.
        braces: bool,
    },
    /// A command that is a list.
    CommandList,
    /// `on-failure` is nothing that CodeBuild knows.
    OnFailure,
    /// A key of version 0.1 in a file of 0.2, or the reverse.
    OtherVersion,
}
