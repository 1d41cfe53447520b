//! `toolkit env`: what to add to the environment so that the project's tools are found.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::installs::{report_broken, report_notes};
use super::render::{self, Failure};
use super::settings::Settings;
use super::shell::{self, Format};
use super::{Global, platform};
use crate::host::Host;
use crate::provision::{self, LockRule, Sourcing};

/// Print what to add to the environment: PATH and variables
///
/// Uses what is installed, and installs nothing. Without arguments: the tools of the project's toolkit.lock. Where no lock
/// says what a line such as go@1.27 means, it means the newest release, by documents of upstream that are at most an hour old;
/// where upstream cannot be reached, the newest release that is installed serves, with a warning.
///
/// Variables that would redirect a tool to another install, such as GOROOT, are unset. dotenv, GitHub and Dockerfiles cannot
/// unset: there a variable becomes empty where its tool takes that for unset. When this command fails, it prints `false` for
/// shells (`throw` for PowerShell), so that what evaluates the output fails, too. `|| echo false` does the same where toolkit
/// itself is missing.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Which installed tools to show instead of the project's: TOOL or TOOL@CHANNEL
    #[arg(value_name = "SPEC")]
    specs: Vec<String>,
    /// The reader: a shell, a CI system, a Dockerfile, a program
    #[arg(long, value_enum, default_value = "sh")]
    format: Format,
    /// Fail when toolkit.lock is missing or out of date [env: TOOLKIT_LOCKED=1]
    #[arg(long, conflicts_with = "specs")]
    locked: bool,
    /// Show installs for this platform instead of this machine's
    #[arg(long, value_name = "PLATFORM")]
    platform: Option<String>,
}

const EXAMPLES: &str = "\
Examples:
  eval \"$(toolkit env || echo false)\"
  toolkit env --format fish | source; or exit 1
  toolkit env --format dotenv > toolkit.env
  eval \"$(toolkit env --format github || echo false)\"
  toolkit env go@1.27 --format json";

impl Arguments {
    pub(super) fn run(self, host: &Host, global: &Global) -> Result<ExitCode, Failure> {
        let format = if global.json { Format::Json } else { self.format };
        match self.text(format, host, global) {
            // As it is: a shell evaluates it, or it becomes a file. Each format quotes what it carries.
            Ok(text) => render::raw(text).map(|()| ExitCode::SUCCESS),
            Err(failure) => {
                fail_in_reader(format);
                Err(failure)
            }
        }
    }

    fn text(&self, format: Format, host: &Host, global: &Global) -> Result<String, Failure> {
        let mut settings = Settings::for_lookup(host, global)?;
        if self.locked {
            settings.lock_rule = LockRule::Require;
        }
        let platform = platform(self.platform.as_deref(), host)?;
        let context = settings.context();
        let requests = provision::requests(&self.specs, &context)?;
        report_broken(&requests.broken, &settings);
        let provisioned = provision::provision(&requests, platform, Sourcing::InstalledOnly, &context);
        let installs = settings.runtime.block_on_if_waiting(provisioned)?;
        report_notes(&installs, &settings);
        let (activation, _holds) = provision::activate(&installs, &context)?;
        Ok(shell::render(&activation, format)?)
    }
}

/// Makes the shell that evaluates the output fail, too: it does not see this program's exit code.
fn fail_in_reader(format: Format) {
    if let Some(text) = shell::failing(format) {
        // The failure itself is reported; a closed pipe has no reader.
        let _ = render::raw(text);
    }
}

/// Does the same for a command line that is refused before it is understood, where it is one of `toolkit env`.
pub(super) fn refused(arguments: impl Iterator<Item = OsString>) {
    let words: Vec<String> = arguments.map(|word| word.to_string_lossy().into_owned()).collect();
    if !words.iter().any(|word| word == "env") || words.iter().any(|word| word == "--json" || word == "--") {
        return;
    }
    let named = words.iter().enumerate().find_map(|(at, word)| match word.strip_prefix("--format") {
        Some("") => words.get(at + 1).map(String::as_str),
        Some(value) => value.strip_prefix('='),
        None => None,
    });
    match named.map_or(Ok(Format::Sh), |name| Format::from_str(name, true)) {
        Ok(format) => fail_in_reader(format),
        // The reader of a format that does not exist is most likely a shell.
        Err(_) => fail_in_reader(Format::Sh),
    }
}
