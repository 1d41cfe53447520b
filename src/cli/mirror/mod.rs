//! `toolkit mirror`: what has to do with mirrors.

mod parse;

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::Global;
use super::render::Failure;

/// Take addresses in S3 apart
#[derive(Debug, Args)]
#[command(after_help = parse::EXAMPLES, subcommand_required = true, arg_required_else_help = true)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    Parse(parse::Arguments),
}

impl Arguments {
    pub(super) fn run(self, global: &Global) -> Result<ExitCode, Failure> {
        match self.action {
            Action::Parse(arguments) => arguments.run(global),
        }
    }
}
