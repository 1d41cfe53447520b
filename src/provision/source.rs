//! Where releases come from: the lock, the store, or upstream, in this order of cost.

use futures_util::{StreamExt, TryStreamExt, stream};

use super::found::{Found, id_of, named_installs};
use super::lockfile::{self, Upgrade};
use super::{Context, Error, Installed, Requests, Resolved, Scope, ToolRequest, published, resolve};
use crate::model::{Channel, Explain as _, Kind, Platform, Release, Version};
use crate::project::{LOCK, Lock};
use crate::store::Install;
use crate::text::chain;

/// Where releases may come from, and what may be done about a lock that is out of date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sourcing {
    /// The lock alone: nothing is resolved.
    Locked,
    /// The lock while it is up to date, else upstream; nothing is written.
    DryRun,
    /// The lock, which is resolved again and written when it is out of date; upstream for arguments.
    Relock,
    /// As [`Sourcing::Relock`]. Where upstream cannot be reached, the newest install that matches a request which is not
    /// locked will do.
    InstalledIfUnreachable,
    /// Installs alone, by the lock where there is one. What a request that is not locked means is read from upstream's
    /// documents; where upstream cannot be reached, it means the newest install that matches.
    InstalledOnly,
}

/// What may be done about a lock that is missing or out of date.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LockRule {
    /// It is resolved again and written.
    #[default]
    Renew,
    /// One that is out of date is an error, and is not written: nobody would commit what a job of a pipeline wrote.
    Keep,
    /// As [`LockRule::Keep`], and one that is missing is an error.
    Require,
}

/// Finds what answers each request on `platform`, in the order of the requests.
///
/// # Errors
/// When the lock is needed and missing or out of date, a request cannot be resolved, or a tool that must be installed is
/// not.
pub async fn releases(
    requests: &Requests,
    platform: Platform,
    sourcing: Sourcing,
    context: &Context<'_>,
) -> Result<Vec<(ToolRequest, Found)>, Error> {
    if requests.scope == Scope::Project
        && let Some(lock) = lock(requests, platform, sourcing, context).await?
    {
        let locked = lockfile::from_lock(&requests.list, platform, &lock, context.policy)?;
        judge(&requests.list, &lock, sourcing, context)?;
        remember(&lock, sourcing, context);
        return locked.into_iter().map(|(request, release)| found(request, release, sourcing, context)).collect();
    }
    let mut answers = Vec::with_capacity(requests.list.len());
    let mut open = Vec::new();
    for request in &requests.list {
        let install = exact_install(request, platform, sourcing, context)?;
        if install.is_none() {
            open.push(request.clone());
        }
        answers.push(install.map(Found::Install));
    }
    if !open.is_empty() {
        super::before_waiting().await;
    }
    let mut resolved = resolve_all(&open, platform, sourcing, context).await?.into_iter();
    let answered = answers.into_iter().filter_map(|answer| answer.or_else(|| resolved.next()));
    Ok(requests.list.iter().cloned().zip(answered).collect())
}

/// Judges the end of life of what is installed by a lock, as far as the lock records it.
///
/// # Errors
/// [`Error::UnsupportedLock`] where the policy denies unsupported versions.
fn judge(requests: &[ToolRequest], lock: &Lock, sourcing: Sourcing, context: &Context<'_>) -> Result<(), Error> {
    let published = published::supported(requests, lock, context.policy);
    if !published.findings.is_empty() {
        return Err(Error::UnsupportedLock { reasons: published.findings });
    }
    // `exec` and `env` run many times a day, and have no place for it.
    if matches!(sourcing, Sourcing::Locked | Sourcing::Relock | Sourcing::DryRun) {
        published.warnings.iter().for_each(|warning| context.report.warned(warning));
    }
    Ok(())
}

