//! How far a project reaches. Links in it may lead anywhere in its repository, and no further: whoever sends a change may
//! send a link to `~/.netrc`.

use std::path::Path;

use super::find;
use crate::fs::{Links, Within, lexical};

/// Returns the folder that all files of the project in `folder` lie in: the top of its Git work tree, else `folder` itself.
#[must_use]
pub fn boundary(folder: &Path) -> &Path {
    folder.ancestors().find(|above| above.join(".git").exists()).unwrap_or(folder)
}

/// Returns where a file may lie that the user named in `cwd`: in the project when its name lies there, since it may be a
/// stranger's link, else anywhere.
#[must_use]
pub fn within<'a>(path: &Path, cwd: &'a Path) -> Within<'a> {
    let above = boundary(cwd);
    let root = if above == cwd { find(cwd).unwrap_or(cwd) } else { above };
    if lexical(&cwd.join(path)).starts_with(root) { Within::Folder(root) } else { Within::Anywhere }
}

/// Returns which links are followed to write a file that the user named in `cwd`, as [`within`] does for reading.
#[must_use]
pub fn links<'a>(path: &Path, cwd: &'a Path) -> Links<'a> {
    match within(path, cwd) {
        Within::Folder(root) => Links::Follow(root),
        Within::Anywhere => Links::FollowAnywhere,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_named_file_is_bounded_by_the_project_that_its_name_lies_in() {
        let world = tempfile::tempdir().unwrap();
        let (repository, plain) = (world.path().join("repository"), world.path().join("plain"));
        fs::create_dir_all(repository.join(".git")).unwrap();
        fs::create_dir_all(repository.join("sub")).unwrap();
        fs::create_dir_all(plain.join("sub")).unwrap();
        fs::write(plain.join("toolkit.toml"), "").unwrap();
        let sub = repository.join("sub");
        for (path, cwd, expected) in [
            ("go.mod", &sub, Within::Folder(&repository)),
            ("../go.mod", &sub, Within::Folder(&repository)),
            ("../../go.mod", &sub, Within::Anywhere),
            ("/etc/os-release", &sub, Within::Anywhere),
            ("go.mod", &plain.join("sub"), Within::Folder(&plain)),
            ("../../secret", &plain.join("sub"), Within::Anywhere),
            ("x", &world.path().to_owned(), Within::Folder(world.path())),
        ] {
            assert_eq!(within(Path::new(path), cwd), expected, "{path} in {}", cwd.display());
        }
        assert_eq!(boundary(&sub), repository);
        assert_eq!(boundary(&plain), plain);
    }
}
