//! A clock that tests can replace, so that they do not wait.

use std::fmt::Debug;
use std::time::{Duration, Instant};

use async_trait::async_trait;

/// A source of time.
#[async_trait]
pub trait Clock: Debug + Send + Sync {
    /// Returns the time since a fixed moment.
    fn now(&self) -> Duration;

    async fn sleep(&self, time: Duration);
}

/// The clock of this machine.
#[derive(Debug)]
pub struct Monotonic {
    start: Instant,
}

impl Monotonic {
    #[must_use]
    pub fn new() -> Self {
        Self { start: Instant::now() }
    }
}

impl Default for Monotonic {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Clock for Monotonic {
    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    async fn sleep(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}
