//! Go's spellings: releases (`1.20`, `1.21.0`, `1.27rc3`), language versions (`1.21`) and channels. Nothing else gets past
//! this file.

use crate::model::{BadChannel, Channel, Line, Range, Version};

/// A version as `go.mod` compares it (<https://go.dev/doc/toolchain#version>): since 1.21, `1.21` < `1.21rc1` < `1.21.0`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct GoVersion {
    major: u64,
    minor: u64,
    patch: Option<u64>,
    stage: Stage,
    number: u64,
}

/// The stage of a release, in Go's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Final,
    Beta,
    Candidate,
}

/// The first minor whose first release has three numbers: `go1.20`, but `go1.21.0`.
const FIRST_WITH_PATCH_ZERO: u64 = 21;

impl GoVersion {
    /// Parses `1.22`, `1.22.5`, `1.27rc3`, `1.9.2rc2`: no prefix, no leading zeros, no other suffix.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (numbers, stage, number) = match text.find(|c: char| c.is_ascii_alphabetic()) {
            None => (text, Stage::Final, 0),
            Some(at) => {
                let (numbers, suffix) = text.split_at(at);
                let beta = suffix.strip_prefix("beta").map(|digits| (Stage::Beta, digits));
                let (stage, digits) = beta.or_else(|| Some((Stage::Candidate, suffix.strip_prefix("rc")?)))?;
                (numbers, stage, number(digits)?)
            }
        };
        let mut parts = numbers.split('.');
        let (major, minor) = (number_of(parts.next())?, number_of(parts.next())?);
        let mut patch = match parts.next() {
            None => None,
            Some(part) => Some(self::number(part)?),
        };
        if parts.next().is_some() {
            return None;
        }
        if stage == Stage::Final && major == 1 && minor < FIRST_WITH_PATCH_ZERO {
            patch = patch.or(Some(0));
        }
        Some(Self { major, minor, patch, stage, number })
    }

    /// Returns true if it is a language version only, which no release has as its name.
    pub(super) fn is_language(self) -> bool {
        self.patch.is_none() && self.stage == Stage::Final
    }

    pub(super) fn line(self) -> Line {
        Line { major: self.major, minor: Some(self.minor), band: None }
    }

    /// Returns the semantic version by which releases are sorted.
    fn semver(self) -> semver::Version {
        let mut version = semver::Version::new(self.major, self.minor, self.patch.unwrap_or(0));
        let pre = match self.stage {
            Stage::Final => return version,
            Stage::Beta => format!("beta.{}", self.number),
            Stage::Candidate => format!("rc.{}", self.number),
        };
        version.pre = semver::Prerelease::new(&pre).expect("a word, a dot and a number are a prerelease");
        version
    }

    /// Returns the version of exactly this release, spelled so that it cannot be mistaken for a line: `1.20.0`, not `1.20`.
    pub(super) fn exactly(self) -> Version {
        let semver = self.semver();
        let text = if semver.pre.is_empty() { semver.to_string() } else { self.release_name() };
        Version::spelled(&text, semver).expect("numbers, dots and `rc` follow the grammar of versions")
    }

    /// Returns the least release that satisfies it as a `go` line: for a language version any release of its line, release
    /// candidates included.
    pub(super) fn floor(self) -> Version {
        if !self.is_language() {
            return self.exactly();
        }
        let mut semver = self.semver();
        semver.pre = semver::Prerelease::new("0").expect("a number is a prerelease");
        Version::spelled(&format!("{}.{}", self.major, self.minor), semver)
            .expect("two numbers follow the grammar of versions")
    }

    /// Returns the name of the release without `go`: `1.20`, `1.21.0`, `1.27rc3`.
    fn release_name(self) -> String {
        let mut text = format!("{}.{}", self.major, self.minor);
        let bare_zero = self.major == 1 && self.minor < FIRST_WITH_PATCH_ZERO && self.patch == Some(0);
        if let Some(patch) = self.patch.filter(|_| !bare_zero) {
            text.push_str(&format!(".{patch}"));
        }
        match self.stage {
            Stage::Final => {}
            Stage::Beta => text.push_str(&format!("beta{}", self.number)),
            Stage::Candidate => text.push_str(&format!("rc{}", self.number)),
        }
        text
    }
}

/// Parses the name of a release without `go`: `1.20`, `1.21.0`, `1.27rc3`. None for anything else.
pub(super) fn release(name: &str) -> Option<Version> {
    let version = GoVersion::parse(name)?;
    Version::spelled(name, version.semver()).ok()
}

/// Returns the upstream's spelling of a version that may have been requested as `1.20.0`.
pub(super) fn release_name(version: &Version) -> String {
    let semver = version.semver();
    if !semver.pre.is_empty() {
        return version.as_str().to_owned();
    }
    let patch = Some(semver.patch);
    let version = GoVersion { major: semver.major, minor: semver.minor, patch, stage: Stage::Final, number: 0 };
    version.release_name()
}

