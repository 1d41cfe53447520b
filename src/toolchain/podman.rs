//! Podman: the remote client that its makers publish. It writes nothing and keeps nothing.
//!
//! Rules and names come from <https://github.com/podman-container-tools/podman/releases>.

mod remote;

pub use remote::{REMOTE, Remote};

use super::Error;
use super::github::{self, Published, Repository};
use super::semantic;
use crate::model::{Candidate, Phase, Support, Version};
use crate::net::Metadata;

/// A release of Podman, as one of the repositories has it.
struct Dated {
    version: Version,
    published: Published,
}

/// Reads the releases of a repository that have one of the files that `wanted` names, newest first.
async fn read(
    tool: &str,
    repository: &Repository,
    wanted: fn(&str) -> bool,
    metadata: &dyn Metadata,
) -> Result<Vec<Dated>, Error> {
    let mut found = Vec::new();
    for published in github::releases(tool, repository, metadata).await? {
        let version = published.tag.strip_prefix('v').and_then(|text| semantic::version(text).ok());
        if let Some(version) = version
            && published.assets.iter().any(|asset| wanted(&asset.name))
        {
            found.push(Dated { version, published });
        }
    }
    found.sort_by(|a, b| b.version.cmp(&a.version));
    found.dedup_by(|a, b| a.version == b.version);
    Ok(found)
}

/// Turns releases, newest first, into candidates.
///
/// Podman mends its newest minor only (<https://endoflife.date/podman>), so a line's last day is that on which the next
/// one came out.
fn candidates(releases: &[Dated]) -> Vec<Candidate> {
    let line = |version: &Version| (version.semver().major, version.semver().minor);
    let is_out = |dated: &&Dated| !dated.version.is_prerelease() && !dated.published.prerelease;
    let candidate = |dated: &Dated| {
        let own = line(&dated.version);
        let newer = releases.iter().filter(is_out).filter(|other| line(&other.version) > own);
        let next = newer.clone().map(|other| line(&other.version)).min();
        let phase = match next {
            Some(_) => Phase::Eol,
            None if is_out(&dated) => Phase::Active,
            None => Phase::Preview,
        };
        let eol =
            newer.filter(|other| Some(line(&other.version)) == next).filter_map(|other| other.published.day).min();
        let support = Support { line: format!("{}.{}", own.0, own.1), phase, train: None, eol };
        Candidate { version: dated.version.clone(), released: dated.published.day, support, security: false }
    };
    releases.iter().map(candidate).collect()
}
