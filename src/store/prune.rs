//! Removes installs and views: first reported, then done, and never outside the store.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use super::error::Error;
use super::id::InstallId;
use super::lock::Lock;
use super::staging::Scratch;
use super::view::View;
use super::{Install, Store};
use crate::fs::{At, is_absent};

/// What a prune would remove.
#[derive(Debug)]
pub struct Prune {
    /// The installs that are not to be kept.
    pub installs: Vec<Install>,
    /// The views that lose a member.
    pub views: Vec<View>,
}

impl Store {
    /// Removes the install whose lock is held; returns true if there was one. It is moved out of sight by one rename
    /// before anything is deleted, so that a kill leaves no half of it.
    ///
    /// # Errors
    /// [`Error::Foreign`] when a link stands where the store keeps a folder; when something cannot be deleted.
    pub fn remove(&self, lock: &Lock) -> Result<bool, Error> {
        self.remove_folder(&self.install_folder(&lock.id))
    }

    /// Returns what a prune would remove when these installs are to stay. A view stays when all its members do.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn plan_prune(&self, keep: &HashSet<InstallId>) -> Result<Prune, Error> {
        let (kept, installs): (Vec<_>, Vec<_>) =
            self.list()?.into_iter().partition(|install| keep.contains(&install.id));
        let kept: HashSet<String> = kept.iter().map(|install| install.id.to_string()).collect();
        let mut views = self.views()?;
        views.retain(|view| !view.members.iter().all(|member| kept.contains(member)));
        Ok(Prune { installs, views })
    }

    /// Carries out a plan, and sweeps staging. Waits for whoever is installing one of them; what is gone already is fine.
    ///
    /// # Errors
    /// As [`Store::remove`]; what was removed until then stays removed.
    pub fn prune(&self, plan: &Prune, waiting: &dyn Fn(&str)) -> Result<(), Error> {
        self.sweep()?;
        for view in &plan.views {
            self.remove_view(view, waiting)?;
        }
        for install in &plan.installs {
            self.remove(&self.lock(&install.id, waiting)?)?;
        }
        Ok(())
    }

    /// Moves a folder of the store into staging and deletes it there.
    pub(super) fn remove_folder(&self, folder: &Path) -> Result<bool, Error> {
        self.own(folder.parent().expect("every folder that is removed lies in the store"))?;
        match fs::symlink_metadata(folder) {
            Err(error) if is_absent(&error) => return Ok(false),
            outcome => outcome.at("look at", folder)?,
        };
        let scratch = Scratch::new(self)?;
        let removed = scratch.take(folder)?.is_some();
        scratch.discard()?;
        Ok(removed)
    }
}

impl Prune {
    /// Returns true if there is nothing to remove.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.installs.is_empty() && self.views.is_empty()
    }

    /// Counts the bytes that would come free. Views share theirs with the installs and count nothing.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.installs.iter().map(Install::bytes).sum()
    }
}