/// Parses a channel. `1.20` is the line 1.20, and `1.20.0` the release that Go calls go1.20; versions may have the prefix
/// `go`.
pub(super) fn channel(text: &str) -> Result<Channel, BadChannel> {
    read_channel(text).map_err(|reason| BadChannel { tool: "go".to_owned(), text: text.to_owned(), reason })
}

fn read_channel(text: &str) -> Result<Channel, String> {
    for (name, meaning) in [("latest", "latest"), ("stable", "stable"), ("oldstable", "oldstable")] {
        if text.eq_ignore_ascii_case(name) {
            return Ok(Channel::Name(meaning));
        }
    }
    if text != text.trim() || text.is_empty() {
        return Err("expected a version without spaces around it, such as `1.22`".to_owned());
    }
    if text.contains(['^', '~', '<', '>', '=', '|', ',', ' ']) || text == "*" {
        return range(text);
    }
    let body = text.strip_prefix("go").unwrap_or(text);
    if !body.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(no_version(text));
    }
    if let Some(channel) = line_or_release(body) {
        return Ok(channel);
    }
    line(body).map(Channel::Line)
}

/// Parses `1.22` as a line, and `1.22.5` and `1.27rc3` as releases.
pub(super) fn line_or_release(text: &str) -> Option<Channel> {
    let version = GoVersion::parse(text)?;
    let line = version.stage == Stage::Final && text.matches('.').count() == 1;
    Some(if line { Channel::Line(version.line()) } else { Channel::Exact(version.exactly()) })
}

/// Parses `1`, `1.x`, `1.22.x`.
fn line(body: &str) -> Result<Line, String> {
    let parts: Vec<&str> = body.split('.').collect();
    let wild = |part: &str| matches!(part, "x" | "X" | "*");
    match parts.as_slice() {
        [major] | [major, _] if parts.get(1).is_none_or(|part| wild(part)) => {
            let major = number(major).ok_or_else(|| no_number(body))?;
            Ok(Line { major, minor: None, band: None })
        }
        [major, minor, last] if wild(last) => {
            let (major, minor) = number(major).zip(number(minor)).ok_or_else(|| no_number(body))?;
            Ok(Line { major, minor: Some(minor), band: None })
        }
        _ => Err(no_number(body)),
    }
}

fn range(text: &str) -> Result<Channel, String> {
    let hint = "a range looks like `^1.22`, `>=1.21 <1.23` or `1.21 || 1.22`";
    if text.contains("go1") {
        return Err(format!("versions in a range have no `go` prefix; {hint}"));
    }
    match Range::parse(text) {
        Ok(range) => Ok(Channel::Range(range)),
        Err(_) if text.contains("rc") || text.contains("beta") => {
            Err("a prerelease in a range is written like `>=1.27.0-rc.1`".to_owned())
        }
        Err(reason) => Err(format!("{reason}; {hint}")),
    }
}

/// Returns what is wrong with a text that does not start with a digit.
fn no_version(text: &str) -> String {
    match text {
        "go" => "the version is missing, as in `go1.22.5`".to_owned(),
        "tip" | "gotip" | "master" | "main" => {
            "only releases can be installed; use `latest` for the newest, or name a release candidate such as `1.27rc3`"
                .to_owned()
        }
        "lts" | "sts" => "Go has no long-term releases; the supported ones are `latest` and `oldstable`".to_owned(),
        _ => match text.strip_prefix(['v', 'V']).filter(|rest| read_channel(rest).is_ok()) {
            Some(rest) => format!("write `{rest}`, without the `v`"),
            None => {
                "expected `latest`, `oldstable`, `1.22`, `1.22.5`, `1.27rc3`, or a range such as `^1.22`".to_owned()
            }
        },
    }
}

/// Returns what is wrong with a text that starts with a digit.
fn no_number(body: &str) -> String {
    let zero = |part: &&str| part.len() > 1 && part.starts_with('0') && part.chars().all(|c| c.is_ascii_digit());
    if let Some(part) = body.split('.').find(zero) {
        return format!("`{part}` has a leading zero; write `{}`", part.trim_start_matches('0'));
    }
    if body.split('.').any(str::is_empty) {
        return format!("a number is missing next to a dot; write `{}`", body.replace("..", ".").trim_end_matches('.'));
    }
    if body.contains("rc") || body.contains("beta") {
        return "Go spells prereleases without a separator, such as `1.27rc3`".to_owned();
    }
    if body.split('.').count() > 3 {
        return "Go versions have at most three numbers, such as `1.22.5`".to_owned();
    }
    "expected `1.22`, `1.22.x`, `1.22.5` or `1.27rc3`".to_owned()
}

fn number_of(part: Option<&str>) -> Option<u64> {
    number(part?)
}

