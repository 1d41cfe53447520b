//! What web pages and word processors do to text: dashes, curly quotes, characters that only look like spaces.

use std::ops::Range;

use super::rules;
use crate::format::Source;
use crate::format::yaml::{Node, Style};
use crate::lint::{Edit, File, Findings};

/// Characters that look like a hyphen: hyphens, dashes, the minus sign.
const DASHES: &[char] = &['\u{2010}', '\u{2011}', '\u{2012}', '–', '—', '\u{2015}', '\u{2212}'];

/// Keys whose value is prose.
const PROSE: &[&str] = &["description", "name", "title", "summary", "message", "when", "displayName", "changelog"];

/// Keys whose values are commands.
const COMMANDS: &[&str] =
    &["commands", "finally", "script", "before_script", "after_script", "run", "command", "entrypoint", "args"];

/// A line of a file that may not be YAML.
pub(super) struct Line {
    /// Its number, from 1.
    pub(super) number: usize,
    /// Its bytes, without the line ending.
    pub(super) span: Range<usize>,
    /// Whether it is part of a `|` or `>` block.
    pub(super) in_block: bool,
}

/// Returns the lines of a text, and whether each is inside a block scalar.
pub(super) fn lines(source: &Source) -> impl Iterator<Item = Line> {
    let mut block = None;
    (1..=source.line_count()).map(move |number| {
        let span = source.range_of(number);
        let text = &source.text[span.clone()];
        let margin = text.len() - text.trim_start_matches(' ').len();
        let blank = text.trim().is_empty();
        let in_block = block.is_some_and(|parent| blank || margin > parent);
        if !in_block && !blank {
            block = opens_block(text).then_some(margin);
        }
        Line { number, span, in_block }
    })
}

fn opens_block(line: &str) -> bool {
    let code = line.split(" #").next().unwrap_or(line).trim_end();
    let header = code.rsplit([' ', ':']).next().unwrap_or_default();
    let (Some(first), rest) = (header.chars().next(), header.get(1..).unwrap_or_default()) else { return false };
    "|>".contains(first)
        && rest.chars().all(|c| c == '+' || c == '-' || c.is_ascii_digit())
        && code.trim_start().len() > header.len()
}

/// Finds, in a file that is not YAML, possible causes with one clear replacement: dashes as list markers, curly quotes
/// around a value, other characters than spaces in the indentation. Reports them and returns the replacements.
pub(super) fn causes(source: &Source, findings: &mut Findings) -> Vec<Edit> {
    let mut edits = Vec::new();
    for line in lines(source).filter(|line| !line.in_block) {
        let text = &source.text[line.span.clone()];
        if text.is_ascii() || text.trim_start().starts_with('#') {
            continue;
        }
        let margin = text.len() - text.trim_start().len();
        for (at, odd) in text[..margin].char_indices().filter(|(_, c)| !c.is_ascii()) {
            let span = line.span.start + at..line.span.start + at + odd.len_utf8();
            let edit = Edit { span: span.clone(), text: " ".to_owned() };
            findings.report(&rules::INVISIBLE, span, invisible_message(odd)).fix.push(edit.clone());
            edits.push(edit);
        }
        let start = line.span.start + margin;
        edits.extend(list_dash(source, start..line.span.end, findings));
        edits.extend(quoted_value(source, start..line.span.end, findings));
    }
    edits
}

/// Reports options and quotes line by line, for files that no replacement makes valid YAML.
pub(super) fn by_lines(source: &Source, findings: &mut Findings) {
    for line in lines(source) {
        let text = &source.text[line.span.clone()];
        if !text.is_ascii() && !text.trim_start().starts_with('#') {
            odd_characters(source, line.span.clone(), findings);
            for command in commands(text) {
                options(source, line.span.start + command.start..line.span.start + command.end, findings);
            }
        }
    }
}

/// Finds pasted characters in a file that is YAML.
pub(super) fn check(file: &File<'_>, findings: &mut Findings) {
    if file.source.text.is_ascii() {
        return;
    }
    for comment in &file.tree.comments {
        directions(file.source, comment.span.clone(), findings);
    }
    for document in &file.tree.documents {
        walk(file.source, document, Context::default(), findings);
    }
}

/// Where a text is in the tree.
#[derive(Debug, Clone, Copy, Default)]
struct Context {
    prose: bool,
    command: bool,
    key: bool,
}

