//! Tools that a project defines itself: where their files are, how they are named, and what to put on PATH. Data only: no
//! part of it is ever run, and placeholders never choose a server.

use std::collections::BTreeMap;

use super::Error;
use super::pattern::{Pattern, Purpose, Values};
use super::reader::{Key, Reader, Value};
use crate::model::{Format, Platform};

/// How a project defines a tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// Where its releases are.
    pub origin: Origin,
    /// How many leading folders of an archive to drop.
    pub strip: usize,
    /// What to put on PATH: the name of each executable, and where it is. Empty for a file that is itself the executable,
    /// which has the tool's name.
    pub executables: Vec<(String, Pattern)>,
    /// The list of digests.
    pub sums: Option<Pattern>,
    /// The upstream's names of operating systems, where they differ from this program's.
    os: BTreeMap<String, String>,
    /// The upstream's names of processors, where they differ.
    arch: BTreeMap<String, String>,
}

/// Where the releases of a defined tool are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// On GitHub.
    GitHub {
        /// The repository, `owner/name`, as written.
        repository: String,
        /// How a tag spells its version.
        tag: Pattern,
        /// The files of a release.
        files: Files,
    },
    /// At a URL, without a list of releases.
    Url(Files),
}

/// Which file is for which platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Files {
    /// One name for all.
    All(Pattern),
    /// A name for each, and no other platform.
    Each(Vec<(Platform, Pattern)>),
}

impl Definition {
    /// The keys of a definition.
    pub const KEYS: [&'static str; 10] =
        ["version", "github", "url", "tag", "asset", "os", "arch", "sums", "strip", "bin"];

    /// Returns the name or URL of the file for `platform`, if there is one.
    #[must_use]
    pub fn file(&self, version: &str, platform: Platform) -> Option<String> {
        let (Origin::GitHub { files, .. } | Origin::Url(files)) = &self.origin;
        let pattern = match files {
            Files::All(pattern) => pattern,
            Files::Each(each) => &each.iter().find(|(known, _)| *known == platform)?.1,
        };
        Some(self.fill(pattern, version, platform, ""))
    }

    /// Fills in a pattern of this definition. `asset` is the name of the platform's file.
    #[must_use]
    pub fn fill(&self, pattern: &Pattern, version: &str, platform: Platform, asset: &str) -> String {
        let (os, arch) = (platform.os.as_str(), platform.arch.as_str());
        let os = self.os.get(os).map_or(os, String::as_str);
        let arch = self.arch.get(arch).map_or(arch, String::as_str);
        pattern.fill(&Values { version, os, arch, asset })
    }
}

/// Returns true if a table of `[tools]` defines a tool instead of naming one that this program knows.
pub(super) fn defines(table: &toml::de::DeTable<'_>) -> bool {
    table.keys().any(|key| matches!(key.get_ref().as_ref(), "github" | "url"))
}

impl Reader<'_> {
    /// Reads a definition, and the version that is required.
    pub(super) fn definition(&self, tool: &Key<'_>, table: &Value<'_>) -> Result<(String, Definition), Error> {
        let mut found = BTreeMap::new();
        for (key, value) in self.table(table)? {
            let name = key.get_ref().as_ref();
            if !Definition::KEYS.contains(&name) {
                return Err(self.unknown(key, &Definition::KEYS));
            }
            found.insert(name, value);
        }
        let needs = |what: &str| self.wrong(&tool.span(), format!("`{}` needs {what}", tool.get_ref()));
        let version = self.string(found.get("version").ok_or_else(|| needs("a `version`"))?)?.to_owned();
        let on_github = found.contains_key("github");
        let (files, wrong_key): (&str, &[&str]) =
            if on_github { ("asset", &["url"]) } else { ("url", &["github", "tag", "asset"]) };
        if let Some((key, value)) = wrong_key.iter().find_map(|key| Some((key, found.get(key)?))) {
            let reason = format!("`{key}` does not go with `{}`", if on_github { "github" } else { "url" });
            return Err(self.wrong(&value.span(), reason));
        }
        let files = found.get(files).ok_or_else(|| needs("an `asset`: the name of the file"))?;
        let files = self.files(files, if on_github { Purpose::File } else { Purpose::Url })?;
        let bare = files.all(|name| Format::from_name(name).is_none());
        let origin = match found.get("github") {
            None => Origin::Url(files),
            Some(repository) => {
                let repository = self.string(repository)?.to_owned();
                let tag = match found.get("tag") {
                    Some(tag) => self.pattern(tag, Purpose::Tag)?,
                    None => Pattern::parse("v{version}", Purpose::Tag).map_err(|reason| needs(&reason))?,
                };
                Origin::GitHub { repository, tag, files }
            }
        };
        let executables = match found.get("bin") {
            Some(bin) => self.executables(bin)?,
            None if bare => Vec::new(),
            None => return Err(needs("a `bin`: the executables of the archive, such as [\"bin/tool\"]")),
        };
        let sums = found
            .get("sums")
            .map(|value| self.pattern(value, if on_github { Purpose::Sums } else { Purpose::SumsUrl }));
        let names = |key: &str, of: fn(&str) -> Option<&'static str>| {
            found.get(key).map_or_else(|| Ok(BTreeMap::new()), |value| self.names(value, key, of))
        };
        let (os, arch) = (names("os", os_of)?, names("arch", arch_of)?);
        let strip = found.get("strip").map_or(Ok(0), |value| self.strip(value))?;
        Ok((version, Definition { origin, strip, executables, sums: sums.transpose()?, os, arch }))
    }

    fn pattern(&self, value: &Value<'_>, purpose: Purpose) -> Result<Pattern, Error> {
        Pattern::parse(self.string(value)?, purpose).map_err(|reason| self.wrong(&value.span(), reason))
    }

    /// Reads one name for all platforms, or a table with a name for each.
    fn files(&self, value: &Value<'_>, purpose: Purpose) -> Result<Files, Error> {
        let packed = |value: &Value<'_>| {
            let pattern = self.pattern(value, purpose)?;
            match unknown_packing(&pattern.to_string()) {
                Some(end) => {
                    Err(self.wrong(&value.span(), format!("`{pattern}`: {end} files cannot be unpacked here")))
                }
                None => Ok(pattern),
            }
        };
        let Some(table) = value.get_ref().as_table() else { return packed(value).map(Files::All) };
        let mut each = Vec::new();
        for (key, value) in table {
            let platform = key
                .get_ref()
                .parse()
                .map_err(|cause: crate::model::BadPlatform| self.wrong(&key.span(), cause.to_string()))?;
            if each.iter().any(|(known, _)| *known == platform) {
                return Err(self.wrong(&key.span(), format!("{platform} is listed twice")));
            }
            each.push((platform, packed(value)?));
        }
        if each.is_empty() {
            return Err(self.wrong(&value.span(), "no platform has a file".to_owned()));
        }
        Ok(Files::Each(each))
    }

    /// Reads `["bin/tool"]` or `{ tool = "bin/tool-linux" }`.
    fn executables(&self, value: &Value<'_>) -> Result<Vec<(String, Pattern)>, Error> {
        let mut found: Vec<(String, Pattern)> = Vec::new();
        let mut add = |name: &str, value: &Value<'_>| {
            check_name(name).map_err(|reason| self.wrong(&value.span(), reason))?;
            if found.iter().any(|(known, _)| known == name) {
                return Err(self.wrong(&value.span(), format!("two executables are called `{name}`")));
            }
            found.push((name.to_owned(), self.pattern(value, Purpose::Path)?));
            Ok(())
        };
        if let Some(table) = value.get_ref().as_table() {
            for (key, value) in table {
                add(key.get_ref(), value)?;
            }
        } else {
            let list = value.get_ref().as_array().ok_or_else(|| self.not(value, "a list such as [\"bin/tool\"]"))?;
            for item in list.iter() {
                let path = self.string(item)?;
                let file = path.rsplit('/').next().unwrap_or_default();
                add(file.strip_suffix(".exe").unwrap_or(file), item)?;
            }
        }
        if found.is_empty() {
            return Err(self.wrong(&value.span(), "`bin` is empty, so nothing would be on PATH".to_owned()));
        }
        found.sort_by(|(left, _), (right, _)| left.cmp(right));
        Ok(found)
    }

    /// Reads the upstream's names of systems or processors: `{ amd64 = "x86_64" }`.
    fn names(
        &self,
        value: &Value<'_>,
        what: &str,
        of: fn(&str) -> Option<&'static str>,
    ) -> Result<BTreeMap<String, String>, Error> {
        let mut names = BTreeMap::new();
        for (key, value) in self.table(value)? {
            let unknown = || self.wrong(&key.span(), format!("`{}` is not a known `{what}`", key.get_ref()));
            let known = of(key.get_ref()).ok_or_else(unknown)?;
            let name = self.string(value)?;
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
            if name.is_empty() || name.starts_with(['.', '-']) || name.contains("..") || !name.chars().all(plain) {
                let reason = format!("`{name}` has characters that the name of a platform cannot have");
                return Err(self.wrong(&value.span(), reason));
            }
            names.insert(known.to_owned(), name.to_owned());
        }
        Ok(names)
    }

    fn strip(&self, value: &Value<'_>) -> Result<usize, Error> {
        let number = value.get_ref().as_integer().and_then(|number| number.as_str().parse().ok());
        number.filter(|number| *number <= 9).ok_or_else(|| {
            self.wrong(&value.span(), "`strip` is the number of leading folders to drop, 0 to 9".to_owned())
        })
    }
}

