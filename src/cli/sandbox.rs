//! Programs that run in a root of their own, and the steps for which this program starts itself.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use super::render::{self, Failure};
use crate::host::Host;
use crate::provision::{Installed, ToolRequest};
use crate::sandbox::{self, Job, Mounts};
use crate::store::Store;

/// Prepares the program of a tool that comes as an image, which runs with a private copy of the image's tree as its root.
pub(super) fn prepare(request: &ToolRequest, arguments: &[OsString], host: &Host) -> Result<Job, Failure> {
    let (name, layout) = (request.tool.name(), &request.tool.card().layout);
    let root = layout.chroot().expect("the caller asked for this");
    sandbox::possible(name)?;
    (root.prepare)(host, root.program, arguments).map_err(|reason| {
        Failure::usage_with_hint(
            format!("{name} cannot be run like this: {reason}"),
            format!("nothing was started; what follows `--` are the arguments of {}", root.program),
        )
    })
}

/// Runs a prepared job on the only install.
pub(super) fn run(job: Job, installs: &[Installed], store: &Store) -> Result<ExitCode, Failure> {
    let installed = installs.first().expect("one tool was requested");
    store.sweep()?;
    let scratch = store.scratch_dir()?;
    let code = sandbox::run(job, &installed.install.root, &scratch.folder());
    // The first failure is the one that is reported.
    let closed = scratch.close();
    let code = code?;
    closed?;
    Ok(ExitCode::from(code))
}

/// Executes a step of [`crate::sandbox`] when this process was started for one. It is not in the help: nobody types it.
pub(super) fn step(arguments: impl Iterator<Item = OsString>) -> Option<ExitCode> {
    let words: Vec<OsString> = arguments.skip(1).take(5).collect();
    let words: Vec<&str> = words.iter().map(|word| word.to_str()).collect::<Option<_>>()?;
    let outcome = match words.as_slice() {
        ["sandbox", "first", plan] => sandbox::first_step(Path::new(plan)),
        ["sandbox", "second", plan] => sandbox::second_step(Path::new(plan), Mounts::Denied),
        ["sandbox", "second", "--mounts", plan] => sandbox::second_step(Path::new(plan), Mounts::Allowed),
        _ => return None,
    };
    Some(outcome.map_or_else(|error| render::failure(&error.into()), ExitCode::from))
}
