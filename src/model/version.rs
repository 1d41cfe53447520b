//! A released version: the upstream's spelling, and the semantic version that orders it.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

/// A version that is safe in paths and URLs.
///
/// Compares by its semantic version; `text` keeps the upstream's spelling (`1.27rc3`, `1.20`). Two spellings of one
/// semantic version are equal.
#[derive(Debug, Clone)]
pub struct Version {
    text: String,
    semver: semver::Version,
}

/// A text that is not a version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a version: {reason}")]
pub struct BadVersion {
    /// The text as it was given.
    pub text: String,
    /// What is wrong with it.
    pub reason: String,
}

impl Version {
    /// Parses a full semantic version such as `10.0.302` or `10.0.100-rc.2.25502.107`.
    ///
    /// # Errors
    /// When the text is not `major.minor.patch` with an optional prerelease, or is longer than 64 characters.
    pub fn parse(text: &str) -> Result<Self, BadVersion> {
        let semver = semver::Version::parse(text).map_err(|_| BadVersion {
            text: text.to_owned(),
            reason: "expected three numbers, such as 10.0.302 or 10.0.100-rc.2".to_owned(),
        })?;
        Self::spelled(text, semver)
    }

    /// Joins the upstream's own spelling with the semantic version that orders it.
    ///
    /// Versions come from documents on the network and end up in paths (CVE-2026-54557 was an absolute "version"), so
    /// the grammar is strict: a digit first, then ASCII letters, digits, `.`, `+`, `-`, never `..`, at most 64 in all.
    ///
    /// # Errors
    /// When the spelling does not follow that grammar.
    pub fn spelled(text: &str, semver: semver::Version) -> Result<Self, BadVersion> {
        let bad = |reason: &str| BadVersion { text: text.to_owned(), reason: reason.to_owned() };
        if text.len() > 64 {
            return Err(bad("it is longer than 64 characters"));
        }
        if !text.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(bad("it does not start with a digit"));
        }
        if !text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '+' | '-')) || text.contains("..") {
            return Err(bad("it has characters that a version cannot have"));
        }
        Ok(Self { text: text.to_owned(), semver })
    }

    /// Returns the upstream's spelling.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the version that orders it.
    #[must_use]
    pub fn semver(&self) -> &semver::Version {
        &self.semver
    }

    /// Returns true if it is a preview, beta or release candidate.
    #[must_use]
    pub fn is_prerelease(&self) -> bool {
        !self.semver.pre.is_empty()
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.semver == other.semver
    }
}

impl Eq for Version {}

impl Hash for Version {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.semver.hash(state);
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        self.semver.cmp(&other.semver)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_that_could_leave_its_folder_is_refused() {
        for text in
            ["/etc", "../1.0.0", "1.0.0-../x", "1.0.0/..", "", " 1.0.0", "1.0.0\n", "01.0.0", "1.0", "1.0.0-a_b"]
        {
            assert!(Version::parse(text).is_err(), "{text:?} passed");
        }
        assert!(Version::parse(&format!("1.0.0-{}", "a".repeat(80))).is_err());
    }

    #[test]
    fn prereleases_come_before_their_release() {
        let texts = ["10.0.100-preview.6.1", "10.0.100-rc.1", "10.0.100-rc.2", "10.0.100", "10.0.101"];
        let versions: Vec<_> = texts.iter().map(|text| Version::parse(text).unwrap()).collect();
        assert!(versions.is_sorted());
        assert!(versions[0].is_prerelease() && !versions[3].is_prerelease());
    }
}
