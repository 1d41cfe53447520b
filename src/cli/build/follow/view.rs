//! Shows events: as lines, as a table that moves with lines above it, or as JSON.

use super::live::Live;
use super::names::Names;
use super::{json, plain};
use crate::aws;
use crate::cli::render::{self, Failure};
use crate::cli::styled::{Styled, cyan, yellow};
use crate::codebuild::follow::{BuildRef, Event, Note, Observer};

/// How events are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    /// A table on a terminal, which shows phases; lines of logs above it.
    Live,
    /// Lines.
    Lines,
    /// Lines of logs and of phases only.
    Quiet,
    /// One object a line.
    Json,
}

/// Shows events. Lines of logs and phases are data and go to standard output, all else to standard error.
#[derive(Debug)]
pub(super) struct View {
    pub(super) manner: Manner,
    pub(super) names: Names,
    /// Whether lines need the names of their builds.
    several: bool,
    live: Live,
    /// Standard output does not take what is shown.
    broken: Option<Failure>,
    /// Why a log could not be read.
    unread: Option<aws::Error>,
}

impl View {
    pub(super) fn new(manner: Manner, several: bool) -> Self {
        Self {
            manner,
            names: Names::default(),
            several,
            live: Live::new(manner == Manner::Live),
            broken: None,
            unread: None,
        }
    }

    /// Returns the reason why nothing can be shown any more.
    pub(super) fn broken(&mut self) -> Option<Failure> {
        self.broken.take()
    }

    /// Returns the reason why a log could not be read.
    pub(super) fn unread(&mut self) -> Option<aws::Error> {
        self.unread.take()
    }

    /// Takes the table away, to ask something.
    pub(super) fn hide(&self) {
        self.live.hide();
    }

    /// Brings it back.
    pub(super) fn show(&self) {
        self.live.show();
    }

    /// Ends the table.
    pub(super) fn end(&self) {
        self.live.end();
    }

    fn data(&mut self, text: Styled) {
        if self.broken.is_none() {
            self.broken = self.live.above(|| render::data(text)).err();
        }
    }

    /// One object on a line of its own.
    fn json(&mut self, value: &serde_json::Value) {
        if self.broken.is_none() {
            self.broken = render::json_line(value).err();
        }
    }

    /// A line of a build or batch.
    fn line(&mut self, build_ref: &BuildRef, line: Styled) {
        let text = if self.several { cyan(format!("[{}]", self.names.of(build_ref))) + " " + line } else { line };
        self.data(text + "\n");
    }

    fn say(&self, text: &str) {
        if self.manner != Manner::Quiet {
            self.live.above(|| render::say(format!("{text}\n")));
        }
    }

    fn note(&mut self, note: &Note) {
        let name = plain::about(note).map(|build_ref| self.names.of(build_ref)).unwrap_or_default();
        let text = plain::note(note, &name).replace('\n', "\n  ");
        match note {
            Note::Back { .. } | Note::Renewed => self.say(&text),
            _ => {
                self.live.above(|| render::say(yellow("warning:") + format!(" {text}\n")));
            }
        }
    }
}

impl Observer for View {
    fn observe(&mut self, event: Event) {
        if self.manner == Manner::Json {
            let value = json::value(&event, &mut self.names);
            self.json(&value);
        } else {
            self.show_event(&event);
        }
        if let Event::Note(Note::UnreadLog { cause, .. }) = event {
            self.unread.get_or_insert(cause);
        }
    }
}

impl View {
    fn show_event(&mut self, event: &Event) {
        match event {
            Event::Known { build_ref, .. } => {
                let name = self.names.of(build_ref);
                self.say(&plain::known(build_ref));
                self.live.build(build_ref, &name);
            }
            Event::BatchKnown { build_ref, .. } => {
                self.several = true;
                self.say(&plain::known(build_ref));
                self.live.build(build_ref, &format!("batch {}", build_ref.project));
            }
            Event::Group { group, .. } => self.live.group(group),
            Event::Entered { build_ref, phase, at } => {
                self.phase(build_ref, format!("{}{}", plain::stamp(*at), plain::entered(phase)).into());
                self.live.phase(build_ref, phase, *at);
            }
            Event::Ended { build_ref, phase } => {
                self.phase(build_ref, Styled::from(plain::stamp(phase.ended)) + plain::ended(phase));
            }
            Event::Line { build_ref, text, .. } => self.line(build_ref, plain::harmless(text)),
            Event::Over { build_ref, build } => self.live.over(build_ref, &build.status, build.started, build.ended),
            Event::BatchOver { build_ref, batch } => {
                self.live.over(build_ref, &batch.status, batch.started, batch.ended);
            }
            Event::Retried { build_ref, next, number, limit } => {
                let name = self.names.of(build_ref);
                self.say(&format!("{name} is retried as {next} (retry {number} of {limit})"));
            }
            Event::Note(note) => self.note(note),
            Event::AllOver { .. } => {}
        }
    }
}

impl View {
    /// A batch has a name of its own before its lines.
    fn phase(&mut self, build_ref: &BuildRef, text: Styled) {
        if self.manner == Manner::Live {
            return;
        }
        self.line(build_ref, text);
    }
}
