//! Which releases a command needs: by its arguments, by the lock, or by asking the upstreams, in this order of cost.

use super::Global;
use super::render::Failure;
use super::site::Workplace;
use crate::model::{Channel, Platform, Release};
use crate::project::Lock;
use crate::provision::{self, Asked, Installed, Plan};
use crate::store::Install;

/// What may be done about a lock that does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Nothing: the lock rules.
    Locked,
    /// Resolve, and write nothing.
    Look,
    /// Resolve, and write the lock anew.
    Relock,
}

/// Finds the releases that the arguments, or without any the project, ask for on `platform`.
pub(super) fn releases(
    specs: &[String],
    platform: Platform,
    mode: Mode,
    place: &Workplace,
) -> Result<Vec<(Asked, Release)>, Failure> {
    if !specs.is_empty() {
        return resolved(&place.asked(specs)?, platform, place);
    }
    let asked = place.project()?;
    let lock = place.lock()?;
    if mode == Mode::Locked {
        let lock = lock.ok_or_else(|| provision::Error::NoLock { folder: place.root.clone() })?;
        return Ok(provision::from_lock(&asked, platform, &lock, &place.policy)?);
    }
    let platforms = place.platforms();
    let covered = platforms.contains(&platform);
    if let Some(lock) = &lock
        && covered
        && provision::check(&asked, &platforms, lock, &place.policy).0.is_empty()
    {
        return Ok(provision::from_lock(&asked, platform, lock, &place.policy)?);
    }
    if place.manifest.is_none() || mode == Mode::Look || !covered {
        return resolved(&asked, platform, place);
    }
    let lock = relock(&asked, lock.as_ref(), place)?;
    Ok(provision::from_lock(&asked, platform, &lock, &place.policy)?)
}

/// Installs what is missing of a plan; nothing is started when nothing is.
pub(super) fn carry_out(plan: Plan, place: &Workplace) -> Result<Vec<Installed>, Failure> {
    if plan.missing.is_empty() {
        return Ok(plan.present);
    }
    place.block_on(async { Ok(plan.carry_out(&place.site()).await?) })
}

/// Finds the installs that the arguments, or without any the project, ask for; an error when one is not installed.
/// Makes no connection: a moving name is resolved by the last good copies of the upstream's documents.
pub(super) fn installed(
    specs: &[String],
    platform: Platform,
    place: &Workplace,
    global: &Global,
) -> Result<Vec<Installed>, Failure> {
    if let (true, Some(lock)) = (specs.is_empty(), place.lock()?) {
        let releases = provision::from_lock(&place.project()?, platform, &lock, &place.policy)?;
        let plan = Plan::new(releases, &place.store)?;
        if let Some(missing) = plan.missing.first() {
            let (tool, version) = (missing.release.tool.to_string(), missing.release.version.to_string());
            return Err(provision::Error::NotInstalled { tool, version, platform }.into());
        }
        return Ok(plan.present);
    }
    let mut found = Vec::new();
    for asked in place.asked(specs)? {
        let install = match newest(&asked, platform, place)? {
            Some(install) => install,
            None => by_last_good_copy(&asked, platform, place, global)?,
        };
        found.push(Installed { asked, install, work: None });
    }
    Ok(found)
}

/// Finds what the arguments or the project ask for, installing what is missing. What is installed and answers is taken,
/// even if a newer release exists.
pub(super) fn installed_or_install(specs: &[String], place: &Workplace) -> Result<Vec<Installed>, Failure> {
    let platform = place.host.platform;
    if specs.is_empty() {
        return carry_out(Plan::new(releases(specs, platform, Mode::Relock, place)?, &place.store)?, place);
    }
    let (mut found, mut open) = (Vec::new(), Vec::new());
    for asked in place.asked(specs)? {
        match newest(&asked, platform, place)? {
            Some(install) => found.push(Installed { asked, install, work: None }),
            None => open.push(asked),
        }
    }
    if !open.is_empty() {
        found.extend(place.block_on(async { Ok(provision::provision(&open, platform, &place.site()).await?) })?);
    }
    Ok(found)
}

/// Finds the newest install that answers the request, as far as that shows without the upstream's documents.
fn newest(asked: &Asked, platform: Platform, place: &Workplace) -> Result<Option<Install>, Failure> {
    if matches!(asked.channel, Channel::Name(_)) {
        return Ok(None);
    }
    Ok(place.store.newest(asked.tool.name(), platform, &|version| asked.channel.admits(version))?)
}

fn by_last_good_copy(
    asked: &Asked,
    platform: Platform,
    place: &Workplace,
    global: &Global,
) -> Result<Install, Failure> {
    let not_installed = |version: String| {
        Failure::from(provision::Error::NotInstalled { tool: asked.tool.name().to_owned(), version, platform })
    };
    let any = place.store.newest(asked.tool.name(), platform, &|_| true)?.is_some();
    if !any || !matches!(asked.channel, Channel::Name(_)) {
        return Err(not_installed(asked.channel.to_string()));
    }
    let offline = place.offline(global)?;
    let resolved = place.block_on(async { Ok(provision::resolve(asked, &offline.site()).await?) })?;
    let version = resolved.version();
    place
        .store
        .newest(asked.tool.name(), platform, &|found| found == version)?
        .ok_or_else(|| not_installed(version.to_string()))
}

/// Resolves requests for one platform. An exact version that is installed already needs no upstream.
fn resolved(asked: &[Asked], platform: Platform, place: &Workplace) -> Result<Vec<(Asked, Release)>, Failure> {
    let (mut releases, mut open) = (Vec::new(), Vec::new());
    for asked in asked {
        let install = match asked.channel {
            Channel::Exact(_) => newest(asked, platform, place)?,
            _ => None,
        };
        match install {
            Some(install) => releases.push((asked.clone(), install.release())),
            None => open.push(asked),
        }
    }
    if open.is_empty() {
        return Ok(releases);
    }
    place.block_on(async {
        for asked in open {
            releases.push((asked.clone(), provision::release_for(asked, platform, &place.site()).await?));
        }
        Ok(releases)
    })
}

/// Writes the lock anew, keeping what still answers.
fn relock(asked: &[Asked], old: Option<&Lock>, place: &Workplace) -> Result<Lock, Failure> {
    let lock = place
        .block_on(async { Ok(provision::lock(asked, &place.platforms(), old, &|_| false, &place.site()).await?) })?;
    lock.write(&place.root)?;
    place.report.noted(&format!("wrote {}", place.root.join(crate::project::LOCK).display()));
    Ok(lock)
}
