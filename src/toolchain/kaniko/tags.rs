//! Kaniko's tags, `v1.28.3` and `v1.28.3-debug`: which of them are versions, its channels, and choosing. Pure.

use super::super::shared::{newest, semantic};
use crate::model::{Candidate, Channel, Choice, Line, Policy, Range, Version};

/// Parses a tag of the variant with this suffix; none for other variants, moving tags (`latest`), architectures
/// (`v1.9.0-amd64`), commits and signatures.
///
/// Until June 2025 the fork numbered its releases after Google's version (`v1.24.0-5`). They sort like prereleases, and like
/// them are chosen only by name.
pub(super) fn version(tag: &str, suffix: &str) -> Option<Version> {
    let version = Version::parse(tag.strip_prefix('v')?.strip_suffix(suffix)?).ok()?;
    let semver = version.semver();
    let counted = semver.pre.is_empty() || semver.pre.chars().all(|c| c.is_ascii_digit());
    (counted && semver.build.is_empty()).then_some(version)
}

pub(super) fn tag(version: &Version, suffix: &str) -> String {
    format!("v{version}{suffix}")
}

/// Parses a channel. The error says what is expected.
pub(super) fn channel(text: &str) -> Result<Channel, String> {
    if text.eq_ignore_ascii_case("latest") {
        return Ok(Channel::Name("latest"));
    }
    let body = text.strip_prefix('v').unwrap_or(text);
    for variant in ["debug", "slim", "alpine", "warmer"] {
        if let Some(rest) = text.strip_suffix(variant) {
            let rest = rest.strip_suffix('-').filter(|rest| !rest.is_empty()).unwrap_or("latest");
            return Err(format!("the variant is a separate tool: `kaniko-{variant}@{rest}`"));
        }
    }
    if let Some(version) = version(&format!("v{body}"), "") {
        return Ok(Channel::Exact(version));
    }
    if let Some(line) = line(body) {
        return Ok(Channel::Line(line));
    }
    let hint = "expected `latest`, `1`, `1.28`, `1.28.3`, or a range such as `^1.27`";
    if !text.contains(|c: char| c.is_ascii_digit()) {
        return Err(hint.to_owned());
    }
    Range::parse(text).map(Channel::Range).map_err(|reason| format!("{reason}; {hint}"))
}

/// Parses `1`, `1.x`, `1.28`, `1.28.x`.
fn line(text: &str) -> Option<Line> {
    let wild = |part: &str| matches!(part, "x" | "X" | "*");
    let number = |part: &str| part.parse::<u64>().ok().filter(|_| part.chars().all(|c| c.is_ascii_digit()));
    let parts: Vec<&str> = text.split('.').collect();
    let (major, minor) = match parts.as_slice() {
        [major] => (number(major)?, None),
        [major, last] if wild(last) => (number(major)?, None),
        [major, minor] => (number(major)?, Some(number(minor)?)),
        [major, minor, last] if wild(last) => (number(major)?, Some(number(minor)?)),
        _ => return None,
    };
    Some(Line { major, minor, band: None })
}

/// Chooses the newest candidate that matches the channel and that the policy allows.
pub(super) fn choose(channel: &Channel, candidates: &[Candidate], policy: &Policy) -> Choice {
    newest::choose(rule(channel), candidates, policy, |candidate, taken| {
        // Candidates older than the chosen one have no date.
        let forbidden = || if taken { None } else { policy.forbids(candidate) };
        semantic::outside(channel, candidate).or_else(forbidden)
    })
}

/// Describes the channel in one sentence.
fn rule(channel: &Channel) -> String {
    match channel {
        Channel::Line(line) if line.minor.is_none() => format!("{line}: the newest release of kaniko {line}"),
        Channel::Line(line) => format!("{line}: the newest patch of {line}"),
        channel => semantic::rule(channel),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_a_version_of_one_variant_or_of_none() {
        for (tag, suffix, expected) in [
            ("v1.28.3", "", Some("1.28.3")),
            ("v1.28.3-debug", "-debug", Some("1.28.3")),
            ("v1.28.3-debug", "", None),
            ("v1.28.3", "-debug", None),
            ("v1.28.3-slim-debug", "-debug", None),
            ("v1.24.0-5", "", Some("1.24.0-5")),
            ("v1.24.0-5-debug", "-debug", Some("1.24.0-5")),
            ("v1.9.0-amd64", "", None),
            ("1.24.0-1", "", None),
            ("v1.28", "", None),
            ("latest", "", None),
            ("debug", "-debug", None),
            ("v", "", None),
            ("sha256-779f.sig", "", None),
            ("v1.0.0+x", "", None),
            ("fd592fd21a9e1e9e5f5b0bdd7d5d5a8e3e1a9a51", "", None),
        ] {
            assert_eq!(version(tag, suffix).map(|version| version.to_string()).as_deref(), expected, "{tag} {suffix}");
        }
    }

    #[test]
    fn channels_read_back_in_one_spelling() {
        for (text, expected) in [
            ("latest", "latest"),
            ("1", "1"),
            ("v1", "1"),
            ("1.x", "1"),
            ("1.28", "1.28"),
            ("v1.28.x", "1.28"),
            ("1.28.3", "1.28.3"),
            ("v1.28.3", "1.28.3"),
            ("1.24.0-5", "1.24.0-5"),
            ("^1.27", "^1.27"),
            (">=1.27 <1.29", ">=1.27 <1.29"),
        ] {
            assert_eq!(channel(text).unwrap().to_string(), expected);
        }
        for (text, expected) in [
            ("debug", "`kaniko-debug@latest`"),
            ("1-debug", "`kaniko-debug@1`"),
            ("v1.28.3-slim", "`kaniko-slim@v1.28.3`"),
            ("newest", "expected `latest`"),
            ("", "expected `latest`"),
            ("1.2.3.4", "expected `latest`"),
            ("1.28.3-rc.1", ""),
        ] {
            match channel(text) {
                Err(reason) => assert!(reason.contains(expected), "{text}: {reason}"),
                Ok(Channel::Range(_)) if expected.is_empty() => {}
                Ok(channel) => panic!("{text} is {channel}"),
            }
        }
    }
}
