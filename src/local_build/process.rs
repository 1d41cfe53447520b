//! The processes of a build as one group, which ends as a whole: with the build, by a signal, or when this program is killed.

use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long processes have to end by themselves when they are asked to.
const GRACE: Duration = Duration::from_secs(2);

/// What the first process of the group does: nothing, until this program closes its input or dies. In the second case it ends
/// the others and removes what was made, since nobody else is left to do so.
const WATCH: &str = "\
trap '' HUP INT TERM
read answer && exit 0
kill -TERM 0
sleep 1
if [ -n \"$1\" ]; then chmod -R u+rwX -- \"$1\" 2>/dev/null; rm -rf -- \"$1\"; fi
kill -KILL 0";

/// A process group. Dropping it ends every process in it.
#[derive(Debug)]
pub(super) struct Group {
    watch: Child,
}

impl Group {
    /// Starts a group. `scratch` is removed when this program dies before it can do so.
    pub(super) fn start(scratch: &Path) -> io::Result<Self> {
        let mut command = Command::new("sh");
        command.args(["-c", WATCH, "sh"]).arg(scratch);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        command.current_dir("/");
        lead(&mut command);
        Ok(Self { watch: command.spawn()? })
    }

    /// Makes a command part of the group.
    pub(super) fn take_in(&self, command: &mut Command) {
        join(command, self.watch.id());
    }

    /// Asks all processes to end and waits a moment for `shell`; then ends them.
    pub(super) fn ask_to_end(&mut self, shell: Option<&mut Child>) {
        signal(self.watch.id(), Signal::Ask);
        if let Some(shell) = shell {
            let until = Instant::now() + GRACE;
            while matches!(shell.try_wait(), Ok(None)) && Instant::now() < until {
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        signal(self.watch.id(), Signal::End);
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // The first process keeps the number of the group from being used again until it is waited for.
        signal(self.watch.id(), Signal::End);
        let _ = self.watch.wait();
    }
}

#[derive(Debug, Clone, Copy)]
enum Signal {
    Ask,
    End,
}

#[cfg(unix)]
fn lead(command: &mut Command) {
    std::os::unix::process::CommandExt::process_group(command, 0);
}

#[cfg(unix)]
fn join(command: &mut Command, group: u32) {
    if let Ok(group) = i32::try_from(group) {
        std::os::unix::process::CommandExt::process_group(command, group);
    }
}

#[cfg(unix)]
fn signal(group: u32, what: Signal) {
    let signal = match what {
        Signal::Ask => rustix::process::Signal::TERM,
        Signal::End => rustix::process::Signal::KILL,
    };
    if let Some(group) = i32::try_from(group).ok().and_then(rustix::process::Pid::from_raw) {
        // Nobody left to end is what was wanted.
        let _ = rustix::process::kill_process_group(group, signal);
    }
}

// Without POSIX shells no build gets this far.
#[cfg(not(unix))]
fn lead(_: &mut Command) {}

#[cfg(not(unix))]
fn join(_: &mut Command, _: u32) {}

#[cfg(not(unix))]
fn signal(_: u32, _: Signal) {}
