//! Waits for a server: says what it waits for when that takes long, and tells a drip from a download.

use std::time::Duration;

use url::Url;

use super::Fault;
use super::address::host;
use super::retry::Limits;
use super::words::Seconds;
use crate::report::Report;

/// Waits for something from the server of `url` for at most `limit`, and says so once it takes long. None when it did not come.
pub(super) async fn patiently<T>(
    coming: impl Future<Output = T>,
    url: &Url,
    limit: Duration,
    (limits, report): (&Limits, &dyn Report),
) -> Option<T> {
    let mut coming = std::pin::pin!(coming);
    if limit > limits.notice {
        if let Ok(came) = tokio::time::timeout(limits.notice, &mut coming).await {
            return Some(came);
        }
        report.noted(&format!(
            "waiting for {}, which has sent nothing for {}; it has {} more",
            host(url),
            Seconds(limits.notice),
            Seconds(limit - limits.notice)
        ));
        return tokio::time::timeout(limit - limits.notice, coming).await.ok();
    }
    tokio::time::timeout(limit, coming).await.ok()
}

/// How fast the bytes of one answer come. Only the time counts that was spent waiting for them: a receiver that is slow itself
/// says nothing about its sender.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Pace {
    waited: Duration,
    bytes: u64,
}

impl Pace {
    /// Counts bytes that were waited for.
    ///
    /// # Errors
    /// When a whole window of waiting has brought less than the least rate.
    pub(super) fn count(&mut self, bytes: usize, waited: Duration, url: &Url, limits: &Limits) -> Result<(), Fault> {
        self.waited += waited;
        self.bytes = self.bytes.saturating_add(bytes as u64);
        if self.waited < limits.window {
            return Ok(());
        }
        let least = limits.window.as_secs_f64() * limits.least_rate as f64;
        if (self.bytes as f64) < least {
            let (received, waited, least) = (self.bytes, self.waited, limits.least_rate);
            return Err(Fault::Slow { host: host(url), received, waited, least });
        }
        *self = Self::default();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drip_is_told_from_a_download_by_the_time_that_was_waited() {
        let limits = Limits { window: Duration::from_secs(30), least_rate: 1024, ..Limits::default() };
        let url = Url::parse("https://go.dev/dl/x").unwrap();
        // Seconds of waiting and bytes, again and again; after how many pieces it ends.
        for (seconds, bytes, ends_after) in [
            (1.0, 1, Some(30)),
            (10.0, 1000, Some(3)),
            (29.9, 1, Some(2)),
            (1.0, 1023, Some(30)),
            (1.0, 1024, None),
            (30.0, 30_720, None),
            (0.0, 1, None),
        ] {
            let mut pace = Pace::default();
            let piece = |_: &usize| pace.count(bytes, Duration::from_secs_f64(seconds), &url, &limits).is_err();
            assert_eq!((1..1000).find(piece), ends_after, "{bytes} bytes every {seconds} s");
        }
    }

    #[test]
    fn a_fast_beginning_does_not_pay_for_a_drip_that_follows() {
        let limits = Limits::default();
        let url = Url::parse("https://go.dev/dl/x").unwrap();
        let mut pace = Pace::default();
        pace.count(1 << 30, limits.window, &url, &limits).unwrap();
        let error = pace.count(10, limits.window, &url, &limits).unwrap_err();
        assert_eq!(error.to_string(), "go.dev sent 10 bytes in 30 s, less than 1 KiB/s");
    }
}
