//! What people and programs see: errors with causes and advice, tables, JSON, sizes.

use std::error::Error as StdError;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use serde::Serialize;

use super::Global;
use crate::model::{Explain, Kind};

/// The reason why a command ends without success.
#[derive(Debug)]
pub struct Failure(Box<dyn Explain + Send + Sync>);

impl<E: Explain + Send + Sync + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(Box::new(error))
    }
}

/// A mistake on the command line that clap cannot see.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
struct Mistake {
    what: String,
    kind: Kind,
    hint: Option<String>,
    source: Option<std::io::Error>,
}

impl Explain for Mistake {
    fn kind(&self) -> Kind {
        self.kind
    }

    fn hints(&self) -> Vec<String> {
        self.hint.iter().cloned().collect()
    }
}

impl Failure {
    /// Says what is wrong with what was typed.
    pub(super) fn usage(what: impl Into<String>) -> Self {
        Mistake { what: what.into(), kind: Kind::Usage, hint: None, source: None }.into()
    }

    /// Says what is wrong with what was typed, and what would be right.
    pub(super) fn usage_with_hint(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Mistake { what: what.into(), kind: Kind::Usage, hint: Some(hint.into()), source: None }.into()
    }

    /// Says what this machine would not do.
    pub(super) fn machine(what: impl Into<String>, hint: impl Into<String>, source: std::io::Error) -> Self {
        Mistake { what: what.into(), kind: Kind::Machine, hint: Some(hint.into()), source: Some(source) }.into()
    }

    /// The person or the system asked to stop. What was half-made is cleaned up by then.
    pub(super) fn interrupted() -> Self {
        Self::machine(
            "interrupted",
            "no partial files were left behind; run the command again to go on",
            std::io::Error::new(std::io::ErrorKind::Interrupted, "the program was asked to stop"),
        )
    }

    /// The current directory was deleted under the running shell.
    pub(super) fn no_current_directory(source: std::io::Error) -> Self {
        Self::machine("could not read the current directory", "change into a folder that exists", source)
    }

    /// Returns the error itself, when it is of this type.
    pub(super) fn cause<E: Explain + 'static>(&self) -> Option<&E> {
        let error: &(dyn StdError + 'static) = &*self.0;
        error.downcast_ref()
    }

    /// Returns the text that is printed: the error, its causes, advice.
    #[must_use]
    pub fn text(&self, style: Style) -> String {
        explain(&*self.0, style)
    }

    /// Returns the exit code.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        self.0.kind().exit_code()
    }
}

/// Renders an error as people see it.
#[must_use]
pub fn explain(error: &dyn Explain, style: Style) -> String {
    let mut text = format!("{} {}\n", style.red("error:"), indented(&error.to_string(), "       "));
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!("  Caused by: {}\n", indented(&error.to_string(), "             ")));
        cause = StdError::source(error);
    }
    for hint in error.hints() {
        text.push_str(&format!("{} {}\n", style.cyan("hint:"), indented(&hint, "      ")));
    }
    text
}

fn indented(text: &str, margin: &str) -> String {
    printable(text.trim_end()).replace('\n', &format!("\n{margin}"))
}

/// Escapes what a terminal could obey: texts carry names from project files, documents and archives.
pub(super) fn printable(text: &str) -> String {
    let obeyed = |c: char| match c {
        '\n' => false,
        // Marks that turn the direction of writing let a text read as another one (CVE-2021-42574).
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        other => other.is_control(),
    };
    text.chars().map(|c| if obeyed(c) { c.escape_default().to_string() } else { c.to_string() }).collect()
}

/// Prints a failure to standard error and gives its exit code.
pub(super) fn failure(failure: &Failure) -> ExitCode {
    say(&failure.text(Style::of_stderr()));
    ExitCode::from(failure.exit_code())
}

/// Whether escape codes may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Escape codes.
    Colour,
    /// Plain text.
    Plain,
}

impl Style {
    /// Colours on a terminal, unless `NO_COLOR` is set (<https://no-color.org>).
    pub(super) fn of_stderr() -> Self {
        Self::of(std::io::stderr().is_terminal())
    }

