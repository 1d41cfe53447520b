//! Stops builds that are followed.

use super::backoff::Upstream;
use super::{Error, Follower, Observer, Requested};
use crate::codebuild::BuildKind;

impl<O: Observer> Follower<O> {
    /// Returns the requested ids.
    #[must_use]
    pub fn ids(&self) -> &[String] {
        &self.settings.ids
    }

    /// Returns the requested ids that are still running; all of them before they are resolved.
    #[must_use]
    pub fn running(&self) -> Vec<String> {
        if self.roots.is_empty() {
            return self.settings.ids.clone();
        }
        let root = |(index, requested): (usize, &Requested)| match requested {
            Requested::Batch(at) => {
                Some(&self.batches[*at]).filter(|batch| !batch.is_over()).map(|batch| batch.id.clone())
            }
            // The last one of a chain of retries.
            Requested::Build => {
                let last = self.tracks.iter().rev().find(|track| track.root == index);
                last.filter(|track| !track.is_over()).map(|track| track.id.clone())
            }
        };
        self.roots.iter().enumerate().filter_map(root).collect()
    }

    /// Asks CodeBuild to stop everything that is running; returns the ids. [`Follower::run`] then follows the builds to
    /// their end.
    ///
    /// # Errors
    /// The first error, after all stops were requested.
    pub async fn stop(&mut self) -> Result<Vec<String>, Error> {
        if self.roots.is_empty() {
            self.find().await?;
        }
        let running = self.running();
        let mut failure = None;
        for id in &running {
            let is_batch = self.batches.iter().any(|batch| batch.id == *id);
            let kind = if is_batch { BuildKind::Batch } else { BuildKind::Single };
            if let Err(cause) = self.stop_one(id, kind).await {
                failure.get_or_insert(cause);
            }
        }
        self.poll_due = self.clock.now();
        failure.map_or(Ok(running), Err)
    }

    async fn stop_one(&mut self, id: &str, kind: BuildKind) -> Result<(), Error> {
        loop {
            self.wait_until(self.backoff.not_before(Upstream::Builds)).await;
            let answer = match kind {
                BuildKind::Single => self.service.stop(id).await.map(|_| ()),
                BuildKind::Batch => self.service.stop_batch(id).await.map(|_| ()),
            };
            match answer {
                Ok(()) => {
                    self.answered(Upstream::Builds);
                    return Ok(());
                }
                Err(cause) => self.refused(Upstream::Builds, cause)?,
            }
        }
    }
}
