//! What people and programs see: errors with causes and advice, tables, JSON, sizes.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::io::Write;
use std::process::ExitCode;

use clap::ColorChoice;
use serde::Serialize;
use unicode_width::UnicodeWidthStr;

use super::Global;
use super::styled::{Styled, cyan, dim, red};
use crate::model::{Explain, Kind};
use crate::text;

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
    /// Describes what is wrong with what was typed.
    pub(super) fn usage(what: impl Into<String>) -> Self {
        Mistake { what: what.into(), kind: Kind::Usage, hint: None, source: None }.into()
    }

    /// Describes what is wrong with what was typed, and what would be right.
    pub(super) fn usage_with_hint(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Mistake { what: what.into(), kind: Kind::Usage, hint: Some(hint.into()), source: None }.into()
    }

    /// Describes what this machine refused.
    pub(super) fn machine(what: impl Into<String>, hint: impl Into<String>, source: std::io::Error) -> Self {
        Mistake { what: what.into(), kind: Kind::Machine, hint: Some(hint.into()), source: Some(source) }.into()
    }

    /// The person or the system asked to stop, and everything unfinished was cleaned up.
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
    pub fn text(&self) -> Styled {
        explain(&*self.0)
    }

    /// Returns the exit code.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        self.0.kind().exit_code()
    }
}

/// Renders an error as people see it.
#[must_use]
pub fn explain(error: &dyn Explain) -> Styled {
    let mut text = red("error:") + " " + indented(&error.to_string(), "       ") + "\n";
    let mut cause = error.source();
    while let Some(error) = cause {
        text = text + "  Caused by: " + indented(&error.to_string(), "             ") + "\n";
        cause = StdError::source(error);
    }
    for hint in error.hints() {
        text = text + cyan("hint:") + " " + indented(&hint, "      ") + "\n";
    }
    text
}

fn indented(text: &str, margin: &str) -> Styled {
    Styled::from(text.trim_end()).indented(margin)
}

/// Prints a failure to standard error and returns its exit code.
pub(super) fn failure(failure: &Failure) -> ExitCode {
    say(failure.text());
    ExitCode::from(failure.exit_code())
}

/// Switches colour on or off for all that is printed from now on; `auto` leaves that to the terminal, `NO_COLOR`
/// (<https://no-color.org>), `CLICOLOR` and `CLICOLOR_FORCE` (<https://bixense.com/clicolors/>).
pub(super) fn use_colour(when: ColorChoice) {
    match when {
        ColorChoice::Auto => anstream::ColorChoice::Auto,
        ColorChoice::Always => anstream::ColorChoice::Always,
        ColorChoice::Never => anstream::ColorChoice::Never,
    }
    .write_global();
}

/// Returns true if colour is on for standard error.
pub(super) fn is_coloured() -> bool {
    anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never
}

/// Writes to standard error, escaped. A closed one is nobody's problem.
pub(super) fn say(text: impl Into<Styled>) {
    let _ = anstream::stderr().write_all(text.into().ansi().as_bytes());
}

/// Writes one line for people about something that was done, to standard error; nothing with `--quiet`.
pub(super) fn done(global: &Global, text: impl Into<Styled>) {
    if !global.quiet {
        say(text.into() + "\n");
    }
}

/// Writes data to standard output, escaped. A reader that has gone (`| head`) has what it wanted.
pub(super) fn data(text: impl Into<Styled>) -> Result<(), Failure> {
    written(anstream::stdout().lock(), text.into().ansi().as_bytes())
}

/// Writes data to standard output as it is: for programs that read every byte, such as a shell that evaluates it or a file
/// that it becomes. Everything else goes through [`data`].
pub(super) fn raw(bytes: impl AsRef<[u8]>) -> Result<(), Failure> {
    written(std::io::stdout().lock(), bytes.as_ref())
}

fn written(mut out: impl Write, bytes: &[u8]) -> Result<(), Failure> {
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(cause) if cause.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::machine("could not write to standard output", "check whether its disk is full", cause))
        }
        _ => Ok(()),
    }
}

/// Writes a value as JSON to standard output, with escapes of JSON for what a terminal would obey.
pub(super) fn json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).expect("our own types have string keys");
    raw(format!("{}\n", text::escape_json(&text)))
}

/// Writes a value as JSON on one line, as [`json`] does.
#[cfg(feature = "aws")] // only `build follow` prints line by line
pub(super) fn json_line(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string(value).expect("our own types have string keys");
    raw(format!("{}\n", text::escape_json(&text)))
}

/// Lays rows out in columns, two spaces between them, the last one ragged.
pub(super) fn table(header: &[&str], rows: &[Vec<String>]) -> Styled {
    let rows: Vec<Vec<Cow<'_, str>>> =
        rows.iter().map(|row| row.iter().map(|cell| text::escape_line(cell)).collect()).collect();
    let widths: Vec<usize> = (0..header.len())
        .map(|column| rows.iter().map(|row| row[column].width()).chain([header[column].width()]).max().unwrap_or(0))
        .collect();
    let line = |cells: &[Cow<'_, str>]| {
        let mut text = String::new();
        for (cell, width) in cells.iter().zip(&widths) {
            text.push_str(cell);
            text.extend(std::iter::repeat_n(' ', width - cell.width() + 2));
        }
        text.trim_end().to_owned()
    };
    let header: Vec<Cow<'_, str>> = header.iter().map(|&name| name.into()).collect();
    let mut text = dim(line(&header)) + "\n";
    for row in &rows {
        text.push(line(row) + "\n");
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
    fn columns_line_up() {
        let rows = vec![vec!["go".to_owned(), "1.27.3".to_owned()], vec!["dotnet".to_owned(), "8".to_owned()]];
        assert_eq!(table(&["tool", "version"], &rows).plain(), "tool    version\ngo      1.27.3\ndotnet  8\n");
        let rows = vec![vec!["日本".to_owned(), "1".to_owned()], vec!["a\nb".to_owned(), "2".to_owned()]];
        assert_eq!(table(&["tool", "n"], &rows).plain(), "tool  n\n日本  1\na\\nb  2\n");
    }

    #[test]
    fn an_error_shows_its_causes_and_advice() {
        let text = Failure::machine("could not x", "do y", std::io::Error::other("two\nlines")).text().plain();
        assert_eq!(text, "error: could not x\n  Caused by: two\n             lines\nhint: do y\n");
    }
}
