//! The `sdk` part of a `global.json`, by the rules of the .NET host for what is valid, with the position of what is not.
//!
//! It serves two readers: `host`, which ignores what the host ignores, and `global_json`, which refuses it with a line.

use std::fmt;

use jsonc_parser::ast::{Object, ObjectProp, Value};
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

use super::roll_forward::RollForward;

/// The `sdk` part of a `global.json`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// The version to look for.
    pub requirement: HostRequirement,
    /// The folders to search instead of the host's own (.NET 10 and later).
    pub paths: Option<Vec<String>>,
    /// What the host prints when it finds no SDK (.NET 10 and later).
    pub message: Option<String>,
    /// What the user should know although the host continues.
    pub warnings: Vec<String>,
}

/// The version that the host looks for, and how far it may move from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostRequirement {
    /// The requested version; none means any.
    pub version: Option<semver::Version>,
    /// How far the host may move from it.
    pub roll_forward: RollForward,
    /// Whether prereleases count.
    pub allow_prerelease: bool,
}

impl Default for HostRequirement {
    /// Returns what the host looks for without a usable `global.json`: the latest, including prereleases.
    fn default() -> Self {
        Self { version: None, roll_forward: RollForward::LatestMajor, allow_prerelease: true }
    }
}

/// A reason for which the host ignores the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    /// The position in bytes from the start.
    pub at: usize,
    pub what: What,
}

/// What is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    Json(String),
    Type { key: &'static str, expected: &'static str },
    Version(String),
    RollForward(String),
    NeedsVersion(String),
}

impl Settings {
    /// Parses the file as the host does.
    ///
    /// # Errors
    /// The reason for which the host ignores the file.
    pub fn of_host(bytes: &[u8]) -> Result<Self, String> {
        let text = String::from_utf8_lossy(bytes);
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        // The host's parser stops after the first value.
        let text = &text[..end_of_first_value(text)];
        let line = |fault: Fault| format!("line {}: {}", line_of(text, fault.at), fault.what);
        let root = parse(text, false).map_err(line)?;
        match sdk_of(&root).map_err(line)? {
            Some(sdk) => read(sdk).map_err(line),
            None => Ok(Self::default()),
        }
    }
}

/// Returns the line of a byte, counted from 1.
pub(super) fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

/// Parses JSON with comments, and with trailing commas if they are `tolerated`; otherwise strictly.
pub(super) fn parse(text: &str, tolerated: bool) -> Result<Object<'_>, Fault> {
    let options = ParseOptions {
        allow_comments: true,
        allow_trailing_commas: tolerated,
        allow_loose_object_property_names: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    };
    let broken = |at, what: &str| Fault { at, what: What::Json(what.to_owned()) };
    let parsed = parse_to_ast(text, &CollectOptions::default(), &options)
        .map_err(|cause| broken(cause.range().start, &cause.kind().to_string()))?;
    match parsed.value {
        Some(Value::Object(root)) => Ok(root),
        Some(other) => Err(broken(other.range().start, "the file must be one JSON object")),
        None => Err(broken(0, "the file is empty")),
    }
}

/// Returns the `sdk` part; none when it is missing or null.
pub(super) fn sdk_of<'o, 'a>(root: &'o Object<'a>) -> Result<Option<&'o Object<'a>>, Fault> {
    match member(root, "sdk") {
        None => Ok(None),
        Some(ObjectProp { value: Value::Object(sdk), .. }) => Ok(Some(sdk)),
        Some(other) => Err(mistyped(other, "sdk", "an object")),
    }
}

/// Parses a version as the host does: its numbers are C integers, and a greater one makes the text invalid.
///
/// Source: <https://github.com/dotnet/runtime/blob/main/src/native/corehost/fxr/fx_ver.cpp>
pub(super) fn host_version(text: &str) -> Option<semver::Version> {
    let fits = |number: u64| i32::try_from(number).is_ok();
    let version = semver::Version::parse(text).ok()?;
    [version.major, version.minor, version.patch].into_iter().all(fits).then_some(version)
}

