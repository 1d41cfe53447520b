//! Follows builds to the end, or until it is asked to stop.

use std::io::{self, BufRead, IsTerminal};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use super::result;
use super::view::{Manner, View};
use crate::cli::Global;
use crate::cli::network::seconds;
use crate::cli::render::{self, Failure};
use crate::cli::settings::Settings;
use crate::cli::signals::{Signals, StopRequest};
use crate::codebuild::Service;
use crate::codebuild::follow::{Error, FollowOptions, Follower, Monotonic, Pace, Report};

/// How long the end of builds is waited for that were stopped.
const STOPPING: Duration = Duration::from_secs(60);

/// How long to wait for an answer before the builds go on.
const ANSWER: Duration = Duration::from_secs(30);

/// How builds are followed.
#[derive(Debug, Clone)]
pub(in crate::cli::build) struct Options {
    /// Whether logs are shown.
    pub(in crate::cli::build) logs: bool,
    /// Whether builds are stopped when this is interrupted.
    pub(in crate::cli::build) stop_on_interrupt: bool,
    /// Whether the builds were started a moment ago.
    pub(in crate::cli::build) fresh: bool,
    /// The time between two looks, where somebody says so.
    pub(in crate::cli::build) interval: Option<Duration>,
}

/// Shows builds and batches until they are over. The exit code is 0 when all succeeded, else 1.
///
/// # Errors
/// When an id is unknown, AWS does not answer, or it is interrupted and the builds go on; when all succeeded and a log could
/// not be read.
pub(in crate::cli::build) fn watch(
    place: &Settings,
    global: &Global,
    service: Arc<dyn Service>,
    ids: Vec<String>,
    options: &Options,
) -> Result<ExitCode, Failure> {
    let manner = manner(place, global);
    let variable = place.host.var("TOOLKIT_POLL_INTERVAL");
    let variable = variable.map(|text| seconds("TOOLKIT_POLL_INTERVAL", text)).transpose()?;
    let pace = Pace::new(options.interval.or(variable).unwrap_or(Pace::BASE));
    let several = ids.len() > 1;
    let settings = FollowOptions { ids, logs: options.logs, fresh: options.fresh, pace };
    let clock = Arc::new(Monotonic::new());
    let mut follower = Follower::new(service, clock, settings, View::new(manner, several));
    let ended = place.runtime.block_on_through_signals(to_the_end(&mut follower, place, manner, options));
    let view = follower.observer();
    view.end();
    let End { report, stopped } = ended?;
    if let Some(failure) = view.broken() {
        return Err(failure);
    }
    if manner != Manner::Json {
        let terse = manner == Manner::Quiet;
        render::say(result::text(&report, &mut view.names, terse));
    }
    if stopped || !report.succeeded() {
        return Ok(ExitCode::FAILURE);
    }
    match view.unread() {
        // A missing log must not be taken for an empty one.
        Some(cause) => Err(Error::UnreadLogs { source: Box::new(cause) }.into()),
        None => Ok(ExitCode::SUCCESS),
    }
}

fn manner(place: &Settings, global: &Global) -> Manner {
    match () {
        () if global.json => Manner::Json,
        () if global.quiet => Manner::Quiet,
        () if place.host.terminal && place.host.var("CI").is_none() => Manner::Live,
        () => Manner::Lines,
    }
}

/// How it ended.
struct End {
    report: Report,
    /// Whether it was stopped from here.
    stopped: bool,
}

async fn to_the_end(
    follower: &mut Follower<View>,
    place: &Settings,
    manner: Manner,
    options: &Options,
) -> Result<End, Failure> {
    let mut signals = Signals::new();
    let wish = tokio::select! {
        report = follower.run() => return Ok(End { report: report?, stopped: false }),
        wish = signals.next() => wish,
    };
    let stops = match wish {
        _ if options.stop_on_interrupt => true,
        StopRequest::Interrupt if manner == Manner::Live && io::stdin().is_terminal() => {
            ask(follower, &mut signals).await
        }
        _ => false,
    };
    if !stops {
        return Err(detached(follower));
    }
    stop(follower, &mut signals, place).await
}

/// Stops everything and follows it to its end, for a while.
async fn stop(follower: &mut Follower<View>, signals: &mut Signals, place: &Settings) -> Result<End, Failure> {
    let running = tokio::select! {
        stopped = follower.stop() => stopped?,
        _ = signals.next() => return Err(detached(follower)),
    };
    place.report.noted(&format!("asked CodeBuild to stop {}", running.join(", ")));
    tokio::select! {
        report = follower.run() => return Ok(End { report: report?, stopped: true }),
        () = tokio::time::sleep(STOPPING) => {}
        _ = signals.next() => {}
    }
    Ok(End { report: follower.report(), stopped: true })
}

/// Asks once whether to stop the builds. Ctrl-C and silence mean that they go on.
async fn ask(follower: &mut Follower<View>, signals: &mut Signals) -> bool {
    follower.observer().hide();
    let what = if follower.running().len() > 1 { "builds" } else { "build" };
    render::say(format!("\nAlso stop the {what} on CodeBuild? [y/N] (Ctrl-C leaves without) "));
    let (sender, answer) = tokio::sync::oneshot::channel();
    // In a thread: a line may never come, and nothing waits for the thread then.
    let reading = std::thread::Builder::new().spawn(move || {
        let mut line = String::new();
        let read = io::stdin().lock().read_line(&mut line);
        // The receiver is gone when the answer comes too late.
        let _ = sender.send(read.is_ok() && matches!(line.trim().to_lowercase().as_str(), "y" | "yes"));
    });
    let stops = tokio::select! {
        answer = answer => reading.is_ok() && answer.unwrap_or(false),
        () = tokio::time::sleep(ANSWER) => false,
        _ = signals.next() => false,
    };
    render::say("\n");
    follower.observer().show();
    stops
}

/// Nothing failed, but how the builds end is not known: exit code 5, as of everything that is interrupted.
fn detached(follower: &Follower<View>) -> Failure {
    let running = follower.running();
    let (what, ids) = match running.as_slice() {
        [] => ("; the builds are over, and their logs were being read", follower.ids()),
        [one] => ("; the build continues on CodeBuild", std::slice::from_ref(one)),
        several => ("; the builds continue on CodeBuild", several),
    };
    let ids = ids.join(" ");
    Failure::machine(
        format!("interrupted{what}"),
        format!("follow again: `toolkit build follow {ids}`; stop: `toolkit build stop {ids}`"),
        io::Error::new(io::ErrorKind::Interrupted, "the program was asked to stop"),
    )
}
