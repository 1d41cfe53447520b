//! How an install is laid out on disk, and what follows from that for those who show or run it.

use std::ffi::OsString;
use std::path::Path;

use crate::host::Host;
use crate::model::{Extra, Platform, Version};
use crate::sandbox::Job;

/// How an install is laid out.
#[derive(Debug, Clone, Copy)]
pub enum Layout {
    /// A root of its own with what the upstream ships, and nothing else.
    Own,
    /// A root of its own, to which toolkit adds files.
    Completed(Completion),
    /// A root that several tools and versions share: their installs are shown as one view.
    Shared(SharedRoot),
    /// The root file system of an image: its program runs chrooted, and nothing of it goes on `PATH`.
    Chroot(Chroot),
}

/// What an install needs besides the files that the upstream ships.
#[derive(Debug, Clone, Copy)]
pub struct Completion {
    /// Lists the files that are added to the tree. They name no folder of the store, so that the tree is the same everywhere.
    pub files: fn(Platform) -> Vec<Extra>,
    /// Lists the files that name the place of the install at the path, each a name and a text. They stand in
    /// [`crate::store::placed_folder`] and are written again when the install is found elsewhere.
    pub placed: fn(&Path) -> Vec<(&'static str, String)>,
    /// Lists what only the user can do about an install: one sentence each. The last argument is the user's home.
    pub notes: fn(&Version, &Path, Option<&Path>) -> Vec<String>,
}

/// A root that several installs share.
#[derive(Debug, Clone, Copy)]
pub struct SharedRoot {
    /// The name of the root; installs with the same name share it.
    pub name: &'static str,
    /// Returns the version by which the install at a root is ranked: the highest brings the files that several have.
    pub rank: fn(&Path) -> Option<Version>,
    /// Folders in which the highest install wins although their paths have versions in them, because the upstream reuses
    /// those versions.
    pub overlapping: &'static [&'static str],
    /// Folders into which the tool itself puts files later: they are neither damage nor lost when the root is made again.
    pub added: &'static [&'static str],
}

/// A program that runs with its image's tree as the root file system, and never in the machine's own.
#[derive(Debug, Clone, Copy)]
pub struct Chroot {
    /// The program, in that root.
    pub program: &'static str,
    /// The purpose of the pipeline jobs that can run in the image; none where it has no shell.
    pub job_image: Option<&'static str>,
    /// Finds what a run of the program with these arguments needs of the machine. The error says what is wrong with them.
    pub prepare: fn(&Host, &str, &[OsString]) -> Result<Job, String>,
}

impl Layout {
    /// Returns the shared root, if it is one.
    #[must_use]
    pub fn shared(self) -> Option<SharedRoot> {
        if let Self::Shared(shared) = self { Some(shared) } else { None }
    }

    /// Returns what it takes to run the program chrooted, if that is how it runs.
    #[must_use]
    pub fn chroot(self) -> Option<Chroot> {
        if let Self::Chroot(chroot) = self { Some(chroot) } else { None }
    }

    /// Lists the files that toolkit adds to the tree of an install.
    #[must_use]
    pub fn added_files(self, platform: Platform) -> Vec<Extra> {
        if let Self::Completed(completion) = self { (completion.files)(platform) } else { Vec::new() }
    }

    /// Lists the files that name the place of an install at `root`, each a name and a text.
    #[must_use]
    pub fn placed_files(self, root: &Path) -> Vec<(&'static str, String)> {
        if let Self::Completed(completion) = self { (completion.placed)(root) } else { Vec::new() }
    }

    /// Lists what only the user can do about an install of `version` at `root`.
    #[must_use]
    pub fn notes(self, version: &Version, root: &Path, home: Option<&Path>) -> Vec<String> {
        if let Self::Completed(completion) = self { (completion.notes)(version, root, home) } else { Vec::new() }
    }
}
