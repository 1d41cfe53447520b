//! Reading files that a stranger may have put there: within a folder once links are resolved, regular, and up to a size.

use std::fs::{self, File, FileType};
use std::io::{self, Read};
use std::path::Path;

use super::error::{At, Cause, FileError};

/// How many bytes of a project's file are read: far more than any such file has.
pub const LARGEST: u64 = 4 << 20;

/// Where a file must lie once all links on its path are resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Within<'a> {
    /// Below this folder: what a project brings along. Git carries links, and one to `~/.netrc` would be quoted in a log.
    Folder(&'a Path),
    /// Anywhere: what the user chose.
    Anywhere,
}

/// Reads a file of at most `limit` bytes.
///
/// # Errors
/// When it is absent, leads out of the folder, is not a regular file, is larger, or cannot be read. The error quotes nothing
/// of it.
pub fn read(path: &Path, within: Within<'_>, limit: u64) -> Result<Vec<u8>, FileError> {
    read_to_end(open(path, within)?, path, limit)
}

/// Reads a file of at most [`LARGEST`] bytes that nobody named but that was found, so that whoever can write to its folder
/// may have planted it: only when it is this user's, root's, or of whoever owns the folder.
///
/// # Errors
/// As [`read`], and when it may be planted ([`Cause::Foreign`]).
pub fn read_found(path: &Path, within: Within<'_>) -> Result<Vec<u8>, FileError> {
    let file = open(path, within)?;
    let folder = path.parent().unwrap_or(path);
    if let Some(owner) = planted_by(&file.metadata().at("read", path)?, folder) {
        return Err(FileError::new("read", path, Cause::Foreign { owner, folder: folder.to_owned() }));
    }
    read_to_end(file, path, LARGEST)
}

/// Returns the owner of a file in `folder` whom this user has no reason to trust: neither this user nor root, in a folder of
/// somebody else that others can write to, such as `/tmp`. A checkout that belongs to another user as a whole is not meant:
/// containers mount such.
#[cfg(unix)]
#[must_use]
pub fn planted_by(file: &fs::Metadata, folder: &Path) -> Option<u32> {
    use std::os::unix::fs::MetadataExt;
    let owner = file.uid();
    if owner == 0 || owner == rustix::process::geteuid().as_raw() {
        return None;
    }
    let folder = fs::metadata(folder).ok();
    let harmless = folder.is_some_and(|folder| folder.mode() & 0o022 == 0 || folder.uid() == owner);
    (!harmless).then_some(owner)
}

/// Returns none: where files have no owners in this sense, nobody is known to have planted one.
#[cfg(not(unix))]
#[must_use]
pub fn planted_by(_: &fs::Metadata, _: &Path) -> Option<u32> {
    None
}

fn read_to_end(file: File, path: &Path, limit: u64) -> Result<Vec<u8>, FileError> {
    let length = file.metadata().at("read", path)?.len().min(limit);
    // One byte more shows the end of the file by the first read.
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default() + 1);
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).at("read", path)?;
    if bytes.len() as u64 > limit {
        return Err(FileError::new("read", path, Cause::TooLarge { limit }));
    }
    Ok(bytes)
}

/// Reads a text of at most [`LARGEST`] bytes.
///
/// # Errors
/// As [`read`], and when it is not UTF-8.
pub fn read_text(path: &Path, within: Within<'_>) -> Result<String, FileError> {
    String::from_utf8(read(path, within, LARGEST)?).map_err(|_| FileError::new("read", path, Cause::NotText))
}

/// Reads a text as [`read_text`] does; none when there is no such file.
///
/// # Errors
/// As [`read_text`].
pub fn read_text_if_present(path: &Path, within: Within<'_>) -> Result<Option<String>, FileError> {
    match read_text(path, within) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.is_absent() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Reads a text of at most [`LARGEST`] bytes from whatever the user named, be it a pipe. Waits for whoever writes into it.
///
/// # Errors
/// When it is absent, larger, not UTF-8, or cannot be read.
pub fn read_stream(path: &Path) -> Result<String, FileError> {
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes)).at("read", path)?;
    if bytes.len() as u64 > LARGEST {
        return Err(FileError::new("read", path, Cause::TooLarge { limit: LARGEST }));
    }
    String::from_utf8(bytes).map_err(|_| FileError::new("read", path, Cause::NotText))
}

