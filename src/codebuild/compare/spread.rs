//! Summarizes values: minimum, median, maximum.

use std::time::Duration;

/// The minimum, median and maximum of some values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// How many there are.
    pub count: usize,
    pub least: f64,
    /// The middle value, or the mean of the two middle values.
    pub median: f64,
    pub most: f64,
}

impl Spread {
    /// Summarizes values; none when there are none.
    #[must_use]
    pub fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let (&least, &most) = (values.first()?, values.last()?);
        let (count, middle) = (values.len(), values.len() / 2);
        let median = if count % 2 == 1 { values[middle] } else { f64::midpoint(values[middle - 1], values[middle]) };
        Some(Self { count, least, median, most })
    }

    /// Summarizes durations, in seconds.
    #[must_use]
    pub fn of_durations(durations: impl IntoIterator<Item = Duration>) -> Option<Self> {
        Self::of(durations.into_iter().map(|duration| duration.as_secs_f64()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_or_between_the_two_in_the_middle() {
        for (values, expected) in [
            (vec![], None),
            (vec![7.0], Some((7.0, 7.0, 7.0))),
            (vec![9.0, 1.0, 4.0], Some((1.0, 4.0, 9.0))),
            (vec![4.0, 9.0, 1.0, 5.0], Some((1.0, 4.5, 9.0))),
            (vec![0.0, 0.0], Some((0.0, 0.0, 0.0))),
        ] {
            let count = values.len();
            let expected = expected.map(|(least, median, most)| Spread { count, least, median, most });
            assert_eq!(Spread::of(values), expected);
        }
    }
}
