//! The text of one file, with line and column of every offset. Refuses what is not text.

use std::ops::Range;

/// The largest file that is read: far above any pipeline file (GitLab stops at 1 MiB, CodeBuild's API below that), and
/// small enough that a mistake such as `toolkit lint disk.img` ends at once.
pub const LARGEST: usize = 16 * 1024 * 1024;

/// One file.
#[derive(Debug, Clone)]
pub struct Source {
    /// The path as it was typed.
    pub path: String,
    /// The text, without a byte order mark.
    pub text: String,
    /// The byte offset at which each line begins.
    lines: Vec<usize>,
}

/// A position in a file, for people: both count from 1, and columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

/// Why bytes are not text that a YAML parser accepts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// More than [`LARGEST`].
    #[error("the file has {size} bytes, more than the limit of {LARGEST}; is it a pipeline file?")]
    TooLarge {
        /// Its size in bytes.
        size: u64,
    },
    /// UTF-16 or UTF-32.
    #[error("the file is {encoding}, but CodeBuild and GitLab read UTF-8; save it as UTF-8")]
    Encoding {
        /// What it is.
        encoding: &'static str,
    },
    /// Not text.
    #[error("the file is not text: byte 0x{byte:02x} at offset {offset}")]
    Binary {
        /// The first byte that is not text.
        byte: u8,
        /// Its offset, from 0.
        offset: usize,
        /// The same as line and column.
        position: Position,
    },
}

impl Unreadable {
    /// Returns where the file stops being readable.
    #[must_use]
    pub fn position(&self) -> Position {
        match self {
            Self::Binary { position, .. } => *position,
            _ => Position { line: 1, column: 1 },
        }
    }
}

impl Source {
    /// Creates a source from the bytes of a file.
    ///
    /// # Errors
    /// If they are not UTF-8 text, or too many.
    pub fn decode(path: impl Into<String>, bytes: Vec<u8>) -> Result<Self, Unreadable> {
        if bytes.len() > LARGEST {
            return Err(Unreadable::TooLarge { size: bytes.len() as u64 });
        }
        if let Some(encoding) = wide(&bytes) {
            return Err(Unreadable::Encoding { encoding });
        }
        let text = String::from_utf8(bytes).map_err(|cause| {
            let end = cause.utf8_error().valid_up_to();
            let zero = cause.as_bytes()[..end].iter().position(|byte| *byte == 0);
            binary(cause.as_bytes(), zero.unwrap_or(end))
        })?;
        if let Some(offset) = text.bytes().position(|byte| byte == 0) {
            return Err(binary(text.as_bytes(), offset));
        }
        Ok(Self::new(path, text))
    }

    /// Creates a source from a text.
    #[must_use]
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        let mut text = text.into();
        if text.starts_with('\u{feff}') {
            text.drain(..'\u{feff}'.len_utf8());
        }
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(offset, _)| offset + 1)).collect();
        Self { path: path.into(), text, lines }
    }

    /// Returns the line and column of a byte offset; the end of the text for anything beyond it.
    #[must_use]
    pub fn position(&self, offset: usize) -> Position {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        let line = self.lines.partition_point(|start| *start <= offset);
        let column = self.text[self.lines[line - 1]..offset].chars().count() + 1;
        Position { line, column }
    }

    /// Returns the line of a byte offset.
    #[must_use]
    pub fn line_of(&self, offset: usize) -> usize {
        self.lines.partition_point(|start| *start <= offset.min(self.text.len()))
    }

    /// Returns the positions of many byte offsets. Reads no part of a long line twice if the offsets are in order.
    #[must_use]
    pub fn positions(&self, offsets: impl Iterator<Item = usize>) -> Vec<Position> {
        let mut last = (0, Position { line: 1, column: 1 });
        let step = |offset: usize| {
            let line = self.line_of(offset);
            let near = line == last.1.line && offset >= last.0 && offset <= self.text.len();
            let position = match self.text.get(last.0..offset).filter(|_| near) {
                Some(between) => Position { line, column: last.1.column + between.chars().count() },
                None => self.position(offset),
            };
            if self.text.is_char_boundary(offset) {
                last = (offset, position);
            }
            position
        };
        offsets.map(step).collect()
    }

    /// Returns the byte offset of a line and column; the end of the line for a column beyond it.
    #[must_use]
    pub fn offset(&self, position: Position) -> usize {
        let range = self.range_of(position.line);
        let ahead = position.column.saturating_sub(1);
        self.text[range.clone()].char_indices().nth(ahead).map_or(range.end, |(at, _)| range.start + at)
    }

    /// Returns the text of a line (from 1), without its line ending.
    #[must_use]
    pub fn line(&self, line: usize) -> &str {
        self.text.get(self.range_of(line)).unwrap_or_default()
    }

    /// Returns the bytes of a line (from 1), without its line ending; empty for a line that does not exist.
    #[must_use]
    pub fn range_of(&self, line: usize) -> Range<usize> {
        let Some(start) = line.checked_sub(1).and_then(|index| self.lines.get(index)).copied() else {
            return self.text.len()..self.text.len();
        };
        let end = self.lines.get(line).map_or(self.text.len(), |next| next - 1);
        let end = if self.text[start..end].ends_with('\r') { end - 1 } else { end };
        start..end
    }

    /// Returns the number of lines, including the empty one after a final line break.
    #[must_use]
    pub fn line_count(&self) -> usize {
        self.lines.len()
    }
}

