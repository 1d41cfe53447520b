//! Names with holes: `jq-{os}-{arch}`, `v{version}`, `https://example.com/{version}/tool.zip`. What such a name may hold is
//! checked when it is read, so that nothing that is filled in can lead to another server or out of a folder.

use std::fmt;

use url::Url;

/// A name with holes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Hole(Hole),
}

/// What can be filled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hole {
    /// The version, in the upstream's spelling.
    Version,
    /// The operating system.
    Os,
    /// The processor.
    Arch,
    /// The name of the file of which a list gives the digest.
    Asset,
}

/// What a name is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// A file of a release.
    File,
    /// A file of a release that lists the digests of others.
    Sums,
    /// A tag: it has the version once and nothing else that varies.
    Tag,
    /// A file below the root of an install.
    Path,
    /// An address.
    Url,
    /// The address of a list of digests.
    SumsUrl,
}

/// What is filled in.
#[derive(Debug, Clone, Copy)]
pub struct Values<'a> {
    /// The version, in the upstream's spelling.
    pub version: &'a str,
    /// The operating system.
    pub os: &'a str,
    /// The processor.
    pub arch: &'a str,
    /// The name of the file of which a list gives the digest.
    pub asset: &'a str,
}

impl Hole {
    const ALL: [(&'static str, Self); 4] =
        [("version", Self::Version), ("os", Self::Os), ("arch", Self::Arch), ("asset", Self::Asset)];
}

impl Use {
    fn holes(self) -> &'static [(&'static str, Hole)] {
        match self {
            Self::Tag => &Hole::ALL[..1],
            Self::File | Self::Path | Self::Url => &Hole::ALL[..3],
            Self::Sums | Self::SumsUrl => &Hole::ALL,
        }
    }
}

impl Pattern {
    /// Reads a name.
    ///
    /// # Errors
    /// The reason, in words: an unknown hole, a character that has no place in such a name, an address that is not https.
    pub fn parse(text: &str, purpose: Use) -> Result<Self, String> {
        let parts = parts(text, purpose)?;
        let literal: String = parts.iter().map(|part| if let Part::Text(text) = part { text } else { "x" }).collect();
        match purpose {
            Use::File | Use::Sums => check_segment(text, &literal)?,
            Use::Tag | Use::Path => literal.split('/').try_for_each(|segment| check_segment(text, segment))?,
            Use::Url | Use::SumsUrl => check_url(text, &literal)?,
        }
        let versions = parts.iter().filter(|part| **part == Part::Hole(Hole::Version)).count();
        if purpose == Use::Tag && versions != 1 {
            return Err(format!("`{text}` must hold {{version}} once: that is how a tag tells its version"));
        }
        Ok(Self { text: text.to_owned(), parts })
    }

    /// Fills the holes.
    #[must_use]
    pub fn fill(&self, values: &Values<'_>) -> String {
        let filled = self.parts.iter().map(|part| match part {
            Part::Text(text) => text.as_str(),
            Part::Hole(Hole::Version) => values.version,
            Part::Hole(Hole::Os) => values.os,
            Part::Hole(Hole::Arch) => values.arch,
            Part::Hole(Hole::Asset) => values.asset,
        });
        filled.collect()
    }

    /// Returns what stands in a tag where this pattern has the version; none when it is another kind of tag.
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

fn parts(text: &str, purpose: Use) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find(['{', '}']) {
        if open > 0 {
            parts.push(Part::Text(rest[..open].to_owned()));
        }
        let inner = rest[open..].strip_prefix('{').and_then(|inner| inner.split_once('}'));
        let Some((name, after)) = inner else { return Err(format!("`{text}` has a brace without its other half")) };
        let known = purpose.holes();
        let Some((_, hole)) = known.iter().find(|(known, _)| *known == name) else {
            let known: Vec<String> = known.iter().map(|(known, _)| format!("{{{known}}}")).collect();
            return Err(format!("`{{{name}}}` means nothing here; known are {}", known.join(", ")));
        };
        parts.push(Part::Hole(*hole));
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
        return Err(format!("`{text}` has an empty part"));
    }
    if let Some(odd) = segment.chars().find(|c| !plain(*c)) {
        return Err(format!("`{text}` has `{}`, which has no place in such a name", odd.escape_default()));
    }
    if segment.starts_with(['.', '-', '~']) || segment.contains("..") {
        return Err(format!("`{text}` has a part that starts with `.`, `-` or `~`, or holds `..`"));
    }
    Ok(())
}

