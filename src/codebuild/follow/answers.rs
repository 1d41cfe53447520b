//! Takes answers: makes events of what is new in them.

use std::sync::Arc;

use super::event::{BuildRef, Event, Note};
use super::log::{Item, LogState};
use super::patience::Upstream;
use super::phases::Step;
use super::track::{Member, Track};
use super::{Error, Follower, Observer, Question};
use crate::aws;
use crate::codebuild::{Batch, Build, id_of};

/// Looks in a row in which CodeBuild does not know what it knew before: then it was deleted.
const ABSENT_LOOKS: u32 = 10;

/// An answer about how things stand.
#[derive(Debug)]
pub(super) enum Update {
    Builds(Vec<Build>),
    Batches(Vec<Batch>),
}

impl Update {
    /// Returns true if it says something about this id or ARN.
    pub(super) fn has(&self, id: &str) -> bool {
        match self {
            Self::Builds(builds) => builds.iter().any(|build| build.id == id_of(id)),
            Self::Batches(batches) => batches.iter().any(|batch| batch.id == id_of(id)),
        }
    }
}

impl<O: Observer> Follower<O> {
    /// Asks how builds or batches stand.
    pub(super) async fn ask(&mut self, question: &Question) -> Result<Update, aws::Error> {
        self.budget.spend(false, self.clock.now(), &self.settings.pace);
        let service = Arc::clone(&self.service);
        let news = match question {
            Question::Builds(ids) => Update::Builds(service.builds(ids).await?),
            Question::Batches(ids) => Update::Batches(service.batches(ids).await?),
        };
        self.answered(Upstream::Builds);
        Ok(news)
    }

    /// Takes the answer to a question for these ids.
    pub(super) fn take(&mut self, asked: &[String], news: Update) -> Result<(), Error> {
        let mut missing: Vec<&String> = asked.iter().collect();
        match news {
            Update::Builds(builds) => {
                missing.retain(|id| builds.iter().all(|build| build.id != **id));
                for build in builds {
                    if let Some(index) = self.tracks.iter().position(|track| track.id == build.id) {
                        self.build_stands(index, build);
                    }
                }
            }
            Update::Batches(batches) => {
                missing.retain(|id| batches.iter().all(|batch| batch.id != **id));
                for batch in batches {
                    if let Some(index) = self.batches.iter().position(|track| track.id == batch.id) {
                        self.batch_stands(index, batch);
                    }
                }
            }
        }
        self.are_missing(&missing, asked)
    }

