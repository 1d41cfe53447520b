//! Splits CloudWatch events into lines: an event may contain several lines, or part of one.

use jiff::Timestamp;

use crate::codebuild::LogEvent;

/// The longest line in bytes. Longer lines are split, because an endless one would fill the memory.
const LONGEST: usize = 1 << 20;

#[derive(Debug, Default)]
pub(super) struct Lines {
    part: String,
    time: Option<Timestamp>,
}

impl Lines {
    /// Adds an event, and returns the lines that are complete now, each with the time of its start.
    pub(super) fn take(&mut self, event: &LogEvent) -> Vec<(Timestamp, String)> {
        let mut whole = Vec::new();
        let mut rest = event.message.as_str();
        while let Some((line, after)) = rest.split_once('\n') {
            self.part.push_str(line);
            whole.push(self.line(event.time));
            rest = after;
        }
        if !rest.is_empty() {
            self.part.push_str(rest);
            self.time.get_or_insert(event.time);
            if self.part.len() > LONGEST {
                whole.push(self.line(event.time));
            }
        }
        whole
    }

    /// Returns the start of a line that is not complete yet.
    pub(super) fn began(&self) -> Option<Timestamp> {
        self.time
    }

    /// Returns the incomplete last line.
    pub(super) fn rest(&mut self) -> Option<(Timestamp, String)> {
        let time = self.time?;
        Some(self.line(time))
    }

    fn line(&mut self, now: Timestamp) -> (Timestamp, String) {
        let mut text = std::mem::take(&mut self.part);
        if text.ends_with('\r') {
            text.pop();
        }
        (self.time.take().unwrap_or(now), text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_whole_however_they_were_cut() {
        for (messages, expected) in [
            (&["a\n", "b\n"][..], &["a", "b"][..]),
            (&["a\nb\n"], &["a", "b"]),
            (&["a", "b\n"], &["ab"]),
            (&["a\nb", "c\nd"], &["a", "bc", "d"]),
            (&["a\r\nb\r", "\n"], &["a", "b"]),
            (&["\n", "\n"], &["", ""]),
            (&["10%\r20%\r\n"], &["10%\r20%"]),
            (&["", "a"], &["a"]),
            (&[""], &[]),
            (&[], &[]),
        ] {
            let mut lines = Lines::default();
            let mut found: Vec<String> = Vec::new();
            for message in messages {
                let event = LogEvent { time: Timestamp::UNIX_EPOCH, message: (*message).to_owned() };
                found.extend(lines.take(&event).into_iter().map(|(_, text)| text));
            }
            found.extend(lines.rest().map(|(_, text)| text));
            assert_eq!(found, expected, "{messages:?}");
            assert_eq!(lines.rest(), None);
        }
    }

    #[test]
    fn a_line_without_an_end_is_not_kept_for_ever() {
        let mut lines = Lines::default();
        let event = LogEvent { time: Timestamp::UNIX_EPOCH, message: "x".repeat(300_000) };
        let given: usize = (0..10).flat_map(|_| lines.take(&event)).map(|(_, text)| text.len()).sum();
        let rest = lines.rest().map_or(0, |(_, text)| text.len());
        assert_eq!(given + rest, 3_000_000);
        assert!(given > 0);
    }
}
