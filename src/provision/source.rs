//! Where releases come from: the lock, the store, or upstream, in this order of cost.

use super::found::{Found, id_of, named_installs};
use super::{Context, Error, Requests, Resolved, Scope, ToolRequest, lockfile, resolve};
use crate::model::{Channel, Platform, Release, Version};
use crate::project::{LOCK, Lock};
use crate::store::{self, Install};
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
    /// As [`Sourcing::Relock`]. For an argument an install that matches will do, even if a newer release exists.
    PreferInstalled,
    /// Installs alone, by the lock where there is one. Needs no connection: what a moving name means is read from the
    /// last good copies of upstream's documents.
    InstalledOnly,
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
        remember(&lock, sourcing, context);
        let locked = lockfile::from_lock(&requests.list, platform, &lock, context.policy)?;
        return locked.into_iter().map(|(request, release)| found(request, release, sourcing, context)).collect();
    }
    let mut installs = Vec::with_capacity(requests.list.len());
    let mut open = Vec::new();
    for request in &requests.list {
        let install = matching_install(request, platform, requests.scope, sourcing, context)?;
        if install.is_none() {
            open.push(request.clone());
        }
        installs.push(install.map(Found::Install));
    }
    if !open.is_empty() {
        super::before_waiting().await;
    }
    let mut answers = match sourcing {
        _ if open.is_empty() => Vec::new(),
        Sourcing::InstalledOnly => by_last_good_copies(&open, platform, context).await?,
        _ => upstream(&open, platform, context).await?,
    }
    .into_iter();
    let answered = installs.into_iter().filter_map(|install| install.or_else(|| answers.next()));
    Ok(requests.list.iter().cloned().zip(answered).collect())
}

/// Returns the lock that answers the project's requests; none when upstream has to be asked.
async fn lock(
    requests: &Requests,
    platform: Platform,
    sourcing: Sourcing,
    context: &Context<'_>,
) -> Result<Option<Lock>, Error> {
    let lock = Lock::read(context.root)?;
    match sourcing {
        Sourcing::Locked if lock.is_none() => return Err(Error::NoLock { folder: context.root.folder().to_owned() }),
        Sourcing::Locked | Sourcing::InstalledOnly => return Ok(lock),
        Sourcing::DryRun | Sourcing::Relock | Sourcing::PreferInstalled => {}
    }
    let platforms = context.platforms();
    if !platforms.contains(&platform) {
        return Ok(None);
    }
    if lock.as_ref().is_some_and(|lock| lockfile::check(&requests.list, &platforms, lock, context.policy).0.is_empty())
    {
        return Ok(lock);
    }
    if context.manifest.is_none() || sourcing == Sourcing::DryRun {
        return Ok(None);
    }
    super::before_waiting().await;
    let lock = lockfile::lock(&requests.list, lock.as_ref(), &|_| false, context).await?;
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
        Some(install) => Ok((request, Found::Install(install))),
        None => Err(Error::NotInstalled {
            tool: release.tool.to_string(),
            version: release.version.to_string(),
            platform: release.platform,
        }),
    }
}

/// Finds the newest install that matches a request, where one will do: always for an exact version, else as `sourcing`
/// says. What a moving name means only the upstream's documents tell.
fn matching_install(
    request: &ToolRequest,
    platform: Platform,
    scope: Scope,
    sourcing: Sourcing,
    context: &Context<'_>,
) -> Result<Option<Install>, Error> {
    let will_do = match (&request.channel, sourcing) {
        (Channel::Name(_), _) => false,
        (Channel::Exact(_), _) | (_, Sourcing::InstalledOnly) => true,
        (_, Sourcing::PreferInstalled) => scope == Scope::Arguments,
        _ => false,
    };
    if !will_do {
        return Ok(None);
    }
    Ok(newest(request, platform, &|version| request.channel.admits(version), context)?)
}

/// Finds the newest install that a request admits, and holds it. One that is removed at this moment gives way to the next.
fn newest(
    request: &ToolRequest,
    platform: Platform,
    admits: &dyn Fn(&Version) -> bool,
    context: &Context<'_>,
) -> Result<Option<Install>, store::Error> {
    while let Some(install) = context.store.newest(request.tool.name(), platform, admits)? {
        if let Some(held) = context.store.claim(&install.id)? {
            return Ok(Some(held));
        }
    }
    Ok(None)
}

/// Finds the installs that moving names mean by the last good copies of upstream's documents.
async fn by_last_good_copies(
    requests: &[ToolRequest],
    platform: Platform,
    context: &Context<'_>,
) -> Result<Vec<Found>, Error> {
    let newest = |request: &ToolRequest, admits: &dyn Fn(&Version) -> bool| newest(request, platform, admits, context);
    let not_installed = |request: &ToolRequest, version: String| Error::NotInstalled {
        tool: request.tool.name().to_owned(),
        version,
        platform,
    };
    for request in requests {
        if !matches!(request.channel, Channel::Name(_)) || newest(request, &|_| true)?.is_none() {
            return Err(not_installed(request, request.channel.to_string()));
        }
    }
    let mut found = Vec::with_capacity(requests.len());
    for Resolved { request, pick, .. } in resolve(requests, &[], context).await? {
        let install = newest(&request, &|version| *version == pick.version)?;
        found.push(Found::Install(install.ok_or_else(|| not_installed(&request, pick.version.to_string()))?));
    }
    Ok(found)
}

/// Resolves requests to the releases of one platform.
async fn upstream(requests: &[ToolRequest], platform: Platform, context: &Context<'_>) -> Result<Vec<Found>, Error> {
    let resolved = resolve(requests, &[platform], context).await?;
    Ok(resolved.into_iter().flat_map(|resolved| resolved.releases).map(Found::Release).collect())
}
