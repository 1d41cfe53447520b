//! What upstreams, proxies and mirrors do.

use std::time::Duration;

use toolkit::fs::FileError;
use toolkit::net::{Error, Fault};
use toolkit::provision;

use super::examples::{
    Example, GO_FILE, GO_INDEX, GO_URL, SDK_INDEX, SDK_URL, Section, denied, downloading, downloading_sdk,
    reading_releases, section, text,
};

const MIRRORED: &str = "/mnt/mirror/go.dev/dl/go1.27.3.linux-arm64.tar.gz";

pub fn sections() -> Vec<Section> {
    [usage(), answers(), contents(), surroundings(), faults()].into_iter().flatten().collect()
}

fn usage() -> Vec<Section> {
    let refused = |url: &str, reason: &str| Error::Refused { url: text(url), reason: text(reason) };
    let mirror = |mirror: &str, reason: &str| Error::BadMirror { mirror: text(mirror), reason: text(reason) };
    vec![
        section(
            "net::Error::Refused",
            [
                downloading(refused(
                    "http://10.0.0.7/go1.27.3.linux-arm64.tar.gz",
                    "plain http is allowed to this machine only",
                )),
                downloading(refused(
                    "https://nexus.example.com/go/go1.27.3.linux-arm64.tar.gz",
                    "it contains a user name or a password",
                )),
            ],
        ),
        section(
            "net::Error::NoServer",
            [downloading(Error::NoServer {
                url: text("goproxy:///golang.org/toolchain/@v/v0.0.1-go1.27.3.linux-arm64.zip"),
                scheme: text("goproxy"),
            })],
        ),
        section(
            "net::Error::BadMirror",
            [Example::from(mirror("ftp://nexus.example.com/sdk", "the scheme is not supported: `ftp`"))],
        ),
    ]
}

fn answers() -> Vec<Section> {
    let status = |status| Error::Status { url: text(GO_URL), status };
    let redirect = |reason: &str| downloading(Error::Redirect { url: text(GO_URL), reason: text(reason) });
    let contradiction = |reason: &str| downloading(Error::Contradiction { url: text(GO_URL), reason: text(reason) });
    vec![
        section(
            "net::Error::Status",
            [downloading(status(404)), downloading(status(403)), downloading(status(407)), downloading(status(501))],
        ),
        section(
            "net::Error::ComeBackLater",
            [downloading(Error::ComeBackLater { url: text(GO_URL), status: 429, wait: Duration::from_secs(3600) })],
        ),
        section(
            "net::Error::Redirect",
            [
                redirect("in a circle: https://dl.google.com/go/go1.27.3.linux-arm64.tar.gz came twice"),
                redirect("to http://proxy.example.com/blocked, and https is never downgraded"),
                redirect("more than 10 times"),
            ],
        ),
        section(
            "net::Error::Contradiction",
            [
                contradiction("bytes from 43201331 were asked for, bytes from 0 came"),
                contradiction("more bytes than the 71703101 of its Content-Length"),
            ],
        ),
        section("net::Error::Changed", [downloading(Error::Changed { url: text(GO_URL) })]),
        section("net::Error::Html", [downloading(Error::Html { url: text(GO_URL) })]),
        section("net::Error::Empty", [downloading(Error::Empty { url: text(GO_URL) })]),
    ]
}

fn contents() -> Vec<Section> {
    let no_copy = |copies: &str, source: Error| {
        let source = Box::new(source);
        reading_releases("go@1.27", Error::NoCopy { url: text(GO_INDEX), copies: text(copies), source })
    };
    let status = Error::Status { url: text(GO_INDEX), status: 403 };
    vec![
        section(
            "net::Error::TooLarge",
            [reading_releases("dotnet@lts", Error::TooLarge { url: text(SDK_INDEX), limit: 64 << 20 })],
        ),
        section(
            "net::Error::Unfit",
            [reading_releases(
                "dotnet@lts",
                Error::Unfit { url: text(SDK_INDEX), reason: text("expected `,` or `}` at line 14 column 7") },
            )],
        ),
        section(
            "net::Error::NoCopy",
            [
                no_copy("no good copy of it is in /opt/toolkit/metadata", gave_up(0, None, unreachable())),
                no_copy("no copies are cached", status),
            ],
        ),
    ]
}

