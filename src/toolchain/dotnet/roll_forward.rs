//! `rollForward`: how far a `global.json` lets the .NET host move away from the version that it names
//! (<https://learn.microsoft.com/dotnet/core/tools/global-json>).

use crate::model::{Minimum, Preference, Version, Within};

/// The nine values of `rollForward`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RollForward {
    /// The version or, without it, the newest patch of its band.
    Patch,
    /// Like `patch`, else the next higher band.
    Feature,
    /// Like `feature`, else the next higher minor.
    Minor,
    /// Like `minor`, else the next higher major.
    Major,
    /// The newest patch of the band.
    LatestPatch,
    /// The newest band of the minor.
    LatestFeature,
    /// The newest minor of the major.
    LatestMinor,
    /// The newest of all.
    LatestMajor,
    /// The version and nothing else.
    Disable,
}

impl RollForward {
    /// All values, in the order of the documentation.
    pub const ALL: [Self; 9] = [
        Self::Patch,
        Self::Feature,
        Self::Minor,
        Self::Major,
        Self::LatestPatch,
        Self::LatestFeature,
        Self::LatestMinor,
        Self::LatestMajor,
        Self::Disable,
    ];

    /// Returns the spelling in `global.json`. The host compares it without regard to case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Patch => "patch",
            Self::Feature => "feature",
            Self::Minor => "minor",
            Self::Major => "major",
            Self::LatestPatch => "latestPatch",
            Self::LatestFeature => "latestFeature",
            Self::LatestMinor => "latestMinor",
            Self::LatestMajor => "latestMajor",
            Self::Disable => "disable",
        }
    }

    /// Returns what the answer must have in common with the named version: `feature` moves to other bands, within a minor.
    #[must_use]
    pub const fn within(self) -> Within {
        match self {
            Self::Disable => Within::Version,
            Self::Patch | Self::LatestPatch => Within::Band,
            Self::Feature | Self::LatestFeature => Within::Minor,
            Self::Minor | Self::LatestMinor => Within::Major,
            Self::Major | Self::LatestMajor => Within::Any,
        }
    }

    /// Returns which of several versions is taken.
    #[must_use]
    pub const fn preference(self) -> Preference {
        match self {
            Self::LatestPatch | Self::LatestFeature | Self::LatestMinor | Self::LatestMajor => Preference::Newest,
            Self::Patch | Self::Feature | Self::Minor | Self::Major | Self::Disable => Preference::Nearest,
        }
    }

    /// Returns what a file with this value requests when it names `version`.
    pub(super) fn minimum(self, version: Version, allow_prerelease: bool) -> Minimum {
        let prereleases = if allow_prerelease { "" } else { " allowPrerelease=false" };
        let text = format!("{version} rollForward={}{prereleases}", self.as_str());
        let (within, preference) = (self.within(), self.preference());
        Minimum { version, within, preference, prereleases: allow_prerelease, text }
    }

    /// Returns the value that stands behind a request.
    pub(super) fn of(minimum: &Minimum) -> Self {
        let is = |value: &Self| (value.within(), value.preference()) == (minimum.within, minimum.preference);
        // A minimum of one version is the same whichever version is preferred.
        Self::ALL.into_iter().find(is).unwrap_or(Self::Disable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_keeps_the_value_and_prints_as_the_lock_records_it() {
        for value in RollForward::ALL {
            let minimum = value.minimum(Version::parse("9.0.105").unwrap(), true);
            assert_eq!(RollForward::of(&minimum), value);
            assert_eq!(minimum.to_string(), format!("9.0.105 rollForward={}", value.as_str()));
        }
        let stable = RollForward::LatestPatch.minimum(Version::parse("9.0.105").unwrap(), false);
        assert_eq!(stable.to_string(), "9.0.105 rollForward=latestPatch allowPrerelease=false");
    }
}
