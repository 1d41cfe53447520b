//! `toolkit verify`: hashes every installed file again and compares it with the lock, the archive, or at least the receipt.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use super::Global;
use super::basis::{Basis, alone, other_list, pinned};
use super::installs::{chosen, folders_of_root, folders_of_tool, name};
use super::render::{self, Failure, done};
use super::settings::{Retries, Settings};
use super::styled::{Styled, green, red};
use crate::host::Host;
use crate::provision;
use crate::store::{Change, Check, Difference, Error, Hold, Install, View};
use crate::text::{chain, escape_line};

/// Hash every installed file again and compare it with what the lock pins
///
/// Exits 1 when a file is missing, was changed, or was added where no tool puts files. What a tool itself has added (the packs
/// and records of `dotnet workload install`) is listed and does not count as damage, unless --strict is given. What is removed
/// meanwhile is passed over; what cannot be read does not keep the rest from being checked, and the exit code is 5.
///
/// Use it after a CI cache was restored: whoever can write to a cache can write files, the list of files and the receipt that
/// fit together. What is found depends on what there is to compare with:
///
/// - `trees` in the toolkit.lock of this project: the list of files has the digest that the lock pins, and each file is
///   what the list says. A cache that was forged as a whole is found. `toolkit lock --trees` pins the files for every
///   platform, `toolkit install` those that it has just unpacked.
///
/// - --fetch: each archive is downloaded again, verified by its digest, and read without being unpacked; each file is
///   compared with it. The digest is the lock's where the lock names the install, else only the one in the receipt.
///
/// - neither: files are compared with the list and the receipt next to them. That finds damage, and no forgery.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Which installs to check instead of all: TOOL or TOOL@CHANNEL
    #[arg(value_name = "SPEC")]
    specs: Vec<String>,
    /// Exit 1 for every file that was added, also by the tool itself
    #[arg(long)]
    strict: bool,
    /// Download each archive again and compare the files with it; write nothing into installs
    #[arg(long)]
    fetch: bool,
}

const EXAMPLES: &str = "\
Examples:
  toolkit verify
  toolkit verify go@1.27 --json
  toolkit verify --fetch";

impl Arguments {
    pub(super) fn run(self, host: &Host, global: &Global) -> Result<ExitCode, Failure> {
        let settings = Settings::for_documents(host, global, Retries::All)?;
        let pins = pinned(&settings);
        let (mut sound, mut checked, mut unproven) = (true, 0, 0);
        let mut report = Vec::new();
        let mut failure = None;
        for install in &chosen(&self.specs, &settings)? {
            let basis = if self.fetch { Basis::fetched(install, &settings)? } else { Basis::of(install, &pins) };
            match examine(install, &basis, &settings) {
                Ok(Some(found)) => {
                    let found = if self.strict { found.strict() } else { found };
                    sound &= found.is_sound();
                    checked += 1;
                    unproven += usize::from(matches!(basis, Basis::Store));
                    if !global.json {
                        print(install, &found, &basis)?;
                    }
                    let mut value = value(install, &found);
                    value["compared_with"] = basis.name().into();
                    report.push(value);
                }
                Ok(None) => settings.report.noted(&format!("{} was removed meanwhile", name(install))),
                Err(error) => failure = first(failure, error, &name(install), &settings),
            }
        }
        for view in settings.store.views()? {
            match examine_view(&view, &settings) {
                Ok(Some(found)) => {
                    let found = if self.strict { found.strict() } else { found };
                    sound &= found.is_sound();
                    if !global.json && !found.is_empty() {
                        render::data(lines(&format!("view {}", view.root.display()), &found))?;
                    }
                    report.push(view_value(&view, &found));
                }
                Ok(None) => {}
                Err(error) => failure = first(failure, error, &format!("view {}", view.root.display()), &settings),
            }
        }
        if global.json {
            render::json(&report)?;
        }
        if unproven > 0 {
            done(global, alone(unproven, checked));
        }
        match failure {
            _ if !sound => {
                done(global, "hint: `toolkit repair` reinstalls what differs");
                Ok(ExitCode::from(1))
            }
            Some(error) => Err(error.into()),
            None => Ok(ExitCode::SUCCESS),
        }
    }
}

/// Says what could not be checked, and keeps the first failure.
pub(super) fn first(known: Option<Error>, error: Error, name: &str, settings: &Settings) -> Option<Error> {
    settings.report.warned(&format!("{name} could not be checked: {}", chain(&error)));
    known.or(Some(error))
}

/// What was found in a root.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// What is damage.
    pub(super) differences: Vec<Difference>,
    /// What the tool itself has added.
    pub(super) added: Vec<String>,
}

impl Found {
    /// Sorts differences, some of which lie in the folders into which the tool itself puts files.
    fn new(differences: Vec<Difference>, folders: &[&str]) -> Self {
        let by_tool = |difference: &Difference| {
            let below = |folder: &&str| Path::new(&difference.path).starts_with(folder);
            difference.change == Change::Extra && folders.iter().any(below)
        };
        let (added, differences) = differences.into_iter().partition(by_tool);
        let added: Vec<Difference> = added;
        Self { differences, added: added.into_iter().map(|difference| difference.path).collect() }
    }

    /// Takes everything that was added for damage.
    fn strict(self) -> Self {
        let extra = |path| Difference { path, change: Change::Extra };
        let mut differences: Vec<Difference> =
            self.differences.into_iter().chain(self.added.into_iter().map(extra)).collect();
        differences.sort();
        Self { differences, added: Vec::new() }
    }

