//! Which SDK the .NET host would select, decided by its own rules without running it.
//!
//! The rules are those of hostfxr's `sdk_resolver` (`src/native/corehost/fxr/sdk_resolver.cpp` in dotnet/runtime, .NET 10),
//! also where they differ from what a person would expect: a file that the host cannot use is ignored with a warning, and
//! prereleases count. Nothing is downloaded or changed here.

use std::cmp::Ordering;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::roll_forward::RollForward;
use super::settings::{HostRequirement, Settings, host_version};
use crate::fs::{Cause, FileError, LARGEST, Within, read};
use crate::model::Preference;
use crate::project::boundary;

/// The outcome of a selection, as `which dotnet-sdk` prints it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Selection {
    /// The version of the selected SDK; none when the host would find no compatible one.
    pub version: Option<String>,
    /// The folder of the selected SDK.
    pub path: Option<PathBuf>,
    /// The nearest `global.json`, whether it could be used or not.
    pub global_json: Option<PathBuf>,
    /// The rule in one sentence.
    pub rule: String,
    /// The version that the file asks for.
    pub requested: Option<String>,
    /// How far the host may move from it.
    pub roll_forward: &'static str,
    /// Whether prereleases count.
    pub allow_prerelease: bool,
    /// The folders that are searched, in order; the first with a match ends the search.
    pub searched: Vec<PathBuf>,
    /// What was decided about each folder under `sdk`, in the order of the search, newest version first.
    pub explain: Vec<Judged>,
    /// What the person should know: why a file is ignored, say.
    pub warnings: Vec<String>,
    /// The `errorMessage` of the file, which the host prints when it finds no SDK.
    pub message: Option<String>,
}

/// What was decided about one installed SDK.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Judged {
    /// The name of the folder: a version, or what is none.
    pub version: String,
    /// The folder.
    pub path: PathBuf,
    /// `picked` or `rejected`.
    pub verdict: &'static str,
    /// Why.
    pub reason: String,
}

/// One folder under `sdk`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// The folder's name.
    pub name: String,
    /// Whether it has a `dotnet.dll`; without it the host takes it for half-made.
    pub is_whole: bool,
}

/// Selects as the host at `root` would with `cwd` as its current directory.
///
/// Reads the nearest `global.json` from `cwd` upward and the `sdk` folders that are searched. What cannot be read is taken
/// as absent, as the host does.
#[must_use]
pub fn select(root: &Path, cwd: &Path) -> Selection {
    let mut warnings = Vec::new();
    let file = nearest_global_json(cwd);
    let mut settings = file.as_deref().map_or_else(Settings::default, |path| usable(path, &mut warnings));
    drop_what_is_too_new(&mut settings, root, &mut warnings);
    let searched = search_paths(&settings, root, file.as_deref());
    let mut explain = Vec::new();
    let mut picked = None;
    for location in &searched {
        let Ok(sdk) = fs::canonicalize(location.join("sdk")) else { continue };
        let installed = folders(&sdk);
        let judged = judge(&settings.wanted, &installed);
        let pick = judged.iter().find(|(_, picked, _)| *picked).map(|(name, ..)| name.clone());
        explain.extend(judged.into_iter().map(|(version, picked, reason)| Judged {
            path: sdk.join(&version),
            version,
            verdict: if picked { "picked" } else { "rejected" },
            reason,
        }));
        if let Some(version) = pick {
            picked = Some((sdk.join(&version), version));
            break;
        }
    }
    let (path, version) = picked.unzip();
    Selection {
        version,
        path,
        rule: settings.wanted.rule(file.as_deref()),
        global_json: file,
        requested: settings.wanted.version.as_ref().map(ToString::to_string),
        roll_forward: settings.wanted.roll_forward.as_str(),
        allow_prerelease: settings.wanted.allow_prerelease,
        searched,
        explain,
        warnings,
        message: settings.message,
    }
}

/// Finds the nearest `global.json` in `cwd` or above it.
#[must_use]
pub fn nearest_global_json(cwd: &Path) -> Option<PathBuf> {
    cwd.ancestors().map(|folder| folder.join("global.json")).find(|file| file.exists())
}

/// Reads the file as the host does, or the defaults where the host would ignore it.
fn usable(path: &Path, warnings: &mut Vec<String>) -> Settings {
    let read = read(path, Within::Folder(boundary(path.parent().unwrap_or(path))), LARGEST);
    if let Err(FileError { source: cause @ Cause::LeadsOut { .. }, .. }) = &read {
        warnings.push(format!("{} was not looked into: {cause}", path.display()));
        return Settings::default();
    }
    let read = read.map_err(|error| error.source.to_string()).and_then(|bytes| Settings::of_host(&bytes));
    match read {
        Ok(mut settings) => {
            warnings.append(&mut settings.warnings);
            settings
        }
        Err(reason) => {
            warnings.push(format!(
                "the host ignores {} and takes the latest installed SDK, prereleases included: {reason}",
                path.display()
            ));
            Settings::default()
        }
    }
}

/// Drops `paths` and `errorMessage` where the host is older than .NET 10, which brought them.
fn drop_what_is_too_new(settings: &mut Settings, root: &Path, warnings: &mut Vec<String>) {
    let Some(host) = super::newest_host(root).filter(|host| host.semver().major < 10) else { return };
    if settings.paths.take().is_some() {
        warnings.push(format!("the host {host} does not know `sdk.paths`; .NET 10 and later do"));
    }
    settings.message = None;
}

