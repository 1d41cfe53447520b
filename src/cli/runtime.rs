//! The asynchronous work of a command. It starts nothing for commands that need none.

use std::cell::OnceCell;
use std::io;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime as Tokio};

use super::render::{self, Failure};
use super::signals::interrupted;
use crate::model::Kind;

/// Runs asynchronous work. All work of a command runs in one runtime, which keeps its connections open in between.
#[derive(Debug, Default)]
pub(super) struct Runtime(OnceCell<Tokio>);

impl Runtime {
    /// Runs `work` to its end, or to an interrupt, which stops everything and cleans up.
    pub(super) fn block_on<T>(&self, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        self.block_on_through_signals(async {
            tokio::select! {
                result = work => result,
                () = interrupted() => Err(Failure::interrupted()),
            }
        })
    }

    /// As [`Runtime::block_on`], for work that returns [`Poll::Pending`] before it first needs the runtime, as provisioning
    /// does: none is started where there is nothing to wait for.
    pub(super) fn block_on_if_waiting<T, E: Into<Failure>>(
        &self,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Failure> {
        let mut work = pin!(work);
        match work.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(result) => result.map_err(Into::into),
            Poll::Pending => self.block_on(async { work.await.map_err(Into::into) }),
        }
    }

    /// As [`Runtime::block_on`], for work that listens for signals itself.
    pub(super) fn block_on_through_signals<T>(
        &self,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let runtime = match self.0.get() {
            Some(runtime) => runtime,
            None => {
                let runtime = start().map_err(|cause| Failure::machine("could not start", OUT_OF_THEM, cause))?;
                self.0.get_or_init(|| runtime)
            }
        };
        runtime.block_on(work)
    }
}

const OUT_OF_THEM: &str = "the limit on files, processes or memory of this machine or container is reached (`ulimit -a`); raise \
                           it, or run fewer programs at the same time";

/// Turns the panics of a runtime that gets no thread or file of the system, or cannot wake itself, into what they are: an error of
/// this machine. [`start`] tries before, but other programs may take the last one in between.
pub(super) fn explain_panics() {
    const TEXTS: [&str; 3] =
        ["OS can't spawn worker thread", "failed to create UnixStream", "failed to wake I/O driver"];
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let text = panic.payload_as_str().unwrap_or_default();
        if TEXTS.iter().any(|known| text.starts_with(known)) {
            render::failure(&Failure::machine("could not go on", OUT_OF_THEM, io::Error::other(text.to_owned())));
            std::process::exit(i32::from(Kind::Machine.exit_code()));
        }
        usual(panic);
    }));
}

/// How many files a runtime opens before it does anything: for polling, waking and signals.
const FILES: usize = 8;

/// Starts a runtime. What it would panic without is tried out before: files for its signals, and the first of the threads for
/// blocking work, to which everything falls when the system starts no second one.
fn start() -> io::Result<Tokio> {
    let files: io::Result<Vec<_>> = (0..FILES / 2).map(|_| io::pipe()).collect();
    drop(files?);
    let thread = std::thread::Builder::new().spawn(|| ())?;
    // It has nothing to panic about.
    let _ = thread.join();
    let runtime = Builder::new_current_thread().enable_all().thread_keep_alive(A_DAY).build()?;
    drop(runtime.spawn_blocking(|| ()));
    Ok(runtime)
}

const A_DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl Drop for Runtime {
    /// Leaves blocking work a moment to end: an install that is being promoted is done in milliseconds, but the wait for
    /// another process' lock may be long, and nobody waits for its outcome any more.
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_timeout(Duration::from_secs(2));
        }
    }
}

/// Calls `stop` when the person or the system asks the program to stop, for work that is not asynchronous.
pub(super) fn when_interrupted(stop: impl FnOnce() + Send + 'static) {
    // Without a thread or a runtime the signal ends the process by itself.
    let _ = std::thread::Builder::new().spawn(move || {
        if let Ok(runtime) = start() {
            runtime.block_on(interrupted());
            stop();
        }
    });
}
