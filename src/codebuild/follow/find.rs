//! Finds out what was asked for: an id does not say whether it is a build or a batch.

use super::answers::News;
use super::patience::Upstream;
use super::track::{BatchTrack, Track};
use super::{Asked, Error, Follower, MOST_IDS, Observer, Question};
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
        let (builds, batches) = loop {
            looks += 1;
            let (maybe, sure): (Vec<String>, Vec<String>) =
                ids.iter().cloned().partition(|id| !id.contains(":build-batch/"));
            let builds = self.known(&maybe, Question::Builds).await?;
            let rest: Vec<String> =
                maybe.into_iter().filter(|id| !builds.iter().any(|found| found == id_of(id))).chain(sure).collect();
            let maybe: Vec<String> = rest.iter().filter(|id| !id.contains(":build/")).cloned().collect();
            let batches = self.known(&maybe, Question::Batches).await?;
            let unknown: Vec<String> =
                rest.into_iter().filter(|id| !batches.iter().any(|found| found == id_of(id))).collect();
            if unknown.is_empty() {
                break (builds, batches);
            }
            if !self.settings.fresh || looks >= FRESH_LOOKS {
                return Err(Error::UnknownBuilds { ids: unknown, region: self.service.region().to_owned() });
            }
            self.clock.sleep(self.settings.pace.base).await;
        };
        self.patience.begins();
        let now = self.clock.now();
        for (root, id) in ids.iter().enumerate() {
            if builds.iter().any(|found| found == id_of(id)) {
                self.roots.push(Asked::Build);
                self.add(Track::new(id, root, None, now));
            } else if batches.iter().any(|found| found == id_of(id)) {
                self.roots.push(Asked::Batch(self.batches.len()));
                self.batches.push(BatchTrack::new(id, root, now));
            }
        }
        Ok(())
    }

    /// Gives the ids of these that are known.
    async fn known(&mut self, ids: &[String], question: fn(Vec<String>) -> Question) -> Result<Vec<String>, Error> {
        let mut known = Vec::new();
        for ids in ids.chunks(MOST_IDS) {
            let question = question(ids.iter().map(|id| id_of(id).to_owned()).collect());
            match self.insist(&question).await? {
                News::Builds(builds) => known.extend(builds.into_iter().map(|build| build.id)),
                News::Batches(batches) => known.extend(batches.into_iter().map(|batch| batch.id)),
            }
        }
        Ok(known)
    }

    /// Asks until there is an answer.
    async fn insist(&mut self, question: &Question) -> Result<News, Error> {
        loop {
            self.wait_until(self.patience.rests(Upstream::Builds).max(self.budget.earliest(false))).await;
            match self.ask(question).await {
                Ok(news) => return Ok(news),
                Err(cause) => self.refused(Upstream::Builds, cause)?,
            }
        }
    }
}
