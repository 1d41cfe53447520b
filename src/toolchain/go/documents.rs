//! The documents of go.dev: the release index, and the release history, which is the only official source of dates.

use std::collections::BTreeMap;

use serde::Deserialize;
use url::Url;

use super::version;
use crate::model::{Date, Version};
use crate::net::Document;

/// One release in the index (<https://go.dev/dl/?mode=json>).
#[derive(Debug)]
pub(super) struct Entry {
    /// The version.
    pub(super) version: Version,
    /// Its files, including those with irregular names.
    pub(super) files: Vec<File>,
}

/// One file of a release.
#[derive(Debug, Deserialize)]
pub(super) struct File {
    /// The name, below `https://go.dev/dl/`.
    pub(super) filename: String,
    /// The operating system; empty for sources.
    #[serde(default)]
    pub(super) os: String,
    /// The architecture in the spelling of file names: `armv6l`.
    #[serde(default)]
    pub(super) arch: String,
    /// 64 hexadecimal digits; empty for 307 files before 1.6.
    #[serde(default)]
    pub(super) sha256: String,
    /// Its length in bytes; 0 when it is not known.
    #[serde(default)]
    pub(super) size: u64,
    /// `archive`, `installer` or `source`.
    #[serde(default)]
    pub(super) kind: String,
}

/// The date of a release, and whether it fixes a security problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dated {
    /// The day.
    pub(super) date: Date,
    /// Whether the page mentions a security fix.
    pub(super) security: bool,
}

/// Release days by version.
pub(super) type History = BTreeMap<Version, Dated>;

#[derive(Deserialize)]
struct RawEntry {
    version: String,
    files: Vec<File>,
}

/// Returns the document that lists the newest patch of the two newest minors.
pub(super) fn short_index() -> Document {
    document("https://go.dev/dl/?mode=json", Some("index.json"), check_index)
}

/// Returns the document that lists every release and prerelease.
pub(super) fn full_index() -> Document {
    document("https://go.dev/dl/?mode=json&include=all", Some("index-all.json"), check_index)
}

/// Returns the release history, an HTML page.
pub(super) fn history() -> Document {
    document("https://go.dev/doc/devel/release", None, check_history)
}

/// Makes a document of a constant URL and its check.
pub(super) fn document(
    url: &str,
    mirror_name: Option<&'static str>,
    check: fn(&[u8]) -> Result<(), String>,
) -> Document {
    Document { url: Url::parse(url).expect("the URL is built from checked parts"), mirror_name, accept: None, check }
}

/// Parses an index. Also returns the names that are not releases, such as a spelling that a later Go may introduce.
///
/// `go1` is listed only for the bootstrap sources (os "4", arch "bootstrap"), which cannot be installed.
pub(super) fn parse_index(bytes: &[u8]) -> Result<(Vec<Entry>, Vec<String>), String> {
    let raw = raw_index(bytes)?;
    let (mut entries, mut unknown) = (Vec::with_capacity(raw.len()), Vec::new());
    for RawEntry { version, files } in raw {
        match version.strip_prefix("go").and_then(version::release) {
            Some(version) => entries.push(Entry { version, files }),
            None if version == "go1" => {}
            None => unknown.push(version.chars().take(40).collect()),
        }
    }
    entries.sort_by(|a, b| b.version.cmp(&a.version));
    entries.dedup_by(|a, b| a.version == b.version);
    Ok((entries, unknown))
}

fn check_index(bytes: &[u8]) -> Result<(), String> {
    raw_index(bytes).map(|_| ())
}

fn raw_index(bytes: &[u8]) -> Result<Vec<RawEntry>, String> {
    if bytes.trim_ascii_start().starts_with(b"<") {
        return Err("it is an HTML page, not the release index".to_owned());
    }
    let raw: Vec<RawEntry> =
        serde_json::from_slice(bytes).map_err(|cause| format!("it is not the release index: {cause}"))?;
    if raw.is_empty() {
        return Err("it lists no release".to_owned());
    }
    Ok(raw)
}

fn check_history(bytes: &[u8]) -> Result<(), String> {
    if parse_history(bytes).is_empty() { Err("it has no `go1.… (released …)`".to_owned()) } else { Ok(()) }
}

