//! What a server or another program answered, shortened for an error message.

use super::escape_line;

/// The most characters that are shown.
const LONGEST: usize = 240;

/// Returns the first line that is not blank, escaped and cut to 240 characters, without the full stop at its end.
#[must_use]
pub fn excerpt(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let kept: String = line.chars().take(LONGEST).collect();
    let mut shown = escape_line(&kept).into_owned();
    if line.chars().count() > LONGEST {
        shown.push('…');
    }
    shown.trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_is_shown_and_moves_no_terminal() {
        for (bytes, expected) in [
            (&b"\n  no such key\nmore"[..], "no such key"),
            (b"\x1b[31mred\x07", "\\u{1b}[31mred\\u{7}"),
            ("\u{202e}gnp.exe".as_bytes(), "\\u{202e}gnp.exe"),
            (b"\xff broken.", "\u{fffd} broken"),
            (b"", ""),
        ] {
            assert_eq!(excerpt(bytes), expected);
        }
        assert_eq!(excerpt(&[b'a'; 10_000]).chars().count(), LONGEST + 1);
    }
}
