//! Builds on amd64 beside builds on arm64: how long each phase takes, what a build costs, and the ratio. Only builds that
//! succeeded count, and medians, so that one slow download does not decide.

mod architecture;
mod billing;
#[cfg(feature = "aws")]
mod chart;
mod error;
mod gather;
mod prices;
mod spread;
mod table;
mod verdict;

pub use architecture::Architecture;
pub use billing::{RULE, Unit};
#[cfg(feature = "aws")]
pub use chart::svg;
pub use error::Error;
pub use gather::{CompareRequest, Gathered, LeftOut, Side, Subject, Tally, gather};
pub use prices::{Price, Prices};
pub use spread::Spread;
pub use table::{Comparison, Cost, Line, Pair, compared};
pub use verdict::{Verdict, warnings};

use std::time::Duration;

/// Writes a duration for people: `45 s`, `2 min 05 s`, `1 h 02 min`. Halves of seconds come from medians of even numbers.
#[must_use]
pub fn spoken(duration: Duration) -> String {
    let tenths = (duration.as_millis() + 50) / 100;
    let whole = tenths / 10;
    match () {
        () if whole < 60 && tenths.is_multiple_of(10) => format!("{whole} s"),
        () if whole < 60 => format!("{whole}.{} s", tenths % 10),
        () if whole < 3600 => format!("{} min {:02} s", whole / 60, whole % 60),
        () => format!("{} h {:02} min", whole / 3600, whole % 3600 / 60),
    }
}

/// Writes dollars for people: at least two digits after the point, and four where the number is small.
#[must_use]
pub fn dollars(amount: f64) -> String {
    if amount >= 1.0 { format!("${amount:.2}") } else { format!("${amount:.4}") }
}

#[cfg(test)]
pub(crate) mod made;

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
            assert_eq!(spoken(Duration::from_millis(milliseconds)), expected);
        }
        assert_eq!(dollars(0.0102), "$0.0102");
        assert_eq!(dollars(15.0), "$15.00");
    }
}
