//! Installs and views in use: a shared lock on the receipt, which lasts until the last process with the descriptor ends.
//!
//! The receipt is there for every install, also in a store that cannot be written to, and is readable for whoever can use the
//! install. It is locked through a descriptor for reading, so that nothing has to be created to hold an install.

use std::fs::{self, File, Metadata, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::RECEIPT;
use super::error::Error;
use crate::fs::{Cause, FileError, Within, is_absent};

/// How long to wait for a holder before something counts as in use: other commands hold installs for a moment only.
const PATIENCE: Duration = Duration::from_millis(200);

/// How long to wait for whoever removes or replaces what is to be held: for one rename.
const RENAME: Duration = Duration::from_secs(1);

const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// Keeps an install or a view from being removed or replaced, for as long as this or a clone of it lives.
#[derive(Debug, Clone)]
pub struct Hold {
    file: Arc<File>,
    receipt: PathBuf,
}

/// The descriptors by which programs that this process becomes go on holding.
#[cfg(unix)]
#[derive(Debug)]
pub struct Inherited(#[expect(dead_code, reason = "it only has to live")] Vec<std::os::fd::OwnedFd>);

/// What came of an attempt to hold something.
#[derive(Debug)]
pub(super) enum Attempt {
    Held(Hold),
    /// It is there, and this file system or its users do not let it be held.
    Unheld,
    /// It is not there, or was removed meanwhile.
    Gone,
}

impl Hold {
    /// Returns true if what is held is still in its place. It is not when somebody deletes files of the store by other means.
    #[must_use]
    pub fn is_in_place(&self) -> bool {
        stands_at(&self.file, &self.receipt).unwrap_or(true)
    }

    /// Makes the programs that this process becomes or starts hold the same, until they and their children have ended. Where
    /// the system has no descriptor left, they run without.
    #[cfg(unix)]
    pub fn inherit<'a>(holds: impl IntoIterator<Item = &'a Self>) -> Inherited {
        use rustix::io::{FdFlags, fcntl_dupfd_cloexec, fcntl_setfd};
        // Scripts use small numbers for files of their own, and would close ours by that.
        const LOWEST: i32 = 100;
        let inheritable = |hold: &Self| {
            let file = &*hold.file;
            let copy = fcntl_dupfd_cloexec(file, LOWEST).or_else(|_| fcntl_dupfd_cloexec(file, 3)).ok()?;
            fcntl_setfd(&copy, FdFlags::empty()).ok()?;
            Some(copy)
        };
        Inherited(holds.into_iter().filter_map(inheritable).collect())
    }
}

/// Holds what the receipt in `folder` is about.
pub(super) fn hold(folder: &Path) -> Result<Attempt, Error> {
    let path = folder.join(RECEIPT);
    if !cfg!(unix) {
        // Windows keeps files that are open from being renamed anyway.
        return Ok(if path.is_file() { Attempt::Unheld } else { Attempt::Gone });
    }
    let until = Instant::now() + RENAME;
    loop {
        let file = match crate::fs::open(&path, Within::Anywhere) {
            Ok(file) => file,
            Err(error) if error.is_absent() || matches!(error.source, Cause::NotRegular { .. }) => {
                return Ok(Attempt::Gone);
            }
            Err(error) => return Err(error.into()),
        };
        match file.try_lock_shared() {
            Ok(()) if stands_at(&file, &path)? => {
                return Ok(Attempt::Held(Hold { file: Arc::new(file), receipt: path }));
            }
            // What was opened has been removed or replaced by now.
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => std::thread::sleep(POLL_INTERVAL),
            // A file system without locks.
            Err(TryLockError::Error(_)) => return Ok(Attempt::Unheld),
        }
        if Instant::now() > until {
            return Ok(Attempt::Unheld);
        }
    }
}

/// The right to move something away that nobody holds; none is needed where nobody could hold it.
#[derive(Debug)]
pub(super) struct Exclusive(#[expect(dead_code, reason = "it only has to live")] Option<File>);

/// Takes the right to move `folder` away; none while somebody holds what is in it.
pub(super) fn exclusive(folder: &Path) -> Result<Option<Exclusive>, Error> {
    let path = folder.join(RECEIPT);
    if !cfg!(unix) || !super::is_folder(folder)? {
        return Ok(Some(Exclusive(None)));
    }
    let Ok(mut file) = crate::fs::open(&path, Within::Anywhere) else {
        // Without a receipt that can be read there is no install that could be in use.
        return Ok(Some(Exclusive(None)));
    };
    let until = Instant::now() + PATIENCE;
    let mut writable = false;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Some(Exclusive(Some(file)))),
            Err(TryLockError::WouldBlock) if Instant::now() < until => std::thread::sleep(POLL_INTERVAL),
            Err(TryLockError::WouldBlock) => return Ok(None),
            // NFS locks exclusively by descriptors for writing only.
            Err(TryLockError::Error(_)) if !writable => match OpenOptions::new().read(true).write(true).open(&path) {
                Ok(opened) => (file, writable) = (opened, true),
                Err(_) => return Ok(Some(Exclusive(None))),
            },
            Err(TryLockError::Error(_)) => return Ok(Some(Exclusive(None))),
        }
    }
}

