//! Logs of builds: one operation of CloudWatch Logs
//! (<https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html>).

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use super::super::build::LogLocation;
use super::super::service::{LogEvent, LogPage};
use crate::aws::needs::{self, Place};
use crate::aws::{Error, JsonRequest, Service, Session};

const TARGET: &str = "Logs_20140328.GetLogEvents";

/// The largest response in bytes. A page has at most 1 MiB of messages and 10,000 events; JSON writes six bytes for a
/// control character, and adds times.
const LARGEST: u64 = 16 << 20;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    #[serde(default)]
    events: Vec<Event>,
    next_forward_token: Option<String>,
}

#[derive(Deserialize)]
struct Event {
    #[serde(default)]
    timestamp: i64,
    #[serde(default)]
    message: String,
}

/// Reads a page of a log.
pub(super) async fn page(
    session: &Session,
    region: &str,
    place: &LogLocation,
    after: Option<&str>,
) -> Result<LogPage, Error> {
    let LogLocation { group, stream } = place;
    let mut body = json!({ "logGroupName": group, "logStreamName": stream, "startFromHead": true });
    if let Some(token) = after {
        body["nextToken"] = token.into();
    }
    let request = JsonRequest {
        service: Service::LOGS,
        url: session.url(Service::LOGS, region)?,
        region,
        target: TARGET,
        // Each build has a stream of its own.
        need: &needs::get_log_events(Place::in_region(region), group, "*"),
        what: &format!("the log `{group}` `{stream}`"),
        body: body.to_string(),
        limit: LARGEST,
        retried: false,
    };
    let answer = session.ask(request).await?;
    let unfit = |reason: String| Error::Answer { service: Service::LOGS.name, reason };
    let answer: Answer =
        serde_json::from_slice(&answer).map_err(|cause| unfit(format!("it is not a page of a log: {cause}")))?;
    let next = answer.next_forward_token.ok_or_else(|| unfit("it has no token for the next page".to_owned()))?;
    let event = |event: Event| LogEvent {
        time: Timestamp::from_millisecond(event.timestamp).unwrap_or(Timestamp::UNIX_EPOCH),
        message: event.message,
    };
    Ok(LogPage { events: answer.events.into_iter().map(event).collect(), next })
}
