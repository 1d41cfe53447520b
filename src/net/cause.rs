//! What a request that failed on the way means, in words that hold no secret of its URL.

use std::io;

use reqwest::StatusCode;
use url::Url;

use super::address::{host, shown};
use super::retry::Failure;
use super::{Error, Fault};

/// Returns what a failed request means.
pub(super) fn explained(error: &reqwest::Error, url: &Url, connect: std::time::Duration) -> Failure {
    let host = host(url);
    if let Some(certificate) = certificate_fault(error) {
        return Error::Untrusted { host, reason: certificate }.into();
    }
    let reason = root(error);
    // The proxy answered before any server could; hyper-util has no variant for it that can be reached from here.
    if error.is_connect() && reason.contains("proxy authorization required") {
        return Error::Status { url: shown(url), status: StatusCode::PROXY_AUTHENTICATION_REQUIRED.as_u16() }.into();
    }
    if error.is_connect() && error.is_timeout() {
        return Fault::Unreachable { host, reason: format!("no answer within {}", super::words::Seconds(connect)) }
            .into();
    }
    if error.is_connect() {
        return Fault::Unreachable { host, reason }.into();
    }
    match io_kind(error) {
        Some(io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe) => Fault::Reset { host }.into(),
        Some(io::ErrorKind::UnexpectedEof) => Fault::Short { host }.into(),
        _ if is_incomplete(&reason) => Fault::Short { host }.into(),
        _ => Fault::Broken { host, reason }.into(),
    }
}

/// Knows hyper's two texts for a peer that went away; this crate does not depend on hyper, so it cannot match on the type.
fn is_incomplete(reason: &str) -> bool {
    reason.contains("before message completed") || reason.contains("end of file before message length reached")
}

fn chain<'a>(error: &'a reqwest::Error) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    let first: &'a (dyn std::error::Error + 'static) = error;
    std::iter::successors(Some(first), |error| error.source())
}

/// Returns the innermost cause in words. The outer ones hold the URL, which may hold secrets.
pub(super) fn root(error: &reqwest::Error) -> String {
    chain(error).skip(1).last().map_or_else(|| "the request failed".to_owned(), ToString::to_string)
}

fn io_kind(error: &reqwest::Error) -> Option<io::ErrorKind> {
    chain(error).filter_map(|cause| cause.downcast_ref::<io::Error>()).last().map(io::Error::kind)
}

/// Finds a refused certificate. An `io::Error` hides what it wraps from `source()`, so it is asked for it.
fn certificate_fault(error: &reqwest::Error) -> Option<String> {
    let in_io = |cause: &(dyn std::error::Error + 'static)| -> Option<String> {
        let mut io = cause.downcast_ref::<io::Error>();
        while let Some(error) = io {
            let inner = error.get_ref()?;
            if let Some(found @ rustls::Error::InvalidCertificate(_)) = inner.downcast_ref::<rustls::Error>() {
                return Some(found.to_string());
            }
            io = inner.downcast_ref::<io::Error>();
        }
        None
    };
    chain(error).find_map(in_io)
}