    pub(super) fn is_sound(&self) -> bool {
        self.differences.is_empty()
    }

    fn is_empty(&self) -> bool {
        self.is_sound() && self.added.is_empty()
    }
}

/// Compares an install with its receipt and with `basis`, while nobody can remove it; none when it is gone by now.
pub(super) fn examine(install: &Install, basis: &Basis, settings: &Settings) -> Result<Option<Found>, Error> {
    let folders = folders_of_tool(install.id.tool.as_str());
    loop {
        let Some(held) = settings.store.claim(&install.id)? else { return Ok(None) };
        let outcome = trusted(settings.store.verify(&held, check(settings)));
        let outcome = outcome.and_then(|differences| basis.compare(differences, &held, settings));
        if is_settled(&outcome, held.hold.as_ref()) {
            return Ok(Some(Found::new(outcome?, folders)));
        }
    }
}

/// Compares a view with its receipt, as [`examine`] does.
pub(super) fn examine_view(view: &View, settings: &Settings) -> Result<Option<Found>, Error> {
    loop {
        let Some(held) = settings.store.hold_view(view)? else { return Ok(None) };
        let mut outcome = trusted(settings.store.verify_view(&held, check(settings)));
        if let Ok(differences) = &mut outcome
            && !provision::is_made_of_its_members(view, &settings.store)?
        {
            differences.push(other_list(&view.root.with_file_name("files")));
        }
        if is_settled(&outcome, held.hold.as_ref()) {
            return Ok(Some(Found::new(outcome?, folders_of_root(&view.name))));
        }
    }
}

/// Returns false if what seems damaged is just being deleted. Only `toolkit` asks whether something is held: `rm -rf` on a part
/// of the store does not.
fn is_settled(outcome: &Result<Vec<Difference>, Error>, hold: Option<&Hold>) -> bool {
    if outcome.as_ref().is_ok_and(Vec::is_empty) {
        return true;
    }
    std::thread::sleep(DELETION);
    hold.is_none_or(Hold::is_in_place)
}

/// How long the deletion of a root may take until its receipt is gone as well.
const DELETION: Duration = Duration::from_millis(100);

/// Returns a file list that cannot be trusted as a difference like any other: the receipt vouches for it.
fn trusted(outcome: Result<Vec<Difference>, Error>) -> Result<Vec<Difference>, Error> {
    match outcome {
        Err(Error::FileList { path, .. }) => Ok(vec![other_list(&path)]),
        outcome => outcome,
    }
}

/// Hashes on every processor, without a bar: a minute at most even for several toolchains.
fn check(settings: &Settings) -> Check<'static> {
    Check { threads: settings.host.processors.count(), advanced: &|_| {} }
}

fn print(install: &Install, found: &Found, basis: &Basis) -> Result<(), Failure> {
    if found.is_empty() {
        let (size, compared) = (render::size(install.bytes()), basis.in_words());
        return render::data(green("ok") + format!(" {}, {size}{compared}\n", name(install)));
    }
    let mut text = lines(&name(install), found);
    let list = other_list(&install.root.with_file_name("files"));
    if matches!(basis, Basis::Lock(_)) && found.differences.contains(&list) {
        text.push("  its list of files is not the one that toolkit.lock pins: somebody may have forged it\n");
    }
    render::data(text)
}

fn lines(name: &str, found: &Found) -> Styled {
    let state = if found.is_sound() { green("ok") } else { red("differs") };
    let mut text = state + " " + name + "\n";
    for difference in &found.differences {
        text.push(format!("  {}\n", escape_line(&difference.to_string())));
    }
    for path in &found.added {
        let added = Difference { path: path.clone(), change: Change::Extra };
        text.push(format!("  {}\n", escape_line(&added.to_string())));
    }
    text
}

/// Returns an install, and what was found in it, as JSON shows it.
pub(super) fn value(install: &Install, found: &Found) -> serde_json::Value {
    serde_json::json!({
        "tool": install.id.tool.as_str(), "version": install.id.version.as_str(),
        "platform": install.id.platform.to_string(), "root": install.root,
        "sound": found.is_sound(), "differences": found.differences, "added": found.added,
    })
}

/// Returns a view, which belongs to no single tool, and what was found in it.
pub(super) fn view_value(view: &View, found: &Found) -> serde_json::Value {
    serde_json::json!({
        "view": view.root, "sound": found.is_sound(), "differences": found.differences, "added": found.added,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_tool_adds_to_its_own_folders_is_no_damage_and_everything_else_is() {
        let folders = ["packs", "metadata"];
        for (path, change, damage) in [
            ("packs", Change::Extra, false),
            ("packs/W/1.0", Change::Extra, false),
            ("metadata/workloads", Change::Extra, false),
            ("packs-2/W", Change::Extra, true),
            ("sdk/10.0.100/packs", Change::Extra, true),
            ("packs/Shipped/a.dll", Change::Content, true),
            ("packs/Shipped/a.dll", Change::Missing, true),
            ("metadata", Change::Kind, true),
        ] {
            let found = Found::new(vec![Difference { path: path.to_owned(), change }], &folders);
            assert_eq!((found.is_sound(), found.is_empty()), (!damage, false), "{path} {change:?}");
            assert!(!found.strict().is_sound(), "{path}");
        }
        assert!(Found::new(vec![Difference { path: "packs".to_owned(), change: Change::Extra }], &[]).added.is_empty());
    }
}
