//! The table that moves: one line for each build, below the lines of their logs.

use std::collections::HashMap;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::Timestamp;

use super::super::spoken::spoken;
use super::plain;
use crate::codebuild::follow::BuildRef;
use crate::codebuild::{Group, Status};
use crate::text::escape_line;

/// The table; nothing when it is not shown.
#[derive(Debug)]
pub(super) struct Live {
    shown: bool,
    table: MultiProgress,
    rows: HashMap<String, ProgressBar>,
    /// Builds of batches that have not started yet, by their identifiers.
    waiting: HashMap<String, ProgressBar>,
}

impl Live {
    pub(super) fn new(shown: bool) -> Self {
        let table = MultiProgress::with_draw_target(target(shown));
        Self { shown, table, rows: HashMap::new(), waiting: HashMap::new() }
    }

    /// Prints above the table.
    pub(super) fn above<T>(&self, print: impl FnOnce() -> T) -> T {
        if self.shown { self.table.suspend(print) } else { print() }
    }

    /// A build or a batch appears.
    pub(super) fn build(&mut self, build_ref: &BuildRef, name: &str) {
        if let Some(row) = build_ref.identifier.as_ref().and_then(|identifier| self.waiting.remove(identifier)) {
            self.table.remove(&row);
        }
        let row = self.row(name);
        row.set_style(style("{spinner} {prefix:24!} {msg:28!} {elapsed}"));
        if self.shown {
            row.enable_steady_tick(Duration::from_millis(250));
        }
        self.rows.insert(build_ref.id.clone(), row);
    }

    /// A batch has a build that waits.
    pub(super) fn group(&mut self, group: &Group) {
        if group.current.is_some() || !group.prior.is_empty() {
            return;
        }
        let row = self.row(&group.identifier);
        row.set_style(style("  {prefix:24!} {msg}"));
        let waits = match group.depends_on.as_slice() {
            [] => "waits".to_owned(),
            others => format!("waits for {}", escape_line(&others.join(", "))),
        };
        row.set_message(waits);
        row.tick();
        self.waiting.insert(group.identifier.clone(), row);
    }

    /// A phase began.
    pub(super) fn phase(&self, build_ref: &BuildRef, phase: &str, at: Option<Timestamp>) {
        let Some(row) = self.rows.get(&build_ref.id) else { return };
        row.set_message(escape_line(phase).into_owned());
        if let Some(age) = at.and_then(|at| Duration::try_from(Timestamp::now().duration_since(at)).ok()) {
            row.set_elapsed(age);
        }
    }

    /// It is over.
    pub(super) fn over(
        &self,
        build_ref: &BuildRef,
        status: &Status,
        started: Option<Timestamp>,
        ended: Option<Timestamp>,
    ) {
        let Some(row) = self.rows.get(&build_ref.id) else { return };
        let time =
            started.zip(ended).map(|(started, ended)| ended.duration_since(started).as_secs().max(0).unsigned_abs());
        let time = time.map(|seconds| spoken(Duration::from_secs(seconds)));
        row.set_style(style("  {prefix:24!} {msg}"));
        row.abandon_with_message(escape_line(&plain::how(status, time.as_deref())).into_owned());
    }

    pub(super) fn hide(&self) {
        if self.shown {
            // What cannot be drawn is not worth a failure.
            let _ = self.table.clear();
            self.table.set_draw_target(target(false));
        }
    }

    pub(super) fn show(&self) {
        self.table.set_draw_target(target(self.shown));
    }

    pub(super) fn end(&self) {
        for row in self.rows.values().chain(self.waiting.values()) {
            row.finish_and_clear();
        }
        let _ = self.table.clear();
    }

    fn row(&self, name: &str) -> ProgressBar {
        let row = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        row.set_prefix(escape_line(name).into_owned());
        self.table.add(row)
    }
}

fn target(shown: bool) -> ProgressDrawTarget {
    if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}
