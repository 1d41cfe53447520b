//! The billed time of a build.
//!
//! AWS's page of prices (<https://aws.amazon.com/codebuild/pricing/>, quoted by several documents of the years 2021 to
//! 2026; the page itself cannot be read from here) says: "Build Duration is calculated in minutes, from the time you
//! submit your build until your build is terminated, rounded up to the nearest minute", and for Lambda by the second. A
//! customer reports that AWS's support said that time in the queue is not charged, and that charges begin with
//! PROVISIONING (<https://tech.locaop.jp/entry/2023/02/07/114816>). This module follows that report. It has not been
//! verified on a bill: by the wording of the page, SUBMITTED and QUEUED would count too.

use std::time::Duration;

use super::super::build::{Build, Phase};

/// The rule, as text for users.
pub const RULE: &str = "from PROVISIONING to the end, rounded up to minutes, on Lambda to seconds";

/// Phases in which a build waits for a machine. They do not depend on the machine's speed.
const WAITING: &[&str] = &["SUBMITTED", "QUEUED"];

/// What a price is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    Minute,
    Second,
}

impl Unit {
    /// Returns the billing unit of an environment type.
    #[must_use]
    pub fn of(environment_type: &str) -> Self {
        if environment_type.contains("LAMBDA") { Self::Second } else { Self::Minute }
    }

    fn length(self) -> Duration {
        Duration::from_secs(if self == Self::Minute { 60 } else { 1 })
    }

    /// Returns the number of started units.
    #[must_use]
    pub fn count(self, duration: Duration) -> u32 {
        let units = duration.as_millis().div_ceil(self.length().as_millis());
        u32::try_from(units).unwrap_or(u32::MAX)
    }

    #[must_use]
    pub fn as_str(self) -> &'static str {
        if self == Self::Minute { "minute" } else { "second" }
    }
}

/// Returns true if a build only waits in this phase.
pub(super) fn waits(phase: &str) -> bool {
    WAITING.contains(&phase)
}

/// Returns the duration of a phase; none while it is unknown.
pub(super) fn length(phase: &Phase) -> Option<Duration> {
    let between = || phase.ended?.duration_since(phase.started?).try_into().ok();
    phase.duration.or_else(between)
}

/// Returns how long a build had a machine: its duration without the time in the queue.
pub(super) fn work(build: &Build) -> Duration {
    let sum = |waiting: bool| -> Duration {
        build.phases.iter().filter(|phase| waits(&phase.name) == waiting).filter_map(length).sum()
    };
    let whole: Option<Duration> = (|| build.ended?.duration_since(build.started?).try_into().ok())();
    whole.map_or_else(|| sum(false), |whole| whole.saturating_sub(sum(true)))
}

/// Returns the billed time.
pub(super) fn billed(build: &Build) -> Duration {
    let unit = Unit::of(&build.environment.kind);
    unit.length().saturating_mul(unit.count(work(build)))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::build;
    use super::*;

    #[test]
    fn the_queue_is_not_paid_for_and_a_unit_that_was_begun_is() {
        for (kind, phases, expected) in [
            ("LINUX_CONTAINER", &[("QUEUED", 500), ("BUILD", 60)][..], 60),
            ("LINUX_CONTAINER", &[("SUBMITTED", 1), ("PROVISIONING", 8), ("BUILD", 53)], 120),
            ("ARM_EC2", &[("BUILD", 1)], 60),
            ("ARM_LAMBDA_CONTAINER", &[("QUEUED", 3), ("BUILD", 61)], 61),
            ("ARM_CONTAINER", &[("BUILD", 0)], 0),
        ] {
            assert_eq!(billed(&build("web:1", kind, phases)), Duration::from_secs(expected), "{kind} {phases:?}");
        }
    }

    #[test]
    fn a_build_without_an_end_is_as_long_as_its_phases() {
        let mut one = build("web:1", "LINUX_CONTAINER", &[("QUEUED", 9), ("BUILD", 30), ("POST_BUILD", 4)]);
        one.ended = None;
        assert_eq!(work(&one), Duration::from_secs(34));
        // A clock that went back makes no negative time.
        one.ended = one.started;
        assert_eq!(work(&one), Duration::ZERO);
    }
}
