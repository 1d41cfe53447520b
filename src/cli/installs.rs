//! What `list`, `verify`, `repair`, `remove` and `prune` do with installs, and the notes of tools on installs.

use std::path::{Path, PathBuf};

use super::Global;
use super::render::{self, Failure, done};
use super::settings::Settings;
use crate::model::Channel;
use crate::provision::{self, Broken, Installed};
use crate::store::{self, Install, InstallId, Inventory, Removal, Unlinked};
use crate::text::{chain, comma_separated};
use crate::toolchain;

/// Lists the installs that can be used, and says which cannot: they are private, or broken.
pub(super) fn readable(settings: &Settings) -> Result<Vec<Install>, Failure> {
    Ok(inventory(settings)?.installs)
}

/// Lists the installs as [`readable`] does, with what cannot be used.
fn inventory(settings: &Settings) -> Result<Inventory, Failure> {
    let inventory = settings.store.inventory()?;
    for skipped in &inventory.skipped {
        settings.report.warned(&format!("skipped {}: {}", skipped.folder.display(), chain(&skipped.reason)));
    }
    Ok(inventory)
}

/// Finds installs by what was typed: all without arguments, all versions of a tool without a channel.
pub(super) fn chosen(specs: &[String], settings: &Settings) -> Result<Vec<Install>, Failure> {
    let Inventory { installs: all, mut skipped } = inventory(settings)?;
    if specs.is_empty() {
        return Ok(all);
    }
    let mut chosen = Vec::new();
    for spec in specs {
        let (tool, channel) = meaning(spec, &all, settings)?;
        if spec.contains('@') && matches!(channel, Channel::Name(_)) {
            return Err(Failure::usage_with_hint(
                format!("`{spec}` is a moving channel and does not identify an install"),
                "name a version or a release line, or the tool alone for all of its versions",
            ));
        }
        let matches = |install: &&Install| {
            let id = &install.id;
            id.tool.as_str() == tool && (!spec.contains('@') || channel.admits(&id.version))
        };
        let found: Vec<Install> = all.iter().filter(matches).cloned().collect();
        if found.is_empty() {
            // It may be there and not be readable, which is not for the person to correct on the command line.
            if let Some(at) = skipped.iter().position(|skipped| is_of(&skipped.folder, &tool)) {
                return Err(skipped.swap_remove(at).reason.into());
            }
            return Err(Failure::usage_with_hint(
                format!("no install matches `{spec}`; nothing was changed"),
                "`toolkit list` shows what is installed",
            ));
        }
        chosen.extend(found);
    }
    chosen.sort_by(|left, right| left.id.cmp(&right.id));
    chosen.dedup_by(|left, right| left.id == right.id);
    Ok(chosen)
}

/// Returns true if a folder of the store is that of a tool, or of one of its installs.
fn is_of(folder: &Path, tool: &str) -> bool {
    folder.ends_with(tool) || folder.parent().is_some_and(|parent| parent.ends_with(tool))
}

/// Reads what was typed about installs. A tool that only another project defines is known by what is installed of it.
fn meaning(spec: &str, installs: &[Install], settings: &Settings) -> Result<(String, Channel), Failure> {
    match provision::argument_in(spec, settings.manifest.as_ref()) {
        Ok(request) => Ok((request.tool.name().to_owned(), request.channel)),
        Err(provision::Error::UnknownTool { name, .. })
            if installs.iter().any(|install| install.id.tool.as_str() == name) =>
        {
            let text = spec.split_once('@').map_or("latest", |(_, text)| text.trim());
            let channel = toolchain::channel(&name, text).map_err(provision::Error::BadChannel)?;
            Ok((name, channel))
        }
        Err(cause) => Err(cause.into()),
    }
}

/// What was removed of some installs, and what was not.
#[derive(Debug, Default)]
pub(super) struct Discarded {
    pub(super) removed: Vec<Install>,
    /// One line for each install that was kept.
    pub(super) kept: Vec<String>,
    /// The first failure that is not about the rights of this user.
    pub(super) failure: Option<store::Error>,
}

