//! The effects of unpacking on a file system: folders, files and links below one root, and nothing else.
//!
//! [`super::tree::Tree`] decides what may be made, from what it made itself. What is here is the second lock: on Unix
//! every step goes through the handle of an open folder, follows no link and replaces nothing.

#[cfg(not(unix))]
pub(super) use portable::Disk;
#[cfg(unix)]
pub(super) use unix::Disk;

/// The permission bits of every folder.
const FOLDER: u32 = 0o755;

#[cfg(unix)]
mod unix {
    use std::fs::File;
    use std::io;
    use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
    use std::path::Path;

    use rustix::fs::{AtFlags, CWD, Mode, OFlags};

    use crate::archive::path;

    /// A root folder, with the folders that lead to the last place of work kept open: neighbours in an archive are
    /// neighbours on disk, so that most steps look up one name.
    #[derive(Debug)]
    pub(in crate::archive) struct Disk {
        root: OwnedFd,
        open: Vec<(String, OwnedFd)>,
        /// Whether the process's umask takes bits away.
        masked: bool,
    }

    impl Disk {
        pub(in crate::archive) fn open(root: &Path) -> io::Result<Self> {
            let root = rustix::fs::openat(CWD, root, folder_flags(), Mode::empty())?;
            let masked = masks_bits(root.as_fd())?;
            Ok(Self { root, open: Vec::new(), masked })
        }

        pub(in crate::archive) fn folder(&mut self, path: &str) -> io::Result<()> {
            let (masked, mode) = (self.masked, Mode::from_raw_mode(super::FOLDER as _));
            let (parent, name) = self.place(path)?;
            rustix::fs::mkdirat(parent, name, mode)?;
            if masked {
                rustix::fs::chmodat(parent, name, mode, AtFlags::empty())?;
            }
            Ok(())
        }

        pub(in crate::archive) fn file(&mut self, path: &str, mode: u32) -> io::Result<File> {
            let (masked, mode) = (self.masked, Mode::from_raw_mode(mode as _));
            let (parent, name) = self.place(path)?;
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let file = rustix::fs::openat(parent, name, flags, mode)?;
            if masked {
                rustix::fs::fchmod(&file, mode)?;
            }
            Ok(file.into())
        }

        pub(in crate::archive) fn symbolic_link(&mut self, path: &str, target: &str) -> io::Result<()> {
            let (parent, name) = self.place(path)?;
            Ok(rustix::fs::symlinkat(target, parent, name)?)
        }

        pub(in crate::archive) fn hard_link(&mut self, path: &str, target: &str) -> io::Result<()> {
            let (folder, target) = self.place(target)?;
            let folder = folder.try_clone_to_owned()?;
            let (parent, name) = self.place(path)?;
            Ok(rustix::fs::linkat(&folder, target, parent, name, AtFlags::empty())?)
        }

        pub(in crate::archive) fn remove(&mut self, path: &str, is_folder: bool) -> io::Result<()> {
            let (parent, name) = self.place(path)?;
            let flags = if is_folder { AtFlags::REMOVEDIR } else { AtFlags::empty() };
            Ok(rustix::fs::unlinkat(parent, name, flags)?)
        }

        /// Opens the folder that holds `path` and gives it with the last part of the path.
        fn place<'p>(&mut self, path: &'p str) -> io::Result<(BorrowedFd<'_>, &'p str)> {
            let parent = path::parent(path);
            let mut shared = 0;
            for part in parent.split('/').filter(|part| !part.is_empty()) {
                if self.open.get(shared).is_none_or(|(name, _)| name != part) {
                    self.open.truncate(shared);
                    let folder = rustix::fs::openat(self.deepest(), part, folder_flags(), Mode::empty())?;
                    self.open.push((part.to_owned(), folder));
                }
                shared += 1;
            }
            self.open.truncate(shared);
            let name = path.get(parent.len()..).unwrap_or_default().trim_start_matches('/');
            Ok((self.deepest(), name))
        }

        fn deepest(&self) -> BorrowedFd<'_> {
            self.open.last().map_or(self.root.as_fd(), |(_, folder)| folder.as_fd())
        }
    }

    fn folder_flags() -> OFlags {
        OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC
    }

    /// Returns true if the umask hides bits that are to be set, by trying: to read a umask is to change it, for all threads.
    fn masks_bits(root: BorrowedFd<'_>) -> io::Result<bool> {
        const PROBE: &str = ".umask";
        let full = Mode::from_raw_mode(super::FOLDER as _);
        rustix::fs::mkdirat(root, PROBE, full)?;
        let found = rustix::fs::statat(root, PROBE, AtFlags::SYMLINK_NOFOLLOW).map(|stat| stat.st_mode);
        rustix::fs::unlinkat(root, PROBE, AtFlags::REMOVEDIR)?;
        Ok(!Mode::from_raw_mode(found?).contains(full))
    }
}

/// The same by paths, for systems without folder handles. Permission bits have no meaning there.
#[cfg(not(unix))]
mod portable {
    use std::fs::{self, File};
    use std::io;
    use std::path::{Path, PathBuf};

    #[derive(Debug)]
    pub(in crate::archive) struct Disk {
        root: PathBuf,
    }

    impl Disk {
        pub(in crate::archive) fn open(root: &Path) -> io::Result<Self> {
            Ok(Self { root: fs::canonicalize(root)? })
        }

        pub(in crate::archive) fn folder(&mut self, path: &str) -> io::Result<()> {
            fs::create_dir(self.root.join(path))
        }

        pub(in crate::archive) fn file(&mut self, path: &str, _: u32) -> io::Result<File> {
            File::create_new(self.root.join(path))
        }

        pub(in crate::archive) fn symbolic_link(&mut self, _: &str, _: &str) -> io::Result<()> {
            Err(io::Error::new(io::ErrorKind::Unsupported, "symbolic links are not made on this system"))
        }

        pub(in crate::archive) fn remove(&mut self, path: &str, is_folder: bool) -> io::Result<()> {
            let path = self.root.join(path);
            if is_folder { fs::remove_dir(path) } else { fs::remove_file(path) }
        }

        pub(in crate::archive) fn hard_link(&mut self, path: &str, target: &str) -> io::Result<()> {
            fs::hard_link(self.root.join(target), self.root.join(path))
        }
    }
}
