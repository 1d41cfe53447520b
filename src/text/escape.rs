//! Escaping for terminals: what is printed shows what is there, and neither moves the cursor nor hides or reorders text.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Returns the text with every unsafe character spelled out, as in `\u{1b}`. Line breaks stay.
#[must_use]
pub fn escape(text: &str) -> Cow<'_, str> {
    escape_where(text, |c| c != '\n' && is_unsafe(c))
}

/// Returns the text as [`escape`] does, on one line: line breaks are spelled out, too.
#[must_use]
pub fn escape_line(text: &str) -> Cow<'_, str> {
    escape_where(text, is_unsafe)
}

/// Returns the text as [`escape`] does, but with its tabs: for lines of logs and commands.
#[must_use]
pub fn escape_except_tabs(text: &str) -> Cow<'_, str> {
    escape_where(text, |c| c != '\n' && c != '\t' && is_unsafe(c))
}

/// Returns JSON in which unsafe characters are written as `\u001b`. They can only be part of strings: outside of these
/// JSON has line breaks, spaces and printable ASCII.
#[must_use]
pub fn escape_json(json: &str) -> Cow<'_, str> {
    if !json.chars().any(|c| c != '\n' && is_unsafe(c)) {
        return Cow::Borrowed(json);
    }
    let mut escaped = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if c == '\n' || !is_unsafe(c) {
            escaped.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(escaped, "\\u{unit:04x}").expect("a string takes what is written to it");
            }
        }
    }
    Cow::Owned(escaped)
}

fn escape_where(text: &str, spelled: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.chars().any(&spelled) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if spelled(c) {
            escaped.extend(c.escape_default());
        } else {
            escaped.push(c);
        }
    }
    Cow::Owned(escaped)
}

/// Returns true for characters that a terminal obeys, that cannot be seen, or that change the order of what is seen:
/// control characters, line separators, and those of the category Cf (format), of which the marks of direction let a text
/// read as another one (CVE-2021-42574).
#[must_use]
pub fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Returns true for spaces that look like the usual one and are another character. They are safe to print; a source line
/// whose mistake they are spells them out.
#[must_use]
pub fn is_unusual_space(c: char) -> bool {
    c != ' ' && c.is_whitespace() && !is_unsafe(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_obeys_gets_through() {
        for (text, expected) in [
            ("plain ü 日本\nnext", "plain ü 日本\nnext"),
            ("a\x1b[31mb\r\u{9b}c\nd", "a\\u{1b}[31mb\\r\\u{9b}c\nd"),
            ("a\tb\x7f", "a\\tb\\u{7f}"),
            ("a\u{200b}b\u{2028}c", "a\\u{200b}b\\u{2028}c"),
            ("\u{202e}gnp.exe\u{2066}", "\\u{202e}gnp.exe\\u{2066}"),
            ("\u{feff}a\u{ad}b\u{e0041}", "\\u{feff}a\\u{ad}b\\u{e0041}"),
        ] {
            assert_eq!(escape(text), expected);
        }
        assert_eq!(escape_line("a\nb"), "a\\nb");
        assert_eq!(escape_except_tabs("a\tb\x1b"), "a\tb\\u{1b}");
    }

    #[test]
    fn escaped_json_is_the_same_value() {
        let value = serde_json::json!({ "a\u{9b}": "\u{202e}\u{e0041}\u{7f}\u{1b}" });
        let text = serde_json::to_string_pretty(&value).unwrap();
        let escaped = escape_json(&text);
        assert!(escaped.chars().all(|c| c == '\n' || (' '..='~').contains(&c)), "{escaped}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&escaped).unwrap(), value);
    }

    #[test]
    fn spaces_that_look_like_the_usual_one_are_told_apart() {
        assert!("\u{a0}\u{2003}\u{202f}\u{3000}".chars().all(is_unusual_space));
        assert!(!" a\n\u{200b}".chars().any(is_unusual_space));
    }
}
