//! `go.mod` and `go.work`: the `go` line is the minimum version, the `toolchain` line a suggestion that counts if it is newer
//! (<https://go.dev/doc/toolchain#config>). Everything else in the files is ignored.
//!
//! `go 1.22` is a language version: any 1.22 release satisfies it, so the newest patch is chosen, and the lock pins it.
//! `go 1.22.5` is a minimum too, but is used exactly: it is what the go command itself would download, and the meaning of a
//! committed file should not change from one day to the next.

use super::version::{self, GoVersion};
use crate::model::Channel;
use crate::toolchain::{BadProjectFile, FileRequest, Look, Proposal, UsualPipeline, Workspace};

/// Parses a `go.mod`.
///
/// # Errors
/// When Go would not accept a `go` or `toolchain` line: its number, and what is expected.
pub(super) fn read_go_mod(text: &str) -> Result<FileRequest, BadProjectFile> {
    read(text, "has no `go` line; Go then assumes language version 1.16, which requests no release")
}

/// Parses a `go.work`, which takes precedence over the modules below it; see [`prevailing`].
///
/// # Errors
/// As for `go.mod`.
pub(super) fn read_go_work(text: &str) -> Result<FileRequest, BadProjectFile> {
    read(text, "has no `go` line; Go then assumes language version 1.18, which requests no release")
}

/// Returns the one of two project files of Go that takes precedence: a `go.work` in the folder of the `go.mod` or above it
/// replaces the versions of the `go.mod` (<https://go.dev/doc/toolchain#config>), and both precede the files of version
/// managers.
#[must_use]
pub fn prevailing<'a>(one: &'a str, other: &'a str) -> &'a str {
    let rank = |name: &str| super::PROJECT_FILES.iter().position(|file| file.name == name).unwrap_or(usize::MAX);
    if rank(other) < rank(one) { other } else { one }
}

/// The modules of a workspace, each with a minimum of its own.
pub(super) const WORKSPACE: Workspace = Workspace { members, read: read_go_mod, combine };

/// Lists the `go.mod` of each module that a `go.work` uses.
fn members(text: &str) -> Vec<String> {
    let (mut files, mut inside) = (Vec::new(), false);
    for content in text.split('\n') {
        let Ok(words) = words(content) else { continue };
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let folder = match words[..] {
            ["use", "("] => {
                inside = true;
                continue;
            }
            [")", ..] => {
                inside = false;
                continue;
            }
            ["use", folder] => folder,
            [folder] if inside => folder,
            _ => continue,
        };
        files.push(format!("{}/go.mod", folder.trim_end_matches('/').trim_start_matches("./")));
    }
    files
}

/// Names the modules of a workspace without a module at its top, where `./...` matches nothing.
pub(super) fn propose(usual: &UsualPipeline, look: &Look<'_>) -> Proposal {
    let mut proposal = Proposal::usual(usual);
    let is_there = |name: &str| look.files.iter().any(|file| file == name);
    if is_there("go.mod") || !is_there("go.work") {
        return proposal;
    }
    let folders = members(&(look.read)("go.work").unwrap_or_default());
    let folder = |file: &String| {
        let folder = file.trim_end_matches("go.mod").trim_end_matches('/');
        if folder.starts_with("..") { format!("{folder}/...") } else { format!("./{folder}/...") }
    };
    let patterns: Vec<String> = folders.iter().map(folder).collect();
    if patterns.iter().all(|pattern| !pattern.contains([' ', '\'', '"', '$'])) && !patterns.is_empty() {
        for command in proposal.build.iter_mut().chain(&mut proposal.test) {
            *command = command.replace("./...", &patterns.join(" "));
        }
    }
    proposal
}

/// Takes the newest version that a module needs where the `go.work` has no `go` line, and warns where its line is older: Go
/// refuses both (<https://go.dev/ref/mod#go-work-file-go>).
fn combine(mut own: FileRequest, modules: &[(String, FileRequest)]) -> FileRequest {
    let least = |(file, module): &'_ (String, FileRequest)| Some((module.minimum.clone()?, file.clone()));
    let Some((needed, file)) = modules.iter().filter_map(least).max_by(|(a, _), (b, _)| a.cmp(b)) else { return own };
    match &own.minimum {
        Some(minimum) if *minimum >= needed => return own,
        Some(minimum) => own.warnings.push(format!(
            "go.work says go {minimum}, and {file} needs {needed}: Go refuses such a workspace; `go work use` raises the line"
        )),
        None => own.warnings.push(format!(
            "go.work has no `go` line, and {file} needs {needed}: Go refuses such a workspace; `go work use` writes the line"
        )),
    }
    if own.channel.is_none() {
        own.channel = version::line_or_release(needed.as_str());
        own.rule = format!("go {needed} ({file}), the newest that a module of the workspace needs");
    }
    if own.minimum.is_none() {
        own.minimum = Some(needed);
    }
    own
}

