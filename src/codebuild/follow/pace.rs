//! How often is asked: a bound that holds for any number of builds, longer pauses while nothing happens, and much longer
//! ones when AWS is throttling requests.

use std::time::Duration;

/// The rate of requests.
///
/// A *poll* checks for something new: the state of builds, or more events in a log. A *page* is read from a log whose
/// previous page was not empty, so that more may be available.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// The pause between two polls of the same build or log while something happens.
    pub base: Duration,
    /// Chooses a random pause up to the longest one: full jitter
    /// (<https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>).
    pub jitter: fn(Duration) -> Duration,
}

impl Pace {
    /// The default pause between two polls of the same build or log while something happens.
    pub const BASE: Duration = Duration::from_secs(2);

    /// The most polls per minute, of all builds, batches and logs together, with a `base` of 2 seconds or more. Users
    /// who polled a few builds every 5 seconds were throttled, because the limit applies to the whole account
    /// (<https://github.com/aws-actions/aws-codebuild-run-build/issues/28>).
    pub const POLLS_PER_MINUTE: u32 = 60;

    /// The most log pages per second: a fifth of what CloudWatch allows per account
    /// (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html>).
    pub const PAGES_PER_SECOND: u32 = 5;

    /// The longest pause between two polls, as a multiple of the shortest; at most [`Self::MINUTE`].
    const LONGEST: u32 = 5;

    /// The limit of all pauses, unless `base` is longer.
    const MINUTE: Duration = Duration::from_secs(60);

    /// A pause is this fraction of the time without changes: after a minute of silence the next poll is still after two
    /// seconds, after five minutes it is after ten.
    const SILENCE: u32 = 30;

    /// The longest pause after refusals, as a multiple of `base`; at most [`Self::MINUTE`].
    const CAP: u32 = 30;

    /// Returns the default pace with this `base`.
    #[must_use]
    pub fn new(base: Duration) -> Self {
        Self { base, jitter: |longest| longest.mul_f64(fastrand::f64()) }
    }

    /// Returns the minimum time between any two polls.
    #[must_use]
    pub fn between_polls(&self) -> Duration {
        (Self::MINUTE / Self::POLLS_PER_MINUTE).min(self.base / 2)
    }

    /// Returns the minimum time between two pages.
    #[must_use]
    pub fn between_pages(&self) -> Duration {
        (Duration::from_secs(1) / Self::PAGES_PER_SECOND).min(self.base)
    }

    /// Returns the pause before the next poll after `silence` without changes. `slowdown` is at least 1; it grows with
    /// refusals.
    #[must_use]
    pub fn pause(&self, silence: Duration, slowdown: f64) -> Duration {
        (silence / Self::SILENCE).clamp(self.base, self.longest(Self::LONGEST)).mul_f64(slowdown)
    }

    /// Returns the pause after this many refusals in a row, from 1.
    #[must_use]
    pub fn back_off(&self, refusals: u32) -> Duration {
        let longest = self.base.saturating_mul(1 << refusals.min(10)).min(self.longest(Self::CAP));
        // Never zero: the next request would be refused as well.
        (self.jitter)(longest).max(self.base / 4)
    }

    fn longest(&self, times: u32) -> Duration {
        self.base.saturating_mul(times).min(Self::MINUTE).max(self.base)
    }
}

/// The times of the next allowed requests.
#[derive(Debug, Default)]
pub(super) struct Budget {
    poll: Duration,
    page: Duration,
}

impl Budget {
    /// Returns the earliest time of the next poll or page.
    pub(super) fn earliest(&self, page: bool) -> Duration {
        if page { self.page } else { self.poll }
    }

    /// Records a request that is sent now.
    pub(super) fn spend(&mut self, page: bool, now: Duration, pace: &Pace) {
        self.page = now + pace.between_pages();
        if !page {
            self.poll = now + pace.between_polls();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_makes_pauses_longer() {
        let pace = Pace::new(Pace::BASE);
        for (silence, expected) in [(0, 2.0), (60, 2.0), (120, 4.0), (300, 10.0), (3600, 10.0)] {
            assert_eq!(pace.pause(Duration::from_secs(silence), 1.0).as_secs_f64(), expected, "{silence}");
        }
        assert_eq!(pace.pause(Duration::ZERO, 2.5).as_secs_f64(), 5.0);
        let hour = Duration::from_secs(3600);
        for (base, expected) in [(30, 60), (60, 60), (600, 600)] {
            let pace = Pace { jitter: |longest| longest, ..Pace::new(Duration::from_secs(base)) };
            assert_eq!((pace.pause(hour, 1.0).as_secs(), pace.back_off(9).as_secs()), (expected, expected));
        }
    }

    #[test]
    fn refusals_make_them_longer_up_to_a_minute() {
        let pace = Pace { jitter: |longest| longest, ..Pace::new(Pace::BASE) };
        for (refusals, expected) in [(1, 4), (2, 8), (3, 16), (4, 32), (5, 60), (50, 60), (u32::MAX, 60)] {
            assert_eq!(pace.back_off(refusals).as_secs(), expected, "{refusals}");
        }
        let pace = Pace { jitter: |_| Duration::ZERO, ..pace };
        assert!(pace.back_off(1) > Duration::ZERO);
    }

    #[test]
    fn the_bounds_are_those_that_are_stated() {
        let pace = Pace::new(Pace::BASE);
        assert_eq!(pace.between_polls(), Duration::from_secs(1));
        assert_eq!(pace.between_pages(), Duration::from_millis(200));
        assert_eq!(Pace::new(Duration::from_secs(60)).between_polls(), Duration::from_secs(1));
    }
}