/// Opens a regular file for reading.
///
/// # Errors
/// When it is absent, leads out of the folder, is not a regular file, or cannot be opened.
pub fn open(path: &Path, within: Within<'_>) -> Result<File, FileError> {
    let opened = match within {
        Within::Anywhere => open_regular(path, EndLink::Followed),
        Within::Folder(root) => match open_beneath(root, path) {
            Some(opened) => opened,
            None => {
                let real = path.canonicalize().at("read", path)?;
                let bound = root.canonicalize().at("read", root)?;
                if !real.starts_with(&bound) {
                    return Err(FileError::new("read", path, Cause::LeadsOut { root: root.to_owned() }));
                }
                // A link that came meanwhile is not followed.
                open_regular(&real, EndLink::Refused)
            }
        },
    };
    opened.at("read", path)
}

/// Opens a regular file below `root` by two system calls, as long as every link on the way is relative and stays below. None
/// when that is not known: a link is absolute, `path` is not written below `root`, or the kernel or its filter lacks
/// `openat2`.
#[cfg(target_os = "linux")]
fn open_beneath(root: &Path, path: &Path) -> Option<Result<File, Cause>> {
    use rustix::fs::{Mode, OFlags, ResolveFlags, openat2};
    let below = path.strip_prefix(root).ok().filter(|below| !below.as_os_str().is_empty())?;
    // Opening some devices does something, and a link may lead to one.
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => {}
        Ok(_) => return None,
        Err(error) => return Some(Err(error.into())),
    }
    let folder = if root.as_os_str().is_empty() { Path::new(".") } else { root };
    let folder = rustix::fs::open(folder, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).ok()?;
    let beneath = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    let file = File::from(openat2(folder, below, READING, Mode::empty(), beneath).ok()?);
    Some(file.metadata().map_err(Cause::from).and_then(|metadata| regular(metadata.file_type())).map(|()| file))
}

#[cfg(not(target_os = "linux"))]
fn open_beneath(_: &Path, _: &Path) -> Option<Result<File, Cause>> {
    None
}

/// Makes a folder and those above it, as long as no link on the way leads out.
///
/// # Errors
/// When a link leads out, something else than a folder is in the way, or the disk refuses.
pub fn make_folder(path: &Path, within: Within<'_>) -> Result<(), FileError> {
    if let (Within::Folder(root), Some(there)) = (within, path.ancestors().find(|part| part.symlink_metadata().is_ok()))
    {
        let bound = root.canonicalize().at("read", root)?;
        let real = there.canonicalize().at("create", path)?;
        if !real.starts_with(&bound) && !bound.starts_with(&real) {
            return Err(FileError::new("create", path, Cause::LeadsOut { root: root.to_owned() }));
        }
    }
    fs::create_dir_all(path).at("create", path)
}

/// What happens with a link at the end of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EndLink {
    Followed,
    Refused,
}

/// Opens a file, if it is one: opening a named pipe would wait for whoever writes into it, reading a device may never end.
pub(super) fn open_regular(path: &Path, link: EndLink) -> Result<File, Cause> {
    // Asked before it is opened, since opening some devices does something; and after, since it may be another file by now.
    regular(fs::metadata(path)?.file_type())?;
    let file = open_at_once(path, link)?;
    regular(file.metadata()?.file_type())?;
    Ok(file)
}

/// Reading that waits for nobody: opening a named pipe would.
#[cfg(unix)]
const READING: rustix::fs::OFlags = rustix::fs::OFlags::RDONLY
    .union(rustix::fs::OFlags::CLOEXEC)
    .union(rustix::fs::OFlags::NONBLOCK)
    .union(rustix::fs::OFlags::NOCTTY);

#[cfg(unix)]
fn open_at_once(path: &Path, link: EndLink) -> io::Result<File> {
    use rustix::fs::{Mode, OFlags};
    let flags = if link == EndLink::Refused { READING.union(OFlags::NOFOLLOW) } else { READING };
    Ok(File::from(rustix::fs::open(path, flags, Mode::empty())?))
}

#[cfg(not(unix))]
fn open_at_once(path: &Path, _: EndLink) -> io::Result<File> {
    File::open(path)
}

fn regular(kind: FileType) -> Result<(), Cause> {
    if kind.is_file() { Ok(()) } else { Err(Cause::NotRegular { found: name(kind) }) }
}

#[cfg(unix)]
fn name(kind: FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    match kind {
        _ if kind.is_dir() => "a folder",
        _ if kind.is_fifo() => "a named pipe",
        _ if kind.is_socket() => "a socket",
        _ => "a device",
    }
}

