//! The list of a tree's files as a value of its own: what a lock pins, and what can be compared without an install.

use std::collections::BTreeSet;

use super::error::Error;
use super::files::Files;
use super::{Change, Difference, FILES, Install, Store};
use crate::model::{Executable, Extra, Node, NodeKind, TreeDigest};

/// What an archive unpacks to, without what this program adds to it: the same on every machine.
#[derive(Debug, PartialEq, Eq)]
pub struct FileList(Files);

impl FileList {
    /// Collects what was unpacked, for a release with these executables.
    ///
    /// # Errors
    /// The reason, when the nodes contradict each other or an executable is missing.
    pub fn of(mut nodes: Vec<Node>, executables: &[Executable]) -> Result<Self, String> {
        for executable in executables {
            let Some(node) = nodes.iter_mut().find(|node| node.path == executable.path) else {
                return Err(format!("it has no file `{}`", executable.path));
            };
            super::extras::allow_to_run(&mut node.kind);
            let link = super::extras::link_to(executable);
            nodes.extend(link.map(|Extra { path, kind }| Node { path, kind: super::extras::kind_of(&kind) }));
        }
        Files::new(nodes).map(Self)
    }

    /// Returns its digest.
    #[must_use]
    pub fn digest(&self) -> TreeDigest {
        self.0.digest()
    }

    /// Lists where `other` differs from it, sorted by path.
    #[must_use]
    pub fn differences(&self, other: &Self) -> Vec<Difference> {
        let (own, others) = (self.0.entries(), other.0.entries());
        let paths: BTreeSet<&String> = own.keys().chain(others.keys()).collect();
        let change = |path: &String| match (own.get(path), others.get(path)) {
            (Some(own), Some(other)) => changed(own, other),
            (Some(_), None) => Some(Change::Missing),
            (None, _) => Some(Change::Extra),
        };
        paths.into_iter().filter_map(|path| Some(Difference { path: path.clone(), change: change(path)? })).collect()
    }
}

impl Store {
    /// Reads the list of an install, without the files that this program added to it, and checks these: they must be
    /// exactly the ones that it adds.
    ///
    /// # Errors
    /// [`Error::FileList`] when the list is not the one in the receipt, or names other files than `added` at their paths.
    pub fn file_list(&self, install: &Install, added: &[Extra]) -> Result<FileList, Error> {
        let path = install.root.with_file_name(FILES);
        let files = Files::read(&path, &install.receipt.files)?;
        for extra in added {
            if files.entries().get(&extra.path) != Some(&super::extras::kind_of(&extra.kind)) {
                let reason = format!("`{}` in it is not the file that toolkit adds", extra.path);
                return Err(Error::FileList { path, reason });
            }
        }
        let added: Vec<&str> = added.iter().map(|extra| extra.path.as_str()).collect();
        Ok(FileList(files.without(&added)))
    }
}

fn changed(own: &NodeKind, other: &NodeKind) -> Option<Change> {
    match (own, other) {
        _ if own == other => None,
        (NodeKind::File { size, digest, .. }, NodeKind::File { size: other, digest: others, .. }) => {
            Some(if (size, digest) == (other, others) { Change::Mode } else { Change::Content })
        }
        (NodeKind::Link { .. }, NodeKind::Link { .. }) => Some(Change::Target),
        _ => Some(Change::Kind),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, mode: u32, digest: u8) -> Node {
        Node { path: path.to_owned(), kind: NodeKind::File { mode, size: 1, digest: [digest; 32] } }
    }

    #[test]
    fn lists_differ_where_their_entries_do() {
        let list = |nodes: Vec<Node>| FileList::of(nodes, &[]).unwrap();
        let own = list(vec![file("a", 0o755, 1), file("b", 0o755, 1), file("c/d", 0o644, 1)]);
        let other = list(vec![file("a", 0o644, 1), file("b", 0o755, 2), file("e", 0o644, 1)]);
        let found: Vec<_> = own.differences(&other).into_iter().map(|one| (one.path, one.change)).collect();
        let expected = [
            ("a", Change::Mode),
            ("b", Change::Content),
            ("c", Change::Missing),
            ("c/d", Change::Missing),
            ("e", Change::Extra),
        ];
        assert_eq!(found, expected.map(|(path, change)| (path.to_owned(), change)));
        assert_eq!(own.differences(&own), []);
        assert_ne!(own.digest(), other.digest());
    }

    #[test]
    fn what_is_added_leaves_no_trace_in_the_digest() {
        let plain = Files::new([file("bin/go", 0o755, 1)]).unwrap();
        let more = [file("bin/go", 0o755, 1), file("bin/link", 0o644, 2), file("etc/x/own.conf", 0o644, 3)];
        let more = || Files::new(more.clone()).unwrap();
        assert_eq!(more().without(&["bin/link", "etc/x/own.conf"]).digest(), plain.digest());
        assert_ne!(more().without(&["bin/link"]).digest(), plain.digest());
    }

    #[test]
    fn an_executable_gets_its_name_and_the_right_to_be_run() {
        let executable = Executable { name: "jq".to_owned(), path: "jq-linux".to_owned() };
        let list = FileList::of(vec![file("jq-linux", 0o644, 1)], std::slice::from_ref(&executable)).unwrap();
        let link = Node { path: "jq".to_owned(), kind: NodeKind::Link { target: "jq-linux".to_owned() } };
        assert_eq!(list, FileList::of(vec![file("jq-linux", 0o755, 1), link], &[]).unwrap());
        assert!(FileList::of(vec![file("other", 0o644, 1)], &[executable]).unwrap_err().contains("jq-linux"));
    }
}