fn surroundings() -> Vec<Section> {
    let authorities = |reason: &str| reading_releases("go@1.27", Error::Authorities { reason: text(reason) });
    vec![
        section(
            "net::Error::Untrusted",
            [reading_releases(
                "go@1.27",
                Error::Untrusted { host: text("go.dev"), reason: text("invalid peer certificate: UnknownIssuer") },
            )],
        ),
        section(
            "net::Error::Authorities",
            [
                authorities("no CA certificates were found on this system"),
                authorities("/etc/ssl/company.pem holds no certificate"),
            ],
        ),
        section(
            "net::Error::Offline",
            [
                downloading(Error::Offline { url: text(GO_URL) }),
                reading_releases("go@1.27", Error::Offline { url: text(GO_INDEX) }),
            ],
        ),
        section("net::Error::Missing", [downloading(Error::Missing { path: MIRRORED.into() })]),
        section("net::Error::File", [downloading(FileError::new("read", MIRRORED, denied()).into())]),
    ]
}

fn faults() -> Vec<Section> {
    const LENGTH: Option<u64> = Some(223_975_834);
    let host = || text("builds.dotnet.microsoft.com");
    let sdk = |received, fault| downloading_sdk(gave_up(received, LENGTH, fault));
    let too_slow =
        Error::TooSlow { url: text(SDK_URL), limit: Duration::from_secs(3600), received: 43_201_331, length: LENGTH };
    let broken = Fault::Broken { host: host(), reason: text("received corrupt message of type InvalidContentType") };
    vec![
        section("net::Error::GaveUp", [sdk(43_201_331, Fault::Reset { host: host() })]),
        section("net::Error::TooSlow", [downloading_sdk(too_slow)]),
        section(
            "net::Fault::Status",
            [downloading(gave_up(0, None, Fault::Status { host: text("go.dev"), status: 503 }))],
        ),
        section("net::Fault::Unreachable", [reading_releases("go@1.27", gave_up(0, None, unreachable()))]),
        section(
            "net::Fault::Reset",
            [downloading(gave_up(0, Some(71_703_101), Fault::Reset { host: text("go.dev") }))],
        ),
        section("net::Fault::Broken", [sdk(43_201_331, broken)]),
        section("net::Fault::Stalled", [sdk(17, Fault::Stalled { host: host(), waited: Duration::from_secs(30) })]),
        section(
            "net::Fault::Slow",
            [sdk(17, Fault::Slow { host: host(), received: 512, waited: Duration::from_secs(30), least: 1024 })],
        ),
        section(
            "net::Fault::Misresumed",
            [sdk(43_201_331, Fault::Misresumed { host: host(), reason: text("206 without a usable Content-Range") })],
        ),
        section("net::Fault::Short", [sdk(43_201_331, Fault::Short { host: host() })]),
        section(
            "provision::Error::Net",
            [Example::from(provision::Error::Net(Error::Status { url: text(GO_URL), status: 404 }))],
        ),
        section(
            "ingest::Error::Net",
            [Example::from(toolkit::ingest::Error::Net {
                file: text(GO_FILE),
                source: Error::Html { url: text(GO_URL) },
            })],
        ),
    ]
}

fn gave_up(received: u64, length: Option<u64>, source: Fault) -> Error {
    let url = match &source {
        Fault::Unreachable { .. } => GO_INDEX,
        _ if length == Some(223_975_834) => SDK_URL,
        _ => GO_URL,
    };
    let (attempts, spent, source) = (4, Duration::from_secs(61), Box::new(source));
    Error::GaveUp { url: text(url), attempts, spent, received, length, source }
}

fn unreachable() -> Fault {
    let reason = text("failed to lookup address information: Temporary failure in name resolution");
    Fault::Unreachable { host: text("go.dev"), reason }
}
