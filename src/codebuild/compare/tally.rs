//! How many builds a comparison looked at, and which it left out.

use std::collections::BTreeMap;
use std::fmt;

/// Why a build is not compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LeftOut {
    Running,
    /// It did not succeed.
    Failed,
    Stopped,
    /// It ran on Windows, macOS, a GPU, or an unknown platform.
    OtherPlatform,
    /// It ran on another architecture than its side, or on another compute type than requested.
    OtherCompute,
    /// It built another source version than requested.
    OtherSource,
    /// There were enough newer ones.
    Surplus,
    /// It was listed, but no longer exists.
    Gone,
}

impl LeftOut {
    /// Returns the reason, as text after a number.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
            Self::OtherPlatform => "on another platform",
            Self::OtherCompute => "on other compute",
            Self::OtherSource => "of another source version",
            Self::Surplus => "older than the ones requested",
            Self::Gone => "gone",
        }
    }

    /// Returns the reason as a key of JSON output.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
            Self::OtherPlatform => "other_platform",
            Self::OtherCompute => "other_compute",
            Self::OtherSource => "other_source",
            Self::Surplus => "surplus",
            Self::Gone => "gone",
        }
    }
}

/// The number of builds of a project that were looked at, and of those that were left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    pub project: String,
    /// How many builds were looked at.
    pub looked: usize,
    /// How many were left out, and why.
    pub left_out: BTreeMap<LeftOut, usize>,
    /// True if the project has older builds that were not looked at.
    pub more: bool,
}

impl Tally {
    pub(super) fn leave_out(&mut self, reason: LeftOut) {
        *self.left_out.entry(reason).or_default() += 1;
    }
}

/// Says what was looked at: `looked at 40 builds of web, left out 3 failed`.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.looked == 0 {
            return write!(f, "{} has no builds", self.project);
        }
        let builds = if self.looked == 1 { "build" } else { "builds" };
        write!(f, "looked at {} {builds} of {}", self.looked, self.project)?;
        for (at, (reason, count)) in self.left_out.iter().enumerate() {
            write!(f, "{} {count} {}", if at == 0 { ", left out" } else { "," }, reason.as_str())?;
        }
        Ok(())
    }
}
