//! Durations as people say them.

use std::time::Duration;

/// Returns a duration to the second, from an hour on to the minute: `1m 42s`.
pub(super) fn spoken(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m {}s", seconds / 60, seconds % 60),
        _ => format!("{}h {}m", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_people_say_them() {
        for (seconds, expected) in [(0, "0s"), (59, "59s"), (102, "1m 42s"), (3600, "1h 0m"), (90_061, "25h 1m")] {
            assert_eq!(spoken(Duration::from_secs(seconds)), expected);
        }
    }
}