/// Removes installs, then views without members and links that lead nowhere. What is in use, what somebody has come to need
/// and what belongs to another user is kept; none of it keeps the others from being removed.
pub(super) fn discard(
    installs: &[Install],
    needed: &dyn Fn(&InstallId) -> bool,
    settings: &Settings,
    global: &Global,
) -> Result<Discarded, Failure> {
    let unswept = settings.store.sweep().err().filter(|error| !error.is_denied());
    let mut discarded = Discarded { failure: unswept, ..Discarded::default() };
    for install in installs {
        // Looked up before, since nobody can tell afterwards.
        let lost = install.added(folders_of_tool(install.id.tool.as_str()));
        match settings.store.discard(install, &|| needed(&install.id)) {
            Ok(Removal::Removed) => {
                let size = render::size(install.bytes());
                done(global, format!("removed {} ({size}){}", name(install), with(&lost)));
                discarded.removed.push(install.clone());
            }
            Ok(Removal::Absent) => {}
            Ok(kept) => discarded.kept.push(format!("kept {}: {kept}", name(install))),
            Err(error) => {
                discarded.kept.push(format!("kept {}: {}", name(install), chain(&error)));
                if !error.is_denied() {
                    discarded.failure.get_or_insert(error);
                }
            }
        }
    }
    let mut roots: Vec<PathBuf> = discarded.removed.iter().map(|install| install.root.clone()).collect();
    roots.extend(discard_views(settings, global)?);
    for Unlinked { link, failure } in settings.store.unlink(&roots)? {
        match failure {
            None => done(global, format!("removed the link {}", link.display())),
            Some(error) => settings.report.warned(&format!("{} leads nowhere now: {}", link.display(), chain(&error))),
        }
    }
    Ok(discarded)
}

/// Removes views without members, and returns their roots.
fn discard_views(settings: &Settings, global: &Global) -> Result<Vec<PathBuf>, Failure> {
    let added: Vec<_> =
        settings.store.views()?.into_iter().map(|view| (view.added(folders_of_root(&view.name)), view.root)).collect();
    let views = settings.store.prune_views(&|waiting| settings.report.noted(waiting))?;
    for (lost, root) in added {
        if !lost.is_empty() && views.iter().any(|view| view.root == root) {
            done(global, format!("removed the view {}{}", root.display(), with(&lost)));
        }
    }
    Ok(views.into_iter().map(|view| view.root).collect())
}

/// Names what was in a removed root and came from somebody else.
fn with(lost: &[String]) -> String {
    if lost.is_empty() { String::new() } else { format!(", with what was added to it: {}", comma_separated(lost)) }
}

/// Names an install as people know it: `go 1.27.3 linux/amd64`.
pub(super) fn name(install: &Install) -> String {
    let id = &install.id;
    format!("{} {} {}", id.tool, id.version, id.platform)
}

/// Lists the folders into which a tool puts files of its own.
pub(super) fn folders_of_tool(tool: &str) -> &'static [&'static str] {
    toolchain::find(tool).and_then(|tool| tool.card().layout.shared()).map_or(&[], |root| root.added)
}

/// Lists the folders of a shared root into which its tool puts files of its own.
pub(super) fn folders_of_root(name: &str) -> &'static [&'static str] {
    let mut roots = toolchain::ALL.iter().filter_map(|tool| tool.card().layout.shared());
    roots.find(|root| root.name == name).map_or(&[], |root| root.added)
}

/// Reports what of the project's files is not read, and what of them cannot be used.
pub(super) fn report_unread(notes: &[String], broken: &[Broken], settings: &Settings) {
    notes.iter().for_each(|note| settings.report.noted(note));
    report_broken(broken, settings);
}

/// Warns of tools that a file of the project names in a way that cannot be used.
pub(super) fn report_broken(broken: &[Broken], settings: &Settings) {
    for Broken { tool, error } in broken {
        settings.report.warned(&format!("{} is left out: {}", tool.name(), chain(error)));
    }
}

/// Reports the notes of the tools: what they need of the person.
pub(super) fn report_notes(installs: &[Installed], settings: &Settings) {
    let home = settings.host.var("HOME").map(Path::new);
    for Installed { request, install, .. } in installs {
        for note in request.tool.card().layout.notes(&install.id.version, &install.root, home) {
            settings.report.warned(&note);
        }
    }
}
