//! From requests to one version each for all platforms, and to the files of each platform.

use futures_util::{StreamExt, stream};

use super::first_use::FirstUse;
use super::{Context, Error, Origin, ToolRequest};
use crate::model::{Candidate, Channel, Choice, Level, Line, Platform, Policy, Release, Verdict, Version};
use crate::net::Metadata as _;

/// A request with its answer.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// The request.
    pub request: ToolRequest,
    /// How the answer was found.
    pub choice: Choice,
    /// The answer.
    pub pick: Candidate,
    /// Its files for each platform, in the order of the platforms.
    pub releases: Vec<Release>,
}

impl Resolved {
    /// Returns the chosen version.
    #[must_use]
    pub fn version(&self) -> &Version {
        &self.pick.version
    }
}

/// Resolves requests side by side: reads the upstreams' documents, applies each tool's rule and the project's policy, and
/// finds the files of the chosen version for each of `platforms`. Answers and warnings come in the order of the requests.
///
/// # Errors
/// That of the first request that fails: a document is not available, every candidate is rejected, or the version is not
/// published for a platform, has no usable digest, or is proven more weakly than the policy accepts.
pub async fn resolve(
    requests: &[ToolRequest],
    platforms: &[Platform],
    context: &Context<'_>,
) -> Result<Vec<Resolved>, Error> {
    let documents: Vec<FirstUse<'_>> = requests.iter().map(|_| FirstUse::new(context)).collect();
    let tasks = requests.iter().zip(&documents).map(|(request, documents)| resolve_one(request, platforms, documents));
    let mut outcomes = stream::iter(tasks).buffered(context.jobs());
    let mut resolved = Vec::with_capacity(requests.len());
    for documents in &documents {
        let outcome = outcomes.next().await.expect("each request has an outcome");
        documents.report_warnings();
        resolved.push(outcome?);
    }
    Ok(resolved)
}

async fn resolve_one(
    request: &ToolRequest,
    platforms: &[Platform],
    documents: &FirstUse<'_>,
) -> Result<Resolved, Error> {
    let policy = documents.context.policy;
    let failed = |source| {
        let place = place(request).map_or(String::new(), |place| format!(" ({place})"));
        Error::Resolve { request: request.text() + &place, source }
    };
    let candidates = request.tool.candidates(&request.channel, policy, documents).await.map_err(failed)?;
    let choice = request.tool.choose(&request.channel, &candidates, policy);
    request.warnings.iter().chain(&choice.warnings).for_each(|warning| documents.warn(warning));
    let Some(pick) = choice.pick.clone() else { return Err(nothing_chosen(request, choice)) };
    if let Some(warning) = behind(request, &pick, &candidates, policy) {
        documents.warn(&warning);
    }
    let mut releases = Vec::with_capacity(platforms.len());
    for platform in platforms {
        let release = request.tool.release(&pick.version, *platform, documents).await.map_err(failed)?;
        strong_enough(&release, policy.verification)?;
        releases.push(release);
    }
    Ok(Resolved { request: request.clone(), choice, pick, releases })
}

/// Warns when a request names a version in full that is older than a patch with security fixes.
fn behind(request: &ToolRequest, pick: &Candidate, candidates: &[Candidate], policy: &Policy) -> Option<String> {
    request.channel.named_version().filter(|named| **named == pick.version)?;
    let patches = request.tool.card().patches;
    let is_newer = |one: &&Candidate| {
        one.version > pick.version
            && !one.version.is_prerelease()
            && patches.holds(pick.version.semver(), one.version.semver())
            && policy.forbids(one).is_none()
    };
    let newer: Vec<&Candidate> = candidates.iter().filter(is_newer).collect();
    let newest = &newer.iter().max_by(|left, right| left.version.cmp(&right.version))?.version;
    if !newer.iter().any(|one| one.security) {
        return None;
    }
    let (name, version) = (request.tool.name(), &pick.version);
    let count = if newer.len() == 1 { "1 release".to_owned() } else { format!("{} releases", newer.len()) };
    let (place, advice) = match &request.origin {
        Origin::File { name: file, .. } => {
            let line = request.rule.as_deref().and_then(line_in).map_or(String::new(), |line| format!(", line {line}"));
            (
                format!(" ({file}{line})"),
                format!("; `{name} = {{ file = \"{file}\", patch = \"newest\" }}` takes {newest}"),
            )
        }
        Origin::Manifest { line } => {
            let table = format!("{name} = {{ version = \"{version}\", patch = \"newest\" }}");
            (format!(" (toolkit.toml, line {line})"), format!("; `{table}` takes {newest}"))
        }
        Origin::Argument(_) => (String::new(), String::new()),
    };
    Some(format!("{name} {version}{place} is {count} behind {newest}, security fixes among them{advice}"))
}

/// Finds the first line that a rule names: `go 1.26.0 (line 3), …`.
fn line_in(rule: &str) -> Option<&str> {
    let (_, rest) = rule.split_once("(line ")?;
    rest.split_once(')').map(|(line, _)| line)
}

