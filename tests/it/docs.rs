//! The documents: short where they must be, no dead links, commands that exist, examples that print what is shown.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::world::World;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The documents for people, relative to the repository.
fn pages() -> Vec<PathBuf> {
    let mut pages: Vec<PathBuf> =
        ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "buildspecs/README.md"].map(PathBuf::from).into();
    let docs =
        fs::read_dir(root().join("docs")).unwrap().map(|entry| Path::new("docs").join(entry.unwrap().file_name()));
    pages.extend(docs.filter(|path| path.extension().is_some_and(|extension| extension == "md")));
    pages.sort();
    pages
}

fn read(page: impl AsRef<Path>) -> String {
    fs::read_to_string(root().join(page)).unwrap()
}

/// A fenced block: its language and its lines.
struct Block {
    language: String,
    lines: Vec<String>,
}

/// Splits a page into its fenced blocks and the text around them.
fn parts(text: &str) -> (Vec<Block>, String) {
    let (mut blocks, mut prose, mut open) = (Vec::new(), String::new(), None::<Block>);
    for line in text.lines() {
        match (line.strip_prefix("```"), open.as_mut()) {
            (Some(language), None) => open = Some(Block { language: language.to_owned(), lines: Vec::new() }),
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some(block)) => block.lines.push(line.to_owned()),
            (None, None) => prose.push_str(&format!("{line}\n")),
        }
    }
    assert!(open.is_none(), "a fenced block is not closed");
    (blocks, prose)
}

/// The anchors that code hosts give to headings.
fn anchors(prose: &str) -> BTreeSet<String> {
    let headings = prose.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    headings.map(anchor).collect()
}

fn anchor(heading: &str) -> String {
    let kept = heading.to_lowercase().replace(' ', "-");
    kept.chars().filter(|&letter| letter.is_alphanumeric() || letter == '-' || letter == '_').collect()
}

/// The targets of links and images: `[text](target)`.
fn links(prose: &str) -> Vec<&str> {
    prose.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target).collect()
}

/// The code spans of a text; a span may be wrapped over two lines.
fn spans(prose: &str) -> Vec<String> {
    prose.split('`').skip(1).step_by(2).map(|span| span.replace('\n', " ")).collect()
}

