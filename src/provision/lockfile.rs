//! The lock: resolved from the project's requests for every platform, checked against them, installed from.

use futures_util::{StreamExt, stream};

use super::{Context, Error, Resolved, ToolRequest, resolve};
use crate::model::{Artifact, Platform, Policy, Release, SourceImage, ToolName, Version};
use crate::project::{Lock, LockedArtifact, LockedTool};

/// What `lock --check` found, one line each. Empty when the lock is up to date.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings(pub Vec<String>);

/// Compares a lock with the project's requests, without any document of an upstream.
#[must_use]
pub fn check(requests: &[ToolRequest], platforms: &[Platform], lock: &Lock, policy: &Policy) -> Findings {
    let mut findings = Vec::new();
    let pairs = pair(requests, lock);
    for (request, locked) in requests.iter().zip(&pairs) {
        match locked {
            None => findings.push(not_locked(request, lock)),
            Some(locked) => findings.extend(entry(request, platforms, locked, policy)),
        }
    }
    for locked in &lock.tools {
        if !pairs.iter().flatten().any(|paired| std::ptr::eq(*paired, locked)) {
            let others = requests.iter().any(|request| request.tool.name() == locked.name);
            let which = if others { format!(" `{}`", locked.request) } else { String::new() };
            findings.push(format!("{}{which} is locked and no longer requested", locked.name));
        }
    }
    Findings(findings)
}

/// Finds the entry of each request, in the order of the requests: the one that was made for it, else one of its tool that
/// was made for none of the others, which is then out of date.
#[must_use]
pub fn pair<'l>(requests: &[ToolRequest], lock: &'l Lock) -> Vec<Option<&'l LockedTool>> {
    let mut free: Vec<&LockedTool> = lock.tools.iter().collect();
    let mut take = |fits: &dyn Fn(&LockedTool) -> bool| {
        let at = free.iter().position(|locked| fits(locked))?;
        Some(free.remove(at))
    };
    let mut pairs: Vec<_> = requests
        .iter()
        .map(|request| {
            take(&|locked| {
                locked.name == request.tool.name()
                    && locked.is_for((&request.channel.to_string(), request.file(), request.source.as_deref()))
            })
        })
        .collect();
    for (request, pair) in requests.iter().zip(&mut pairs) {
        if pair.is_none() {
            *pair = take(&|locked| locked.name == request.tool.name());
        }
    }
    pairs
}

/// Describes a request without an entry; by its channel, too, where its tool has entries for others.
fn not_locked(request: &ToolRequest, lock: &Lock) -> String {
    let name = request.tool.name();
    let which = if lock.entries(name).next().is_some() { format!(" `{}`", request.channel) } else { String::new() };
    format!("{name}{which} is requested but not locked")
}

/// Lists what is out of date in one tool's entry.
fn entry(request: &ToolRequest, platforms: &[Platform], locked: &LockedTool, policy: &Policy) -> Vec<String> {
    let name = request.tool.name();
    let mut findings = Vec::new();
    let channel = request.channel.to_string();
    if locked.request != channel || locked.file.as_deref() != request.file() || locked.source != request.source {
        findings.push(format!(
            "{name} is requested as {}, and locked as {}",
            wording(&channel, request.file(), request.source.as_deref()),
            wording(&locked.request, locked.file.as_deref(), locked.source.as_deref())
        ));
    }
    match request.tool.version(&locked.version) {
        Err(cause) => findings.push(format!("{name}: {cause}")),
        Ok(version) if !request.channel.admits(&version) => {
            findings.push(format!("{name} {version} does not match {channel}"));
        }
        Ok(_) => {}
    }
    for platform in platforms {
        if locked.artifacts_for(*platform).is_empty() {
            findings.push(format!("{name} {} is not locked for {platform}", locked.version));
        }
    }
    for platform in locked_platforms(locked) {
        // A version that cannot be read was found above.
        let Ok(release) = release(request, locked, platform, locked.artifacts_for(platform)) else { continue };
        if !request.tool.could_have_locked(&release) {
            findings.push(format!("{name} is defined differently from how it is locked for {platform}"));
        }
    }
    for LockedArtifact { platform, artifact, .. } in &locked.artifacts {
        if !platforms.contains(platform) {
            findings.push(format!("{name} is locked for {platform}, which `platforms` does not list"));
        }
        if artifact.proof.level < policy.verification {
            findings.push(format!(
                "{name}: {} is verified by {}, and the policy requires {}",
                artifact.file_name(),
                artifact.proof.level,
                policy.verification
            ));
        }
    }
    findings
}

