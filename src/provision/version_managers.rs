//! Files of version managers, which name versions of many tools: asdf's `.tool-versions` and mise's `mise.toml`. Nothing in
//! them is executed or looked up, and a line for a tool that is not known here stops no other.

use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::model::Channel;
use crate::project::line_of;
use crate::toolchain::{self, BadProjectFile, Toolchain};

/// A version manager, by the syntax of its files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manager {
    /// asdf (<https://asdf-vm.com/manage/configuration.html>), whose file mise reads, too.
    Asdf,
    /// mise (<https://mise.jdx.dev/configuration.html>).
    Mise,
}

/// The names of the files, in mise's order of precedence within a folder.
pub(super) const FILES: [(&str, Manager); 6] = [
    ("mise.toml", Manager::Mise),
    (".mise.toml", Manager::Mise),
    ("mise/config.toml", Manager::Mise),
    (".config/mise.toml", Manager::Mise),
    (".config/mise/config.toml", Manager::Mise),
    (".tool-versions", Manager::Asdf),
];

/// The files that name versions of any tool, as people know them.
pub const SHARED_FILES: [&str; 2] = [".tool-versions", "mise.toml"];

/// Returns whose file this is, by its name.
pub(super) fn manager_of(path: &Path) -> Option<Manager> {
    FILES.iter().find(|(name, _)| path.ends_with(name)).map(|(_, manager)| *manager)
}

/// What a file says about one tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// Its number, from 1.
    pub(super) number: usize,
    /// The tool, as written.
    pub(super) name: String,
    /// Its versions, the preferred one first.
    pub(super) versions: Vec<String>,
}

impl Line {
    /// Finds the tool. mise names its own backend in front: `core:go`.
    pub(super) fn tool(&self) -> Option<std::sync::Arc<dyn Toolchain>> {
        toolchain::find(self.name.strip_prefix("core:").unwrap_or(&self.name))
    }

    /// Returns the line as it is quoted: `golang 1.22.5`.
    pub(super) fn text(&self) -> String {
        format!("{} {}", self.name, self.versions.join(" "))
    }
}

/// Lists what a file says, tool by tool.
///
/// # Errors
/// When the file as a whole cannot be parsed, with the line.
pub(super) fn read(manager: Manager, text: &str) -> Result<Vec<Line>, BadProjectFile> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match manager {
        Manager::Asdf => Ok(asdf(text)),
        Manager::Mise => mise(text),
    }
}

fn asdf(text: &str) -> Vec<Line> {
    let of_line = |(number, line): (usize, &str)| {
        let mut words = line.split('#').next().unwrap_or_default().split_whitespace().map(str::to_owned);
        Some(Line { number, name: words.next()?, versions: words.collect() })
    };
    (1..).zip(text.lines()).filter_map(of_line).collect()
}

/// Reads `[tools]`: `go = "1.22"`, `go = ["1.22", "1.21"]`, `go = { version = "1.22" }`.
fn mise(text: &str) -> Result<Vec<Line>, BadProjectFile> {
    let root = DeTable::parse(text).map_err(|cause| BadProjectFile {
        line: line_of(text, cause.span().map_or(0, |span| span.start)),
        reason: cause.message().to_owned(),
    })?;
    let Some(tools) = root.get_ref().get("tools").and_then(|tools| tools.get_ref().as_table()) else {
        return Ok(Vec::new());
    };
    let mut lines: Vec<Line> = tools
        .iter()
        .map(|(key, value)| Line {
            number: line_of(text, key.span().start),
            name: key.get_ref().to_string(),
            versions: versions(value),
        })
        .collect();
    lines.sort_by_key(|line| line.number);
    Ok(lines)
}

fn versions(value: &Spanned<DeValue<'_>>) -> Vec<String> {
    match value.get_ref() {
        DeValue::String(text) => vec![text.to_string()],
        DeValue::Array(list) => list.iter().flat_map(versions).collect(),
        DeValue::Table(table) => table.get("version").map(versions).unwrap_or_default(),
        _ => Vec::new(),
    }
}

/// What a line requests of its tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Interpretation {
    /// These versions, the preferred one first, and what the user should know about the others.
    Channels(Vec<Channel>, Vec<String>),
    /// Whatever the machine has.
    System,
}

/// Returns what a line requests. Of a tool whose versions cannot stand side by side only the first counts; the others are
/// fallbacks.
///
/// # Errors
/// When the line has no version, or one that is not a release of the tool.
pub(super) fn meaning(tool: &dyn Toolchain, line: &Line) -> Result<Interpretation, BadProjectFile> {
    let bad = |text: &str, reason: &str| BadProjectFile { line: line.number, reason: format!("`{text}`: {reason}") };
    let Some(first) = line.versions.first() else {
        return Err(bad(&line.name, &format!("the version is missing, as in `{} {}`", line.name, example(tool))));
    };
    if first == "system" {
        return Ok(Interpretation::System);
    }
    let several = tool.card().layout.shared().is_some();
    let (mut channels, mut notes) = (Vec::new(), Vec::new());
    for (at, version) in line.versions.iter().enumerate() {
        if at > 0 && (!several || version == "system") {
            notes.push(format!("the fallback {version} in line {} is ignored; {first} counts", line.number));
            continue;
        }
        let channel = channel(tool, version).map_err(|reason| bad(version, &reason))?;
        if !channels.contains(&channel) {
            channels.push(channel);
        }
    }
    Ok(Interpretation::Channels(channels, notes))
}