/// Returns the lock that answers the project's requests; none when upstream has to be asked.
async fn lock(
    requests: &Requests,
    platform: Platform,
    sourcing: Sourcing,
    context: &Context<'_>,
) -> Result<Option<Lock>, Error> {
    let lock = Lock::read(context.root)?;
    let required = sourcing == Sourcing::Locked || context.lock_rule == LockRule::Require;
    if required && lock.is_none() {
        return Err(Error::NoLock { folder: context.root.folder().to_owned() });
    }
    if required || sourcing == Sourcing::InstalledOnly {
        return Ok(lock);
    }
    let platforms = context.platforms();
    if !platforms.contains(&platform) {
        return Ok(None);
    }
    let check = |lock| lockfile::check(&requests.list, &platforms, lock, context.policy).0;
    match lock.as_ref().map(check) {
        Some(reasons) if reasons.is_empty() => return Ok(lock),
        Some(reasons) if context.lock_rule == LockRule::Keep => {
            lock.as_ref().map_or(Ok(()), |lock| lockfile::trust(&requests.list, lock))?;
            return Err(Error::StaleLock { reasons });
        }
        _ => {}
    }
    if context.manifest.is_none() || sourcing == Sourcing::DryRun {
        return Ok(None);
    }
    super::before_waiting().await;
    let lock = lockfile::lock(&requests.list, lock.as_ref(), Upgrade::NONE, context).await?;
    lock.write(context.root)?;
    context.report.noted(&format!("wrote {}", context.root.folder().join(LOCK).display()));
    Ok(Some(lock))
}

/// Remembers the project before anything is installed, so that no prune takes what its lock names.
fn remember(lock: &Lock, sourcing: Sourcing, context: &Context<'_>) {
    if sourcing == Sourcing::DryRun {
        return;
    }
    let Err(cause) = context.store.remember(context.root.folder(), &named_installs(lock)) else { return };
    // Commands that use what is installed need not say each time that the store belongs to an image or to another user.
    if matches!(sourcing, Sourcing::Locked | Sourcing::Relock)
        || (sourcing != Sourcing::InstalledOnly && !cause.is_denied())
    {
        context.report.noted(&format!("`toolkit prune` will not know this project: {}", chain(&cause)));
    }
}

/// Returns a locked release, or its install where it must be installed.
fn found(
    request: ToolRequest,
    release: Release,
    sourcing: Sourcing,
    context: &Context<'_>,
) -> Result<(ToolRequest, Found), Error> {
    if sourcing != Sourcing::InstalledOnly {
        return Ok((request, Found::Release(release)));
    }
    match context.store.claim(&id_of(&release))? {
        Some(install) => {
            super::plan::agrees(&install, release.pins)?;
            Ok((request, Found::Install(install)))
        }
        None => Err(Error::NotInstalled {
            tool: release.tool.to_string(),
            version: release.version.to_string(),
            platform: release.platform,
        }),
    }
}

/// Finds the install of the one version that a request names: nothing else can answer it. None when it means the newest of
/// several, which only upstream's documents tell.
fn exact_install(
    request: &ToolRequest,
    platform: Platform,
    sourcing: Sourcing,
    context: &Context<'_>,
) -> Result<Option<Install>, Error> {
    match (&request.channel, sourcing) {
        (Channel::Exact(_), Sourcing::DryRun | Sourcing::Relock | Sourcing::InstalledIfUnreachable)
        | (_, Sourcing::InstalledOnly) => {}
        _ => return Ok(None),
    }
    let install = newest_install(request, platform, context)?;
    match (&request.channel, sourcing) {
        (Channel::Exact(_), Sourcing::InstalledOnly) if install.is_none() => {
            Err(not_installed(request, None, platform))
        }
        (Channel::Exact(_), _) => Ok(install),
        // Without any install of the tool there is no need to ask what the request means.
        _ if install.is_none() => Err(not_installed(request, None, platform)),
        _ => Ok(None),
    }
}

/// Finds the newest install that a request admits; for a moving name, the newest of the tool.
fn newest_install(request: &ToolRequest, platform: Platform, context: &Context<'_>) -> Result<Option<Install>, Error> {
    newest_that(request, platform, &|version| is_moving(request) || request.channel.admits(version), context)
}

/// Finds the newest install whose version `admits` lets pass, and holds it. One that another project's definition of the tool made is not
/// this tool.
fn newest_that(
    request: &ToolRequest,
    platform: Platform,
    admits: &dyn Fn(&Version) -> bool,
    context: &Context<'_>,
) -> Result<Option<Install>, Error> {
    let fits = |install: &Install| admits(&install.id.version) && lockfile::could_be(request, &install.release());
    // One that is removed at this moment gives way to the next.
    while let Some(install) = context.store.newest(request.tool.name(), platform, &fits)? {
        if let Some(held) = context.store.claim(&install.id)? {
            return Ok(Some(held));
        }
    }
    Ok(None)
}