fn locked_platforms(locked: &LockedTool) -> Vec<Platform> {
    let mut platforms: Vec<Platform> = locked.artifacts.iter().map(|locked| locked.platform).collect();
    platforms.sort_unstable();
    platforms.dedup();
    platforms
}

fn wording(request: &str, file: Option<&str>, source: Option<&str>) -> String {
    let mut text = format!("`{request}`");
    if let Some(file) = file {
        text.push_str(&format!(" by {file}"));
    }
    if let Some(source) = source {
        text.push_str(&format!(" from {source}"));
    }
    text
}

/// Resolves the project's requests for every platform. Entries of `old` that still match are kept as they are, unless
/// `upgrade` names their tool; each request is resolved once, so that no platform drifts.
///
/// # Errors
/// When a request cannot be resolved; the lock on disk is not touched here.
pub async fn lock(
    requests: &[ToolRequest],
    old: Option<&Lock>,
    upgrade: &dyn Fn(&str) -> bool,
    context: &Context<'_>,
) -> Result<Lock, Error> {
    let platforms = context.platforms();
    let (mut tools, mut open) = (Vec::with_capacity(requests.len()), Vec::new());
    let pairs = old.map_or_else(|| vec![None; requests.len()], |lock| pair(requests, lock));
    for (request, locked) in requests.iter().zip(pairs) {
        let locked = locked.filter(|locked| !upgrade(&locked.name));
        match locked.and_then(|locked| keep(request, &platforms, locked, context.policy)) {
            Some(kept) => tools.push(kept),
            None => open.push(request.clone()),
        }
    }
    let resolved = resolve(&open, &platforms, context).await?;
    let entries = resolved.into_iter().map(|resolved| new_entry(resolved, context));
    tools.extend(stream::iter(entries).buffered(context.jobs()).collect::<Vec<_>>().await);
    Ok(Lock::of(tools))
}

/// Keeps an entry that matches the request on every platform, without platforms that the project no longer lists.
fn keep(request: &ToolRequest, platforms: &[Platform], locked: &LockedTool, policy: &Policy) -> Option<LockedTool> {
    let mut kept = locked.clone();
    kept.artifacts.retain(|locked| platforms.contains(&locked.platform));
    entry(request, platforms, &kept, policy).is_empty().then_some(kept)
}

async fn new_entry(resolved: Resolved, context: &Context<'_>) -> LockedTool {
    let version = resolved.version().to_string();
    let Resolved { request, pick, releases, .. } = resolved;
    let mut artifacts = Vec::new();
    let mut image = None;
    for release in releases {
        image = image.or(release.image.map(|image| image.reference));
        for mut artifact in release.artifacts {
            if artifact.size.is_none() {
                artifact.size = published_size(&artifact, context).await;
            }
            let executables = release.executables.clone();
            artifacts.push(LockedArtifact { platform: release.platform, artifact, executables });
        }
    }
    LockedTool {
        name: request.tool.name().to_owned(),
        request: request.channel.to_string(),
        file: request.file().map(str::to_owned),
        source: request.source.clone(),
        version,
        image,
        released: pick.released,
        artifacts,
    }
}