/// Returns true if an open file is still the one at `path`.
fn stands_at(file: &File, path: &Path) -> Result<bool, Error> {
    let failed = |error: io::Error| Error::from(FileError::new("look at", path, error));
    match fs::metadata(path) {
        Ok(there) => Ok(same(&there, &file.metadata().map_err(failed)?)),
        Err(error) if is_absent(&error) => Ok(false),
        Err(error) => Err(failed(error)),
    }
}

#[cfg(unix)]
fn same(one: &Metadata, other: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

#[cfg(not(unix))]
fn same(_: &Metadata, _: &Metadata) -> bool {
    true
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(RECEIPT), "{}").unwrap();
        folder
    }

    #[test]
    fn what_is_held_is_not_moved_away() {
        let folder = folder();
        let Attempt::Held(held) = hold(folder.path()).unwrap() else { panic!("not held") };
        let Attempt::Held(other) = hold(folder.path()).unwrap() else { panic!("not held twice") };
        drop(held);
        assert!(exclusive(folder.path()).unwrap().is_none());
        drop(other);
        assert!(exclusive(folder.path()).unwrap().is_some());
    }

    #[test]
    fn what_was_replaced_before_it_was_held_is_held_as_it_is_now() {
        let folder = folder();
        let right = exclusive(folder.path()).unwrap().unwrap();
        std::thread::scope(|scope| {
            let holding = scope.spawn(|| hold(folder.path()).unwrap());
            fs::rename(folder.path().join(RECEIPT), folder.path().join("away")).unwrap();
            fs::write(folder.path().join(RECEIPT), "{}").unwrap();
            drop(right);
            assert!(matches!(holding.join().unwrap(), Attempt::Held(_)));
        });
        assert!(exclusive(folder.path()).unwrap().is_some());
        fs::remove_file(folder.path().join(RECEIPT)).unwrap();
        assert!(matches!(hold(folder.path()).unwrap(), Attempt::Gone));
        assert!(exclusive(folder.path()).unwrap().is_some(), "nobody holds what is not there");
    }

    #[test]
    fn a_program_that_inherits_a_hold_keeps_it_until_its_children_have_ended() {
        let folder = folder();
        let Attempt::Held(held) = hold(folder.path()).unwrap() else { panic!("not held") };
        let inherited = Hold::inherit([&held]);
        // A shell that ends at once and leaves a child behind, which ends when its input does.
        let mut shell = std::process::Command::new("sh")
            .args(["-c", "exec 3<&0; cat <&3 >/dev/null 2>&1 & echo"])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        drop((held, inherited));
        let input = shell.stdin.take();
        assert!(shell.wait().unwrap().success());
        assert!(exclusive(folder.path()).unwrap().is_none(), "its child still runs");
        drop(input);
        let until = Instant::now() + Duration::from_secs(20);
        while exclusive(folder.path()).unwrap().is_none() {
            assert!(Instant::now() < until, "nobody is left to hold it");
        }
    }
}
