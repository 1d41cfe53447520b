//! One command of a generated job.

/// One entry of `commands:` or `before_script:`. It fails when any of its lines fails, in a shell with `errexit` or without,
/// and the variables that it exports are set for the entries after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The comment above it.
    pub comment: Option<String>,
    /// The command; it may have several lines.
    pub command: String,
}

impl Step {
    pub(super) fn new(comment: &str, command: String) -> Self {
        Self { comment: Some(comment.to_owned()), command }
    }
}