/// Asks the server for the length of a file that the upstream's documents leave out (.NET). A server that does not answer
/// is not a reason to fail: the digest is what counts, and the archive may reach the mirror later than the documents.
async fn published_size(artifact: &Artifact, context: &Context<'_>) -> Option<u64> {
    match context.net.open(&artifact.url).await {
        Ok(body) => body.length(),
        Err(cause) => {
            context.report.noted(&format!("{} is locked without its size: {cause}", artifact.file_name()));
            None
        }
    }
}

/// Returns the locked releases of `platform`, without resolving anything.
///
/// # Errors
/// When the lock is out of date on this platform, or a proof in it is too weak.
pub(super) fn from_lock(
    requests: &[ToolRequest],
    platform: Platform,
    lock: &Lock,
    policy: &Policy,
) -> Result<Vec<(ToolRequest, Release)>, Error> {
    let mut releases = Vec::with_capacity(requests.len());
    for (request, locked) in requests.iter().zip(pair(requests, lock)) {
        let name = request.tool.name();
        let Some(locked) = locked else {
            return Err(Error::StaleLock { reasons: vec![not_locked(request, lock)] });
        };
        let artifacts = locked.artifacts_for(platform);
        if artifacts.is_empty() {
            let (tool, version) = (name.to_owned(), locked.version.clone());
            return Err(Error::NotLocked { tool, version, platform });
        }
        let reasons = entry(request, &[platform], &for_platform(locked, platform), policy);
        if !reasons.is_empty() {
            return Err(Error::StaleLock { reasons });
        }
        releases.push((request.clone(), release(request, locked, platform, artifacts)?));
    }
    Ok(releases)
}

fn for_platform(locked: &LockedTool, platform: Platform) -> LockedTool {
    let mut one = locked.clone();
    one.artifacts.retain(|locked| locked.platform == platform);
    one
}

