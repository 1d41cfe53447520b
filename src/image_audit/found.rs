//! What was found in files: images, where each is named, and for which platforms it must be there.

use std::fmt;

use crate::format::Position;
use crate::model::{ImagePlatform, Reference};

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The path as people know it.
    pub file: String,
    /// Where in it.
    pub position: Position,
}

/// One use of an image.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Use {
    /// Where it is named; none for an argument of the command.
    pub place: Option<Place>,
    /// What it is used as, in the words of the file: `FROM`, `service db`.
    pub role: String,
    /// The image.
    pub image: Reference,
    /// For which platforms it must be there.
    pub needs: Needs,
}

/// For which platforms an image must be there.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Needs {
    /// For all that are asked about.
    All,
    /// For one of them: it runs on the machine that builds, whatever that is.
    Any,
    /// For these, which are among those that are built for.
    Only(Vec<ImagePlatform>),
    /// For these, to which the file pins the image whatever is built for (`--platform=linux/amd64`).
    Pinned(Vec<ImagePlatform>),
}

/// Something to know about a file beside its images.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Note {
    /// What sort of thing.
    pub kind: NoteKind,
    /// Where; none for an argument of the command.
    pub place: Option<Place>,
    /// What it is about: the text that names an image, a file.
    pub subject: String,
    /// What is to be known.
    pub text: String,
}

/// The sorts of notes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NoteKind {
    /// The name of an image is not known; nothing was asked about it.
    Unresolved,
    /// A file, or what it refers to, was not read.
    Unread,
    /// An image is held to one platform.
    Pinned,
    /// An image that CodeBuild keeps, which no registry has.
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

    /// Returns true if something was left unjudged.
    #[must_use]
    pub const fn is_gap(self) -> bool {
        matches!(self, Self::Unresolved | Self::Unread)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.position.line)
    }
}
