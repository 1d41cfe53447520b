//! Network settings of the command line, the environment and the project: mirror, order, timeouts, certificates.

use std::path::{Path, PathBuf};
#[cfg(feature = "aws")]
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::Global;
use super::render::Failure;
use crate::host::Host;
use crate::net::{self, Mirror, Order};
use crate::project::Manifest;

/// The names of [`Order::ALL`], for clap.
pub(super) const ORDERS: [&str; 2] = [Order::ALL[0].0, Order::ALL[1].0];

/// Finds the mirror, and the folder that it is named from: that of the command line goes before that of the environment,
/// which goes before the project's.
pub(super) fn mirror_text<'a>(
    host: &'a Host,
    global: &'a Global,
    manifest: Option<&'a Manifest>,
    root: &'a Path,
) -> Option<(&'a str, &'a Path)> {
    if global.no_mirror {
        return None;
    }
    let here = |text| (text, host.cwd.as_path());
    let typed = global.mirror.as_deref().or(host.var("TOOLKIT_MIRROR")).map(here);
    typed.or_else(|| Some((manifest?.mirror.as_deref()?, root)))
}

/// Reads where the mirror lies in S3; none where it lies elsewhere.
#[cfg(feature = "aws")]
pub(super) fn location(
    host: &Host,
    global: &Global,
    manifest: Option<&Manifest>,
) -> Result<Option<crate::aws::s3::Location>, Failure> {
    let text = mirror_text(host, global, manifest, &host.cwd).map(|(text, _)| text).filter(|text| is_store(text));
    let location: Option<crate::aws::s3::Location> = text.map(str::parse).transpose()?;
    // A project that somebody else wrote must not make its user pay.
    if location.as_ref().is_some_and(|location| location.requester_pays) && !is_typed(host, global) {
        return Err(Failure::usage_with_hint(
            format!("the project's mirror `{}` charges the reader (requester pays)", text.unwrap_or_default()),
            "remove `requester-pays` from toolkit.toml; to agree to the costs, name the mirror with --mirror or TOOLKIT_MIRROR",
        ));
    }
    Ok(location)
}

