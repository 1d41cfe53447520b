//! The channels of .NET: `lts`, `8`, `8.0.1xx`, `8.0.101`, `^8.0`; and for everything else, what is expected instead.

use super::Component;
use crate::model::{BadChannel, Channel, Line, Range, Version};

/// Parses a channel; case and surrounding white space do not matter.
///
/// # Errors
/// When the text is not a channel; the reason names one that is.
pub(super) fn channel(component: Component, text: &str) -> Result<Channel, BadChannel> {
    let spelling = text.trim().to_ascii_lowercase();
    read(component, &spelling).map_err(|reason| BadChannel {
        tool: component.name().to_owned(),
        text: text.to_owned(),
        reason,
    })
}

fn read(component: Component, text: &str) -> Result<Channel, String> {
    if let Some(known) = word(text)? {
        return Ok(known);
    }
    let bare = text.strip_prefix('v').filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    if let Some(rest) = bare {
        return Err(format!("versions of .NET have no `v`; did you mean `{rest}`?"));
    }
    if let Some(line) = line(component, text)? {
        return Ok(Channel::Line(line));
    }
    if let Some(of) = text.strip_suffix("-preview")
        && let Some(line) = line(component, of)?
    {
        return Ok(Channel::Preview(line));
    }
    if let Ok(version) = Version::parse(text) {
        return exact(component, version);
    }
    range(component, text)
}

fn word(text: &str) -> Result<Option<Channel>, String> {
    match text {
        "lts" => Ok(Some(Channel::Name("lts"))),
        "sts" => Ok(Some(Channel::Name("sts"))),
        "latest" => Ok(Some(Channel::Name("latest"))),
        "preview" => Ok(Some(Channel::Name("preview"))),
        "current" => Err("`current` is the old name of `sts`; use `sts` or `latest`".to_owned()),
        "" => Err("it is empty; expected `lts`, `latest`, `8.0` or a full version".to_owned()),
        "ga" | "stable" => Err("use `latest`, the newest stable release, or `lts`".to_owned()),
        "daily" | "nightly" => Err("daily builds have no published checksum; use `preview`".to_owned()),
        _ => Ok(None),
    }
}

/// Parses `8`, `8.x`, `8.0`, `8.0.x`, `8.0.1xx`.
fn line(component: Component, text: &str) -> Result<Option<Line>, String> {
    let parts: Vec<&str> = text.split('.').collect();
    let is_any = |part: &&str| matches!(*part, "x" | "*");
    let Some(major) = number(parts[0]) else { return Ok(None) };
    let whole = |minor, band| Ok(Some(Line { major, minor, band }));
    match (parts.get(1), parts.get(2)) {
        (None, _) => whole(None, None),
        (Some(any), None) if is_any(any) => whole(None, None),
        (Some(any), Some(rest)) if is_any(any) && is_any(rest) && parts.len() == 3 => whole(None, None),
        (Some(minor), None) if number(minor).is_some() => whole(number(minor), None),
        (Some(minor), Some(rest)) if number(minor).is_some() && parts.len() == 3 => {
            if is_any(rest) {
                return whole(number(minor), None);
            }
            let Some(band) = rest.strip_suffix("xx").and_then(number) else { return Ok(None) };
            if component != Component::Sdk {
                return Err(format!("runtimes have no feature bands; use `{major}.{minor}`"));
            }
            if band == 0 || band > 9 {
                return Err(format!("feature bands are 1 to 9, as in `{major}.{minor}.1xx`"));
            }
            whole(number(minor), Some(band))
        }
        _ => Ok(None),
    }
}

fn number(text: &str) -> Option<u64> {
    let plain = !text.is_empty() && text.len() <= 4 && text.bytes().all(|b| b.is_ascii_digit());
    (plain && (text == "0" || !text.starts_with('0'))).then(|| text.parse().ok()).flatten()
}

fn exact(component: Component, version: Version) -> Result<Channel, String> {
    let numbers = version.semver();
    if !numbers.build.is_empty() {
        return Err("versions of .NET have no `+` part".to_owned());
    }
    if component == Component::Sdk && is_runtime_style(&version) {
        let (major, minor) = (numbers.major, numbers.minor);
        return Err(format!(
            "it is a runtime version: SDK versions of {major}.{minor} start at {major}.{minor}.100. \
             Use `{major}.{minor}.100`, `{major}.{minor}` (the newest), or `dotnet-runtime@{version}`"
        ));
    }
    if component != Component::Sdk && numbers.major >= 3 && numbers.patch >= 100 {
        let (major, minor) = (numbers.major, numbers.minor);
        return Err(format!("it is an SDK version; use `{major}.{minor}`, or `dotnet@{version}`"));
    }
    Ok(Channel::Exact(version))
}

