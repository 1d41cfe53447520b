//! Reads the log of one build, and decides when it is complete.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;

use super::lines::Lines;
use super::phases::Step;
use crate::codebuild::{LogLocation, LogPage};

/// The polls that must return nothing before the log of a finished build counts as complete: lines arrive in CloudWatch
/// after the end of the build (the loop of <https://github.com/aws-actions/aws-codebuild-run-build>).
const EMPTY_POLLS: u32 = 2;

/// The polls for a missing stream of a finished build, before it counts as never written.
const MISSING_POLLS: u32 = 5;

/// The empty pages in a row, each with a new token, that are read without a pause. CloudWatch returns such pages for
/// periods without events.
const EMPTY_PAGES: u32 = 25;

/// The empty pages in a row, each with a new token, after which a log counts as endless.
const ENDLESS: u32 = 1000;

#[derive(Debug, Default)]
pub(super) struct Log {
    pub(super) location: Option<LogLocation>,
    /// The time of the next poll.
    pub(super) due: Duration,
    /// The time of the last new event.
    pub(super) grew: Duration,
    /// True if the previous page had events, so that more may be available.
    pub(super) behind: bool,
    /// True if the log is complete.
    pub(super) ended: bool,
    /// The phases that wait for earlier lines.
    pub(super) waiting: VecDeque<Step>,
    token: Option<String>,
    lines: Lines,
    /// The number of events that were read.
    read: u64,
    /// The number of events to skip after a rewind.
    skip: u64,
    rewound: bool,
    empty_polls: u32,
    empty_pages: u32,
    missing: u32,
}

/// A line or a phase, ordered by time.
#[derive(Debug)]
pub(super) enum Item {
    Step(Step),
    Line(Timestamp, String),
}

/// The state of a log after a poll.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LogState {
    /// More may be available immediately.
    Behind,
    /// Everything so far was read.
    CaughtUp,
    /// The log is complete.
    Over,
    /// The stream was never created.
    NeverThere,
    /// The log returns empty pages without end.
    Endless,
}

impl Log {
    /// Starts at the beginning of a log.
    pub(super) fn since(now: Duration) -> Self {
        Self { grew: now, ..Self::default() }
    }

    /// Returns the token of the next page.
    pub(super) fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// Adds a page; returns the new items and the state of the log. `over` is true if the build had ended before the
    /// page was requested.
    pub(super) fn take(&mut self, page: &LogPage, over: bool, now: Duration) -> (Vec<Item>, LogState) {
        let first = self.token.is_none();
        let at_end = self.token.as_deref() == Some(page.next.as_str()) || page.next.is_empty();
        if !page.next.is_empty() {
            self.token = Some(page.next.clone());
        }
        self.missing = 0;
        let mut items = Vec::new();
        for event in &page.events {
            if self.skip > 0 {
                self.skip -= 1;
                continue;
            }
            self.read += 1;
            self.rewound = false;
            for (time, text) in self.lines.take(event) {
                self.steps_before(time, &mut items);
                items.push(Item::Line(time, text));
            }
        }
        let state = self.state(!page.events.is_empty(), at_end, first, over, now);
        self.behind = state == LogState::Behind;
        match state {
            LogState::Behind => {}
            // An incomplete last line is still shown before the end of its phase.
            LogState::CaughtUp if over && self.lines.began().is_some() => {}
            LogState::CaughtUp => self.all_steps(&mut items),
            LogState::Over | LogState::NeverThere | LogState::Endless => self.end(&mut items),
        }
        (items, state)
    }

    fn state(&mut self, grew: bool, at_end: bool, first: bool, over: bool, now: Duration) -> LogState {
        if grew {
            (self.grew, self.empty_polls, self.empty_pages) = (now, 0, 0);
            return LogState::Behind;
        }
        if !at_end && first {
            // Either the log is empty, or this is an empty page before the first event; the next poll shows which.
            return LogState::CaughtUp;
        }
        if !at_end {
            (self.empty_polls, self.empty_pages) = (0, self.empty_pages + 1);
            return match self.empty_pages {
                ENDLESS.. if over => LogState::Endless,
                pages if over || pages <= EMPTY_PAGES => LogState::Behind,
                _ => LogState::CaughtUp,
            };
        }
        self.empty_pages = 0;
        self.empty_polls = if over { self.empty_polls + 1 } else { 0 };
        if self.empty_polls >= EMPTY_POLLS { LogState::Over } else { LogState::CaughtUp }
    }

    /// Records that the stream does not exist.
    pub(super) fn is_missing(&mut self, over: bool) -> (Vec<Item>, LogState) {
        self.behind = false;
        let mut items = Vec::new();
        self.all_steps(&mut items);
        if over {
            self.missing += 1;
            if self.missing >= MISSING_POLLS {
                self.end(&mut items);
                return (items, LogState::NeverThere);
            }
        }
        (items, LogState::CaughtUp)
    }

    /// Starts again at the beginning and skips what was read, because the token was refused: tokens are valid for a
    /// day. Returns false when this was tried before.
    pub(super) fn rewind(&mut self) -> bool {
        if self.token.is_none() || self.rewound {
            return false;
        }
        (self.token, self.skip, self.rewound, self.behind) = (None, self.read, true, true);
        true
    }

    /// Completes the log and returns the remaining items.
    pub(super) fn end(&mut self, items: &mut Vec<Item>) {
        self.ended = true;
        self.behind = false;
        if let Some((time, text)) = self.lines.rest() {
            self.steps_before(time, items);
            items.push(Item::Line(time, text));
        }
        self.all_steps(items);
    }

    /// Returns all waiting phases.
    pub(super) fn all_steps(&mut self, items: &mut Vec<Item>) {
        items.extend(self.waiting.drain(..).map(Item::Step));
    }

    /// Returns the phases that started or ended before a line of this time. Times are in whole seconds: if a phase
    /// ended and the next one started in the second of the line, the line belongs to the next one.
    fn steps_before(&mut self, time: Timestamp, items: &mut Vec<Item>) {
        let count = self.waiting.iter().rposition(|step| step.is_before(time)).map_or(0, |last| last + 1);
        items.extend(self.waiting.drain(..count).map(Item::Step));
    }
}
