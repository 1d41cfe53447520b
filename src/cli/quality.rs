//! `--quality`, as dotnet-install.sh has it: previews of a line, or only stable releases.

use super::render::Failure;
use crate::model::Channel;
use crate::toolchain::{self, dotnet};

/// Which builds of .NET are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quality {
    /// Stable releases.
    Ga,
    /// Previews and release candidates as well.
    Preview,
}

/// Parses a quality. Those whose builds nobody can verify are refused, and never taken for another one.
pub(super) fn parse(text: &str) -> Result<Quality, String> {
    match text.to_ascii_lowercase().as_str() {
        "ga" => Ok(Quality::Ga),
        "preview" => Ok(Quality::Preview),
        "daily" | "signed" | "validated" => {
            Err("such builds have no published checksum; expected ga or preview".to_owned())
        }
        _ => Err("expected one of: ga, preview".to_owned()),
    }
}

/// Returns the requests with the quality in them.
pub(super) fn apply(quality: Option<Quality>, specs: Vec<String>) -> Result<Vec<String>, Failure> {
    match quality {
        None => Ok(specs),
        Some(quality) => specs.into_iter().map(|spec| one(quality, spec)).collect(),
    }
}

fn one(quality: Quality, spec: String) -> Result<String, Failure> {
    let (name, channel) = spec.split_once('@').map_or((spec.as_str(), None), |(name, text)| (name, Some(text)));
    let Some(tool) = toolchain::find(name) else { return Ok(spec) }; // refused as a request, with what is near
    if tool.card().layout.shared().is_none_or(|root| root.name != dotnet::ROOT.name) {
        return Err(Failure::usage_with_hint(
            format!("--quality does not go with `{spec}`: only .NET has qualities"),
            "nothing was changed; request its prereleases by their versions",
        ));
    }
    let refused =
        |why: &str| Failure::usage_with_hint(format!("`{spec}` {why}"), "nothing was changed; leave --quality out");
    let Ok(channel) = tool.channel(channel.unwrap_or(tool.card().default_channel)) else { return Ok(spec) };
    match (quality, &channel) {
        (Quality::Preview, Channel::Name(_)) => Ok(format!("{name}@preview")),
        (Quality::Preview, Channel::Line(line) | Channel::Preview(line)) => Ok(format!("{name}@{line}-preview")),
        (Quality::Preview, _) => Err(refused("says itself which versions it means")),
        (Quality::Ga, Channel::Name("preview") | Channel::Preview(_)) => Err(refused("asks for previews")),
        (Quality::Ga, Channel::Exact(version)) if version.is_prerelease() => Err(refused("is a prerelease")),
        (Quality::Ga, _) => Ok(spec),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quality_becomes_a_part_of_the_request() {
        for (quality, spec, expected) in [
            ("preview", "dotnet@11.0", Some("dotnet@11.0-preview")),
            ("Preview", "dotnet@lts", Some("dotnet@preview")),
            ("preview", "aspnetcore-runtime", Some("aspnetcore-runtime@preview")),
            ("preview", "dotnet@11.0.100", None),
            ("preview", "go@1.27", None),
            ("ga", "dotnet@11.0", Some("dotnet@11.0")),
            ("ga", "dotnet@11.0-preview", None),
            ("GA", "dotnet@11.0.100-rc.1.2", None),
            ("ga", "dotnett@11.0", Some("dotnett@11.0")),
        ] {
            let found = apply(Some(parse(quality).unwrap()), vec![spec.to_owned()]);
            assert_eq!(found.ok().map(|specs| specs[0].clone()).as_deref(), expected, "{quality} {spec}");
        }
        for text in ["daily", "signed", "validated", "stable", ""] {
            assert!(parse(text).unwrap_err().contains("preview"), "{text}");
        }
    }
}
