//! Requests in the spelling of other tools, and what they would be called here: `go:1.26`, `net8.0`, `latest:1.26`.
//! It proposes; it never decides that a request was meant otherwise than it was written.

use crate::toolchain::{self, Toolchain};

/// Returns the request that a text in another tool's spelling means: `go@1.26` for `go:1.26`, `go=1.26`, `go-1.26`; `dotnet@8.0`
/// for the target framework `net8.0`.
pub(super) fn request(text: &str) -> Option<String> {
    let text = text.trim();
    if let Some(line) = framework(text) {
        return Some(format!("dotnet@{line}"));
    }
    // Every place where a name can end, the longest name first: `dotnet-runtime-8.0` is not a version of `dotnet`.
    let ends = text.char_indices().rev().map(|(at, _)| at).filter(|at| *at > 0);
    ends.filter_map(|end| {
        let (name, rest) = text.split_at(end);
        let tool = toolchain::find(name.trim_end_matches(['-', '_']))?;
        let rest = rest.trim_start_matches([':', '=', ' ', '-', '_', '/', '@']);
        rest.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '<' | '>' | '^' | '~' | 'l' | 'v'))
            .then(|| Some(format!("{}@{}", tool.name(), channel(tool.as_ref(), rest)?)))?
    })
    .next()
}

/// Returns the request that two arguments mean, where they are a tool and its channel: `dotnet@8` for `dotnet 8`.
pub(super) fn pair(tool: &str, channel: &str) -> Option<String> {
    let tool = toolchain::find(tool)?;
    let named = channel.starts_with(|c: char| c.is_ascii_digit() || matches!(c, 'v' | '^' | '~' | '<' | '>'))
        || tool.card().spellings.iter().any(|(spelling, _)| *spelling == channel);
    named.then(|| Some(format!("{}@{}", tool.name(), self::channel(tool.as_ref(), channel)?)))?
}

/// Returns the channel of the tool called `tool` that a text means: `1.26` for asdf's `latest:1.26`, mise's `prefix:1.26`, `v1.26`.
pub(super) fn channel_of(tool: &str, text: &str) -> Option<String> {
    channel(toolchain::find(tool)?.as_ref(), text)
}

fn channel(tool: &dyn Toolchain, text: &str) -> Option<String> {
    let plain = text.trim();
    let plain = ["latest:", "prefix:", "ref:"].iter().find_map(|before| plain.strip_prefix(before)).unwrap_or(plain);
    let plain = plain.trim_start_matches('=').trim();
    // Ruby and Terraform write `~> 1.26`.
    let plain = plain.strip_prefix("~>").map_or(plain.to_owned(), |rest| format!("~{}", rest.trim()));
    let numbers = plain.strip_prefix('v').filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    let cut = numbers.unwrap_or(&plain).trim_end_matches(".*").trim_end_matches(".x");
    [plain.as_str(), cut].into_iter().find_map(|text| tool.channel(text).ok()).map(|channel| channel.to_string())
}

/// Reads a target framework of .NET (<https://learn.microsoft.com/dotnet/standard/frameworks>): `net8.0`, `net10.0-windows`,
/// `netcoreapp3.1`. Those of the .NET Framework (`net48`) and of libraries (`netstandard2.0`) name no SDK.
fn framework(text: &str) -> Option<&str> {
    let numbers = text.strip_prefix("netcoreapp").or_else(|| text.strip_prefix("net"))?;
    let numbers = numbers.split('-').next().unwrap_or_default();
    let (major, minor) = numbers.split_once('.')?;
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    (digits(major) && digits(minor)).then_some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spellings_of_others_lead_to_a_request() {
        for (text, expected) in [
            ("go:1.26", Some("go@1.26")),
            ("go=1.26", Some("go@1.26")),
            ("go==1.26.1", Some("go@1.26.1")),
            ("go>=1.26", Some("go@>=1.26")),
            ("go-1.26", Some("go@1.26")),
            ("go1.26", Some("go@1.26")),
            ("golang:latest", Some("go@latest")),
            ("go 1.26", Some("go@1.26")),
            ("dotnet-sdk-8.0", Some("dotnet@8.0")),
            ("dotnet-runtime-9.0", Some("dotnet-runtime@9.0")),
            ("aspnetcore-runtime-8.0", Some("aspnetcore-runtime@8.0")),
            ("dotnet8", Some("dotnet@8")),
            ("net8.0", Some("dotnet@8.0")),
            ("net10.0-windows10.0.19041.0", Some("dotnet@10.0")),
            ("netcoreapp3.1", Some("dotnet@3.1")),
            ("net48", None),
            ("netstandard2.0", None),
            ("gopher", None),
            ("rust-1.80", None),
            ("goo", None),
            ("go", None),
            ("1.26", None),
            ("é:1", None),
            ("", None),
        ] {
            assert_eq!(request(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_tool_and_a_channel_in_two_words_are_one_request() {
        for (tool, channel, expected) in [
            ("dotnet", "8", Some("dotnet@8")),
            ("dotnet", "lts", Some("dotnet@lts")),
            ("golang", "v1.26", Some("go@1.26")),
            ("go", "dotnet", None),
            ("go", "zig", None),
            ("rust", "1", None),
        ] {
            assert_eq!(pair(tool, channel).as_deref(), expected, "{tool} {channel}");
        }
    }

    #[test]
    fn the_channels_of_others_lead_to_one_of_ours() {
        for (tool, text, expected) in [
            ("go", "latest:1.26", Some("1.26")),
            ("go", "prefix:1.26", Some("1.26")),
            ("go", "v1.26.1", Some("1.26.1")),
            ("go", "~> 1.26", Some("~1.26")),
            ("dotnet", "8.*", Some("8")),
            ("dotnet", "latest:8", Some("8")),
            ("go", "tip", None),
            ("dotnet", "nightly", None),
            ("rust", "1", None),
        ] {
            assert_eq!(channel_of(tool, text).as_deref(), expected, "{tool} {text}");
        }
    }
}
