//! Applies responses: turns what is new in them into events.

use std::sync::Arc;

use super::backoff::Upstream;
use super::event::{BuildRef, Event, Note};
use super::log::{Item, LogState};
use super::phases::Step;
use super::track::{Member, Track};
use super::{Error, Follower, Observer, Query};
use crate::aws;
use crate::codebuild::{Batch, Build, id_of};

/// The polls in a row in which CodeBuild does not find a known build, after which it counts as deleted.
const ABSENT_POLLS: u32 = 10;

/// The current state of builds or batches.
#[derive(Debug)]
pub(super) enum Update {
    Builds(Vec<Build>),
    Batches(Vec<Batch>),
}

impl Update {
    /// Returns true if it contains this id or ARN.
    pub(super) fn has(&self, id: &str) -> bool {
        match self {
            Self::Builds(builds) => builds.iter().any(|build| build.id == id_of(id)),
            Self::Batches(batches) => batches.iter().any(|batch| batch.id == id_of(id)),
        }
    }
}

impl<O: Observer> Follower<O> {
    /// Reads the current state of builds or batches.
    pub(super) async fn ask(&mut self, query: &Query) -> Result<Update, aws::Error> {
        self.budget.spend(false, self.clock.now(), &self.settings.pace);
        let service = Arc::clone(&self.service);
        let update = match query {
            Query::Builds(ids) => Update::Builds(service.builds(ids).await?),
            Query::Batches(ids) => Update::Batches(service.batches(ids).await?),
        };
        self.answered(Upstream::Builds);
        Ok(update)
    }

    /// Applies the response to a request for these ids.
    pub(super) fn take(&mut self, requested: &[String], update: Update) -> Result<(), Error> {
        let mut missing: Vec<&String> = requested.iter().collect();
        match update {
            Update::Builds(builds) => {
                missing.retain(|id| builds.iter().all(|build| build.id != **id));
                for build in builds {
                    if let Some(index) = self.tracks.iter().position(|track| track.id == build.id) {
                        self.update_build(index, build);
                    }
                }
            }
            Update::Batches(batches) => {
                missing.retain(|id| batches.iter().all(|batch| batch.id != **id));
                for batch in batches {
                    if let Some(index) = self.batches.iter().position(|track| track.id == batch.id) {
                        self.update_batch(index, batch);
                    }
                }
            }
        }
        self.count_missing(&missing, requested)
    }

    fn count_missing(&mut self, ids: &[&String], requested: &[String]) -> Result<(), Error> {
        self.absent.retain(|id, _| ids.contains(&id) || !requested.contains(id));
        for id in ids {
            let polls = self.absent.entry((*id).clone()).or_default();
            *polls += 1;
            if *polls < ABSENT_POLLS {
                continue;
            }
            // A missing build of a batch is not an error: its batch has the result.
            match self.tracks.iter_mut().find(|track| track.id == **id && track.member.is_some()) {
                Some(track) => (track.closed, track.log.ended) = (true, true),
                None => {
                    let region = self.service.region().to_owned();
                    return Err(Error::UnknownBuilds { ids: vec![(*id).clone()], region });
                }
            }
        }
        Ok(())
    }

    fn update_build(&mut self, index: usize, build: Build) {
        let now = self.clock.now();
        let track = &mut self.tracks[index];
        let mut events = Vec::new();
        let build_ref = track.build_ref.get_or_insert_with(|| {
            let batch = track.member.as_ref().map(|member| self.batches[member.batch].id.as_str());
            let member = batch.zip(track.member.as_ref().map(|member| member.identifier.as_str()));
            let build_ref = Arc::new(BuildRef::build(&build, member));
            events.push(Event::Known { build_ref: Arc::clone(&build_ref), build: Box::new(build.clone()) });
            build_ref
        });
        let build_ref = Arc::clone(build_ref);
        let was_over = track.build.as_ref().is_some_and(|before| before.status.is_over());
        if track.build.as_ref() != Some(&build) {
            track.changed = now;
        }
        // Phases that are appended to a finished build are ignored.
        let steps = if was_over { Vec::new() } else { track.phases.new_steps(&build.phases) };
        if !steps.is_empty() || (build.status.is_over() && !was_over) {
            track.log.due = now;
        }
        track.log.waiting.extend(steps);
        if track.log.location.is_none() {
            track.log.location.clone_from(&build.log);
        }
        track.build = Some(build);
        if track.is_over() {
            track.polls_after_end += 1;
        }
        let mut items = Vec::new();
        if self.settings.logs
            && let Some(note) = track.no_log()
        {
            events.push(Event::Note(note));
        }
        if track.log.ended || track.log.location.is_none() {
            track.log.all_steps(&mut items);
        }
        // There is no log, and there will be none.
        if track.is_over() && track.log.location.is_none() {
            track.log.end(&mut items);
        }
        events.into_iter().for_each(|event| self.observer.observe(event));
        self.tell(&build_ref, items);
    }

