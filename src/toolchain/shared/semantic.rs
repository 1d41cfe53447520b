//! Versions and channels of tools that number their releases as semantic versions: parsing them, and choosing among them.
//! Pure.

use super::newest;
use crate::model::{
    BadChannel, BadVersion, Candidate, Channel, Choice, Date, Line, Phase, Policy, Range, Support, Version,
};

/// Parses a version as tags spell it, without a prefix: `5.8.4`, `1.7`, `6.0.0-rc1`, `1.7rc1`. Missing numbers count as 0;
/// a suffix makes it a prerelease.
///
/// # Errors
/// When the text is not a version.
pub(in crate::toolchain) fn version(text: &str) -> Result<Version, BadVersion> {
    let reason = "expected one to three numbers, such as 25.1, 5.8.4 or 6.0.0-rc1".to_owned();
    match semver_of(text) {
        Some(semver) => Version::spelled(text, semver),
        None => Err(BadVersion { text: text.chars().take(80).collect(), reason }),
    }
}

fn semver_of(text: &str) -> Option<semver::Version> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (numbers, rest) = text.split_at(end);
    let (rest, build) = rest.split_once('+').map_or((rest, None), |(rest, build)| (rest, Some(build)));
    let numbers: Vec<u64> = numbers.split('.').map(|number| number.parse().ok()).collect::<Option<_>>()?;
    let at = |place: usize| numbers.get(place).copied().unwrap_or(0);
    let mut found = semver::Version::new(at(0), at(1), at(2));
    if numbers.len() > 3 || rest == "-" {
        return None;
    }
    found.pre = semver::Prerelease::new(rest.strip_prefix('-').unwrap_or(rest)).ok()?;
    if let Some(build) = build {
        found.build = semver::BuildMetadata::new(build).ok()?;
    }
    Some(found)
}

/// Parses a channel: `latest`, `5`, `5.8`, `5.8.4`, `6.0.0-rc1`, a range. A leading `v` is dropped.
///
/// # Errors
/// When the text is not a channel.
pub(in crate::toolchain) fn channel(tool: &str, text: &str) -> Result<Channel, BadChannel> {
    let plain = text.strip_prefix('v').filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit())).unwrap_or(text);
    if matches!(plain, "latest" | "stable") {
        return Ok(Channel::Name("latest"));
    }
    if let Some(line) = line(plain) {
        return Ok(Channel::Line(line));
    }
    if let Ok(version) = version(plain) {
        return Ok(Channel::Exact(version));
    }
    Range::parse(plain).map(Channel::Range).map_err(|_| BadChannel {
        tool: tool.to_owned(),
        text: text.to_owned(),
        reason: "expected `latest`, a line such as 5 or 5.8, a version such as 5.8.4, or a range such as ^5.8"
            .to_owned(),
    })
}

/// Parses `5`, `5.x`, `5.8`, `5.8.x`.
fn line(text: &str) -> Option<Line> {
    let numbers: Vec<&str> = text.strip_suffix(".x").unwrap_or(text).split('.').collect();
    let number = |text: &str| text.parse::<u64>().ok().filter(|_| text.chars().all(|c| c.is_ascii_digit()));
    match numbers.as_slice() {
        [major] => Some(Line { major: number(major)?, minor: None, band: None }),
        [major, minor] => Some(Line { major: number(major)?, minor: Some(number(minor)?), band: None }),
        _ => None,
    }
}

/// Chooses the newest candidate that matches the channel and that the policy allows. A prerelease, by its version or by
/// [`Phase::Preview`], is chosen only by name.
pub(in crate::toolchain) fn choose(channel: &Channel, candidates: &[Candidate], policy: &Policy) -> Choice {
    newest::choose(rule(channel), candidates, policy, |candidate, _| {
        outside(channel, candidate).or_else(|| policy.forbids(candidate))
    })
}

/// Describes the channel in one sentence.
pub(in crate::toolchain) fn rule(channel: &Channel) -> String {
    match channel {
        Channel::Name(name) => format!("{name}: the newest release"),
        Channel::Line(line) => format!("{line}: the newest release of {line}"),
        Channel::Preview(line) => format!("{line}-preview: the newest release of {line}, prereleases included"),
        Channel::Exact(version) => format!("{version}: this release"),
        Channel::Range(range) => format!("{range}: the newest release in the range"),
        Channel::Minimum(minimum) => format!("{minimum}: the newest release within its bounds"),
    }
}

