//! A process that is started, waited for, and sent every signal that this one receives.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus};
use std::task::Poll;

use rustix::process::{Pid, Signal, kill_process};
use tokio::signal::unix::{SignalKind, signal};

/// The signals that are passed on.
const PASSED: [Signal; 6] = [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT, Signal::USR1, Signal::USR2];

/// Runs a command to its end and gives its exit code, or 128 and the number of the signal that ended it, as shells do.
pub(super) fn run(command: Command) -> io::Result<u8> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut streams = Vec::with_capacity(PASSED.len());
        for passed in PASSED {
            streams.push((passed, signal(SignalKind::from_raw(passed.as_raw()))?));
        }
        let mut child = tokio::process::Command::from(command).spawn()?;
        let pid = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        loop {
            let received = std::future::poll_fn(|context| {
                let mut streams = streams.iter_mut();
                let received =
                    streams.find_map(|(passed, stream)| stream.poll_recv(context).is_ready().then_some(*passed));
                received.map_or(Poll::Pending, Poll::Ready)
            });
            tokio::select! {
                status = child.wait() => return Ok(code(status?)),
                passed = received => {
                    if let Some(pid) = pid {
                        // A process that has ended by itself meanwhile need not be signalled.
                        let _ = kill_process(pid, passed);
                    }
                }
            }
        }
    })
}

fn code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1);
    u8::try_from(code).unwrap_or(1)
}
