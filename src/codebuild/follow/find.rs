//! Finds out what was asked for: an id does not say whether it is a build or a batch.

use std::time::Duration;

use super::answers::Update;
use super::patience::Upstream;
use super::track::{BatchTrack, Track};
use super::{Error, Follower, MOST_IDS, Observer, Question, Requested};
use crate::codebuild::find::in_region;
use crate::codebuild::id_of;

/// Looks for what was started a moment ago, before it counts as unknown.
const FRESH_LOOKS: u32 = 5;

impl<O: Observer> Follower<O> {
    /// Finds every id, or names those that CodeBuild does not know.
    pub(super) async fn find(&mut self) -> Result<(), Error> {
        let mut ids: Vec<String> = Vec::new();
        for id in &self.settings.ids {
            in_region(self.service.region(), id)?;
            if ids.iter().all(|known| id_of(known) != id_of(id)) {
                ids.push(id.clone());
            }
        }
        let mut looks = 0;
        let found = loop {
            looks += 1;
            let (maybe, sure): (Vec<String>, Vec<String>) =
                ids.iter().cloned().partition(|id| !id.contains(":build-batch/"));
            let mut news = self.known(&maybe, Question::Builds).await?;
            let rest: Vec<String> =
                maybe.into_iter().filter(|id| !news.iter().any(|news| news.has(id))).chain(sure).collect();
            let maybe: Vec<String> = rest.iter().filter(|id| !id.contains(":build/")).cloned().collect();
            news.extend(self.known(&maybe, Question::Batches).await?);
            let unknown: Vec<String> = rest.into_iter().filter(|id| !news.iter().any(|news| news.has(id))).collect();
            if unknown.is_empty() {
                break news;
            }
            if !self.settings.fresh || looks >= FRESH_LOOKS {
                return Err(Error::UnknownBuilds { ids: unknown, region: self.service.region().to_owned() });
            }
            self.clock.sleep(self.settings.pace.base).await;
        };
        self.begin(&ids, found)
    }

    /// Begins to follow what was found, with what is known of it by now.
    fn begin(&mut self, ids: &[String], found: Vec<Update>) -> Result<(), Error> {
        self.patience.begins();
        let now = self.clock.now();
        for (root, id) in ids.iter().enumerate() {
            if found.iter().any(|news| news.has(id) && matches!(news, Update::Builds(_))) {
                self.roots.push(Requested::Build);
                self.add(Track::new(id, root, None, now));
            } else {
                self.roots.push(Requested::Batch(self.batches.len()));
                self.batches.push(BatchTrack::new(id, root, now));
            }
        }
        self.look_due = Duration::MAX;
        for news in found {
            self.take(&[], news)?;
        }
        if self.look_due == Duration::MAX {
            self.look_due = now + self.look_pause();
        }
        Ok(())
    }

    /// Returns what is known of these.
    async fn known(&mut self, ids: &[String], question: fn(Vec<String>) -> Question) -> Result<Vec<Update>, Error> {
        let mut known = Vec::new();
        for ids in ids.chunks(MOST_IDS) {
            let question = question(ids.iter().map(|id| id_of(id).to_owned()).collect());
            known.push(self.insist(&question).await?);
        }
        Ok(known)
    }

    /// Asks until there is an answer.
    async fn insist(&mut self, question: &Question) -> Result<Update, Error> {
        loop {
            self.wait_until(self.patience.rests(Upstream::Builds).max(self.budget.earliest(false))).await;
            match self.ask(question).await {
                Ok(news) => return Ok(news),
                Err(cause) => self.refused(Upstream::Builds, cause)?,
            }
        }
    }
}
