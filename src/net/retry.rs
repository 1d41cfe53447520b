//! How often, how long and with which pauses one file is requested.

use std::time::{Duration, Instant};

use super::words::Seconds;
use super::{Error, Fault};

/// The times after which waiting ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// To connect, TLS included.
    pub connect: Duration,
    /// Between two pieces of an answer, and from the request to its head.
    pub stall: Duration,
    /// From the first request for a file to its last byte, retries and the receiver's own pauses included.
    pub total: Duration,
    /// The same for a document, and for a request that sends no file.
    pub documents: Duration,
    /// How long an answer may be slower than [`Limits::least_rate`] on average.
    pub window: Duration,
    /// The fewest bytes per second that are of any use.
    pub least_rate: u64,
    /// The silence after which the user is told what is waited for.
    pub notice: Duration,
    /// The most bytes of a file of which no length is published.
    pub largest: u64,
}

impl Default for Limits {
    /// Stops with a server that is silent or drips within half a minute, twice, and on a slow one only after two hours.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(20),
            stall: Duration::from_secs(30),
            total: Duration::from_secs(2 * 60 * 60),
            documents: Duration::from_secs(5 * 60),
            window: Duration::from_secs(30),
            least_rate: 1 << 10,
            notice: Duration::from_secs(10),
            largest: 16 << 30,
        }
    }
}

/// How often a file is requested, and the pauses in between.
#[derive(Debug, Clone, Copy)]
pub struct Retry {
    /// The most requests for one file that end in a fault, at least 1; a redirect does not count.
    pub attempts: u32,
    /// The longest pause after the first fault; it doubles with each one.
    pub base: Duration,
    /// No pause is longer than this, unless the server asks for it.
    pub cap: Duration,
    /// The longest `Retry-After` that is obeyed. A server that asks for more gets no further request.
    pub patience: Duration,
    /// Chooses a pause between nothing and its longest: full jitter
    /// (<https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>).
    pub jitter: fn(Duration) -> Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            attempts: 4,
            base: Duration::from_secs(1),
            cap: Duration::from_secs(20),
            patience: Duration::from_secs(120),
            jitter: full_jitter,
        }
    }
}

impl Retry {
    /// Returns the pause after the fault that ended attempt number `attempt` (from 1).
    fn pause(&self, attempt: u32, requested: Option<Duration>) -> Duration {
        let longest = self.base.saturating_mul(2_u32.saturating_pow(attempt.saturating_sub(1))).min(self.cap);
        (self.jitter)(longest).max(requested.unwrap_or_default())
    }
}

/// How many attempts in a row may bring nothing. Each costs half a minute, and a server that is silent twice stays silent.
const MOST_FRUITLESS: u32 = 2;

/// Why one request did not bring what it should.
#[derive(Debug)]
pub(super) enum Failure {
    /// Worth another attempt; the server may have said when, and what is wrong.
    Passing { fault: Fault, after: Option<Duration>, meaning: Option<Box<Error>> },
    /// Not worth one.
    Final(Error),
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Passing { fault, after: None, meaning: None }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Final(error)
    }
}

/// All attempts for one file: counts them, watches the total limit, waits in between.
#[derive(Debug)]
pub(super) struct Attempts {
    /// The URL as it may be printed.
    pub(super) url: String,
    /// How many bytes have come and were passed on.
    pub(super) received: u64,
    /// How many there should be.
    pub(super) length: Option<u64>,
    retry: Retry,
    total: Duration,
    started: Instant,
    /// Attempts that ended in a fault.
    failed: u32,
    /// Those in a row that ended because nothing came, or hardly anything.
    fruitless: u32,
    /// How much had come when the last of them ended.
    then: u64,
}

impl Attempts {
    pub(super) fn new(url: String, retry: Retry, total: Duration) -> Self {
        Self { url, received: 0, length: None, retry, total, started: Instant::now(), failed: 0, fruitless: 0, then: 0 }
    }

    /// Takes the first fault for the last.
    pub(super) fn only_one(&mut self) {
        self.retry.attempts = 1;
    }

    /// Returns the time that is left of the total limit.
    ///
    /// # Errors
    /// When none is.
    pub(super) fn left(&self) -> Result<Duration, Error> {
        self.total.checked_sub(self.started.elapsed()).filter(|left| !left.is_zero()).ok_or_else(|| self.too_slow())
    }

    /// Returns the number of the attempt that is under way, from 1.
    pub(super) fn attempt(&self) -> u32 {
        self.failed.saturating_add(1)
    }

    pub(super) fn too_slow(&self) -> Error {
        Error::TooSlow { url: self.url.clone(), limit: self.total, received: self.received, length: self.length }
    }

    fn gave_up(&self, fault: Fault) -> Error {
        Error::GaveUp {
            url: self.url.clone(),
            attempts: self.failed,
            spent: self.started.elapsed(),
            received: self.received,
            length: self.length,
            source: Box::new(fault),
        }
    }

