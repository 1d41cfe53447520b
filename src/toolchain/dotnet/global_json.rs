//! What a `global.json` asks an installer for. Stricter than the host: what the host would ignore is an error with its
//! line here, because an ignored pin installs the wrong SDK without a word.
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

/// Reads what the file asks for.
///
/// A file without an `sdk` part asks for nothing; an `sdk` part without a version asks for `latest`.
///
/// # Errors
/// The line, what is wrong and what would be right, when the host could not use the file or would never find an SDK.
pub fn read(text: &str) -> Result<FileRequest, BadProjectFile> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let bad = |fault: Fault| BadProjectFile { line: settings::line_of(text, fault.at), reason: advice(&fault.what) };
    let root = settings::parse(text, true).map_err(bad)?;
    let mut warnings: Vec<String> = trailing_comma(text).into_iter().collect();
    let Some(sdk) = settings::sdk_of(&root).map_err(bad)? else {
        return Ok(FileRequest {
            channel: None,
            rule: "global.json has no `sdk`: it asks for no SDK".to_owned(),
            warnings,
        });
    };
    warnings.extend(odd_keys(text, sdk));
    let settings = match settings::read(sdk) {
        Ok(settings) => settings,
        Err(Fault { what: What::NeedsVersion(name), at }) => {
            let line = settings::line_of(text, at);
            warnings.push(format!(
                "line {line}: `rollForward` `{name}` needs a `version`; the host ignores it, and so does this"
            ));
            Settings::default()
        }
        Err(fault) => return Err(bad(fault)),
    };
    warnings.extend(settings.warnings.iter().cloned());
    warnings.extend(elsewhere(&settings));
    match &settings.wanted.version {
        None => Ok(FileRequest { channel: Some(Channel::Name("latest")), rule: any_version(&settings), warnings }),
        Some(version) => {
            let at = sdk.get("version").map_or(0, |property| property.value.range().start);
            let line = settings::line_of(text, at);
            let minimum = roll_forward(version, &settings).map_err(|reason| BadProjectFile { line, reason })?;
            let unset = if sdk.get("rollForward").is_some() { "" } else { ", the default" };
            let rule = format!("{minimum}{unset} (line {line})");
            Ok(FileRequest { channel: Some(Channel::Minimum(minimum)), rule, warnings })
        }
    }
}

fn roll_forward(version: &semver::Version, settings: &Settings) -> Result<Minimum, String> {
    let wanted = &settings.wanted;
    let version = Version::spelled(&version.to_string(), version.clone()).map_err(|cause| cause.to_string())?;
    let stays = wanted.roll_forward.within() <= Within::Band;
    if stays && is_runtime_style(&version) {
        return Err(advice(&What::Version(version.to_string())));
    }
    Ok(wanted.roll_forward.from_version(version, wanted.allow_prerelease))
}

fn any_version(settings: &Settings) -> String {
    let host = if settings.wanted.allow_prerelease {
        "any installed SDK, prereleases included"
    } else {
        "any installed stable SDK"
    };
    format!("global.json names no version: the host takes {host}; to install, the latest stable SDK is chosen")
}

/// Says what is wrong and what would be right.
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
                None => "`10.0.100`, say".to_owned(),
            };
            format!(
                "`sdk.version` is `{text}`, which is no SDK version; it must be a full one, such as `8.0.401`: {right}"
            )
        }
        What::RollForward(text) => {
            let all: Vec<_> = RollForward::ALL.iter().map(|policy| policy.as_str()).collect();
            format!("`sdk.rollForward` is `{text}`; it can be {}", all.join(", "))
        }
        other => other.to_string(),
    }
}

/// Warns about a comma that this reader takes and the host does not: its parser knows comments only.
fn trailing_comma(text: &str) -> Option<String> {
    let fault = settings::parse(text, false).err()?;
    let line = settings::line_of(text, fault.at);
    Some(format!("line {line}: the .NET host does not read trailing commas, and ignores a file that has one"))
}

/// Warns about keys that the host does not see as the writer meant them.
fn odd_keys(text: &str, sdk: &Object<'_>) -> Vec<String> {
    let mut warnings = Vec::new();
    let mut seen: Vec<&str> = Vec::new();
    for property in &sdk.properties {
        let (name, line) = (property.name.as_str(), settings::line_of(text, property.range().start));
        if seen.contains(&name) {
            warnings.push(format!("line {line}: `{name}` stands there twice; the host takes the first"));
        }
        seen.push(name);
        let meant = KEYS.iter().find(|key| key.eq_ignore_ascii_case(name) && **key != name);
        warnings.extend(meant.map(|key| format!("line {line}: `{name}` is ignored; it is spelled `{key}`")));
    }
    warnings
}

/// Warns when the host will not look where SDKs are installed.
fn elsewhere(settings: &Settings) -> Option<String> {
    let paths = settings.paths.as_ref()?;
    if paths.iter().any(|path| path == "$host$") {
        return None;
    }
    Some(format!(
        "`sdk.paths` makes the host look only in {}; add `$host$` so that it finds what is installed",
        if paths.is_empty() { "no folder at all".to_owned() } else { paths.join(", ") }
    ))
}
