//! `toolkit exec`: runs a command with the tools in front of its `PATH`.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use clap::Args;

use super::Global;
use super::global_json;
use super::installs::report_broken;
use super::render::{self, Failure};
use super::sandbox;
use super::settings::Settings;
use crate::fs::find_executable;
use crate::host::Host;
use crate::model::Activation;
use crate::provision::{self, Broken, Requests, Scope, Sourcing, ToolRequest};
use crate::sandbox::Job;
use crate::store::Hold;

/// Run a command with the project's tools, or the named ones, in front of PATH
///
/// Tools that are not installed are installed first, as `toolkit install` would. The exit code is that of the command, or
/// as in a shell 127 when the command is not found and 126 when it cannot be run. Until the command and the programs that it
/// started have ended, `remove`, `prune` and `repair` leave its tools alone.
///
/// When a tool that was requested cannot be run, the command is not started: another program of that name never takes its place.
/// Variables that would redirect a tool to another install, such as GOROOT, are unset.
///
/// A line such as go@1.27 means its newest release, by documents of upstream that are at most an hour old. Where upstream
/// cannot be reached, the newest release that is installed serves, with a warning. In a CI job (CI is set, or the build is one
/// of CodeBuild) a toolkit.lock that is out of date is an error and is not rewritten.
///
/// Kaniko empties the root file system that it runs on, so it is never put on PATH. `toolkit exec kaniko -- FLAGS` runs its
/// executor with a private copy of its own files as the root. The folder of --context is mounted read-only, or copied where
/// mounts are not allowed; the files of --digest-file, --tar-path and the like are moved to their place after success.
/// Docker's config.json, SSL_CERT_FILE, the proxy variables and AWS_*, AZURE_*, CI*, GITLAB_*, GIT_* and KANIKO_* are passed
/// on, no others. It needs root and CAP_SYS_CHROOT.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Which tools to use instead of the project's: TOOL or TOOL@CHANNEL
    #[arg(value_name = "SPEC")]
    specs: Vec<String>,
    /// Fail when toolkit.lock is missing or out of date, instead of resolving and writing it [env: TOOLKIT_LOCKED=1]
    #[arg(long, conflicts_with = "specs")]
    locked: bool,
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "CMD")]
    command: Vec<OsString>,
}

const EXAMPLES: &str = "\
Examples:
  toolkit exec -- go build ./...
  toolkit exec dotnet@8 -- dotnet test
  toolkit exec go@1.26 dotnet@10 -- ./build.sh
  toolkit exec kaniko@1 -- --context=. --destination=registry.example/app:1.2 --digest-file=app.digest";

impl Arguments {
    pub(super) fn run(self, host: &Host, global: &Global) -> Result<ExitCode, Failure> {
        let settings = Settings::for_lookup(host, global)?;
        let context = settings.context();
        let mut requests = provision::requests(&self.specs, &context)?;
        if let Some(at) = requests.broken.iter().position(|broken| self.runs(broken)) {
            // Another one on PATH must not run in its place.
            return Err(requests.broken.swap_remove(at).error.into());
        }
        report_broken(&requests.broken, &settings);
        let job = self.job_in_own_root(&requests, host)?;
        let sourcing = if self.locked { Sourcing::Locked } else { Sourcing::InstalledIfUnreachable };
        let provisioned = provision::provision(&requests, host.platform, sourcing, &context);
        let installs = settings.runtime.block_on_if_waiting(provisioned)?;
        if let Some(job) = job {
            return sandbox::run(job, &installs, &settings.store);
        }
        global_json::warn_in(&host.cwd, &global_json::sdks(&installs), &settings);
        let (activation, holds) = provision::activate(&installs, &context)?;
        let path = search_path(&activation, host.search_path.as_deref());
        let (name, arguments) = self.command.split_first().expect("clap requires a command");
        let program = find(name, &path, host).unwrap_or_else(|| PathBuf::from(name));
        let mut command = Command::new(program);
        command.args(arguments).current_dir(&host.cwd);
        for redirect in &activation.unset {
            command.env_remove(redirect.name);
        }
        command.env("PATH", &path).envs(activation.vars);
        // Until the command and its children have ended, nobody removes what they use.
        #[cfg(unix)]
        let _inherited = Hold::inherit(&holds);
        #[cfg(not(unix))]
        let _held: Vec<Hold> = holds;
        start(command, name)
    }

