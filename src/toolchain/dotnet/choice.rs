//! The version policy of .NET: choosing a candidate for a channel, with a reason for every other one. Pure.

use super::Component;
use super::roll_forward::RollForward;
use crate::model::{Candidate, Channel, Choice, Minimum, Policy, Prefer, Preference, Train, Verdict, Version, Within};

/// Chooses a candidate, and gives a reason for every other one.
pub(super) fn choose(component: Component, channel: &Channel, candidates: &[Candidate], policy: &Policy) -> Choice {
    let mut sorted: Vec<&Candidate> = candidates.iter().collect();
    sorted.sort_by(|a, b| b.version.cmp(&a.version));
    let judged: Vec<(&Candidate, Option<String>)> =
        sorted.into_iter().map(|candidate| (candidate, objection(channel, candidate, policy))).collect();
    let eligible: Vec<&Candidate> =
        judged.iter().filter(|(_, objection)| objection.is_none()).map(|(candidate, _)| *candidate).collect();
    let (pick, reason) = match channel {
        Channel::Minimum(minimum) => roll_forward(minimum, &eligible, policy.prefer),
        Channel::Exact(_) => (eligible.first().copied(), "it is the requested version".to_owned()),
        Channel::Name(_) | Channel::Line(_) | Channel::Preview(_) | Channel::Range(_) => {
            (eligible.first().copied(), "it is the newest match".to_owned())
        }
    };
    let verdict = |(candidate, objection): &(&Candidate, Option<String>)| {
        let picked = pick.is_some_and(|pick| pick.version == candidate.version);
        let reason = match objection {
            _ if picked => reason.clone(),
            Some(objection) => objection.clone(),
            None => passed_over(channel, candidate, pick),
        };
        Verdict { version: candidate.version.clone(), picked, reason }
    };
    let rule = match pick {
        Some(_) => rule(component, channel, policy),
        None => {
            format!("{}; nothing matches: {}", rule(component, channel, policy), why_none(channel, &judged, policy))
        }
    };
    Choice {
        rule,
        pick: pick.cloned(),
        verdicts: judged.iter().map(verdict).collect(),
        warnings: pick.and_then(|pick| policy.warns(pick)).into_iter().collect(),
    }
}

/// Describes the channel in one sentence.
fn rule(component: Component, channel: &Channel, policy: &Policy) -> String {
    let what = component.noun();
    match channel {
        Channel::Name("lts") => format!("lts: the newest stable {what} of the newest supported long-term channel"),
        Channel::Name("sts") => format!("sts: the newest stable {what} of the newest supported standard-term channel"),
        Channel::Name("preview") => format!("preview: the newest {what} of the supported channels, previews included"),
        Channel::Name(name) => format!("{name}: the newest stable {what} of the supported channels"),
        Channel::Line(line) => format!("{line}: the newest stable {what} of {line}"),
        Channel::Preview(line) => format!("{line}-preview: the newest {what} of {line}, previews included"),
        Channel::Exact(version) => format!("{version}: only this version"),
        Channel::Range(range) => format!("{range}: the newest {what} in the range"),
        Channel::Minimum(minimum) => roll_forward_rule(minimum, policy.prefer),
    }
}

fn roll_forward_rule(minimum: &Minimum, prefer: Prefer) -> String {
    let (version, value) = (&minimum.version, RollForward::of(minimum));
    let far = match value {
        RollForward::Disable => return format!("{version} rollForward=disable: only this version"),
        RollForward::Patch => "the newest patch of its band",
        RollForward::Feature => "the newest patch of the nearest band, not below it",
        RollForward::Minor => "the newest patch of the nearest band or minor, not below it",
        RollForward::Major => "the newest patch of the nearest band, minor or major, not below it",
        RollForward::LatestPatch => "the newest of its band, not below it",
        RollForward::LatestFeature => "the newest of its minor, not below it",
        RollForward::LatestMinor => "the newest of its major, not below it",
        RollForward::LatestMajor => "the newest of all, not below it",
    };
    let stable = "stable versions before prereleases";
    let policy = value.as_str();
    match prefer {
        Prefer::Named => format!("{version} rollForward={policy}: the version itself, else {far}, {stable}"),
        Prefer::Newest => format!("{version} rollForward={policy}, upgrade: {far}, {stable}"),
    }
}

/// Returns why the channel or the policy does not allow the candidate.
fn objection(channel: &Channel, candidate: &Candidate, policy: &Policy) -> Option<String> {
    let version = &candidate.version;
    let named = match channel {
        Channel::Name(name) => not_by_name(name, candidate, policy),
        Channel::Line(line) | Channel::Preview(line) if !line.contains(version) => Some(format!("it is not in {line}")),
        Channel::Line(_) if version.is_prerelease() => {
            Some("it is a prerelease; request it by its version, or by `LINE-preview`".to_owned())
        }
        Channel::Exact(exact) if version != exact => Some("it is not the requested version".to_owned()),
        Channel::Range(range) if !range.contains(version) => Some("it is not in the range".to_owned()),
        Channel::Minimum(minimum) => out_of_bounds(minimum, version),
        Channel::Line(_) | Channel::Preview(_) | Channel::Exact(_) | Channel::Range(_) => None,
    };
    named.or_else(|| policy.forbids(candidate))
}

