//! Deletes folders that are ours alone: never through a symbolic link, and in spite of read-only folders inside.

use std::fs;
use std::io;
use std::path::Path;

/// Deletes whatever stands at `path`; a symbolic link is unlinked, never followed. Nothing there is fine.
///
/// The standard library walks by folder handles that refuse links (CVE-2022-21658), so that a link planted meanwhile is
/// unlinked, too.
pub fn delete(path: &Path) -> io::Result<()> {
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) => return absent_is_fine(error),
    };
    if !metadata.is_dir() {
        return fs::remove_file(path).or_else(absent_is_fine);
    }
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            open_up(path)?;
            fs::remove_dir_all(path).or_else(absent_is_fine)
        }
        outcome => outcome.or_else(absent_is_fine),
    }
}

/// Makes every folder below `path` writable: archives bring read-only ones (Go's module cache is made of them).
///
/// Goes by path, which is safe only because the callers first move what they delete into a folder of mode 0700.
fn open_up(path: &Path) -> io::Result<()> {
    make_writable(path)?;
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            open_up(&entry.path())?;
        }
    }
    Ok(())
}

/// Lets the owner of a folder change it.
pub fn make_writable(folder: &Path) -> io::Result<()> {
    let mut permissions = fs::symlink_metadata(folder)?.permissions();
    #[cfg(unix)]
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o700);
    #[cfg(not(unix))]
    permissions.set_readonly(false);
    fs::set_permissions(folder, permissions)
}

fn absent_is_fine(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn links_are_unlinked_and_read_only_folders_go() {
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("precious"), "x").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let doomed = folder.path().join("doomed");
        fs::create_dir_all(doomed.join("a/b")).unwrap();
        fs::write(doomed.join("a/b/file"), "x").unwrap();
        symlink(outside.path(), doomed.join("a/b/link")).unwrap();
        for read_only in ["a/b", "a"] {
            fs::set_permissions(doomed.join(read_only), fs::Permissions::from_mode(0o555)).unwrap();
        }
        open_up(&doomed).unwrap();
        assert_eq!(fs::metadata(doomed.join("a/b")).unwrap().permissions().mode() & 0o777, 0o700);
        delete(&doomed).unwrap();
        assert!(!doomed.exists());
        let link = folder.path().join("link");
        symlink(outside.path(), &link).unwrap();
        delete(&link).unwrap();
        delete(&link).unwrap();
        assert!(outside.path().join("precious").exists());
    }
}