impl Files {
    fn all(&self, is: impl Fn(&str) -> bool) -> bool {
        match self {
            Self::All(pattern) => is(&pattern.to_string()),
            Self::Each(each) => each.iter().all(|(_, pattern)| is(&pattern.to_string())),
        }
    }
}

/// Returns the suffix of a file's name that indicates an unsupported archive format: such a file must not be installed as
/// an executable.
fn unknown_packing(name: &str) -> Option<&'static str> {
    const ENDS: [&str; 13] =
        [".gz", ".bz2", ".xz", ".zst", ".lz", ".7z", ".rar", ".deb", ".rpm", ".apk", ".msi", ".pkg", ".dmg"];
    let known = Format::from_name(name).is_some();
    ENDS.into_iter().find(|end| !known && name.to_ascii_lowercase().ends_with(end))
}

fn check_name(name: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '+');
    if name.is_empty() || name.starts_with(['.', '-']) || !name.chars().all(plain) {
        return Err(format!(
            "`{name}` cannot be the name of an executable; name it as in bin = {{ tool = \"{name}\" }}"
        ));
    }
    Ok(())
}

fn os_of(name: &str) -> Option<&'static str> {
    format!("{name}/amd64").parse::<Platform>().ok().map(|platform| platform.os.as_str())
}

fn arch_of(name: &str) -> Option<&'static str> {
    format!("linux/{name}")
        .parse::<Platform>()
        .ok()
        .filter(|found| found.libc.is_none())
        .map(|found| found.arch.as_str())
}

#[cfg(test)]
#[path = "definition/tests.rs"]
mod tests;
