//! What an unpacked tree consists of, so that it can be checked later.

/// One entry of an unpacked tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// The path relative to the root, `/` between its parts; never empty, never with `.` or `..`.
    pub path: String,
    /// What it is.
    pub kind: NodeKind,
}

/// The kinds of entries that archives may bring.
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
    /// A symbolic link, with the target as it stands in the archive.
    Link {
        /// The target; it never leaves the tree.
        target: String,
    },
}
