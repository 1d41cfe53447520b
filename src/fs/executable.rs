//! Programs by name: the first executable file in a list of folders.

use std::ffi::OsStr;
use std::fs::Metadata;
use std::path::PathBuf;

/// Returns the first file called `name` in `folders` that can be executed. Which folders of `PATH` count, and in which order,
/// is the caller's decision: relative ones lie in the current folder, where a project could put a program of that name.
pub fn find_executable(name: impl AsRef<OsStr>, folders: impl IntoIterator<Item = PathBuf>) -> Option<PathBuf> {
    let files = folders.into_iter().map(|folder| folder.join(name.as_ref()));
    files.into_iter().find(|file| file.metadata().is_ok_and(|metadata| is_executable(&metadata)))
}

/// Returns true for a regular file with an execute bit; outside Unix, for any regular file.
#[cfg(unix)]
#[must_use]
pub fn is_executable(metadata: &Metadata) -> bool {
    metadata.is_file() && std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o111 != 0
}

/// Returns true for a regular file with an execute bit; outside Unix, for any regular file.
#[cfg(not(unix))]
#[must_use]
pub fn is_executable(metadata: &Metadata) -> bool {
    metadata.is_file()
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_first_executable_file_is_found() {
        let world = tempfile::tempdir().unwrap();
        let folders: Vec<PathBuf> =
            ["none", "folder", "plain", "first", "second"].map(|name| world.path().join(name)).into();
        fs::create_dir_all(folders[1].join("tool")).unwrap();
        for (folder, mode) in [(&folders[2], 0o644), (&folders[3], 0o755), (&folders[4], 0o755)] {
            fs::create_dir(folder).unwrap();
            fs::write(folder.join("tool"), "").unwrap();
            fs::set_permissions(folder.join("tool"), fs::Permissions::from_mode(mode)).unwrap();
        }
        assert_eq!(find_executable("tool", folders.clone()), Some(folders[3].join("tool")));
        assert_eq!(find_executable("other", folders), None);
    }
}
