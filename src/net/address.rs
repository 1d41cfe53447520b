//! A URL as it may be printed, without its secrets.

use std::net::IpAddr;

use url::{Host, Url};

/// Returns the URL as it may be printed: no user info, no fragment, of a query only the names.
#[must_use]
pub fn shown(url: &Url) -> String {
    if url.path_segments().is_none() {
        // `user:secret@host/x`, written without `https://`, reads as a scheme and a text that nobody may print.
        return format!("{}:…", url.scheme());
    }
    let mut clean = url.clone();
    // These fail for URLs that cannot have user info, and then there is none.
    let _ = clean.set_username("");
    let _ = clean.set_password(None);
    clean.set_query(None);
    clean.set_fragment(None);
    let names: Vec<String> = url.query_pairs().map(|(name, _)| format!("{name}=…")).collect();
    if names.is_empty() { clean.to_string() } else { format!("{clean}?{}", names.join("&")) }
}

/// Returns the host as it may be printed.
pub(super) fn host(url: &Url) -> String {
    match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (Some(host), None) => host.to_owned(),
        (None, _) => url.scheme().to_owned(),
    }
}

/// Returns true if the URL names this very machine.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_never_shown() {
        for (url, expected) in [
            ("https://user:secret@host:8443/a/b?token=secret&mode=x#secret", "https://host:8443/a/b?token=…&mode=…"),
            ("https://go.dev/dl/", "https://go.dev/dl/"),
            ("goproxy:///golang.org/toolchain", "goproxy:///golang.org/toolchain"),
            ("user:secret@host/a?token=secret", "user:…"),
        ] {
            assert_eq!(shown(&Url::parse(url).unwrap()), expected);
        }
    }
}
