//! Dockerfiles, as far as images are concerned: stages, their base images, what is copied or mounted from where, and
//! the arguments that this depends on (<https://docs.docker.com/reference/dockerfile/>). Reading never fails: what is
//! wrong is a [`Problem`] with its position, and the rest is read.

mod images;
mod lines;
mod read;
#[cfg(test)]
mod tests;

use std::ops::Range;

pub use images::{Build, Image, On, Role};

/// The content of a Dockerfile.
#[derive(Debug)]
pub struct Dockerfile {
    /// The arguments before the first `FROM`.
    pub args: Vec<Arg>,
    /// The stages, in order.
    pub stages: Vec<Stage>,
    /// What is wrong.
    pub problems: Vec<Problem>,
    /// The character that continues lines and escapes `$`: `\`, or by directive `` ` ``.
    pub escape: char,
}

/// A stage: one `FROM` and the instructions after it.
#[derive(Debug)]
pub struct Stage {
    /// Its name, in lower case as the builder compares it.
    pub name: Option<String>,
    /// Its base: an image, an earlier stage or `scratch`; variables as written.
    pub base: Word,
    /// The platform of the base, if the file names one.
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
    /// Its bytes.
    pub span: Range<usize>,
}

/// Something that the builder would reject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Its bytes.
    pub span: Range<usize>,
    /// What is wrong.
    pub message: String,
}
