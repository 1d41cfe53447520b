//! Installs made visible: views for tools that share a root, folders for `PATH`, variables, links.

use std::path::{Path, PathBuf};

use super::{Error, Installed};
use crate::model::{Activation, Platform};
use crate::store::{Install, Store};
use crate::toolchain::{Settings, Toolchain};

/// One root that an environment shows: an install by itself, or the view of several.
#[derive(Debug, Clone)]
pub struct Visible {
    /// The tool whose rules apply to the root.
    pub tool: &'static dyn Toolchain,
    /// The root.
    pub root: PathBuf,
    /// Settings of the tool.
    pub settings: Settings,
    /// The platform it runs on.
    pub platform: Platform,
}

/// Groups installs into the roots that an environment shows; tools that share a root become one view.
///
/// # Errors
/// When a view cannot be composed.
pub fn members(installs: &[Installed], store: &Store) -> Result<Vec<Visible>, Error> {
    let mut visible: Vec<Visible> = Vec::new();
    let mut composed: Vec<&str> = Vec::new();
    for installed in installs {
        let tool = installed.asked.tool;
        let root = match tool.shared_root() {
            None => installed.install.root.clone(),
            Some(name) if composed.contains(&name) => continue,
            Some(name) => {
                composed.push(name);
                let sharing = installs.iter().filter(|other| other.asked.tool.shared_root() == Some(name));
                store.view(name, &by_rank(sharing))?.root
            }
        };
        let (settings, platform) = (installed.asked.settings.clone(), installed.install.id.platform);
        visible.push(Visible { tool, root, settings, platform });
    }
    Ok(visible)
}

/// Orders installs that share a root: the one with the newest runtime last, so that its unversioned files win.
fn by_rank<'a>(sharing: impl Iterator<Item = &'a Installed>) -> Vec<Install> {
    let mut ranked: Vec<_> = sharing
        .map(|installed| (installed.asked.tool.rank(&installed.install.root), &installed.install))
        .collect();
    ranked.sort_by(|(left, one), (right, other)| left.cmp(right).then_with(|| one.id.cmp(&other.id)));
    ranked.into_iter().map(|(_, install)| install.clone()).collect()
}

/// Gives what makes the roots visible, in their order.
#[must_use]
pub fn activate(visible: &[Visible]) -> Activation {
    let mut whole = Activation::default();
    for one in visible {
        let activation = one.tool.activation(&one.root, &one.settings);
        whole.paths.extend(activation.paths);
        for (name, value) in activation.vars {
            if !whole.vars.iter().any(|(known, _)| *known == name) {
                whole.vars.push((name, value));
            }
        }
    }
    whole
}

/// Puts links to the executables of every root into `folder`, and lists them.
///
/// # Errors
/// When something else than a link of this store is in the way; nothing is replaced then.
pub fn link(visible: &[Visible], folder: &Path, store: &Store) -> Result<Vec<PathBuf>, Error> {
    let targets: Vec<PathBuf> = visible
        .iter()
        .flat_map(|one| one.tool.executables(one.platform).into_iter().map(|name| one.root.join(name)))
        .collect();
    Ok(store.link(&targets, folder)?)
}
