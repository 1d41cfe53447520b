//! What a user requests: `dotnet@lts`, `go@1.27`, `8.0.1xx`, `^8.0`, or a version of a `global.json` or later.

use std::fmt;

use super::Version;

/// The name of a tool: lower-case ASCII letters, digits and `-`, a letter first.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ToolName(String);

/// Which version of a tool is requested, parsed once by the tool's own grammar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Channel {
    /// A moving name that the tool defines: `lts`, `latest`, `oldstable`.
    Name(&'static str),
    /// The newest release of a line: `8`, `8.0`, `1.22`, `8.0.1xx`.
    Line(Line),
    /// The newest release of a line, prereleases included: `11.0-preview`.
    Preview(Line),
    /// One release.
    Exact(Version),
    /// The newest release in a semantic-version range.
    Range(Range),
    /// A version or a later one within bounds, as a project file may ask for.
    Minimum(Minimum),
}

/// A line of releases: all that start with these numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    /// The first number.
    pub major: u64,
    /// The second number, when it was given.
    pub minor: Option<u64>,
    /// The hundreds of the third number, when a .NET feature band was given: 1 for `8.0.1xx`.
    pub band: Option<u64>,
}

/// A semantic-version range: alternatives of comparators that must all hold.
#[derive(Debug, Clone)]
pub struct Range {
    text: String,
    alternatives: Vec<semver::VersionReq>,
}

/// A version or a later one within bounds: what a project file asks for that names a version and says how far the answer
/// may be from it (`global.json`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Minimum {
    /// The version that is named, and the least that is taken.
    pub version: Version,
    /// How far above it the answer may be.
    pub within: Within,
    /// Which version is taken where the named one is not.
    pub preference: Preference,
    /// Whether prereleases are taken.
    pub prereleases: bool,
    /// The request in the words of its file, which the lock records.
    pub text: String,
}

/// What an answer must have in common with the named version, from all to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Within {
    /// The whole version.
    Version,
    /// Both first numbers and the hundreds of the third, as .NET's feature bands have them.
    Band,
    /// Both first numbers.
    Minor,
    /// The first number.
    Major,
    /// Nothing.
    Any,
}

/// Which of several versions within bounds is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preference {
    /// The newest patch that is nearest to the named version.
    Nearest,
    /// The newest of all.
    Newest,
}

/// A text that is not a channel in the tool's grammar.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a channel of {tool}: {reason}")]
pub struct BadChannel {
    /// The tool whose grammar was applied.
    pub tool: String,
    /// The text as it was given.
    pub text: String,
    /// What is wrong with it, and what would be right.
    pub reason: String,
}

/// A request that does not name a known tool and a channel.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a request: {reason}")]
pub struct BadRequest {
    /// The text as it was given.
    pub text: String,
    /// What is wrong with it.
    pub reason: String,
}

impl ToolName {
    /// Checks a name.
    ///
    /// # Errors
    /// When it is empty, longer than 40 characters, or has other characters than `a-z`, `0-9` and `-`.
    pub fn parse(text: &str) -> Result<Self, BadRequest> {
        let fits = text.len() <= 40
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        if fits {
            return Ok(Self(text.to_owned()));
        }
        let reason = "a tool's name has lower-case letters, digits and `-`, a letter first".to_owned();
        Err(BadRequest { text: text.to_owned(), reason })
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ToolName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl Line {
    /// Returns true if the version belongs to the line, prerelease or not.
    #[must_use]
    pub fn contains(&self, version: &Version) -> bool {
        let semver = version.semver();
        semver.major == self.major
            && self.minor.is_none_or(|minor| semver.minor == minor)
            && self.band.is_none_or(|band| semver.patch / 100 == band)
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.minor, self.band) {
            (None, _) => write!(f, "{}", self.major),
            (Some(minor), None) => write!(f, "{}.{minor}", self.major),
            (Some(minor), Some(band)) => write!(f, "{}.{minor}.{band}xx", self.major),
        }
    }
}

impl Range {
    /// Reads a range as npm and NuGet users write it: `^8.0`, `>=8 <10`, `8 || 9`, `~8.0.100`, `8.x`, `8 - 9`.
    ///
    /// A space or a comma joins comparators that must all hold, `||` separates alternatives. A bare partial version means
    /// the whole line (`8.0` is `8.0.x`), as in node-semver; the `semver` crate alone would read a caret into it.
    ///
    /// # Errors
    /// The reason why the text is not a range.
    pub fn parse(text: &str) -> Result<Self, String> {
        let alternatives: Result<Vec<_>, String> = text.split("||").map(alternative).collect();
        Ok(Self { text: text.split_whitespace().collect::<Vec<_>>().join(" "), alternatives: alternatives? })
    }