fn walk(source: &Source, node: &Node, context: Context, findings: &mut Findings) {
    if node.alias || source.text.get(node.span.clone()).is_none_or(str::is_ascii) {
        return;
    }
    for item in node.items().unwrap_or_default() {
        walk(source, item, context, findings);
    }
    for entry in node.entries().unwrap_or_default() {
        walk(source, &entry.key, Context { key: true, ..context }, findings);
        let key = entry.key.text().unwrap_or_default();
        let inner = Context { prose: PROSE.contains(&key), command: COMMANDS.contains(&key), key: false };
        let kept = Context { command: inner.command || (context.command && entry.value.text().is_none()), ..inner };
        walk(source, &entry.value, kept, findings);
    }
    if node.text().is_some() {
        scalar(source, node, context, findings);
    }
}

fn scalar(source: &Source, node: &Node, context: Context, findings: &mut Findings) {
    let plain = node.is_plain();
    if plain && quoted_value(source, node.span.clone(), findings).is_empty() && context.key {
        return odd_characters(source, node.span.clone(), findings);
    }
    odd_characters(source, node.span.clone(), findings);
    let mut start = node.span.start;
    for piece in source.text[node.span.clone()].split_inclusive('\n') {
        let line = start..start + piece.trim_end().len();
        start += piece.len();
        let text = &source.text[line.clone()];
        if text.is_ascii() || text.trim_start().starts_with('#') {
            continue;
        }
        let begin = line.start + (text.len() - text.trim_start().len());
        if plain && starts_its_line(source, begin) {
            list_dash(source, begin..line.end, findings);
        }
        if !context.prose {
            for command in commands(text) {
                options(source, line.start + command.start..line.start + command.end, findings);
            }
        }
        if context.command && !is_prose(text) {
            quotes(source, line, node.style(), findings);
        }
    }
}

fn starts_its_line(source: &Source, offset: usize) -> bool {
    let before = &source.text[..offset];
    before[before.rfind('\n').map_or(0, |end| end + 1)..].trim().is_empty()
}

