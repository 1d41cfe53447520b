//! Installs made visible: views for tools that share a root, folders for `PATH`, variables, links.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Error, Installed};
use crate::fs::is_executable;
use crate::host::Host;
use crate::model::{Activation, Executable, ExtraKind, Os, Platform, ToolName, Version};
use crate::report::Report;
use crate::store::{self, Composition, Hold, Install, Linked, Store, View};
use crate::text::all_of;
use crate::toolchain::{self, SharedRoot, Toolchain};

/// One root that an environment shows: an install by itself, or the view of several.
#[derive(Debug, Clone)]
pub struct Visible {
    /// The tool whose rules apply to the root.
    pub tool: Arc<dyn Toolchain>,
    /// The root.
    pub root: PathBuf,
    /// Settings of the tool.
    pub settings: Vec<(String, String)>,
    /// The platform it runs on.
    pub platform: Platform,
    /// Keep what it shows from being removed: the install, or the view and its members.
    pub holds: Vec<Hold>,
    /// The version that was requested; of several in one root, the first.
    version: Version,
    /// The executables that the project names, where it defines the tool itself.
    named: Vec<Executable>,
}

impl Visible {
    /// Checks that every executable of the tool is there and can be run. A shell would look for one that is not in the rest
    /// of `PATH`, and run the machine's own.
    ///
    /// # Errors
    /// The first executable that cannot be run.
    pub fn check(&self) -> Result<(), Error> {
        let added = self.tool.card().layout.added_files(self.platform).into_iter();
        let links = added.filter(|extra| matches!(extra.kind, ExtraKind::Link(_))).map(|link| PathBuf::from(link.path));
        for path in self.executables().into_iter().chain(links).map(|name| self.root.join(name)) {
            let metadata = path.metadata();
            // A file for Windows has no mode.
            let runs = metadata.as_ref().is_ok_and(|found| match self.platform.os {
                Os::Windows => found.is_file(),
                _ => is_executable(found),
            });
            if !runs {
                let (tool, version) = (self.tool.name().to_owned(), self.version.to_string());
                let reason = match metadata {
                    Err(cause) => cause.kind().to_string(),
                    Ok(found) if found.is_file() => "its mode does not allow that".to_owned(),
                    Ok(_) => "it is not a file".to_owned(),
                };
                return Err(Error::CannotRun { tool, version, path, reason });
            }
        }
        Ok(())
    }

    /// Lists the executables, relative to the root.
    #[must_use]
    pub fn executables(&self) -> Vec<PathBuf> {
        let named = self.named.iter().map(|executable| PathBuf::from(executable.named_path()));
        self.tool.card().executables_on(self.platform).into_iter().chain(named).collect()
    }
}

/// Groups installs into the roots that an environment shows; several that share a root become one view.
///
/// # Errors
/// When a view cannot be composed.
pub fn visible_roots(installs: &[Installed], store: &Store, report: &dyn Report) -> Result<Vec<Visible>, Error> {
    let mut visible: Vec<Visible> = Vec::new();
    let mut composed: Vec<&str> = Vec::new();
    for installed in installs {
        let tool = installed.request.tool.clone();
        let (root, holds) = match tool.card().layout.shared() {
            None => {
                let root = installed.install.root.clone();
                store.place(&installed.install, &tool.card().layout.placed_files(&root))?;
                (root, installed.install.hold.iter().cloned().collect())
            }
            Some(shared) if composed.contains(&shared.name) => continue,
            Some(shared) => {
                composed.push(shared.name);
                let sharing = installs.iter().filter(|other| shares(&other.request.tool, shared.name));
                shared_root(shared, &by_rank(sharing, shared), store, report)?
            }
        };
        let (settings, platform) = (installed.request.settings.clone(), installed.install.id.platform);
        let named = installed.install.receipt.executables.clone();
        let version = installed.install.id.version.clone();
        visible.push(Visible { tool, root, settings, platform, version, holds, named });
    }
    Ok(visible)
}

fn shares(tool: &Arc<dyn Toolchain>, name: &str) -> bool {
    tool.card().layout.shared().is_some_and(|shared| shared.name == name)
}

/// Returns the root of installs that share one, that of the only one or a view of all, and what keeps it there.
fn shared_root(
    shared: SharedRoot,
    members: &[Install],
    store: &Store,
    report: &dyn Report,
) -> Result<(PathBuf, Vec<Hold>), Error> {
    let mut holds: Vec<Hold> = members.iter().filter_map(|member| member.hold.clone()).collect();
    if let [only] = members {
        return Ok((only.root.clone(), holds));
    }
    let name = ToolName::parse(shared.name)?;
    let composition = Composition { name: &name, members, overlapping: shared.overlapping, added: shared.added };
    let view = store.view(&composition, &|waiting| report.noted(waiting))?;
    for member in members.iter().filter(|_| view.is_new) {
        let left = member.added(shared.added);
        if !left.is_empty() {
            let (left, root) = (all_of(&left), view.root.display());
            report.warned(&format!(
                "what was added to {} ({left}) is not in {root}, which is used now",
                member.root.display()
            ));
        }
    }
    holds.extend(view.hold);
    Ok((view.root, holds))
}

