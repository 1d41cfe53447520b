//! The command line: one file per command. Data goes to standard output, all else to standard
//! error.

mod basis;
mod below;
mod build;
mod completions;
mod env;
mod exec;
mod fetch;
mod generate;
mod global_json;
mod image;
mod init;
mod install;
mod installs;
mod lint;
mod list;
mod lock;
mod man;
mod mirror;
mod network;
mod progress;
mod prune;
mod quality;
mod remove;
mod render;
mod repair;
mod resolve;
mod runtime;
mod sandbox;
mod settings;
mod shell;
mod signals;
mod styled;
mod unknown;
mod verify;
mod which;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Args, ColorChoice, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

use crate::host::Host;
use crate::model::{BadPlatform, Platform};
use crate::toolchain;
pub use render::Failure;
pub use shell::Unrepresentable;
pub use styled::Styled;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  the check found something
  2  usage, or a bad project file
  3  upstream failed; a retry may help
  4  integrity: bytes do not match their checksum; never retry
  5  this machine: disk, permission, lock";

/// Provisions build environments: resolves SDK channels, installs toolchains with every byte verified, and locks them
/// for every platform.
#[derive(Debug, Parser)]
#[command(name = "toolkit", bin_name = "toolkit", version, styles = STYLES, max_term_width = 100, after_help = EXIT_CODES)]
#[command(subcommand_required = true, arg_required_else_help = true, disable_help_subcommand = true)]
pub struct Command {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    action: Action,
}

/// The options of every command.
#[derive(Debug, Clone, Args)]
struct Global {
    /// Read the files of upstreams from this mirror: https://…, s3://…, file://… or a folder [env: TOOLKIT_MIRROR]
    #[arg(long, global = true, value_name = "URL", help_heading = "Global options")]
    mirror: Option<String>,
    /// Read from the upstreams, whatever mirror the environment or the project names
    #[arg(long, global = true, conflicts_with = "mirror", help_heading = "Global options")]
    no_mirror: bool,
    /// Whether upstreams are used for files that the mirror lacks [env: TOOLKIT_MIRROR_ORDER]
    #[arg(long, global = true, value_name = "ORDER", value_parser = network::ORDERS, help_heading = "Global options")]
    mirror_order: Option<String>,
    /// Make no connection; use what is cached, installed and locked
    #[arg(long, global = true, help_heading = "Global options")]
    offline: bool,
    /// Print machine-readable JSON where there is data
    #[arg(long, global = true, help_heading = "Global options")]
    json: bool,
    /// Print errors and data only
    #[arg(long, short, global = true, help_heading = "Global options")]
    quiet: bool,
    /// Use colour: auto, always or never; auto respects the terminal, NO_COLOR and CLICOLOR_FORCE
    #[arg(long, global = true, value_name = "WHEN", help_heading = "Global options")]
    #[arg(default_value = "auto", hide_default_value = true, hide_possible_values = true)]
    color: ColorChoice,
    /// Run as if started in this folder
    #[arg(long, short = 'C', global = true, value_name = "DIR", help_heading = "Global options")]
    directory: Option<PathBuf>,
}

impl Global {
    /// Returns the same options for a command that reads from the upstreams themselves.
    fn without_mirror(&self) -> Self {
        Self { mirror: None, no_mirror: true, ..self.clone() }
    }
}

#[derive(Debug, Subcommand)]
enum Action {
    Init(init::Arguments),
    Resolve(resolve::Arguments),
    Lock(lock::Arguments),
    Install(install::Arguments),
    Env(env::Arguments),
    Exec(exec::Arguments),
    Fetch(fetch::Arguments),
    Lint(lint::Arguments),
    Image(image::Arguments),
    Build(build::Arguments),
    Mirror(mirror::Arguments),
    List(list::Arguments),
    Which(which::Arguments),
    Verify(verify::Arguments),
    Repair(repair::Arguments),
    Remove(remove::Arguments),
    Prune(prune::Arguments),
    #[command(name = "gen")]
    Generate(generate::Arguments),
    Completions(completions::Arguments),
    Man(man::Arguments),
}