/// A `go` or `toolchain` line, with its number from 1.
struct Found {
    line: usize,
    text: String,
    version: Option<GoVersion>,
}

fn read(text: &str, without: &str) -> Result<FileRequest, BadProjectFile> {
    let (mut go, mut toolchain, mut warnings) = (None, None, Vec::new());
    for (line, words) in directives(text)? {
        let bad = |reason: String| BadProjectFile { line, reason };
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let (slot, example) = match words[0] {
            "go" => (&mut go, "go 1.22.5"),
            "toolchain" => (&mut toolchain, "toolchain go1.22.5"),
            glued if is_glued(glued) => {
                return Err(bad(format!("`{glued}` is not a directive; write `{}`", glued.replacen("go", "go ", 1))));
            }
            _ => continue,
        };
        let [name, value] = words[..] else {
            return Err(bad(format!("`{}` takes one version, as in `{example}`", words[0])));
        };
        if let Some(Found { line: first, .. }) = slot {
            return Err(bad(format!("duplicate `{name}`, first in line {first}; remove one")));
        }
        let version =
            if name == "go" { Some(go_value(value)) } else { toolchain_value(value, &mut warnings).transpose() };
        let version = version.transpose().map_err(bad)?;
        *slot = Some(Found { line, text: format!("{name} {value}"), version });
    }
    Ok(decide(go.as_ref(), toolchain.as_ref(), warnings, without))
}

/// Chooses the newer of the two lines.
fn decide(go: Option<&Found>, toolchain: Option<&Found>, mut warnings: Vec<String>, without: &str) -> FileRequest {
    let place = |found: &Found| format!("{} (line {})", found.text, found.line);
    let least = go.and_then(|found| found.version);
    let minimum = least.map(GoVersion::floor);
    let suggested = toolchain.and_then(|found| Some((found, found.version?)));
    if let Some((found, version)) = suggested.filter(|(_, version)| least.is_none_or(|least| *version > least)) {
        let instead = go.map(|go| format!(", newer than {}", place(go))).unwrap_or_default();
        if version.is_language() {
            warnings.push(format!("no release is named {}; the newest patch of its line is used", found.text));
        }
        let rule = format!("{}{instead}", place(found));
        return FileRequest { channel: Some(release(version)), rule, warnings, minimum };
    }
    let Some(found) = go else {
        return FileRequest { channel: None, rule: without.to_owned(), warnings, minimum };
    };
    let older = suggested.map(|(found, _)| format!("; {} is not newer", place(found))).unwrap_or_default();
    let channel = version::line_or_release(found.text.trim_start_matches("go "));
    let meaning = match channel {
        Some(Channel::Line(_)) => "a language version: any release of that line",
        _ => "the minimum version, used exactly",
    };
    FileRequest { channel, rule: format!("{}, {meaning}{older}", place(found)), warnings, minimum }
}

/// Requests exactly the release, or its line if no release has that name.
fn release(version: GoVersion) -> Channel {
    if version.is_language() { Channel::Line(version.line()) } else { Channel::Exact(version.exactly()) }
}

fn go_value(value: &str) -> Result<GoVersion, String> {
    if let Some(version) = GoVersion::parse(value) {
        return Ok(version);
    }
    let stripped = value.trim_start_matches(['g', 'o', 'v', 'V']);
    let lined = stripped.trim_end_matches(['.', 'x', 'X', '*']);
    match [stripped, lined].into_iter().find(|text| GoVersion::parse(text).is_some()) {
        Some(right) => Err(format!("`go {value}` is not a version; write `go {right}`")),
        None => Err(format!("`go {value}` is not a version; expected `go 1.22` or `go 1.22.5`")),
    }
}

/// Parses the name of a toolchain; none for `default`, which leaves the choice to the `go` line.
fn toolchain_value(value: &str, warnings: &mut Vec<String>) -> Result<Option<GoVersion>, String> {
    if value == "default" {
        return Ok(None);
    }
    let wrong = |expected: &str| Err(format!("`toolchain {value}` does not name a toolchain; {expected}"));
    if matches!(value, "local" | "auto" | "path") {
        return wrong("it is a value of GOTOOLCHAIN; expected `toolchain default` or `toolchain go1.22.5`");
    }
    let Some(name) = value.strip_prefix("go") else {
        return match GoVersion::parse(value.trim_start_matches('v')) {
            Some(_) => wrong(&format!("write `toolchain go{}`", value.trim_start_matches('v'))),
            None => wrong("expected `toolchain go1.22.5`"),
        };
    };
    let (plain, suffix) = name.split_once('-').map_or((name, None), |(plain, suffix)| (plain, Some(suffix)));
    let Some(version) = GoVersion::parse(plain) else {
        return wrong("expected `toolchain go1.22.5`");
    };
    if suffix.is_some() {
        warnings.push(format!("toolchain {value} is a custom build; go{plain} from go.dev is used instead"));
    }
    Ok(Some(version))
}