/// Lists the folders whose `sdk` is searched.
fn search_paths(settings: &Settings, root: &Path, file: Option<&Path>) -> Vec<PathBuf> {
    let beside = file.and_then(Path::parent).unwrap_or(Path::new(""));
    match &settings.paths {
        None => vec![root.to_owned()],
        Some(paths) => {
            paths.iter().map(|path| if path == "$host$" { root.to_owned() } else { beside.join(path) }).collect()
        }
    }
}

/// Lists the folders under `sdk`, links to folders included.
fn folders(sdk: &Path) -> Vec<Installed> {
    let entries = fs::read_dir(sdk).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.path().is_dir());
    folders
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            Some(Installed { is_whole: entry.path().join("dotnet.dll").exists(), name })
        })
        .collect()
}

/// Judges the folders of one `sdk` folder: name, whether it is the pick, and why. Newest first, then what is no version.
#[must_use]
pub fn judge(wanted: &HostRequirement, installed: &[Installed]) -> Vec<(String, bool, String)> {
    let mut versions: Vec<(Option<semver::Version>, &Installed)> =
        installed.iter().map(|folder| (host_version(&folder.name), folder)).collect();
    versions.sort_by(|(a, x), (b, y)| match (a, b) {
        (Some(a), Some(b)) => b.cmp_precedence(a).then_with(|| x.name.cmp(&y.name)),
        _ => b.is_some().cmp(&a.is_some()).then_with(|| x.name.cmp(&y.name)),
    });
    let pick = pick(wanted, &versions);
    let verdict = |(version, folder): &(Option<semver::Version>, &Installed)| {
        let picked = pick.is_some_and(|(_, pick)| pick.name == folder.name);
        let reason = match version {
            None => "it is not a version".to_owned(),
            Some(_) if !folder.is_whole => "it has no dotnet.dll".to_owned(),
            Some(_) if picked => wanted.why_picked(&folder.name),
            Some(version) => wanted.objection(version).unwrap_or_else(|| match pick {
                Some((_, pick)) => format!("{} is a better match", pick.name),
                None => "nothing was picked".to_owned(),
            }),
        };
        (folder.name.clone(), picked, reason)
    };
    versions.iter().map(verdict).collect()
}

type Candidate<'a> = (&'a semver::Version, &'a Installed);

fn pick<'a>(
    wanted: &HostRequirement,
    versions: &'a [(Option<semver::Version>, &'a Installed)],
) -> Option<Candidate<'a>> {
    let whole: Vec<Candidate<'a>> = versions
        .iter()
        .filter_map(|(version, folder)| Some((version.as_ref()?, *folder)).filter(|(_, folder)| folder.is_whole))
        .collect();
    if wanted.prefers_exact()
        && let Some(version) = &wanted.version
    {
        // The host probes for the folder of that name, so build metadata counts here.
        let exact = whole.iter().find(|(_, folder)| folder.name == version.to_string());
        if exact.is_some() || wanted.roll_forward == RollForward::Disable {
            return exact.copied();
        }
    }
    let mut best: Option<Candidate<'a>> = None;
    for candidate in whole.into_iter().filter(|(version, _)| wanted.objection(version).is_none()) {
        if best.is_none_or(|(previous, _)| wanted.is_better(candidate.0, previous)) {
            best = Some(candidate);
        }
    }
    best
}

impl HostRequirement {
    fn prefers_exact(&self) -> bool {
        matches!(self.roll_forward, RollForward::Disable | RollForward::Patch)
    }

    /// Returns the reason why the host does not take the version, whatever else is installed.
    fn objection(&self, version: &semver::Version) -> Option<String> {
        let policy = self.roll_forward.as_str();
        if !self.allow_prerelease && !version.pre.is_empty() {
            return Some("it is a prerelease, and allowPrerelease is false".to_owned());
        }
        if self.roll_forward == RollForward::Disable {
            return Some("rollForward=disable takes only the version that was asked for".to_owned());
        }
        let wanted = self.version.as_ref()?;
        if !self.roll_forward.within().holds(wanted, version) {
            return Some(format!("rollForward={policy} does not reach it from {wanted}"));
        }
        (version.cmp_precedence(wanted) == Ordering::Less).then(|| format!("it is below {wanted}"))
    }

    /// Returns true if the host prefers `current` where both match: the later within a band or for a `latest…` rule, else
    /// the nearer one.
    fn is_better(&self, current: &semver::Version, previous: &semver::Version) -> bool {
        let latest = self.roll_forward.preference() == Preference::Newest;
        let band = |version: &semver::Version| (version.major, version.minor, version.patch / 100);
        let order = current.cmp_precedence(previous);
        if self.version.is_none() || latest || band(current) == band(previous) {
            order == Ordering::Greater
        } else {
            order == Ordering::Less
        }
    }

    fn why_picked(&self, name: &str) -> String {
        match &self.version {
            Some(version) if self.prefers_exact() && version.to_string() == name => {
                "it is the version that was asked for"
            }
            None => "it is the latest installed",
            Some(_) if self.prefers_exact() => {
                "the version that was asked for is not installed, and it is the latest patch of its band"
            }
            Some(_) => "it is the best match for the rule",
        }
        .to_owned()
    }

    fn rule(&self, file: Option<&Path>) -> String {
        let prereleases = if self.allow_prerelease { "prereleases included" } else { "prereleases excluded" };
        let from = match file {
            Some(path) => format!("global.json at {}", path.display()),
            None => "no global.json".to_owned(),
        };
        match &self.version {
            None => format!("{from}: the latest installed SDK, {prereleases}"),
            Some(version) => format!("{from}: {version} rollForward={}, {prereleases}", self.roll_forward.as_str()),
        }
    }
}
