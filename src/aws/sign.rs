//! Signature Version 4 (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html>).

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SessionTokenMode, SignableBody, SignableRequest, SigningSettings,
    UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4::SigningParams;
use aws_smithy_runtime_api::client::identity::Identity;
use url::Url;

use super::{Error, Service};
use crate::net::Method;
use crate::net::header::{HeaderMap, HeaderName, HeaderValue};

/// What a signature covers of the body.
#[derive(Debug, Clone, Copy)]
pub enum Content<'a> {
    Bytes(&'a [u8]),
    /// A body with this SHA-256, in lower-case hexadecimal digits.
    Hashed(&'a str),
    /// Nothing: only if TLS or another checksum protects the body.
    Unsigned,
}

/// Signs a request, and returns the headers to add to `headers`, all of which are signed. The new ones are marked as
/// sensitive, so that they are not sent to redirect targets.
///
/// # Errors
/// When the credentials or headers cannot be signed.
pub fn signed(
    service: Service,
    region: &str,
    credentials: Credentials,
    now: SystemTime,
    (method, url, headers): (&Method, &Url, &HeaderMap),
    content: Content<'_>,
) -> Result<HeaderMap, Error> {
    let broken = |error: &dyn std::error::Error| Error::BrokenCredentials {
        reason: format!("the request could not be signed: {error}"),
    };
    let mut settings = SigningSettings::default();
    settings.session_token_mode = SessionTokenMode::Include;
    if service == Service::S3 {
        // Keys are signed as they stand, and a body by a header (<https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html>).
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    }
    let identity = Identity::from(credentials);
    let params = SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name(service.signing)
        .time(now)
        .settings(settings)
        .build()
        .map_err(|error| broken(&error))?
        .into();
    let mut open = Vec::new();
    for (name, value) in headers {
        open.push((name.as_str(), value.to_str().map_err(|error| broken(&error))?));
    }
    let body = match content {
        Content::Bytes(bytes) => SignableBody::Bytes(bytes),
        Content::Hashed(digest) => SignableBody::Precomputed(digest.to_owned()),
        Content::Unsigned => SignableBody::UnsignedPayload,
    };
    let request = SignableRequest::new(method.as_str(), url.as_str(), open.into_iter(), body);
    let request = request.map_err(|error| broken(&error))?;
    let (instructions, _) = sign(request, &params).map_err(|error| broken(&error))?.into_parts();
    let mut headers = HeaderMap::new();
    for (name, value) in instructions.headers() {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|error| broken(&error))?;
        let mut value = HeaderValue::from_str(value).map_err(|error| broken(&error))?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Ok(headers)
}