/// Splits a line at unquoted `|`, `;` and `&`, and returns the parts that do more than print: a command that follows
/// `echo "$SECRET" |` is a command like any other.
fn commands(line: &str) -> Vec<Range<usize>> {
    let (mut quote, mut start, mut parts) = (None, 0, Vec::new());
    for (at, c) in line.char_indices() {
        match c {
            '"' | '\'' if quote.is_none() => quote = Some(c),
            c if quote == Some(c) => quote = None,
            '|' | ';' | '&' if quote.is_none() => {
                parts.push(start..at);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(start..line.len());
    // With an unclosed quote nothing is certain: the line is treated as one part.
    if quote.is_some() {
        parts = std::iter::once(0..line.len()).collect();
    }
    parts.retain(|part| !is_prose(&line[part.clone()]));
    parts
}

/// Returns true if a command only prints text for people.
fn is_prose(command: &str) -> bool {
    let command = command.trim_start_matches([' ', '\t', '-', '"', '\'', '@']);
    let command = command.trim_start_matches(DASHES).trim_start();
    let first = command.split([' ', '\u{a0}']).next().unwrap_or_default();
    matches!(first, "echo" | "printf" | "print" | "Write-Host" | "Write-Output" | ":" | "#")
}

fn list_dash(source: &Source, line: Range<usize>, findings: &mut Findings) -> Option<Edit> {
    let text = &source.text[line.clone()];
    let dash = text.chars().next().filter(|c| DASHES.contains(c))?;
    let rest = &text[dash.len_utf8()..];
    if !rest.starts_with([' ', '\u{a0}']) {
        return None;
    }
    let space = rest.chars().next().map_or(0, char::len_utf8);
    let span = line.start..line.start + dash.len_utf8();
    let edit = Edit { span: span.start..span.end + space, text: "- ".to_owned() };
    let message = format!("`{dash}` ({}) is not a list marker; write `-`", name(dash));
    findings.report(&rules::LIST_DASH, span, message).fix.push(edit.clone());
    Some(edit)
}

/// Finds a value that is enclosed in curly quotes.
fn quoted_value(source: &Source, line: Range<usize>, findings: &mut Findings) -> Vec<Edit> {
    let text = &source.text[line.clone()];
    let start = if is_curly(text.chars().next()) { 0 } else { value_start(text) };
    let value = text[start..].trim_end();
    let (Some(first), Some(last)) = (value.chars().next(), value.chars().next_back()) else { return Vec::new() };
    let Some(straight) = straight(first).filter(|_| straight(last) == straight(first)) else { return Vec::new() };
    if value.len() < first.len_utf8() + last.len_utf8() {
        return Vec::new();
    }
    let inner = &value[first.len_utf8()..value.len() - last.len_utf8()];
    if inner.contains([straight, '\\', '\n']) || inner.chars().any(|c| straight_of_pair(c) == Some(straight)) {
        return Vec::new();
    }
    let begin = line.start + start;
    let end = begin + value.len();
    let edits = vec![
        Edit { span: begin..begin + first.len_utf8(), text: straight.to_string() },
        Edit { span: end - last.len_utf8()..end, text: straight.to_string() },
    ];
    let message = format!("`{first}` and `{last}` do not quote the value but become part of it; write `{straight}`");
    findings.report(&rules::CURLY_QUOTE, begin..end, message).fix.clone_from(&edits);
    edits
}

/// Returns the offset of the value in a `- key: value` line.
fn value_start(line: &str) -> usize {
    let dash = if line.starts_with("- ") { 2 } else { 0 };
    let behind_key = line.find(": ").map_or(dash, |colon| colon + 2);
    let skip = |from: usize| from + (line[from..].len() - line[from..].trim_start().len());
    if is_curly(line[skip(dash)..].chars().next()) { skip(dash) } else { skip(behind_key) }
}

fn is_curly(c: Option<char>) -> bool {
    c.and_then(straight).is_some()
}

fn straight(c: char) -> Option<char> {
    match c {
        '“' | '”' | '„' | '\u{201f}' => Some('"'),
        '‘' | '’' | '‚' | '\u{201b}' => Some('\''),
        _ => None,
    }
}

/// Like [`straight`], except for the apostrophe, which occurs alone within words.
fn straight_of_pair(c: char) -> Option<char> {
    straight(c).filter(|_| c != '’')
}

/// Finds options whose hyphens became a dash: after a space or quote, before a letter.
fn options(source: &Source, line: Range<usize>, findings: &mut Findings) {
    let text = &source.text[line.clone()];
    for (at, dash) in text.char_indices().filter(|(_, c)| DASHES.contains(c)) {
        let before = text[..at].chars().next_back();
        if before.is_some_and(|c| !matches!(c, ' ' | '\t' | '"' | '\'' | '=' | '(' | '\u{a0}')) {
            continue;
        }
        let run: String = text[at..].chars().take_while(|c| *c == '-' || DASHES.contains(c)).collect();
        let word: String =
            text[at + run.len()..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
        if word.is_empty() || word.starts_with(|c: char| c.is_ascii_digit()) {
            continue;
        }
        let span = line.start + at..line.start + at + run.len();
        let hyphens = if word.len() == 1 { "-" } else { "--" };
        let message = format!("`{run}{word}` begins with {}, not with a hyphen; write `{hyphens}{word}`", name(dash));
        let finding = findings.report(&rules::OPTION_DASH, span.start..span.end + word.len(), message);
        // PowerShell's `-Name` has one hyphen, and it accepts a dash as a hyphen: no replacement is safe.
        if word.starts_with(|c: char| c.is_ascii_lowercase()) {
            finding.fix(span, hyphens);
        }
    }
}

/// Finds curly quotes that are used as shell quotes, outside straight quotes.
fn quotes(source: &Source, line: Range<usize>, style: Style, findings: &mut Findings) {
    let text = &source.text[line.clone()];
    let body = if matches!(style, Style::Single | Style::Double) { text.trim_matches(['"', '\'']) } else { text };
    let shift = body.as_ptr() as usize - text.as_ptr() as usize;
    let (mut inside, mut found) = (None, Vec::new());
    let mut before = ' ';
    for (at, c) in body.char_indices() {
        match inside {
            Some(open) if c == open => inside = None,
            None if (c == '"' || c == '\'') && before != '\\' => inside = Some(c),
            None if straight(c).is_some() => {
                let next = body[at + c.len_utf8()..].chars().next();
                let apostrophe = c == '’' && before.is_alphanumeric() && next.is_some_and(char::is_alphanumeric);
                if !apostrophe {
                    found.push((line.start + shift + at, c));
                }
            }
            _ => {}
        }
        before = c;
    }
    let Some(((first, c), (last, end))) = found.first().zip(found.last()) else { return };
    let span = *first..last + end.len_utf8();
    if findings.has(&rules::CURLY_QUOTE, span.start) {
        return;
    }
    let written = straight(*c).unwrap_or('"');
    let message = format!("the shell reads `{c}` as a letter, not as a quote; write `{written}`");
    let edits: Vec<Edit> = found
        .iter()
        .filter_map(|(at, c)| Some(Edit { span: *at..at + c.len_utf8(), text: straight(*c)?.to_string() }))
        .collect();
    let pairs = |quote: &str| edits.iter().filter(|edit| edit.text == quote).count() % 2 == 0;
    let begins = shift == 0 && is_curly(body.chars().next());
    let escapes = match style {
        Style::Double => edits.iter().any(|edit| edit.text == "\""),
        Style::Single => edits.iter().any(|edit| edit.text == "'"),
        Style::Plain => begins || source.text[span.clone()].contains([':', '#']),
        _ => false,
    };
    let finding = findings.report(&rules::CURLY_QUOTE, span, message);
    if pairs("\"") && pairs("'") && !escapes {
        finding.fix = edits;
    }
}

/// Finds unusual spaces and invisible characters.
fn odd_characters(source: &Source, span: Range<usize>, findings: &mut Findings) {
    directions(source, span.clone(), findings);
    let text = &source.text[span.clone()];
    if text.is_ascii() {
        return;
    }
    let mut before = ' ';
    let (mut line, mut for_people) = (0, None);
    for (at, c) in text.char_indices() {
        let next = text[at + c.len_utf8()..].chars().next().unwrap_or(' ');
        let odd = match c {
            '\n' => {
                (line, for_people) = (at + 1, None);
                false
            }
            '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => true,
            '\u{ad}' | '\u{200b}' | '\u{2060}' | '\u{feff}' => true,
            // Joiners and direction marks belong to emoji and to scripts other than Latin.
            '\u{200c}' | '\u{200d}' | '\u{200e}' | '\u{200f}' | '\u{61c}' => before.is_ascii() && next.is_ascii(),
            _ => false,
        };
        before = c;
        if !odd || *for_people.get_or_insert_with(|| is_for_people(&text[line..at])) {
            continue;
        }
        let place = span.start + at..span.start + at + c.len_utf8();
        let finding = findings.report(&rules::INVISIBLE, place.clone(), invisible_message(c));
        finding.fix(place, if is_space(c) { " " } else { "" });
    }
}

/// Returns true if the beginning of a line shows that the rest is not executed.
fn is_for_people(line: &str) -> bool {
    is_prose(line) || line.trim_start().starts_with('#')
}

fn directions(source: &Source, span: Range<usize>, findings: &mut Findings) {
    let text = source.text.get(span.clone()).unwrap_or_default();
    for (at, c) in text.char_indices().filter(|(_, c)| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')) {
        let place = span.start + at..span.start + at + c.len_utf8();
        let message =
            format!("U+{:04X} changes the direction of the text: what people read here is not what runs", c as u32);
        findings.report(&rules::DIRECTION, place, message);
    }
}

fn invisible_message(c: char) -> String {
    let what = if is_space(c) { "looks like a space but does not separate words" } else { "is invisible" };
    format!("U+{:04X} ({}) {what}", c as u32, name(c))
}

fn is_space(c: char) -> bool {
    c.is_whitespace()
}

/// Returns the Unicode name of a character that people mistake for another.
fn name(c: char) -> &'static str {
    match c {
        '\u{2010}' => "a typographic hyphen",
        '\u{2011}' => "a no-break hyphen",
        '\u{2012}' => "a figure dash",
        '–' => "an en dash",
        '—' => "an em dash",
        '\u{2015}' => "a horizontal bar",
        '\u{2212}' => "a minus sign",
        '\u{a0}' => "a no-break space",
        '\u{202f}' => "a narrow no-break space",
        '\u{3000}' => "an ideographic space",
        '\u{ad}' => "a soft hyphen",
        '\u{200b}' => "a zero-width space",
        '\u{200c}' => "a zero-width non-joiner",
        '\u{200d}' => "a zero-width joiner",
        '\u{200e}' | '\u{200f}' | '\u{61c}' => "a direction mark",
        '\u{2060}' => "a word joiner",
        '\u{feff}' => "a byte order mark",
        _ => "another space",
    }
}
