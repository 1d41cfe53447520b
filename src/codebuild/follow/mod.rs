//! Follows builds and batches: how they stand, their logs line by line, what is done in their place when they fail.
//!
//! Read [`Follower::run`] first. It asks one question at a time, the one that is due first; answers become [`Event`]s. All that
//! is known is kept between questions, so that a question that is refused, cut or cancelled is asked again and nothing is
//! lost or told twice. It prints nothing.

mod answers;
mod clock;
mod error;
mod event;
mod find;
mod lines;
mod log;
mod pace;
mod patience;
mod phases;
mod stop;
mod track;

#[cfg(test)]
mod tests;

pub mod causes;

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

pub use clock::{Clock, Monotonic};
pub use error::Error;
pub use event::{BuildRef, Event, Finished, Note, Observer, Report, Root};
pub use pace::Pace;
pub use patience::{CREDENTIALS_PATIENCE, FIRST_PATIENCE, PATIENCE};

use super::{Service, Status};
use crate::aws;
use pace::Budget;
use patience::{Patience, Upstream};
use track::{BatchTrack, Track};

/// The most ids of one question
/// (<https://docs.aws.amazon.com/codebuild/latest/APIReference/API_BatchGetBuilds.html>).
const MOST_IDS: usize = 100;

/// What to follow, and how.
#[derive(Debug, Clone)]
pub struct FollowOptions {
    /// Builds and batches, by id or ARN.
    pub ids: Vec<String>,
    /// Whether logs are read.
    pub logs: bool,
    /// Whether they were started a moment ago, so that CodeBuild may not know them yet.
    pub fresh: bool,
    /// How often is asked.
    pub pace: Pace,
}

/// Follows builds and batches.
#[derive(Debug)]
pub struct Follower<O> {
    service: Arc<dyn Service>,
    clock: Arc<dyn Clock>,
    settings: FollowOptions,
    observer: O,
    /// What was asked for, in order; empty before it is known what is a build and what a batch.
    roots: Vec<Requested>,
    tracks: Vec<Track>,
    batches: Vec<BatchTrack>,
    /// The rest of the questions of this look.
    questions: VecDeque<Question>,
    look_due: Duration,
    budget: Budget,
    patience: Patience,
    /// The log groups that may not be read.
    unread: HashSet<String>,
    /// What CodeBuild no longer knows, and for how many looks.
    absent: HashMap<String, u32>,
}

/// What an id that was asked for is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Requested {
    Build,
    Batch(usize),
}

/// A question about how things stand.
#[derive(Debug, Clone)]
enum Question {
    Builds(Vec<String>),
    Batches(Vec<String>),
}

/// What is done next.
#[derive(Debug, Clone, Copy)]
enum Task {
    Look,
    Page(usize),
}

impl<O: Observer> Follower<O> {
    /// Prepares to follow. Nothing is asked yet.
    #[must_use]
    pub fn new(service: Arc<dyn Service>, clock: Arc<dyn Clock>, settings: FollowOptions, observer: O) -> Self {
        let look_due = clock.now();
        Self {
            service,
            clock,
            settings,
            observer,
            roots: Vec::new(),
            tracks: Vec::new(),
            batches: Vec::new(),
            questions: VecDeque::new(),
            look_due,
            budget: Budget::default(),
            patience: Patience::new(),
            unread: HashSet::new(),
            absent: HashMap::new(),
        }
    }

    /// Follows everything to its end. When it is dropped before that, it can be called again and goes on where it was.
    ///
    /// # Errors
    /// When an id is unknown, before anything is followed; when AWS denies a question about builds, has not answered for
    /// [`PATIENCE`], or new credentials did not come within [`CREDENTIALS_PATIENCE`].
    pub async fn run(&mut self) -> Result<Report, Error> {
        if self.roots.is_empty() {
            self.find().await?;
        }
        loop {
            self.settle();
            let Some((task, at)) = self.next() else { break };
            self.wait_until(at).await;
            match task {
                Task::Look => self.look().await?,
                Task::Page(index) => self.page(index).await?,
            }
        }
        let report = self.report();
        self.observer.see(Event::AllOver { succeeded: report.succeeded() });
        Ok(report)
    }

    /// Returns who is told.
    pub fn observer(&mut self) -> &mut O {
        &mut self.observer
    }

    /// Returns how everything stands now.
    #[must_use]
    pub fn report(&self) -> Report {
        let root = |(index, asked): (usize, &Requested)| {
            let batch = match asked {
                Requested::Batch(at) => {
                    let track = &self.batches[*at];
                    track.who.clone().zip(track.batch.clone())
                }
                Requested::Build => None,
            };
            let builds = self.tracks.iter().filter(|track| track.root == index).filter_map(|track| {
                let (who, build) = (track.who.clone()?, track.build.clone()?);
                let group = batch.as_ref().and_then(|(_, batch)| {
                    batch.groups.iter().find(|group| Some(&group.identifier) == who.identifier.as_ref())
                });
                let prior = |group: &super::Group| group.prior.iter().any(|(arn, _)| super::id_of(arn) == build.id);
                let ignored = group.is_some_and(|group| group.ignore_failure);
                Some(Finished { replaced: track.replaced || group.is_some_and(prior), who, build, ignored })
            });
            Root { builds: builds.collect(), batch }
        };
        Report { roots: self.roots.iter().enumerate().map(root).collect() }
    }

