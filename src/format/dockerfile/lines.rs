//! The lines of a Dockerfile as its builder sees them: directives read, comments dropped, continued lines joined,
//! here-documents skipped (<https://docs.docker.com/reference/dockerfile/>).

use std::ops::Range;

use super::Problem;

/// An instruction: its lines joined.
#[derive(Debug)]
pub(super) struct Line {
    /// The text without the continuation characters.
    pub(super) text: String,
    /// Where each part of the text is in the file: offset in `text`, offset in the file.
    parts: Vec<(usize, usize)>,
}

/// A word of an instruction, quotes included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    /// Its range in the line's text.
    pub(super) range: Range<usize>,
}

/// A line of the file: its offset, and its text without the line ending.
#[derive(Clone, Copy)]
struct Raw<'a> {
    start: usize,
    text: &'a str,
}

impl Line {
    /// Returns the location in the file of a part of the text.
    pub(super) fn place(&self, range: &Range<usize>) -> Range<usize> {
        let start = self.offset(range.start);
        let last = range.end.saturating_sub(1).max(range.start);
        start..self.offset(last) + (range.end - last)
    }

    fn offset(&self, at: usize) -> usize {
        let index = self.parts.partition_point(|(inside, _)| *inside <= at).saturating_sub(1);
        self.parts.get(index).map_or(0, |(inside, file)| file + at.saturating_sub(*inside))
    }

    /// Splits the text after `from` into words, as a shell would: quotes and the escape character protect spaces.
    pub(super) fn words(&self, from: usize, escape: char) -> Vec<Piece> {
        let mut words = Vec::new();
        let (mut start, mut quote, mut escaped) = (None, None, false);
        for (at, c) in self.text[from..].char_indices().map(|(at, c)| (from + at, c)) {
            if c.is_whitespace() && quote.is_none() && !escaped {
                words.extend(start.take().map(|start| Piece { range: start..at }));
                continue;
            }
            start.get_or_insert(at);
            match quote {
                _ if escaped => escaped = false,
                _ if c == escape && quote != Some('\'') => escaped = true,
                Some(open) if c == open => quote = None,
                None if c == '"' || c == '\'' => quote = Some(c),
                _ => {}
            }
        }
        words.extend(start.map(|start| Piece { range: start..self.text.len() }));
        words
    }
}

/// Splits a file into its instructions; returns the escape character too.
pub(super) fn split(text: &str, problems: &mut Vec<Problem>) -> (char, Vec<Line>) {
    let mut start = 0;
    let raw: Vec<Raw<'_>> = text
        .split_inclusive('\n')
        .map(|line| {
            let one = Raw { start, text: line.trim_end_matches(['\n', '\r']) };
            start += line.len();
            one
        })
        .collect();
    let escape = escape(&raw, problems);
    let (mut lines, mut at) = (Vec::new(), 0);
    while at < raw.len() {
        let first = raw[at].text.trim_start();
        if first.is_empty() || first.starts_with('#') {
            at += 1;
            continue;
        }
        let line = join(&raw, &mut at, escape);
        for (ends, dashed) in here_documents(&line, escape) {
            let found = raw[at..].iter().position(|raw| {
                let text = if dashed { raw.text.trim_start_matches('\t') } else { raw.text };
                text == ends
            });
            if found.is_none() {
                let message = format!("the here-document is not closed by a line `{ends}`");
                problems.push(Problem { span: line.place(&(0..line.text.len())), message });
            }
            at = found.map_or(raw.len(), |found| at + found + 1);
        }
        lines.push(line);
    }
    (escape, lines)
}

/// Reads the escape character from the directives at the top. The first line that is not a directive ends them; unknown
/// directives are ignored.
fn escape(raw: &[Raw<'_>], problems: &mut Vec<Problem>) -> char {
    for line in raw {
        let Some((name, value)) = directive(line.text) else { break };
        if !name.eq_ignore_ascii_case("escape") {
            continue;
        }
        match value {
            "\\" => return '\\',
            "`" => return '`',
            other => {
                let message = format!("the escape character is \\ or `, not `{other}`");
                problems.push(Problem { span: line.start..line.start + line.text.len(), message });
            }
        }
    }
    '\\'
}

fn directive(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.trim_start().strip_prefix('#')?.split_once('=')?;
    let (name, value) = (name.trim(), value.trim());
    let word = name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(|c| c.is_ascii_alphanumeric());
    (word && !value.is_empty()).then_some((name, value))
}

/// Joins the lines of one instruction. Comments and empty lines between continued lines are not part of it.
fn join(raw: &[Raw<'_>], at: &mut usize, escape: char) -> Line {
    let mut line = Line { text: String::new(), parts: Vec::new() };
    let mut first = true;
    while let Some(one) = raw.get(*at) {
        *at += 1;
        let trimmed = one.text.trim_start();
        if !first && (trimmed.is_empty() || trimmed.starts_with('#')) {
            continue;
        }
        let start = if first { one.start + (one.text.len() - trimmed.len()) } else { one.start };
        let content = if first { trimmed } else { one.text };
        first = false;
        line.parts.push((line.text.len(), start));
        match continued(content, escape) {
            Some(content) => line.text.push_str(content),
            None => {
                line.text.push_str(content);
                break;
            }
        }
    }
    line
}

/// Returns a line that continues on the next one, without its continuation character: one escape character, not two.
fn continued(line: &str, escape: char) -> Option<&str> {
    let before = line.trim_end_matches([' ', '\t']).strip_suffix(escape)?;
    (!before.ends_with(escape)).then_some(before)
}

/// Lists the delimiters of the here-documents that a line opens, and whether leading tabs are dropped.
fn here_documents(line: &Line, escape: char) -> Vec<(String, bool)> {
    let words = line.words(0, escape);
    let word = |at: usize| words.get(at).map_or("", |piece| &line.text[piece.range.clone()]);
    let keyword = if word(0).eq_ignore_ascii_case("ONBUILD") { word(1) } else { word(0) };
    if !["RUN", "COPY", "ADD"].iter().any(|known| known.eq_ignore_ascii_case(keyword)) {
        return Vec::new();
    }
    (1..words.len()).filter_map(|at| here_document(word(at))).collect()
}

fn here_document(word: &str) -> Option<(String, bool)> {
    let rest = word.trim_start_matches(|c: char| c.is_ascii_digit()).strip_prefix("<<")?;
    let (dashed, name) = rest.strip_prefix('-').map_or((false, rest), |name| (true, name));
    let name = name.trim_matches(['"', '\'']);
    (!name.is_empty() && !name.contains('<')).then(|| (name.to_owned(), dashed))
}