    fn are_missing(&mut self, ids: &[&String], asked: &[String]) -> Result<(), Error> {
        self.absent.retain(|id, _| ids.contains(&id) || !asked.contains(id));
        for id in ids {
            let looks = self.absent.entry((*id).clone()).or_default();
            *looks += 1;
            if *looks < ABSENT_LOOKS {
                continue;
            }
            // A build of a batch is not what was asked for: its batch says how it ended.
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

    fn build_stands(&mut self, index: usize, build: Build) {
        let now = self.clock.now();
        let track = &mut self.tracks[index];
        let mut told = Vec::new();
        let who = track.who.get_or_insert_with(|| {
            let batch = track.member.as_ref().map(|member| self.batches[member.batch].id.as_str());
            let member = batch.zip(track.member.as_ref().map(|member| member.identifier.as_str()));
            let who = Arc::new(BuildRef::build(&build, member));
            told.push(Event::Known { who: Arc::clone(&who), build: Box::new(build.clone()) });
            who
        });
        let who = Arc::clone(who);
        let was_over = track.build.as_ref().is_some_and(|before| before.status.is_over());
        if track.build.as_ref() != Some(&build) {
            track.changed = now;
        }
        // What is appended to the phases of a build that is over is no news.
        let steps = if was_over { Vec::new() } else { track.phases.news(&build.phases) };
        if !steps.is_empty() || (build.status.is_over() && !was_over) {
            track.log.due = now;
        }
        track.log.waiting.extend(steps);
        if track.log.place.is_none() {
            track.log.place.clone_from(&build.log);
        }
        track.build = Some(build);
        if track.is_over() {
            track.over_looks += 1;
        }
        let mut items = Vec::new();
        if self.settings.logs
            && let Some(note) = track.no_log()
        {
            told.push(Event::Note(note));
        }
        if track.log.ended || track.log.place.is_none() {
            track.log.all_steps(&mut items);
        }
        // Nothing was logged, and nothing will be.
        if track.is_over() && track.log.place.is_none() {
            track.log.end(&mut items);
        }
        told.into_iter().for_each(|event| self.observer.see(event));
        self.tell(&who, items);
    }

    fn batch_stands(&mut self, index: usize, batch: Batch) {
        let now = self.clock.now();
        let track = &mut self.batches[index];
        let mut told = Vec::new();
        let who = track.who.get_or_insert_with(|| {
            let who = Arc::new(BuildRef::batch(&batch));
            told.push(Event::BatchKnown { who: Arc::clone(&who), batch: Box::new(batch.clone()) });
            who
        });
        let who = Arc::clone(who);
        if track.batch.as_ref() != Some(&batch) {
            track.changed = now;
        }
        let steps = track.phases.news(&batch.phases).into_iter().map(Item::Step).collect();
        let mut started = Vec::new();
        for group in &batch.groups {
            if track.groups.insert(group.identifier.clone()) {
                told.push(Event::Group { batch: Arc::clone(&who), group: group.clone() });
            }
            for (arn, _) in group.prior.iter().chain(&group.current) {
                started.push((arn.clone(), Member { batch: index, identifier: group.identifier.clone() }));
            }
        }
        let root = track.root;
        track.batch = Some(batch);
        told.into_iter().for_each(|event| self.observer.see(event));
        self.tell(&who, steps);
        for (arn, member) in started {
            if self.tracks.iter().all(|track| track.id != id_of(&arn)) {
                self.add(Track::new(&arn, root, Some(member), now));
            }
        }
    }

    /// Reads the next page of a log.
    pub(super) async fn page(&mut self, index: usize) -> Result<(), Error> {
        let log = &self.tracks[index].log;
        let (Some(place), token, behind) = (log.place.clone(), log.token().map(str::to_owned), log.behind) else {
            return Ok(());
        };
        self.budget.spend(behind, self.clock.now(), &self.settings.pace);
        let service = Arc::clone(&self.service);
        let answer = service.log(&place, token.as_deref()).await;
        let now = self.clock.now();
        let track = &mut self.tracks[index];
        let over = track.is_over();
        let (items, standing) = match answer {
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
        self.page_due(index, standing);
        let Some(who) = self.tracks[index].who.clone() else { return Ok(()) };
        self.tell(&who, items);
        match standing {
            LogState::Behind | LogState::CaughtUp | LogState::Over => {}
            LogState::NeverThere => self.observer.see(Event::Note(Note::MissingLog { who })),
            LogState::Endless => self.observer.see(Event::Note(Note::EndlessLog { who })),
        }
        Ok(())
    }

    fn page_due(&mut self, index: usize, standing: LogState) {
        let now = self.clock.now();
        let strain = self.patience.strain(Upstream::Logs);
        let track = &mut self.tracks[index];
        // A build that is over has few looks left, and somebody waits for its end.
        let silence = now.saturating_sub(track.log.grew.max(track.changed));
        let silence = if track.is_over() { Default::default() } else { silence };
        track.log.due =
            if standing == LogState::Behind { now } else { now + self.settings.pace.pause(silence, strain) };
    }

    fn log_refused(&mut self, index: usize, cause: aws::Error) -> Result<(), Error> {
        let track = &mut self.tracks[index];
        let mut items = Vec::new();
        // Phases do not wait for a log that cannot be read now.
        track.log.all_steps(&mut items);
        let Some(who) = track.who.clone() else { return Ok(()) };
        self.tell(&who, items);
        match self.refused(Upstream::Logs, cause) {
            Ok(()) => Ok(()),
            Err(cause) if cause.wants_credentials() => Err(cause.into()),
            // What was read in part is wanted to its end. A service that was never there is one that this network does not
            // reach: VPCs have an endpoint for each.
            Err(cause) if cause.passes() && self.patience.has_answered(Upstream::Logs) => Err(cause.into()),
            Err(cause) => {
                let log = &mut self.tracks[index].log;
                let mut items = Vec::new();
                log.end(&mut items);
                let group = log.place.as_ref().map(|place| place.group.clone()).unwrap_or_default();
                self.tell(&who, items);
                if self.unread.insert(group) {
                    self.observer.see(Event::Note(Note::UnreadLog { who, cause }));
                }
                Ok(())
            }
        }
    }

    fn tell(&mut self, who: &Arc<BuildRef>, items: Vec<Item>) {
        for item in items {
            let who = Arc::clone(who);
            self.observer.see(match item {
                Item::Step(Step::Entered { phase, at }) => Event::Entered { who, phase, at },
                Item::Step(Step::Ended(phase)) => Event::Ended { who, phase },
                Item::Line(time, text) => Event::Line { who, time, text },
            });
        }
    }
}
