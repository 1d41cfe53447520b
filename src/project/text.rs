//! Small parsers that both files need: line numbers and spans of days.

/// Returns the line of the byte at `offset`, counted from 1.
#[must_use]
pub fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes()[..offset.min(text.len())].iter().filter(|byte| **byte == b'\n').count() + 1
}

/// Reads a `minimum-age`: `3 days`, `1 week`, `36 hours` (a part of a day counts as a whole one), `0`.
///
/// # Errors
/// The reason why the text is not a span of days.
pub fn minimum_age(text: &str) -> Result<u32, String> {
    let wrong = || format!("`{text}` is not a span of days; write it like \"3 days\" or \"1 week\"");
    let text = text.trim();
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let number: u32 = text[..digits].parse().map_err(|_| wrong())?;
    let days = match text[digits..].trim() {
        "" if number == 0 => Some(0),
        "d" | "day" | "days" => Some(number),
        "w" | "week" | "weeks" => number.checked_mul(7),
        "h" | "hour" | "hours" => Some(number.div_ceil(24)),
        _ => None,
    };
    days.filter(|days| *days <= 3650).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_of_days() {
        for (text, expected) in
            [("3 days", 3), ("1 day", 1), ("3d", 3), ("2 weeks", 14), ("36 hours", 2), ("0", 0), ("0 days", 0)]
        {
            assert_eq!(minimum_age(text), Ok(expected), "{text}");
        }
        for text in ["", "3", "days", "-3 days", "3 months", "99999 weeks", "99999999999 days", "3 days 2"] {
            assert!(minimum_age(text).is_err(), "{text:?} passed");
        }
    }

    #[test]
    fn lines_count_from_one() {
        assert_eq!(line_of("a\nb\nc", 0), 1);
        assert_eq!(line_of("a\nb\nc", 2), 2);
        assert_eq!(line_of("a\nb\nc", 99), 3);
    }
}
