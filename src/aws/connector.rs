//! Lets the AWS SDK use this program's HTTP client, so that the same TLS settings, certificate authorities and proxies
//! apply, and `--offline` too. The SDK does its own retries.

use std::time::Duration;

use crate::net::header::{HeaderMap, HeaderName, HeaderValue};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use url::Url;

use crate::net::{self, Answer, Error, Fault, Method, Payload, Request};

/// The response timeout when the SDK sets none.
const PATIENCE: Duration = Duration::from_secs(10);

/// The largest response in bytes. Credentials have a few KiB; a hundred builds with all their phases and variables have
/// some MiB.
const LARGEST: u64 = 32 << 20;

/// Adapts this program's client to the SDK.
#[derive(Debug, Clone)]
pub struct Connector {
    client: net::Client,
    patience: Duration,
}

impl Connector {
    /// Lets the SDK use `client`.
    #[must_use]
    pub fn new(client: &net::Client) -> Self {
        Self { client: client.clone(), patience: PATIENCE }
    }
}

impl HttpClient for Connector {
    fn http_connector(&self, settings: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        // The SDK limits both for link-local services, which respond at once or never.
        let patience = match (settings.connect_timeout(), settings.read_timeout()) {
            (Some(connect), Some(read)) => connect.max(read),
            _ => PATIENCE,
        };
        SharedHttpConnector::new(Self { client: self.client.clone(), patience })
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let Self { client, patience } = self.clone();
        HttpConnectorFuture::new(async move {
            let request = ours(&request).map_err(|reason| ConnectorError::user(reason.into()))?;
            let answer = client.ask_once(&request, patience).await.map_err(theirs)?;
            response(answer).map_err(|reason| ConnectorError::other(reason.into(), None))
        })
    }
}

fn ours(request: &HttpRequest) -> Result<Request, &'static str> {
    let url = Url::parse(request.uri()).map_err(|_| "the address is none")?;
    let method = Method::from_bytes(request.method().as_bytes()).map_err(|_| "the method is none")?;
    let mut headers = HeaderMap::new();
    for (name, value) in request.headers() {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| "a header has no name")?;
        let mut value = HeaderValue::from_str(value).map_err(|_| "a header has no value")?;
        // These include the signature, session tokens and the tokens of metadata services.
        value.set_sensitive(true);
        headers.append(name, value);
    }
    let payload = match request.body().bytes().ok_or("the body is not at hand")? {
        [] => Payload::Empty,
        bytes => Payload::Bytes(Bytes::copy_from_slice(bytes)),
    };
    Ok(Request { method, url, headers, payload, limit: LARGEST, retried: false })
}

fn response(answer: Answer) -> Result<HttpResponse, &'static str> {
    let status = answer.status.try_into().map_err(|_| "the status is none")?;
    let mut response = HttpResponse::new(status, SdkBody::from(answer.body));
    for (name, value) in &answer.headers {
        if let Ok(value) = value.to_str() {
            let (name, value) = (name.as_str().to_owned(), value.to_owned());
            response.headers_mut().try_append(name, value).map_err(|_| "a header is broken")?;
        }
    }
    Ok(response)
}

/// Converts an error, so that the SDK knows whether to retry.
fn theirs(error: Error) -> ConnectorError {
    let stalled = matches!(&error, Error::GaveUp { source, .. } if matches!(**source, Fault::Stalled { .. } | Fault::Slow { .. }));
    let passes = matches!(error, Error::GaveUp { .. });
    match (stalled, passes) {
        (true, _) => ConnectorError::timeout(error.into()),
        (false, true) => ConnectorError::io(error.into()),
        (false, false) => ConnectorError::user(error.into()),
    }
}