    /// Chooses the question that is due first, and when it may be asked.
    fn next(&self) -> Option<(Task, Duration)> {
        let look = self.wants_look().then(|| {
            let rests = self.patience.rests(Upstream::Builds);
            (Task::Look, self.look_due.max(self.budget.earliest(false)).max(rests))
        });
        let rests = self.patience.rests(Upstream::Logs);
        let logs = self.tracks.iter().enumerate().filter(|(_, track)| !track.log.ended && track.log.place.is_some());
        let page = |(index, track): (usize, &Track)| {
            (Task::Page(index), track.log.due.max(self.budget.earliest(track.log.behind)).max(rests))
        };
        // What is due longer goes first, so that a log that is far behind does not keep the others waiting.
        let due = |task: &Task| match task {
            Task::Look => self.look_due,
            Task::Page(index) => self.tracks[*index].log.due,
        };
        look.into_iter().chain(logs.map(page)).min_by_key(|(task, at)| (*at, due(task)))
    }

    fn wants_look(&self) -> bool {
        !self.questions.is_empty()
            || self.tracks.iter().any(Track::wants_look)
            || self.batches.iter().any(|batch| !batch.is_over())
    }

    /// Asks the next question of a look: how builds or batches stand.
    async fn look(&mut self) -> Result<(), Error> {
        if self.questions.is_empty() {
            self.questions = self.all_questions();
        }
        let Some(question) = self.questions.front().cloned() else { return Ok(()) };
        match self.ask(&question).await {
            Ok(news) => {
                self.questions.pop_front();
                // What begins by the answer is looked at soon, all else after a pause.
                if self.questions.is_empty() {
                    self.look_due = Duration::MAX;
                }
                let (Question::Builds(asked) | Question::Batches(asked)) = &question;
                self.take(asked, news)?;
                if self.look_due == Duration::MAX {
                    self.look_due = self.clock.now() + self.look_pause();
                }
                Ok(())
            }
            Err(cause) => Ok(self.refused(Upstream::Builds, cause)?),
        }
    }

    fn all_questions(&self) -> VecDeque<Question> {
        let batches = self.batches.iter().filter(|batch| !batch.is_over()).map(|batch| batch.id.clone());
        let builds = self.tracks.iter().filter(|track| track.wants_look()).map(|track| track.id.clone());
        let (batches, builds): (Vec<_>, Vec<_>) = (batches.collect(), builds.collect());
        let batches = batches.chunks(MOST_IDS).map(|ids| Question::Batches(ids.to_vec()));
        batches.chain(builds.chunks(MOST_IDS).map(|ids| Question::Builds(ids.to_vec()))).collect()
    }

    /// What changed last decides how soon all are looked at again: they are asked for together.
    fn look_pause(&self) -> Duration {
        let builds =
            self.tracks.iter().filter(|track| track.wants_look()).map(|track| track.changed.max(track.log.grew));
        let batches = self.batches.iter().filter(|batch| !batch.is_over()).map(|batch| batch.changed);
        let newest = builds.chain(batches).max().unwrap_or_default();
        let silence = self.clock.now().saturating_sub(newest);
        self.settings.pace.pause(silence, self.patience.strain(Upstream::Builds))
    }

    async fn wait_until(&self, time: Duration) {
        let now = self.clock.now();
        if time > now {
            self.clock.sleep(time - now).await;
        }
    }

    /// A question was refused: waits, and says so, or ends.
    fn refused(&mut self, upstream: Upstream, cause: aws::Error) -> Result<(), aws::Error> {
        let note = self.patience.refused(upstream, cause, self.clock.now(), &self.settings.pace)?;
        if let Some(note) = note {
            self.observer.see(Event::Note(note));
        }
        Ok(())
    }

    fn answered(&mut self, upstream: Upstream) {
        for note in self.patience.answered(upstream) {
            self.observer.see(Event::Note(note));
        }
    }

    /// Closes what is over and read, and begins with what is done in its place.
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
            if let Some((who, batch)) = self.batches[index].who.clone().zip(self.batches[index].batch.clone()) {
                self.observer.see(Event::BatchOver { who, batch: Box::new(batch) });
            }
        }
    }

    fn close(&mut self, index: usize) {
        let track = &mut self.tracks[index];
        track.closed = true;
        let root = track.root;
        let Some((who, build)) = track.who.clone().zip(track.build.clone()) else { return };
        let next = track.next().filter(|_| build.status != Status::Succeeded).map(str::to_owned);
        let retry = build.retry.clone();
        self.observer.see(Event::Over { who: Arc::clone(&who), build: Box::new(build) });
        // A chain that leads back to itself is none.
        let Some(next) = next.filter(|next| self.tracks.iter().all(|track| track.id != *next)) else { return };
        self.tracks[index].replaced = true;
        let number = retry.number + 1;
        self.observer.see(Event::Retried { who, next: next.clone(), number, limit: retry.limit });
        self.add(Track::new(&next, root, None, self.clock.now()));
    }

    /// Begins to follow a build.
    fn add(&mut self, mut track: Track) {
        track.log.ended = !self.settings.logs;
        self.look_due = self.clock.now();
        self.tracks.push(track);
    }
}