/// Reads the `sdk` part in the host's order, which decides which fault is reported.
pub(super) fn read(sdk: &Object<'_>) -> Result<Settings, Fault> {
    let mut settings = Settings::default();
    if let Some((version, at)) = string(sdk, "version")? {
        let parsed = host_version(version);
        settings.requirement.version =
            Some(parsed.ok_or_else(|| Fault { at, what: What::Version(version.to_owned()) })?);
        settings.requirement.roll_forward = RollForward::Patch;
    }
    if let Some((name, at)) = string(sdk, "rollForward")? {
        let known = RollForward::ALL.into_iter().find(|policy| policy.as_str().eq_ignore_ascii_case(name));
        let policy = known.ok_or_else(|| Fault { at, what: What::RollForward(name.to_owned()) })?;
        if policy != RollForward::LatestMajor && settings.requirement.version.is_none() {
            return Err(Fault { at, what: What::NeedsVersion(name.to_owned()) });
        }
        settings.requirement.roll_forward = policy;
    }
    read_prerelease(sdk, &mut settings)?;
    read_paths(sdk, &mut settings)?;
    settings.message = string(sdk, "errorMessage")?.map(|(message, _)| message.to_owned());
    if let Some(version) = settings.requirement.version.as_ref().filter(|version| version.patch < 100) {
        let (major, minor) = (version.major, version.minor);
        settings.warnings.push(format!("`{version}` is not an SDK version: those start at {major}.{minor}.100"));
    }
    Ok(settings)
}

fn read_prerelease(sdk: &Object<'_>, settings: &mut Settings) -> Result<(), Fault> {
    let is_prerelease = settings.requirement.version.as_ref().is_some_and(|version| !version.pre.is_empty());
    match member(sdk, "allowPrerelease") {
        None => {}
        Some(ObjectProp { value: Value::BooleanLit(allow), .. }) => {
            settings.requirement.allow_prerelease = allow.value || is_prerelease;
            if !allow.value && is_prerelease {
                settings.warnings.push("`allowPrerelease` is ignored, because the version is a prerelease".to_owned());
            }
        }
        Some(other) => return Err(mistyped(other, "sdk.allowPrerelease", "true or false")),
    }
    Ok(())
}

fn read_paths(sdk: &Object<'_>, settings: &mut Settings) -> Result<(), Fault> {
    match member(sdk, "paths") {
        None => {}
        Some(ObjectProp { value: Value::Array(array), .. }) => {
            let mut paths = Vec::new();
            for (index, element) in array.elements.iter().enumerate() {
                match element {
                    Value::StringLit(path) => paths.push(path.value.to_string()),
                    _ => settings.warnings.push(format!("`paths[{index}]` is ignored: it is not a string")),
                }
            }
            settings.paths = Some(paths);
        }
        Some(other) => return Err(mistyped(other, "sdk.paths", "an array of strings")),
    }
    Ok(())
}

/// Returns the first member with a name, as the host does, unless it is null.
fn member<'o, 'a>(object: &'o Object<'a>, key: &str) -> Option<&'o ObjectProp<'a>> {
    object.get(key).filter(|property| !matches!(property.value, Value::NullKeyword(_)))
}

fn string<'o>(sdk: &'o Object<'_>, key: &'static str) -> Result<Option<(&'o str, usize)>, Fault> {
    match member(sdk, key) {
        None => Ok(None),
        Some(ObjectProp { value: Value::StringLit(text), .. }) => Ok(Some((&text.value, text.range.start))),
        Some(other) => Err(mistyped(other, named(key), "a string")),
    }
}

fn named(key: &'static str) -> &'static str {
    match key {
        "version" => "sdk.version",
        "rollForward" => "sdk.rollForward",
        _ => "sdk.errorMessage",
    }
}

fn mistyped(property: &ObjectProp<'_>, key: &'static str, expected: &'static str) -> Fault {
    Fault { at: property.value.range().start, what: What::Type { key, expected } }
}

/// Returns the end of the first value; the end of the text when the value is not closed.
fn end_of_first_value(text: &str) -> usize {
    let bytes = text.as_bytes();
    let (mut at, mut depth) = (0, 0_usize);
    while at < bytes.len() {
        let rest = &bytes[at..];
        match bytes[at] {
            b'"' => at += length_of_string(rest),
            b'/' if rest.starts_with(b"//") => at += rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len()),
            b'/' if rest.starts_with(b"/*") => {
                at += rest[2..].windows(2).position(|pair| pair == b"*/").map_or(rest.len(), |end| end + 4);
            }
            b'{' | b'[' => {
                depth += 1;
                at += 1;
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                at += 1;
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    text.len()
}

/// Returns the length of a string with its quotes, or of the rest if it is not closed.
fn length_of_string(rest: &[u8]) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(reason) => write!(f, "it is not valid JSON: {reason}"),
            Self::Type { key, expected } => write!(f, "`{key}` must be {expected}"),
            Self::Version(text) => write!(f, "`sdk.version` is `{text}`, which is not a version"),
            Self::RollForward(text) => write!(f, "`sdk.rollForward` is `{text}`, which is not one of its values"),
            Self::NeedsVersion(text) => write!(f, "`rollForward` `{text}` needs a `version`"),
        }
    }
}
