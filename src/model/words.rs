//! "Did you mean": the known word closest to a misspelt one.

/// Finds the known word that `word` is most likely a misspelling of.
#[must_use]
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    known
        .into_iter()
        .map(|candidate| (strsim::osa_distance(&word, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.len() / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_misses_are_named_and_far_ones_are_not() {
        let known = ["minimum-age", "unsupported", "verification", "go"];
        assert_eq!(did_you_mean("minimum_age", known), Some("minimum-age"));
        assert_eq!(did_you_mean("Unsuported", known), Some("unsupported"));
        assert_eq!(did_you_mean("og", known), Some("go"));
        assert_eq!(did_you_mean("colour", known), None);
    }
}
