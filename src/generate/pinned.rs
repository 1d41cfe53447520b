//! What plain shell must know of the lock's files: which, in what order, from where, checked by which program.

use std::collections::BTreeMap;
use std::path::Path;

use url::Url;

use super::{Error, Project, Tool};
use crate::model::{Algorithm, Artifact, Digest, Os};
use crate::net::Mirror;
use crate::project::pipeline::Architecture;

/// Groups tools by the folder that they need to share, sorted by its name. Of files that several bring, the newest's stay:
/// it is unpacked last.
pub(super) fn groups<'p>(project: &'p Project<'p>) -> Vec<(&'p str, Vec<&'p Tool<'p>>)> {
    let mut groups: BTreeMap<&str, Vec<&Tool<'_>>> = BTreeMap::new();
    for tool in &project.tools {
        let name = tool.toolchain.card().folder();
        groups.entry(name).or_default().push(tool);
    }
    for tools in groups.values_mut() {
        tools.sort_by_cached_key(|tool| {
            let version = tool.toolchain.version(&tool.locked.version).map(|version| version.semver().clone());
            (version.ok(), tool.toolchain.name().to_owned())
        });
    }
    groups.into_iter().collect()
}

/// Returns a tool's files for an architecture: those of the usual C library, or of the one there is.
pub(super) fn artifacts(tool: &Tool<'_>, architecture: Architecture) -> Result<Vec<Artifact>, Error> {
    let fits = |locked: &&crate::project::LockedArtifact| {
        locked.platform.os == Os::Linux && locked.platform.arch == architecture.arch()
    };
    let platform = tool.locked.artifacts.iter().filter(fits).map(|locked| locked.platform).min();
    let platform = platform.ok_or_else(|| Error::NotLockedFor {
        tool: tool.toolchain.name().to_owned(),
        architecture: architecture.as_str(),
    })?;
    Ok(tool.locked.artifacts_for(platform))
}

/// Says why plain shell cannot install a tool: an install of it is more than its unpacked files.
pub(super) fn needs_toolkit(tool: &Tool<'_>) -> Option<String> {
    let platform = tool.locked.artifacts.first()?.platform;
    let layout = tool.toolchain.card().layout;
    let more = tool.locked.is_defined() || !layout.added_files(Path::new("/"), platform).is_empty();
    more.then(|| {
        format!("{} {} needs files that only toolkit adds; use \"toolkit\"", tool.toolchain.name(), tool.locked.version)
    })
}

/// Returns where a file is read: upstream, or the project's mirror.
pub(super) fn mirrored(project: &Project<'_>, url: &Url, target: &'static str) -> Result<Url, Error> {
    let Some(mirror) = &project.mirror else { return Ok(url.clone()) };
    let refuse =
        |reason: String| Error::Value { key: "source.mirror".to_owned(), value: mirror.clone(), target, reason };
    if !mirror.contains("://") && !Path::new(mirror).is_absolute() {
        return Err(refuse("a folder that is named from here means nothing in a job; give a URL".to_owned()));
    }
    if mirror.to_ascii_lowercase().starts_with("s3:") {
        let reason =
            "S3 wants signed requests, which curl does not make; use \"toolkit\", or serve the bucket over https";
        return Err(refuse(reason.to_owned()));
    }
    let parsed = Mirror::parse(mirror, Path::new("/")).map_err(|cause| refuse(cause.to_string()))?;
    parsed.url(url).map_err(|cause| refuse(cause.to_string()))
}

/// Refuses what curl must not fetch in a job: other schemes, and secrets that would stand in the file.
pub(super) fn allowed(url: &Url) -> Result<(), String> {
    if !matches!(url.scheme(), "https" | "file" | "http") {
        return Err(format!("curl cannot fetch `{}:`", url.scheme()));
    }
    let local = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    if url.scheme() == "http" && !local {
        return Err("plain http is allowed to the same machine only".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it holds a user name or a password, which would stand in the file".to_owned());
    }
    Ok(())
}

/// Names the program of coreutils that checks a digest.
pub(super) fn checker(digest: &Digest) -> Option<&'static str> {
    match digest.algorithm() {
        Algorithm::Sha256 => Some("sha256sum"),
        Algorithm::Sha512 => Some("sha512sum"),
        Algorithm::GoModule => None,
    }
}
