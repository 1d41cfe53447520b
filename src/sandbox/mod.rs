//! A program in a root file system of its own: a copy of an install's tree, with a few things of the machine brought in.
//! Whatever the program does to the files that it sees, those of the machine and of the store stay as they are.
//!
//! ```text
//! toolkit exec        makes a private folder, waits, passes signals on, takes the results out, removes the folder
//!  └─ first step      copies the tree and what is brought in; leaves the mounts and processes of the machine behind
//!      └─ second step shares folders read-only, changes its root, starts the program, passes signals on
//!          └─ program
//! ```
//!
//! The two steps are this program again. The second one is the first process of a process namespace of its own: when it
//! ends, whatever is left in there ends. Where namespaces are not allowed (most containers), there are no mounts either:
//! folders are copied instead of shared, and the program gets a `/proc` that only says so. Either way the second step gives
//! up what Docker does not let a container do, before it starts the program.

#[cfg(target_os = "linux")]
mod confine;
#[cfg(not(target_os = "linux"))]
mod elsewhere;
mod error;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
mod place;
#[cfg(target_os = "linux")]
mod result;
#[cfg(target_os = "linux")]
mod supervise;

use std::ffi::OsString;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

#[cfg(not(target_os = "linux"))]
pub use elsewhere::{first_step, possible, run, second_step};
pub use error::Error;
#[cfg(target_os = "linux")]
pub use linux::{first_step, possible, run, second_step};

/// A program to run, and what it needs of the machine. Paths inside are absolute, and mean the program's own root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// The program, inside.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// Its whole environment.
    pub vars: Vec<(String, String)>,
    /// Where it starts, inside.
    pub folder: PathBuf,
    /// What is brought in.
    pub brought: Vec<Brought>,
    /// What is taken out when the program has succeeded.
    pub results: Vec<Taken>,
}

/// A file or folder of the machine that the program sees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Brought {
    /// Where it is on the machine.
    pub from: PathBuf,
    /// Where the program finds it.
    pub inside: PathBuf,
    /// How it comes there.
    pub how: How,
}

/// Whether the machine lets a sandbox mount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mounts {
    /// It does.
    Allowed,
    /// It does not, as in most containers: what would be mounted is copied.
    Denied,
}

/// How something comes into a root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum How {
    /// Read-only and without a copy where the machine allows mounts; copied elsewhere.
    Shared,
    /// A copy of a file of which the program sees that it is mounted, where mounts are allowed: programs that empty their
    /// root leave such files alone.
    Mounted,
    /// A copy of a file, with these permission bits.
    Copied(u32),
}

/// A file or folder that the program makes and that belongs on the machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// Where the program leaves it.
    pub inside: PathBuf,
    /// Where it belongs.
    pub to: PathBuf,
}

/// What the two steps must know. It stands in a file of the private folder.
#[derive(Debug, Serialize, Deserialize)]
struct Plan {
    /// The tree of the install, of which the root is a copy.
    tree: PathBuf,
    /// The private folder.
    scratch: PathBuf,
    job: Job,
}
