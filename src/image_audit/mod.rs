//! Finds images that lack a platform, for migrations to another architecture. Reads files for the images that they
//! name, queries registries for their platforms and, if one is missing, for a newer tag that has it.

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
pub use found::{Location, Needs, Note, NoteKind, Use};
pub use matrix::{Answer, Cell, Matrix, Row, ask};
pub use newer::{Newer, newer_tags};
pub use read::{Findings, Setting, dotenv};