/// Returns true if an SDK cannot have the version: since 2.1.300 the third number is band and patch, and starts at 100.
pub(super) fn is_runtime_style(version: &Version) -> bool {
    let numbers = version.semver();
    numbers.patch < 100 && (numbers.major, numbers.minor) >= (2, 2)
}

fn range(component: Component, text: &str) -> Result<Channel, String> {
    let reason = match Range::parse(text) {
        Ok(range) => return Ok(Channel::Range(range)),
        Err(reason) => reason,
    };
    let (head, tail) = text.split_once('-').unwrap_or((text, ""));
    if let Ok(Some(line)) = line(component, head)
        && !tail.is_empty()
    {
        let shown =
            if component == Component::Sdk { "11.0.100-preview.6.26359.118" } else { "11.0.0-preview.6.26359.118" };
        return Err(format!(
            "a prerelease is requested by its full version, such as `{shown}`, or as the newest by `{line}-preview`; the line is `{line}`"
        ));
    }
    let example = if component == Component::Sdk { "`8.0.1xx`, `8.0.101`" } else { "`8.0.29`" };
    Err(format!("{reason}; expected `lts`, `8.0`, {example} or `^8.0`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_has_one_canonical_text() {
        for (text, canonical) in [
            ("LTS", "lts"),
            (" Sts ", "sts"),
            ("latest", "latest"),
            ("PREVIEW", "preview"),
            ("8", "8"),
            ("8.x", "8"),
            ("8.x.x", "8"),
            ("8.0", "8.0"),
            ("8.0.x", "8.0"),
            ("8.0.X", "8.0"),
            ("8.0.*", "8.0"),
            ("8.0.1xx", "8.0.1xx"),
            ("8.0.4XX", "8.0.4xx"),
            ("8.0.101", "8.0.101"),
            ("2.1.4", "2.1.4"),
            ("10.0.100-RC.2.25502.107", "10.0.100-rc.2.25502.107"),
            ("^8.0", "^8.0"),
            (">=8 <10", ">=8 <10"),
            ("8  ||  9", "8 || 9"),
            ("~8.0.100", "~8.0.100"),
            ("*", "*"),
            ("11.0-Preview", "11.0-preview"),
            ("11-preview", "11-preview"),
            ("11.0.1xx-preview", "11.0.1xx-preview"),
        ] {
            assert_eq!(channel(Component::Sdk, text).unwrap().to_string(), canonical, "{text}");
        }
        assert_eq!(channel(Component::Runtime, "8.0.29").unwrap().to_string(), "8.0.29");
    }

    #[test]
    fn a_text_that_is_not_a_channel_is_refused_with_what_is_expected() {
        for (component, text, right) in [
            (Component::Sdk, "v8.0.401", "did you mean `8.0.401`?"),
            (Component::Sdk, "V8", "did you mean `8`?"),
            (Component::Sdk, "current", "`sts`"),
            (Component::Sdk, "8.0.0", "`8.0.100`"),
            (Component::Sdk, "8.0.0", "`dotnet-runtime@8.0.0`"),
            (Component::Sdk, "10.0-previews", "`10.0-preview`"),
            (Component::Sdk, "10-rc", "`10-preview`"),
            (Component::Sdk, "10.0-daily", "`10.0-preview`"),
            (Component::Runtime, "8.0.1xx-preview", "no feature bands"),
            (Component::Sdk, "8.0.0xx", "1 to 9"),
            (Component::Sdk, "", "`lts`"),
            (Component::Sdk, "daily", "`preview`"),
            (Component::Sdk, "net8.0", "`8.0`"),
            (Component::Sdk, "8..0", "`8.0`"),
            (Component::Sdk, "../8.0.100", "`8.0`"),
            (Component::Sdk, "8.0.100+build", "no `+` part"),
            (Component::Runtime, "8.0.1xx", "no feature bands"),
            (Component::Runtime, "8.0.101", "`dotnet@8.0.101`"),
        ] {
            let error = channel(component, text).unwrap_err();
            assert!(error.to_string().contains(right), "{error}");
        }
    }
}
