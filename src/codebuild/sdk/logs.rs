//! Logs of builds: one operation of CloudWatch Logs
//! (<https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html>).

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;
use url::Url;

use super::super::build::LogPlace;
use super::super::service::{LogEvent, LogPage};
use crate::aws::needs::{self, Place};
use crate::aws::{Error, Question, Service, Session};

const TARGET: &str = "Logs_20140328.GetLogEvents";

/// A page has at most 1 MiB of messages and 10,000 events; JSON makes six bytes of a control character, and adds times.
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
    place: &LogPlace,
    after: Option<&str>,
) -> Result<LogPage, Error> {
    let LogPlace { group, stream } = place;
    let mut body = json!({ "logGroupName": group, "logStreamName": stream, "startFromHead": true });
    if let Some(token) = after {
        body["nextToken"] = token.into();
    }
    let question = Question {
        service: Service::LOGS,
        url: address(session, region)?,
        region,
        target: TARGET,
        need: &needs::get_log_events(Place::in_region(region), group, stream),
        what: &format!("the log `{group}` `{stream}`"),
        body: body.to_string(),
        limit: LARGEST,
        retried: false,
    };
    let answer = session.ask(question).await?;
    let unfit = |reason: String| Error::Answer { service: Service::LOGS.name, reason };
    let answer: Answer =
        serde_json::from_slice(&answer).map_err(|cause| unfit(format!("it is no page of a log: {cause}")))?;
    let next =
        answer.next_forward_token.ok_or_else(|| unfit("it does not say where the next page begins".to_owned()))?;
    let event = |event: Event| LogEvent {
        time: Timestamp::from_millisecond(event.timestamp).unwrap_or(Timestamp::UNIX_EPOCH),
        message: event.message,
    };
    Ok(LogPage { events: answer.events.into_iter().map(event).collect(), next })
}

fn address(session: &Session, region: &str) -> Result<Url, Error> {
    if let Some(address) = session.address(Service::LOGS)? {
        return Ok(address);
    }
    let host = host(region, session.is_set("AWS_USE_FIPS_ENDPOINT"), session.is_set("AWS_USE_DUALSTACK_ENDPOINT"));
    // Only a region that is none makes no host.
    Url::parse(&format!("https://{host}/")).map_err(|_| Error::NoRegion { service: Service::LOGS.name })
}

/// Gives the server of a region (<https://docs.aws.amazon.com/general/latest/gr/cwl_region.html>).
fn host(region: &str, fips: bool, dual_stack: bool) -> String {
    let name = if fips { "logs-fips" } else { "logs" };
    let domain = match (crate::aws::partition(region), dual_stack) {
        ("aws-cn", false) => "amazonaws.com.cn",
        ("aws-cn", true) => "api.amazonwebservices.com.cn",
        ("aws-eusc", false) => "amazonaws.eu",
        ("aws-eusc", true) => "api.amazonwebservices.eu",
        (_, false) => "amazonaws.com",
        (_, true) => "api.aws",
    };
    format!("{name}.{region}.{domain}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_region_has_a_server() {
        for (region, fips, dual_stack, expected) in [
            ("eu-west-1", false, false, "logs.eu-west-1.amazonaws.com"),
            ("us-east-1", true, false, "logs-fips.us-east-1.amazonaws.com"),
            ("eu-west-1", false, true, "logs.eu-west-1.api.aws"),
            ("us-gov-west-1", false, true, "logs.us-gov-west-1.api.aws"),
            ("cn-north-1", false, false, "logs.cn-north-1.amazonaws.com.cn"),
            ("eusc-de-east-1", false, false, "logs.eusc-de-east-1.amazonaws.eu"),
        ] {
            assert_eq!(host(region, fips, dual_stack), expected);
        }
    }
}
