//! Follows builds and batches: their status, their logs line by line, and the retries of failed builds.
//!
//! Read [`Follower::run`] first. It sends one request at a time, the one that is due first, and turns responses into
//! [`Event`]s. All state is kept between requests, so that a request that was refused, interrupted or cancelled is sent
//! again, and no event is lost or reported twice. It prints nothing.

mod backoff;
mod clock;
mod error;
mod event;
mod find;
mod lines;
mod log;
mod pace;
mod phases;
mod stop;
mod track;
mod updates;

#[cfg(test)]
mod tests;

pub mod causes;

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

pub use backoff::{CREDENTIALS_LIMIT, FIRST_ANSWER_LIMIT, OUTAGE_LIMIT};
pub use clock::{Clock, Monotonic};
pub use error::Error;
pub use event::{BuildRef, Event, Finished, Note, Observer, Report, Root};
pub use pace::Pace;

use super::{Service, Status};
use crate::aws;
use backoff::{Backoff, Upstream};
use pace::Budget;
use track::{BatchTrack, Track};

/// The most ids per request (<https://docs.aws.amazon.com/codebuild/latest/APIReference/API_BatchGetBuilds.html>).
const MOST_IDS: usize = 100;

/// What to follow, and how.
#[derive(Debug, Clone)]
pub struct FollowOptions {
    /// Builds and batches, by id or ARN.
    pub ids: Vec<String>,
    /// Whether logs are read.
    pub logs: bool,
    /// True if they were just started, so that CodeBuild may not find them yet.
    pub fresh: bool,
    /// The rate of requests.
    pub pace: Pace,
}

/// Follows builds and batches.
#[derive(Debug)]
pub struct Follower<O> {
    service: Arc<dyn Service>,
    clock: Arc<dyn Clock>,
    settings: FollowOptions,
    observer: O,
    /// The requested ids, in order; empty before they are resolved.
    roots: Vec<Requested>,
    tracks: Vec<Track>,
    batches: Vec<BatchTrack>,
    /// The remaining requests of this poll.
    queries: VecDeque<Query>,
    poll_due: Duration,
    budget: Budget,
    backoff: Backoff,
    /// The log groups that cannot be read.
    unread: HashSet<String>,
    /// The ids that CodeBuild no longer finds, with the number of polls since.
    absent: HashMap<String, u32>,
}

/// The kind of a requested id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Requested {
    Build,
    Batch(usize),
}

/// A request for the state of builds or batches.
#[derive(Debug, Clone)]
enum Query {
    Builds(Vec<String>),
    Batches(Vec<String>),
}

/// What is done next.
#[derive(Debug, Clone, Copy)]
enum Task {
    Poll,
    Page(usize),
}

impl<O: Observer> Follower<O> {
    /// Prepares to follow. Sends no request yet.
    #[must_use]
    pub fn new(service: Arc<dyn Service>, clock: Arc<dyn Clock>, settings: FollowOptions, observer: O) -> Self {
        let poll_due = clock.now();
        Self {
            service,
            clock,
            settings,
            observer,
            roots: Vec::new(),
            tracks: Vec::new(),
            batches: Vec::new(),
            queries: VecDeque::new(),
            poll_due,
            budget: Budget::default(),
            backoff: Backoff::new(),
            unread: HashSet::new(),
            absent: HashMap::new(),
        }
    }

    /// Follows everything to its end. After the future was dropped, a new call continues where it stopped.
    ///
    /// # Errors
    /// When an id is unknown; when AWS denies a request about builds, when requests have failed for [`OUTAGE_LIMIT`],
    /// or when no new credentials were found within [`CREDENTIALS_LIMIT`].
    pub async fn run(&mut self) -> Result<Report, Error> {
        if self.roots.is_empty() {
            self.find().await?;
        }
        loop {
            self.settle();
            let Some((task, at)) = self.next() else { break };
            self.wait_until(at).await;
            match task {
                Task::Poll => self.poll().await?,
                Task::Page(index) => self.page(index).await?,
            }
        }
        let report = self.report();
        self.observer.observe(Event::AllOver { succeeded: report.succeeded() });
        Ok(report)
    }

    pub fn observer(&mut self) -> &mut O {
        &mut self.observer
    }

    /// Returns the current state of everything.
    #[must_use]
    pub fn report(&self) -> Report {
        let root = |(index, requested): (usize, &Requested)| {
            let batch = match requested {
                Requested::Batch(at) => {
                    let track = &self.batches[*at];
                    track.build_ref.clone().zip(track.batch.clone())
                }
                Requested::Build => None,
            };
            let builds = self.tracks.iter().filter(|track| track.root == index).filter_map(|track| {
                let (build_ref, build) = (track.build_ref.clone()?, track.build.clone()?);
                let group = batch.as_ref().and_then(|(_, batch)| {
                    batch.groups.iter().find(|group| Some(&group.identifier) == build_ref.identifier.as_ref())
                });
                let prior = |group: &super::Group| group.prior.iter().any(|(arn, _)| super::id_of(arn) == build.id);
                let ignored = group.is_some_and(|group| group.ignore_failure);
                Some(Finished { replaced: track.replaced || group.is_some_and(prior), build_ref, build, ignored })
            });
            Root { builds: builds.collect(), batch }
        };
        Report { roots: self.roots.iter().enumerate().map(root).collect() }
    }

