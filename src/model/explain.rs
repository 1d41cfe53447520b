//! What every error of this program knows about itself: its exit code, and advice on what to do next.

/// The classes of failure, each with the exit code that scripts rely on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A check found something, or the build failed.
    Finding,
    /// The command line or a project file is wrong.
    Usage,
    /// An upstream failed or lacks what was asked for; a retry may help.
    Upstream,
    /// Bytes do not match their published digest. A retry never helps.
    Integrity,
    /// This machine is the cause: disk, permission, lock.
    Machine,
}

impl Kind {
    /// Returns the process' exit code.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Finding => 1,
            Self::Usage => 2,
            Self::Upstream => 3,
            Self::Integrity => 4,
            Self::Machine => 5,
        }
    }
}

/// An error that knows its class and what its reader can do next.
///
/// The text of an error says what failed, which and where; the cause is in `source()` and is not repeated in the text.
pub trait Explain: std::error::Error {
    /// Returns the class of the failure.
    fn kind(&self) -> Kind;

    /// Returns advice, most useful first. One sentence each, no full stop, no capital.
    fn hints(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Advice for a thread that this machine did not start.
pub const THREAD_HINT: &str = "the limit on processes or memory of this machine or container is reached; raise it, or run fewer programs at the same time";
