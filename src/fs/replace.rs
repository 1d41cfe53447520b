//! Replacing a file whole or not at all: written under a random name in the same folder, then renamed.

use std::fs::{self, File, Metadata};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::error::{At, Cause, FileError};
use super::names::{self, beside, is_beside};
use super::temporary::sweep;

/// What happens where a symbolic link stands in the place of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Links<'a> {
    /// The file that it leads to is replaced and the link stays. That file must lie below this folder.
    Follow(&'a Path),
    /// The file that it leads to is replaced, wherever it is: the user named the link.
    FollowAnywhere,
    /// The link itself is replaced.
    Replace,
}

/// What a power cut may do to the new file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// It is on the disk before it gets its name, so that a power cut leaves the old or the new one. Costs a write barrier.
    Synced,
    /// It may come back empty. For what can be downloaded or computed again.
    Cached,
}

/// Replaces a file by `bytes`, synced.
///
/// # Errors
/// As [`Replacement::new`] and [`Replacement::commit`]; the file is then as it was.
pub fn replace(path: &Path, bytes: impl AsRef<[u8]>, links: Links<'_>) -> Result<(), FileError> {
    let mut replacement = Replacement::new(path, links)?;
    replacement.write_all(bytes.as_ref()).at("write", path)?;
    replacement.commit(Durability::Synced)
}

/// The new content of a file. It is deleted on drop, and after a kill by the next replacement in the same folder.
#[derive(Debug)]
pub struct Replacement {
    /// Locked as long as this process lives.
    file: File,
    temporary: PathBuf,
    target: PathBuf,
}

impl Replacement {
    /// Makes an empty file next to `path`, with the mode that the file has or that a new one gets.
    ///
    /// # Errors
    /// When something else than a regular file is there, a link leads where it may not, or the folder cannot be written to.
    pub fn new(path: &Path, links: Links<'_>) -> Result<Self, FileError> {
        let target = end_of(path, links)?;
        let before = regular_or_absent(&target).at("replace", path)?;
        let folder = parent(&target);
        sweep(folder, &is_beside);
        let prefix = beside(&target);
        loop {
            let temporary = names::random(folder, &prefix);
            let file = match create(&temporary, before.as_ref()) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(error).at("write", path),
            };
            let made = Self { file, temporary, target: target.clone() };
            // A sweep between the creation and the lock took it for one that nobody holds.
            if made.hold().at("write", path)? {
                return Ok(made);
            }
        }
    }

    /// Returns the open file. Clones of it count as this process being alive.
    #[must_use]
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Returns where the new content is until it is committed.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.temporary
    }

    /// Gives the file its name, by one rename.
    ///
    /// # Errors
    /// When the disk or the folder refuses; the old file stays then.
    pub fn commit(self, durability: Durability) -> Result<(), FileError> {
        if durability == Durability::Synced {
            self.file.sync_all().at("write", &self.target)?;
        }
        fs::rename(&self.temporary, &self.target).at("replace", &self.target)
    }

    #[cfg(unix)]
    fn hold(&self) -> io::Result<bool> {
        match self.file.lock() {
            // A file system without locks has no sweeps either: they take only what they can lock.
            Err(error) if error.kind() == io::ErrorKind::Unsupported => return Ok(true),
            outcome => outcome?,
        }
        Ok(std::os::unix::fs::MetadataExt::nlink(&self.file.metadata()?) > 0)
    }

    /// Elsewhere a lock would keep clones of the file from writing; what is left behind there stays.
    #[cfg(not(unix))]
    fn hold(&self) -> io::Result<bool> {
        Ok(true)
    }
}

impl Write for Replacement {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Replacement {
    fn drop(&mut self) {
        // After the rename there is nothing to remove; what cannot be removed now, a later sweep finds.
        let _ = fs::remove_file(&self.temporary);
    }
}

/// Makes a symbolic link to `target`, in the place of whatever file or link is there.
///
/// # Errors
/// When the folder cannot be written to; [`io::ErrorKind::Unsupported`] where links need a right that few have.
pub fn replace_link(target: &Path, link: &Path) -> Result<(), FileError> {
    let folder = parent(link);
    sweep(folder, &is_beside);
    loop {
        let temporary = names::random(folder, &beside(link));
        match symlink(target, &temporary) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
            Err(error) => return Err(error).at("create", link),
        }
        let renamed = fs::rename(&temporary, link).inspect_err(|_| {
            // The rename's error is the one to report.
            let _ = fs::remove_file(&temporary);
        });
        return renamed.at("create", link);
    }
}

