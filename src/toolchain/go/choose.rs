//! The version policy of Go: choosing a candidate for a channel, with a reason for every other one. Pure.

use super::super::shared::{newest, semantic};
use crate::model::{Candidate, Channel, Choice, Policy};

/// Chooses the newest candidate that matches the channel and that the policy allows.
///
/// `oldstable` counts the minors that were released by the day of the policy, whatever their age: a 1.27.0 that is too new
/// to be chosen still makes 1.26 the second newest.
pub(super) fn choose(channel: &Channel, candidates: &[Candidate], policy: &Policy) -> Choice {
    let old_line = matches!(channel, Channel::Name("oldstable")).then(|| second_line(candidates, policy)).flatten();
    newest::choose(rule(channel, old_line), candidates, policy, |candidate, _| {
        outside(channel, candidate, old_line).or_else(|| policy.forbids(candidate))
    })
}

fn line(candidate: &Candidate) -> (u64, u64) {
    (candidate.version.semver().major, candidate.version.semver().minor)
}

/// Returns the second newest minor with a release by the day of the policy.
fn second_line(candidates: &[Candidate], policy: &Policy) -> Option<(u64, u64)> {
    let out = |candidate: &&Candidate| {
        let known = candidate.released.is_some_and(|released| released <= policy.day);
        !candidate.version.is_prerelease() && (known || !policy.as_of)
    };
    let mut lines: Vec<_> = candidates.iter().filter(out).map(line).collect();
    lines.sort_by(|left, right| right.cmp(left));
    lines.dedup();
    lines.get(1).copied()
}

/// Describes the channel in one sentence.
fn rule(channel: &Channel, old_line: Option<(u64, u64)>) -> String {
    match (channel, old_line) {
        (Channel::Name("oldstable"), Some((major, minor))) => {
            format!("oldstable: the newest patch of the second newest minor, {major}.{minor}")
        }
        (Channel::Name("oldstable"), None) => "oldstable: the newest patch of the second newest minor".to_owned(),
        (Channel::Line(line), _) if line.minor.is_none() => format!("{line}: the newest release of Go {line}"),
        (Channel::Line(line), _) => format!("{line}: the newest patch of {line}"),
        (Channel::Exact(version), _) => match super::version::release_name(version) {
            name if name != version.as_str() => format!("{version}: this release, which Go calls go{name}"),
            _ => format!("{version}: this release"),
        },
        (channel, _) => semantic::rule(channel),
    }
}

/// Returns why the candidate does not match the channel; none when it does.
fn outside(channel: &Channel, candidate: &Candidate, old_line: Option<(u64, u64)>) -> Option<String> {
    let of_old_line = match (channel, old_line) {
        (Channel::Name("oldstable"), Some(old)) => {
            (line(candidate) != old).then(|| format!("not in {}.{}", old.0, old.1))
        }
        (Channel::Name("oldstable"), None) => Some("there is no second minor".to_owned()),
        _ => None,
    };
    semantic::outside(channel, candidate).or(of_old_line)
}
