//! Progress: bars on a terminal, one dated line per step in a log, nothing when quiet.

use std::fmt;
use std::sync::Mutex;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::render;
use super::styled::{Styled, yellow};
use crate::report::{Report, Task};
use crate::text::escape_line;

/// How to show progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum View {
    /// Bars that move.
    Bars,
    /// One dated line per step.
    Lines,
    /// Warnings only.
    Quiet,
}

/// Shows progress on standard error.
pub(super) struct Progress {
    view: View,
    bars: MultiProgress,
    tasks: Mutex<Vec<Row>>,
}

struct Row {
    what: String,
    bar: ProgressBar,
}

impl Progress {
    pub(super) fn new(view: View) -> Self {
        let target = if view == View::Bars { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bars = MultiProgress::with_draw_target(target);
        Self { view, bars, tasks: Mutex::new(Vec::new()) }
    }

    fn line(&self, text: impl Into<Styled>) {
        let text = text.into() + "\n";
        match self.view {
            View::Bars => self.bars.suspend(|| render::say(text)),
            View::Lines => render::say(Styled::from(now() + " ") + text),
            View::Quiet => {}
        }
    }

    fn with<T>(&self, task: Task, act: impl FnOnce(&Row) -> T) -> Option<T> {
        // A poisoned lock means that another thread panicked while drawing: progress is not worth a second panic.
        self.tasks.lock().ok()?.get(task.0).map(act)
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Progress").field("view", &self.view).finish_non_exhaustive()
    }
}

impl Report for Progress {
    fn began(&self, what: &str, total: Option<u64>) -> Task {
        let what = escape_line(what);
        // Added when it is complete: what is set on an added bar is drawn at once, in the looks of the moment.
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::hidden());
        bar.set_style(bar_style(total));
        bar.set_message(what.clone().into_owned());
        let bar = self.bars.add(bar);
        if self.view == View::Lines {
            self.line(format!(
                "fetching {what}{}",
                total.map_or(String::new(), |total| format!(" ({})", render::size(total)))
            ));
        }
        let Ok(mut tasks) = self.tasks.lock() else { return Task(usize::MAX) };
        tasks.push(Row { what: what.into_owned(), bar });
        Task(tasks.len() - 1)
    }

    fn sized(&self, task: Task, total: u64) {
        self.with(task, |row| {
            row.bar.set_length(total);
            row.bar.set_style(bar_style(Some(total)));
        });
    }

    fn advanced(&self, task: Task, bytes: u64) {
        self.with(task, |row| row.bar.inc(bytes));
    }

    fn restarted(&self, task: Task) {
        self.with(task, |row| row.bar.set_position(0));
        let what = self.with(task, |row| row.what.clone()).unwrap_or_default();
        self.line(format!("{what} starts again from the beginning"));
    }

    fn ended(&self, task: Task, outcome: &str) {
        let what = self.with(task, |row| {
            row.bar.finish_and_clear();
            row.what.clone()
        });
        if let Some(what) = what {
            self.line(format!("{what}: {outcome}"));
        }
    }

    fn noted(&self, note: &str) {
        self.line(note);
    }

    fn warned(&self, warning: &str) {
        let text = yellow("warning:") + " " + warning;
        match self.view {
            View::Quiet => render::say(text + "\n"),
            View::Bars | View::Lines => self.line(text),
        }
    }
}

fn bar_style(total: Option<u64>) -> ProgressStyle {
    let template = if total.is_some() && render::is_coloured() {
        "{msg:40!} {bar:24.cyan} {bytes:>10} of {total_bytes:<10} {bytes_per_sec:>12} {eta:>4}"
    } else if total.is_some() {
        "{msg:40!} {bar:24} {bytes:>10} of {total_bytes:<10} {bytes_per_sec:>12} {eta:>4}"
    } else {
        "{msg:40!} {spinner} {bytes:>10} {bytes_per_sec:>12}"
    };
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// The time of a log line: to the second, in UTC, as CodeBuild and GitLab print it.
fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