    /// Returns the task that is due first, and its time.
    fn next(&self) -> Option<(Task, Duration)> {
        let poll = self.needs_poll().then(|| {
            let not_before = self.backoff.not_before(Upstream::Builds);
            (Task::Poll, self.poll_due.max(self.budget.earliest(false)).max(not_before))
        });
        let not_before = self.backoff.not_before(Upstream::Logs);
        let logs = self.tracks.iter().enumerate().filter(|(_, track)| !track.log.ended && track.log.location.is_some());
        let page = |(index, track): (usize, &Track)| {
            (Task::Page(index), track.log.due.max(self.budget.earliest(track.log.behind)).max(not_before))
        };
        // The longest overdue task goes first, so that a log that is far behind does not hold up the others.
        let due = |task: &Task| match task {
            Task::Poll => self.poll_due,
            Task::Page(index) => self.tracks[*index].log.due,
        };
        poll.into_iter().chain(logs.map(page)).min_by_key(|(task, at)| (*at, due(task)))
    }

    fn needs_poll(&self) -> bool {
        !self.queries.is_empty()
            || self.tracks.iter().any(Track::needs_poll)
            || self.batches.iter().any(|batch| !batch.is_over())
    }

    /// Sends the next request of a poll.
    async fn poll(&mut self) -> Result<(), Error> {
        if self.queries.is_empty() {
            self.queries = self.all_queries();
        }
        let Some(query) = self.queries.front().cloned() else { return Ok(()) };
        match self.ask(&query).await {
            Ok(update) => {
                self.queries.pop_front();
                // New builds in the response are polled soon, everything else after a pause.
                if self.queries.is_empty() {
                    self.poll_due = Duration::MAX;
                }
                let (Query::Builds(requested) | Query::Batches(requested)) = &query;
                self.take(requested, update)?;
                if self.poll_due == Duration::MAX {
                    self.poll_due = self.clock.now() + self.poll_pause();
                }
                Ok(())
            }
            Err(cause) => Ok(self.refused(Upstream::Builds, cause)?),
        }
    }

    fn all_queries(&self) -> VecDeque<Query> {
        let batches = self.batches.iter().filter(|batch| !batch.is_over()).map(|batch| batch.id.clone());
        let builds = self.tracks.iter().filter(|track| track.needs_poll()).map(|track| track.id.clone());
        let (batches, builds): (Vec<_>, Vec<_>) = (batches.collect(), builds.collect());
        let batches = batches.chunks(MOST_IDS).map(|ids| Query::Batches(ids.to_vec()));
        batches.chain(builds.chunks(MOST_IDS).map(|ids| Query::Builds(ids.to_vec()))).collect()
    }

    /// Returns the pause before the next poll of all builds; the most recent change decides.
    fn poll_pause(&self) -> Duration {
        let builds =
            self.tracks.iter().filter(|track| track.needs_poll()).map(|track| track.changed.max(track.log.grew));
        let batches = self.batches.iter().filter(|batch| !batch.is_over()).map(|batch| batch.changed);
        let newest = builds.chain(batches).max().unwrap_or_default();
        let silence = self.clock.now().saturating_sub(newest);
        self.settings.pace.pause(silence, self.backoff.slowdown(Upstream::Builds))
    }

    async fn wait_until(&self, time: Duration) {
        let now = self.clock.now();
        if time > now {
            self.clock.sleep(time - now).await;
        }
    }

    /// Handles a failed request: schedules the next attempt and reports a note, or returns the error.
    fn refused(&mut self, upstream: Upstream, cause: aws::Error) -> Result<(), aws::Error> {
        let note = self.backoff.refused(upstream, cause, self.clock.now(), &self.settings.pace)?;
        if let Some(note) = note {
            self.observer.observe(Event::Note(note));
        }
        Ok(())
    }

    fn answered(&mut self, upstream: Upstream) {
        for note in self.backoff.answered(upstream) {
            self.observer.observe(Event::Note(note));
        }
    }

    /// Closes builds that have ended and were read completely, and starts to follow their retries.
    fn settle(&mut self) {
        for index in 0..self.tracks.len() {
            let track = &self.tracks[index];
            let done = track.is_over() && track.log.ended && !track.awaits_retry();
            if track.closed || !done {
                continue;
            }
            self.close(index);
        }
        for index in 0..self.batches.len() {
            let batch = &self.batches[index];
            let open =
                |track: &Track| track.member.as_ref().is_some_and(|member| member.batch == index) && !track.closed;
            if batch.closed || !batch.is_over() || self.tracks.iter().any(open) {
                continue;
            }
            self.batches[index].closed = true;
            if let Some((build_ref, batch)) =
                self.batches[index].build_ref.clone().zip(self.batches[index].batch.clone())
            {
                self.observer.observe(Event::BatchOver { build_ref, batch: Box::new(batch) });
            }
        }
    }

    fn close(&mut self, index: usize) {
        let track = &mut self.tracks[index];
        track.closed = true;
        let root = track.root;
        let Some((build_ref, build)) = track.build_ref.clone().zip(track.build.clone()) else { return };
        let next = track.next().filter(|_| build.status != Status::Succeeded).map(str::to_owned);
        let retry = build.retry.clone();
        self.observer.observe(Event::Over { build_ref: Arc::clone(&build_ref), build: Box::new(build) });
        // A chain of retries must not lead back to itself.
        let Some(next) = next.filter(|next| self.tracks.iter().all(|track| track.id != *next)) else { return };
        self.tracks[index].replaced = true;
        let number = retry.number + 1;
        self.observer.observe(Event::Retried { build_ref, next: next.clone(), number, limit: retry.limit });
        self.add(Track::new(&next, root, None, self.clock.now()));
    }

    /// Starts to follow a build.
    fn add(&mut self, mut track: Track) {
        track.log.ended = !self.settings.logs;
        self.poll_due = self.clock.now();
        self.tracks.push(track);
    }
}
