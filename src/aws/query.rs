//! Requests in AWS's query protocol, forms with XML responses
//! (<https://smithy.io/2.0/aws/protocols/aws-query-protocol.html>): STS and IAM have no other.

use roxmltree::{Document, Node};
use url::Url;
use url::form_urlencoded::Serializer;

use super::sign::{Content, signed};
use super::{Error, Need, Refusal, Service, Session, classify};
use crate::net::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use crate::net::{Method, Payload, Request};

/// The largest response in bytes.
const LARGEST: u64 = 4 << 20;

/// A request to a service.
#[derive(Debug, Clone)]
pub(super) struct Query<'a> {
    pub service: Service,
    /// Where it is asked.
    pub url: Url,
    /// The region for the signature.
    pub region: &'a str,
    /// The version of the API: `2011-06-15`.
    pub version: &'static str,
    pub action: &'static str,
    /// The parameters of the action.
    pub parameters: Vec<(String, String)>,
    pub need: &'a Need,
    /// The name of the requested resource, for users.
    pub what: &'a str,
}

impl Session {
    /// Sends a request, and returns the XML response.
    ///
    /// # Errors
    /// When there are no credentials, or the service cannot be reached or refuses.
    pub(super) async fn query(&self, query: Query<'_>) -> Result<String, Error> {
        let Query { service, url, region, version, action, parameters, need, what } = query;
        let mut form = Serializer::new(String::new());
        form.append_pair("Action", action).append_pair("Version", version);
        for (name, value) in &parameters {
            form.append_pair(name, value);
        }
        let body = form.finish();
        let credentials = self.credentials(service, region).await?;
        let mut headers = HeaderMap::new();
        let kind = HeaderValue::from_static("application/x-www-form-urlencoded; charset=utf-8");
        headers.insert(CONTENT_TYPE, kind);
        let content = Content::Bytes(body.as_bytes());
        let proof = signed(service, region, credentials, self.now(), (&Method::POST, &url, &headers), content)?;
        headers.extend(proof);
        let payload = Payload::Bytes(body.into());
        // None of these requests changes anything, so that retries are safe.
        let request = Request { method: Method::POST, url, headers, payload, limit: LARGEST, retried: true };
        let answer = self.client().exchange(&request).await;
        let answer = answer.map_err(|source| Error::Unreachable { service: service.name, source: Box::new(source) })?;
        let text = String::from_utf8(answer.body)
            .map_err(|_| Error::Answer { service: service.name, reason: "it is not UTF-8".to_owned() })?;
        if answer.status == 200 {
            return Ok(text);
        }
        let document = Document::parse(text.trim_start()).ok();
        let field = |name: &str| document.as_ref().and_then(|document| text_of(document.root_element(), name));
        let (code, message) = (field("Code").unwrap_or_default(), field("Message").unwrap_or_default());
        Err(classify(
            service,
            need,
            what,
            Refusal { status: answer.status, code: &code, message: &message, attempts: 1 },
        ))
    }
}

/// Returns the text of the first element with this name at any depth.
pub(super) fn text_of(node: Node<'_, '_>, name: &str) -> Option<String> {
    let found = node.descendants().find(|node| node.tag_name().name() == name)?;
    Some(found.text().unwrap_or_default().trim().to_owned())
}