/// Returns why the candidate does not match the channel; none when it does.
pub(in crate::toolchain) fn outside(channel: &Channel, candidate: &Candidate) -> Option<String> {
    let version = &candidate.version;
    let is_prerelease = version.is_prerelease() || candidate.support.phase == Phase::Preview;
    let prerelease = || is_prerelease.then(|| "a prerelease is chosen only by name".to_owned());
    match channel {
        Channel::Name(_) => prerelease(),
        Channel::Line(line) | Channel::Preview(line) if !line.contains(version) => Some(format!("not in {line}")),
        Channel::Preview(_) => None,
        Channel::Line(_) => prerelease(),
        Channel::Exact(exact) => (exact != version).then(|| format!("not {exact}")),
        // A range can name a prerelease by its number, but not one that only GitHub marks as such.
        Channel::Range(range) if range.contains(version) => {
            if version.is_prerelease() {
                None
            } else {
                prerelease()
            }
        }
        Channel::Range(range) => prerelease().or_else(|| Some(format!("not in {range}"))),
        Channel::Minimum(minimum) => {
            (!minimum.contains(version)).then(|| format!("not within the bounds of {minimum}"))
        }
    }
}

/// Returns the candidate of a tool that declares no end of life: its line is the first two numbers.
pub(in crate::toolchain) fn candidate(version: Version, released: Option<Date>, phase: Phase) -> Candidate {
    let line = format!("{}.{}", version.semver().major, version.semver().minor);
    Candidate { version, released, support: Support { line, phase, train: None, eol: None }, security: false }
}

/// Lists the nearest of the versions that exist: the newest of the same minor, else the newest of all.
pub(in crate::toolchain) fn near<'a>(version: &Version, known: impl Iterator<Item = &'a Version>) -> Vec<String> {
    let line = |version: &Version| (version.semver().major, version.semver().minor);
    let mut known: Vec<&Version> = known.collect();
    known.sort_by(|a, b| b.cmp(a));
    let same: Vec<_> = known.iter().filter(|other| line(other) == line(version)).take(3).collect();
    let newest = known.iter().filter(|other| !other.is_prerelease()).take(2);
    let near: Vec<_> = if same.is_empty() { newest.collect() } else { same };
    near.into_iter().map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_parsed_as_tags_spell_them() {
        for (text, expected) in [
            ("5.8.4", Some("5.8.4")),
            ("25.1", Some("25.1.0")),
            ("7", Some("7.0.0")),
            ("1.7rc1", Some("1.7.0-rc1")),
            ("6.0.0-rc1", Some("6.0.0-rc1")),
            ("5.1.1-1", Some("5.1.1-1")),
            ("1.0.0+build.5", Some("1.0.0+build.5")),
            ("2024.01.05", Some("2024.1.5")),
            ("", None),
            (".", None),
            ("1.", None),
            ("1..2", None),
            ("1.2.3.4", None),
            ("1.2-", None),
            ("1/2", None),
            ("1.2_3", None),
            ("../1", None),
            ("v1.2.3", None),
            ("99999999999999999999999.1", None),
        ] {
            let read = version(text).ok().map(|version| version.semver().to_string());
            assert_eq!(read.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn channels_read_back_in_one_spelling() {
        for (text, expected) in [
            ("latest", Some("latest")),
            ("stable", Some("latest")),
            ("5", Some("5")),
            ("5.x", Some("5")),
            ("v5.8", Some("5.8")),
            ("5.8.x", Some("5.8")),
            ("v5.8.4", Some("5.8.4")),
            ("6.0.0-rc1", Some("6.0.0-rc1")),
            ("^5.6", Some("^5.6")),
            (">=5 <6", Some(">=5 <6")),
            ("tip", None),
            ("vnext", None),
            ("", None),
            ("5.8.4/..", None),
        ] {
            assert_eq!(channel("tool", text).ok().map(|channel| channel.to_string()).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn prereleases_are_chosen_only_by_name() {
        let candidate = |text: &str, phase: Phase| Candidate {
            version: version(text).unwrap(),
            released: None,
            support: Support { line: text.to_owned(), phase, train: None, eol: None },
            security: false,
        };
        let candidates = [
            candidate("6.1.0", Phase::Preview), // GitHub calls it a prerelease, its version does not
            candidate("6.0.0-rc1", Phase::Active),
            candidate("5.8.4", Phase::Active),
            candidate("5.8.3", Phase::Active),
            candidate("5.7.1", Phase::Active),
        ];
        let policy = Policy::on("2026-11-23".parse().unwrap());
        for (text, expected) in [
            ("latest", Some("5.8.4")),
            ("5.7", Some("5.7.1")),
            ("6", None),
            ("6.1.0", Some("6.1.0")),
            ("6.0.0-rc1", Some("6.0.0-rc1")),
            (">=5 <7", Some("5.8.4")),
            (">=6.0.0-rc1", Some("6.0.0-rc1")),
            ("<5.8.4", Some("5.8.3")),
        ] {
            let choice = choose(&channel("tool", text).unwrap(), &candidates, &policy);
            let picked = choice.pick.map(|pick| pick.version.to_string());
            assert_eq!(picked.as_deref(), expected, "{text}: {:?}", choice.verdicts);
            assert_eq!(choice.verdicts.len(), candidates.len());
        }
    }
}
