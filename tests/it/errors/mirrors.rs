//! What goes wrong between a lock and a mirror.

use toolkit::aws::{Need, Refusal, Service, classify};
use toolkit::fs::FileError;
use toolkit::mirror::Error;
use toolkit::model::{Algorithm, Digest};
use toolkit::net::{self, Fault};
use toolkit::{ingest, provision, store, toolchain};

use super::examples::{Example, GO_FILE, GO_INDEX, Section, denied, full, section, text};

const BUCKET: &str = "s3://builds/toolchains";
const PATH: &str = "go.dev/dl/go1.27.3.linux-arm64.tar.gz";

pub fn sections() -> Vec<Section> {
    [addresses(), indexes(), locks(), places(), endings()].into_iter().flatten().collect()
}

fn addresses() -> Vec<Section> {
    vec![
        section("mirror::Error::NoMirror", [Error::NoMirror.into()]),
        section(
            "mirror::Error::BadAddress",
            [Error::BadAddress { address: text("ftp://host/"), reason: text("the scheme is not supported: `ftp`") }
                .into()],
        ),
        section(
            "mirror::Error::NotWritable",
            [Error::NotWritable { address: text("https://artifacts.example.com/toolchains") }.into()],
        ),
    ]
}

fn indexes() -> Vec<Section> {
    vec![
        section(
            "mirror::Error::BadIndex",
            [Error::BadIndex {
                mirror: text(BUCKET),
                reason: text("`../etc/passwd`: a part of it is not a file name"),
            }
            .into()],
        ),
        section(
            "mirror::Error::NewerIndex",
            [Error::NewerIndex { mirror: text("/srv/mirror"), found: 2, known: 1 }.into()],
        ),
        section("mirror::Error::Unfinished", [Error::Unfinished { mirror: text(BUCKET) }.into()]),
        section("mirror::Error::Contended", [Error::Contended { mirror: text(BUCKET), attempts: 10 }.into()]),
        section(
            "mirror::Error::Conflict",
            [Error::Conflict { path: text("toolkit-mirror.json"), mirror: text(BUCKET) }.into()],
        ),
    ]
}

fn locks() -> Vec<Section> {
    let digest = |byte| Digest::new(Algorithm::Sha256, &[byte; 32]).unwrap();
    let (tool, version) = (|| text("go"), || text("1.27.3"));
    let other = ingest::Error::Mismatch {
        file: text(GO_FILE),
        publisher: text("go.dev"),
        expected: Box::new((digest(0x0d), Some(71_703_101))),
        received: Box::new((digest(0x77), 71_703_101)),
    };
    let silent = || net::Error::Status { url: text(GO_INDEX), status: 403 };
    let metadata = || toolchain::Error::Metadata { tool: tool(), source: silent() };
    let request = provision::Error::Resolve { request: text("go@1.27"), source: metadata() };
    vec![
        section(
            "mirror::Error::TwoFiles",
            [Error::TwoFiles { path: text(PATH), first: digest(0x0d), second: digest(0x77) }.into()],
        ),
        section(
            "mirror::Error::NotMirrorable",
            [Error::NotMirrorable { url: text("https://example.com/x?token=…"), reason: text("it has a query") }
                .into()],
        ),
        section(
            "mirror::Error::Archive",
            [Error::Archive { file: text(GO_FILE), tool: tool(), version: version(), source: Box::new(other) }.into()],
        ),
        section(
            "mirror::Error::Documents",
            [Error::Documents { tool: tool(), version: version(), source: Box::new(metadata()) }.into()],
        ),
        section(
            "mirror::Error::Request",
            [Error::Request { request: text("go@1.27"), source: Box::new(request) }.into()],
        ),
    ]
}

fn places() -> Vec<Section> {
    let disk =
        |source: std::io::Error| Example::from(Error::from(FileError::new("write", "/srv/mirror/go.dev/dl/x", source)));
    let staging = store::Error::from(FileError::new("create", "/srv/mirror/.toolkit/staging", denied()));
    vec![
        section("mirror::Error::File", [disk(full()), disk(denied())]),
        section("mirror::Error::LeadsOut", [Error::LeadsOut { path: "/srv/mirror/go.dev".into() }.into()]),
        section("mirror::Error::Staging", [Error::Staging { source: staging }.into()]),
        section(
            "mirror::Error::Read",
            [Error::Read { path: text(PATH), mirror: text(BUCKET), source: gave_up() }.into()],
        ),
        section("mirror::Error::Bucket", [refused().into()]),
    ]
}

fn endings() -> Vec<Section> {
    let stopped = |put, there, source: Error| {
        Example::from(Error::Stopped { mirror: text(BUCKET), put, there, total: 9, source: Box::new(source) })
    };
    let disk = || Error::from(FileError::new("write", "/srv/mirror/go.dev/dl/x", full()));
    let left = Error::Left { mirror: text(BUCKET), left: 2, source: Box::new(refused()) };
    vec![
        section("mirror::Error::Left", [left.into()]),
        section("mirror::Error::Stopped", [stopped(0, 4, disk()), stopped(3, 7, refused())]),
    ]
}

fn refused() -> Error {
    let need = Need::new("s3:PutObject", "arn:aws:s3:::builds/toolchains/*");
    let message = "User: arn:aws:iam::111122223333:user/ci is not authorized to perform: s3:PutObject on resource: \
                   arn:aws:s3:::builds/toolchains/x because no policy allows it";
    let refusal = Refusal { status: 403, code: "AccessDenied", message, attempts: 1 };
    let source = Box::new(classify(Service::S3, &need, "the bucket `builds`", refusal));
    Error::Bucket { action: "put", path: text(PATH), mirror: text(BUCKET), source }
}

fn gave_up() -> net::Error {
    net::Error::GaveUp {
        url: text("https://builds.s3.eu-west-1.amazonaws.com/toolchains/x"),
        attempts: 4,
        spent: std::time::Duration::from_secs(61),
        received: 43_201_331,
        length: Some(71_703_101),
        source: Box::new(Fault::Reset { host: text("builds.s3.eu-west-1.amazonaws.com") }),
    }
}
