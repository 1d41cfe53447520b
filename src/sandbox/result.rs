//! What a program has made, taken out of its root: whole, by one rename, and never through a link that it may have left.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use super::error::{At, Error};
use super::{Taken, place};

/// Takes a result out.
pub(super) fn take(root: &Path, taken: &Taken) -> Result<(), Error> {
    let from = place::outside(root, &taken.inside);
    let found = fs::symlink_metadata(&from).ok().filter(|_| place::is_real(root, &taken.inside));
    let missing = |reason| Err(Error::Result { to: taken.to.clone(), reason });
    let Some(found) = found else { return missing("the program did not make it") };
    let beside = taken.to.with_file_name(format!(
        ".{}.{:016x}.part",
        taken.to.file_name().unwrap_or_default().to_string_lossy(),
        fastrand::u64(..)
    ));
    let made = if found.is_dir() {
        files_only(&from)
            .at("read", &from)
            .and_then(|fine| if fine { place::copy(&from, &beside) } else { missing("the program put a link into it") })
    } else if found.is_file() {
        copied(&from, &beside).at("write", &beside)
    } else {
        missing("the program made no file of it")
    };
    let moved = made.and_then(|()| fs::rename(&beside, &taken.to).at("write", &taken.to));
    if moved.is_err() {
        // The error is the one to tell; there may be nothing to remove.
        let _ = if found.is_dir() { fs::remove_dir_all(&beside) } else { fs::remove_file(&beside) };
    }
    moved
}

/// Copies the contents alone: a result has the permission bits of any new file.
fn copied(from: &Path, to: &Path) -> io::Result<()> {
    io::copy(&mut File::open(from)?, &mut File::create_new(to)?).map(|_| ())
}

fn files_only(folder: &Path) -> io::Result<bool> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if !(kind.is_file() || kind.is_dir() && files_only(&entry.path())?) {
            return Ok(false);
        }
    }
    Ok(true)
}