/// Returns true if the space in `go 1.22` is missing.
fn is_glued(word: &str) -> bool {
    word.strip_prefix("go").is_some_and(|rest| GoVersion::parse(rest).is_some())
}

/// Lists the words of each line outside of blocks such as `require ( … )`, without comments and empty lines.
fn directives(text: &str) -> Result<Vec<(usize, Vec<String>)>, BadProjectFile> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (mut lines, mut block) = (Vec::new(), None);
    for (line, content) in (1..).zip(text.split('\n')) {
        let words = words(content).map_err(|reason| BadProjectFile { line, reason })?;
        let (Some(first), last) = (words.first(), words.last().map(String::as_str)) else { continue };
        if block.is_some() {
            block = block.filter(|_| first != ")");
        } else if last == Some("(") && matches!(first.as_str(), "go" | "toolchain") {
            let reason = format!("`{first}` does not take a block; write `{first} …` with one version");
            return Err(BadProjectFile { line, reason });
        } else if last == Some("(") {
            block = Some(line);
        } else {
            lines.push((line, words));
        }
    }
    match block {
        None => Ok(lines),
        Some(line) => Err(BadProjectFile { line, reason: "the block that opens here has no `)`".to_owned() }),
    }
}

/// Splits a line into words up to `//`: parentheses are words, and quoted words lose their quotes.
fn words(content: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut rest = content.trim_start();
    while !rest.is_empty() && !rest.starts_with("//") {
        let (word, after) = match rest.as_bytes()[0] {
            b'(' | b')' => rest.split_at(1),
            quote @ (b'"' | b'`') => {
                let inner = &rest[1..];
                let end = inner.find(char::from(quote)).ok_or("a quoted word does not end on this line")?;
                (&inner[..end], &inner[end + 1..])
            }
            _ => {
                let stop =
                    |(at, c): (usize, char)| c.is_whitespace() || "()\"`".contains(c) || rest[at..].starts_with("//");
                let end = rest.char_indices().find(|found| stop(*found)).map_or(rest.len(), |(at, _)| at);
                rest.split_at(end)
            }
        };
        words.push(word.to_owned());
        rest = after.trim_start();
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requested(text: &str) -> String {
        match read_go_mod(text).unwrap().channel {
            None => "nothing".to_owned(),
            Some(Channel::Line(line)) => format!("line {line}"),
            Some(channel) => format!("exactly {channel}"),
        }
    }

    #[test]
    fn the_newer_of_the_two_lines_is_requested() {
        for (text, expected) in [
            ("module m\n\ngo 1.22\n", "line 1.22"),
            ("go 1.22.5", "exactly 1.22.5"),
            ("go 1.20", "line 1.20"),
            ("go 1.21", "line 1.21"),
            ("go 1.21.0", "exactly 1.21.0"),
            ("go 1.22rc1", "exactly 1.22rc1"),
            ("go 1.20rc1", "exactly 1.20rc1"),
            ("go 1.22\ntoolchain go1.22.5\n", "exactly 1.22.5"),
            ("toolchain go1.22.5\ngo 1.22\n", "exactly 1.22.5"),
            ("go 1.22.5\ntoolchain go1.22.4\n", "exactly 1.22.5"),
            ("go 1.23\ntoolchain go1.22.5\n", "line 1.23"),
            ("go 1.21rc1\ntoolchain go1.21.0\n", "exactly 1.21.0"),
            ("go 1.21\ntoolchain go1.21rc2\n", "exactly 1.21rc2"),
            ("go 1.21.0\ntoolchain go1.21rc2\n", "exactly 1.21.0"),
            ("go 1.19\ntoolchain go1.20\n", "exactly 1.20.0"),
            ("go 1.20\ntoolchain go1.20\n", "line 1.20"),
            ("go 1.20\ntoolchain go1.21\n", "line 1.21"),
            ("go 1.22.5\ntoolchain default\n", "exactly 1.22.5"),
            ("go 1.22\ntoolchain default\n", "line 1.22"),
            ("go 1.25\ntoolchain go1.25.3-custom\n", "exactly 1.25.3"),
            ("toolchain go1.22.5\n", "exactly 1.22.5"),
            ("module m\n", "nothing"),
            ("", "nothing"),
        ] {
            assert_eq!(requested(text), expected, "{text:?}");
        }
    }

    #[test]
    fn white_space_comments_and_blocks_do_not_matter() {
        for text in [
            "go  1.22.5",
            "go\t1.22.5\t",
            "  go 1.22.5 // the least",
            "go 1.22.5//the least",
            "\u{feff}go 1.22.5\r\n",
            "module m\r\n\r\ngo 1.22.5\r\n",
            "go \"1.22.5\"",
            "go `1.22.5`",
            "// go 1.19\ngo 1.22.5",
            "require (\n\tgo 1.19\n\texample.org/go v1.0.0 // indirect\n)\ngo 1.22.5",
            "require(\n a v1 )\n)\ngo 1.22.5",
            "retract [v1.0.0, v1.1.0]\ngo 1.22.5\nreplace a => ../b\ntool example.org/x\ngodebug default=go1.21\n",
        ] {
            assert_eq!(requested(text), "exactly 1.22.5", "{text:?}");
        }
    }

    #[test]
    fn what_go_refuses_is_refused_with_its_line() {
        for (text, line, hint) in [
            ("module m\ngo v1.22", 2, "write `go 1.22`"),
            ("go go1.22.5", 1, "write `go 1.22.5`"),
            ("\n\ngo 1.22.x", 3, "write `go 1.22`"),
            ("go 1", 1, "`go 1.22` or"),
            ("go 1.22.05", 1, "`go 1.22` or"),
            ("go latest", 1, "expected `"),
            ("go", 1, "takes one version"),
            ("go 1.22 1.23", 1, "takes one version"),
            ("go1.22", 1, "write `go 1.22`"),
            ("go 1.22\r\ngo 1.23", 2, "first in line 1"),
            ("go (\n1.22\n)", 1, "does not take a block"),
            ("toolchain (\ngo1.22.5\n)", 1, "does not take a block"),
            ("go 1.22\ntoolchain 1.22.5", 2, "write `toolchain go1.22.5`"),
            ("go 1.22\ntoolchain local", 2, "GOTOOLCHAIN"),
            ("go 1.22\ntoolchain go1.22.x", 2, "expected `"),
            ("go 1.22\ntoolchain go1.22.5\ntoolchain go1.22.6", 3, "first in line 2"),
            ("toolchain", 1, "takes one version"),
            ("go \"1.22", 1, "does not end"),
            ("module m\nrequire (\ngo 1.22", 2, "no `)`"),
            ("go 1.22/../../etc", 1, "expected `"),
            ("\u{1F9AB} x\ngo \u{1F9AB}", 2, "expected `"),
        ] {
            let bad = read_go_mod(text).unwrap_err();
            assert_eq!(bad.line, line, "{text:?}: {bad}");
            assert!(bad.reason.contains(hint), "{text:?}: {bad}");
        }
    }

    #[test]
    fn the_rule_says_which_line_counts_and_why() {
        let request = read_go_mod("module m\n\ngo 1.22.0\n\ntoolchain go1.22.5\n").unwrap();
        assert_eq!(request.rule, "toolchain go1.22.5 (line 5), newer than go 1.22.0 (line 3)");
        let request = read_go_mod("go 1.22.5\ntoolchain go1.22.4").unwrap();
        assert!(request.rule.ends_with("used exactly; toolchain go1.22.4 (line 2) is not newer"), "{}", request.rule);
        assert!(read_go_mod("go 1.21").unwrap().rule.contains("language version"));
        assert!(read_go_mod("module m").unwrap().rule.contains("1.16"));
        assert!(read_go_work("use ./a").unwrap().rule.contains("1.18"));
        let custom = read_go_work("go 1.25\ntoolchain go1.25.3-custom").unwrap();
        assert!(custom.warnings[0].contains("custom build"));
        assert!(read_go_mod("go 1.20\ntoolchain go1.21").unwrap().warnings[0].contains("no release is named"));
    }

    #[test]
    fn a_workspace_needs_what_its_newest_module_needs() {
        let module = |file: &str, text: &str| (file.to_owned(), read_go_mod(text).unwrap());
        let modules =
            [module("a/go.mod", "go 1.26.1"), module("b/go.mod", "go 1.27.0\ntoolchain go1.27.3"), module("c", "")];
        for (text, expected, warned) in [
            ("use ./a", "exactly 1.27.0", "`go work use` writes the line"),
            ("go 1.26.0\nuse ./a", "exactly 1.26.0", "b/go.mod needs 1.27.0"),
            ("go 1.26", "line 1.26", "go.work says go 1.26,"),
            ("toolchain go1.27.1", "exactly 1.27.1", "has no `go` line"),
            ("go 1.27.0", "exactly 1.27.0", ""),
            ("go 1.27.2", "exactly 1.27.2", ""),
        ] {
            let request = combine(read_go_work(text).unwrap(), &modules);
            let found = match request.channel.unwrap() {
                Channel::Line(line) => format!("line {line}"),
                channel => format!("exactly {channel}"),
            };
            assert_eq!(found, expected, "{text}");
            assert_eq!(request.warnings.is_empty(), warned.is_empty(), "{text}: {:?}", request.warnings);
            assert!(request.warnings.iter().all(|warning| warning.contains(warned)), "{text}: {:?}", request.warnings);
        }
        assert_eq!(combine(read_go_work("use ./c").unwrap(), &modules[2..]).channel, None);
    }

    #[test]
    fn the_modules_of_a_workspace_are_listed_in_every_spelling() {
        let text = "go 1.27\nuse ./a // x\nuse (\n\t./b/\n\t\"../c d\"\n\n)\nreplace (\n x => ./y\n)\nuse .\n";
        assert_eq!(members(text), ["a/go.mod", "b/go.mod", "../c d/go.mod", "./go.mod"]);
    }

    #[test]
    fn a_workspace_without_a_module_at_its_top_names_its_modules_in_commands() {
        let usual = super::super::CARD.pipeline;
        let build = |files: &[&str], work: &str| {
            let files: Vec<String> = files.iter().map(|file| (*file).to_owned()).collect();
            propose(&usual, &Look { files: &files, read: &|_| Some(work.to_owned()) }).build.join("; ")
        };
        assert_eq!(build(&["go.work"], "use (\n./a\n./b/c\n)"), "go build ./a/... ./b/c/...");
        assert_eq!(build(&["go.work", "go.mod"], "use (\n.\n./a\n)"), "go build ./...");
        assert_eq!(build(&["go.mod"], ""), "go build ./...");
        assert_eq!(build(&["go.work"], "use \"./$(x)\""), "go build ./...");
    }

    #[test]
    fn a_go_line_is_a_minimum_also_for_release_candidates() {
        let least = |text: &str| read_go_mod(text).unwrap().minimum.unwrap();
        assert!(version::release("1.27rc1").unwrap() > least("go 1.27"));
        assert!(version::release("1.26.9").unwrap() < least("go 1.27"));
        assert!(version::release("1.27rc1").unwrap() < least("go 1.27.0"));
        assert_eq!(least("go 1.20").to_string(), "1.20.0");
        assert_eq!(read_go_mod("toolchain go1.27.0").unwrap().minimum, None);
    }

    #[test]
    fn a_workspace_prevails() {
        assert_eq!(prevailing("go.mod", "go.work"), "go.work");
        assert_eq!(prevailing("go.work", "go.mod"), "go.work");
        assert_eq!(prevailing(".go-version", "go.mod"), "go.mod");
        assert_eq!(prevailing("go.mod", "other"), "go.mod");
    }

    #[test]
    fn no_text_makes_a_reader_panic() {
        let pieces = [
            "go",
            " ",
            "1.22",
            "toolchain",
            "go1.22.5",
            "\n",
            "\r\n",
            "\t",
            "(",
            ")",
            "\"",
            "`",
            "//",
            "#",
            "-",
            ".",
            "rc",
            "x",
            "0",
            "golang",
            "latest",
            "ref:",
            "^",
            ">=",
            "||",
            ",",
            "\u{feff}",
            "\u{2014}",
            "\u{1F9AB}",
            "v",
            "99999999999999999999",
            "default",
            "require",
        ];
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..20_000 {
            let text: String = (0..random.usize(0..12)).map(|_| pieces[random.usize(0..pieces.len())]).collect();
            for file in super::super::PROJECT_FILES {
                let lines = text.split('\n').count().max(1);
                if let Err(bad) = (file.read)(&text) {
                    assert!((1..=lines).contains(&bad.line) && !bad.reason.is_empty(), "{} {text:?}: {bad}", file.name);
                }
            }
            if let Ok(channel) = version::channel(&text) {
                assert_eq!(
                    version::channel(&channel.to_string()).as_ref(),
                    Ok(&channel),
                    "{text:?} does not read back"
                );
            }
            let page = text.replace("1.22", "go1.22 (released 2024-02-06)");
            super::super::documents::parse_history(page.as_bytes());
        }
    }
}
