//! What others said, made fit to be shown: one line, no control character, not long.

/// The most characters that are shown.
const MOST: usize = 240;

/// Returns the first line that is not blank.
pub fn said(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let mut shown: String = line.chars().take(MOST).flat_map(visible).collect();
    if line.chars().count() > MOST {
        shown.push('…');
    }
    shown.trim_end_matches('.').to_owned()
}

/// Spells out what would move the cursor, colour the terminal or turn the direction of the text.
fn visible(c: char) -> Vec<char> {
    let turns = matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
    if c.is_control() || turns { c.escape_unicode().collect() } else { vec![c] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_moves_a_terminal_is_left() {
        for (bytes, expected) in [
            (&b"\n  no such key\nmore"[..], "no such key"),
            (b"\x1b[31mred\x07", "\\u{1b}[31mred\\u{7}"),
            ("\u{202e}gnp.exe".as_bytes(), "\\u{202e}gnp.exe"),
            (b"\xff broken.", "\u{fffd} broken"),
            (b"", ""),
        ] {
            assert_eq!(said(bytes), expected);
        }
        assert_eq!(said(&[b'a'; 10_000]).chars().count(), MOST + 1);
    }
}
