//! What can go wrong in the store, and what to do about it.

use std::io;
use std::path::PathBuf;

use crate::fs::{Cause, FileError};
use crate::model::{Explain, Kind};

/// A failure of the store.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file system refused something.
    #[error(transparent)]
    File(#[from] FileError),
    /// A receipt was written by a newer version of this program.
    #[error("{} has schema {schema}; this version of toolkit reads schemas up to {known}", .path.display())]
    NewerSchema {
        /// The receipt.
        path: PathBuf,
        /// Its schema.
        schema: u64,
        /// The newest schema that is understood.
        known: u64,
    },
    /// What stands in the place of a receipt is none.
    #[error("{} is not a whole receipt", .path.display())]
    Receipt {
        /// The file.
        path: PathBuf,
    },
    /// What stands in the place of a project's record is none.
    #[error("{} does not name a project", .path.display())]
    Record {
        /// The file.
        path: PathBuf,
    },
    /// A running program uses what was to be replaced.
    #[error("{name} is in use")]
    InUse {
        /// The install or the view.
        name: String,
    },
    /// A file list is not the one that its receipt vouches for.
    #[error("the file list {} cannot be trusted: {reason}", .path.display())]
    FileList {
        /// The file list.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// What was verified is not what the install is made of.
    #[error("{id} was not verified: {reason}")]
    Unproven {
        /// The install.
        id: String,
        /// What does not match.
        reason: String,
    },
    /// A verified archive unpacks to another tree than the one that the lock pins.
    #[error(
        "{id} was unpacked from its verified archive to other files than toolkit.lock pins\n  pinned {pinned}, unpacked {found}"
    )]
    OtherTree {
        /// The install.
        id: String,
        /// What the lock pins.
        pinned: String,
        /// What was unpacked.
        found: String,
    },
    /// A file of an install is not what its receipt says.
    #[error("{} is not the file that was installed", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// Something else stands where the store keeps a folder.
    #[error("{} should be a folder of the store and is {found}", .path.display())]
    Foreign {
        /// What was found in the way.
        path: PathBuf,
        /// What it is: a symbolic link, a file.
        found: &'static str,
    },
    /// Two members of a view disagree about a file that belongs to one version only.
    #[error("{first} and {second} contain different versions of {path} and cannot share one {view} root")]
    Conflict {
        /// The view.
        view: String,
        /// The file, relative to the root.
        path: String,
        /// The member that came first.
        first: String,
        /// The member that disagrees with it.
        second: String,
    },
    /// The folder to unpack into holds something.
    #[error("{} is not an empty folder", .path.display())]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// A file that this program did not make stands where a link should go.
    #[error("{} exists and is not a link into {}", .path.display(), .store.display())]
    NotOurs {
        /// The file.
        path: PathBuf,
        /// The store.
        store: PathBuf,
    },
    /// An executable to link is not in the store.
    #[error("{} is not an executable of an install", .path.display())]
    NoExecutable {
        /// The path that was to be linked.
        path: PathBuf,
    },
    /// This system has no symbolic links that anybody may make.
    #[error("executables cannot be linked into {} on this system", .path.display())]
    NoLinks {
        /// The folder.
        path: PathBuf,
    },
}

impl Error {
    /// Returns true if this user may not do what was tried.
    #[must_use]
    pub fn is_denied(&self) -> bool {
        use io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
        let Self::File(FileError { source: Cause::System(error), .. }) = self else { return false };
        matches!(error.kind(), PermissionDenied | ReadOnlyFilesystem)
    }
}

impl Explain for Error {
    fn kind(&self) -> Kind {
        match self {
            Self::File(source) => source.kind(),
            Self::NewerSchema { .. }
            | Self::Receipt { .. }
            | Self::Record { .. }
            | Self::InUse { .. }
            | Self::Foreign { .. }
            | Self::NoLinks { .. } => Kind::Machine,
            Self::FileList { .. }
            | Self::Unproven { .. }
            | Self::OtherTree { .. }
            | Self::Damaged { .. }
            | Self::Conflict { .. }
            | Self::NoExecutable { .. } => Kind::Integrity,
            Self::NotEmpty { .. } | Self::NotOurs { .. } => Kind::Usage,
        }
    }

    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::File(source) => {
                let mut hints = source.hints();
                hints.push(match &source.source {
                    Cause::System(error) if error.kind() == io::ErrorKind::StorageFull => {
                        "no partial files were left behind; `toolkit prune` frees space".to_owned()
                    }
                    _ => "no partial files were left behind".to_owned(),
                });
                return hints;
            }
            Self::NewerSchema { .. } => "update toolkit, or use another store with `TOOLKIT_HOME`".to_owned(),
            Self::Receipt { path } => format!(
                "`toolkit install` installs it again; to be rid of it, remove {}",
                path.parent().unwrap_or(path).display()
            ),
            Self::Record { path } => {
                format!("run `toolkit install` in that project, or remove {} when it is gone", path.display())
            }
            Self::InUse { .. } => {
                "nothing was changed; try again when the commands that `toolkit exec` runs with it have ended"
                    .to_owned()
            }
            Self::FileList { .. } | Self::Damaged { .. } | Self::NoExecutable { .. } => {
                "`toolkit repair` installs it again".to_owned()
            }
            Self::OtherTree { .. } => {
                return vec![
                    "nothing was installed; look at who changed the pin: `git log -p toolkit.lock`".to_owned(),
                    "`toolkit lock --trees` reads the archive and pins what it holds".to_owned(),
                ];
            }
            Self::Unproven { .. } => "nothing was installed; this is a bug in toolkit: please report it".to_owned(),
            Self::Foreign { path, .. } => format!("nothing was changed; move {} away and try again", path.display()),
            Self::Conflict { .. } => "nothing was changed; use them one at a time".to_owned(),
            Self::NotEmpty { .. } => "nothing was changed; name a folder that is empty or does not exist".to_owned(),
            Self::NotOurs { path, .. } => format!("no link was created; remove {} to have it linked", path.display()),
            Self::NoLinks { .. } => "use `toolkit env` instead".to_owned(),
        };
        vec![hint]
    }
}
