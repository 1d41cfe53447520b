//! Logs in pages (<https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html>).

use serde_json::{Value, json};

use super::state::{Refusal, State};

/// A stream: what was written, with its time in milliseconds.
#[derive(Debug, Default)]
pub(super) struct Stream {
    events: Vec<(i64, String)>,
}

impl State {
    pub(super) fn log(&mut self, group: &str, stream: &str, time: i64, message: &str) {
        let stream = self.streams.entry((group.to_owned(), stream.to_owned())).or_default();
        stream.events.push((time, message.to_owned()));
    }

    /// A page. At the end the token is the one that came; an empty page before the end has another one.
    pub(super) fn log_events(&mut self, body: &Value) -> Result<Value, Refusal> {
        let field = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        let (group, name) = (field("logGroupName"), field("logStreamName"));
        self.read_after_end(&group, &name);
        let page =
            body["limit"].as_u64().map_or(self.log_page, |limit| self.log_page.min(usize::try_from(limit).unwrap()));
        self.log_reads += 1;
        let reads = self.log_reads;
        let hollow = self.empty_every.is_some_and(|nth| reads.is_multiple_of(nth));
        let Some(stream) = self.streams.get(&(group.clone(), name)) else {
            let known = self.streams.keys().any(|(known, _)| *known == group);
            let what = if known { "stream" } else { "group" };
            return Err(Refusal::missing(&format!("The specified log {what} does not exist.")));
        };
        let length = stream.events.len();
        let token = body["nextToken"].as_str();
        let from = match token {
            // f/INDEX or, after an empty page, f/INDEX/NUMBER.
            Some(token) => token
                .strip_prefix("f/")
                .and_then(|rest| rest.split('/').next()?.parse().ok())
                .filter(|from| *from <= length)
                .ok_or_else(|| Refusal::new(400, "InvalidParameterException", "The specified nextToken is invalid."))?,
            None if body["startFromHead"].as_bool() == Some(true) => 0,
            None => length.saturating_sub(page),
        };
        let to = if hollow { from } else { (from + page).min(length) };
        let next = match token {
            Some(token) if from == length => token.to_owned(),
            _ if hollow && from < length => format!("f/{from}/{reads}"),
            _ => format!("f/{to}"),
        };
        let events: Vec<Value> = stream.events[from..to]
            .iter()
            .map(|(time, message)| json!({ "timestamp": time, "message": message, "ingestionTime": time + 500 }))
            .collect();
        Ok(json!({ "events": events, "nextForwardToken": next, "nextBackwardToken": format!("b/{from}") }))
    }
}
