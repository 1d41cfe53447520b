//! Reads the checked-out commit of a folder without Git, which a build image may lack.

use std::path::{Path, PathBuf};

use crate::fs::{Within, read};

/// How many bytes of a file are read: a large repository has some megabytes of packed references.
const LARGEST: u64 = 64 << 20;

/// Returns the commit of the folder; none when it is not a repository, or has no commit yet.
pub(super) fn of(folder: &Path) -> Option<String> {
    let git = git_folder(folder)?;
    let head = text(&git.join("HEAD"))?;
    let Some(name) = head.trim().strip_prefix("ref: ") else { return commit(head.trim()) };
    // A linked work tree has its own HEAD; its branches are those of the repository.
    let common = text(&git.join("commondir")).map_or(git.clone(), |path| git.join(path.trim()));
    let loose = text(&common.join(name));
    loose.as_deref().map(str::trim).and_then(commit).or_else(|| {
        let packed = text(&common.join("packed-refs"))?;
        packed.lines().find_map(|line| commit(line.strip_suffix(name)?.trim_end()))
    })
}

fn git_folder(folder: &Path) -> Option<PathBuf> {
    let git = folder.join(".git");
    if git.is_dir() {
        return Some(git);
    }
    let text = text(&git)?;
    Some(folder.join(text.trim().strip_prefix("gitdir: ")?))
}

/// Reads a file of Git's, which may lie anywhere: the folder of a linked work tree is in another repository.
fn text(path: &Path) -> Option<String> {
    let bytes = read(path, Within::Anywhere, LARGEST).ok()?;
    String::from_utf8(bytes).ok()
}

fn commit(text: &str) -> Option<String> {
    (text.len() >= 40 && text.chars().all(|c| c.is_ascii_hexdigit())).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_commit_is_found_loose_packed_and_detached() {
        let folder = tempfile::tempdir().unwrap();
        let git = folder.path().join(".git");
        assert_eq!(of(folder.path()), None);
        fs::create_dir_all(git.join("refs/heads")).unwrap();
        let (one, two) = ("1".repeat(40), "2".repeat(40));
        fs::write(git.join("HEAD"), "ref: refs/heads/main\n").unwrap();
        assert_eq!(of(folder.path()), None);
        fs::write(git.join("packed-refs"), format!("# pack-refs\n{one} refs/heads/main\n")).unwrap();
        assert_eq!(of(folder.path()), Some(one.clone()));
        fs::write(git.join("refs/heads/main"), format!("{two}\n")).unwrap();
        assert_eq!(of(folder.path()), Some(two));
        fs::write(git.join("HEAD"), format!("{one}\n")).unwrap();
        assert_eq!(of(folder.path()), Some(one));
    }
}