/// Parses `go1.22.1 (released 2024-03-05) includes security fixes to …` anywhere in the page, whatever the markup around it.
/// A planned release ends the text of the one before and is left out.
pub(super) fn parse_history(bytes: &[u8]) -> History {
    let text = without_markup(&String::from_utf8_lossy(bytes));
    let mut heads: Vec<(usize, Option<(Version, Date)>)> = Vec::new();
    for (at, _) in text.match_indices("go1") {
        let glued = text[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '/'));
        if let Some((name, rest)) = text[at + 2..].split_once(" (").filter(|_| !glued) {
            let named = version::release(name).or_else(|| (name == "1").then(first_release).flatten());
            if let Some(version) = named {
                heads.push((at, released(rest).map(|date| (version, date))));
            }
        }
    }
    let ends: Vec<usize> = heads.iter().skip(1).map(|(at, _)| *at).chain([text.len()]).collect();
    let dated = heads.into_iter().zip(ends).filter_map(|((at, head), end)| {
        let (version, date) = head?;
        Some((version, Dated { date, security: text[at..end].contains("security fix") }))
    });
    dated.collect()
}

/// Returns Go 1, which the page calls `go1` and whose patches it calls `go1.0.1`.
fn first_release() -> Option<Version> {
    version::release("1.0")
}

fn released(rest: &str) -> Option<Date> {
    let (date, _) = rest.strip_prefix("released ")?.split_once(')')?;
    date.trim().parse().ok()
}

/// Replaces tags by spaces and runs of white space by one.
fn without_markup(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut inside = false;
    for c in html.chars() {
        match c {
            '<' => inside = true,
            '>' if inside => inside = false,
            _ if inside => continue,
            _ if !c.is_whitespace() => {
                text.push(c);
                continue;
            }
            _ => {}
        }
        if !text.ends_with(' ') {
            text.push(' ');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = r#"<h2 id="policy">Release Policy</h2><p>critical security problems</p>
        <h2 id="go1.22.0">go1.22.0 (released 2024-02-06)</h2>
        <p>Go 1.22.0 is a major release of Go. See the <a href="/doc/go1.22">Notes</a></p>
        <h3 id="go1.22.minor">Minor revisions</h3>
        <p id="go1.22.1">
        go1.22.1
        (released 2024-03-05)

            includes
            security
            fixes to the <code>crypto/x509</code> package, as well as bug fixes.
        See the <a href="https://github.com/golang/go/issues?q=milestone%3AGo1.22.1">Go 1.22.1 milestone</a>.
        </p>
        <p id="go1.22.2">go1.22.2 (released 2024-04-03) includes fixes; see our security policy.</p>
        <p id="go1.22.3">go1.22.3 (planned for 2024-05-07) will include security fixes.</p>
        <h2 id="go1.20">go1.20 (released 2023-02-01)</h2>
        <p>go1.7.2 should not be used.</p>
        <p>go1.2.2 (released 2014-05-05) includes a <a href="x">security fix</a>. Same as go1.9.1 of Go.</p>
        <h2 id="go1">go1 (released 2012-03-28)</h2> <p>go1.0.1 (released never) x</p>"#;

    #[test]
    fn the_history_gives_days_and_security() {
        let history = parse_history(PAGE.as_bytes());
        let lines: Vec<_> = history.iter().map(|(v, d)| format!("{v} {} {}", d.date, d.security)).collect();
        let expected = [
            "1.0 2012-03-28 false",
            "1.2.2 2014-05-05 true",
            "1.20 2023-02-01 false",
            "1.22.0 2024-02-06 false",
            "1.22.1 2024-03-05 true",
            "1.22.2 2024-04-03 false",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn a_page_without_releases_is_refused() {
        assert!(check_history(b"<html>Sign in to the network</html>").is_err());
        assert!(check_history(b"").is_err());
        assert!(check_history(PAGE.as_bytes()).is_ok());
        assert!(parse_history(b"go1.22.1 (").is_empty() && parse_history(b"go1").is_empty());
    }

    #[test]
    fn an_index_that_is_none_is_refused() {
        for (bytes, reason) in [
            ("<html>", "HTML"),
            ("[]", "no release"),
            ("{}", "not the release index"),
            ("[{\"version\": null, \"files\": []}]", "not the release index"),
            ("[{\"version\":\"go1.22.5\",\"fil", "not the release index"),
            ("", "not the release index"),
        ] {
            assert!(check_index(bytes.as_bytes()).unwrap_err().contains(reason), "{bytes}");
        }
    }

    #[test]
    fn odd_names_are_told_and_left_out() {
        let index = r#"[{"version":"go1.9","files":[]},{"version":"go1.10","files":[]},{"version":"go1","files":[]},
            {"version":"../go1.22","files":[]},{"version":"go1.22.5/..","files":[]},{"version":"go2","files":[]}]"#;
        let (entries, unknown) = parse_index(index.as_bytes()).unwrap();
        assert_eq!(entries.iter().map(|entry| entry.version.as_str()).collect::<Vec<_>>(), ["1.10", "1.9"]);
        assert_eq!(unknown, ["../go1.22", "go1.22.5/..", "go2"]);
    }
}
