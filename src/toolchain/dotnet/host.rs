//! The SDK that the .NET host would select, by the host's own rules and without running it.
//!
//! The rules are those of hostfxr's `sdk_resolver` (`src/native/corehost/fxr/sdk_resolver.cpp` in dotnet/runtime, .NET 10),
//! even where they are surprising: a file that the host cannot use is ignored with a warning, and prereleases count. Nothing
//! is downloaded or changed.

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
    /// The version that the file requests.
    pub requested: Option<String>,
    /// How far the host may move from it.
    pub roll_forward: &'static str,
    /// Whether prereleases count.
    pub allow_prerelease: bool,
    /// The folders that are searched, in order; the first with a match ends the search.
    pub searched: Vec<PathBuf>,
    /// The verdict about each folder under `sdk`, in the order of the search, newest version first.
    pub explain: Vec<Judged>,
    /// What the user should know, such as why a file is ignored.
    pub warnings: Vec<String>,
    /// The `errorMessage` of the file, which the host prints when it finds no SDK.
    pub message: Option<String>,
}

/// The verdict about one installed SDK.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Judged {
    /// The name of the folder, which need not be a version.
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
    /// Whether it has a `dotnet.dll`, without which the host considers it incomplete.
    pub is_whole: bool,
}

/// Selects an SDK as the host at `root` would in the current directory `cwd`.
///
/// Reads the nearest `global.json` from `cwd` upward and the searched `sdk` folders. Like the host, it treats what cannot be
/// read as absent.
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
        let judged = judge(&settings.requirement, &installed);
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
        rule: settings.requirement.rule(file.as_deref()),
        global_json: file,
        requested: settings.requirement.version.as_ref().map(ToString::to_string),
        roll_forward: settings.requirement.roll_forward.as_str(),
        allow_prerelease: settings.requirement.allow_prerelease,
        searched,
        explain,
        warnings,
        message: settings.message,
    }
}

/// Returns the version that a `global.json` requests when the host could use none of `sdks` for it. None when it could, and
/// where the file sends the host to other folders.
#[must_use]
pub fn unmet(file: &Path, sdks: &[String]) -> Option<String> {
    let settings = usable(file, &mut Vec::new());
    let elsewhere = settings.paths.as_ref().is_some_and(|paths| paths.iter().any(|path| path != "$host$"));
    let installed: Vec<Installed> =
        sdks.iter().map(|version| Installed { name: version.clone(), is_whole: true }).collect();
    if elsewhere || judge(&settings.requirement, &installed).iter().any(|(_, picked, _)| *picked) {
        return None;
    }
    settings.requirement.version.map(|version| version.to_string())
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
                "the host ignores {} and uses the latest installed SDK, including prereleases: {reason}",
                path.display()
            ));
            Settings::default()
        }
    }
}

/// Drops `paths` and `errorMessage` if the host is older than .NET 10, which introduced them.
fn drop_what_is_too_new(settings: &mut Settings, root: &Path, warnings: &mut Vec<String>) {
    let Some(host) = super::newest_host(root).filter(|host| host.semver().major < 10) else { return };
    if settings.paths.take().is_some() {
        warnings.push(format!("the host {host} does not support `sdk.paths`; .NET 10 and later do"));
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

/// Lists the folders under `sdk`, including links to folders.
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

/// Judges the folders of one `sdk` folder: name, whether it is the pick, and why. Versions come first, newest first.
#[must_use]
pub fn judge(requirement: &HostRequirement, installed: &[Installed]) -> Vec<(String, bool, String)> {
    let mut versions: Vec<(Option<semver::Version>, &Installed)> =
        installed.iter().map(|folder| (host_version(&folder.name), folder)).collect();
    versions.sort_by(|(a, x), (b, y)| match (a, b) {
        (Some(a), Some(b)) => b.cmp_precedence(a).then_with(|| x.name.cmp(&y.name)),
        _ => b.is_some().cmp(&a.is_some()).then_with(|| x.name.cmp(&y.name)),
    });
    let pick = pick(requirement, &versions);
    let verdict = |(version, folder): &(Option<semver::Version>, &Installed)| {
        let picked = pick.is_some_and(|(_, pick)| pick.name == folder.name);
        let reason = match version {
            None => "it is not a version".to_owned(),
            Some(_) if !folder.is_whole => "it has no dotnet.dll".to_owned(),
            Some(_) if picked => requirement.why_picked(&folder.name),
            Some(version) => requirement.objection(version).unwrap_or_else(|| match pick {
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
    requirement: &HostRequirement,
    versions: &'a [(Option<semver::Version>, &'a Installed)],
) -> Option<Candidate<'a>> {
    let whole: Vec<Candidate<'a>> = versions
        .iter()
        .filter_map(|(version, folder)| Some((version.as_ref()?, *folder)).filter(|(_, folder)| folder.is_whole))
        .collect();
    if requirement.prefers_exact()
        && let Some(version) = &requirement.version
    {
        // The host looks for a folder of that name, so build metadata counts.
        let exact = whole.iter().find(|(_, folder)| folder.name == version.to_string());
        if exact.is_some() || requirement.roll_forward == RollForward::Disable {
            return exact.copied();
        }
    }
    let mut best: Option<Candidate<'a>> = None;
    for candidate in whole.into_iter().filter(|(version, _)| requirement.objection(version).is_none()) {
        if best.is_none_or(|(previous, _)| requirement.is_better(candidate.0, previous)) {
            best = Some(candidate);
        }
    }
    best
}

impl HostRequirement {
    fn prefers_exact(&self) -> bool {
        matches!(self.roll_forward, RollForward::Disable | RollForward::Patch)
    }

    /// Returns why the host does not use the version, whatever else is installed.
    fn objection(&self, version: &semver::Version) -> Option<String> {
        let policy = self.roll_forward.as_str();
        if !self.allow_prerelease && !version.pre.is_empty() {
            return Some("it is a prerelease, and allowPrerelease is false".to_owned());
        }
        if self.roll_forward == RollForward::Disable {
            return Some("rollForward=disable allows only the requested version".to_owned());
        }
        let named = self.version.as_ref()?;
        if !self.roll_forward.within().holds(named, version) {
            return Some(format!("rollForward={policy} does not reach it from {named}"));
        }
        (version.cmp_precedence(named) == Ordering::Less).then(|| format!("it is below {named}"))
    }

    /// Returns true if the host prefers `current` to `previous` when both match: within a band or for a `latest…` rule the
    /// newer one, else the nearer one.
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
            Some(version) if self.prefers_exact() && version.to_string() == name => "it is the requested version",
            None => "it is the latest installed",
            Some(_) if self.prefers_exact() => {
                "the requested version is not installed, and it is the latest patch of its band"
            }
            Some(_) => "it is the best match for the rule",
        }
        .to_owned()
    }

    fn rule(&self, file: Option<&Path>) -> String {
        let prereleases = if self.allow_prerelease { "including prereleases" } else { "without prereleases" };
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
