//! What upstreams' documents say about the versions in a lock: their digests, and how long they are supported.

use super::first_use::FirstUse;
use super::lockfile::pair;
use super::{Context, Error, ToolRequest};
use crate::model::{Artifact, Candidate, Channel, Date, Policy, Unsupported, Version};
use crate::project::{Lock, LockedTool};
use crate::toolchain;

/// Which documents are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Documents {
    /// Those that are at hand: what is missing says nothing.
    AtHand,
    /// All.
    Needed,
}

/// What was found about a lock. Both are sentences, one for each finding.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Published {
    /// What makes the lock wrong.
    pub findings: Vec<String>,
    /// What its user should know.
    pub warnings: Vec<String>,
}

/// Judges the end of life that is recorded in a lock, without any document.
#[must_use]
pub fn supported(requests: &[ToolRequest], lock: &Lock, policy: &Policy) -> Published {
    let mut published = Published::default();
    for locked in entries(requests, lock).map(|(_, locked)| locked) {
        if let Some(eol) = locked.eol.filter(|eol| *eol < policy.day) {
            published.ended(locked, Some(eol), policy);
        }
    }
    published
}

/// Compares the digests in a lock with what upstreams publish for the same versions, and judges their support.
///
/// # Errors
/// When a document is needed and cannot be had.
pub async fn compare(
    requests: &[ToolRequest],
    lock: &Lock,
    documents: Documents,
    context: &Context<'_>,
) -> Result<Published, Error> {
    let mut published = Published::default();
    for (request, locked) in entries(requests, lock) {
        // A version that cannot be read is found by a check of the lock alone.
        let Ok(version) = request.tool.version(&locked.version) else { continue };
        let reading = FirstUse::new(context);
        for platform in locked.platforms() {
            match request.tool.release(&version, platform, &reading).await {
                Ok(release) => {
                    let differences = differences(&locked.artifacts_for(platform), &release.artifacts);
                    let named = |line| format!("{} {version} for {platform}: {line}", locked.name);
                    published.findings.extend(differences.into_iter().map(named));
                }
                Err(toolchain::Error::NoChecksum { url, .. }) if documents == Documents::Needed => {
                    published.warnings.push(format!("no checksum is published for {url}, so that none was compared"));
                }
                Err(source) if documents == Documents::Needed => {
                    return Err(Error::Resolve { request: format!("{}@{version}", locked.name), source });
                }
                Err(_) => {}
            }
        }
        match support(request, &version, context.policy, &reading).await {
            Some(candidate) if context.policy.has_ended(&candidate.support) => {
                published.ended(locked, candidate.support.eol, context.policy);
            }
            _ => {}
        }
    }
    Ok(published)
}

fn entries<'a>(requests: &'a [ToolRequest], lock: &'a Lock) -> impl Iterator<Item = (&'a ToolRequest, &'a LockedTool)> {
    requests.iter().zip(pair(requests, lock)).filter_map(|(request, locked)| Some((request, locked?)))
}

async fn support(
    request: &ToolRequest,
    version: &Version,
    policy: &Policy,
    reading: &FirstUse<'_>,
) -> Option<Candidate> {
    let exact = Channel::Exact(version.clone());
    let candidates = request.tool.candidates(&exact, policy, reading).await.ok()?;
    candidates.into_iter().find(|candidate| candidate.version == *version)
}

/// Lists where the files of a lock are not the published ones.
fn differences(locked: &[Artifact], published: &[Artifact]) -> Vec<String> {
    if locked.len() != published.len() {
        return vec![format!("{} files are locked, and {} are published", locked.len(), published.len())];
    }
    let mut found = Vec::new();
    for (own, theirs) in locked.iter().zip(published) {
        let file = own.file_name();
        if own.url != theirs.url {
            found.push(format!("{file} is locked, and {} is published", theirs.file_name()));
        } else if own.digest != theirs.digest {
            let (own, theirs, source) = (own.digest.short(), theirs.digest.short(), &theirs.proof.source);
            found.push(format!("{file} is locked with {own}, and published with {theirs} by {source}"));
        } else if let (Some(own), Some(theirs)) = (own.size, theirs.size)
            && own != theirs
        {
            found.push(format!("{file} is locked with {own} bytes, and published with {theirs}"));
        }
    }
    found
}

impl Published {
    /// Says that support has ended, as the policy judges that.
    fn ended(&mut self, locked: &LockedTool, eol: Option<Date>, policy: &Policy) {
        let on = eol.map_or_else(String::new, |eol| format!(" on {eol}"));
        let text = format!("{} {} reached end of life{on}", locked.name, locked.version);
        match policy.unsupported {
            Unsupported::Deny => self.findings.push(format!("{text}, and the policy denies unsupported versions")),
            Unsupported::Warn => self.warnings.push(text),
            Unsupported::Allow => {}
        }
    }

    /// Adds what was found otherwise, each sentence once.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.findings.extend(other.findings);
        self.warnings.extend(other.warnings);
        for list in [&mut self.findings, &mut self.warnings] {
            let mut seen: Vec<String> = Vec::new();
            list.retain(|line| {
                !seen.contains(line) && {
                    seen.push(line.clone());
                    true
                }
            });
        }
        self
    }
}