/// Returns true if the user wants the mirror to be read with the credentials that this machine has: it is named on the command
/// line or in the environment, or `TOOLKIT_S3_MIRRORS` allows projects to name it. A project alone does not decide whom a
/// signature is shown to, and which bucket a build reads from in its user's name.
#[cfg(feature = "aws")]
pub(super) fn may_be_read(host: &Host, global: &Global, location: &crate::aws::s3::Location) -> Result<bool, Failure> {
    if location.anonymous || is_typed(host, global) {
        return Ok(true);
    }
    let allowed = host.var("TOOLKIT_S3_MIRRORS").unwrap_or_default();
    for text in allowed.split([',', ' ']).filter(|text| !text.is_empty()) {
        let allowed: crate::aws::s3::Location = text
            .parse()
            .map_err(|_| unusable("TOOLKIT_S3_MIRRORS", text, "a list of s3://bucket or s3://bucket/prefix"))?;
        if allowed.contains(location) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Returns true if the command line or the environment names a mirror.
pub(super) fn is_typed(host: &Host, global: &Global) -> bool {
    mirror_text(host, global, None, &host.cwd).is_some()
}

/// Makes the mirror that lies in S3; none where it lies elsewhere.
#[cfg(feature = "aws")]
pub(super) fn store(
    host: &Host,
    global: &Global,
    manifest: Option<&Manifest>,
    session: &Arc<crate::aws::Session>,
) -> Result<Option<Mirror>, Failure> {
    use crate::aws::s3::{Bucket, withheld};

    Ok(match location(host, global, manifest)? {
        Some(location) if !may_be_read(host, global, &location)? => Some(withheld(&location)),
        Some(location) => Some(Bucket::new(Arc::clone(session), location)?.mirror()),
        None => None,
    })
}

/// Refuses a mirror in S3.
#[cfg(not(feature = "aws"))]
pub(super) fn store(host: &Host, global: &Global, manifest: Option<&Manifest>) -> Result<Option<Mirror>, Failure> {
    match mirror_text(host, global, manifest, &host.cwd) {
        Some((text, _)) if is_store(text) => {
            Err(crate::aws::Error::NotBuilt { what: "a mirror in S3".to_owned() }.into())
        }
        _ => Ok(None),
    }
}

/// Returns true if a mirror lies in S3.
fn is_store(text: &str) -> bool {
    text.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("s3://"))
}

/// Finds whether upstreams are asked where there is a mirror, by the same precedence.
fn order(host: &Host, global: &Global, manifest: Option<&Manifest>) -> Result<Order, Failure> {
    let named = |text: &str| Order::ALL.iter().find(|(name, _)| *name == text).map(|(_, order)| *order);
    if let Some(order) = global.mirror_order.as_deref().and_then(named) {
        return Ok(order);
    }
    match host.var("TOOLKIT_MIRROR_ORDER") {
        Some(text) => named(text).ok_or_else(|| unusable("TOOLKIT_MIRROR_ORDER", text, &ORDERS.join(" or "))),
        None => Ok(manifest.and_then(|manifest| manifest.order).unwrap_or_default()),
    }
}

/// Makes the network; a mirror in S3 comes to it later.
pub(super) fn settings(
    host: &Host,
    global: &Global,
    manifest: Option<&Manifest>,
    root: &Path,
    home: Option<&Path>,
) -> Result<net::Settings, Failure> {
    let mirror = mirror_text(host, global, manifest, root).filter(|(text, _)| !is_store(text));
    let mut settings = net::Settings {
        mirror: mirror.map(|(text, base)| Mirror::parse(text, base)).transpose()?,
        order: order(host, global, manifest)?,
        offline: global.offline,
        cache: home.map(|home| home.join("metadata")),
        bases: vec![("goproxy".to_owned(), go_proxies(host))],
        authorities: authorities(host),
        ..net::Settings::default()
    };
    for (name, limit) in [
        ("TOOLKIT_CONNECT_TIMEOUT", &mut settings.limits.connect),
        ("TOOLKIT_STALL_TIMEOUT", &mut settings.limits.stall),
        ("TOOLKIT_TOTAL_TIMEOUT", &mut settings.limits.total),
    ] {
        if let Some(text) = host.var(name) {
            *limit = seconds(name, text)?;
        }
    }
    // The same patience with a server that says hardly anything, and with one document as with a file.
    if host.var("TOOLKIT_STALL_TIMEOUT").is_some() {
        settings.limits.window = settings.limits.stall;
    }
    if host.var("TOOLKIT_TOTAL_TIMEOUT").is_some() {
        settings.limits.documents = settings.limits.total;
    }
    if let Some(text) = host.var("TOOLKIT_RETRIES") {
        let retries: u32 =
            text.parse().map_err(|_| unusable("TOOLKIT_RETRIES", text, "a number of attempts after the first"))?;
        settings.retry.attempts = retries.saturating_add(1);
    }
    Ok(settings)
}

/// Returns the certificates that are trusted in addition to the system's, by the variables of OpenSSL, curl and Go.
fn authorities(host: &Host) -> Vec<PathBuf> {
    let file = host.var("SSL_CERT_FILE").map(PathBuf::from);
    let folders = host.var("SSL_CERT_DIR").map(std::env::split_paths).into_iter().flatten();
    file.into_iter().chain(folders).map(|path| host.cwd.join(path)).collect()
}

/// Reads `GOPROXY`: URLs separated by `,` or `|`, of which `direct` and `off` name no server
/// (<https://go.dev/ref/mod#environment-variables>).
fn go_proxies(host: &Host) -> Vec<Url> {
    let list = host.var("GOPROXY").unwrap_or_default();
    list.split([',', '|']).filter_map(|entry| Url::parse(entry.trim().trim_end_matches('/')).ok()).collect()
}

pub(super) fn seconds(name: &str, text: &str) -> Result<Duration, Failure> {
    let seconds: Option<f64> = text.parse().ok().filter(|seconds| (0.001..=1e6).contains(seconds));
    seconds.map(Duration::from_secs_f64).ok_or_else(|| unusable(name, text, "a number of seconds"))
}

fn unusable(name: &str, text: &str, expected: &str) -> Failure {
    Failure::usage(format!("the environment variable {name} is `{text}`, which is not {expected}"))
}
