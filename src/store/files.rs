//! The list of a tree's files: a compact text, one line for each entry, whose BLAKE3 digest stands in the receipt.
//!
//! ```text
//! d⇥-⇥-⇥-⇥bin
//! f⇥755⇥1024⇥<64 hexadecimal digits>⇥bin/go
//! l⇥-⇥-⇥-⇥bin/gofmt⇥go
//! ```

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt::Write as _;
use std::path::Path;

use super::error::Error;
use crate::fs::FileError;
use crate::model::{Node, NodeKind, TreeDigest};

/// The entries of a tree by path, every parent folder included.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Files(BTreeMap<String, NodeKind>);

impl Files {
    /// Collects what was unpacked; where several artifacts bring one path, the last wins, as it did on disk.
    ///
    /// # Errors
    /// The reason, when a path could lead out of the tree or goes through something that is not a folder.
    pub(super) fn new(nodes: impl IntoIterator<Item = Node>) -> Result<Self, String> {
        let mut entries = BTreeMap::new();
        for node in nodes {
            check_path(&node.path)?;
            entries.insert(node.path, node.kind);
        }
        let parents: Vec<String> = entries.keys().flat_map(|path| parents(path)).map(str::to_owned).collect();
        for parent in parents {
            match entries.entry(parent) {
                Entry::Vacant(slot) => drop(slot.insert(NodeKind::Folder)),
                Entry::Occupied(slot) if *slot.get() == NodeKind::Folder => {}
                Entry::Occupied(slot) => return Err(format!("`{}` is not a folder and has entries", slot.key())),
            }
        }
        Ok(Self(entries))
    }

    /// Reads a list and checks that it is the one whose digest is given.
    pub(super) fn read(path: &Path, digest: &str) -> Result<Self, Error> {
        let untrusted = |reason: String| Error::FileList { path: path.to_owned(), reason };
        let text = match super::read_regular(path) {
            Ok(text) => text,
            Err(error) if super::is_absent(&error) => return Err(untrusted("it is missing".to_owned())),
            Err(error) => return Err(FileError::new("read", path, error).into()),
        };
        if blake3::hash(&text).to_hex().as_str() != digest {
            return Err(untrusted("its digest is not the one in the receipt".to_owned()));
        }
        let text = String::from_utf8(text).map_err(|_| untrusted("it is not UTF-8".to_owned()))?;
        let nodes: Result<Vec<Node>, String> = text.lines().map(parse_line).collect();
        nodes.and_then(Self::new).map_err(untrusted)
    }

    /// Returns the text of the list.
    pub(super) fn to_text(&self) -> String {
        let mut text = String::with_capacity(self.0.len() * 140);
        for (path, kind) in &self.0 {
            let path = escape(path);
            let written = match kind {
                NodeKind::Folder => writeln!(text, "d\t-\t-\t-\t{path}"),
                NodeKind::File { mode, size, digest } => {
                    let digest = blake3::Hash::from_bytes(*digest).to_hex();
                    writeln!(text, "f\t{mode:o}\t{size}\t{digest}\t{path}")
                }
                NodeKind::Link { target } => writeln!(text, "l\t-\t-\t-\t{path}\t{}", escape(target)),
            };
            written.expect("a String takes every write");
        }
        text
    }

    /// Returns the entries by path, parents before their children.
    pub(super) fn entries(&self) -> &BTreeMap<String, NodeKind> {
        &self.0
    }

    /// Leaves out files, and the folders that only they need.
    pub(super) fn without(self, paths: &[&str]) -> Self {
        let mut entries = self.0;
        for path in paths {
            entries.remove(*path);
            let folders: Vec<&str> = parents(path).collect();
            for folder in folders.into_iter().rev() {
                let below = format!("{folder}/");
                if entries.range(below.clone()..).next().is_some_and(|(path, _)| path.starts_with(&below)) {
                    break;
                }
                entries.remove(folder);
            }
        }
        Self(entries)
    }

    /// Returns the digest of the list.
    pub(super) fn digest(&self) -> TreeDigest {
        TreeDigest::new(*blake3::hash(self.to_text().as_bytes()).as_bytes())
    }

