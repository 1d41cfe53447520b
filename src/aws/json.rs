//! Questions in AWS's JSON protocol (<https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html>), for services of
//! which one or two operations are needed: an SDK crate for each would double the time of a build.

use serde::Deserialize;
use url::Url;

use super::sign::{Content, signed};
use super::{Error, Need, Refusal, Service, Session, judged};
use crate::net::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use crate::net::{Method, Payload, Request};

/// A question to a service.
#[derive(Debug, Clone)]
pub struct Question<'a> {
    /// The service.
    pub service: Service,
    /// Where it is asked.
    pub url: Url,
    /// The region that the signature names.
    pub region: &'a str,
    /// The operation, with the name of the protocol's target in front.
    pub target: &'static str,
    /// What must be allowed for it.
    pub need: &'a Need,
    /// What is asked for, for people.
    pub what: &'a str,
    /// The question itself, JSON.
    pub body: String,
    /// The most bytes that the answer may have.
    pub limit: u64,
    /// Whether faults are worth another attempt; else the caller sees to that.
    pub retried: bool,
}

/// An answer that refuses.
#[derive(Default, Deserialize)]
struct Body {
    #[serde(rename = "__type", default)]
    code: String,
    #[serde(alias = "Message", default)]
    message: String,
}

impl Session {
    /// Asks a service and gives the bytes of its answer, JSON.
    ///
    /// # Errors
    /// When there are no credentials, the service is not reached, or it refuses.
    pub async fn ask(&self, question: Question<'_>) -> Result<Vec<u8>, Error> {
        let Question { service, url, region, target, need, what, body, limit, retried } = question;
        let credentials = self.credentials(service, region).await?;
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.1"));
        headers.insert("x-amz-target", HeaderValue::from_static(target));
        let content = Content::Bytes(body.as_bytes());
        let proof = signed(service, region, credentials, self.now(), (&Method::POST, &url, &headers), content)?;
        headers.extend(proof);
        let payload = Payload::Bytes(body.into());
        let request = Request { method: Method::POST, url, headers, payload, limit, retried };
        let answer = self.client().exchange(&request).await;
        let answer = answer.map_err(|source| Error::Unreachable { service: service.name, source: Box::new(source) })?;
        if answer.status == 200 {
            return Ok(answer.body);
        }
        let body: Body = serde_json::from_slice(&answer.body).unwrap_or_default();
        // A protocol of headers, too: some gateways drop the body.
        let header = answer.headers.get("x-amzn-errortype").and_then(|value| value.to_str().ok());
        let code = if body.code.is_empty() { header.unwrap_or_default() } else { &body.code };
        let refusal = Refusal { status: answer.status, code, message: &body.message, attempts: 1 };
        Err(judged(service, need, what, refusal))
    }
}
