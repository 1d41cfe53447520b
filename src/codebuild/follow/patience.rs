//! What to do when AWS does not answer as it should: wait how long, say what, or end.

use std::time::Duration;

use super::event::Note;
use super::pace::Pace;
use crate::aws;

/// How long nothing but refusals is borne. Throttling and outages end within an hour, or somebody must look at them.
pub const PATIENCE: Duration = Duration::from_secs(60 * 60);

/// How long a service is waited for that has never answered, or not yet said what the ids are: whoever has no network wants
/// to know it soon. Throttling is no such silence.
pub const FIRST_PATIENCE: Duration = Duration::from_secs(2 * 60);

/// How long new credentials are waited for. BuildRef logs in again needs a browser and a minute or two.
pub const CREDENTIALS_PATIENCE: Duration = Duration::from_secs(5 * 60);

/// What is said again is not said again before this.
const QUIET: Duration = Duration::from_secs(5 * 60);

/// Which service was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Upstream {
    Builds = 0,
    Logs = 1,
}

/// How two services and the credentials for them stand.
#[derive(Debug)]
pub(super) struct Patience {
    services: [Service; 2],
    /// Whether it is known what is followed. Before that, nothing is lost by giving up.
    began: bool,
    /// Since when credentials are waited for.
    credentials: Option<Duration>,
}

#[derive(Debug)]
struct Service {
    name: &'static str,
    /// Refusals in a row.
    refusals: u32,
    since: Option<Duration>,
    /// Not asked before.
    rests: Duration,
    /// 1, or more after throttling.
    strain: f64,
    answered: bool,
    lost: bool,
    said: [Option<Duration>; 2],
}

impl Service {
    fn new(name: &'static str) -> Self {
        Self {
            name,
            refusals: 0,
            since: None,
            rests: Duration::ZERO,
            strain: 1.0,
            answered: false,
            lost: false,
            said: [None; 2],
        }
    }

    /// Returns true if this kind of note is worth saying now.
    fn says(&mut self, kind: usize, now: Duration) -> bool {
        let fresh = self.said[kind].is_none_or(|said| now >= said + QUIET);
        if fresh {
            self.said[kind] = Some(now);
        }
        fresh
    }
}

impl Patience {
    pub(super) fn new() -> Self {
        let services = [Service::new(aws::Service::CODEBUILD.name), Service::new(aws::Service::LOGS.name)];
        Self { services, began: false, credentials: None }
    }

    /// It is known what is followed: from now on patience is long.
    pub(super) fn begins(&mut self) {
        self.began = true;
    }

    /// Returns true if the service has ever answered.
    pub(super) fn has_answered(&self, upstream: Upstream) -> bool {
        self.services[upstream as usize].answered
    }

    /// Returns the time before which the service is not asked.
    pub(super) fn rests(&self, upstream: Upstream) -> Duration {
        self.services[upstream as usize].rests
    }

    /// Returns by what pauses are longer than usual.
    pub(super) fn strain(&self, upstream: Upstream) -> f64 {
        self.services[upstream as usize].strain
    }

    /// The service answered.
    pub(super) fn answered(&mut self, upstream: Upstream) -> Vec<Note> {
        let mut notes = Vec::new();
        if self.credentials.take().is_some() {
            for service in &mut self.services {
                service.rests = Duration::ZERO;
            }
            notes.push(Note::Renewed);
        }
        let service = &mut self.services[upstream as usize];
        if std::mem::take(&mut service.lost) {
            notes.push(Note::Back { service: service.name });
        }
        (service.answered, service.refusals, service.since) = (true, 0, None);
        // Slowly back to the usual pace: what was throttled a minute ago is soon throttled again.
        service.strain = (service.strain * 0.95).max(1.0);
        notes
    }

    /// The service refused, or was not reached: gives what is to be said, or the error that nothing helps against.
    pub(super) fn refused(
        &mut self,
        upstream: Upstream,
        cause: aws::Error,
        now: Duration,
        pace: &Pace,
    ) -> Result<Option<Note>, aws::Error> {
        if cause.wants_credentials() || (self.credentials.is_some() && is_about_credentials(&cause)) {
            return self.expired(cause, now, pace);
        }
        if !cause.passes() {
            return Err(cause);
        }
        let service = &mut self.services[upstream as usize];
        let throttled = matches!(cause, aws::Error::Throttled { .. });
        let since = *service.since.get_or_insert(now);
        let patience = if (service.answered && self.began) || throttled { PATIENCE } else { FIRST_PATIENCE };
        if now.saturating_sub(since) >= patience {
            return Err(cause);
        }
        service.refusals = service.refusals.saturating_add(1);
        service.rests = now + pace.back_off(service.refusals);
        if throttled {
            service.strain = (service.strain * 1.5).min(5.0);
            return Ok(service.says(0, now).then_some(Note::Throttled { service: service.name }));
        }
        if service.lost || !service.says(1, now) {
            return Ok(None);
        }
        service.lost = true;
        Ok(Some(Note::Lost { service: service.name, cause }))
    }

    /// Both services wait for the same credentials.
    fn expired(&mut self, cause: aws::Error, now: Duration, pace: &Pace) -> Result<Option<Note>, aws::Error> {
        let first = self.credentials.is_none();
        let since = *self.credentials.get_or_insert(now);
        if now.saturating_sub(since) >= CREDENTIALS_PATIENCE {
            return Err(cause);
        }
        // The first time, new ones are often there already, and were only not asked for.
        let rest = if first { pace.base / 4 } else { pace.base * 2 };
        for service in &mut self.services {
            service.rests = now + rest;
        }
        Ok(first.then_some(Note::Expired { patience: CREDENTIALS_PATIENCE }))
    }
}

fn is_about_credentials(cause: &aws::Error) -> bool {
    matches!(cause, aws::Error::NoCredentials { .. } | aws::Error::BrokenCredentials { .. })
}
