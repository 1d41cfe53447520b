//! Findings for people: the source line, with a caret below the finding.

use unicode_width::UnicodeWidthChar;

use super::{Checked, service};
use crate::cli::styled::{Styled, cyan, dim, red, yellow};
use crate::lint::{Finding, Level};
use crate::text::{escape_line, is_unsafe, is_unusual_space};

/// How many columns of a source line are shown.
const WIDEST: usize = 110;

/// How many columns before the location are kept if a line is cut.
const BEFORE: usize = 50;

/// Renders all findings.
pub(super) fn report(checked: &[Checked]) -> Styled {
    let mut text = Styled::default();
    for file in checked {
        for finding in &file.findings {
            one(file, finding, &mut text);
        }
    }
    text
}

/// Colours a text by level.
pub(super) fn paint(level: Level, text: &str) -> Styled {
    match level {
        Level::Error => red(text),
        Level::Warning => yellow(text),
        Level::Note => cyan(text),
    }
}

fn one(file: &Checked, finding: &Finding, text: &mut Styled) {
    let rule = finding.rule;
    let head = paint(finding.level, &format!("{}[{}]:", finding.level.as_str(), rule.id));
    let (line, column) = (finding.start.line, finding.start.column);
    text.push(head + format!(" {}\n", finding.message));
    let margin = " ".repeat(line.to_string().len());
    text.push(Styled::from(margin.clone()) + dim("-->") + format!(" {}:{line}:{column}\n", escape_line(&file.path)));
    if let Some(source) = &file.source {
        let shown = source.line(line);
        let last = if finding.end.line == line { finding.end.column } else { usize::MAX };
        let (shown, before, width) = cut(shown, column, last);
        let caret = paint(finding.level, &"^".repeat(width));
        let (margin, bar) = (format!("{margin} "), dim("|"));
        text.push(Styled::from(&margin) + bar.clone() + "\n");
        text.push(dim(line.to_string()) + " " + bar.clone() + format!(" {shown}\n"));
        text.push(Styled::from(margin) + bar + format!(" {}", " ".repeat(before)) + caret + "\n");
    }
    let mark = Styled::from(format!("{margin} ")) + dim("=");
    if let Some(message) = &finding.service_says {
        text.push(mark.clone() + format!(" {} says: {}\n", service(file.target), message.replace('\n', " ")));
    }
    let fix = if finding.fix.is_empty() { "" } else { "; `--fix` fixes it" };
    text.push(mark + format!(" help: toolkit lint --explain {}{fix}\n\n", rule.id));
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

/// Returns a character as it is shown, and the columns that it takes. What cannot be seen, or would be obeyed, is spelled
/// out, and so are spaces that look like the usual one: they may be the mistake.
fn visible(c: char) -> (String, usize) {
    match c {
        '\t' => ("    ".to_owned(), 4),
        c if is_unsafe(c) || is_unusual_space(c) => {
            let spelled = c.escape_unicode().to_string();
            let wide = spelled.len();
            (spelled, wide)
        }
        c => (c.to_string(), c.width().unwrap_or_default()),
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
