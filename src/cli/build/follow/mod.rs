//! `toolkit build follow`: shows builds as they go.

mod json;
mod live;
mod names;
mod plain;
mod result;
mod view;
mod watch;

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use super::{service, stop};
use crate::cli::Global;
use crate::cli::render::Failure;
use crate::cli::settings::Settings;
use crate::host::Host;
pub(super) use watch::{Options, watch};

/// Follow builds and batches on CodeBuild: phases, logs, and why they failed
///
/// Shows phases as they start and end, and the log as it grows, of several builds with their names before each
/// line; the builds of a batch as they start, and the retries of failed builds. At the end come the phases that
/// failed with the likely cause, and where artifacts and reports are. Exits with 0 when all succeeded and with 1 when not.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = LONG)]
pub(super) struct Arguments {
    /// Builds and batches, by id or ARN
    #[arg(value_name = "ID", required = true, value_parser = stop::id)]
    ids: Vec<String>,
    /// Follow phases only
    #[arg(long)]
    no_logs: bool,
    /// Stop the builds on CodeBuild when this command is interrupted
    #[arg(long)]
    stop_on_interrupt: bool,
    /// The seconds between two polls while something happens; up to five times as long otherwise [default: 2]
    /// [env: TOOLKIT_POLL_INTERVAL]
    #[arg(long, value_name = "SECONDS", value_parser = interval)]
    interval: Option<Duration>,
}

const EXAMPLES: &str = "\
Examples:
  toolkit build follow web:8f6b1b0e-3c6a-4f4e-9a43-0c6b4d0b8c55
  toolkit build follow $(toolkit build start web --arch amd64,arm64)
  toolkit build follow ID --no-logs --json";

const LONG: &str = "\
Examples:
  toolkit build follow web:8f6b1b0e-3c6a-4f4e-9a43-0c6b4d0b8c55
  toolkit build follow $(toolkit build start web --arch amd64,arm64)
  toolkit build follow ID --no-logs --json

Requests: at most 60 polls a minute, however many builds there are, and at most 5 pages of logs a
second while a log is behind. When AWS throttles, the pauses grow up to a minute. A connection
that is lost is waited for up to an hour, new credentials up to five minutes; nothing is lost or
shown twice by that.

Ctrl-C: without --stop-on-interrupt the builds continue; on a terminal it asks once whether to stop
them. SIGTERM and SIGHUP do the same without the question. Exit code 5 then, as of everything that
is interrupted: how the builds end is not known. With --stop-on-interrupt the builds are stopped,
their end is waited for up to a minute, and the exit code is 1.

Exit code 3 when all builds succeeded, but a log could not be read; --no-logs does without logs.

--json prints one object per line. `event` says what it is; `id` is the build or batch, with `name`,
as lines show it:
  build         a build was found: project, number, arch, identifier, batch, status, link
  batch         a batch was found: project, number, status, link
  group         a batch has a build to do: identifier, depends_on, ignore_failure
  phase-began   phase, time
  phase-ended   phase, time, status, seconds, contexts: [{code, message}]
  log           time, line
  retry         the build is retried: next (its id), number, limit
  build-over    status, seconds, failed: [{phase, status, code, message, cause, remedy}],
                artifacts, reports, exported, link, log_link, s3_log_link
  batch-over    status, seconds, failed, link
  note          a problem on the way: text, and kind (throttled, lost, back, expired, renewed,
                no-log, missing-log, unread-log, endless-log)
  end           succeeded";

impl Arguments {
    pub(super) fn run(self, host: &Host, global: &Global) -> Result<ExitCode, Failure> {
        let settings = Settings::without_project(host, global)?;
        let options = Options {
            logs: !self.no_logs,
            stop_on_interrupt: self.stop_on_interrupt,
            fresh: false,
            interval: self.interval,
        };
        let service = settings.runtime.block_on(service(&settings))?;
        watch(&settings, global, service, self.ids, &options)
    }
}

/// Reads the time between two polls.
pub(super) fn interval(text: &str) -> Result<Duration, String> {
    let seconds: Option<f64> = text.parse().ok().filter(|seconds| (0.001..=3600.0).contains(seconds));
    seconds.map(Duration::from_secs_f64).ok_or_else(|| "a number of seconds, up to 3600".to_owned())
}
