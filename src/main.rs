//! The `toolkit` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    toolkit::cli::run()
}
