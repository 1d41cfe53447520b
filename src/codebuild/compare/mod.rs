//! Compares builds on amd64 with builds on arm64: the duration of each phase, the cost of a build, and the ratio. Only
//! successful builds count, and medians are compared, so that one slow download does not matter.

mod architecture;
mod billing;
#[cfg(feature = "aws")]
mod chart;
mod error;
mod gather;
mod prices;
mod spread;
mod table;
mod tally;
mod verdict;

pub use architecture::Architecture;
pub use billing::{RULE, Unit};
#[cfg(feature = "aws")]
pub use chart::svg;
pub use error::Error;
pub use gather::{CompareRequest, Gathered, Side, Subject, gather};
pub use prices::{Price, Prices};
pub use spread::Spread;
pub use table::{Comparison, Cost, Line, Pair, compare};
pub use tally::{LeftOut, Tally};
pub use verdict::{Verdict, warnings};

use std::time::Duration;

/// Formats a duration for users: `45 s`, `2 min 05 s`, `1 h 02 min`. Medians of an even number of values may have half
/// seconds.
#[must_use]
pub fn duration_text(duration: Duration) -> String {
    let tenths = (duration.as_millis() + 50) / 100;
    let whole = tenths / 10;
    match () {
        () if whole < 60 && tenths.is_multiple_of(10) => format!("{whole} s"),
        () if whole < 60 => format!("{whole}.{} s", tenths % 10),
        () if whole < 3600 => format!("{} min {:02} s", whole / 60, whole % 60),
        () => format!("{} h {:02} min", whole / 3600, whole % 3600 / 60),
    }
}

/// Formats dollars for users: with two decimals, and four for small amounts.
#[must_use]
pub fn dollars(amount: f64) -> String {
    if amount >= 1.0 { format!("${amount:.2}") } else { format!("${amount:.4}") }
}

#[cfg(test)]
pub(crate) mod fixtures;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_dollars_are_short() {
        for (milliseconds, expected) in [
            (0, "0 s"),
            (45_000, "45 s"),
            (12_500, "12.5 s"),
            (59_960, "1 min 00 s"),
            (125_000, "2 min 05 s"),
            (3_720_000, "1 h 02 min"),
        ] {
            assert_eq!(duration_text(Duration::from_millis(milliseconds)), expected);
        }
        assert_eq!(dollars(0.0102), "$0.0102");
        assert_eq!(dollars(15.0), "$15.00");
    }
}
