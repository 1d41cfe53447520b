//! One request, sent once: for libraries that retry by themselves, and for the metadata services of cloud machines.

use std::time::Duration;

use url::{Host, Url};

use super::address::{host, shown};
use super::cause::explained;
use super::client::Client;
use super::document::collected;
use super::exchange::{Answer, Request};
use super::place::{Place, allowed};
use super::retry::{Attempts, Failure};
use super::{Error, Fault};

impl Client {
    /// Sends a request once and gives whatever is answered, redirects too, which are not followed. No authorizer is asked.
    /// Besides what [`Client::exchange`] allows, plain http may go to link-local addresses, where clouds serve a machine's
    /// own metadata and credentials; they are asked without a proxy, and no router passes them on (RFC 3927 §7).
    ///
    /// # Errors
    /// When the address is refused, a connection is needed and not allowed, or no answer comes within `patience`.
    pub async fn ask_once(&self, request: &Request, patience: Duration) -> Result<Answer, Error> {
        let inner = self.inner();
        let url = match &request.url {
            url if is_link_local(url) => url.clone(),
            url => match allowed(url)? {
                Place::Http(url) => url,
                Place::File(_) | Place::Store(..) => {
                    return Err(Error::Refused {
                        url: shown(url),
                        reason: "a file URL cannot answer a request".to_owned(),
                    });
                }
            },
        };
        if inner.settings.offline {
            return Err(Error::Offline { url: shown(&url) });
        }
        let gave_up = |fault: Fault| Error::GaveUp {
            url: shown(&url),
            attempts: 1,
            spent: patience,
            received: 0,
            length: None,
            source: Box::new(fault),
        };
        match tokio::time::timeout(patience, self.sent_once(request, &url, patience)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(Failure::Final(error))) => Err(error),
            Ok(Err(Failure::Passing { fault, .. })) => Err(gave_up(fault)),
            Err(_) => Err(gave_up(Fault::Stalled { host: host(&url), waited: patience })),
        }
    }

    async fn sent_once(&self, request: &Request, url: &Url, patience: Duration) -> Result<Answer, Failure> {
        let inner = self.inner();
        let mut headers = request.headers.clone();
        let body = request.payload.body(&mut headers)?;
        let sent = inner.http.client(url)?.request(request.method.clone(), url.clone()).headers(headers).body(body());
        let response = sent.send().await.map_err(|error| explained(&error, url, inner.settings.limits.connect))?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let mut attempts = Attempts::new(shown(url), inner.settings.retry, patience);
        let body = collected(inner, url, response, &mut attempts, request.limit).await?;
        Ok(Answer { url: url.clone(), status, headers, body })
    }
}

/// Returns true if a URL of plain http names a link-local address by its number, or Amazon's counterpart in IPv6
/// (<https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html>).
fn is_link_local(url: &Url) -> bool {
    let bare = url.username().is_empty() && url.password().is_none();
    let local = match url.host() {
        Some(Host::Ipv4(address)) => address.is_link_local(),
        Some(Host::Ipv6(address)) => address.segments()[..2] == [0xfd00, 0xec2],
        _ => false,
    };
    url.scheme() == "http" && bare && local
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_link_itself_are_asked_in_the_open() {
        for (url, expected) in [
            ("http://169.254.169.254/latest/api/token", true),
            ("http://169.254.170.2/v2/credentials/x", true),
            ("http://[fd00:ec2::254]/latest/api/token", true),
            ("http://[fd00:ec3::254]/latest/api/token", false),
            ("http://user@169.254.169.254/", false),
            ("https://169.254.169.254/", false),
            ("http://169.254.169.254.example.com/", false),
            ("http://10.0.0.1/", false),
        ] {
            assert_eq!(is_link_local(&Url::parse(url).unwrap()), expected, "{url}");
        }
    }
}
