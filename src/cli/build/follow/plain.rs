//! Events as lines of text.

use jiff::Timestamp;

use super::super::spoken::spoken;
use crate::cli::styled::{Styled, red};
use crate::codebuild::follow::{BuildRef, Note};
use crate::codebuild::{Phase, Status};
use crate::text::chain;

/// Makes a line of a log fit for a terminal: colours are taken out, tabs stay, and the rest is escaped as everywhere.
pub(super) fn harmless(line: &str) -> Styled {
    let mut text = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find("\x1b[") {
        let (before, sequence) = rest.split_at(at);
        text.push_str(before);
        let colours = sequence[2..].find(|c: char| !(c.is_ascii_digit() || c == ';' || c == ':'));
        let end = colours.filter(|length| sequence[2 + length..].starts_with('m'));
        match end {
            Some(length) => rest = &sequence[2 + length + 1..],
            None => {
                text.push_str("\x1b[");
                rest = &sequence[2..];
            }
        }
    }
    text.push_str(rest);
    Styled::with_tabs(&text)
}

/// The time of a line: to the second, in UTC, as logs of CI have it.
pub(super) fn stamp(time: Option<Timestamp>) -> String {
    time.map_or_else(String::new, |time| time.strftime("%Y-%m-%dT%H:%M:%SZ ").to_string())
}

pub(super) fn entered(phase: &str) -> String {
    format!("Entering phase {phase}")
}

pub(super) fn ended(phase: &Phase) -> Styled {
    let time = phase.duration.map(spoken);
    let status = phase.status.clone().unwrap_or(Status::Succeeded);
    let text = format!("Phase {} {}", phase.name, how(&status, time.as_deref()));
    if status == Status::Succeeded { text.into() } else { red(text) }
}

/// Describes how something ended: `succeeded in 1m 3s`.
pub(super) fn how(status: &Status, time: Option<&str>) -> String {
    let after = |word: &str| time.map_or_else(|| word.to_owned(), |time| format!("{word} after {time}"));
    match status {
        Status::Succeeded => time.map_or_else(|| "succeeded".to_owned(), |time| format!("succeeded in {time}")),
        Status::Failed => after("failed"),
        Status::Fault => after("was ended by a CodeBuild fault"),
        Status::TimedOut => after("timed out"),
        Status::Stopped => after("was stopped"),
        Status::InProgress => after("is in progress"),
        Status::Other(word) => after(&format!("ended as {word}")),
    }
}

/// Describes a build that is being followed.
pub(super) fn known(build_ref: &BuildRef) -> String {
    let what = build_ref.kind.as_str();
    let number = build_ref.number.map_or(String::new(), |number| format!(" {number}"));
    let place = build_ref.architecture.map_or(String::new(), |architecture| format!(" on {architecture}"));
    let part = build_ref.identifier.as_ref().map_or(String::new(), |name| format!(", `{name}` of the batch"));
    format!("following {what}{number} of {}{place}{part}: {}", build_ref.project, build_ref.id)
}

/// Describes a problem on the way. `name` is the name of the build.
pub(super) fn note(note: &Note, name: &str) -> String {
    match note {
        Note::Throttled { service } => {
            format!("{service} is throttling requests; the pauses are longer now, and nothing is lost")
        }
        Note::Lost { service, cause } => {
            format!("{}; retrying {service} until it responds", chain(cause))
        }
        Note::Back { service } => format!("{service} responds again"),
        Note::Expired { patience } => format!(
            "the AWS credentials have expired; waiting up to {} for new ones: log in again (`aws sso login`)",
            spoken(*patience)
        ),
        Note::Renewed => "new AWS credentials were found".to_owned(),
        Note::NoLog { s3: Some(link), .. } => format!("the log of {name} is only in S3: {link}"),
        Note::NoLog { s3: None, .. } => {
            format!("{name} has no log: logs in CloudWatch are disabled in the project")
        }
        Note::MissingLog { .. } => format!("the log of {name} was never created, although the build has ended"),
        Note::UnreadLog { cause, .. } => {
            let hints = crate::model::Explain::hints(cause).join("\n");
            format!("the log of {name} cannot be read; its phases are still followed: {}\n{hints}", chain(cause))
        }
        Note::EndlessLog { .. } => format!("the log of {name} has endless empty pages, and was given up"),
    }
}

/// Returns the stable name of a kind of note.
pub(super) fn kind(note: &Note) -> &'static str {
    match note {
        Note::Throttled { .. } => "throttled",
        Note::Lost { .. } => "lost",
        Note::Back { .. } => "back",
        Note::Expired { .. } => "expired",
        Note::Renewed => "renewed",
        Note::NoLog { .. } => "no-log",
        Note::MissingLog { .. } => "missing-log",
        Note::UnreadLog { .. } => "unread-log",
        Note::EndlessLog { .. } => "endless-log",
    }
}

/// Returns the build that a note is about.
pub(super) fn about(note: &Note) -> Option<&BuildRef> {
    match note {
        Note::NoLog { build_ref, .. }
        | Note::MissingLog { build_ref }
        | Note::UnreadLog { build_ref, .. }
        | Note::EndlessLog { build_ref } => Some(build_ref),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_log_holds_does_nothing_to_a_terminal() {
        for (line, expected) in [
            ("plain", "plain"),
            ("\x1b[31mred\x1b[0m and \x1b[1;38;5;4mblue\x1b[m", "red and blue"),
            ("a\tb", "a\tb"),
            ("\x1b[2J\x1b]0;title\x07", "\\u{1b}[2J\\u{1b}]0;title\\u{7}"),
            ("10%\r20%", "10%\\r20%"),
            ("\x1b[", "\\u{1b}["),
            ("\x1b[31", "\\u{1b}[31"),
            ("ü\u{202e}x", "ü\\u{202e}x"),
        ] {
            assert_eq!(harmless(line).plain(), expected);
        }
    }

    #[test]
    fn ends_read_well() {
        for (status, expected) in [
            (Status::Succeeded, "succeeded in 3s"),
            (Status::Failed, "failed after 3s"),
            (Status::TimedOut, "timed out after 3s"),
            (Status::Other("CLIENT_ERROR".to_owned()), "ended as CLIENT_ERROR after 3s"),
        ] {
            assert_eq!(how(&status, Some("3s")), expected);
        }
        assert_eq!(how(&Status::Stopped, None), "was stopped");
    }
}