/// The commands of `toolkit` in a line of shell, as words up to a `--`.
fn commands(line: &str) -> Vec<Vec<String>> {
    let code = if line.starts_with('#') { "" } else { line.split(" # ").next().unwrap_or_default() };
    let starts =
        ["&&", "||", "|", ";", "$(", "<(", ")"].iter().fold(code.to_owned(), |text, mark| text.replace(mark, "\n"));
    let pieces = starts.lines().map(|piece| piece.trim().trim_start_matches("- ").trim_start_matches("$ "));
    let words = pieces.map(|piece| piece.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
    words
        .filter(|words| words.first().is_some_and(|word| word == "toolkit"))
        .map(|words| words.into_iter().skip(1).take_while(|word| word != "--").collect())
        .collect()
}

/// Says what a command line names that does not exist.
fn unknown(words: &[String]) -> Option<String> {
    let mut command = &toolkit::cli::definition();
    let mut rest = words;
    while command.has_subcommands() {
        let Some((first, others)) = rest.split_first() else { break };
        // `toolkit COMMAND --help`, `toolkit image …`
        if first == "…" || first.chars().all(char::is_uppercase) {
            return None;
        }
        let Some(found) = command.find_subcommand(first) else {
            return Some(format!("no command `{first}`"));
        };
        (command, rest) = (found, others);
    }
    let known = |option: &str| {
        let globals = toolkit::cli::definition();
        let all = command.get_arguments().chain(globals.get_arguments());
        option == "help"
            || all.flat_map(|one| one.get_long_and_visible_aliases().unwrap_or_default()).any(|long| long == option)
    };
    let options = rest.iter().filter_map(|word| word.strip_prefix("--"));
    let names = options.map(|option| {
        option.split('=').next().unwrap_or_default().trim_end_matches(|last: char| !last.is_alphanumeric())
    });
    let missing: Vec<_> =
        names.map(|name| name.split('[').next().unwrap_or_default()).filter(|name| !known(name)).collect();
    (!missing.is_empty()).then(|| format!("`{}` has no option {}", command.get_name(), missing.join(", ")))
}

#[test]
fn the_readme_has_at_most_180_lines() {
    let lines = read("README.md").lines().count();
    assert!(lines <= 180, "README.md has {lines} lines; details belong in docs/");
}

#[test]
fn every_relative_link_leads_to_a_file_and_a_heading() {
    let mut dead = Vec::new();
    for page in pages() {
        let (_, prose) = parts(&read(&page));
        for link in links(&prose).into_iter().filter(|link| !link.contains("://")) {
            let (path, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = if path.is_empty() { page.clone() } else { page.parent().unwrap().join(path) };
            if !root().join(&target).exists() {
                dead.push(format!("{}: {link}: there is no such file", page.display()));
            } else if !heading.is_empty() && !anchors(&parts(&read(&target)).1).contains(heading) {
                dead.push(format!("{}: {link}: there is no such heading", page.display()));
            }
        }
    }
    assert!(dead.is_empty(), "{}", dead.join("\n"));
}

#[test]
fn the_readme_leads_to_every_page() {
    let readme = read("README.md");
    let missing: Vec<_> =
        pages().into_iter().filter(|page| !readme.contains(&format!("({}", page.display()))).collect();
    assert_eq!(missing, [PathBuf::from("README.md")]);
}

/// Without AWS some commands do not exist.
#[cfg(feature = "aws")]
#[test]
fn every_command_in_the_documents_exists_with_its_options() {
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for page in pages() {
        let (blocks, prose) = parts(&read(&page));
        let mut shown = Vec::new();
        for block in blocks.iter().filter(|block| ["sh", "console", "yaml"].contains(&block.language.as_str())) {
            let joined = block.lines.join("\n").replace("\\\n", " ");
            let typed = joined.lines().filter(|line| block.language != "console" || line.starts_with("$ "));
            shown.extend(typed.flat_map(commands));
        }
        shown.extend(spans(&prose).iter().flat_map(|span| commands(span)));
        seen += shown.len();
        wrong.extend(shown.iter().filter_map(|words| Some(format!("{}: {}", page.display(), unknown(words)?))));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen > 100, "only {seen} commands were found in the documents");
}

#[test]
fn the_reader_of_commands_sees_them() {
    let of = |line: &str| commands(line).iter().map(|words| words.join(" ")).collect::<Vec<_>>();
    assert_eq!(of("$ toolkit lock && toolkit mirror sync"), ["lock", "mirror sync"]);
    assert_eq!(of("eval \"$(toolkit env --format fish)\"  # toolkit man"), ["env --format fish"]);
    assert_eq!(of("- toolkit exec go@1.26 -- go build --help"), ["exec go@1.26"]);
    let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(unknown(&words("image index --tag NAME --offline")), None);
    assert_eq!(unknown(&words("image idnex")), Some("no command `idnex`".to_owned()));
    assert_eq!(unknown(&words("lock --locked")), Some("`lock` has no option locked".to_owned()));
}

#[test]
fn every_rule_that_is_named_exists() {
    let list = World::new().json(&["lint", "--list", "--json"]);
    let known: BTreeSet<&str> = list.as_array().unwrap().iter().map(|rule| rule["rule"].as_str().unwrap()).collect();
    let mut unknown = Vec::new();
    for page in pages() {
        let text = read(&page);
        let words = text.split(|letter: char| !letter.is_ascii_alphanumeric());
        let ids = words.filter(|word| word.len() == 5 && word.starts_with("TK") && !known.contains(word));
        unknown.extend(ids.map(|id| format!("{}: {id}", page.display())));
    }
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
fn every_tool_stands_in_the_table_of_tools() {
    let list = World::new().json(&["list", "--known", "--json"]);
    let guide = read("docs/guide.md");
    let (_, table) = guide.split_once("\n## Tools\n").unwrap();
    let kaniko = read("docs/kaniko-podman.md");
    for tool in list.as_array().unwrap() {
        let name = tool["tool"].as_str().unwrap();
        let listed = table.contains(&format!("`{name}@…`")) || kaniko.contains(&format!("`{name}`"));
        assert!(listed, "{name} is missing from docs/guide.md");
        for file in tool["files"].as_array().unwrap() {
            assert!(table.contains(&format!("`{}`", file.as_str().unwrap())), "{file} is missing from docs/guide.md");
        }
    }
}

/// The names in code spans of a table's cell: those that always appear, and all of them. What stands in parentheses is
/// below the top level.
fn keys(cell: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let mut depth = 0;
    let top: String = cell
        .chars()
        .filter(|letter| {
            depth += i32::from(*letter == '(') - i32::from(*letter == ')');
            depth == 0
        })
        .collect();
    let always = top.split("for images").next().unwrap_or_default();
    let of = |text: &str| spans(text).into_iter().collect::<BTreeSet<_>>();
    (of(always), of(&top))
}

#[test]
fn the_keys_of_json_are_those_that_are_listed() {
    let world = World::new();
    world.write("go.mod", "module example.com/shop\n\ngo 1.25\n");
    world.write("bad.yml", "version: 0.2\nphases: {build: {commands: [\"curl –s\"]}}\n");
    world.ok(&["init"]);
    let page = read("docs/json-and-exit-codes.md");
    for (command, arguments) in [
        ("resolve", &["resolve"][..]),
        ("resolve --requests", &["resolve", "--requests"]),
        ("lock", &["lock"]),
        ("lock --check", &["lock", "--check"]),
        ("install", &["install"]),
        ("env", &["env"]),
        ("which", &["which", "go"]),
        ("list", &["list"]),
        ("list --known", &["list", "--known"]),
        ("gen", &["gen", "gitlab-ci"]),
        ("lint", &["lint", "bad.yml", "--as", "buildspec"]),
        ("mirror sync", &["mirror", "sync", "mirror"]),
        ("mirror check", &["mirror", "check", "mirror"]),
        ("mirror list", &["mirror", "list", "mirror"]),
        ("mirror parse", &["mirror", "parse", "s3://bucket/key"]),
    ] {
        let run = world.run(&[arguments, &["--json"]].concat());
        let value: serde_json::Value =
            serde_json::from_str(&run.stdout).unwrap_or_else(|cause| panic!("{command}: {cause}: {}", run.stderr));
        let object = value.as_array().map_or(Some(&value), |list| list.first()).unwrap().as_object().unwrap();
        let row = page.lines().find(|line| line.starts_with(&format!("| `{command}` |"))).unwrap();
        let (always, all) = keys(row.split(" | ").nth(1).unwrap().split("; ").next().unwrap());
        let printed: BTreeSet<String> = object.keys().cloned().collect();
        assert!(printed.is_subset(&all), "{command} prints {printed:?}; listed are {all:?}");
        assert!(always.is_subset(&printed), "{command} prints {printed:?}; listed are {always:?}");
    }
}

/// Runs the `console` blocks of a page in one shell, in order, and compares what they print with what is shown: `…` stands for
/// any text, and alone on a line for any lines.
fn prints_what_is_shown(page: &str, world: &World) {
    let (blocks, _) = parts(&read(page));
    let (mut script, mut shown) = ("exec 2>&1\n".to_owned(), Vec::<(String, Vec<String>)>::new());
    for line in blocks.iter().filter(|block| block.language == "console").flat_map(|block| &block.lines) {
        if let Some(command) = line.strip_prefix("$ ") {
            script.push_str(&format!("printf '\\n%s\\n' {MARK}\n{command}\n"));
            shown.push((command.to_owned(), Vec::new()));
        } else if !line.trim().is_empty() {
            shown.last_mut().unwrap().1.push(line.clone());
        }
    }
    let binary = Path::new(env!("CARGO_BIN_EXE_toolkit")).parent().unwrap();
    let mut shell = Command::new("bash");
    shell.args(["-c", &script]).current_dir(world.project()).env_clear().stdin(Stdio::null());
    let command = world.command(&[]);
    shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.env("PATH", format!("{}:/usr/bin:/bin", binary.display()));
    let output = shell.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let text = text.replace(world.project().to_str().unwrap(), "/home/me/shop");
    let text = text.replace(world.store().to_str().unwrap(), "/home/me/.local/share/toolkit");
    let printed: Vec<&str> = text.split(MARK).skip(1).collect();
    assert_eq!(printed.len(), shown.len(), "{page}: {text}");
    for ((command, expected), printed) in shown.iter().zip(printed) {
        let lines: Vec<&str> =
            printed.lines().filter_map(on_a_terminal).filter(|line| !line.trim().is_empty()).collect();
        assert!(
            all_match(expected, &lines),
            "{page} shows for `{command}`\n{}\nbut it prints\n{}",
            expected.join("\n"),
            lines.join("\n")
        );
    }
}

const MARK: &str = "=-=-=";

/// A line as a terminal shows it: without the time that lines have elsewhere, and without those of progress, which are bars
/// there.
fn on_a_terminal(line: &str) -> Option<&str> {
    match line.split_once("Z ") {
        Some((time, rest)) if time.parse::<jiff::civil::DateTime>().is_ok() => {
            rest.starts_with("warning:").then_some(rest)
        }
        _ => Some(line),
    }
}

fn all_match(expected: &[String], lines: &[&str]) -> bool {
    match expected.split_first() {
        None => lines.is_empty(),
        Some((first, rest)) if first.trim() == "…" => {
            (0..=lines.len()).any(|skipped| all_match(rest, &lines[skipped..]))
        }
        Some((first, rest)) => {
            lines.split_first().is_some_and(|(line, others)| matches(first, line) && all_match(rest, others))
        }
    }
}

/// Compares a line, in which spaces only separate.
fn matches(expected: &str, line: &str) -> bool {
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let (expected, line) = (words(expected), words(line));
    let mut parts = expected.split('…');
    let Some(mut rest) = line.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let mut open = false;
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        (rest, open) = (&rest[at + part.len()..], part.is_empty());
    }
    open || rest.is_empty()
}

#[test]
fn the_matcher_takes_ellipses_for_any_text_and_nothing_else() {
    assert!(matches("go 1.27  sha256:ab…  ok", "go 1.27 sha256:abcdef   ok"));
    assert!(matches("a…", "abc") && matches("…", "") && !matches("a", "ab") && !matches("a…d", "abc"));
    let all = |expected: &[&str], lines: &[&str]| {
        all_match(&expected.iter().map(|&line| line.to_owned()).collect::<Vec<_>>(), lines)
    };
    assert!(all(&["a", "…", "d"], &["a", "b", "c", "d"]) && all(&["…"], &[]) && !all(&["a", "…", "d"], &["a", "b"]));
}

#[test]
fn the_readme_and_the_guide_show_what_commands_print() {
    prints_what_is_shown("README.md", &World::new());
    let world = World::new();
    world.write("global.json", "{\"sdk\": {\"version\": \"10.0.300\", \"rollForward\": \"latestPatch\"}}\n");
    world.write("go.mod", "module example.com/shop\n\ngo 1.25\n\ntoolchain go1.27.1\n");
    prints_what_is_shown("docs/guide.md", &world);
}

#[test]
fn the_pipeline_that_is_shown_can_be_generated() {
    let (blocks, _) = parts(&read("docs/pipelines.md"));
    let manifest = blocks.iter().find(|block| block.language == "toml").unwrap();
    let world = World::new();
    world.write("toolkit.toml", &manifest.lines.join("\n"));
    world.write("Dockerfile", "FROM scratch\n");
    prints_what_is_shown("docs/pipelines.md", &world);
}

#[cfg(feature = "aws")]
#[test]
fn the_page_about_codebuild_shows_the_permissions() {
    let page = read("docs/codebuild.md");
    let command = "$ toolkit build permissions start follow --project web\n";
    let (shown, _) = page.split_once(command).unwrap().1.split_once("$ ").unwrap();
    let world = World::new().with("AWS_REGION", "eu-west-1").with("AWS_EC2_METADATA_DISABLED", "true");
    assert_eq!(shown, world.ok(&["build", "permissions", "start", "follow", "--project", "web"]));
}
