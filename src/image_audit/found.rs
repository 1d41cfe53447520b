//! The findings in files: images, their locations, and their required platforms.

use std::fmt;

use crate::format::Position;
use crate::model::{ImagePlatform, Reference};

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location {
    /// The path, for users.
    pub file: String,
    pub position: Position,
}

/// One use of an image.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Use {
    /// Its location; none for an argument of the command.
    pub location: Option<Location>,
    /// Its role, in the words of the file: `FROM`, `service db`.
    pub role: String,
    pub image: Reference,
    pub needs: Needs,
}

/// The platforms that an image is needed for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Needs {
    /// All platforms that are checked.
    All,
    /// One of them: it runs on the build machine, whatever its platform.
    Any,
    /// For these, which are among those that are built for.
    Only(Vec<ImagePlatform>),
    /// For these, to which the file pins the image whatever is built for (`--platform=linux/amd64`).
    Pinned(Vec<ImagePlatform>),
}

/// A note about a file.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Note {
    /// What sort of thing.
    pub kind: NoteKind,
    /// Where; none for an argument of the command.
    pub location: Option<Location>,
    /// The subject: an image's name, a file.
    pub subject: String,
    /// What is to be known.
    pub text: String,
}

/// The sorts of notes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NoteKind {
    /// The name of an image is not known, so it was not checked.
    Unresolved,
    /// A file, or a file that it refers to, was not read.
    Unread,
    /// An image is fixed to one platform.
    Pinned,
    /// A curated CodeBuild image, which is not in a registry.
    Curated,
}

impl NoteKind {
    /// Returns the word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unresolved => "not resolved",
            Self::Unread => "not read",
            Self::Pinned => "pinned",
            Self::Curated => "no registry image",
        }
    }

    /// Returns true if something was not checked.
    #[must_use]
    pub const fn is_gap(self) -> bool {
        matches!(self, Self::Unresolved | Self::Unread)
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.position.line)
    }
}