    /// Counts attempts that brought nothing. A server that stalls after it has sent more than before is worth another one; one
    /// that drips would only drip again.
    fn count_fruitless(&mut self, fault: &Fault) {
        match fault {
            Fault::Stalled { .. } if self.received > self.then => self.fruitless = 1,
            Fault::Stalled { .. } | Fault::Slow { .. } => self.fruitless += 1,
            _ => return,
        }
        self.then = self.received;
    }

    /// Returns how many attempts there are at most, from what is known now.
    fn allowed(&self) -> u32 {
        let fruitless = self.failed + MOST_FRUITLESS - self.fruitless;
        if self.fruitless > 0 { self.retry.attempts.min(fruitless) } else { self.retry.attempts }
    }

    /// Waits before the next attempt, and says so by `note`.
    ///
    /// # Errors
    /// When there is none: the failure was final, the attempts are used up, or the server asks for too long a pause.
    pub(super) async fn recover(&mut self, failure: Failure, note: impl FnOnce(&str)) -> Result<(), Error> {
        let (fault, after, meaning) = match failure {
            Failure::Final(error) => return Err(error),
            Failure::Passing { fault, after, meaning } => (fault, after, meaning),
        };
        self.failed += 1;
        self.count_fruitless(&fault);
        let pause = self.retry.pause(self.failed, after);
        match (&fault, after.filter(|wait| *wait > self.retry.patience)) {
            (Fault::Status { status, .. }, Some(wait)) => {
                return Err(Error::ComeBackLater { url: self.url.clone(), status: *status, wait });
            }
            _ if self.failed >= self.retry.attempts || self.fruitless >= MOST_FRUITLESS || pause >= self.left()? => {
                return Err(meaning.map_or_else(|| self.gave_up(fault), |meaning| *meaning));
            }
            _ => {}
        }
        note(&format!("{fault}; attempt {} of {} in {}", self.failed + 1, self.allowed(), Seconds(pause)));
        tokio::time::sleep(pause).await;
        Ok(())
    }
}

/// Reads `Retry-After`: seconds or a date (RFC 9110 §10.2.3). A date in the past means no pause.
pub(super) fn retry_after(value: &str, now: jiff::Timestamp) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) {
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let date = jiff::fmt::rfc2822::parse(value).ok()?.timestamp();
    Some(Duration::try_from(date.duration_since(now)).unwrap_or_default())
}

fn full_jitter(longest: Duration) -> Duration {
    longest.mul_f64(fastrand::f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now: jiff::Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        for (value, seconds) in [
            ("0", Some(0)),
            (" 120 ", Some(120)),
            ("99999999999999999999999", Some(u64::MAX)),
            ("Mon, 23 Nov 2026 10:00:30 GMT", Some(30)),
            ("Mon, 23 Nov 2026 09:00:00 GMT", Some(0)),
            ("-5", None),
            ("1.5", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(retry_after(value, now), seconds.map(Duration::from_secs), "{value}");
        }
    }

    #[test]
    fn pauses_double_up_to_the_cap_and_obey_the_server() {
        let retry = Retry { jitter: |longest| longest, ..Retry::default() };
        for (attempt, asked, seconds) in [
            (1, None, 1),
            (2, None, 2),
            (5, None, 16),
            (6, None, 20),
            (4_000_000_000, None, 20),
            (1, Some(7), 7),
            (4, Some(3), 8),
        ] {
            assert_eq!(retry.pause(attempt, asked.map(Duration::from_secs)), Duration::from_secs(seconds), "{attempt}");
        }
    }

    #[test]
    fn a_server_that_is_silent_twice_is_not_asked_again() {
        let host = || "go.dev".to_owned();
        let stalled = || Fault::Stalled { host: host(), waited: Duration::from_secs(30) };
        let slow = || Fault::Slow { host: host(), received: 1, waited: Duration::from_secs(30), least: 1024 };
        let cut = || Fault::Short { host: host() };
        // What had come when each attempt ended, and how; how many attempts there are.
        for (ends, attempts) in [
            (vec![(0, stalled()), (0, stalled())], 2),
            (vec![(5, stalled()), (5, stalled())], 2),
            (vec![(5, stalled()), (9, stalled()), (9, stalled())], 3),
            (vec![(1, slow()), (2, slow())], 2),
            (vec![(1, slow()), (2, stalled()), (2, stalled())], 3),
            (vec![(0, cut()), (0, stalled()), (0, cut()), (0, cut())], 4),
            (vec![(1, stalled()), (2, stalled()), (3, stalled()), (4, stalled())], 4),
        ] {
            let mut retry = Retry { jitter: |_| Duration::ZERO, ..Retry::default() };
            retry.attempts = 4;
            let mut of = Attempts::new("https://go.dev/x".to_owned(), retry, Duration::from_secs(60));
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
            let ended = ends.into_iter().position(|(received, fault)| {
                of.received = received;
                runtime.block_on(of.recover(fault.into(), |_| {})).is_err()
            });
            assert_eq!(ended, Some(attempts - 1));
        }
    }

    #[test]
    fn jitter_is_never_longer_than_the_longest() {
        let longest = Duration::from_secs(3);
        assert!((0..1000).all(|_| full_jitter(longest) <= longest));
        assert!((0..1000).any(|_| full_jitter(longest) < longest / 4), "full jitter reaches down to nothing");
    }
}
