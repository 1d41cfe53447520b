//! Problems in the structure of a buildspec.

use std::ops::Range;

/// A problem in the structure of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What kind.
    pub kind: ProblemKind,
    /// Where it is.
    pub span: Range<usize>,
    /// What is wrong here, with the names involved.
    pub message: String,
    /// The replacement, if it is certain.
    pub instead: Option<String>,
}

/// The kinds of problems.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProblemKind {
    /// The file is empty.
    Nothing,
    /// The file is not a map.
    Root,
    /// `version` is missing.
    VersionMissing,
    /// `version` is neither 0.1 nor 0.2.
    Version,
    /// A key that must be there is not.
    Missing,
    /// Artifacts have secondary artifacts but no `files`.
    OnlySecondary,
    /// A key that CodeBuild does not know.
    UnknownKey,
    /// A misspelled key.
    MisspeltKey,
    /// A key that CodeBuild reads elsewhere.
    MisplacedKey,
    /// A phase that does not exist.
    Phase,
    /// A value of the wrong type, such as a list instead of a map.
    Type,
    /// A section that is present but empty.
    Empty,
    /// Neither yes nor no.
    Truth,
    /// `commands` is a string.
    CommandsText,
    /// A command that YAML reads as a map.
    CommandMap {
        /// Which command of its list, from 0.
        index: usize,
        /// The location of the list's key.
        list: Range<usize>,
        /// Whether it is written in braces.
        braces: bool,
    },
    /// A command that is a list.
    CommandList,
    /// `on-failure` has an unknown value.
    OnFailure,
    /// A key of version 0.1 in a file of 0.2, or the reverse.
    OtherVersion,
}
