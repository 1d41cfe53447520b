//! Writes one scalar: plain, quoted, or as a block.

use super::interpretation::{Interpretation, interpret};

/// Writes a text on one line, quoted if YAML would read something else without quotes.
#[must_use]
pub fn scalar(text: &str) -> String {
    if is_plain(text) { text.to_owned() } else { quoted(text) }
}

/// Quotes a text: with double quotes if nothing must be escaped, with single quotes if that avoids escapes.
pub(super) fn quoted(text: &str) -> String {
    let odd = text.chars().any(|c| !is_printable(c));
    if !odd && text.contains(['"', '\\']) {
        return format!("'{}'", text.replace('\'', "''"));
    }
    let mut result = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => result.push_str("\\\""),
            '\\' => result.push_str("\\\\"),
            '\n' => result.push_str("\\n"),
            '\t' => result.push_str("\\t"),
            '\r' => result.push_str("\\r"),
            c if is_printable(c) => result.push(c),
            c if (c as u32) <= 0xff => result.push_str(&format!("\\x{:02x}", c as u32)),
            c if (c as u32) <= 0xffff => result.push_str(&format!("\\u{:04x}", c as u32)),
            c => result.push_str(&format!("\\U{:08x}", c as u32)),
        }
    }
    result.push('"');
    result
}

/// Returns true if a character may be written unescaped. Unicode line breaks, the byte order mark, and marks that
/// change the direction of the text (CVE-2021-42574) are escaped: a person must see what a machine will run.
fn is_printable(c: char) -> bool {
    !(c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
}

fn is_plain(text: &str) -> bool {
    let (Some(first), Some(last)) = (text.chars().next(), text.chars().next_back()) else { return false };
    let opens = "-?:,[]{}#&*!|>'\"%@`=~<.".contains(first) && !is_word_start(text);
    !opens
        && first != ' '
        && last != ' '
        && last != ':'
        && !text.contains(": ")
        && !text.contains(" #")
        && text.chars().all(is_printable)
        && interpret(text) == Interpretation::Text
}

/// Returns true for `./run` and `.ci/run`, which need no quotes: no parser reads them as anything else.
fn is_word_start(text: &str) -> bool {
    matches!(text.as_bytes(), [b'.', b'/' | b'a'..=b'z' | b'A'..=b'Z', ..] | [b'.', b'.', b'/', ..])
}

/// Returns true if a text can be written as a `|` block. Texts with unprintable characters or white space at the edges
/// of lines cannot.
pub(super) fn can_be_block(text: &str) -> bool {
    let body = text.strip_suffix('\n').unwrap_or(text);
    !body.is_empty()
        && !body.starts_with([' ', '\t', '\n'])
        && !body.ends_with('\n')
        && body.split('\n').all(|line| {
            !line.ends_with([' ', '\t'])
                && !line.trim_start_matches(' ').starts_with('\t')
                && line.chars().all(|c| is_printable(c) || c == '\t')
        })
}

/// Replaces characters that would end a comment's line.
pub(super) fn flat(text: &str) -> String {
    text.chars().map(|c| if is_printable(c) { c } else { ' ' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_written_only_where_they_are_needed() {
        for text in [
            "a",
            "go build ./...",
            "./run",
            ".ci/run",
            "1.27.3",
            "a,b",
            "$X",
            "a=b",
            "https://x/y",
            "dotnet test --no-build",
            "a'b",
            "x#y",
        ] {
            assert_eq!(scalar(text), text);
        }
        for (text, written) in [
            ("10.0", "\"10.0\""),
            ("yes", "\"yes\""),
            ("a: b", "\"a: b\""),
            ("", "\"\""),
            ("a: \"b\"", "'a: \"b\"'"),
            ("*", "\"*\""),
        ] {
            assert_eq!(scalar(text), written);
        }
    }
}