    /// Returns true if the command is an executable of a tool.
    fn runs(&self, broken: &Broken) -> bool {
        let card = broken.tool.card();
        let names = card.executables.iter().filter_map(|path| Path::new(path).file_name());
        names.into_iter().any(|name| self.command.first().is_some_and(|command| command == name))
    }

    /// Prepares the run of a tool that needs a root of its own; none when no argument names such a tool.
    fn job_in_own_root(&self, requests: &Requests, host: &Host) -> Result<Option<Job>, Failure> {
        if requests.scope == Scope::Project {
            return Ok(None);
        }
        let own_root = |request: &&ToolRequest| request.tool.card().layout.chroot().is_some();
        match (requests.list.iter().find(own_root), requests.list.len()) {
            (None, _) => Ok(None),
            (Some(request), 1) => sandbox::prepare(request, &self.command, host).map(Some),
            (Some(request), _) => {
                let name = request.tool.name();
                Err(Failure::usage_with_hint(
                    format!("{name} runs in a root of its own, where other tools are not"),
                    format!("name it alone: `toolkit exec {name} -- FLAGS`"),
                ))
            }
        }
    }
}

/// Puts the tools' folders in front of the current `PATH`, which they leave where they are in it already.
fn search_path(activation: &Activation, path: Option<&OsStr>) -> OsString {
    let others = || path.iter().flat_map(std::env::split_paths).filter(|folder| !activation.paths.contains(folder));
    let tools = || activation.paths.iter().cloned();
    std::env::join_paths(tools().chain(others())).unwrap_or_else(|_| {
        // A `PATH` that cannot be put together again stays as it is, behind the tools: their folders fit, which was checked.
        let mut whole = std::env::join_paths(tools()).expect("the store and the folders of tools fit on PATH");
        whole.push(if cfg!(windows) { ";" } else { ":" });
        whole.push(path.unwrap_or_default());
        whole
    })
}

/// Finds the command on the new `PATH`, not on that of this process.
fn find(name: &OsStr, path: &OsStr, host: &Host) -> Option<PathBuf> {
    if PathBuf::from(name).components().count() > 1 {
        return Some(host.cwd.join(name));
    }
    find_executable(name, std::env::split_paths(path))
}

/// Becomes the command, so that signals and the exit code are its own.
#[cfg(unix)]
fn start(mut command: Command, name: &OsStr) -> Result<ExitCode, Failure> {
    use std::os::unix::process::CommandExt;
    Ok(not_started(name, command.exec()))
}

#[cfg(not(unix))]
fn start(mut command: Command, name: &OsStr) -> Result<ExitCode, Failure> {
    let status = match command.status() {
        Ok(status) => status,
        Err(cause) => return Ok(not_started(name, cause)),
    };
    Ok(ExitCode::from(u8::try_from(status.code().unwrap_or(1)).unwrap_or(1)))
}

/// Prints why the command did not start, and returns the exit code that shells, `env` and `nohup` use then
/// (<https://pubs.opengroup.org/onlinepubs/9799919799/utilities/env.html>): scripts tell it from one of the command's own.
fn not_started(name: &OsStr, cause: std::io::Error) -> ExitCode {
    let code = if cause.kind() == std::io::ErrorKind::NotFound { 127 } else { 126 };
    let what = format!("could not run `{}`", name.to_string_lossy());
    render::failure(&Failure::machine(what, "`toolkit env` shows the PATH that the command gets", cause));
    ExitCode::from(code)
}
