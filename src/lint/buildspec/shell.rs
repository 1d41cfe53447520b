//! Shell commands, as far as the rules need them: their lines, and where they are. Runs no shell and expands nothing.

use std::ops::Range;

use crate::format::Source;
use crate::format::buildspec::Text;

/// A line that the shell runs: continued lines are joined, comments and here-documents are omitted.
#[derive(Debug)]
pub(super) struct Line {
    /// Its text.
    pub(super) text: String,
    /// Whether it is outside of `if`, loops, functions and braces.
    pub(super) outer: bool,
}

/// Programs whose failure is the failure of a build.
const WORKERS: &[&str] = &[
    "npm",
    "npx",
    "yarn",
    "pnpm",
    "bun",
    "mvn",
    "./mvnw",
    "gradle",
    "./gradlew",
    "go",
    "dotnet",
    "cargo",
    "docker",
    "podman",
    "buildah",
    "pip",
    "pip3",
    "poetry",
    "uv",
    "pytest",
    "tox",
    "python",
    "python3",
    "make",
    "cmake",
    "ctest",
    "terraform",
    "cdk",
    "sam",
    "aws",
    "kubectl",
    "helm",
    "bundle",
    "rake",
    "rspec",
    "composer",
    "phpunit",
    "sbt",
    "ant",
    "bazel",
    "msbuild",
];

/// Their subcommands and options on whose result nothing depends.
const QUERIES: &[&str] = &[
    "--version",
    "-version",
    "-v",
    "-V",
    "version",
    "--help",
    "info",
    "ps",
    "logs",
    "images",
    "config",
    "list",
    "ls",
    "env",
    "stop",
    "rm",
    "rmi",
    "kill",
    "logout",
    "prune",
];

/// Splits a command into the lines that the shell runs.
pub(super) fn lines(command: &str) -> Vec<Line> {
    let mut found: Vec<Line> = Vec::new();
    let (mut depth, mut open, mut until) = (0usize, String::new(), None::<String>);
    for raw in command.lines() {
        if let Some(end) = &until {
            if raw.trim() == end.as_str() {
                until = None;
            }
            continue;
        }
        let line = raw.trim();
        if open.is_empty() && (line.is_empty() || line.starts_with('#')) {
            continue;
        }
        if !open.is_empty() {
            open.push(' ');
        }
        if let Some(begun) = line.strip_suffix('\\') {
            open.push_str(begun.trim_end());
            continue;
        }
        open.push_str(line);
        if is_continued(&open) || is_quoting(&open) {
            continue;
        }
        until = here_document(&open);
        let text = std::mem::take(&mut open);
        let (opens, closes) = blocks(&text);
        let outer = depth == 0 && opens == 0 && closes == 0;
        depth = (depth + opens).saturating_sub(closes);
        found.push(Line { text, outer });
    }
    if !open.is_empty() {
        found.push(Line { text: open, outer: depth == 0 });
    }
    found
}

/// Returns true if a line begins with a program that does the work of a build.
pub(super) fn is_work(line: &str) -> bool {
    let mut words =
        line.split_whitespace().skip_while(|word| is_assignment(word) || *word == "sudo" || *word == "time");
    let worker = words.next().is_some_and(|word| WORKERS.contains(&word));
    worker && !words.next().is_some_and(|word| QUERIES.contains(&word))
}

/// Returns true if a word is `NAME=value`.
pub(super) fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| is_name(name))
}

/// Returns true if a text is a valid name of a shell variable.
pub(super) fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Splits a line at `|`, `;`, `&&` and `||` outside of quotes. Returns each part with the operator before it.
pub(super) fn parts(line: &str) -> Vec<(&'static str, &str)> {
    let mut found = Vec::new();
    let (mut start, mut before, mut quote) = (0, "", None::<char>);
    let bytes = line.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let c = char::from(bytes[at]);
        match quote {
            Some(open) if c == open => quote = None,
            Some('"') if c == '\\' => at += 1,
            Some(_) => {}
            None if c == '\\' => at += 1,
            None if c == '\'' || c == '"' => quote = Some(c),
            None if c == '|' || c == ';' || c == '&' => {
                let double = bytes.get(at + 1) == Some(&bytes[at]);
                let operator = match (c, double) {
                    ('|', false) => "|",
                    ('|', true) => "||",
                    ('&', true) => "&&",
                    (';', _) => ";",
                    // `2>&1`, `&>file` and a job in the background.
                    _ => {
                        at += 1;
                        continue;
                    }
                };
                found.push((before, line[start..at].trim()));
                at += operator.len() - 1;
                before = operator;
                start = at + 1;
            }
            None => {}
        }
        at += 1;
    }
    found.push((before, line.get(start..).unwrap_or_default().trim()));
    found
}