/// Recognizes encodings in which every second byte of plain text is zero, by byte order mark or by pattern.
fn wide(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => Some("UTF-32"),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Some("UTF-16"),
        [0, first, 0, second, ..] | [first, 0, second, 0, ..] if *first != 0 && *second != 0 => Some("UTF-16"),
        _ => None,
    }
}

fn binary(bytes: &[u8], offset: usize) -> Unreadable {
    let before = &bytes[..offset];
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |found| found + 1);
    let column = String::from_utf8_lossy(&before[start..]).chars().count() + 1;
    Unreadable::Binary {
        byte: bytes.get(offset).copied().unwrap_or_default(),
        offset,
        position: Position { line, column },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_become_lines_and_columns_in_characters() {
        let source = Source::new("f", "añb\r\nc\n");
        for (offset, line, column) in
            [(0, 1, 1), (1, 1, 2), (2, 1, 2), (3, 1, 3), (6, 2, 1), (7, 2, 2), (8, 3, 1), (99, 3, 1)]
        {
            assert_eq!(source.position(offset), Position { line, column }, "{offset}");
        }
        let offsets = [0, 1, 2, 3, 6, 7, 8, 99, 3, 2, 3];
        let expected: Vec<_> = offsets.iter().map(|offset| source.position(*offset)).collect();
        assert_eq!(source.positions(offsets.into_iter()), expected);
        for (line, column, offset) in [(1, 1, 0), (1, 3, 3), (1, 9, 4), (2, 1, 6), (9, 9, 8)] {
            assert_eq!(source.offset(Position { line, column }), offset, "{line}:{column}");
        }
        assert_eq!((source.line(1), source.line(2), source.line(3), source.line(4)), ("añb", "c", "", ""));
        assert_eq!(source.line_count(), 3);
    }

    #[test]
    fn what_is_not_text_is_refused_with_its_position() {
        let decode = |bytes: &[u8]| Source::decode("f", bytes.to_vec()).map(|source| source.text);
        assert_eq!(decode(b"\xef\xbb\xbfa: 1").unwrap(), "a: 1");
        assert_eq!(decode(b"").unwrap(), "");
        for bytes in [&b"\xff\xfea\0"[..], b"\xfe\xff\0a", b"a\0:\0", b"\0a\0:"] {
            assert_eq!(decode(bytes), Err(Unreadable::Encoding { encoding: "UTF-16" }), "{bytes:?}");
        }
        let position = Position { line: 2, column: 3 };
        assert_eq!(decode(b"a\nbc\x80"), Err(Unreadable::Binary { byte: 0x80, offset: 4, position }));
        assert_eq!(decode(b"a\nbc\0"), Err(Unreadable::Binary { byte: 0, offset: 4, position }));
        assert!(matches!(Source::decode("f", vec![b'a'; LARGEST + 1]), Err(Unreadable::TooLarge { .. })));
    }
}
