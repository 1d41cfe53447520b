//! The log of a build, in CodeBuild's format.

use std::io::Write;
use std::time::Instant;

use jiff::Timestamp;

use crate::text::{escape_except_tabs, escape_line};

/// The shortest secret that is masked: masking `1` would hide half the log.
const SHORTEST_SECRET: usize = 4;

/// Writes the log of a build. Errors of the output are ignored.
pub struct Log {
    out: Box<dyn Write>,
    start: Timestamp,
    since: Instant,
    masked: Vec<String>,
    prefix: String,
}

impl std::fmt::Debug for Log {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Log").finish_non_exhaustive()
    }
}

impl Log {
    /// Writes to `out`. `now` is the time of this call.
    #[must_use]
    pub fn new(out: Box<dyn Write>, now: Timestamp) -> Self {
        Self { out, start: now, since: Instant::now(), masked: Vec::new(), prefix: String::new() }
    }

    /// Masks these values from now on, as CodeBuild masks secrets.
    pub(super) fn mask<'a>(&mut self, values: impl Iterator<Item = &'a str>) {
        let parts = values.flat_map(str::lines).map(str::trim).filter(|part| part.len() >= SHORTEST_SECRET);
        self.masked.extend(parts.map(str::to_owned));
        // The longest first, so that a secret that is part of another one does not leave the rest.
        self.masked.sort_by_key(|part| std::cmp::Reverse(part.len()));
        self.masked.dedup();
    }

    /// Returns the values that are masked.
    pub(super) fn masked(&self) -> &[String] {
        &self.masked
    }

    /// Returns a text with the masked values hidden.
    pub(super) fn hide(&self, text: &str) -> String {
        self.masked.iter().fold(text.to_owned(), |text, secret| text.replace(secret, "***"))
    }

    /// Prefixes each line with the name of the build from now on.
    pub(super) fn of_build(&mut self, identifier: Option<&str>) {
        self.prefix = identifier.map(|name| format!("[{}] ", escape_line(name))).unwrap_or_default();
    }

    /// Writes a line in the format of CodeBuild's agent. It may quote the buildspec, so it is escaped.
    pub(super) fn say(&mut self, text: &str) {
        let passed = i64::try_from(self.since.elapsed().as_micros()).unwrap_or(i64::MAX);
        let now = self.start.checked_add(jiff::SignedDuration::from_micros(passed)).unwrap_or(self.start);
        let text = escape_except_tabs(text);
        let line = format!("[Container] {} {text}", now.strftime("%Y/%m/%d %H:%M:%S%.6f"));
        self.line(&line);
    }

    /// Writes a note that CodeBuild would not write.
    pub fn note(&mut self, text: &str) {
        self.say(&format!("Note: {text}"));
    }

    /// Writes a line of a command's output, byte by byte as in a shell.
    pub(super) fn output(&mut self, line: &[u8]) {
        if self.masked.is_empty() {
            let _ = self.out.write_all(self.prefix.as_bytes());
            let _ = self.out.write_all(line);
            let _ = self.out.write_all(b"\n").and_then(|()| self.out.flush());
        } else {
            self.line(&String::from_utf8_lossy(line));
        }
    }

    /// Writes an empty line.
    pub(super) fn space(&mut self) {
        self.line("");
    }

    fn line(&mut self, line: &str) {
        let text = format!("{}{}\n", self.prefix, self.hide(line));
        let _ = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush());
    }
}
