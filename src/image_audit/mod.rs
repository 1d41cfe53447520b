//! Which images lack a platform: the question of a migration to another architecture. Files are read for the images that
//! they name, registries are asked for which platforms those are, and where one is missing, for a newer tag that has it.

mod catalogue;
mod error;
mod find;
mod folder;
mod found;
mod matrix;
mod newer;
mod read;

pub use catalogue::Catalogue;
pub use error::CheckError;
pub use find::{Inputs, find};
pub use found::{Needs, Note, NoteKind, Place, Use};
pub use matrix::{Answer, Cell, Matrix, Row, ask};
pub use newer::{Newer, newer_tags};
pub use read::{Findings, Setting};
