//! Platforms that upstreams publish for: which there are, and the error for one that a release lacks.

use super::error::Error;
use crate::model::{Arch, Libc, Os, Platform, Version};

/// Lists every operating system, with both C libraries of Linux, on each of `arches`.
pub(in crate::toolchain) fn every(arches: &'static [Arch]) -> impl Iterator<Item = Platform> {
    let systems = [(Os::Linux, None), (Os::Linux, Some(Libc::Musl)), (Os::Darwin, None), (Os::Windows, None)];
    systems.into_iter().flat_map(move |(os, libc)| arches.iter().map(move |arch| Platform { os, arch: *arch, libc }))
}

/// Returns the names of platforms, sorted, each once.
pub(in crate::toolchain) fn names(platforms: impl Iterator<Item: ToString>) -> Vec<String> {
    let mut names: Vec<String> = platforms.map(|platform| platform.to_string()).collect();
    names.sort();
    names.dedup();
    names
}

/// Returns the error for a release without a file for `platform`; `published` names the platforms that have one.
pub(in crate::toolchain) fn not_published(
    tool: &str,
    version: &Version,
    platform: Platform,
    published: &[String],
) -> Error {
    let published = match published {
        [] => "no platform as an archive".to_owned(),
        [only] => only.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    };
    Error::NoSuchPlatform { tool: tool.to_owned(), version: version.to_string(), platform, published }
}