/// Returns true if only upstream's documents tell what a request means: the newest install may be anything.
fn is_moving(request: &ToolRequest) -> bool {
    matches!(request.channel, Channel::Name(_))
}

fn not_installed(request: &ToolRequest, version: Option<&Version>, platform: Platform) -> Error {
    let version = version.map_or_else(|| request.channel.to_string(), ToString::to_string);
    Error::NotInstalled { tool: request.tool.name().to_owned(), version, platform }
}

/// Resolves requests to releases of one platform, or to installs where releases will not do.
async fn resolve_all(
    requests: &[ToolRequest],
    platform: Platform,
    sourcing: Sourcing,
    context: &Context<'_>,
) -> Result<Vec<Found>, Error> {
    if !matches!(sourcing, Sourcing::InstalledOnly | Sourcing::InstalledIfUnreachable) {
        let resolved = resolve(requests, &[platform], context).await?;
        return Ok(resolved.into_iter().flat_map(|resolved| resolved.releases).map(Found::Release).collect());
    }
    let tasks = requests.iter().map(|request| resolve_or_find(request, platform, sourcing, context));
    stream::iter(tasks).buffered(context.jobs()).try_collect().await
}

/// Resolves a request; where upstream cannot be reached, the newest install that it admits answers it.
async fn resolve_or_find(
    request: &ToolRequest,
    platform: Platform,
    sourcing: Sourcing,
    context: &Context<'_>,
) -> Result<Found, Error> {
    if context.copies_only
        && let Some(install) = instead_of(request, platform, "no connection is allowed", context)?
    {
        return Ok(Found::Install(install));
    }
    let platforms: &[Platform] = if sourcing == Sourcing::InstalledOnly { &[] } else { &[platform] };
    match resolve(std::slice::from_ref(request), platforms, context).await {
        Ok(resolved) => {
            let resolved = resolved.into_iter().next().expect("each request has an answer");
            answer(resolved, platform, sourcing, context)
        }
        Err(cause) if cause.kind() == Kind::Upstream => {
            let install = instead_of(request, platform, &chain(&cause), context)?;
            install.map(Found::Install).ok_or(cause)
        }
        Err(cause) => Err(cause),
    }
}

/// Returns the release that a request means, or its install where it must be installed.
fn answer(resolved: Resolved, platform: Platform, sourcing: Sourcing, context: &Context<'_>) -> Result<Found, Error> {
    let Resolved { request, pick, releases, .. } = resolved;
    if sourcing != Sourcing::InstalledOnly {
        let release = releases.into_iter().next().expect("one platform was requested");
        return Ok(Found::Release(release));
    }
    let install = newest_that(&request, platform, &|version| *version == pick.version, context)?;
    install.map(Found::Install).ok_or_else(|| not_installed(&request, Some(&pick.version), platform))
}

/// Finds the newest install that answers a request which upstream cannot answer now, and says so. None for a moving name.
fn instead_of(
    request: &ToolRequest,
    platform: Platform,
    why: &str,
    context: &Context<'_>,
) -> Result<Option<Install>, Error> {
    if is_moving(request) {
        return Ok(None);
    }
    let install = newest_install(request, platform, context)?;
    if let Some(install) = install.as_ref().filter(|_| !matches!(request.channel, Channel::Exact(_))) {
        let (text, id) = (request.text(), &install.id);
        context.report.warned(&format!(
            "{text} is {} {}, the newest that is installed; there may be a newer release: {why}",
            id.tool, id.version
        ));
    }
    Ok(install)
}

/// Finds installs in the place of releases that could not be downloaded; the failure stands where one is missing, and where
/// the lock names the release.
pub(super) fn instead(
    scope: Scope,
    mut installs: Vec<Installed>,
    missing: Vec<ToolRequest>,
    platform: Platform,
    cause: Error,
    context: &Context<'_>,
) -> Result<Vec<Installed>, Error> {
    if scope == Scope::Project && Lock::read(context.root)?.is_some() {
        return Err(cause);
    }
    let why = chain(&cause);
    for request in missing {
        match instead_of(&request, platform, &why, context)? {
            Some(install) => installs.push(Installed { request, install, work: None, pins: None }),
            None => return Err(cause),
        }
    }
    Ok(installs)
}
