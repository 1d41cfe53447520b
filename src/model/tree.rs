//! The entries of an unpacked tree, so that it can be verified later.

/// One entry of an unpacked tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// The path relative to the root, `/` between its parts; never empty, never with `.` or `..`.
    pub path: String,
    /// What it is.
    pub kind: NodeKind,
}

/// The kinds of entries that archives may contain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeKind {
    /// A folder.
    Folder,
    /// A regular file. A hard link in an archive is recorded as the file that it names.
    File {
        /// Its permission bits, as on disk.
        mode: u32,
        /// Its length in bytes.
        size: u64,
        /// The BLAKE3 digest of its contents.
        digest: [u8; 32],
    },
    /// A symbolic link, with the target as it is in the archive.
    Link {
        /// The target; it never leaves the tree.
        target: String,
    },
}

/// A file that this program adds to an unpacked tree, because the upstream's file is made for another path or has another
/// name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extra {
    /// The path relative to the root, in the shape of [`Node::path`].
    pub path: String,
    /// What it is.
    pub kind: ExtraKind,
}

/// The kinds of such additions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExtraKind {
    /// A file with this text.
    Text(String),
    /// A symbolic link to an executable of the tree, named relative to the link's folder.
    Link(String),
}