    fn update_batch(&mut self, index: usize, batch: Batch) {
        let now = self.clock.now();
        let track = &mut self.batches[index];
        let mut events = Vec::new();
        let build_ref = track.build_ref.get_or_insert_with(|| {
            let build_ref = Arc::new(BuildRef::batch(&batch));
            events.push(Event::BatchKnown { build_ref: Arc::clone(&build_ref), batch: Box::new(batch.clone()) });
            build_ref
        });
        let build_ref = Arc::clone(build_ref);
        if track.batch.as_ref() != Some(&batch) {
            track.changed = now;
        }
        let steps = track.phases.new_steps(&batch.phases).into_iter().map(Item::Step).collect();
        let mut started = Vec::new();
        for group in &batch.groups {
            if track.groups.insert(group.identifier.clone()) {
                events.push(Event::Group { batch: Arc::clone(&build_ref), group: group.clone() });
            }
            for (arn, _) in group.prior.iter().chain(&group.current) {
                started.push((arn.clone(), Member { batch: index, identifier: group.identifier.clone() }));
            }
        }
        let root = track.root;
        track.batch = Some(batch);
        events.into_iter().for_each(|event| self.observer.observe(event));
        self.tell(&build_ref, steps);
        for (arn, member) in started {
            if self.tracks.iter().all(|track| track.id != id_of(&arn)) {
                self.add(Track::new(&arn, root, Some(member), now));
            }
        }
    }

    /// Reads the next page of a log.
    pub(super) async fn page(&mut self, index: usize) -> Result<(), Error> {
        let log = &self.tracks[index].log;
        let (Some(place), token, behind) = (log.location.clone(), log.token().map(str::to_owned), log.behind) else {
            return Ok(());
        };
        self.budget.spend(behind, self.clock.now(), &self.settings.pace);
        let service = Arc::clone(&self.service);
        let answer = service.log(&place, token.as_deref()).await;
        let now = self.clock.now();
        let track = &mut self.tracks[index];
        let over = track.is_over();
        let (items, state) = match answer {
            Ok(page) => {
                self.answered(Upstream::Logs);
                self.tracks[index].log.take(&page, over, now)
            }
            Err(aws::Error::Missing { .. }) => {
                self.answered(Upstream::Logs);
                self.tracks[index].log.is_missing(over)
            }
            Err(aws::Error::Invalid { .. }) if track.log.rewind() => return Ok(()),
            Err(cause) => return self.log_refused(index, cause),
        };
        self.schedule_page(index, state);
        let Some(build_ref) = self.tracks[index].build_ref.clone() else { return Ok(()) };
        self.tell(&build_ref, items);
        match state {
            LogState::Behind | LogState::CaughtUp | LogState::Over => {}
            LogState::NeverThere => self.observer.observe(Event::Note(Note::MissingLog { build_ref })),
            LogState::Endless => self.observer.observe(Event::Note(Note::EndlessLog { build_ref })),
        }
        Ok(())
    }

    fn schedule_page(&mut self, index: usize, state: LogState) {
        let now = self.clock.now();
        let slowdown = self.backoff.slowdown(Upstream::Logs);
        let track = &mut self.tracks[index];
        // A finished build has few polls left, and the user waits for it.
        let silence = now.saturating_sub(track.log.grew.max(track.changed));
        let silence = if track.is_over() { Default::default() } else { silence };
        track.log.due = if state == LogState::Behind { now } else { now + self.settings.pace.pause(silence, slowdown) };
    }

    fn log_refused(&mut self, index: usize, cause: aws::Error) -> Result<(), Error> {
        let track = &mut self.tracks[index];
        let mut items = Vec::new();
        // Phases are not held back for a log that cannot be read.
        track.log.all_steps(&mut items);
        let Some(build_ref) = track.build_ref.clone() else { return Ok(()) };
        self.tell(&build_ref, items);
        match self.refused(Upstream::Logs, cause) {
            Ok(()) => Ok(()),
            Err(cause) if cause.needs_new_credentials() => Err(cause.into()),
            // A log that was read in part must be read to its end. A service that never responded is probably not
            // reachable from this network: a VPC has an endpoint for each service.
            Err(cause) if cause.is_transient() && self.backoff.has_answered(Upstream::Logs) => Err(cause.into()),
            Err(cause) => {
                let log = &mut self.tracks[index].log;
                let mut items = Vec::new();
                log.end(&mut items);
                let group = log.location.as_ref().map(|place| place.group.clone()).unwrap_or_default();
                self.tell(&build_ref, items);
                if self.unread.insert(group) {
                    self.observer.observe(Event::Note(Note::UnreadLog { build_ref, cause }));
                }
                Ok(())
            }
        }
    }

    fn tell(&mut self, build_ref: &Arc<BuildRef>, items: Vec<Item>) {
        for item in items {
            let build_ref = Arc::clone(build_ref);
            self.observer.observe(match item {
                Item::Step(Step::Entered { phase, at }) => Event::Entered { build_ref, phase, at },
                Item::Step(Step::Ended(phase)) => Event::Ended { build_ref, phase },
                Item::Line(time, text) => Event::Line { build_ref, time, text },
            });
        }
    }
}