/// Parses decimal digits without a leading zero.
fn number(text: &str) -> Option<u64> {
    let plain = text == "0" || !text.starts_with('0');
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if plain && digits && text.len() <= 9 { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_is_read() {
        for (text, kind, printed) in [
            ("latest", "name", "latest"),
            ("Stable", "name", "stable"),
            ("oldstable", "name", "oldstable"),
            ("1", "line", "1"),
            ("1.x", "line", "1"),
            ("1.22", "line", "1.22"),
            ("1.20", "line", "1.20"),
            ("go1.20", "line", "1.20"),
            ("1.22.x", "line", "1.22"),
            ("1.22.*", "line", "1.22"),
            ("1.22.5", "exact", "1.22.5"),
            ("go1.22.5", "exact", "1.22.5"),
            ("1.20.0", "exact", "1.20.0"),
            ("1.21.0", "exact", "1.21.0"),
            ("1.27rc3", "exact", "1.27rc3"),
            ("go1.27rc3", "exact", "1.27rc3"),
            ("1.18beta2", "exact", "1.18beta2"),
            ("1.9.2rc2", "exact", "1.9.2rc2"),
            ("^1.22", "range", "^1.22"),
            (">=1.21 <1.23", "range", ">=1.21 <1.23"),
            ("1.21 || 1.22", "range", "1.21 || 1.22"),
            ("1.21.x || 1.22.x", "range", "1.21.x || 1.22.x"),
            ("*", "range", "*"),
        ] {
            let channel = channel(text).unwrap();
            let found = match &channel {
                Channel::Name(_) => "name",
                Channel::Line(_) | Channel::Preview(_) => "line",
                Channel::Exact(_) => "exact",
                Channel::Range(_) => "range",
                Channel::Minimum(_) => "minimum",
            };
            assert_eq!((found, channel.to_string().as_str()), (kind, printed), "{text}");
            assert_eq!(super::channel(printed).unwrap(), channel, "the lock must read back {printed}");
        }
    }

    #[test]
    fn a_text_that_is_not_a_channel_is_refused_with_what_is_expected() {
        for (text, hint) in [
            ("", "such as `1.22`"),
            (" 1.22", "without spaces"),
            ("go", "as in `go1.22.5`"),
            ("tip", "only releases"),
            ("lts", "`oldstable`"),
            ("v1.22", "write `1.22`, without the `v`"),
            ("1.22.", "write `1.22`"),
            ("1..22", "write `1.22`"),
            ("1.22.05", "write `5`"),
            ("1.22.5.1", "at most three"),
            ("1.22-rc1", "`1.27rc3`"),
            ("1.22.0-rc.1", "`1.27rc3`"),
            ("1.22rc", "`1.27rc3`"),
            ("1.22rc01", "`1.27rc3`"),
            ("1.22alpha1", "expected `1.22`"),
            ("../1.22", "expected `latest`"),
            ("1.22/..", "a number is missing"),
            ("gogo1.22", "expected `latest`"),
            ("^v1.22", "`^1.22`"),
            (">=", "a range looks like"),
            (">=go1.22", "no `go`"),
            (">=1.27rc1", "`>=1.27.0-rc.1`"),
            ("99999999999999999999", "expected `1.22`"),
        ] {
            let reason = channel(text).unwrap_err().reason;
            assert!(reason.contains(hint), "{text:?}: {reason}");
        }
    }

    #[test]
    fn go_mod_orders_a_language_version_before_its_candidates() {
        let order =
            ["1.19.13", "1.20beta1", "1.20rc1", "1.20", "1.20.1", "1.21", "1.21rc1", "1.21rc2", "1.21.0", "1.21.1"];
        let versions: Vec<_> = order.iter().map(|text| GoVersion::parse(text).unwrap()).collect();
        assert!(versions.is_sorted(), "{versions:?}");
        assert_eq!(GoVersion::parse("1.20"), GoVersion::parse("1.20.0"));
        assert!(GoVersion::parse("1.21").unwrap().is_language() && !GoVersion::parse("1.20").unwrap().is_language());
    }

    #[test]
    fn a_release_keeps_its_spelling_and_orders_by_numbers() {
        let names = ["1.9.2rc2", "1.9.2", "1.20beta1", "1.20rc3", "1.20", "1.20.1", "1.27rc3", "1.27.0"];
        let versions: Vec<_> = names.iter().map(|name| release(name).unwrap()).collect();
        assert!(versions.is_sorted());
        assert_eq!(versions[4].as_str(), "1.20");
        assert_eq!(versions[4], GoVersion::parse("1.20").unwrap().exactly());
        assert_eq!(release_name(&GoVersion::parse("1.20.0").unwrap().exactly()), "1.20");
        assert_eq!(release_name(&GoVersion::parse("1.21.0").unwrap().exactly()), "1.21.0");
        for bad in ["", "1", "go1.20", "1.20.x", "1.20-custom", "1.20.0.1", "1.20rc", "a"] {
            assert!(release(bad).is_none(), "{bad:?} passed");
        }
    }
}
