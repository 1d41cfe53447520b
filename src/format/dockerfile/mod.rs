//! Dockerfiles, as far as images are concerned: stages, what they are built on, what is copied or mounted from where, and
//! the arguments that all this depends on (<https://docs.docker.com/reference/dockerfile/>). Reading never fails: what is
//! wrong is a [`Problem`] with its place, and what is right is there.

mod images;
mod lines;
mod read;
#[cfg(test)]
mod tests;

use std::ops::Range;

pub use images::{Build, Image, On, Role};

/// What a Dockerfile says.
#[derive(Debug)]
pub struct Dockerfile {
    /// The arguments before the first `FROM`.
    pub args: Vec<Arg>,
    /// The stages, in order.
    pub stages: Vec<Stage>,
    /// What is wrong.
    pub problems: Vec<Problem>,
    /// The character that joins lines and takes the meaning from a `$`: `\`, or by directive `` ` ``.
    pub escape: char,
}

/// A stage: one `FROM` and what follows it.
#[derive(Debug)]
pub struct Stage {
    /// The name that others call it by, in lower case as the builder compares it.
    pub name: Option<String>,
    /// What it is built on: an image, an earlier stage, `scratch`; variables as written.
    pub base: Word,
    /// The platform of that, where the file chooses one.
    pub platform: Option<Word>,
    /// Its steps that concern images, in order.
    pub steps: Vec<Step>,
}

/// A step of a stage that concerns images.
#[derive(Debug)]
pub enum Step {
    /// `ARG`.
    Arg(Arg),
    /// `COPY --from=…`.
    Copy(Word),
    /// `RUN --mount=…,from=…`.
    Mount(Word),
}

/// An argument of the build.
#[derive(Debug)]
pub struct Arg {
    /// Its name.
    pub name: String,
    /// Its default.
    pub default: Option<Word>,
}

/// A text as written, with quotes and variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// The text.
    pub text: String,
    /// The bytes where it stands.
    pub span: Range<usize>,
}

/// Something that the builder would refuse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The bytes where it stands.
    pub span: Range<usize>,
    /// What is wrong.
    pub message: String,
}
