//! What is added to an unpacked tree before it is promoted: it becomes part of the file list, so that `verify` knows it.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::Staging;
use super::error::Error;
use crate::fs::{At, FileError, symlink};
use crate::model::{Executable, Extra, ExtraKind, Node, NodeKind};

/// Files are readable for everybody and executable for nobody.
const MODE: u32 = 0o644;

impl Staging {
    /// Returns each executable its name and the right to be run; `nodes` is what was unpacked, and learns of both.
    ///
    /// # Errors
    /// [`Error::NoExecutable`] when there is no such file; as [`Staging::add`].
    pub fn expose(&self, executables: &[Executable], nodes: &mut Vec<Node>) -> Result<(), Error> {
        let tree = self.tree();
        for executable in executables {
            let path = tree.join(&executable.path);
            if !fs::metadata(&path).is_ok_and(|found| found.is_file()) {
                return Err(Error::NoExecutable { path });
            }
            for node in nodes.iter_mut().filter(|node| node.path == executable.path) {
                if allow_to_run(&mut node.kind) {
                    make_runnable(&path).at("change the mode of", &path)?;
                }
            }
            if let Some(link) = link_to(executable) {
                nodes.push(add(&tree, &link)?);
            }
        }
        Ok(())
    }

    /// Adds `extras` to the tree, and returns what was added.
    ///
    /// # Errors
    /// [`Error::NoExecutable`] when a link leads to nothing; when something stands in the way, or the disk does not take it.
    pub fn add(&self, extras: &[Extra]) -> Result<Vec<Node>, Error> {
        let tree = self.tree();
        extras.iter().map(|extra| add(&tree, extra)).collect()
    }
}

fn add(tree: &Path, extra: &Extra) -> Result<Node, Error> {
    let path = place(tree, &extra.path)?;
    match &extra.kind {
        ExtraKind::Text(text) => {
            let mut file = File::create_new(&path).at("create", &path)?;
            file.write_all(text.as_bytes()).at("write", &path)?;
            readable(&file).at("change the mode of", &path)?;
        }
        ExtraKind::Link(target) => {
            let executable = path.with_file_name(target);
            if !fs::metadata(&executable).is_ok_and(|found| found.is_file()) {
                return Err(Error::NoExecutable { path: executable });
            }
            symlink(Path::new(target), &path).at("create", &path)?;
        }
    }
    Ok(Node { path: extra.path.clone(), kind: kind_of(&extra.kind) })
}

/// Returns what an addition is on disk.
pub(super) fn kind_of(kind: &ExtraKind) -> NodeKind {
    match kind {
        ExtraKind::Text(text) => {
            NodeKind::File { mode: MODE, size: text.len() as u64, digest: *blake3::hash(text.as_bytes()).as_bytes() }
        }
        ExtraKind::Link(target) => NodeKind::Link { target: target.clone() },
    }
}

/// Makes a file executable unless somebody may execute it; returns true if it changed.
pub(super) fn allow_to_run(kind: &mut NodeKind) -> bool {
    match kind {
        NodeKind::File { mode, .. } if *mode & 0o111 == 0 => {
            *mode |= 0o755;
            true
        }
        _ => false,
    }
}

/// Returns the link under which an executable has its name; none where the file has it.
pub(super) fn link_to(executable: &Executable) -> Option<Extra> {
    let path = Some(executable.named_path()).filter(|named| *named != executable.path)?;
    let target = executable.path.rsplit('/').next().unwrap_or_default().to_owned();
    Some(Extra { path, kind: ExtraKind::Link(target) })
}

/// Makes the folders above `name`, none of them through a link of the archive, and returns the path.
fn place(tree: &Path, name: &str) -> Result<PathBuf, Error> {
    let mut path = tree.to_owned();
    let mut parts = name.split('/').peekable();
    while let Some(part) = parts.next() {
        path.push(part);
        if parts.peek().is_none() {
            break;
        }
        match fs::symlink_metadata(&path) {
            Ok(found) if found.is_dir() => {}
            Ok(_) => return Err(FileError::new("create", &path, io::Error::from(io::ErrorKind::NotADirectory)).into()),
            Err(_) => fs::create_dir(&path).at("create", &path)?,
        }
    }
    Ok(path)
}

#[cfg(unix)]
fn readable(file: &File) -> io::Result<()> {
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(MODE))
}

#[cfg(not(unix))]
fn readable(_: &File) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn make_runnable(path: &Path) -> io::Result<()> {
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755))
}

#[cfg(not(unix))]
fn make_runnable(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    fn text(path: &str) -> Extra {
        Extra { path: path.to_owned(), kind: ExtraKind::Text("x".to_owned()) }
    }

    fn link(path: &str, target: &str) -> Extra {
        Extra { path: path.to_owned(), kind: ExtraKind::Link(target.to_owned()) }
    }

    #[test]
    fn nothing_of_the_archive_is_replaced_or_followed() {
        let folder = tempfile::tempdir().unwrap();
        let tree = folder.path().join("tree");
        fs::create_dir_all(tree.join("bin")).unwrap();
        fs::write(tree.join("bin/tool-linux"), "").unwrap();
        symlink(Path::new("bin"), &tree.join("alias")).unwrap();
        for extra in [text("bin/tool-linux"), text("alias"), text("alias/x"), text("bin/tool-linux/x"), text("bin")] {
            assert!(matches!(add(&tree, &extra), Err(Error::File(_))), "{extra:?} passed");
        }
        for extra in [link("bin/a", "absent"), link("bin/a", ".")] {
            assert!(matches!(add(&tree, &extra), Err(Error::NoExecutable { .. })), "{extra:?} passed");
        }
        assert_eq!(fs::read_dir(tree.join("bin")).unwrap().count(), 1);
        add(&tree, &link("bin/tool", "tool-linux")).unwrap();
        add(&tree, &link("other/tool", "../bin/tool-linux")).unwrap();
        assert!(tree.join("other/tool").is_file());
        let node = add(&tree, &text("etc/deep/x.conf")).unwrap();
        let NodeKind::File { mode, size, .. } = node.kind else { panic!("{node:?}") };
        assert_eq!((mode, size), (0o644, 1));
    }
}
