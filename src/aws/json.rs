//! Requests in AWS's JSON protocol (<https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html>), for services of
//! which one or two operations are needed: an SDK crate for each would double the build time.

use serde::Deserialize;
use url::Url;

use super::sign::{Content, signed};
use super::{Error, Need, Refusal, Service, Session, classify};
use crate::net::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use crate::net::{Method, Payload, Request};

/// A request to a service.
#[derive(Debug, Clone)]
pub struct JsonRequest<'a> {
    pub service: Service,
    /// Where it is asked.
    pub url: Url,
    /// The region for the signature.
    pub region: &'a str,
    /// The operation, with the target prefix of the protocol.
    pub target: &'static str,
    pub need: &'a Need,
    /// The name of the requested resource, for users.
    pub what: &'a str,
    pub body: String,
    /// The largest response in bytes.
    pub limit: u64,
    /// True if failures are retried here; else the caller does it.
    pub retried: bool,
}

#[derive(Default, Deserialize)]
struct Body {
    #[serde(rename = "__type", default)]
    code: String,
    #[serde(alias = "Message", default)]
    message: String,
}

impl Session {
    /// Sends a request, and returns the bytes of the JSON response.
    ///
    /// # Errors
    /// When there are no credentials, or the service cannot be reached or refuses.
    pub async fn ask(&self, request: JsonRequest<'_>) -> Result<Vec<u8>, Error> {
        let JsonRequest { service, url, region, target, need, what, body, limit, retried } = request;
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
        // The error code is in a header as well: some gateways drop the body.
        let header = answer.headers.get("x-amzn-errortype").and_then(|value| value.to_str().ok());
        let code = if body.code.is_empty() { header.unwrap_or_default() } else { &body.code };
        let refusal = Refusal { status: answer.status, code, message: &body.message, attempts: 1 };
        Err(classify(service, need, what, refusal))
    }
}
