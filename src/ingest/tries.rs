//! When a file is worth receiving once more from its first byte.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::{Error, Progress};
use crate::net;

/// How often a file may change on its server while it is received before that is an error.
const RESTARTS: usize = 2;

/// What became of the receptions of one file so far.
#[derive(Debug, Default)]
pub(super) struct Tries {
    restarts: AtomicUsize,
    /// Whether the last one was pieced together from several answers.
    resumed: AtomicBool,
    /// Whether cuts are answered with a request for the whole file.
    whole: AtomicBool,
}

impl Tries {
    pub(super) fn must_be_whole(&self) -> bool {
        self.whole.load(Ordering::Relaxed)
    }

    /// Hears whether a reception that has ended was pieced together.
    pub(super) fn ended(&self, resumed: bool) {
        self.resumed.store(resumed, Ordering::Relaxed);
    }

    /// Returns true if an error is not a verdict yet: the file changed on its server meanwhile, or the bytes are wrong that a
    /// server pieced together. Some answer ranges with other bytes than those of the file, and one whole download decides.
    pub(super) fn once_more(&self, error: &Error, progress: Progress<'_>) -> bool {
        let again = match error {
            Error::Net { source: net::Error::Changed { .. }, .. } => {
                self.restarts.fetch_add(1, Ordering::Relaxed) < RESTARTS
            }
            Error::Mismatch { .. }
            | Error::Length { .. }
            | Error::Longer { .. }
            | Error::Archive { .. }
            | Error::UnknownFormat { .. }
            | Error::NoModule { .. }
            | Error::Net { source: net::Error::Contradiction { .. }, .. } => {
                let again = self.resumed.swap(false, Ordering::Relaxed) && !self.whole.swap(true, Ordering::Relaxed);
                if again {
                    progress
                        .report
                        .noted(&format!("{error}; it was pieced together, so it is received once more as a whole"));
                }
                again
            }
            _ => false,
        };
        if again {
            progress.report.restarted(progress.task);
        }
        again
    }
}
