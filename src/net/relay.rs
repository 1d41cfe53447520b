//! The bytes of one file from a mirror, and from upstream where the mirror breaks off for good. The digest of the whole
//! decides whether both had the same file.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use super::inner::Inner;
use super::place::Place;
use super::{Body, Error};

/// A file on its way from a mirror, with the upstreams that have it, too.
pub(super) struct Relay {
    inner: Arc<Inner>,
    body: Box<dyn Body>,
    /// Where it comes from when the mirror breaks off; empty once it does.
    upstreams: Vec<Place>,
    name: String,
    length: Option<u64>,
    received: u64,
    /// How many bytes of upstream's are known already.
    skip: u64,
    taken_over: bool,
}

impl Relay {
    /// Takes a file that the mirror has begun to give. `name` is what it is called for people.
    pub(super) fn of(inner: Arc<Inner>, body: Box<dyn Body>, upstreams: Vec<Place>, name: String) -> Self {
        let length = body.length();
        Self { inner, body, upstreams, name, length, received: 0, skip: 0, taken_over: false }
    }

    /// Goes on at upstream, where what came already is skipped: that the two have one and the same file is likely, and the
    /// digest shows when they have not.
    async fn take_over(&mut self) -> Result<(), Error> {
        let upstreams = std::mem::take(&mut self.upstreams);
        self.body = self.inner.open_upstream(&upstreams, &self.name).await?;
        self.skip = self.received;
        self.taken_over = true;
        let (before, now) = (self.length, self.body.length());
        if before.is_some() && now.is_some() && before != now {
            return Err(Error::Changed { url: self.name.clone() });
        }
        self.length = before.or(now);
        Ok(())
    }
}

#[async_trait]
impl Body for Relay {
    fn length(&self) -> Option<u64> {
        self.length
    }

    fn encoding(&self) -> Option<&str> {
        self.body.encoding()
    }

    /// What a mirror began and upstream goes on with is pieced together, too.
    fn was_resumed(&self) -> bool {
        self.taken_over || self.body.was_resumed()
    }

    fn never_resume(&mut self) {
        self.body.never_resume();
    }

    async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            match self.body.chunk().await {
                Ok(Some(mut bytes)) => {
                    let known = self.skip.min(bytes.len() as u64);
                    self.skip -= known;
                    // `known` is at most the length of `bytes`, so it fits.
                    let _ = bytes.split_to(usize::try_from(known).unwrap_or(bytes.len()));
                    self.received += bytes.len() as u64;
                    if !bytes.is_empty() {
                        return Ok(Some(bytes));
                    }
                }
                Ok(None) if self.skip > 0 => return Err(Error::Changed { url: self.name.clone() }),
                Ok(None) => return Ok(None),
                Err(error) if self.inner.passes_on(&error, &self.upstreams) => self.take_over().await?,
                Err(error) => return Err(error),
            }
        }
    }
}
