//! The entries of an unpacked tree, so that it can be verified later.

use std::fmt;
use std::str::FromStr;

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

/// The BLAKE3 digest of the list of a tree's files: paths, permission bits, sizes, contents and links. What this program
/// adds for one machine is not in it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TreeDigest([u8; 32]);

/// A text that is not the digest of a tree.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not the digest of a tree: expected `blake3:` and 64 hexadecimal digits")]
pub struct BadTreeDigest {
    /// The text as it was given.
    pub text: String,
}

const PREFIX: &str = "blake3:";

impl TreeDigest {
    /// Wraps the digest of a list.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Reads 64 hexadecimal digits; none when it is something else.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let digits: Vec<u8> = text.chars().map(|c| c.to_digit(16).map(|digit| digit as u8)).collect::<Option<_>>()?;
        let bytes: Vec<u8> = digits.chunks(2).map(|pair| pair[0] << 4 | pair.get(1).copied().unwrap_or(0)).collect();
        if digits.len() == 64 { Some(Self(bytes.try_into().ok()?)) } else { None }
    }

    /// Returns 64 hexadecimal digits.
    #[must_use]
    pub fn to_hex(self) -> String {
        super::hex(&self.0)
    }
}

impl fmt::Display for TreeDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", self.to_hex())
    }
}

impl fmt::Debug for TreeDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for TreeDigest {
    type Err = BadTreeDigest;

    fn from_str(text: &str) -> Result<Self, BadTreeDigest> {
        let bad = || BadTreeDigest { text: text.chars().take(160).collect() };
        text.strip_prefix(PREFIX).and_then(Self::from_hex).ok_or_else(bad)
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_of_a_tree_reads_back_and_nothing_else_is_one() {
        let text = format!("blake3:{}", "0a".repeat(32));
        assert_eq!(text.parse::<TreeDigest>().unwrap().to_string(), text);
        for bad in ["", "blake3:", &text[7..], &text[..70], &format!("{text}0"), &text.replace("0a", "0x")] {
            assert!(bad.parse::<TreeDigest>().is_err(), "{bad}");
        }
    }
}
