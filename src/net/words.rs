//! Amounts, times and statuses in the words of messages.

use std::fmt;
use std::time::Duration;

/// Returns the word in the number that fits.
pub(super) fn plural(count: u32, word: &str) -> String {
    if count == 1 { word.to_owned() } else { format!("{word}s") }
}

/// An HTTP status with its name, for messages.
#[derive(Debug, Clone, Copy)]
pub struct Status(pub u16);

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = reqwest::StatusCode::from_u16(self.0).ok().and_then(|status| status.canonical_reason());
        match name {
            Some(name) => write!(f, "{} {name}", self.0),
            None => write!(f, "{}", self.0),
        }
    }
}

/// A duration in seconds, with one decimal where it matters.
pub(super) struct Seconds(pub(super) Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs_f64();
        if seconds >= 10.0 || seconds.fract() == 0.0 {
            write!(f, "{seconds:.0} s")
        } else {
            write!(f, "{seconds:.1} s")
        }
    }
}

/// How far the last attempt came; nothing where no byte was received and no length was stated.
pub(super) struct Last(pub(super) u64, pub(super) Option<u64>);

impl fmt::Display for Last {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self(0, None) => Ok(()),
            Self(received, length) => write!(f, "; the last one ended after {}", Amount(received, length)),
        }
    }
}

/// How much came, and of how much when that is known: `41.2 of 213.6 MiB`.
pub(super) struct Amount(pub(super) u64, pub(super) Option<u64>);

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(received, length) = *self;
        // One unit for both numbers, chosen by the larger one.
        let large = length.unwrap_or(received) >= 1 << 20;
        let amount = |bytes: u64| match bytes {
            1.. if large => format!("{:.1}", bytes as f64 / f64::from(1 << 20)),
            _ => bytes.to_string(),
        };
        if let Some(length) = length {
            write!(f, "{} of {} ", amount(received), amount(length))?;
        } else {
            write!(f, "{} ", amount(received))?;
        }
        f.write_str(if large { "MiB" } else { "bytes" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_and_times_read_well() {
        for (received, length, expected) in [
            (0, None, ""),
            (0, Some(10), "; the last one ended after 0 of 10 bytes"),
            (7, None, "; the last one ended after 7 bytes"),
            (1, Some(3 << 20), "; the last one ended after 0.0 of 3.0 MiB"),
            (0, Some(3 << 20), "; the last one ended after 0 of 3.0 MiB"),
        ] {
            assert_eq!(Last(received, length).to_string(), expected);
        }
        for (millis, expected) in [(61_400, "61 s"), (1_500, "1.5 s"), (2_000, "2 s"), (0, "0 s")] {
            assert_eq!(Seconds(Duration::from_millis(millis)).to_string(), expected);
        }
        assert_eq!(Status(503).to_string(), "503 Service Unavailable");
        assert_eq!(Status(799).to_string(), "799");
    }
}
