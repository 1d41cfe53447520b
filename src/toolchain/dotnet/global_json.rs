//! The SDK that a `global.json` requests from an installer. Stricter than the host: what the host would ignore is an error
//! here, with its line, because an ignored pin would silently install the wrong SDK.
//!
//! (<https://learn.microsoft.com/dotnet/core/tools/global-json>)

use jsonc_parser::ast::Object;
use jsonc_parser::common::Ranged;

use super::grammar::is_runtime_style;
use super::roll_forward::RollForward;
use super::settings::{self, Fault, Settings, What};
use crate::model::{Channel, Minimum, Version, Within};
use crate::toolchain::{BadProjectFile, FileRequest};

const KEYS: [&str; 5] = ["version", "rollForward", "allowPrerelease", "paths", "errorMessage"];

/// Parses the file. Without an `sdk` part it requests nothing; an `sdk` part without a version requests `latest`.
///
/// # Errors
/// The line, what is wrong and what is expected, when the host could not use the file or would never find an SDK.
pub fn read(text: &str) -> Result<FileRequest, BadProjectFile> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let bad = |fault: Fault| BadProjectFile { line: settings::line_of(text, fault.at), reason: advice(&fault.what) };
    let root = settings::parse(text, true).map_err(bad)?;
    let mut warnings: Vec<String> = trailing_comma(text).into_iter().collect();
    let Some(sdk) = settings::sdk_of(&root).map_err(bad)? else {
        return Ok(FileRequest {
            channel: None,
            rule: "has no `sdk`: it requests no SDK".to_owned(),
            warnings,
            minimum: None,
        });
    };
    warnings.extend(odd_keys(text, sdk));
    let settings = match settings::read(sdk) {
        Ok(settings) => settings,
        Err(Fault { what: What::NeedsVersion(name), at }) => {
            let line = settings::line_of(text, at);
            warnings.push(format!(
                "line {line}: `rollForward` `{name}` needs a `version`; the host ignores it, and so does toolkit"
            ));
            Settings::default()
        }
        Err(fault) => return Err(bad(fault)),
    };
    warnings.extend(settings.warnings.iter().cloned());
    warnings.extend(elsewhere(&settings));
    match &settings.requirement.version {
        None => Ok(FileRequest {
            channel: Some(Channel::Name("latest")),
            rule: any_version(&settings),
            warnings,
            minimum: None,
        }),
        Some(version) => {
            let at = sdk.get("version").map_or(0, |property| property.value.range().start);
            let line = settings::line_of(text, at);
            let minimum = roll_forward(version, &settings).map_err(|reason| BadProjectFile { line, reason })?;
            let unset = if sdk.get("rollForward").is_some() { "" } else { ", the default" };
            let rule = format!("{minimum}{unset} (line {line})");
            Ok(FileRequest { channel: Some(Channel::Minimum(minimum)), rule, warnings, minimum: None })
        }
    }
}

fn roll_forward(version: &semver::Version, settings: &Settings) -> Result<Minimum, String> {
    let requirement = &settings.requirement;
    let version = Version::spelled(&version.to_string(), version.clone()).map_err(|cause| cause.to_string())?;
    let stays = requirement.roll_forward.within() <= Within::Band;
    if stays && is_runtime_style(&version) {
        return Err(advice(&What::Version(version.to_string())));
    }
    Ok(requirement.roll_forward.minimum(version, requirement.allow_prerelease))
}

fn any_version(settings: &Settings) -> String {
    let host = if settings.requirement.allow_prerelease {
        "any installed SDK, including prereleases"
    } else {
        "any installed stable SDK"
    };
    format!("global.json names no version: the host uses {host}; the latest stable SDK is installed")
}

/// Returns what is wrong and what is expected.
fn advice(what: &What) -> String {
    match what {
        What::Version(text) => {
            let mut parts = text.trim_start_matches(['v', 'V']).split(['.', '-']);
            let mut number = || parts.next().and_then(|part| part.parse::<u32>().ok());
            let (major, minor) = (number(), number().unwrap_or(0));
            let right = match major {
                Some(major) => format!(
                    "`{major}.{minor}.100` with `\"rollForward\": \"latestFeature\"` means any SDK of {major}.{minor}"
                ),
                None => "write `10.0.100`, for example".to_owned(),
            };
            format!(
                "`sdk.version` is `{text}`, which is not an SDK version; expected a full one, such as `8.0.401`: {right}"
            )
        }
        What::RollForward(text) => {
            let all: Vec<_> = RollForward::ALL.iter().map(|policy| policy.as_str()).collect();
            format!("`sdk.rollForward` is `{text}`; expected one of: {}", all.join(", "))
        }
        other => other.to_string(),
    }
}

/// Warns about a trailing comma, which is accepted here; the host's parser supports comments only.
fn trailing_comma(text: &str) -> Option<String> {
    let fault = settings::parse(text, false).err()?;
    let line = settings::line_of(text, fault.at);
    Some(format!("line {line}: the .NET host ignores a file with a trailing comma"))
}

/// Warns about keys that the host does not read as they were meant.
fn odd_keys(text: &str, sdk: &Object<'_>) -> Vec<String> {
    let mut warnings = Vec::new();
    let mut seen: Vec<&str> = Vec::new();
    for property in &sdk.properties {
        let (name, line) = (property.name.as_str(), settings::line_of(text, property.range().start));
        if seen.contains(&name) {
            warnings.push(format!("line {line}: duplicate `{name}`; the host uses the first"));
        }
        seen.push(name);
        let meant = KEYS.iter().find(|key| key.eq_ignore_ascii_case(name) && **key != name);
        warnings.extend(meant.map(|key| format!("line {line}: `{name}` is ignored; write `{key}`")));
    }
    warnings
}

/// Warns when the host will not search the root where SDKs are installed.
fn elsewhere(settings: &Settings) -> Option<String> {
    let paths = settings.paths.as_ref()?;
    if paths.iter().any(|path| path == "$host$") {
        return None;
    }
    let searched = if paths.is_empty() { "no folder".to_owned() } else { format!("only {}", paths.join(", ")) };
    Some(format!("`sdk.paths` makes the host search {searched}; add `$host$` so that it finds installed SDKs"))
}
