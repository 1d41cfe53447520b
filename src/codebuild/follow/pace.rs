//! How often is asked: a bound that holds for any number of builds, longer pauses while nothing happens, and much longer
//! ones when AWS is throttling requests.

use std::time::Duration;

/// How often is asked.
///
/// A *look* asks whether there is something new: how builds stand, or whether a log has grown. A *page* is what is read of
/// a log after a page that was not empty, so of a log that is behind.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// The pause between two looks at the same thing while something happens.
    pub base: Duration,
    /// Chooses a pause between nothing and its longest: full jitter
    /// (<https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>).
    pub jitter: fn(Duration) -> Duration,
}

impl Pace {
    /// The pause between two looks at the same thing while something happens, where nobody asks for another.
    pub const BASE: Duration = Duration::from_secs(2);

    /// The most looks in a minute, of all builds, batches and logs together, with a `base` of 2 seconds or more. People who
    /// looked every 5 seconds at a few builds each were throttled, because the limit is one for the whole account
    /// (<https://github.com/aws-actions/aws-codebuild-run-build/issues/28>).
    pub const LOOKS_PER_MINUTE: u32 = 60;

    /// The most pages of logs in a second: a fifth of what CloudWatch allows to an account
    /// (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html>).
    pub const PAGES_PER_SECOND: u32 = 5;

    /// The longest pause between two looks is this many times as long as the shortest, and not more than [`Self::MINUTE`].
    const LONGEST: u32 = 5;

    /// BuildRef asks for long pauses gets no longer ones by silence or refusals.
    const MINUTE: Duration = Duration::from_secs(60);

    /// A pause is this part of the silence before it, so that what is silent for a minute is still looked at every two
    /// seconds, and what is silent for five minutes every ten.
    const SILENCE: u32 = 30;

    /// The longest pause after refusals is this many times the base, and not more than [`Self::MINUTE`].
    const CAP: u32 = 30;

    /// Makes the usual pace, with pauses of this length while something happens.
    #[must_use]
    pub fn new(base: Duration) -> Self {
        Self { base, jitter: |longest| longest.mul_f64(fastrand::f64()) }
    }

    /// Returns the time between two looks at anything. Short pauses, as tests have them, bring short times.
    #[must_use]
    pub fn between_looks(&self) -> Duration {
        (Self::MINUTE / Self::LOOKS_PER_MINUTE).min(self.base / 2)
    }

    /// Returns the time between two pages.
    #[must_use]
    pub fn between_pages(&self) -> Duration {
        (Duration::from_secs(1) / Self::PAGES_PER_SECOND).min(self.base)
    }

    /// Returns the pause before the next look at what has been silent for so long. `strain` is 1 or, after refusals, more.
    #[must_use]
    pub fn pause(&self, silence: Duration, strain: f64) -> Duration {
        (silence / Self::SILENCE).clamp(self.base, self.longest(Self::LONGEST)).mul_f64(strain)
    }

    /// Returns the pause after this many refusals in a row, from 1.
    #[must_use]
    pub fn back_off(&self, refusals: u32) -> Duration {
        let longest = self.base.saturating_mul(1 << refusals.min(10)).min(self.longest(Self::CAP));
        // Not nothing, even when the dice say so: the next request would be refused, too.
        (self.jitter)(longest).max(self.base / 4)
    }

    fn longest(&self, times: u32) -> Duration {
        self.base.saturating_mul(times).min(Self::MINUTE).max(self.base)
    }
}

/// When the next request may be sent.
#[derive(Debug, Default)]
pub(super) struct Budget {
    look: Duration,
    page: Duration,
}

impl Budget {
    /// Returns the earliest time of the next look or page.
    pub(super) fn earliest(&self, page: bool) -> Duration {
        if page { self.page } else { self.look }
    }

    /// Counts a request that is sent now.
    pub(super) fn spend(&mut self, page: bool, now: Duration, pace: &Pace) {
        self.page = now + pace.between_pages();
        if !page {
            self.look = now + pace.between_looks();
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
        assert_eq!(pace.between_looks(), Duration::from_secs(1));
        assert_eq!(pace.between_pages(), Duration::from_millis(200));
        assert_eq!(Pace::new(Duration::from_secs(60)).between_looks(), Duration::from_secs(1));
    }
}
