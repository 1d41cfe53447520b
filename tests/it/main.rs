//! Tests of the whole, through the public face: the command and the library.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test fails by panicking and says why it skips")]

mod archives;

#[test]
fn the_command_is_built() {
    assert!(std::path::Path::new(env!("CARGO_BIN_EXE_toolkit")).exists());
}
