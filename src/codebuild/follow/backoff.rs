//! Decides what to do after a failed request to AWS: how long to wait, what to report, when to give up.

use std::time::Duration;

use super::event::Note;
use super::pace::Pace;
use crate::aws;

/// How long requests may fail before following is given up. Throttling and outages usually end within an hour.
pub const OUTAGE_LIMIT: Duration = Duration::from_secs(60 * 60);

/// The limit for a service that has never responded, or before the ids are resolved: without a network, the error
/// should come soon. It does not apply to throttling.
pub const FIRST_ANSWER_LIMIT: Duration = Duration::from_secs(2 * 60);

/// How long to wait for new credentials: logging in again takes a browser and a minute or two.
pub const CREDENTIALS_LIMIT: Duration = Duration::from_secs(5 * 60);

/// The minimum time between two notes of the same kind.
const QUIET: Duration = Duration::from_secs(5 * 60);

/// A service that can fail on its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Upstream {
    Builds = 0,
    Logs = 1,
}

/// The state of both services and of their credentials.
#[derive(Debug)]
pub(super) struct Backoff {
    services: [Service; 2],
    /// True once the ids are resolved. Before that, nothing is lost by giving up.
    began: bool,
    /// The time since when new credentials are awaited.
    credentials: Option<Duration>,
}

#[derive(Debug)]
struct Service {
    name: &'static str,
    /// The number of refusals in a row.
    refusals: u32,
    since: Option<Duration>,
    not_before: Duration,
    /// 1, or more after throttling.
    slowdown: f64,
    answered: bool,
    lost: bool,
    last_said: [Option<Duration>; 2],
}

impl Service {
    fn new(name: &'static str) -> Self {
        Self {
            name,
            refusals: 0,
            since: None,
            not_before: Duration::ZERO,
            slowdown: 1.0,
            answered: false,
            lost: false,
            last_said: [None; 2],
        }
    }

    /// Returns true if a note of this kind is due.
    fn says(&mut self, kind: usize, now: Duration) -> bool {
        let fresh = self.last_said[kind].is_none_or(|last_said| now >= last_said + QUIET);
        if fresh {
            self.last_said[kind] = Some(now);
        }
        fresh
    }
}

impl Backoff {
    pub(super) fn new() -> Self {
        let services = [Service::new(aws::Service::CODEBUILD.name), Service::new(aws::Service::LOGS.name)];
        Self { services, began: false, credentials: None }
    }

    /// Marks the ids as resolved: the longer limit applies from now on.
    pub(super) fn begins(&mut self) {
        self.began = true;
    }

    /// Returns true if the service has ever answered.
    pub(super) fn has_answered(&self, upstream: Upstream) -> bool {
        self.services[upstream as usize].answered
    }

    /// Returns the earliest time of the next request to the service.
    pub(super) fn not_before(&self, upstream: Upstream) -> Duration {
        self.services[upstream as usize].not_before
    }

    /// Returns the factor by which pauses are longer.
    pub(super) fn slowdown(&self, upstream: Upstream) -> f64 {
        self.services[upstream as usize].slowdown
    }

    pub(super) fn answered(&mut self, upstream: Upstream) -> Vec<Note> {
        let mut notes = Vec::new();
        if self.credentials.take().is_some() {
            for service in &mut self.services {
                service.not_before = Duration::ZERO;
            }
            notes.push(Note::Renewed);
        }
        let service = &mut self.services[upstream as usize];
        if std::mem::take(&mut service.lost) {
            notes.push(Note::Back { service: service.name });
        }
        (service.answered, service.refusals, service.since) = (true, 0, None);
        // Return to the usual pace slowly: a service that was throttling a minute ago soon does it again.
        service.slowdown = (service.slowdown * 0.95).max(1.0);
        notes
    }

    /// Records a failed request; returns a note to report, or the error when waiting does not help.
    pub(super) fn refused(
        &mut self,
        upstream: Upstream,
        cause: aws::Error,
        now: Duration,
        pace: &Pace,
    ) -> Result<Option<Note>, aws::Error> {
        if cause.needs_new_credentials() || (self.credentials.is_some() && is_about_credentials(&cause)) {
            return self.expired(cause, now, pace);
        }
        if !cause.is_transient() {
            return Err(cause);
        }
        let service = &mut self.services[upstream as usize];
        let throttled = matches!(cause, aws::Error::Throttled { .. });
        let since = *service.since.get_or_insert(now);
        let patience = if (service.answered && self.began) || throttled { OUTAGE_LIMIT } else { FIRST_ANSWER_LIMIT };
        if now.saturating_sub(since) >= patience {
            return Err(cause);
        }
        service.refusals = service.refusals.saturating_add(1);
        service.not_before = now + pace.back_off(service.refusals);
        if throttled {
            service.slowdown = (service.slowdown * 1.5).min(5.0);
            return Ok(service.says(0, now).then_some(Note::Throttled { service: service.name }));
        }
        if service.lost || !service.says(1, now) {
            return Ok(None);
        }
        service.lost = true;
        Ok(Some(Note::Lost { service: service.name, cause }))
    }

    /// Both services use the same credentials.
    fn expired(&mut self, cause: aws::Error, now: Duration, pace: &Pace) -> Result<Option<Note>, aws::Error> {
        let first = self.credentials.is_none();
        let since = *self.credentials.get_or_insert(now);
        if now.saturating_sub(since) >= CREDENTIALS_LIMIT {
            return Err(cause);
        }
        // At first, new ones are often available already and were just not loaded.
        let rest = if first { pace.base / 4 } else { pace.base * 2 };
        for service in &mut self.services {
            service.not_before = now + rest;
        }
        Ok(first.then_some(Note::Expired { patience: CREDENTIALS_LIMIT }))
    }
}

fn is_about_credentials(cause: &aws::Error) -> bool {
    matches!(cause, aws::Error::NoCredentials { .. } | aws::Error::BrokenCredentials { .. })
}