/// Runs the command line of this process.
#[must_use]
pub fn run() -> ExitCode {
    if let Some(code) = sandbox::step(std::env::args_os()) {
        return code;
    }
    let colour = colour(std::env::args_os());
    render::use_colour(colour);
    runtime::explain_panics();
    let mut definition = definition().color(colour);
    let matches = definition.try_get_matches_from_mut(std::env::args_os());
    let command = match matches.and_then(|matches| Command::from_arg_matches(&matches)) {
        Ok(command) => command,
        Err(refusal) => {
            if refusal.use_stderr() {
                env::refused(std::env::args_os());
            }
            return unknown::answer(&refusal, &mut definition)
                .unwrap_or_else(|| refuse(&refusal.format(&mut definition)));
        }
    };
    match command.execute() {
        Ok(code) => code,
        Err(failure) => render::failure(&failure),
    }
}

/// Finds `--color`, before the command line is understood: its own errors and help have colours, too.
fn colour(arguments: impl Iterator<Item = OsString>) -> ColorChoice {
    let mut words = arguments.skip(1).take_while(|word| word != "--");
    let mut choice = ColorChoice::Auto;
    while let Some(word) = words.next() {
        let Some(value) = word.to_str().and_then(|word| word.strip_prefix("--color")) else { continue };
        let value = match value.strip_prefix('=') {
            Some(value) => value.to_owned(),
            None if value.is_empty() => words.next().unwrap_or_default().to_string_lossy().into_owned(),
            None => continue,
        };
        choice = ColorChoice::from_str(&value, false).unwrap_or(choice);
    }
    choice
}

/// Prints help and version, which succeed, and usage errors, which fail.
fn refuse(refusal: &clap::Error) -> ExitCode {
    // A closed pipe while printing help is nobody's problem.
    let _ = refusal.print();
    ExitCode::from(if refusal.use_stderr() { 2 } else { 0 })
}

impl Command {
    fn execute(self) -> Result<ExitCode, Failure> {
        let mut host = Host::read().map_err(Failure::no_current_directory)?;
        if let Some(directory) = &self.global.directory {
            host.cwd = host.cwd.join(directory);
            if !host.cwd.is_dir() {
                return Err(Failure::usage(format!("{} is not a folder", host.cwd.display())));
            }
        }
        let global = self.global;
        match self.action {
            Action::Init(arguments) => arguments.run(&host, &global),
            Action::Resolve(arguments) => arguments.run(&host, &global),
            Action::Lock(arguments) => arguments.run(&host, &global),
            Action::Install(arguments) => arguments.run(&host, &global),
            Action::Env(arguments) => arguments.run(&host, &global),
            Action::Exec(arguments) => arguments.run(&host, &global),
            Action::Fetch(arguments) => arguments.run(&host, &global),
            Action::Lint(arguments) => arguments.run(&host, &global),
            Action::Image(arguments) => arguments.run(&host, &global),
            Action::Build(arguments) => arguments.run(&host, &global),
            Action::Mirror(arguments) => arguments.run(&host, &global),
            Action::List(arguments) => arguments.run(&host, &global),
            Action::Which(arguments) => arguments.run(&host, &global),
            Action::Verify(arguments) => arguments.run(&host, &global),
            Action::Repair(arguments) => arguments.run(&host, &global),
            Action::Remove(arguments) => arguments.run(&host, &global),
            Action::Prune(arguments) => arguments.run(&host, &global),
            Action::Generate(arguments) => arguments.run(&host, &global),
            Action::Completions(arguments) => arguments.run(),
            Action::Man(arguments) => arguments.run(),
        }
    }
}

/// Reads the values of `--platform`.
fn platforms(texts: &[String]) -> Result<Vec<Platform>, Failure> {
    texts.iter().map(|text| text.parse().map_err(|cause: BadPlatform| Failure::usage(cause.to_string()))).collect()
}

/// Reads a single `--platform`; without it this machine's.
fn platform(text: Option<&str>, host: &Host) -> Result<Platform, Failure> {
    text.map_or(Ok(host.platform), |text| text.parse().map_err(|cause: BadPlatform| Failure::usage(cause.to_string())))
}

/// Appends the channels of each tool to a command's examples, for `--help` (`-h` stays short).
fn toolchain_help(examples: &str) -> String {
    let mut text = format!("{examples}\n\nTools and their channels:");
    for tool in toolchain::ALL.iter() {
        let card = tool.card();
        text.push_str(&format!("\n  {:<25} {}\n", card.name, card.about));
        for (spelling, meaning) in card.spellings {
            text.push_str(&format!("    {spelling:<23} {meaning}\n"));
        }
    }
    text.truncate(text.trim_end().len());
    text
}

/// Returns the whole command line as clap knows it, for completions, man pages and tests.
#[must_use]
pub fn definition() -> clap::Command {
    Command::command()
}
