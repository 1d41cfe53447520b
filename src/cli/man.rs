//! `toolkit man`: manual pages.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::render::{self, Failure};

/// Print the manual page, or write the pages of all commands into a folder
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Write toolkit.1, toolkit-install.1 … into this folder
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  toolkit man | man -l -
  toolkit man --output /usr/local/share/man/man1";

impl Arguments {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let failed = |cause| Failure::machine("could not write the manual", "check the folder and the disk", cause);
        match self.output {
            Some(folder) => {
                std::fs::create_dir_all(&folder).map_err(failed)?;
                clap_mangen::generate_to(super::definition(), folder).map_err(failed)?;
            }
            None => {
                let mut page = Vec::new();
                clap_mangen::Man::new(super::definition()).render(&mut page).map_err(failed)?;
                // As it is: `man` reads it.
                render::raw(page)?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
