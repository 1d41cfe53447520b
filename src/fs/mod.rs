//! Files of this machine, touched in one way each: read within bounds, replaced whole, temporary and cleaned up.
//! Nothing here follows a link by accident, waits for a pipe, or leaves half of a file under its name.
//!
//! | task | here |
//! |---|---|
//! | read a file that a stranger may have put into a project | [`read`], [`read_text`], [`open`] with [`Within::Folder`] |
//! | read a file that was found, not named | [`read_found`] |
//! | replace a file or a link | [`replace`], [`Replacement`], [`replace_link`] |
//! | a private folder until a process ends | [`TempDir`], [`sweep`] |
//! | find a program | [`find_executable`] |

mod delete;
mod error;
mod executable;
mod names;
mod read;
mod replace;
mod temporary;

use std::io;
use std::path::{Component, Path, PathBuf};

pub use delete::{delete, make_writable};
pub use error::{At, Cause, FileError};
pub use executable::{find_executable, is_executable};
pub use names::beside;
pub use read::{
    LARGEST, Within, make_folder, open, planted_by, read, read_found, read_stream, read_text, read_text_if_present,
};
pub use replace::{Durability, Links, Replacement, replace, replace_link, symlink};
pub use temporary::{Maker, TempDir, maker_of, nameless_file, sweep};

/// Returns true if an error says that there is no such file or folder.
#[must_use]
pub fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Takes `.` and `..` out of a path, by its text alone.
#[must_use]
pub fn lexical(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(out.components().next_back(), Some(Component::Normal(_))) => {
                out.pop();
            }
            Component::ParentDir if matches!(out.components().next_back(), Some(Component::RootDir)) => {}
            other => out.push(other),
        }
    }
    out
}
