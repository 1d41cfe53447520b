//! What plain shell needs to know about the lock's files: which ones, in what order, from where, and what verifies them.

use std::collections::BTreeMap;
use std::path::Path;

use url::Url;

use super::{Error, Project, Tool};
use crate::model::{Algorithm, Artifact, Digest, Format, Os};
use crate::net::Mirror;
use crate::project::pipeline::Architecture;

/// A file that plain shell downloads and checks.
pub(super) struct Pinned {
    /// Where it is read.
    pub(super) url: Url,
    /// The program of coreutils that checks its digest.
    pub(super) checker: &'static str,
    /// Its digest, in hexadecimal digits.
    pub(super) hex: String,
}

/// Groups tools by the folder that they need to share, sorted by its name. The newest tool of a group is unpacked last, so
/// that its files win.
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

/// Returns a tool's files for an architecture: those for the usual C library, or for the only one there is.
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

/// Refuses a tool that plain shell cannot install, because an install is more than the unpacked files.
pub(super) fn check(tool: &Tool<'_>, target: &'static str) -> Result<(), Error> {
    let layout = tool.toolchain.card().layout;
    let adds_files = |platform| !layout.added_files(platform).is_empty();
    let platform = tool.locked.artifacts.first().map(|locked| locked.platform);
    if tool.locked.is_defined() || platform.is_some_and(adds_files) {
        let (name, version) = (tool.toolchain.name(), &tool.locked.version);
        let reason = format!("{name} {version} needs files that only toolkit adds; use \"toolkit\"");
        return Err(unsupported(target, reason));
    }
    Ok(())
}

/// Explains why plain shell cannot install what the lock says.
pub(super) fn unsupported(target: &'static str, reason: String) -> Error {
    Error::Unsupported { key: "pipeline.install.method", value: "portable".to_owned(), target, reason }
}

/// Returns how plain shell downloads and checks a file of a tool.
pub(super) fn pinned(
    project: &Project<'_>,
    tool: &Tool<'_>,
    artifact: &Artifact,
    target: &'static str,
) -> Result<Pinned, Error> {
    let (name, version) = (tool.toolchain.name(), &tool.locked.version);
    let checker = checker(&artifact.digest).filter(|_| artifact.format != Format::GoModuleZip).ok_or_else(|| {
        let reason = format!(
            "{name} {version} is locked as a Go module, whose `h1:` hash plain shell cannot check; use \"toolkit\", or the usual source"
        );
        unsupported(target, reason)
    })?;
    let url = mirrored(project, &artifact.url, target)?;
    allowed(&url).map_err(|reason| Error::Value {
        key: "source.mirror".to_owned(),
        value: url.to_string(),
        target,
        reason,
    })?;
    Ok(Pinned { url, checker, hex: artifact.digest.hex() })
}

/// Returns how plain shell downloads and checks toolkit itself, for each architecture that is built.
pub(super) fn bootstraps(project: &Project<'_>, target: &'static str) -> Result<Vec<(Architecture, Pinned)>, Error> {
    let of = |architecture: &Architecture| {
        let name = architecture.as_str();
        let bootstrap = project.pipeline.install.bootstrap.get(architecture).ok_or_else(|| Error::Missing {
            key: "pipeline.install.bootstrap",
            target,
            reason: format!("every architecture that is built needs a `url` and a `digest`, and {name} has none"),
        })?;
        let refuse = |key: &str, value: &str, reason: String| Error::Value {
            key: format!("pipeline.install.bootstrap.{name}.{key}"),
            value: value.to_owned(),
            target,
            reason,
        };
        let (url, digest) = (&bootstrap.url, &bootstrap.digest);
        let parsed: Digest = digest.parse().map_err(|cause| refuse("digest", digest, format!("{cause}")))?;
        let checker = checker(&parsed)
            .ok_or_else(|| refuse("digest", digest, "plain shell checks sha256 and sha512 only".to_owned()))?;
        allowed(url).map_err(|reason| refuse("url", url.as_str(), reason))?;
        Ok((*architecture, Pinned { url: url.clone(), checker, hex: parsed.hex() }))
    };
    project.architectures.iter().map(of).collect()
}

/// Returns where a file is read: upstream, or the project's mirror.
fn mirrored(project: &Project<'_>, url: &Url, target: &'static str) -> Result<Url, Error> {
    let Some(mirror) = &project.mirror else { return Ok(url.clone()) };
    let refuse =
        |reason: String| Error::Value { key: "source.mirror".to_owned(), value: mirror.clone(), target, reason };
    if !mirror.contains("://") && !Path::new(mirror).is_absolute() {
        return Err(refuse("a relative folder means nothing in a job; give a URL".to_owned()));
    }
    if mirror.to_ascii_lowercase().starts_with("s3:") {
        let reason =
            "S3 needs signed requests, which curl does not make; use \"toolkit\", or serve the bucket over https";
        return Err(refuse(reason.to_owned()));
    }
    let parsed = Mirror::parse(mirror, Path::new("/")).map_err(|cause| refuse(cause.to_string()))?;
    parsed.url(url).map_err(|cause| refuse(cause.to_string()))
}

/// Refuses what curl must not fetch in a job: other schemes, and secrets that would be written into the file.
fn allowed(url: &Url) -> Result<(), String> {
    if !matches!(url.scheme(), "https" | "file" | "http") {
        return Err(format!("curl cannot fetch `{}:`", url.scheme()));
    }
    let local = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    if url.scheme() == "http" && !local {
        return Err("plain http is allowed to this machine only".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it contains a user name or a password, which would be written into the file".to_owned());
    }
    Ok(())
}

/// Returns the program of coreutils that checks a digest.
fn checker(digest: &Digest) -> Option<&'static str> {
    match digest.algorithm() {
        Algorithm::Sha256 => Some("sha256sum"),
        Algorithm::Sha512 => Some("sha512sum"),
        Algorithm::GoModule => None,
    }
}
