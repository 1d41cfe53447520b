//! Programs that run in a root of their own: what `exec` does with them, and the steps for which this program starts itself.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use super::render::{self, Failure};
use super::settings::Settings;
use super::wanted;
use crate::host::Host;
use crate::provision::ToolRequest;
use crate::sandbox::{self, Mounts};
use crate::toolchain::Chroot;

/// Runs the program of a tool that comes as an image, with a private copy of the image's tree as its root.
pub(super) fn run(
    root: &Chroot,
    asked: &ToolRequest,
    specs: &[String],
    arguments: &[OsString],
    host: &Host,
    settings: &Settings,
) -> Result<ExitCode, Failure> {
    let name = asked.tool.name();
    sandbox::possible(name)?;
    let job = (root.prepare)(host, root.program, arguments).map_err(|reason| {
        Failure::usage_with_hint(
            format!("{name} cannot be run like this: {reason}"),
            format!("nothing was started; what follows `--` are the arguments of {}", root.program),
        )
    })?;
    let installs = wanted::installed_or_install(specs, settings)?;
    let install = installs.first().expect("one tool was asked for");
    settings.store.sweep()?;
    let room = settings.store.scratch_dir()?;
    let code = sandbox::run(job, &install.install.root, &room.folder());
    // What went wrong first is what is told.
    let closed = room.close();
    let code = code?;
    closed?;
    Ok(ExitCode::from(code))
}

/// Carries out a step of [`crate::sandbox`] when this process was started for one. It stands in no help: nobody types it.
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
