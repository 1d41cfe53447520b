//! The log of one build: where reading stands, and when it is at its end.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;

use super::lines::Lines;
use super::phases::Step;
use crate::codebuild::{LogPage, LogPlace};

/// Looks at the end that must be empty before the log counts as read, once the build is over: lines arrive in CloudWatch
/// later than the end of the build does (the loop of <https://github.com/aws-actions/aws-codebuild-run-build>).
const EMPTY_LOOKS: u32 = 2;

/// Looks at a stream that is not there, after the build is over, before it counts as never written.
const MISSING_LOOKS: u32 = 5;

/// Empty pages in a row, each with a new token, that are read back to back. CloudWatch gives such pages for times without
/// events.
const EMPTY_PAGES: u32 = 25;

/// Empty pages in a row, each with a new token, after which a log has no end: one token more would be read for ever.
const ENDLESS: u32 = 1000;

/// Where reading stands.
#[derive(Debug, Default)]
pub(super) struct Log {
    /// Where it is; none before PROVISIONING.
    pub(super) place: Option<LogPlace>,
    /// When it is looked at next.
    pub(super) due: Duration,
    /// When it grew last.
    pub(super) grew: Duration,
    /// Whether the page before had something, so that there may be more at once.
    pub(super) behind: bool,
    /// Whether nothing more is read.
    pub(super) ended: bool,
    /// The phases that wait for the lines before them.
    pub(super) waiting: VecDeque<Step>,
    token: Option<String>,
    lines: Lines,
    /// The events that were read, in case that they must be read again.
    read: u64,
    /// The events to leave out, because they were read before.
    skip: u64,
    rewound: bool,
    empty_looks: u32,
    empty_pages: u32,
    missing: u32,
}

/// A line or a phase, in the order of their times.
#[derive(Debug)]
pub(super) enum Item {
    Step(Step),
    Line(Timestamp, String),
}

/// What a page or its absence says about the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LogState {
    /// There may be more at once.
    Behind,
    /// Everything that is there was read.
    CaughtUp,
    /// Nothing more will come.
    Over,
    /// The stream was never there.
    NeverThere,
    /// It goes on with empty pages.
    Endless,
}

impl Log {
    /// Begins at the head of a log of which nothing is known.
    pub(super) fn since(now: Duration) -> Self {
        Self { grew: now, ..Self::default() }
    }

    /// Returns where the next page begins.
    pub(super) fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// Takes a page: gives what is to be told, and how the log stands. `over` is whether the build was over before the page
    /// was asked for.
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
        let standing = self.standing(!page.events.is_empty(), at_end, first, over, now);
        self.behind = standing == LogState::Behind;
        match standing {
            LogState::Behind => {}
            // A line without an end is soon shown as it is; the end of its phase comes after it.
            LogState::CaughtUp if over && self.lines.began().is_some() => {}
            LogState::CaughtUp => self.all_steps(&mut items),
            LogState::Over | LogState::NeverThere | LogState::Endless => self.end(&mut items),
        }
        (items, standing)
    }

    fn standing(&mut self, grew: bool, at_end: bool, first: bool, over: bool, now: Duration) -> LogState {
        if grew {
            (self.grew, self.empty_looks, self.empty_pages) = (now, 0, 0);
            return LogState::Behind;
        }
        if !at_end && first {
            // There is nothing yet, or an empty page before the first event; the next look tells which.
            return LogState::CaughtUp;
        }
        if !at_end {
            (self.empty_looks, self.empty_pages) = (0, self.empty_pages + 1);
            return match self.empty_pages {
                ENDLESS.. if over => LogState::Endless,
                pages if over || pages <= EMPTY_PAGES => LogState::Behind,
                _ => LogState::CaughtUp,
            };
        }
        self.empty_pages = 0;
        self.empty_looks = if over { self.empty_looks + 1 } else { 0 };
        if self.empty_looks >= EMPTY_LOOKS { LogState::Over } else { LogState::CaughtUp }
    }

    /// The stream is not there.
    pub(super) fn is_missing(&mut self, over: bool) -> (Vec<Item>, LogState) {
        self.behind = false;
        let mut items = Vec::new();
        self.all_steps(&mut items);
        if over {
            self.missing += 1;
            if self.missing >= MISSING_LOOKS {
                self.end(&mut items);
                return (items, LogState::NeverThere);
            }
        }
        (items, LogState::CaughtUp)
    }

    /// The token is refused: tokens last for a day only. Begins again at the head and leaves out what was read; false when
    /// that was tried.
    pub(super) fn rewind(&mut self) -> bool {
        if self.token.is_none() || self.rewound {
            return false;
        }
        (self.token, self.skip, self.rewound, self.behind) = (None, self.read, true, true);
        true
    }

    /// Nothing more is read: gives what is left.
    pub(super) fn end(&mut self, items: &mut Vec<Item>) {
        self.ended = true;
        self.behind = false;
        if let Some((time, text)) = self.lines.rest() {
            self.steps_before(time, items);
            items.push(Item::Line(time, text));
        }
        self.all_steps(items);
    }

    /// Returns the phases that wait, without the lines before them.
    pub(super) fn all_steps(&mut self, items: &mut Vec<Item>) {
        items.extend(self.waiting.drain(..).map(Item::Step));
    }

    /// Returns the phases that began or ended before a line of this time. Times have whole seconds: where a phase ended and the
    /// next one began in the second of the line, the line belongs to the next one.
    fn steps_before(&mut self, time: Timestamp, items: &mut Vec<Item>) {
        let count = self.waiting.iter().rposition(|step| step.is_before(time)).map_or(0, |last| last + 1);
        items.extend(self.waiting.drain(..count).map(Item::Step));
    }
}
