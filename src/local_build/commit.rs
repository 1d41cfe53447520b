//! Reads which commit a folder has checked out, without Git: a build image may have none.

use std::fs;
use std::path::{Path, PathBuf};

/// Returns the commit of the folder; none when it is no repository, or has no commit yet.
pub(super) fn of(folder: &Path) -> Option<String> {
    let git = git_folder(folder)?;
    let head = fs::read_to_string(git.join("HEAD")).ok()?;
    let Some(name) = head.trim().strip_prefix("ref: ") else { return commit(head.trim()) };
    // A linked work tree has its own HEAD; its branches are those of the repository.
    let common = fs::read_to_string(git.join("commondir")).map(|path| git.join(path.trim())).unwrap_or(git);
    let loose = fs::read_to_string(common.join(name)).ok();
    loose.as_deref().map(str::trim).and_then(commit).or_else(|| {
        let packed = fs::read_to_string(common.join("packed-refs")).ok()?;
        packed.lines().find_map(|line| commit(line.strip_suffix(name)?.trim_end()))
    })
}

fn git_folder(folder: &Path) -> Option<PathBuf> {
    let git = folder.join(".git");
    if git.is_dir() {
        return Some(git);
    }
    let text = fs::read_to_string(&git).ok()?;
    Some(folder.join(text.trim().strip_prefix("gitdir: ")?))
}

fn commit(text: &str) -> Option<String> {
    (text.len() >= 40 && text.chars().all(|c| c.is_ascii_hexdigit())).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
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
