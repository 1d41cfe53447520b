//! Where a build runs: a copy of the source that vanishes with it, or the source itself.

use std::fs::{self, File, FileTimes};
use std::path::{Path, PathBuf};

use super::error::Error;
use super::process::Group;
use super::user::User;
use super::{RunOptions, Stop};
use crate::fs::{At, TempDir};

/// The folders of a build. They are removed when this is dropped, and by another process when this one is killed.
#[derive(Debug)]
pub(super) struct Workspace {
    /// Everything below is the build's own; nobody else may look.
    pub(super) folder: PathBuf,
    /// Where the commands begin.
    pub(super) source: PathBuf,
    /// Where the shell and this program leave notes for each other.
    pub(super) control_dir: PathBuf,
    temporary: TempDir,
    /// Ends last: it outlives this process to remove the folder.
    _watch: Group,
}

impl Workspace {
    /// Makes the folders. With `shared` the user that [`admit`] admits may read and run what is in the copy.
    pub(super) fn new(options: &RunOptions, shared: bool, stop: &Stop) -> Result<Self, Error> {
        let temporary = TempDir::below(&options.temp, PREFIX)?;
        let folder = temporary.path().canonicalize().at("read", temporary.path())?;
        let watch = Group::start(&folder).map_err(|source| Error::Start { program: "sh".to_owned(), source })?;
        let control_dir = folder.join("tmp");
        let source = if options.in_place { options.source.clone() } else { folder.join("src") };
        let workspace = Self { folder, source, control_dir, temporary, _watch: watch };
        // The values of secrets stand in it.
        private_folder(&workspace.control_dir).at("create", &workspace.control_dir)?;
        if !options.in_place {
            let mut left_out = vec![workspace.folder.clone()];
            left_out.extend([&options.artifacts, &options.reports, &options.cache].into_iter().flatten().cloned());
            let left_out = left_out.iter().filter_map(|path| path.canonicalize().ok()).collect();
            let source = options.source.canonicalize().at("read", &options.source)?;
            Copy { left_out, shared, stop }.folder(&source, &workspace.source)?;
        }
        Ok(workspace)
    }

    /// Removes the copy.
    ///
    /// # Errors
    /// When a part of it stays.
    pub(super) fn remove(self) -> Result<(), Error> {
        Ok(self.temporary.close()?)
    }
}

/// Lets another user, and nobody else, into the folder of a build.
#[cfg(unix)]
pub(super) fn admit(folder: &Path, user: &User) -> Result<(), Error> {
    use std::os::unix::fs::{PermissionsExt, chown};
    chown(folder, None, Some(user.gid)).at("change the owner of", folder)?;
    Ok(fs::set_permissions(folder, fs::Permissions::from_mode(0o710)).at("change the mode of", folder)?)
}

#[cfg(not(unix))]
pub(super) fn admit(_: &Path, _: &User) -> Result<(), Error> {
    Ok(())
}

/// Makes a folder for its owner alone.
fn private_folder(path: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// What the names of workspaces begin with. A later build sweeps what neither this process nor its watch removed.
const PREFIX: &str = "toolkit-build-";

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
            // Sockets, pipes and devices are not a source.
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
    Ok(std::os::unix::fs::symlink(target, to).at("create", to)?)
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
    Ok(fs::set_permissions(path, permissions).at("change the mode of", path)?)
}

#[cfg(not(unix))]
pub(super) fn add_mode(_: &Path, _: u32) -> Result<(), Error> {
    Ok(())
}