/// Makes a symbolic link where nothing is.
///
/// # Errors
/// When something is there, or the folder cannot be written to.
#[cfg(unix)]
pub fn symlink(target: &Path, link: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, link)
}

/// Refuses: on Windows links need a right that few have.
///
/// # Errors
/// Always.
#[cfg(not(unix))]
pub fn symlink(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Creates a file that was not there, never more open than the one it replaces.
#[cfg(unix)]
fn create(path: &Path, before: Option<&Metadata>) -> io::Result<File> {
    use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
    let mode = before.map(|metadata| metadata.permissions().mode() & 0o777);
    // Exclusive creation follows no link.
    let file = File::options().read(true).write(true).create_new(true).mode(mode.unwrap_or(0o666)).open(path)?;
    if let Some(mode) = mode {
        // The process's mask may have taken bits away.
        file.set_permissions(fs::Permissions::from_mode(mode))?;
    }
    Ok(file)
}

#[cfg(not(unix))]
fn create(path: &Path, _: Option<&Metadata>) -> io::Result<File> {
    File::options().read(true).write(true).create_new(true).open(path)
}

fn regular_or_absent(target: &Path) -> Result<Option<Metadata>, Cause> {
    match fs::symlink_metadata(target) {
        Ok(metadata) if metadata.is_file() || metadata.is_symlink() => Ok(Some(metadata).filter(Metadata::is_file)),
        Ok(metadata) if metadata.is_dir() => Err(Cause::NotRegular { found: "a folder" }),
        Ok(_) => Err(Cause::NotRegular { found: "a device or a pipe" }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Returns the path of the file that is to be replaced.
fn end_of(path: &Path, links: Links<'_>) -> Result<PathBuf, FileError> {
    if links == Links::Replace {
        return Ok(path.to_owned());
    }
    let mut end = path.to_owned();
    // As many as the kernel follows.
    for _ in 0..40 {
        let Ok(next) = fs::read_link(&end) else {
            let folder = parent(&end).canonicalize().at("write", path)?;
            if let Links::Follow(root) = links
                && !folder.starts_with(root.canonicalize().at("read", root)?)
            {
                return Err(FileError::new("write", path, Cause::LeadsOut { root: root.to_owned() }));
            }
            return match end.file_name() {
                Some(name) => Ok(folder.join(name)),
                None => Err(FileError::new("write", path, Cause::NotRegular { found: "a folder" })),
            };
        };
        end = parent(&end).join(next);
    }
    Err(FileError::new("write", path, io::Error::other("too many symbolic links")))
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn entries(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_file_is_replaced_and_keeps_its_mode() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        replace(&path, "one", Links::Replace).unwrap();
        for kept in [0o600, 0o664, 0o755, 0o400] {
            fs::set_permissions(&path, fs::Permissions::from_mode(kept)).unwrap();
            replace(&path, format!("{kept}"), Links::Follow(folder.path())).unwrap();
            assert_eq!((fs::read_to_string(&path).unwrap(), mode(&path)), (format!("{kept}"), kept));
        }
        assert_eq!(entries(folder.path()), ["file"]);
    }

    #[test]
    fn a_link_stays_and_its_end_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        fs::create_dir_all(root.join("shared")).unwrap();
        fs::write(root.join("shared/end"), "old").unwrap();
        symlink("shared/end".as_ref(), &root.join("one")).unwrap();
        symlink("one".as_ref(), &root.join("two")).unwrap();
        symlink("shared/new".as_ref(), &root.join("dangling")).unwrap();
        for (link, end) in [("one", "shared/end"), ("two", "shared/end"), ("dangling", "shared/new")] {
            replace(&root.join(link), link, Links::Follow(&root)).unwrap();
            assert_eq!(fs::read_to_string(root.join(end)).unwrap(), link);
            assert!(fs::symlink_metadata(root.join(link)).unwrap().is_symlink(), "{link}");
        }
        replace(&root.join("two"), "file", Links::Replace).unwrap();
        assert!(fs::symlink_metadata(root.join("two")).unwrap().is_file());
        assert_eq!(fs::read_to_string(root.join("one")).unwrap(), "two");
    }

    #[test]
    fn nothing_outside_is_written_through_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        fs::create_dir_all(root.join("inner")).unwrap();
        fs::write(folder.path().join("mine"), "precious").unwrap();
        symlink("../mine".as_ref(), &root.join("file")).unwrap();
        symlink("../absent".as_ref(), &root.join("dangling")).unwrap();
        symlink("..".as_ref(), &root.join("folder")).unwrap();
        symlink("loop".as_ref(), &root.join("loop")).unwrap();
        for (path, says) in [
            ("file", "leads out"),
            ("dangling", "leads out"),
            ("folder/mine", "leads out"),
            ("folder/absent", "leads out"),
            ("loop", "symbolic link"),
            ("inner", "a folder"),
        ] {
            let error = replace(&root.join(path), "new", Links::Follow(&root)).unwrap_err();
            let cause = error.source.to_string();
            assert!(cause.contains(says) || cause.contains("symlink") || cause.contains("loop"), "{path}: {cause}");
        }
        assert_eq!(fs::read_to_string(folder.path().join("mine")).unwrap(), "precious");
        assert_eq!(entries(folder.path()), ["mine", "root"]);
        replace(&root.join("file"), "new", Links::FollowAnywhere).unwrap();
        assert_eq!(fs::read_to_string(folder.path().join("mine")).unwrap(), "new");
    }

    #[test]
    fn what_is_not_a_file_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o644.into(), 0).unwrap();
        symlink("pipe".as_ref(), &folder.path().join("link")).unwrap();
        for (path, links) in [(&pipe, Links::Replace), (&folder.path().join("link"), Links::FollowAnywhere)] {
            let error = replace(path, "", links).unwrap_err();
            assert!(matches!(error.source, Cause::NotRegular { .. }), "{error:?}");
        }
        assert_eq!(entries(folder.path()), ["link", "pipe"]);
    }

    #[test]
    fn a_replacement_that_is_given_up_leaves_the_file_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "old").unwrap();
        let mut given_up = Replacement::new(&path, Links::Replace).unwrap();
        given_up.write_all(b"half").unwrap();
        assert_eq!(entries(folder.path()).len(), 2);
        drop(given_up);
        assert_eq!(
            (entries(folder.path()), fs::read_to_string(&path).unwrap()),
            (vec!["file".to_owned()], "old".into())
        );
    }

    #[test]
    fn replacements_side_by_side_do_not_sweep_each_other() {
        let folder = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for name in ["a", "b", "c", "d"] {
                let path = folder.path().join(name);
                scope.spawn(move || {
                    for round in 0..100 {
                        let mut replacement = Replacement::new(&path, Links::Replace).unwrap();
                        replacement.write_all(format!("{round}").as_bytes()).unwrap();
                        replacement.commit(Durability::Cached).unwrap();
                    }
                });
            }
        });
        assert_eq!(entries(folder.path()), ["a", "b", "c", "d"]);
        assert_eq!(fs::read_to_string(folder.path().join("d")).unwrap(), "99");
    }

    #[test]
    fn what_a_killed_process_left_is_swept_and_what_a_living_one_writes_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let living = Replacement::new(&folder.path().join("living"), Links::Replace).unwrap();
        fs::write(folder.path().join(".dead.toolkit-0123456789abcdef"), "half").unwrap();
        symlink("living".as_ref(), &folder.path().join(".link.toolkit-0123456789abcdef")).unwrap();
        fs::write(folder.path().join(".dead.toolkit-notes"), "mine").unwrap();
        replace(&folder.path().join("other"), "", Links::Replace).unwrap();
        assert!(living.path().exists());
        living.commit(Durability::Cached).unwrap();
        let left = entries(folder.path());
        assert_eq!(left, [".dead.toolkit-notes", ".link.toolkit-0123456789abcdef", "living", "other"]);
    }
}
