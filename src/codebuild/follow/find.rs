//! Resolves the requested ids: an id does not show whether it is a build or a batch.

use std::time::Duration;

use super::backoff::Upstream;
use super::track::{BatchTrack, Track};
use super::updates::Update;
use super::{Error, Follower, MOST_IDS, Observer, Query, Requested};
use crate::codebuild::find::in_region;
use crate::codebuild::id_of;

/// The polls for builds that were just started, before they count as unknown.
const FRESH_POLLS: u32 = 5;

impl<O: Observer> Follower<O> {
    /// Resolves every id; the error names those that CodeBuild does not have.
    pub(super) async fn find(&mut self) -> Result<(), Error> {
        let mut ids: Vec<String> = Vec::new();
        for id in &self.settings.ids {
            in_region(self.service.region(), id)?;
            if ids.iter().all(|known| id_of(known) != id_of(id)) {
                ids.push(id.clone());
            }
        }
        let mut polls = 0;
        let found = loop {
            polls += 1;
            let (maybe, sure): (Vec<String>, Vec<String>) =
                ids.iter().cloned().partition(|id| !id.contains(":build-batch/"));
            let mut updates = self.known(&maybe, Query::Builds).await?;
            let rest: Vec<String> =
                maybe.into_iter().filter(|id| !updates.iter().any(|update| update.has(id))).chain(sure).collect();
            let maybe: Vec<String> = rest.iter().filter(|id| !id.contains(":build/")).cloned().collect();
            updates.extend(self.known(&maybe, Query::Batches).await?);
            let unknown: Vec<String> =
                rest.into_iter().filter(|id| !updates.iter().any(|update| update.has(id))).collect();
            if unknown.is_empty() {
                break updates;
            }
            if !self.settings.fresh || polls >= FRESH_POLLS {
                return Err(Error::UnknownBuilds { ids: unknown, region: self.service.region().to_owned() });
            }
            self.clock.sleep(self.settings.pace.base).await;
        };
        self.begin(&ids, found)
    }

    /// Starts to follow what was found, with its state.
    fn begin(&mut self, ids: &[String], found: Vec<Update>) -> Result<(), Error> {
        self.backoff.begins();
        let now = self.clock.now();
        for (root, id) in ids.iter().enumerate() {
            if found.iter().any(|update| update.has(id) && matches!(update, Update::Builds(_))) {
                self.roots.push(Requested::Build);
                self.add(Track::new(id, root, None, now));
            } else {
                self.roots.push(Requested::Batch(self.batches.len()));
                self.batches.push(BatchTrack::new(id, root, now));
            }
        }
        self.poll_due = Duration::MAX;
        for update in found {
            self.take(&[], update)?;
        }
        if self.poll_due == Duration::MAX {
            self.poll_due = now + self.poll_pause();
        }
        Ok(())
    }

    /// Reads the state of these builds or batches.
    async fn known(&mut self, ids: &[String], query: fn(Vec<String>) -> Query) -> Result<Vec<Update>, Error> {
        let mut known = Vec::new();
        for ids in ids.chunks(MOST_IDS) {
            let query = query(ids.iter().map(|id| id_of(id).to_owned()).collect());
            known.push(self.insist(&query).await?);
        }
        Ok(known)
    }

    /// Sends a request until it succeeds.
    async fn insist(&mut self, query: &Query) -> Result<Update, Error> {
        loop {
            self.wait_until(self.backoff.not_before(Upstream::Builds).max(self.budget.earliest(false))).await;
            match self.ask(query).await {
                Ok(update) => return Ok(update),
                Err(cause) => self.refused(Upstream::Builds, cause)?,
            }
        }
    }
}