fn channel(tool: &dyn Toolchain, version: &str) -> Result<Channel, String> {
    let only_releases = format!("only releases are installed, as in `{}`", example(tool));
    match version.split_once(':') {
        Some(("latest" | "prefix", line)) => tool.channel(line).map_err(|bad| bad.reason),
        Some(("ref" | "tag" | "branch" | "rev", _)) => Err(format!("a commit would have to be built; {only_releases}")),
        Some(("path", _)) => Err(format!("a path means what was installed by other means; {only_releases}")),
        Some(_) => Err(only_releases),
        None => tool.channel(version).map_err(|bad| bad.reason),
    }
}

/// Returns a version that the tool understands, for messages.
fn example(tool: &dyn Toolchain) -> &str {
    tool.card()
        .spellings
        .iter()
        .map(|(spelling, _)| *spelling)
        .find(|text| text.matches('.').count() == 2)
        .unwrap_or("1.2.3")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requested(name: &str, text: &str, tool: &str) -> Result<(String, usize), String> {
        let lines = read(manager_of(Path::new(name)).unwrap(), text).map_err(|bad| bad.to_string())?;
        let line = lines.iter().find(|line| line.tool().is_some_and(|found| found.name() == tool)).ok_or("no line")?;
        match meaning(line.tool().unwrap().as_ref(), line).map_err(|bad| bad.to_string())? {
            Interpretation::System => Ok(("system".to_owned(), 0)),
            Interpretation::Channels(channels, notes) => {
                let channels: Vec<String> = channels.iter().map(ToString::to_string).collect();
                Ok((channels.join(" "), notes.len()))
            }
        }
    }

    #[test]
    fn tool_versions_names_many_tools() {
        for (text, tool, expected, notes) in [
            ("golang 1.22.5\n", "go", "1.22.5", 0),
            ("nodejs 20.1.0\ngo\t1.22 # x\n", "go", "1.22", 0),
            ("\u{feff}golang 1.22.5 1.21.0\r\n", "go", "1.22.5", 1),
            ("golang latest", "go", "latest", 0),
            ("golang latest:1.22", "go", "1.22", 0),
            ("#golang 1.19\ngolang 1.22.5\n", "go", "1.22.5", 0),
            ("golangci-lint 1.50\ngolang go1.22.5\n", "go", "1.22.5", 0),
            ("golang system\n", "go", "system", 0),
            ("dotnet 8.0.415\n", "dotnet", "8.0.415", 0),
            ("dotnet-core 8.0.415 9.0.100 system", "dotnet", "8.0.415 9.0.100", 1),
            ("dotnet-sdk 8.0.415 8.0.415", "dotnet", "8.0.415", 0),
            ("golang nonsense\ndotnet 10\n", "dotnet", "10", 0),
        ] {
            assert_eq!(requested(".tool-versions", text, tool), Ok((expected.to_owned(), notes)), "{text:?}");
        }
        for text in ["", "nodejs 20\n", "golangci-lint 1.50", "# golang 1.22"] {
            assert_eq!(requested(".tool-versions", text, "go"), Err("no line".to_owned()), "{text:?}");
        }
    }

    #[test]
    fn mise_toml_has_strings_lists_and_tables() {
        for (text, tool, expected) in [
            ("[tools]\ngo = \"1.26\"\n", "go", "1.26"),
            ("min_version = \"1\"\n[env]\nX = 1\n[tools]\n\"core:go\" = \"1.26.1\"\nnode = \"22\"", "go", "1.26.1"),
            ("[tools]\ndotnet = [\"10\", \"8\"]", "dotnet", "10 8"),
            ("[tools]\ndotnet = [{ version = \"10\" }, \"9.0\"]", "dotnet", "10 9.0"),
            ("[tools.go]\nversion = \"prefix:1.26\"\nos = [\"linux\"]", "go", "1.26"),
            ("tools.go = \"latest\"", "go", "latest"),
        ] {
            for name in ["mise.toml", "x/.config/mise/config.toml"] {
                assert_eq!(requested(name, text, tool), Ok((expected.to_owned(), 0)), "{text:?}");
            }
        }
        assert_eq!(requested("mise.toml", "[env]\n", "go"), Err("no line".to_owned()));
        assert!(requested("mise.toml", "[tools\n", "go").unwrap_err().starts_with("line 1: "));
    }

    #[test]
    fn what_is_not_a_release_is_refused_with_its_line() {
        for (name, text, tool, line, hint) in [
            (".tool-versions", "x 1\ngolang ref:master", "go", 2, "have to be built"),
            (".tool-versions", "golang path:/opt/go", "go", 1, "by other means"),
            (".tool-versions", "\ngolang", "go", 2, "missing"),
            (".tool-versions", "golang v1.22", "go", 1, "without the `v`"),
            (".tool-versions", "dotnet 8.0.0", "dotnet", 1, "runtime version"),
            ("mise.toml", "[tools]\n\ngo = \"sub-1:latest\"", "go", 3, "only releases"),
            ("mise.toml", "[tools]\ngo = 1.26", "go", 2, "missing"),
        ] {
            let refusal = requested(name, text, tool).unwrap_err();
            assert!(refusal.starts_with(&format!("line {line}: ")) && refusal.contains(hint), "{text:?}: {refusal}");
        }
    }
}