    /// As [`Style::of_stderr`], for standard output.
    pub(super) fn of_stdout() -> Self {
        Self::of(std::io::stdout().is_terminal())
    }

    fn of(terminal: bool) -> Self {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        if terminal && !refused { Self::Colour } else { Self::Plain }
    }

    fn paint(self, code: &str, text: &str) -> String {
        match self {
            Self::Colour => format!("\x1b[{code}m{text}\x1b[0m"),
            Self::Plain => text.to_owned(),
        }
    }

    pub(super) fn red(self, text: &str) -> String {
        self.paint("1;31", text)
    }

    pub(super) fn cyan(self, text: &str) -> String {
        self.paint("1;36", text)
    }

    pub(super) fn green(self, text: &str) -> String {
        self.paint("1;32", text)
    }

    pub(super) fn yellow(self, text: &str) -> String {
        self.paint("1;33", text)
    }

    pub(super) fn dim(self, text: &str) -> String {
        self.paint("2", text)
    }
}

/// Writes to standard error. A closed one is nobody's problem.
pub(super) fn say(text: &str) {
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// Writes one line for people about something that was done, to standard error; nothing with `--quiet`.
pub(super) fn done(global: &Global, text: &str) {
    if !global.quiet {
        say(&format!("{text}\n"));
    }
}

/// Writes data to standard output. A reader that has gone (`| head`) has what it wanted.
pub(super) fn data(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(cause) if cause.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::machine("could not write to standard output", "check whether its disk is full", cause))
        }
        _ => Ok(()),
    }
}

/// Writes a value as JSON to standard output.
pub(super) fn json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).expect("our own types have string keys");
    data(&format!("{text}\n"))
}

/// Lays rows out in columns, two spaces between them, the last one ragged.
pub(super) fn table(header: &[&str], rows: &[Vec<String>], style: Style) -> String {
    let rows: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(|cell| printable(cell)).collect()).collect();
    let widths: Vec<usize> = (0..header.len())
        .map(|column| {
            rows.iter().map(|row| row[column].chars().count()).chain([header[column].len()]).max().unwrap_or(0)
        })
        .collect();
    let line = |cells: &[String]| {
        let mut text = String::new();
        for (cell, width) in cells.iter().zip(&widths) {
            text.push_str(cell);
            text.extend(std::iter::repeat_n(' ', width - cell.chars().count() + 2));
        }
        text.trim_end().to_owned()
    };
    let header: Vec<String> = header.iter().map(|&name| name.to_owned()).collect();
    let mut text = format!("{}\n", style.dim(&line(&header)));
    for row in &rows {
        text.push_str(&line(row));
        text.push('\n');
    }
    text
}

/// Returns a number of bytes as people read it: `68.4 MiB`.
#[must_use]
pub fn size(bytes: u64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB"];
    #[expect(clippy::cast_precision_loss, reason = "one digit after the point is shown")]
    let mut value = bytes as f64;
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut unit = "";
    for next in units {
        if value < 1024.0 {
            break;
        }
        value /= 1024.0;
        unit = next;
    }
    format!("{value:.1} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_readable() {
        for (bytes, expected) in
            [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (71_703_101, "68.4 MiB"), (5 << 40, "5.0 TiB")]
        {
            assert_eq!(size(bytes), expected);
        }
    }

    #[test]
    fn nothing_that_a_terminal_obeys_gets_through() {
        assert_eq!(printable("a\x1b[31mb\r\u{9b}c\nd"), "a\\u{1b}[31mb\\r\\u{9b}c\nd");
    }

    #[test]
    fn columns_line_up() {
        let rows = vec![vec!["go".to_owned(), "1.27.3".to_owned()], vec!["dotnet".to_owned(), "8".to_owned()]];
        assert_eq!(table(&["tool", "version"], &rows, Style::Plain), "tool    version\ngo      1.27.3\ndotnet  8\n");
    }

    #[test]
    fn an_error_shows_its_causes_and_advice() {
        let text = Failure::machine("could not x", "do y", std::io::Error::other("two\nlines")).text(Style::Plain);
        assert_eq!(text, "error: could not x\n  Caused by: two\n             lines\nhint: do y\n");
    }
}
