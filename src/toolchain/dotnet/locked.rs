//! What a lock says about an archive of .NET.

use super::{Component, documents, extension, rid};
use crate::model::{Algorithm, Format, Level, Platform, Release, Version};
use crate::net::shown;
use crate::toolchain::shared::locked::{self, Expected};

/// Compares a release in a lock with what is written there.
pub(super) fn check(component: Component, tool: &str, release: &Release) -> Result<(), String> {
    let artifact = locked::only_file(release)?;
    let expected = expected(component, tool, &release.version, release.platform)?;
    if !documents::is_elsewhere(&artifact.url, &release.version) {
        return expected.check(artifact);
    }
    // The path has no meaning; the name of the file has.
    let (name, prefix) = (artifact.file_name(), component.archive());
    let end = format!("-{}.{}", rid(release.platform).unwrap_or_default(), extension(release.platform));
    if !name.starts_with(prefix) || !name.ends_with(&end) {
        return Err(format!("its URL is `{}`, expected a file `{prefix}-…{end}`", shown(&artifact.url)));
    }
    expected.check_packing(artifact)
}

/// Returns what a lock says: every archive since 2016 has this path, but for some early ones.
fn expected(
    component: Component,
    tool: &str,
    version: &Version,
    platform: Platform,
) -> Result<Expected<'static>, String> {
    let rid = rid(platform).ok_or_else(|| format!("{tool} is not published for {platform}"))?;
    let (extension, archive, folder) = (extension(platform), component.archive(), folder(component));
    let url = format!("https://{}/dotnet/{folder}/{version}/{archive}-{version}-{rid}.{extension}", documents::HOST);
    Ok(Expected {
        url: url.parse().map_err(|cause| format!("`{url}` is not a URL: {cause}"))?,
        algorithm: Some(Algorithm::Sha512),
        proofs: &[(Level::Checksum, documents::HOST)],
        format: Format::from_name(&url),
        strip: 0,
    })
}

/// Returns the folder of a component's archives on the server.
fn folder(component: Component) -> &'static str {
    match component {
        Component::Sdk => "Sdk",
        Component::Runtime => "Runtime",
        Component::AspNetCore => "aspnetcore/Runtime",
    }
}
