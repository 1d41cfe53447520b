//! What a program has made, taken out of its root: whole, by one rename, and never through a link that it may have left.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use super::error::Error;
use super::{Taken, place};
use crate::fs::{At, Durability, Links, Replacement, TempDir};

/// Takes a result out.
pub(super) fn take(root: &Path, taken: &Taken) -> Result<(), Error> {
    let from = place::outside(root, &taken.inside);
    let found = fs::symlink_metadata(&from).ok().filter(|_| place::is_real(root, &taken.inside));
    let missing = |reason| Err(Error::Result { to: taken.to.clone(), reason });
    let Some(found) = found else { return missing("the program did not create it") };
    if found.is_dir() {
        if !files_only(&from).at("read", &from)? {
            return missing("the program put a link into it");
        }
        let temporary = TempDir::beside(&taken.to)?;
        let made = temporary.path().join("made");
        place::copy(&from, &made)?;
        return Ok(fs::rename(made, &taken.to).at("write", &taken.to)?);
    }
    if !found.is_file() {
        return missing("the program did not create a regular file");
    }
    let mut replacement = Replacement::new(&taken.to, Links::Replace)?;
    let copied = File::open(&from).and_then(|mut file| io::copy(&mut file, &mut replacement));
    copied.at("write", &taken.to)?;
    Ok(replacement.commit(Durability::Cached)?)
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
