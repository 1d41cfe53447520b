//! `toolkit completions`: completion scripts for shells.

use std::process::ExitCode;

use clap::Args;
use clap_complete::Shell;

use super::render::{self, Failure};

/// Print a completion script for a shell
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The shell
    shell: Shell,
}

const EXAMPLES: &str = "\
Examples:
  source <(toolkit completions bash)
  toolkit completions zsh > \"${fpath[1]}/_toolkit\"
  toolkit completions fish > ~/.config/fish/completions/toolkit.fish";

impl Arguments {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut super::definition(), "toolkit", &mut script);
        // As it is: a shell reads it.
        render::raw(script)?;
        Ok(ExitCode::SUCCESS)
    }
}
