//! Places in the private root. Its tree came from an image: a link in it may lead anywhere, so that none is followed here.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, chown, lchown, symlink};
use std::path::{Component, Path, PathBuf};

use super::error::Error;
use crate::fs::{At, FileError};

/// Returns the path on the machine for one inside the root.
pub(super) fn outside(root: &Path, inside: &Path) -> PathBuf {
    let parts = inside.components().filter(|part| matches!(part, Component::Normal(_)));
    parts.fold(root.to_owned(), |path, part| path.join(part))
}

/// Makes the folders of a path inside the root real ones: a link or file among them is replaced.
pub(super) fn folder(root: &Path, inside: &Path) -> Result<PathBuf, Error> {
    let mut path = root.to_owned();
    for part in inside.components().filter(|part| matches!(part, Component::Normal(_))) {
        path.push(part);
        match fs::symlink_metadata(&path) {
            Ok(data) if data.is_dir() => continue,
            Ok(_) => fs::remove_file(&path).at("replace", &path)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(FileError::new("look at", &path, error).into()),
        }
        fs::create_dir(&path).at("create", &path)?;
    }
    Ok(path)
}

/// Makes an empty file inside the root, in the place of whatever is there.
pub(super) fn file(root: &Path, inside: &Path, mode: u32) -> Result<(File, PathBuf), Error> {
    let path = vacant(root, inside)?;
    let file = File::options().write(true).create_new(true).mode(mode).open(&path).at("create", &path)?;
    // The process's mask may have taken bits away.
    file.set_permissions(fs::Permissions::from_mode(mode)).at("create", &path)?;
    Ok((file, path))
}

/// Removes what is at a path inside the root, and returns the path on the machine.
pub(super) fn vacant(root: &Path, inside: &Path) -> Result<PathBuf, Error> {
    folder(root, inside.parent().unwrap_or(Path::new("/")))?;
    let path = outside(root, inside);
    let removed = match fs::symlink_metadata(&path) {
        Ok(data) if data.is_dir() => fs::remove_dir_all(&path),
        Ok(_) => fs::remove_file(&path),
        Err(_) => Ok(()),
    };
    removed.at("replace", &path)?;
    Ok(path)
}

/// Returns true if every folder of a path inside the root is a real one.
pub(super) fn is_real(root: &Path, inside: &Path) -> bool {
    let mut path = root.to_owned();
    let parts = inside.parent().into_iter().flat_map(Path::components);
    parts.filter(|part| matches!(part, Component::Normal(_))).all(|part| {
        path.push(part);
        fs::symlink_metadata(&path).is_ok_and(|data| data.is_dir())
    })
}

/// Copies a file, folder or link as it is: links as links, with owners and permission bits; sockets, pipes and devices are
/// left out. `to` must be absent, or a folder where `from` is one.
pub(super) fn copy(from: &Path, to: &Path) -> Result<(), Error> {
    let data = fs::symlink_metadata(from).at("copy", from)?;
    if data.is_symlink() {
        let target = fs::read_link(from).at("copy", from)?;
        symlink(target, to).at("create", to)?;
        // Without the right to give files away they are the user's, as everywhere.
        let _ = lchown(to, Some(data.uid()), Some(data.gid()));
    } else if data.is_dir() {
        if !to.is_dir() {
            fs::create_dir(to).at("create", to)?;
        }
        for entry in fs::read_dir(from).at("copy", from)? {
            let entry = entry.at("copy", from)?;
            copy(&entry.path(), &to.join(entry.file_name()))?;
        }
        let _ = chown(to, Some(data.uid()), Some(data.gid()));
        fs::set_permissions(to, data.permissions()).at("create", to)?;
    } else if data.is_file() {
        fs::copy(from, to).at("copy", from)?;
        let _ = chown(to, Some(data.uid()), Some(data.gid()));
        fs::set_permissions(to, data.permissions()).at("create", to)?;
    }
    Ok(())
}
