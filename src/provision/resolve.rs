//! From a request to one version for all platforms, and to the files of each.

use super::first_use::FirstUse;
use super::{Context, Error, ToolRequest};
use crate::model::{Candidate, Channel, Choice, Level, Platform, Release, Verdict, Version};

/// A request with its answer.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// The request.
    pub asked: ToolRequest,
    /// How the answer was found.
    pub choice: Choice,
    /// The answer.
    pub pick: Candidate,
}

impl Resolved {
    /// Returns the chosen version.
    #[must_use]
    pub fn version(&self) -> &Version {
        &self.pick.version
    }
}

/// Resolves a request: reads the upstream's documents, applies the tool's rule and the project's policy.
///
/// # Errors
/// When a document cannot be had, or every candidate is rejected.
pub async fn resolve(asked: &ToolRequest, context: &Context<'_>) -> Result<Resolved, Error> {
    let failed = |source| Error::Resolve { request: asked.text(), source };
    let candidates = asked.tool.candidates(&asked.channel, context.policy, context.metadata).await.map_err(failed)?;
    let choice = asked.tool.choose(&asked.channel, &candidates, context.policy);
    for warning in asked.warnings.iter().chain(&choice.warnings) {
        context.report.warned(warning);
    }
    match choice.pick.clone() {
        Some(pick) => Ok(Resolved { asked: asked.clone(), choice, pick }),
        None => Err(nothing(asked, choice)),
    }
}

/// Says why nothing was chosen. Candidates that answer the request and were refused, by the policy, come first: the others
/// would hide the reason. Where none answers, the nearest are shown.
fn nothing(asked: &ToolRequest, choice: Choice) -> Error {
    const SHOWN: usize = 4;
    let refused = |verdict: &&Verdict| asked.channel.admits(&verdict.version);
    let mut shown: Vec<&Verdict> = choice.verdicts.iter().filter(refused).take(SHOWN).collect();
    if shown.is_empty() {
        shown = nearest(&asked.channel, &choice.verdicts, SHOWN);
    }
    let more = choice.verdicts.len() - shown.len();
    let mut nearest: Vec<String> =
        shown.iter().map(|verdict| format!("{}: {}", verdict.version, verdict.reason)).collect();
    if more > 0 {
        nearest.push(format!("and {more} more"));
    }
    Error::NothingChosen { request: asked.text(), choice: Box::new(choice), nearest }
}

/// Finds the candidates on either side of what was asked for where that is a version, else the newest.
fn nearest<'a>(channel: &Channel, verdicts: &'a [Verdict], shown: usize) -> Vec<&'a Verdict> {
    let wanted = channel.named_version();
    // Verdicts stand newest first.
    let older = wanted.and_then(|wanted| verdicts.iter().position(|verdict| verdict.version < *wanted));
    let last = verdicts.len().saturating_sub(shown);
    let first = older.map_or(0, |at| at.saturating_sub(shown / 2)).min(last);
    verdicts[first..].iter().take(shown).collect()
}

/// Returns the files of `version` for each platform, in the order of `platforms`.
///
/// # Errors
/// When the version is not published for one of them, has no usable digest, or is proven more weakly than the policy
/// accepts.
pub async fn releases(
    asked: &ToolRequest,
    version: &Version,
    platforms: &[Platform],
    context: &Context<'_>,
) -> Result<Vec<Release>, Error> {
    let mut releases = Vec::with_capacity(platforms.len());
    for platform in platforms {
        let release = asked
            .tool
            .release(version, *platform, &FirstUse(context))
            .await
            .map_err(|source| Error::Resolve { request: asked.text(), source })?;
        strong_enough(&release, context.policy.verification)?;
        releases.push(release);
    }
    Ok(releases)
}

/// Checks every file's proof against the least that is accepted.
pub(super) fn strong_enough(release: &Release, wanted: Level) -> Result<(), Error> {
    match release.artifacts.iter().find(|artifact| artifact.proof.level < wanted) {
        None => Ok(()),
        Some(weak) => Err(Error::WeakProof {
            file: weak.file_name().to_owned(),
            found: weak.proof.level,
            source_name: weak.proof.source.clone(),
            wanted,
        }),
    }
}