/// Returns the location of a fragment of a command in the file, or of the command's first line if it is written
/// differently there, as in a folded scalar.
pub(super) fn place(source: &Source, command: &Text, fragment: &str) -> Range<usize> {
    let span = command.span.clone();
    let raw = source.text.get(span.clone()).unwrap_or_default();
    let first = fragment.split_whitespace().next().unwrap_or(fragment);
    for part in [fragment, first] {
        if let Some(at) = raw.find(part).filter(|_| !command.alias && !part.is_empty()) {
            return span.start + at..span.start + at + part.len();
        }
    }
    let end = raw.find('\n').map_or(span.end, |at| span.start + at);
    span.start..end
}

/// Returns true if the shell keeps reading: the line ends with an operator.
fn is_continued(line: &str) -> bool {
    ["&&", "||", "|"].iter().any(|operator| line.ends_with(operator))
}

/// Returns true if a quote is open at the end of a line, so that the next one is text.
fn is_quoting(line: &str) -> bool {
    let mut quote = None::<char>;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match quote {
            Some(open) if c == open => quote = None,
            Some('\'') => {}
            _ if c == '\\' => drop(chars.next()),
            Some(_) => {}
            None if c == '\'' || c == '"' => quote = Some(c),
            None => {}
        }
    }
    quote.is_some()
}

/// Returns the word that ends a here-document that begins on this line.
fn here_document(line: &str) -> Option<String> {
    let after = line.split_once("<<")?.1;
    if after.starts_with('<') {
        return None; // A here-string.
    }
    let word = after.trim_start_matches('-').split_whitespace().next()?;
    let word = word.trim_matches(['\'', '"', '\\']);
    let word = word.split([';', ')', '|', '>']).next().unwrap_or(word);
    (!word.is_empty() && is_name(word)).then(|| word.to_owned())
}

/// Counts the blocks that a line opens and closes.
fn blocks(line: &str) -> (usize, usize) {
    let (mut opens, mut closes) = (0, 0);
    for (_, part) in parts(line) {
        let mut words = part.split_whitespace();
        let mut first = words.next().unwrap_or_default();
        while matches!(first, "then" | "do" | "else" | "elif" | "!") {
            opens += usize::from(first != "!");
            closes += usize::from(first != "!");
            first = words.next().unwrap_or_default();
        }
        match first {
            "if" | "for" | "while" | "until" | "case" | "{" | "(" | "function" | "select" => opens += 1,
            "fi" | "done" | "esac" | "}" | ")" => closes += 1,
            _ if part.ends_with("() {") || part.ends_with("(){") || part.ends_with('(') => opens += 1,
            _ => {}
        }
    }
    (opens, closes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_those_that_the_shell_runs() {
        let text = "# a comment\nnpm ci \\\n  --no-audit\ncat <<'EOF' > x\nnpm test\nEOF\nif [ -f a ]; then\n  npm test\nfi\na &&\nb\n";
        let found: Vec<_> = lines(text).into_iter().map(|line| (line.text, line.outer)).collect();
        let expected = [
            ("npm ci --no-audit", true),
            ("cat <<'EOF' > x", true),
            ("if [ -f a ]; then", false),
            ("npm test", false),
            ("fi", false),
            ("a && b", true),
        ];
        assert_eq!(found, expected.map(|(text, outer)| (text.to_owned(), outer)));
    }

    #[test]
    fn a_quote_over_several_lines_is_one_line() {
        let found = lines("ssh host \"\n  npm test\n\"\nX=$(\n  npm test\n)\necho it\\'s\n");
        let outer: Vec<_> = found.iter().filter(|line| line.outer).map(|line| line.text.as_str()).collect();
        assert_eq!(outer, ["ssh host \" npm test \"", "echo it\\'s"]);
    }

    #[test]
    fn operators_in_quotes_are_text() {
        assert_eq!(
            parts("a | b && c; d 'x | y' || e 2>&1"),
            [("", "a"), ("|", "b"), ("&&", "c"), (";", "d 'x | y'"), ("||", "e 2>&1")]
        );
        assert!(is_work("CI=1 sudo npm test") && !is_work("echo npm"));
    }
}
