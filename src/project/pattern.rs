//! Names with placeholders: `jq-{os}-{arch}`, `v{version}`, `https://example.com/{version}/tool.zip`. Patterns are checked
//! when they are read, so that no value of a placeholder can lead to another server or out of a folder.

use std::fmt;

use url::Url;

/// A name with placeholders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Placeholder(Placeholder),
}

/// A placeholder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placeholder {
    /// The version, in the upstream's spelling.
    Version,
    /// The operating system.
    Os,
    /// The processor.
    Arch,
    /// The name of the file whose digest is in a list.
    Asset,
}

/// What a pattern is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A file of a release.
    File,
    /// A file of a release that lists the digests of others.
    Sums,
    /// A tag: its only placeholder is the version, once.
    Tag,
    /// A file below the root of an install.
    Path,
    /// A URL.
    Url,
    /// The URL of a list of digests.
    SumsUrl,
}

/// The values of the placeholders.
#[derive(Debug, Clone, Copy)]
pub struct Values<'a> {
    /// The version, in the upstream's spelling.
    pub version: &'a str,
    /// The operating system.
    pub os: &'a str,
    /// The processor.
    pub arch: &'a str,
    /// The name of the file whose digest is in a list.
    pub asset: &'a str,
}

impl Placeholder {
    const ALL: [(&'static str, Self); 4] =
        [("version", Self::Version), ("os", Self::Os), ("arch", Self::Arch), ("asset", Self::Asset)];
}

impl Purpose {
    fn placeholders(self) -> &'static [(&'static str, Placeholder)] {
        match self {
            Self::Tag => &Placeholder::ALL[..1],
            Self::File | Self::Path | Self::Url => &Placeholder::ALL[..3],
            Self::Sums | Self::SumsUrl => &Placeholder::ALL,
        }
    }
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// The reason why it is refused: an unknown placeholder, a character that is not allowed, a URL that is not https.
    pub fn parse(text: &str, purpose: Purpose) -> Result<Self, String> {
        let parts = parts(text, purpose)?;
        let literal: String = parts.iter().map(|part| if let Part::Text(text) = part { text } else { "x" }).collect();
        match purpose {
            Purpose::File | Purpose::Sums => check_segment(text, &literal)?,
            Purpose::Tag | Purpose::Path => literal.split('/').try_for_each(|segment| check_segment(text, segment))?,
            Purpose::Url | Purpose::SumsUrl => check_url(text, &literal)?,
        }
        let versions = parts.iter().filter(|part| **part == Part::Placeholder(Placeholder::Version)).count();
        if purpose == Purpose::Tag && versions != 1 {
            return Err(format!("`{text}` must contain {{version}} once, the version that the tag is for"));
        }
        Ok(Self { text: text.to_owned(), parts })
    }

    /// Replaces the placeholders.
    #[must_use]
    pub fn fill(&self, values: &Values<'_>) -> String {
        let filled = self.parts.iter().map(|part| match part {
            Part::Text(text) => text.as_str(),
            Part::Placeholder(Placeholder::Version) => values.version,
            Part::Placeholder(Placeholder::Os) => values.os,
            Part::Placeholder(Placeholder::Arch) => values.arch,
            Part::Placeholder(Placeholder::Asset) => values.asset,
        });
        filled.collect()
    }

    /// Returns the part of a tag that matches `{version}` in this pattern; none if the tag does not match.
    #[must_use]
    pub fn version_in<'a>(&self, tag: &'a str) -> Option<&'a str> {
        let (before, after) = self.text.split_once("{version}")?;
        tag.strip_prefix(before)?.strip_suffix(after)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn parts(text: &str, purpose: Purpose) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find(['{', '}']) {
        if open > 0 {
            parts.push(Part::Text(rest[..open].to_owned()));
        }
        let inner = rest[open..].strip_prefix('{').and_then(|inner| inner.split_once('}'));
        let Some((name, after)) = inner else { return Err(format!("`{text}` has an unmatched brace")) };
        let known = purpose.placeholders();
        let Some((_, placeholder)) = known.iter().find(|(known, _)| *known == name) else {
            let known: Vec<String> = known.iter().map(|(known, _)| format!("{{{known}}}")).collect();
            return Err(format!("unknown placeholder `{{{name}}}`; expected one of: {}", known.join(", ")));
        };
        parts.push(Part::Placeholder(*placeholder));
        rest = after;
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest.to_owned()));
    }
    Ok(parts)
}

/// Checks one part of a path: letters, digits and `._+@~-`, never hidden, never `..`.
fn check_segment(text: &str, segment: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._+@~-".contains(c);
    if segment.is_empty() {
        return Err(format!("`{text}` has an empty segment"));
    }
    if let Some(odd) = segment.chars().find(|c| !plain(*c)) {
        return Err(format!("`{text}` has `{}`, which is not allowed here", odd.escape_default()));
    }
    if segment.starts_with(['.', '-', '~']) || segment.contains("..") {
        return Err(format!("`{text}` has a segment that starts with `.`, `-` or `~`, or contains `..`"));
    }
    Ok(())
}

