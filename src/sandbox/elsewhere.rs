//! Systems that have no root of one's own for a process.

use std::path::Path;

use super::{Error, Job, Mounts};

fn not_here<T>(job: &str) -> Result<T, Error> {
    Err(Error::NotHere { program: job.to_owned() })
}

/// Refuses.
///
/// # Errors
/// Always.
pub fn possible(program: &str) -> Result<(), Error> {
    not_here(program)
}

/// Refuses.
///
/// # Errors
/// Always.
pub fn run(job: Job, _tree: &Path, _scratch: &Path) -> Result<u8, Error> {
    not_here(&job.program.display().to_string())
}

/// Refuses.
///
/// # Errors
/// Always.
pub fn first_step(_plan: &Path) -> Result<u8, Error> {
    not_here("the program")
}

/// Refuses.
///
/// # Errors
/// Always.
pub fn second_step(_plan: &Path, _mounts: Mounts) -> Result<u8, Error> {
    not_here("the program")
}