#[cfg(not(unix))]
fn name(kind: FileType) -> &'static str {
    if kind.is_dir() { "a folder" } else { "a device" }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::path::PathBuf;

    use super::*;
    use crate::model::{Explain, Kind};

    /// A project, and a secret outside of it.
    fn world() -> (tempfile::TempDir, PathBuf) {
        let world = tempfile::tempdir().unwrap();
        let project = world.path().join("project");
        fs::create_dir_all(project.join("sub")).unwrap();
        fs::write(world.path().join("secret"), "hunter2").unwrap();
        fs::write(project.join("real"), "text").unwrap();
        (world, project)
    }

    #[test]
    fn links_inside_the_folder_are_followed() {
        let (world, project) = world();
        symlink("../real", project.join("sub/relative")).unwrap();
        symlink(project.join("real"), project.join("absolute")).unwrap();
        symlink("sub", project.join("folder")).unwrap();
        symlink(&project, world.path().join("alias")).unwrap();
        let alias = world.path().join("alias");
        for (root, file) in [
            (&project, project.join("real")),
            (&project, project.join("sub/relative")),
            (&project, project.join("absolute")),
            (&project, project.join("folder/relative")),
            (&project, project.join("sub/../real")),
            (&project, alias.join("real")),
            (&alias, alias.join("sub/relative")),
        ] {
            assert_eq!(read_text(&file, Within::Folder(root)).unwrap(), "text", "{}", file.display());
        }
    }

    #[test]
    fn a_path_that_leads_out_is_named_and_not_quoted() {
        let (world, project) = world();
        symlink("../secret", project.join("relative")).unwrap();
        symlink(world.path().join("secret"), project.join("absolute")).unwrap();
        symlink("relative", project.join("twice")).unwrap();
        symlink("..", project.join("folder")).unwrap();
        fs::create_dir(world.path().join("project-2")).unwrap();
        fs::write(world.path().join("project-2/secret"), "hunter2").unwrap();
        symlink("../project-2/secret", project.join("neighbour")).unwrap();
        for file in ["relative", "absolute", "twice", "folder/secret", "../secret", "neighbour"] {
            let error = read_text(&project.join(file), Within::Folder(&project)).unwrap_err();
            assert!(matches!(error.source, Cause::LeadsOut { .. }), "{file}: {error:?}");
            assert_eq!(error.kind(), Kind::Usage);
            let shown = format!("{error}: {} {error:?}", error.source);
            assert!(shown.contains(file) && !shown.contains("hunter2"), "{shown}");
            assert!(read_text(&project.join(file), Within::Anywhere).is_ok(), "{file} is the user's to choose");
        }
    }

    #[test]
    fn what_is_not_a_regular_file_is_refused_at_once() {
        let (_world, project) = world();
        let pipe = project.join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o644.into(), 0).unwrap();
        for (file, expected) in [
            (pipe, "a named pipe"),
            (project.join("sub"), "a folder"),
            (PathBuf::from("/dev/zero"), "a device"),
            (PathBuf::from("/dev/null"), "a device"),
        ] {
            let error = read(&file, Within::Anywhere, LARGEST).unwrap_err();
            assert!(matches!(error.source, Cause::NotRegular { found } if found == expected), "{error:?}");
        }
        symlink("/dev/zero", project.join("zero")).unwrap();
        let error = read(&project.join("zero"), Within::Folder(&project), LARGEST).unwrap_err();
        assert!(matches!(error.source, Cause::LeadsOut { .. }), "{error:?}");
    }

    #[test]
    fn a_size_is_a_limit_and_an_absent_file_is_none() {
        let (_world, project) = world();
        let file = project.join("real");
        assert_eq!(read(&file, Within::Anywhere, 4).unwrap(), b"text");
        let error = read(&file, Within::Anywhere, 3).unwrap_err();
        assert!(matches!(error.source, Cause::TooLarge { limit: 3 }), "{error:?}");
        // /proc lies about the size of its files.
        assert!(matches!(
            read(Path::new("/proc/self/maps"), Within::Anywhere, 10).unwrap_err().source,
            Cause::TooLarge { .. }
        ));
        fs::write(&file, b"\xff").unwrap();
        assert!(matches!(read_text(&file, Within::Anywhere).unwrap_err().source, Cause::NotText));
        symlink("nothing", project.join("dangling")).unwrap();
        for absent in ["absent", "dangling", "real/below"] {
            assert_eq!(read_text_if_present(&project.join(absent), Within::Folder(&project)).unwrap(), None);
        }
        symlink("loop", project.join("loop")).unwrap();
        assert!(read_text_if_present(&project.join("loop"), Within::Folder(&project)).is_err());
    }
}