    /// Returns true if the version is in the range. A prerelease is only when a comparator of the range names one of the
    /// same numbers.
    #[must_use]
    pub fn contains(&self, version: &Version) -> bool {
        self.alternatives.iter().any(|alternative| alternative.matches(version.semver()))
    }
}

/// Reads one alternative of a range.
fn alternative(text: &str) -> Result<semver::VersionReq, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err("an alternative is empty".to_owned());
    }
    if let Some((low, high)) = text.split_once(" - ") {
        return requirement(&[format!(">={}", low.trim()), format!("<={}", high.trim())]);
    }
    let mut comparators = Vec::new();
    let mut operator = String::new();
    for word in text.split([' ', '\t', ',']).filter(|word| !word.is_empty()) {
        let version = word.trim_start_matches(['<', '>', '=', '^', '~']);
        operator.push_str(&word[..word.len() - version.len()]);
        if version.is_empty() {
            continue; // `>= 8`: the operator stands alone
        }
        let bare = operator.is_empty();
        comparators.push(format!("{}{version}", if bare { "=" } else { &operator }));
        operator.clear();
    }
    if !operator.is_empty() {
        return Err(format!("a version is missing after `{operator}`"));
    }
    requirement(&comparators)
}

fn requirement(comparators: &[String]) -> Result<semver::VersionReq, String> {
    let star = |comparator: &String| matches!(comparator.as_str(), "=*" | "=x" | "=X");
    let kept: Vec<_> = comparators.iter().filter(|comparator| !star(comparator)).cloned().collect();
    if kept.is_empty() {
        return Ok(semver::VersionReq::STAR);
    }
    semver::VersionReq::parse(&kept.join(", ")).map_err(|cause| cause.to_string())
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialEq for Range {
    fn eq(&self, other: &Self) -> bool {
        self.alternatives == other.alternatives
    }
}

impl Eq for Range {}

impl Within {
    /// Returns true if `other` has in common with `version` what it must.
    #[must_use]
    pub fn holds(self, version: &semver::Version, other: &semver::Version) -> bool {
        let major = version.major == other.major;
        let minor = major && version.minor == other.minor;
        match self {
            Self::Version => version == other,
            Self::Band => minor && version.patch / 100 == other.patch / 100,
            Self::Minor => minor,
            Self::Major => major,
            Self::Any => true,
        }
    }
}

impl Minimum {
    /// Returns true if `version` is not older than the named one, within the bounds, and a prerelease only where those are
    /// taken or the named one is a prerelease itself.
    #[must_use]
    pub fn contains(&self, version: &Version) -> bool {
        let prerelease = self.prereleases || self.version.is_prerelease() || !version.is_prerelease();
        prerelease && self.within.holds(self.version.semver(), version.semver()) && *version >= self.version
    }
}

impl fmt::Display for Minimum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Channel {
    /// Returns true if `version` can be an answer, as far as that shows without the upstream's documents: a moving name
    /// admits every version.
    #[must_use]
    pub fn admits(&self, version: &Version) -> bool {
        match self {
            Self::Name(_) => true,
            Self::Line(line) | Self::Preview(line) => line.contains(version),
            Self::Exact(exact) => exact == version,
            Self::Range(range) => range.contains(version),
            Self::Minimum(minimum) => minimum.contains(version),
        }
    }

    /// Returns the version that is named, where one is.
    #[must_use]
    pub fn named_version(&self) -> Option<&Version> {
        match self {
            Self::Exact(version) => Some(version),
            Self::Minimum(minimum) => Some(&minimum.version),
            Self::Name(_) | Self::Line(_) | Self::Preview(_) | Self::Range(_) => None,
        }
    }
}

impl fmt::Display for Channel {
    /// Prints the canonical text, which the lock records as the request.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Line(line) => line.fmt(f),
            Self::Preview(line) => write!(f, "{line}-preview"),
            Self::Exact(version) => version.fmt(f),
            Self::Range(range) => range.fmt(f),
            Self::Minimum(minimum) => minimum.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_means_what_npm_means() {
        let cases: &[(&str, &[&str], &[&str])] = &[
            ("^8.0", &["8.0.100", "8.4.0"], &["9.0.100", "7.0.100", "8.0.100-rc.1"]),
            (">=8 <10", &["8.0.0", "9.9.9"], &["10.0.100", "7.9.9"]),
            (">= 8, < 10", &["8.0.0", "9.9.9"], &["10.0.100"]),
            ("8 || 9", &["8.0.1", "9.0.1"], &["10.0.1", "7.0.1"]),
            ("8.0", &["8.0.423"], &["8.1.0"]),
            ("8.0.x || 10.x", &["8.0.1", "10.3.1"], &["8.1.0", "9.0.0"]),
            ("~8.0.100", &["8.0.100", "8.0.423"], &["8.1.0", "8.0.99"]),
            ("8 - 9", &["8.0.0", "9.9.9"], &["10.0.0"]),
            ("*", &["1.0.0"], &["1.0.0-rc.1"]),
            ("=8.0.101", &["8.0.101"], &["8.0.102"]),
            (">=10.0.100-rc.1", &["10.0.100-rc.2", "10.0.100", "11.0.100"], &["11.0.100-rc.1"]),
        ];
        for (text, inside, outside) in cases {
            let range = Range::parse(text).unwrap();
            for version in *inside {
                assert!(range.contains(&Version::parse(version).unwrap()), "{text} lacks {version}");
            }
            for version in *outside {
                assert!(!range.contains(&Version::parse(version).unwrap()), "{text} has {version}");
            }
        }
    }

    #[test]
    fn a_minimum_bounds_what_it_admits() {
        let cases: &[(Within, &[&str], &[&str])] = &[
            (Within::Version, &["9.0.105"], &["9.0.106"]),
            (Within::Band, &["9.0.105", "9.0.199"], &["9.0.104", "9.0.200"]),
            (Within::Minor, &["9.0.300"], &["9.1.100"]),
            (Within::Major, &["9.1.100"], &["10.0.100"]),
            (Within::Any, &["10.0.100"], &["8.0.400", "11.0.100-rc.1"]),
        ];
        for (within, inside, outside) in cases {
            let version = Version::parse("9.0.105").unwrap();
            let (preference, text) = (Preference::Newest, format!("{within:?}"));
            let channel = Channel::Minimum(Minimum { version, within: *within, preference, prereleases: false, text });
            for (versions, expected) in [(inside, true), (outside, false)] {
                for version in *versions {
                    assert_eq!(channel.admits(&Version::parse(version).unwrap()), expected, "{channel}: {version}");
                }
            }
        }
    }

    #[test]
    fn what_is_not_a_range_is_refused() {
        for text in ["", "||", "8 ||", "^", ">=", "8.0.0.0", "v8", "^latest", "8..0", ">=8 <"] {
            assert!(Range::parse(text).is_err(), "{text:?} passed");
        }
    }

    #[test]
    fn a_tool_name_cannot_leave_its_folder() {
        for text in ["", "../go", "go/x", "Go", "-go", "1go", "go.", &"g".repeat(41)] {
            assert!(ToolName::parse(text).is_err(), "{text:?} passed");
        }
        assert_eq!(ToolName::parse("dotnet-runtime").unwrap().as_str(), "dotnet-runtime");
    }
}
