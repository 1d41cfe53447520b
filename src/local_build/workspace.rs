//! Where a build runs: a copy of the source that vanishes with it, or the source itself.

use std::fs::{self, DirBuilder, File, FileTimes};
use std::io;
use std::path::{Path, PathBuf};

use super::error::{At, Error};
use super::{RunOptions, Stop};

/// The folders of a build. They are removed when this is dropped.
#[derive(Debug)]
pub(super) struct Workspace {
    /// Everything below is the build's own; nobody else may look.
    pub(super) folder: PathBuf,
    /// Where the commands begin.
    pub(super) source: PathBuf,
    /// Where the shell and this program leave notes for each other.
    pub(super) control_dir: PathBuf,
    removed: bool,
}

impl Workspace {
    /// Makes the folders. With `shared` other users may read and run what is in the copy.
    pub(super) fn new(settings: &RunOptions, shared: bool, stop: &Stop) -> Result<Self, Error> {
        let folder = private_folder(&settings.temp)?;
        let control_dir = folder.join("tmp");
        let source = if settings.in_place { settings.source.clone() } else { folder.join("src") };
        let place = Self { folder, source, control_dir, removed: false };
        fs::create_dir(&place.control_dir).at("create", &place.control_dir)?;
        if shared {
            add_mode(&place.folder, 0o711)?;
        }
        if !settings.in_place {
            let mut left_out = vec![place.folder.clone()];
            left_out.extend([&settings.artifacts, &settings.reports, &settings.cache].into_iter().flatten().cloned());
            let left_out = left_out.iter().filter_map(|path| path.canonicalize().ok()).collect();
            let source = settings.source.canonicalize().at("read", &settings.source)?;
            Copy { left_out, shared, stop }.folder(&source, &place.source)?;
        }
        Ok(place)
    }

    /// Removes the copy.
    ///
    /// # Errors
    /// When a part of it stays.
    pub(super) fn remove(mut self) -> Result<(), Error> {
        self.removed = true;
        delete(&self.folder).at("remove", &self.folder)
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        if !self.removed {
            let _ = delete(&self.folder);
        }
    }
}

/// Makes a folder of mode 0700 under a random name.
fn private_folder(parent: &Path) -> Result<PathBuf, Error> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    loop {
        let path = parent.join(format!("toolkit-build-{:016x}", fastrand::u64(..)));
        match builder.create(&path) {
            Ok(()) => return path.canonicalize().at("read", &path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error).at("create", &path),
        }
    }
}

/// Removes a folder in spite of read-only folders inside; Go's module cache is made of them.
fn delete(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            open_up(folder)?;
            fs::remove_dir_all(folder)
        }
        outcome => outcome,
    }
}

fn open_up(folder: &Path) -> io::Result<()> {
    let mut permissions = fs::symlink_metadata(folder)?.permissions();
    #[cfg(unix)]
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o700);
    #[cfg(not(unix))]
    permissions.set_readonly(false);
    fs::set_permissions(folder, permissions)?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            open_up(&entry.path())?;
        }
    }
    Ok(())
}

/// Copies a tree: `.git`, modes, times and links as they are. Never by hard links, since builds write into their source.
struct Copy<'a> {
    left_out: Vec<PathBuf>,
    shared: bool,
    stop: &'a Stop,
}

impl Copy<'_> {
    fn folder(&self, from: &Path, to: &Path) -> Result<(), Error> {
        self.stop.check()?;
        fs::create_dir(to).at("create", to)?;
        for entry in fs::read_dir(from).at("read", from)? {
            let entry = entry.at("read", from)?;
            let (path, target) = (entry.path(), to.join(entry.file_name()));
            let kind = entry.file_type().at("read", &path)?;
            if self.left_out.contains(&path) {
                continue;
            }
            if kind.is_dir() {
                self.folder(&path, &target)?;
            } else if kind.is_symlink() {
                link(&path, &target)?;
            } else if kind.is_file() {
                self.stop.check()?;
                copy_file(&path, &target)?;
                if self.shared {
                    add_mode(&target, 0o444)?;
                }
            }
            // Sockets, pipes and devices are no source.
        }
        let metadata = fs::metadata(from).at("read", from)?;
        fs::set_permissions(to, metadata.permissions()).at("change the mode of", to)?;
        add_mode(to, if self.shared { 0o755 } else { 0o700 })
    }
}

/// Copies a file with its mode and its times: `make` compares them.
pub(super) fn copy_file(from: &Path, to: &Path) -> Result<(), Error> {
    fs::copy(from, to).at("copy", from)?;
    let metadata = fs::metadata(from).at("read", from)?;
    if let Ok(modified) = metadata.modified() {
        // A read-only copy cannot be opened to set its time, which then only costs a rebuild.
        let _ = File::options()
            .write(true)
            .open(to)
            .and_then(|file| file.set_times(FileTimes::new().set_modified(modified)));
    }
    Ok(())
}

/// Copies a link as a link.
#[cfg(unix)]
pub(super) fn link(from: &Path, to: &Path) -> Result<(), Error> {
    let target = fs::read_link(from).at("read", from)?;
    std::os::unix::fs::symlink(target, to).at("create", to)
}

#[cfg(not(unix))]
pub(super) fn link(from: &Path, to: &Path) -> Result<(), Error> {
    copy_file(from, to)
}

/// Allows more than was allowed.
#[cfg(unix)]
pub(super) fn add_mode(path: &Path, mode: u32) -> Result<(), Error> {
    use std::os::unix::fs::PermissionsExt;
    let mut permissions = fs::metadata(path).at("read", path)?.permissions();
    permissions.set_mode(permissions.mode() | mode);
    fs::set_permissions(path, permissions).at("change the mode of", path)
}

#[cfg(not(unix))]
pub(super) fn add_mode(_: &Path, _: u32) -> Result<(), Error> {
    Ok(())
}
