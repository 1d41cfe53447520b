//! Which releases a command needs: by its arguments, by the lock, or by asking the upstreams, in this order of cost.

use super::Global;
use super::render::Failure;
use super::settings::Settings;
use crate::model::{Channel, Platform, Release};
use crate::project::Lock;
use crate::provision::{self, Installed, Plan, ToolRequest};
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
    settings: &Settings,
) -> Result<Vec<(ToolRequest, Release)>, Failure> {
    if !specs.is_empty() {
        return resolved(&settings.asked(specs)?, platform, settings);
    }
    let asked = settings.project()?;
    let lock = settings.lock()?;
    if mode == Mode::Locked {
        let lock = lock.ok_or_else(|| provision::Error::NoLock { folder: settings.root.clone() })?;
        return Ok(provision::from_lock(&asked, platform, &lock, &settings.policy)?);
    }
    let platforms = settings.platforms();
    let covered = platforms.contains(&platform);
    if let Some(lock) = &lock
        && covered
        && provision::check(&asked, &platforms, lock, &settings.policy).0.is_empty()
    {
        return Ok(provision::from_lock(&asked, platform, lock, &settings.policy)?);
    }
    if settings.manifest.is_none() || mode == Mode::Look || !covered {
        return resolved(&asked, platform, settings);
    }
    let lock = relock(&asked, lock.as_ref(), settings)?;
    Ok(provision::from_lock(&asked, platform, &lock, &settings.policy)?)
}

/// Installs what is missing of a plan; nothing is started when nothing is.
pub(super) fn apply(plan: Plan, settings: &Settings) -> Result<Vec<Installed>, Failure> {
    if plan.missing.is_empty() {
        return Ok(plan.present);
    }
    settings.block_on(async { Ok(plan.apply(&settings.context()).await?) })
}

/// Finds the installs that the arguments, or without any the project, ask for; an error when one is not installed.
/// Makes no connection: a moving name is resolved by the last good copies of the upstream's documents.
pub(super) fn installed(
    specs: &[String],
    platform: Platform,
    settings: &Settings,
    global: &Global,
) -> Result<Vec<Installed>, Failure> {
    if let (true, Some(lock)) = (specs.is_empty(), settings.lock()?) {
        let releases = provision::from_lock(&settings.project()?, platform, &lock, &settings.policy)?;
        let plan = Plan::new(releases, &settings.store)?;
        if let Some(missing) = plan.missing.first() {
            let (tool, version) = (missing.release.tool.to_string(), missing.release.version.to_string());
            return Err(provision::Error::NotInstalled { tool, version, platform }.into());
        }
        return Ok(plan.present);
    }
    let mut found = Vec::new();
    for asked in settings.asked(specs)? {
        let install = match newest(&asked, platform, settings)? {
            Some(install) => install,
            None => by_last_good_copy(&asked, platform, settings, global)?,
        };
        found.push(Installed { asked, install, work: None });
    }
    Ok(found)
}

/// Finds what the arguments or the project ask for, installing what is missing. What is installed and answers is taken,
/// even if a newer release exists.
pub(super) fn installed_or_install(specs: &[String], settings: &Settings) -> Result<Vec<Installed>, Failure> {
    let platform = settings.host.platform;
    if specs.is_empty() {
        return apply(Plan::new(releases(specs, platform, Mode::Relock, settings)?, &settings.store)?, settings);
    }
    let (mut found, mut open) = (Vec::new(), Vec::new());
    for asked in settings.asked(specs)? {
        match newest(&asked, platform, settings)? {
            Some(install) => found.push(Installed { asked, install, work: None }),
            None => open.push(asked),
        }
    }
    if !open.is_empty() {
        found.extend(
            settings.block_on(async { Ok(provision::provision(&open, platform, &settings.context()).await?) })?,
        );
    }
    Ok(found)
}

/// Finds the newest install that answers the request, as far as that shows without the upstream's documents.
fn newest(asked: &ToolRequest, platform: Platform, settings: &Settings) -> Result<Option<Install>, Failure> {
    if matches!(asked.channel, Channel::Name(_)) {
        return Ok(None);
    }
    Ok(settings.store.newest(asked.tool.name(), platform, &|version| asked.channel.admits(version))?)
}

fn by_last_good_copy(
    asked: &ToolRequest,
    platform: Platform,
    settings: &Settings,
    global: &Global,
) -> Result<Install, Failure> {
    let not_installed = |version: String| {
        Failure::from(provision::Error::NotInstalled { tool: asked.tool.name().to_owned(), version, platform })
    };
    let any = settings.store.newest(asked.tool.name(), platform, &|_| true)?.is_some();
    if !any || !matches!(asked.channel, Channel::Name(_)) {
        return Err(not_installed(asked.channel.to_string()));
    }
    let offline = settings.offline(global)?;
    let resolved = settings.block_on(async { Ok(provision::resolve(asked, &offline.context()).await?) })?;
    let version = resolved.version();
    settings
        .store
        .newest(asked.tool.name(), platform, &|found| found == version)?
        .ok_or_else(|| not_installed(version.to_string()))
}

/// Resolves requests for one platform. An exact version that is installed already needs no upstream.
fn resolved(
    asked: &[ToolRequest],
    platform: Platform,
    settings: &Settings,
) -> Result<Vec<(ToolRequest, Release)>, Failure> {
    let (mut releases, mut open) = (Vec::new(), Vec::new());
    for asked in asked {
        let install = match asked.channel {
            Channel::Exact(_) => newest(asked, platform, settings)?,
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
    settings.block_on(async {
        for asked in open {
            releases.push((asked.clone(), provision::release_for(asked, platform, &settings.context()).await?));
        }
        Ok(releases)
    })
}

/// Writes the lock anew, keeping what still answers.
fn relock(asked: &[ToolRequest], old: Option<&Lock>, settings: &Settings) -> Result<Lock, Failure> {
    let lock = settings.block_on(async {
        Ok(provision::lock(asked, &settings.platforms(), old, &|_| false, &settings.context()).await?)
    })?;
    lock.write(&settings.root)?;
    settings.report.noted(&format!("wrote {}", settings.root.join(crate::project::LOCK).display()));
    Ok(lock)
}
