//! The matrix as people read it.

use super::names;
use crate::cli::render;
use crate::cli::styled::{Styled, cyan};
use crate::image_audit::{Answer, Cell, Matrix, Newer, Note, NoteKind, Row};
use crate::model::ImagePlatform;
use crate::oci;
use crate::text::chain;

/// How many places of one image are printed; `--json` has all.
const MOST_PLACES: usize = 3;

/// Lays out the matrix, and below it what is missing and what else is to be known.
pub(super) fn report(matrix: &Matrix<oci::Error>, notes: &[Note]) -> Styled {
    let mut text = Styled::default();
    if !matrix.rows.is_empty() {
        let columns = names(&matrix.platforms);
        let header: Vec<&str> =
            ["image"].into_iter().chain(columns.iter().map(String::as_str)).chain(["found in"]).collect();
        let rows: Vec<Vec<String>> = matrix.rows.iter().map(|row| line(row, &matrix.platforms)).collect();
        text.push(render::table(&header, &rows));
    }
    let told: Vec<String> = matrix.rows.iter().filter_map(|row| lacking(row, &matrix.platforms)).collect();
    for lines in [told, notes.iter().map(note).collect()] {
        if !lines.is_empty() {
            text.push(if text == Styled::default() { "" } else { "\n" });
            lines.iter().for_each(|line| text.push(format!("{line}\n")));
        }
    }
    text
}

/// Counts for people: "4 images, 1 lacks a platform, 2 not resolved".
pub(super) fn summary(matrix: &Matrix<oci::Error>, notes: &[Note]) -> String {
    let count = matrix.rows.len();
    let mut parts = vec![format!("{count} image{}", if count == 1 { "" } else { "s" })];
    let lacking = matrix.rows.iter().filter(|row| !row.missing(&matrix.platforms).is_empty()).count();
    let unknown = matrix.rows.iter().filter(|row| matches!(row.answer, Answer::Failed(_))).count();
    match lacking {
        0 if unknown == 0 => parts.push("none lacks a platform".to_owned()),
        0 => {}
        1 => parts.push("1 lacks a platform".to_owned()),
        more => parts.push(format!("{more} lack a platform")),
    }
    if unknown > 0 {
        parts.push(format!("{unknown} not known"));
    }
    for kind in [NoteKind::Unresolved, NoteKind::Unread] {
        let count = notes.iter().filter(|note| note.kind == kind).count();
        if count > 0 {
            parts.push(format!("{count} {}", kind.as_str()));
        }
    }
    parts.join(", ")
}

/// Returns what helps with names that have variables without a value.
pub(super) fn advice() -> Styled {
    cyan("hint:")
        + " `--env NAME` takes a variable from the environment, `--env NAME=VALUE` gives it a value; files never see more"
}

fn line(row: &Row<oci::Error>, platforms: &[ImagePlatform]) -> Vec<String> {
    let cell = |platform: &ImagePlatform| match row.cell(platform, platforms) {
        Cell::Present => "yes",
        Cell::Missing => "missing",
        Cell::Unneeded => "no",
        Cell::Unknown => "?",
    };
    let mut locations: Vec<String> =
        row.uses.iter().map(|one| one.location.as_ref().map_or("argument".to_owned(), ToString::to_string)).collect();
    locations.dedup();
    let more = locations.len().saturating_sub(MOST_PLACES);
    locations.truncate(MOST_PLACES);
    if more > 0 {
        locations.push(format!("{more} more"));
    }
    let cells = platforms.iter().map(|platform| cell(platform).to_owned());
    [row.image.to_string()].into_iter().chain(cells).chain([locations.join(", ")]).collect()
}

/// Describes which platforms an image lacks, and which tag has them.
fn lacking(row: &Row<oci::Error>, platforms: &[ImagePlatform]) -> Option<String> {
    let missing = row.missing(platforms);
    if missing.is_empty() {
        return None;
    }
    let what = match row.answer {
        Answer::Absent => format!("{}: the image does not exist", row.image),
        _ => format!("{} has no {}", row.image, names(&missing).join(" and no ")),
    };
    let newer = match row.newer.as_ref()? {
        Newer::Tag { tag, nearest: true } => format!("; the nearest newer tag that has it is {tag}"),
        Newer::Tag { tag, nearest: false } => format!("; {tag} has it, and not every tag before it was checked"),
        Newer::None { of: 0, .. } => "; no tag is newer".to_owned(),
        Newer::None { asked, of } => format!("; neither do the {asked} of {of} newer tags that were checked"),
        Newer::NoVersion => String::new(),
        Newer::Failed(error) => format!("; newer tags could not be read: {}", chain(error)),
    };
    Some(what + &newer)
}

fn note(note: &Note) -> String {
    let location = note.location.as_ref().map_or(String::new(), |location| format!("{location}: "));
    let subject = match note.kind {
        NoteKind::Unresolved => format!("`{}`: ", note.subject),
        NoteKind::Unread => format!("{}: ", note.subject),
        NoteKind::Pinned | NoteKind::Curated => String::new(),
    };
    format!("{location}{}: {subject}{}", note.kind.as_str(), note.text)
}