fn release(
    request: &ToolRequest,
    locked: &LockedTool,
    platform: Platform,
    artifacts: Vec<Artifact>,
) -> Result<Release, Error> {
    let stale = |reason: String| Error::StaleLock { reasons: vec![reason] };
    let tool = ToolName::parse(request.tool.name())?;
    let version: Version = request.tool.version(&locked.version).map_err(|cause| stale(cause.to_string()))?;
    let image = locked.image.clone().map(|reference| SourceImage { reference, manifest: None });
    let executables = locked.executables_for(platform);
    Ok(Release { image, executables, ..Release::new(tool, version, platform, artifacts) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Format, Level, Proof};
    use crate::provision::{Origin, argument};

    fn artifact(platform: &str) -> LockedArtifact {
        LockedArtifact {
            platform: platform.parse().unwrap(),
            artifact: Artifact {
                url: "https://go.dev/dl/go1.26.7.tar.gz".parse().unwrap(),
                digest: format!("sha256:{}", "0".repeat(64)).parse().unwrap(),
                proof: Proof { level: Level::Checksum, source: "go.dev".to_owned() },
                size: None,
                format: Format::TarGz,
                strip: 1,
            },
            executables: Vec::new(),
        }
    }

    /// What `go@1.26` and a lock of it say, before a case changes either.
    fn agreeing() -> (ToolRequest, Lock, Policy) {
        let locked = LockedTool {
            name: "go".to_owned(),
            request: "1.26".to_owned(),
            file: None,
            source: None,
            version: "1.26.7".to_owned(),
            image: None,
            released: None,
            artifacts: vec![artifact("linux/amd64"), artifact("linux/arm64")],
        };
        (argument("go@1.26").unwrap(), Lock { tools: vec![locked] }, Policy::on("2026-11-01".parse().unwrap()))
    }

    #[test]
    fn a_lock_that_differs_from_the_requests_in_one_thing_has_one_finding() {
        type Change = fn(&mut ToolRequest, &mut Lock);
        let cases: [(Change, Option<&str>); 10] = [
            (|_, _| {}, None),
            (|_, lock| lock.tools.clear(), Some("go is requested but not locked")),
            (|_, lock| lock.tools[0].request = "1.27".to_owned(), Some("as `1.26`, and locked as `1.27`")),
            (|_, lock| lock.tools[0].file = Some("go.mod".to_owned()), Some("locked as `1.26` by go.mod")),
            (
                |request, _| request.origin = Origin::File { path: "/p/go.mod".into(), name: "go.mod".to_owned() },
                Some("as `1.26` by go.mod, and locked as `1.26`"),
            ),
            (|request, _| request.source = Some("goproxy".to_owned()), Some("goproxy")),
            (|_, lock| lock.tools[0].version = "1.25.1".to_owned(), Some("go 1.25.1 does not match 1.26")),
            (|_, lock| drop(lock.tools[0].artifacts.pop()), Some("is not locked for linux/arm64")),
            (
                |_, lock| lock.tools[0].artifacts.push(artifact("darwin/arm64")),
                Some("locked for darwin/arm64, which `platforms` does not list"),
            ),
            (
                |_, lock| lock.tools.push(LockedTool { name: "dotnet".to_owned(), ..lock.tools[0].clone() }),
                Some("dotnet is locked and no longer requested"),
            ),
        ];
        for (change, expected) in cases {
            let (mut request, mut lock, policy) = agreeing();
            change(&mut request, &mut lock);
            let platforms = ["linux/amd64", "linux/arm64"].map(|platform| platform.parse().unwrap());
            let found = check(&[request], &platforms, &lock, &policy).0;
            assert_eq!(found.len(), usize::from(expected.is_some()), "{expected:?}: {found:?}");
            assert!(found.iter().all(|line| line.contains(expected.unwrap_or_default())), "{expected:?}: {found:?}");
        }
    }

    #[test]
    fn each_of_several_versions_has_its_own_entry() {
        let (_, lock, policy) = agreeing();
        let platforms = ["linux/amd64", "linux/arm64"].map(|platform| platform.parse().unwrap());
        let locked = |line: &str, patch: &str| LockedTool {
            name: "dotnet".to_owned(),
            request: line.to_owned(),
            version: format!("{line}.{patch}"),
            ..lock.tools[0].clone()
        };
        let requests = |lines: &[&str]| -> Vec<_> {
            lines.iter().map(|line| argument(&format!("dotnet@{line}")).unwrap()).collect()
        };
        let lock = Lock { tools: vec![locked("8.0", "415"), locked("9.0", "308")] };
        let found = |lines: &[&str]| check(&requests(lines), &platforms, &lock, &policy).0;
        assert_eq!(found(&["8.0", "9.0"]), [""; 0]);
        assert_eq!(found(&["9.0", "8.0"]), [""; 0], "their order does not matter");
        assert_eq!(found(&["9.0"]), ["dotnet `8.0` is locked and no longer requested"]);
        assert_eq!(found(&["9.0", "10.0", "8.0"]), ["dotnet `10.0` is requested but not locked"]);
        let changed = found(&["9.0", "10.0"]);
        assert!(changed[0].contains("dotnet is requested as `10.0`, and locked as `8.0`"), "{changed:?}");
        let picked = from_lock(&requests(&["9.0", "8.0"]), platforms[0], &lock, &policy).unwrap();
        let versions: Vec<_> = picked.iter().map(|(_, release)| release.version.as_str()).collect();
        assert_eq!(versions, ["9.0.308", "8.0.415"], "in the order of the requests");
    }

    #[test]
    fn a_proof_that_is_too_weak_is_found_for_every_platform() {
        let (request, lock, mut policy) = agreeing();
        policy.verification = Level::Signature;
        let platforms = ["linux/amd64", "linux/arm64"].map(|platform| platform.parse().unwrap());
        let found = check(std::slice::from_ref(&request), &platforms, &lock, &policy).0;
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found.iter().all(|line| line.contains("is verified by checksum")), "{found:?}");
        assert!(matches!(from_lock(&[request], platforms[0], &lock, &policy), Err(Error::StaleLock { .. })));
    }
}
