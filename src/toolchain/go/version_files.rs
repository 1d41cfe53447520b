//! `.go-version`: one channel. Nothing in it is executed or looked up.

use super::version;
use crate::toolchain::{BadProjectFile, FileRequest};

/// Parses a `.go-version`: the first line with content counts; `#` starts a comment.
///
/// # Errors
/// When no line has content, or the line is not a channel of Go.
pub(super) fn read_go_version(text: &str) -> Result<FileRequest, BadProjectFile> {
    let mut lines = content(text);
    let Some((line, words)) = lines.next() else {
        let reason = "it is empty; expected a version such as `1.22.5`".to_owned();
        return Err(BadProjectFile { line: 1, reason });
    };
    let value = words.join(" ");
    let channel = version::channel(&value).map_err(|bad| bad_line(line, &bad.text, &bad.reason))?;
    let warnings =
        lines.next().map(|(more, _)| format!("line {more} and those after it are ignored; line {line} counts"));
    Ok(FileRequest {
        channel: Some(channel),
        rule: format!("{value} (line {line})"),
        warnings: warnings.into_iter().collect(),
        minimum: None,
    })
}

fn bad_line(line: usize, text: &str, reason: &str) -> BadProjectFile {
    BadProjectFile { line, reason: format!("`{text}`: {reason}") }
}

/// Lists the words of the lines with content, with their numbers from 1.
fn content(text: &str) -> impl Iterator<Item = (usize, Vec<&str>)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    (1..).zip(text.lines()).filter_map(|(number, line)| {
        let code = line.split('#').next().unwrap_or_default();
        let words: Vec<&str> = code.split_whitespace().collect();
        (!words.is_empty()).then_some((number, words))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_go_version_file_is_read() {
        for (text, expected) in [
            ("1.22.5\n", "1.22.5"),
            ("go1.22.5", "1.22.5"),
            ("1.22\r\n", "1.22"),
            ("\u{feff}1.22", "1.22"),
            ("# the team's\n\n  1.22.x  # newest patch\n", "1.22"),
            ("1.20.0", "1.20.0"),
            ("latest", "latest"),
            (">=1.21 <1.23", ">=1.21 <1.23"),
            ("1.27rc3", "1.27rc3"),
        ] {
            let request = read_go_version(text).unwrap();
            assert_eq!(request.channel.unwrap().to_string(), expected, "{text:?}");
            assert!(request.warnings.is_empty());
        }
        let two = read_go_version("1.22.5\n1.21.0\n").unwrap();
        assert_eq!((two.rule.as_str(), two.warnings.len()), ("1.22.5 (line 1)", 1));
    }

    #[test]
    fn a_go_version_file_without_a_version_is_refused_with_its_line() {
        for (text, line, hint) in [
            ("", 1, "it is empty"),
            ("# nothing\n", 1, "it is empty"),
            ("\n\nv1.22\n", 3, "without the `v`"),
            ("1.22.05", 1, "leading zero"),
            ("system", 1, "expected `latest`"),
            ("../1.22", 1, "expected `latest`"),
        ] {
            let bad = read_go_version(text).unwrap_err();
            assert_eq!(bad.line, line, "{text:?}");
            assert!(bad.reason.contains(hint), "{text:?}: {bad}");
        }
    }
}