/// Returns true if a view is what its members make, as far as they are all installed.
///
/// # Errors
/// When the store cannot be read.
pub fn is_made_of_its_members(view: &View, store: &Store) -> Result<bool, store::Error> {
    let Some((name, members, shared)) = parts(view, &store.list()?) else { return Ok(true) };
    let (overlapping, added) = (shared.overlapping, shared.added);
    let composition = Composition { name: &name, members: &members, overlapping, added };
    match store.is_made_of(view, &composition) {
        Err(store::Error::FileList { .. } | store::Error::Conflict { .. }) => Ok(false),
        outcome => outcome,
    }
}

/// Returns the name of a view, its members and its root; none where a member is not installed.
fn parts(view: &View, installs: &[Install]) -> Option<(ToolName, Vec<Install>, SharedRoot)> {
    let find = |id: &String| installs.iter().find(|install| install.id.to_string() == *id).cloned();
    let members: Vec<Install> = view.members.iter().map(find).collect::<Option<_>>()?;
    let shared = toolchain::ALL.iter().filter_map(|tool| tool.card().layout.shared());
    let shared = shared.into_iter().find(|root| root.name == view.name)?;
    Some((ToolName::parse(&view.name).ok()?, members, shared))
}

/// Composes a damaged view again, with what the tool itself has put into it, and removes one whose members are not all installed any more.
///
/// # Errors
/// When a member is damaged itself, a program uses the view, or the store cannot be written to.
pub fn recompose(view: &View, store: &Store, report: &dyn Report) -> Result<(), Error> {
    match parts(view, &store.list()?) {
        Some((name, members, shared)) => {
            let Some(members) = hold_all(&members, store)? else { return recompose(view, store, report) };
            let (overlapping, added) = (shared.overlapping, shared.added);
            let composition = Composition { name: &name, members: &members, overlapping, added };
            store.recompose(&composition, &|waiting| report.noted(waiting))?;
            Ok(())
        }
        None => {
            store.remove_view(view, &|waiting| report.noted(waiting))?;
            Ok(())
        }
    }
}

/// Holds installs that were listed; none when one of them is gone by now.
fn hold_all(installs: &[Install], store: &Store) -> Result<Option<Vec<Install>>, Error> {
    Ok(installs.iter().map(|install| store.claim(&install.id)).collect::<Result<_, _>>()?)
}

/// Orders installs that share a root: the one with the newest runtime last, so that its unversioned files win.
fn by_rank<'a>(sharing: impl Iterator<Item = &'a Installed>, shared: SharedRoot) -> Vec<Install> {
    let mut ranked: Vec<_> =
        sharing.map(|installed| ((shared.rank)(&installed.install.root), &installed.install)).collect();
    ranked.sort_by(|(left, one), (right, other)| left.cmp(right).then_with(|| one.id.cmp(&other.id)));
    ranked.into_iter().map(|(_, install)| install.clone()).collect()
}

/// Returns what makes the roots visible, in their order; the folders into which tools install programs for the user come last.
///
/// # Errors
/// As [`Visible::check`], and when a setting of a tool cannot be applied.
pub(super) fn activation(visible: &[Visible], host: &Host) -> Result<Activation, Error> {
    let mut whole = Activation::default();
    for one in visible {
        one.check()?;
        let activation = toolchain::activate(one.tool.as_ref(), &one.root, &one.settings)?;
        whole.paths.extend(activation.paths);
        for executable in &one.named {
            let folder = executable.path.rsplit_once('/').map(|(folder, _)| one.root.join(folder));
            let folder = folder.unwrap_or_else(|| one.root.clone());
            if !whole.paths.contains(&folder) {
                whole.paths.push(folder);
            }
        }
        for (name, value) in activation.vars {
            if !whole.vars.iter().any(|(known, _)| *known == name) {
                whole.vars.push((name, value));
            }
        }
        for redirect in activation.unset {
            if !whole.unset.contains(&redirect) {
                whole.unset.push(redirect);
            }
        }
    }
    let vars = &whole.vars;
    whole.unset.retain(|redirect| vars.iter().all(|(name, _)| name != redirect.name));
    for folder in visible.iter().flat_map(|one| (one.tool.card().user_programs)(host)) {
        // `PATH` cannot carry the others; nobody relies on them there.
        if folder.is_absolute() && fits_on_path(&folder) && !whole.paths.contains(&folder) {
            whole.paths.push(folder);
        }
    }
    Ok(whole)
}

/// Returns true if `PATH` can carry a folder: its name does not contain what separates folders there.
#[must_use]
pub fn fits_on_path(folder: &Path) -> bool {
    std::env::join_paths([folder]).is_ok()
}

/// Puts links to the executables of every root into `folder`, and lists them.
///
/// # Errors
/// When something else than a link of this store is in the way; nothing is replaced then.
pub fn link(visible: &[Visible], folder: &Path, store: &Store) -> Result<Vec<Linked>, Error> {
    let targets: Vec<PathBuf> =
        visible.iter().flat_map(|one| one.executables().into_iter().map(|name| one.root.join(name))).collect();
    Ok(store.link(folder, &targets)?)
}
