//! What a tool has put into its own root, taken over when the root is made again: `dotnet workload install` writes there.

use std::fs::{self, Metadata};
use std::io;
use std::path::Path;

use super::error::Error;
use crate::fs::{At, FileError, is_absent, symlink};

/// Puts what stands in `folders` of the root `old`, and not in the root `new`, into `new`. The root `old` stays as it is.
/// Links are taken over as links, and none is followed.
pub(super) fn adopt(old: &Path, new: &Path, folders: &[&str]) -> Result<(), Error> {
    folders.iter().try_for_each(|folder| entry(&old.join(folder), &new.join(folder)))
}

fn entry(old: &Path, new: &Path) -> Result<(), Error> {
    let Some(found) = look(old)? else { return Ok(()) };
    match look(new)? {
        // Two folders are merged; else what was just made stays.
        Some(there) if !(there.is_dir() && found.is_dir()) => return Ok(()),
        None if found.is_symlink() => {
            let target = fs::read_link(old).at("read", old)?;
            return Ok(symlink(&target, new).at("create", new)?);
        }
        None if found.is_file() => return link_or_copy(old, new),
        // Sockets, pipes and devices are no part of a tool.
        None if !found.is_dir() => return Ok(()),
        None => fs::create_dir(new).at("create", new)?,
        Some(_) => {}
    }
    for name in fs::read_dir(old).at("read", old)? {
        let name = name.at("read", old)?.file_name();
        entry(&old.join(&name), &new.join(&name))?;
    }
    Ok(())
}

fn look(path: &Path) -> Result<Option<Metadata>, Error> {
    match fs::symlink_metadata(path) {
        Ok(found) => Ok(Some(found)),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(FileError::new("look at", path, error).into()),
    }
}

/// Makes a hard link, or a copy where the file system or the system's rules refuse one.
pub(super) fn link_or_copy(source: &Path, target: &Path) -> Result<(), Error> {
    use io::ErrorKind::{CrossesDevices, PermissionDenied, TooManyLinks, Unsupported};
    match fs::hard_link(source, target) {
        Ok(()) => Ok(()),
        // fs.protected_hardlinks refuses files of another user: "permission denied".
        Err(error) if matches!(error.kind(), CrossesDevices | PermissionDenied | TooManyLinks | Unsupported) => {
            Ok(fs::copy(source, target).map(drop).at("create", target)?)
        }
        Err(error) => Err(FileError::new("create", target, error).into()),
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_is_taken_over_and_what_was_made_stays() {
        let world = tempfile::tempdir().unwrap();
        let (old, new) = (world.path().join("old"), world.path().join("new"));
        for folder in ["packs/Added/1.0", "packs/Shipped", "metadata", "other"] {
            fs::create_dir_all(old.join(folder)).unwrap();
        }
        fs::create_dir_all(new.join("packs/Shipped")).unwrap();
        for file in ["packs/Added/1.0/a.dll", "packs/Shipped/s.dll", "metadata/m", "other/o"] {
            fs::write(old.join(file), "old").unwrap();
        }
        fs::write(new.join("packs/Shipped/s.dll"), "new").unwrap();
        symlink(Path::new("/etc"), &old.join("packs/link")).unwrap();
        symlink(Path::new("/etc"), &old.join("linked")).unwrap();
        adopt(&old, &new, &["packs", "metadata", "linked", "absent"]).unwrap();
        let read = |file: &str| fs::read_to_string(new.join(file)).unwrap();
        assert_eq!((read("packs/Added/1.0/a.dll"), read("packs/Shipped/s.dll")), ("old".to_owned(), "new".to_owned()));
        assert_eq!(read("metadata/m"), "old");
        assert_eq!(fs::read_link(new.join("packs/link")).unwrap(), Path::new("/etc"));
        assert!(!new.join("other").exists() && !new.join("absent").exists());
    }

    #[test]
    fn what_cannot_be_linked_is_copied() {
        let here = tempfile::tempdir().unwrap();
        let Ok(elsewhere) = tempfile::tempdir_in("/dev/shm") else {
            eprintln!("skipped: no second file system at /dev/shm");
            return;
        };
        let (source, target) = (here.path().join("source"), elsewhere.path().join("target"));
        fs::write(&source, "contents").unwrap();
        link_or_copy(&source, &target).unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"contents");
        assert!(link_or_copy(&source, &here.path().join("absent/target")).is_err());
        assert!(link_or_copy(&here.path().join("absent"), &target).is_err());
    }
}
