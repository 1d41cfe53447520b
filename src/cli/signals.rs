//! Signals, by which people and systems ask a program to stop.

/// What a signal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(feature = "aws"), allow(dead_code, reason = "only `build follow` tells signals apart"))]
pub(super) enum StopRequest {
    /// Ctrl-C: a person is there, who may be asked.
    Interrupt,
    /// A terminal that closes, a job that is cancelled.
    End,
}

/// Listens for signals from now on; those between two calls are not lost.
#[derive(Debug)]
pub(super) struct Signals {
    #[cfg(unix)]
    unix: [Option<tokio::signal::unix::Signal>; 3],
}

#[cfg(unix)]
impl Signals {
    /// Begins to listen; inside of a runtime only.
    pub(super) fn new() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        // Without a handler the signal ends the process by itself; the next command sweeps up.
        let listen = |kind| signal(kind).ok();
        Self { unix: [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()].map(listen) }
    }

    /// Ends when the next signal arrives.
    pub(super) async fn next(&mut self) -> StopRequest {
        async fn arrives(signal: &mut Option<tokio::signal::unix::Signal>) {
            match signal {
                Some(signal) => {
                    signal.recv().await;
                }
                None => std::future::pending().await,
            }
        }
        let [interrupt, terminate, hangup] = &mut self.unix;
        tokio::select! {
            () = arrives(interrupt) => StopRequest::Interrupt,
            () = arrives(terminate) => StopRequest::End,
            () = arrives(hangup) => StopRequest::End,
        }
    }
}

#[cfg(not(unix))]
impl Signals {
    /// Begins to listen.
    pub(super) fn new() -> Self {
        Self {}
    }

    /// Ends when the person asks the program to stop.
    pub(super) async fn next(&mut self) -> StopRequest {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        StopRequest::Interrupt
    }
}

/// Ends when the person or the system asks the program to stop: Ctrl-C, a terminal that closes, a job that is cancelled.
pub(super) async fn interrupted() {
    Signals::new().next().await;
}
