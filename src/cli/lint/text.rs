//! Findings for people: the source line, with a caret below the finding.

use super::{Checked, service};
use crate::cli::render::{Style, printable};
use crate::lint::{Finding, Level};

/// How many columns of a source line are shown.
const WIDEST: usize = 110;

/// How many columns before the location are kept if a line is cut.
const BEFORE: usize = 50;

/// Renders all findings.
pub(super) fn report(checked: &[Checked], style: Style) -> String {
    let mut text = String::new();
    for file in checked {
        for finding in &file.findings {
            one(file, finding, style, &mut text);
        }
    }
    text
}

/// Colours a text by level.
pub(super) fn paint(level: Level, style: Style, text: &str) -> String {
    match level {
        Level::Error => style.red(text),
        Level::Warning => style.yellow(text),
        Level::Note => style.cyan(text),
    }
}

fn one(file: &Checked, finding: &Finding, style: Style, text: &mut String) {
    let rule = finding.rule;
    let head = paint(rule.level, style, &format!("{}[{}]:", rule.level.as_str(), rule.id));
    let (line, column) = (finding.start.line, finding.start.column);
    text.push_str(&format!("{head} {}\n", printable(&finding.message)));
    let margin = " ".repeat(line.to_string().len());
    text.push_str(&format!("{margin}{} {}:{line}:{column}\n", style.dim("-->"), printable(&file.path)));
    if let Some(source) = &file.source {
        let shown = source.line(line);
        let last = if finding.end.line == line { finding.end.column } else { usize::MAX };
        let (shown, before, width) = cut(shown, column, last);
        let caret = paint(rule.level, style, &"^".repeat(width));
        let bar = style.dim("|");
        text.push_str(&format!("{margin} {bar}\n{} {bar} {shown}\n", style.dim(&line.to_string())));
        text.push_str(&format!("{margin} {bar} {}{caret}\n", " ".repeat(before)));
    }
    let mark = style.dim("=");
    if let Some(said) = &finding.service_says {
        text.push_str(&format!(
            "{margin} {mark} {} says: {}\n",
            service(file.target),
            printable(said).replace('\n', " ")
        ));
    }
    let fix = if finding.fix.is_empty() { "" } else { "; `--fix` fixes it" };
    text.push_str(&format!("{margin} {mark} help: toolkit lint --explain {}{fix}\n\n", rule.id));
}

/// Returns the part of a line that is shown, the columns before the finding in it, and the columns of the finding.
fn cut(line: &str, column: usize, last: usize) -> (String, usize, usize) {
    // The rest of the line is never read: lines can have megabytes.
    let from = column.saturating_sub(BEFORE + 1);
    let (mut shown, mut before, mut width) = (String::new(), 0, 0);
    let mut columns = 0;
    let mut whole = true;
    if from > 0 {
        shown.push('…');
        columns += 1;
        before += 1;
    }
    for (index, c) in line.chars().enumerate().skip(from) {
        let (piece, wide) = visible(c);
        if columns + wide > WIDEST {
            whole = false;
            break;
        }
        if index + 1 < column {
            before += wide;
        } else if index + 1 < last {
            width += wide;
        }
        columns += wide;
        shown.push_str(&piece);
    }
    if !whole {
        shown.push('…');
    }
    (shown.trim_end().to_owned(), before, width.max(1))
}

/// Returns a character as it is shown, and the columns that it takes. What cannot be seen, or would be obeyed, is
/// spelled.
fn visible(c: char) -> (String, usize) {
    let unseen = matches!(c, '\u{a0}' | '\u{ad}' | '\u{2000}'..='\u{200f}' | '\u{2028}'..='\u{202f}' | '\u{205f}'..='\u{206f}'
        | '\u{3000}' | '\u{feff}');
    match c {
        '\t' => ("    ".to_owned(), 4),
        c if unseen || printable(c.encode_utf8(&mut [0; 4])).len() > c.len_utf8() => {
            let spelled = c.escape_unicode().to_string();
            let wide = spelled.len();
            (spelled, wide)
        }
        c => (c.to_string(), columns(c)),
    }
}

/// Counts the columns of a character on a terminal: wide ones of East Asia and emoji take two, accents none
/// (<https://www.unicode.org/reports/tr11/>).
fn columns(c: char) -> usize {
    match u32::from(c) {
        0x300..=0x36f | 0x1ab0..=0x1aff | 0x20d0..=0x20ff | 0xfe00..=0xfe0f => 0,
        0x1100..=0x115f | 0x2e80..=0x303e | 0x3041..=0xa4cf | 0xac00..=0xd7a3 | 0xf900..=0xfaff => 2,
        0xfe30..=0xfe6f | 0xff00..=0xff60 | 0xffe0..=0xffe6 | 0x1f300..=0x1f64f | 0x1f680..=0x1f6ff => 2,
        0x1f900..=0x1f9ff | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caret_is_below_the_finding() {
        for (line, column, last, expected) in [
            ("a: b", 4, 5, ("a: b", 3, 1)),
            ("\ta: b", 5, 6, ("    a: b", 7, 1)),
            ("日本: b", 5, 6, ("日本: b", 6, 1)),
            ("e\u{301}: b", 5, 6, ("e\u{301}: b", 3, 1)),
            ("a\u{202e}b", 2, 3, ("a\\u{202e}b", 1, 8)),
            ("a\u{a0}b", 3, 4, ("a\\u{a0}b", 7, 1)),
            ("abc", 9, 9, ("abc", 3, 1)),
            ("", 1, 1, ("", 0, 1)),
            ("a: bcd", 4, usize::MAX, ("a: bcd", 3, 3)),
        ] {
            let (shown, before, width) = cut(line, column, last);
            assert_eq!((shown.as_str(), before, width), expected, "{line}");
        }
    }

    #[test]
    fn a_long_line_is_cut_around_the_finding() {
        let line = format!("{}HERE{}", "x".repeat(100_000), "y".repeat(100_000));
        let (shown, before, width) = cut(&line, 100_001, 100_005);
        assert!(shown.chars().count() <= WIDEST + 1 && shown.starts_with('…') && shown.ends_with('…'));
        let finding: String = shown.chars().skip(before).take(width).collect();
        assert_eq!(finding, "HERE");
    }
}
