//! `.go-version` and `.tool-versions`: one channel per line. Nothing in them is executed or looked up.

use super::version;
use crate::model::Channel;
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
    })
}

/// Parses the line `golang 1.22.5` (or `go 1.22.5`) of a `.tool-versions`. The first of several versions counts, the others
/// are fallbacks; lines of other tools are ignored.
///
/// # Errors
/// When the line has no version, or one that is not a channel of Go.
pub(super) fn read_tool_versions(text: &str) -> Result<FileRequest, BadProjectFile> {
    let mut lines = content(text).filter(|(_, words)| matches!(words[0], "golang" | "go"));
    let Some((line, words)) = lines.next() else {
        let rule = "no line for golang or go".to_owned();
        return Ok(FileRequest { channel: None, rule, warnings: Vec::new() });
    };
    let Some(value) = words.get(1) else {
        return Err(bad_line(line, words[0], "the version is missing, as in `golang 1.22.5`"));
    };
    let channel = tool_version(value).map_err(|reason| bad_line(line, value, &reason))?;
    let mut warnings = Vec::new();
    if let Some(fallback) = words.get(2) {
        warnings.push(format!("the fallback {fallback} in line {line} is ignored; {value} counts"));
    }
    if let Some((more, _)) = lines.next() {
        warnings.push(format!("line {more} is for the same tool and is ignored; line {line} counts"));
    }
    Ok(FileRequest { channel: Some(channel), rule: format!("{} {value} (line {line})", words[0]), warnings })
}

fn tool_version(value: &str) -> Result<Channel, String> {
    let refused = |what: &str| Err(format!("{what}; only releases are installed, as in `golang 1.22.5`"));
    match value {
        "system" => return refused("`system` means any Go on the machine"),
        _ if value.starts_with("ref:") => return refused("a commit would have to be built"),
        _ if value.starts_with("path:") => return refused("a path means a Go that was installed by other means"),
        _ => {}
    }
    version::channel(value.strip_prefix("latest:").unwrap_or(value)).map_err(|bad| bad.reason)
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

    #[test]
    fn tool_versions_names_go_among_others() {
        for (text, expected, warnings) in [
            ("golang 1.22.5\n", "1.22.5", 0),
            ("nodejs 20.1.0\ngo\t1.22 # x\n", "1.22", 0),
            ("golang 1.22.5 1.21.0\n", "1.22.5", 1),
            ("golang latest", "latest", 0),
            ("golang latest:1.22", "1.22", 0),
            ("#golang 1.19\ngolang 1.22.5\ngo 1.21\n", "1.22.5", 1),
            ("golangci-lint 1.50\ngolang go1.22.5\n", "1.22.5", 0),
        ] {
            let request = read_tool_versions(text).unwrap();
            assert_eq!(request.channel.unwrap().to_string(), expected, "{text:?}");
            assert_eq!(request.warnings.len(), warnings, "{text:?}");
        }
        for text in ["", "nodejs 20\n", "golangci-lint 1.50", "# golang 1.22"] {
            assert_eq!(read_tool_versions(text).unwrap().channel, None, "{text:?}");
        }
    }

    #[test]
    fn tool_versions_that_are_not_releases_are_refused() {
        for (text, line, hint) in [
            ("golang system", 1, "any Go on the machine"),
            ("x 1\ngolang ref:master", 2, "have to be built"),
            ("golang path:/opt/go", 1, "by other means"),
            ("\ngolang", 2, "missing"),
            ("golang v1.22", 1, "without the `v`"),
        ] {
            let bad = read_tool_versions(text).unwrap_err();
            assert_eq!(bad.line, line, "{text:?}");
            assert!(bad.reason.contains(hint), "{text:?}: {bad}");
        }
    }
}
