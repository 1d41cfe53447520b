//! From requests to one version each for all platforms, and to the files of each platform.

use futures_util::{StreamExt, stream};

use super::first_use::FirstUse;
use super::{Context, Error, ToolRequest};
use crate::model::{Candidate, Channel, Choice, Level, Platform, Release, Verdict, Version};
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
    let failed = |source| Error::Resolve { request: request.text(), source };
    let candidates = request.tool.candidates(&request.channel, policy, documents).await.map_err(failed)?;
    let choice = request.tool.choose(&request.channel, &candidates, policy);
    request.warnings.iter().chain(&choice.warnings).for_each(|warning| documents.warn(warning));
    let Some(pick) = choice.pick.clone() else { return Err(nothing_chosen(request, choice)) };
    let mut releases = Vec::with_capacity(platforms.len());
    for platform in platforms {
        let release = request.tool.release(&pick.version, *platform, documents).await.map_err(failed)?;
        strong_enough(&release, policy.verification)?;
        releases.push(release);
    }
    Ok(Resolved { request: request.clone(), choice, pick, releases })
}

/// Describes why nothing was chosen. Candidates that match the request and were refused, by the policy, come first: the
/// others would hide the reason. Where none matches, the nearest are shown.
fn nothing_chosen(request: &ToolRequest, choice: Choice) -> Error {
    const SHOWN: usize = 4;
    let refused = |verdict: &&Verdict| request.channel.admits(&verdict.version);
    let mut shown: Vec<&Verdict> = choice.verdicts.iter().filter(refused).take(SHOWN).collect();
    if shown.is_empty() {
        shown = nearest(&request.channel, &choice.verdicts, SHOWN);
    }
    let more = choice.verdicts.len() - shown.len();
    let mut nearest: Vec<String> =
        shown.iter().map(|verdict| format!("{}: {}", verdict.version, verdict.reason)).collect();
    if more > 0 {
        nearest.push(format!("and {more} more"));
    }
    Error::NothingChosen { request: request.text(), choice: Box::new(choice), nearest }
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