/// Returns why a moving name does not mean the candidate. Moving names cover supported channels only, whatever the policy
/// allows.
fn not_by_name(name: &str, candidate: &Candidate, policy: &Policy) -> Option<String> {
    let line = &candidate.support.line;
    if policy.has_ended(&candidate.support) {
        return Some(policy.ended(candidate));
    }
    let train = match name {
        "lts" => Some(Train::Lts),
        "sts" => Some(Train::Sts),
        _ => None,
    };
    if train.is_some() && candidate.support.train != train {
        return Some(match candidate.support.train {
            Some(Train::Lts) => format!("{line} is a long-term channel"),
            Some(Train::Sts) => format!("{line} is a standard-term channel"),
            None => format!("{line} is not declared as a long-term or a standard-term channel"),
        });
    }
    (name != "preview" && candidate.version.is_prerelease()).then(|| "it is a prerelease".to_owned())
}

/// Returns why the .NET host would not accept the version under the rule.
fn out_of_bounds(minimum: &Minimum, version: &Version) -> Option<String> {
    let named = &minimum.version;
    if version == named {
        return None;
    }
    if !minimum.within.holds(named.semver(), version.semver()) {
        return Some(format!("rollForward={} does not reach it from {named}", RollForward::of(minimum).as_str()));
    }
    if version < named {
        return Some(format!("it is below {named}"));
    }
    (!minimum.prereleases && version.is_prerelease())
        .then(|| "it is a prerelease, and allowPrerelease is false".to_owned())
}

/// Picks among the candidates within the rule's bounds, newest first, as the host would if all of them were installed.
///
/// Two things differ, because nothing is installed yet: stable versions precede prereleases (the host takes what it finds),
/// and [`Prefer::Named`] picks the named version even where a `latest…` rule would use a newer one if that were installed.
/// For `patch`, [`Prefer::Newest`] picks what the host uses when the named version is not installed.
fn roll_forward<'a>(minimum: &Minimum, eligible: &[&'a Candidate], prefer: Prefer) -> (Option<&'a Candidate>, String) {
    let named = eligible.iter().find(|candidate| candidate.version == minimum.version);
    if let Some(named) = named
        && (prefer == Prefer::Named || minimum.within == Within::Version)
    {
        return (Some(named), "it is the version that the file names".to_owned());
    }
    let stable: Vec<&Candidate> = eligible.iter().copied().filter(|c| !c.version.is_prerelease()).collect();
    let pool = if stable.is_empty() { eligible } else { &stable };
    if minimum.preference == Preference::Newest {
        return (pool.first().copied(), "it is the newest that the rule allows".to_owned());
    }
    let nearest = pool.iter().map(|candidate| band(&candidate.version)).min();
    let pick = pool.iter().find(|candidate| Some(band(&candidate.version)) == nearest).copied();
    (pick, "it is the newest patch of the nearest feature band".to_owned())
}

/// Returns major, minor and feature band, by which a rule measures what is nearest.
fn band(version: &Version) -> (u64, u64, u64) {
    let numbers = version.semver();
    (numbers.major, numbers.minor, numbers.patch / 100)
}

/// Returns why a candidate that was allowed was not picked.
fn passed_over(channel: &Channel, candidate: &Candidate, pick: Option<&Candidate>) -> String {
    let Some(pick) = pick else { return "nothing was picked".to_owned() };
    if candidate.version < pick.version {
        return format!("{} is newer", pick.version);
    }
    match channel {
        Channel::Minimum(minimum) if pick.version == minimum.version => {
            format!("{} is the version that the file names", pick.version)
        }
        Channel::Minimum(_) if candidate.version.is_prerelease() && !pick.version.is_prerelease() => {
            format!("it is a prerelease, and {} is stable", pick.version)
        }
        _ => format!("{} is nearer to the version that the file names", pick.version),
    }
}

/// Returns for the newest lines why nothing was picked.
fn why_none(channel: &Channel, judged: &[(&Candidate, Option<String>)], policy: &Policy) -> String {
    if let Channel::Exact(exact) = channel
        && let Some((_, Some(objection))) = judged.iter().find(|(candidate, _)| candidate.version == *exact)
    {
        return format!("{exact}: {objection}");
    }
    let mut lines: Vec<&str> = Vec::new();
    for (candidate, _) in judged {
        if !lines.contains(&candidate.support.line.as_str()) {
            lines.push(&candidate.support.line);
        }
    }
    // Older lines are long unsupported; the verdicts still list them.
    let reasons: Vec<String> = lines.iter().take(4).map(|line| why_not(line, judged, policy)).collect();
    if reasons.is_empty() { "there is no release".to_owned() } else { reasons.join("; ") }
}

fn why_not(line: &str, judged: &[(&Candidate, Option<String>)], policy: &Policy) -> String {
    let of_line = || judged.iter().filter(|(candidate, _)| candidate.support.line == line);
    let ended = of_line().find(|(candidate, _)| policy.has_ended(&candidate.support));
    if let Some((candidate, _)) = ended {
        return match candidate.support.eol {
            Some(eol) => format!("{line} reached end of life on {eol}"),
            None => format!("{line} reached end of life"),
        };
    }
    let is_out = |candidate: &Candidate| !policy.as_of || candidate.released.is_some_and(|day| day <= policy.day);
    let out = || of_line().filter(|(candidate, _)| is_out(candidate));
    let Some((newest, objection)) = out().next() else { return format!("{line} had no release by {}", policy.day) };
    if out().all(|(candidate, _)| candidate.version.is_prerelease()) {
        let version = &newest.version;
        return format!(
            "{line} has only prereleases (request one by its version, such as {version}, or the newest by `{line}-preview`)"
        );
    }
    // The most telling miss: one that only the policy rejects, else the newest.
    let held = out().find(|(candidate, _)| policy.forbids(candidate).is_some() && !candidate.version.is_prerelease());
    let (candidate, objection) = held.map_or((*newest, objection), |(candidate, objection)| (*candidate, objection));
    format!("{}: {}", candidate.version, objection.as_deref().unwrap_or("it was not picked"))
}
