//! How the modules below report progress, without knowing whether a terminal shows it.

use std::fmt;

/// One thing that takes time: the download and unpacking of one artifact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Task(pub usize);

/// Receives progress. Implementations must be cheap: `advanced` is called for every chunk of a download.
pub trait Report: fmt::Debug + Send + Sync {
    /// A task begins; `total` is its length in bytes when known.
    fn began(&self, what: &str, total: Option<u64>) -> Task;

    /// The task turns out to have `total` bytes, when [`Report::began`] could not say.
    fn sized(&self, _task: Task, _total: u64) {}

    /// `bytes` more of the task are done. A download that starts over calls [`Report::restarted`].
    fn advanced(&self, task: Task, bytes: u64);

    /// The task starts over from its first byte.
    fn restarted(&self, task: Task);

    /// The task has ended; `outcome` says how in a few words: `verified`, `failed`.
    fn ended(&self, task: Task, outcome: &str);

    /// One step worth a line in a log.
    fn noted(&self, note: &str);

    /// A warning: the work goes on.
    fn warned(&self, warning: &str);
}

/// Ignores everything: for tests, and for libraries that bring their own view.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Report for Silent {
    fn began(&self, _: &str, _: Option<u64>) -> Task {
        Task(0)
    }

    fn advanced(&self, _: Task, _: u64) {}

    fn restarted(&self, _: Task) {}

    fn ended(&self, _: Task, _: &str) {}

    fn noted(&self, _: &str) {}

    fn warned(&self, _: &str) {}
}