/// Describes why nothing was chosen. Candidates that match the request and were refused, by the policy, come first: the
/// others would hide the reason. Where none matches, the nearest are shown.
fn nothing_chosen(request: &ToolRequest, choice: Choice) -> Error {
    const SHOWN: usize = 4;
    let refused = |verdict: &&Verdict| request.channel.admits(&verdict.version);
    let mut shown: Vec<&Verdict> = choice.verdicts.iter().filter(refused).take(SHOWN).collect();
    let mut nearest = Vec::new();
    if shown.is_empty() {
        nearest.extend(newest_beside(&request.channel, &choice.verdicts));
        shown = self::nearest(&request.channel, &choice.verdicts, SHOWN);
    }
    let more = choice.verdicts.len() - shown.len();
    nearest.extend(shown.iter().map(|verdict| format!("{}: {}", verdict.version, verdict.reason)));
    if more > 0 {
        nearest.push(format!("and {more} more"));
    }
    Error::NothingChosen { request: request.text(), place: place(request), choice: Box::new(choice), nearest }
}

/// Names the newest release of the line that a request is about: `the newest 1.27 release is 1.27.3`. Where there is no such
/// line, the newest release of all.
fn newest_beside(channel: &Channel, verdicts: &[Verdict]) -> Option<String> {
    let line = |major, minor| Line { major, minor, band: None };
    let lines = match (channel, channel.named_version()) {
        (_, Some(version)) => {
            let numbers = version.semver();
            vec![line(numbers.major, Some(numbers.minor)), line(numbers.major, None)]
        }
        (Channel::Line(Line { major, minor, .. }), None) => vec![line(*major, *minor), line(*major, None)],
        _ => Vec::new(),
    };
    // Verdicts are sorted, newest first.
    let stable = || verdicts.iter().map(|verdict| &verdict.version).filter(|version| !version.is_prerelease());
    let of_line = lines.iter().find_map(|line| Some((line, stable().find(|version| line.contains(version))?)));
    match of_line {
        Some((line, version)) => Some(format!("the newest {line} release is {version}")),
        None => stable().next().map(|version| format!("the newest release is {version}")),
    }
}

/// Returns where a request is written, if in a file: `toolkit.toml, line 3`.
fn place(request: &ToolRequest) -> Option<String> {
    match &request.origin {
        Origin::Argument(_) => None,
        Origin::Manifest { line } => Some(format!("toolkit.toml, line {line}")),
        Origin::File { name, .. } => {
            // The rule of a project file names the line that counts first.
            let line = request.rule.as_deref().and_then(|rule| rule.split_once("(line ")?.1.split_once(')'));
            Some(line.map_or_else(|| name.clone(), |(line, _)| format!("{name}, line {line}")))
        }
    }
}

/// Finds the candidates on either side of the requested version where there is one, else the newest.
fn nearest<'a>(channel: &Channel, verdicts: &'a [Verdict], shown: usize) -> Vec<&'a Verdict> {
    let requested = channel.named_version();
    // Verdicts are sorted, newest first.
    let older = requested.and_then(|requested| verdicts.iter().position(|verdict| verdict.version < *requested));
    let last = verdicts.len().saturating_sub(shown);
    let first = older.map_or(0, |at| at.saturating_sub(shown / 2)).min(last);
    verdicts[first..].iter().take(shown).collect()
}

/// Checks every file's proof against the least that the policy accepts.
fn strong_enough(release: &Release, required: Level) -> Result<(), Error> {
    match release.artifacts.iter().find(|artifact| artifact.proof.level < required) {
        None => Ok(()),
        Some(weak) => Err(Error::WeakProof {
            file: weak.file_name().to_owned(),
            found: weak.proof.level,
            source_name: weak.proof.source.clone(),
            required,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::toolchain;

    fn verdicts(versions: &[&str]) -> Vec<Verdict> {
        let go = toolchain::find("go").unwrap();
        let verdict = |text: &&str| Verdict {
            version: go.version(text).unwrap(),
            picked: false,
            reason: "not what was requested".to_owned(),
        };
        versions.iter().map(verdict).collect()
    }

    #[test]
    fn a_version_that_does_not_exist_is_answered_with_the_newest_of_its_line() {
        let known = verdicts(&["1.28rc1", "1.27.3", "1.27.2", "1.26.9", "1.21.13"]);
        let go = toolchain::find("go").unwrap();
        for (channel, expected) in [
            ("1.27.9", Some("the newest 1.27 release is 1.27.3")),
            ("1.26.11", Some("the newest 1.26 release is 1.26.9")),
            ("1.28", Some("the newest 1 release is 1.27.3")),
            ("1.99", Some("the newest 1 release is 1.27.3")),
            ("9.9.9", Some("the newest release is 1.27.3")),
            (">=2", Some("the newest release is 1.27.3")),
        ] {
            let channel = go.channel(channel).unwrap();
            assert_eq!(newest_beside(&channel, &known).as_deref(), expected, "{channel}");
        }
        assert_eq!(newest_beside(&go.channel("1.27.9").unwrap(), &[]), None);
    }

    #[test]
    fn a_request_of_a_file_is_answered_with_its_line() {
        let request = |origin, rule: Option<&str>| ToolRequest {
            origin,
            rule: rule.map(str::to_owned),
            ..super::super::argument("go@1.27.9").unwrap()
        };
        let file = || Origin::File { path: "/p/go.mod".into(), name: "go.mod".to_owned() };
        for (request, expected) in [
            (request(Origin::Argument("go@1.27.9".to_owned()), None), None),
            (request(Origin::Manifest { line: 3 }, None), Some("toolkit.toml, line 3")),
            (request(file(), Some("toolchain go1.27.9 (line 5), newer than go 1.27 (line 3)")), Some("go.mod, line 5")),
            (request(file(), None), Some("go.mod")),
        ] {
            assert_eq!(place(&request).as_deref(), expected);
        }
    }
}
