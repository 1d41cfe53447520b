//! The lock: resolved from the project's requests for every platform, checked against them, installed from.

use std::collections::BTreeMap;

use futures_util::{StreamExt, stream};

use super::{Context, Error, Resolved, ToolRequest, resolve};
use crate::model::{
    Artifact, Digest, Executable, Level, Platform, Policy, Proof, Release, SourceImage, ToolName, Unsupported, Version,
};
use crate::net::shown;
use crate::project::{LOCK, Lock, LockedArtifact, LockedTool};
use crate::toolchain;

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

/// Refuses a lock with entries that their tools would not have written.
///
/// # Errors
/// [`Error::UnexpectedLock`], with everything that was found.
pub fn trust(requests: &[ToolRequest], lock: &Lock) -> Result<(), Error> {
    let pairs = requests.iter().zip(pair(requests, lock)).filter(|(request, _)| is_known(request));
    let reasons: Vec<String> =
        pairs.filter_map(|(request, locked)| Some(unexpected(request, locked?))).flatten().collect();
    if reasons.is_empty() { Ok(()) } else { Err(Error::UnexpectedLock { reasons }) }
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
        Ok(_) => findings.extend(unexpected(request, locked)),
    }
    for platform in platforms {
        if locked.artifacts_for(*platform).is_empty() {
            findings.push(format!("{name} {} is not locked for {platform}", locked.version));
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

/// Lists what the tool would not have written into its entry: of a tool that this program knows, somebody else has.
fn unexpected(request: &ToolRequest, locked: &LockedTool) -> Vec<String> {
    let (name, version) = (request.tool.name(), &locked.version);
    let mut findings = Vec::new();
    for platform in locked.platforms() {
        // A version that cannot be read is found elsewhere.
        let Ok(release) = release(request, locked, platform, locked.artifacts_for(platform)) else { continue };
        findings.extend(unfit(request, &release).err().map(|reason| match is_known(request) {
            true => format!("{name} {version} for {platform} is not what toolkit writes: {reason}"),
            false => format!("{name} is defined differently from how it is locked for {platform}: {reason}"),
        }));
    }
    findings
}

/// Checks that a release is one that the tool writes into a lock, whoever wrote it: one that is read over an authenticated
/// connection, too.
fn unfit(request: &ToolRequest, release: &Release) -> Result<(), String> {
    for artifact in &release.artifacts {
        let url = &artifact.url;
        // A registry on this machine speaks plain HTTP. Nobody else's machine has it.
        if !matches!(url.scheme(), "https" | "goproxy") {
            return Err(format!("a lock may not name `{}`, only https URLs", shown(url)));
        }
        // Only receipts say so.
        if artifact.proof.source == LOCK {
            return Err(format!("{} is said to be proven by {LOCK} itself", artifact.file_name()));
        }
    }
    request.tool.check_locked(release)
}

/// Returns true if the install of a release can be one of the requested tool: the project may define the tool otherwise than
/// the one that it was made for.
pub(super) fn could_be(request: &ToolRequest, release: &Release) -> bool {
    if is_known(request) { release.executables.is_empty() } else { request.tool.check_locked(release).is_ok() }
}

/// Returns true if this program knows the tool, and no project defines it.
fn is_known(request: &ToolRequest) -> bool {
    toolchain::find(request.tool.name()).is_some()
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

/// Which entries of a lock are resolved again although they still match.
#[derive(Clone, Copy)]
pub struct Upgrade<'a> {
    /// Returns true for the tools.
    pub tools: &'a dyn Fn(&str) -> bool,
    /// Whether an older version may take the place of a newer one.
    pub allow_downgrade: bool,
}

impl Upgrade<'_> {
    /// Upgrades nothing.
    pub const NONE: Upgrade<'static> = Upgrade { tools: &|_| false, allow_downgrade: false };
}

/// Resolves the project's requests for every platform. Entries of `old` that still match are kept as they are, unless
/// `upgrade` names their tool; each request is resolved once, so that no platform drifts. Documents that are older than
/// those of the last time, in a mirror or a cache on the way, do not bring an older version back.
///
/// # Errors
/// When a request cannot be resolved; the lock on disk is not touched here.
pub async fn lock(
    requests: &[ToolRequest],
    old: Option<&Lock>,
    upgrade: Upgrade<'_>,
    context: &Context<'_>,
) -> Result<Lock, Error> {
    let platforms = context.platforms();
    let (mut tools, mut open) = (Vec::with_capacity(requests.len()), Vec::new());
    let pairs = old.map_or_else(|| vec![None; requests.len()], |lock| pair(requests, lock));
    for (request, locked) in requests.iter().zip(pairs) {
        for reason in locked.map(|locked| unexpected(request, locked)).unwrap_or_default() {
            context.report.warned(&format!("toolkit.lock: {reason}; the entry is resolved again"));
        }
        let locked = locked.filter(|locked| !(upgrade.tools)(&locked.name));
        match locked.and_then(|locked| keep(request, &platforms, locked, context.policy)) {
            Some(kept) => tools.push(kept),
            None => open.push(request.clone()),
        }
    }
    let resolved = resolve(&open, &platforms, context).await?;
    for Resolved { request, releases, .. } in &resolved {
        for release in releases {
            unfit(request, release).map_err(|reason| Error::CannotLock {
                tool: request.tool.name().to_owned(),
                version: release.version.to_string(),
                platform: release.platform,
                reason,
            })?;
        }
    }
    let mut newer = Vec::new();
    for one in resolved {
        let locked =
            old.filter(|_| !upgrade.allow_downgrade).and_then(|lock| pair(std::slice::from_ref(&one.request), lock)[0]);
        match locked.and_then(|locked| keep_newer(&one, &platforms, locked, context)) {
            Some(kept) => tools.push(kept),
            None => newer.push(one),
        }
    }
    let entries = newer.into_iter().map(|resolved| new_entry(resolved, context));
    tools.extend(stream::iter(entries).buffered(context.jobs()).collect::<Vec<_>>().await);
    for tool in &mut tools {
        let name = tool.name.clone();
        old.iter().flat_map(|lock| lock.entries(&name)).for_each(|old| keep_trees(tool, old));
    }
    Ok(Lock::of(tools))
}

/// Keeps an entry that matches the request on every platform, without platforms that the project no longer lists.
fn keep(request: &ToolRequest, platforms: &[Platform], locked: &LockedTool, policy: &Policy) -> Option<LockedTool> {
    let ended = locked.eol.is_some_and(|eol| eol < policy.day);
    if ended && policy.unsupported == Unsupported::Deny {
        return None; // resolving says so
    }
    let mut kept = locked.clone();
    kept.artifacts.retain(|locked| platforms.contains(&locked.platform));
    kept.trees.retain(|platform, _| platforms.contains(platform));
    entry(request, platforms, &kept, policy).is_empty().then_some(kept)
}

/// Keeps an entry whose version is newer than the one that the same request resolves to now, and says so.
fn keep_newer(
    resolved: &Resolved,
    platforms: &[Platform],
    locked: &LockedTool,
    context: &Context<'_>,
) -> Option<LockedTool> {
    let request = &resolved.request;
    let same = locked.request == request.channel.to_string()
        && locked.file.as_deref() == request.file()
        && locked.source == request.source;
    let version = request.tool.version(&locked.version).ok().filter(|version| same && version > resolved.version())?;
    let kept = keep(request, platforms, locked, context.policy);
    let outcome = match kept {
        Some(_) => "it is kept; `toolkit lock --upgrade --allow-downgrade` takes the older one",
        None => "its entry does not fit the project any more, so that the older one takes its place",
    };
    context.report.warned(&format!(
        "toolkit.lock has {} {version}, and the documents that were read name {} as the newest that matches: {outcome}",
        locked.name,
        resolved.version()
    ));
    kept
}

/// Keeps the pins of trees of those platforms whose files are still the same.
fn keep_trees(tool: &mut LockedTool, old: &LockedTool) {
    let files = |tool: &LockedTool, platform: Platform| -> Vec<(Digest, usize, Vec<Executable>)> {
        let of = tool.artifacts.iter().filter(|locked| locked.platform == platform);
        of.map(|LockedArtifact { artifact, executables, .. }| {
            (artifact.digest.clone(), artifact.strip, executables.clone())
        })
        .collect()
    };
    for (platform, tree) in &old.trees {
        let now = files(tool, *platform);
        if !now.is_empty() && now == files(old, *platform) {
            tool.trees.entry(*platform).or_insert(*tree);
        }
    }
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
        eol: pick.support.eol,
        trees: BTreeMap::new(),
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
        let locked = &for_platform(locked, platform);
        let reasons = unexpected(request, locked);
        if !reasons.is_empty() && is_known(request) {
            return Err(Error::UnexpectedLock { reasons });
        }
        let reasons = entry(request, &[platform], locked, policy);
        if !reasons.is_empty() {
            return Err(Error::StaleLock { reasons });
        }
        releases.push((request.clone(), believed(release(request, locked, platform, artifacts)?)));
    }
    Ok(releases)
}

/// Says of a release from the lock what a run that has only the lock can show: its bytes have the digest that stands there.
fn believed(mut release: Release) -> Release {
    for artifact in &mut release.artifacts {
        artifact.proof = Proof { level: Level::Checksum, source: LOCK.to_owned() };
    }
    release
}

fn for_platform(locked: &LockedTool, platform: Platform) -> LockedTool {
    let mut one = locked.clone();
    one.artifacts.retain(|locked| locked.platform == platform);
    one.trees.retain(|other, _| *other == platform);
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
    let pins = Some(locked.pins_for(platform));
    Ok(Release { image, executables, pins, ..Release::new(tool, version, platform, artifacts) })
}

#[cfg(test)]
#[path = "lockfile/tests.rs"]
mod tests;