    /// Counts the bytes of all files.
    pub(super) fn bytes(&self) -> u64 {
        let size = |kind: &NodeKind| if let NodeKind::File { size, .. } = kind { *size } else { 0 };
        self.0.values().map(size).sum()
    }
}

/// Lists the folders that a path goes through.
fn parents(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(end, _)| &path[..end])
}

fn check_path(path: &str) -> Result<(), String> {
    let fine = |part: &str| !matches!(part, "" | "." | "..") && !part.contains('\0');
    if path.split('/').all(fine) { Ok(()) } else { Err(format!("`{path}` is not a path inside a tree")) }
}

fn parse_line(line: &str) -> Result<Node, String> {
    let bad = || format!("it has the line `{line}`");
    let fields: Vec<&str> = line.split('\t').collect();
    let (path, kind) = match fields.as_slice() {
        ["d", "-", "-", "-", path] => (path, NodeKind::Folder),
        ["f", mode, size, digest, path] => {
            let mode = u32::from_str_radix(mode, 8).map_err(|_| bad())?;
            let size = size.parse().map_err(|_| bad())?;
            let digest = *blake3::Hash::from_hex(digest).map_err(|_| bad())?.as_bytes();
            (path, NodeKind::File { mode, size, digest })
        }
        ["l", "-", "-", "-", path, target] => (path, NodeKind::Link { target: unescape(target).ok_or_else(bad)? }),
        _ => return Err(bad()),
    };
    Ok(Node { path: unescape(path).ok_or_else(bad)?, kind })
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\t', "\\t").replace('\n', "\\n").replace('\r', "\\r")
}

fn unescape(text: &str) -> Option<String> {
    let mut plain = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        plain.push(match letter {
            '\\' => match letters.next()? {
                '\\' => '\\',
                't' => '\t',
                'n' => '\n',
                'r' => '\r',
                _ => return None,
            },
            other => other,
        });
    }
    Some(plain)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn node(path: &str, kind: NodeKind) -> Node {
        Node { path: path.to_owned(), kind }
    }

    fn file(size: u64) -> NodeKind {
        NodeKind::File { mode: 0o755, size, digest: [9; 32] }
    }

    #[test]
    fn a_list_reads_back_what_it_wrote() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("files");
        let link = NodeKind::Link { target: "a\\b\tc".to_owned() };
        let files = Files::new([
            node("bin/with space/go", file(3)),
            node("bin/line\nend\\ \t\r", file(4)),
            node("bin/link", link),
            node("empty", NodeKind::Folder),
        ])
        .unwrap();
        assert_eq!(files.entries().len(), 6, "parents are entries too");
        assert_eq!(files.bytes(), 7);
        fs::write(&path, files.to_text()).unwrap();
        let digest = blake3::hash(files.to_text().as_bytes()).to_hex();
        assert_eq!(Files::read(&path, &digest).unwrap(), files);
        assert!(matches!(Files::read(&path, &"0".repeat(64)), Err(Error::FileList { .. })));
    }

    #[test]
    fn a_list_that_could_lead_out_of_the_tree_is_refused() {
        for path in ["", "/etc", "../x", "a/../b", "a//b", "./a", "a/", "a\0b"] {
            assert!(Files::new([node(path, NodeKind::Folder)]).is_err(), "{path:?} passed");
        }
        let through = [node("a", NodeKind::Link { target: "b".to_owned() }), node("a/b", file(1))];
        assert!(Files::new(through).unwrap_err().contains("`a`"));
    }

    #[test]
    fn the_last_artifact_wins() {
        let files = Files::new([node("LICENSE", file(1)), node("LICENSE", file(2))]).unwrap();
        assert_eq!(files.bytes(), 2);
    }

    #[test]
    fn a_strange_line_is_refused() {
        for line in ["", "d", "x\t-\t-\t-\ta", "f\t9\t1\tab\ta", "d\t-\t-\t-\ta\\", "l\t-\t-\t-\ta", "d\t-\t-\t-\ta\tb"]
        {
            assert!(parse_line(line).is_err(), "{line:?} passed");
        }
    }
}