/// Checks a URL: https, a host without placeholders, no credentials, nothing after the path.
fn check_url(text: &str, literal: &str) -> Result<(), String> {
    let wrong = |reason: &str| Err(format!("`{text}` cannot be fetched: {reason}"));
    let Some(rest) = text.strip_prefix("https://") else { return wrong("only https:// URLs are allowed") };
    let Some((host, _)) = rest.split_once('/') else { return wrong("it does not name a file") };
    if host.contains(['{', '}']) {
        return wrong("the host must be written out, without placeholders");
    }
    if host.contains('@') {
        return wrong("it contains a user name or a password");
    }
    if literal.contains(['?', '#']) {
        return wrong("a query or a fragment is not allowed");
    }
    let path = literal.split_once("://").and_then(|(_, rest)| rest.split_once('/')).map_or("", |(_, path)| path);
    path.split('/').try_for_each(|segment| check_segment(text, segment))?;
    match Url::parse(literal) {
        Ok(url) if url.host_str().is_some_and(|found| host.eq_ignore_ascii_case(found) || host.starts_with(found)) => {
            Ok(())
        }
        _ => wrong("it is not a URL"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUES: Values<'_> = Values { version: "1.7", os: "linux", arch: "amd64", asset: "jq-linux-amd64" };

    #[test]
    fn placeholders_are_replaced() {
        for (text, purpose, expected) in [
            ("jq-{os}-{arch}", Purpose::File, "jq-linux-amd64"),
            ("tool", Purpose::File, "tool"),
            ("v{version}", Purpose::Tag, "v1.7"),
            ("cli/{version}", Purpose::Tag, "cli/1.7"),
            ("@scope+{version}", Purpose::Tag, "@scope+1.7"),
            ("{asset}.sha256", Purpose::Sums, "jq-linux-amd64.sha256"),
            ("bin/{os}/jq", Purpose::Path, "bin/linux/jq"),
            ("https://example.com/{version}/t-{os}.zip", Purpose::Url, "https://example.com/1.7/t-linux.zip"),
            ("https://example.com:8443/{asset}.txt", Purpose::SumsUrl, "https://example.com:8443/jq-linux-amd64.txt"),
        ] {
            assert_eq!(Pattern::parse(text, purpose).unwrap().fill(&VALUES), expected);
        }
    }

    #[test]
    fn the_version_is_found_in_a_tag() {
        for (pattern, tag, expected) in [
            ("v{version}", "v1.7", Some("1.7")),
            ("v{version}", "1.7", None),
            ("jq-{version}", "jq-1.7rc1", Some("1.7rc1")),
            ("{version}-stable", "2.0-stable", Some("2.0")),
            ("{version}", "", Some("")),
        ] {
            assert_eq!(Pattern::parse(pattern, Purpose::Tag).unwrap().version_in(tag), expected, "{pattern} {tag}");
        }
    }

    #[test]
    fn what_could_lead_elsewhere_is_refused() {
        for (text, purpose, said) in [
            ("{platform}", Purpose::File, "unknown placeholder `{platform}`; expected one of: {version}, {os}, {arch}"),
            ("{asset}", Purpose::File, "unknown placeholder"),
            ("{version", Purpose::File, "brace"),
            ("version}", Purpose::File, "brace"),
            ("{{version}}", Purpose::File, "unknown placeholder"),
            ("{Version}", Purpose::File, "unknown placeholder"),
            ("", Purpose::File, "empty segment"),
            ("a/b", Purpose::File, "`/`"),
            ("..", Purpose::File, "contains `..`"),
            ("a..b", Purpose::File, "contains `..`"),
            (".hidden", Purpose::File, "starts with"),
            ("-rf", Purpose::File, "starts with"),
            ("a b", Purpose::File, "not allowed"),
            ("a\\b", Purpose::File, "not allowed"),
            ("a%2fb", Purpose::File, "not allowed"),
            ("a\nb", Purpose::File, "\\n"),
            ("$(id)", Purpose::File, "not allowed"),
            ("café", Purpose::File, "not allowed"),
            ("../bin/jq", Purpose::Path, "contains `..`"),
            ("/bin/jq", Purpose::Path, "empty segment"),
            ("bin//jq", Purpose::Path, "empty segment"),
            ("bin/./jq", Purpose::Path, "starts with"),
            ("bin/", Purpose::Path, "empty segment"),
            ("v1", Purpose::Tag, "must contain {version} once"),
            ("{version}-{version}", Purpose::Tag, "must contain {version} once"),
            ("{os}-{version}", Purpose::Tag, "unknown placeholder"),
            ("http://example.com/x", Purpose::Url, "only https"),
            ("ftp://example.com/x", Purpose::Url, "only https"),
            ("file:///etc/passwd", Purpose::Url, "only https"),
            ("https://example.com", Purpose::Url, "does not name a file"),
            ("https://example.com/", Purpose::Url, "empty segment"),
            ("https:///x", Purpose::Url, "not a URL"),
            ("https://user:secret@example.com/x", Purpose::Url, "user name or a password"),
            ("https://{os}.example.com/x", Purpose::Url, "the host must be written out"),
            ("https://example.com{version}/x", Purpose::Url, "the host must be written out"),
            ("https://example.com/x?y={version}", Purpose::Url, "query"),
            ("https://example.com/x#y", Purpose::Url, "fragment"),
            ("https://example.com/a/../../b", Purpose::Url, "contains `..`"),
            ("https://example.com/%2e%2e/b", Purpose::Url, "not allowed"),
            ("https://exa mple.com/x", Purpose::Url, "not a URL"),
            ("https://example.com\\@evil.example/x", Purpose::Url, "password"),
            ("https://example.com:x/y", Purpose::Url, "not a URL"),
        ] {
            let error = Pattern::parse(text, purpose).unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
