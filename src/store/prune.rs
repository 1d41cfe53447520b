//! What nobody needs any more: first reported, then removed, and never outside the store.

use super::error::Error;
use super::id::InstallId;
use super::removal::Removal;
use super::view::View;
use super::{INSTALLS, Install, RECEIPT, Store};

/// What a prune would remove.
#[derive(Debug)]
pub struct Prune {
    /// The installs that are not to be kept.
    pub installs: Vec<Install>,
    /// The views that lose a member.
    pub views: Vec<View>,
}

impl Store {
    /// Returns what a prune would remove when the installs that `keep` names are to stay. A view stays when all its members do.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn plan_prune(&self, keep: &dyn Fn(&InstallId) -> bool) -> Result<Prune, Error> {
        let (kept, installs): (Vec<_>, Vec<_>) = self.list()?.into_iter().partition(|install| keep(&install.id));
        let mut views = self.views()?;
        views.retain(|view| !view.members.iter().all(|member| kept.iter().any(|kept| kept.id.to_string() == *member)));
        Ok(Prune { installs, views })
    }

    /// Removes the views of which a member is gone and that nobody uses, and returns what was removed. What cannot be removed
    /// now, a later call removes.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn prune_views(&self, waiting: &dyn Fn(&str)) -> Result<Vec<View>, Error> {
        let mut views = self.views()?;
        // Asked for each member by itself: a member that another user keeps private is there as well.
        let is_there = |member: &String| {
            let receipt = self.root.join(INSTALLS).join(member).join(RECEIPT);
            !matches!(receipt.try_exists(), Ok(false))
        };
        views.retain(|view| !view.members.iter().all(is_there));
        views.retain(|view| matches!(self.remove_view(view, waiting), Ok(Removal::Removed)));
        Ok(views)
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