/// Checks an address: https, a host without holes, no log-in, nothing behind the path.
fn check_url(text: &str, literal: &str) -> Result<(), String> {
    let wrong = |reason: &str| Err(format!("`{text}` cannot be fetched: {reason}"));
    let Some(rest) = text.strip_prefix("https://") else { return wrong("only https:// addresses are") };
    let Some((host, _)) = rest.split_once('/') else { return wrong("it names no file") };
    if host.contains(['{', '}']) {
        return wrong("the server must be named, nothing may be filled in there");
    }
    if host.contains('@') {
        return wrong("it holds a user name or a password");
    }
    if literal.contains(['?', '#']) {
        return wrong("a query or a fragment names no file");
    }
    let path = literal.split_once("://").and_then(|(_, rest)| rest.split_once('/')).map_or("", |(_, path)| path);
    path.split('/').try_for_each(|segment| check_segment(text, segment))?;
    match Url::parse(literal) {
        Ok(url) if url.host_str().is_some_and(|found| host.eq_ignore_ascii_case(found) || host.starts_with(found)) => {
            Ok(())
        }
        _ => wrong("it is no address"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUES: Values<'_> = Values { version: "1.7", os: "linux", arch: "amd64", asset: "jq-linux-amd64" };

    #[test]
    fn holes_are_filled() {
        for (text, purpose, expected) in [
            ("jq-{os}-{arch}", Use::File, "jq-linux-amd64"),
            ("tool", Use::File, "tool"),
            ("v{version}", Use::Tag, "v1.7"),
            ("cli/{version}", Use::Tag, "cli/1.7"),
            ("@scope+{version}", Use::Tag, "@scope+1.7"),
            ("{asset}.sha256", Use::Sums, "jq-linux-amd64.sha256"),
            ("bin/{os}/jq", Use::Path, "bin/linux/jq"),
            ("https://example.com/{version}/t-{os}.zip", Use::Url, "https://example.com/1.7/t-linux.zip"),
            ("https://example.com:8443/{asset}.txt", Use::SumsUrl, "https://example.com:8443/jq-linux-amd64.txt"),
        ] {
            assert_eq!(Pattern::parse(text, purpose).unwrap().fill(&VALUES), expected);
        }
    }

    #[test]
    fn a_tag_tells_its_version() {
        for (pattern, tag, expected) in [
            ("v{version}", "v1.7", Some("1.7")),
            ("v{version}", "1.7", None),
            ("jq-{version}", "jq-1.7rc1", Some("1.7rc1")),
            ("{version}-stable", "2.0-stable", Some("2.0")),
            ("{version}", "", Some("")),
        ] {
            assert_eq!(Pattern::parse(pattern, Use::Tag).unwrap().version_in(tag), expected, "{pattern} {tag}");
        }
    }

    #[test]
    fn what_could_lead_elsewhere_is_refused() {
        for (text, purpose, said) in [
            ("{platform}", Use::File, "`{platform}` means nothing here; known are {version}, {os}, {arch}"),
            ("{asset}", Use::File, "means nothing here"),
            ("{version", Use::File, "brace"),
            ("version}", Use::File, "brace"),
            ("{{version}}", Use::File, "means nothing"),
            ("{Version}", Use::File, "means nothing"),
            ("", Use::File, "empty part"),
            ("a/b", Use::File, "`/`"),
            ("..", Use::File, "holds `..`"),
            ("a..b", Use::File, "holds `..`"),
            (".hidden", Use::File, "starts with"),
            ("-rf", Use::File, "starts with"),
            ("a b", Use::File, "no place"),
            ("a\\b", Use::File, "no place"),
            ("a%2fb", Use::File, "no place"),
            ("a\nb", Use::File, "\\n"),
            ("$(id)", Use::File, "no place"),
            ("café", Use::File, "no place"),
            ("../bin/jq", Use::Path, "holds `..`"),
            ("/bin/jq", Use::Path, "empty part"),
            ("bin//jq", Use::Path, "empty part"),
            ("bin/./jq", Use::Path, "starts with"),
            ("bin/", Use::Path, "empty part"),
            ("v1", Use::Tag, "must hold {version} once"),
            ("{version}-{version}", Use::Tag, "must hold {version} once"),
            ("{os}-{version}", Use::Tag, "means nothing"),
            ("http://example.com/x", Use::Url, "only https"),
            ("ftp://example.com/x", Use::Url, "only https"),
            ("file:///etc/passwd", Use::Url, "only https"),
            ("https://example.com", Use::Url, "names no file"),
            ("https://example.com/", Use::Url, "empty part"),
            ("https:///x", Use::Url, "no address"),
            ("https://user:secret@example.com/x", Use::Url, "user name or a password"),
            ("https://{os}.example.com/x", Use::Url, "nothing may be filled in"),
            ("https://example.com{version}/x", Use::Url, "nothing may be filled in"),
            ("https://example.com/x?y={version}", Use::Url, "query"),
            ("https://example.com/x#y", Use::Url, "fragment"),
            ("https://example.com/a/../../b", Use::Url, "holds `..`"),
            ("https://example.com/%2e%2e/b", Use::Url, "no place"),
            ("https://exa mple.com/x", Use::Url, "no address"),
            ("https://example.com\\@evil.example/x", Use::Url, "password"),
            ("https://example.com:x/y", Use::Url, "no address"),
        ] {
            let error = Pattern::parse(text, purpose).unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
