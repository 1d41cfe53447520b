//! Bodies on their way: spoiled, cut, changed, too long. What is wrong with the bytes is told by their digest.

use std::collections::VecDeque;
use std::fs;
use std::path::Path;
use std::sync::Mutex;

use async_trait::async_trait;
use bytes::Bytes;
use sha2::{Digest as _, Sha256, Sha512};
use tempfile::TempDir;
use toolkit::archive::{self, Limits};
use toolkit::ingest::{self, Download, Error, Ingested, Options, Packing, Progress};
use toolkit::model::{Algorithm, Digest, Explain, Format, Kind};
use toolkit::net::{self, Body, Net};
use toolkit::report::{Silent, Task};
use url::Url;

use super::made::{Tar, Zip, gzip};
use super::{listing, texts};

/// What a server sends: chunks, a change in the middle, or nothing more.
#[derive(Debug, Clone)]
enum Part {
    Chunk(Vec<u8>),
    Change,
    /// The body says nothing more, for ever.
    Stall,
}

/// Answers the first request with the first list, and so on.
#[derive(Debug)]
struct Server {
    answers: Mutex<VecDeque<Vec<Part>>>,
    length: Option<u64>,
}

struct Sent(VecDeque<Part>, Option<u64>);

#[async_trait]
impl Net for Server {
    async fn open(&self, _: &Url) -> Result<Box<dyn Body>, net::Error> {
        let parts = self.answers.lock().unwrap().pop_front().expect("a request more than expected");
        Ok(Box::new(Sent(parts.into(), self.length)))
    }
}

#[async_trait]
impl Body for Sent {
    fn length(&self) -> Option<u64> {
        self.1
    }

    async fn chunk(&mut self) -> Result<Option<Bytes>, net::Error> {
        match self.0.pop_front() {
            None => Ok(None),
            Some(Part::Chunk(bytes)) => Ok(Some(bytes.into())),
            Some(Part::Change) => Err(net::Error::Changed { url: "http://test/go.tar.gz".to_owned() }),
            Some(Part::Stall) => std::future::pending().await,
        }
    }
}

fn chunks(bytes: &[u8]) -> Vec<Part> {
    bytes.chunks(1000).map(|chunk| Part::Chunk(chunk.to_vec())).collect()
}

fn serve(answers: Vec<Vec<Part>>) -> Server {
    Server { answers: Mutex::new(answers.into()), length: None }
}

/// A world with `staging` and `target`, and what became of the bytes in it.
struct Attempt {
    world: TempDir,
    outcome: Result<Ingested, Error>,
}

impl Attempt {
    fn tree(&self) -> Vec<String> {
        listing(&self.world.path().join("target"))
    }

    fn error(&self) -> &Error {
        self.outcome.as_ref().unwrap_err()
    }
}

struct Asked<'a> {
    name: &'a str,
    digest: &'a Digest,
    size: Option<u64>,
    format: Option<Format>,
    processors: usize,
}

fn attempt(server: &Server, asked: &Asked<'_>) -> Attempt {
    let world = TempDir::new().unwrap();
    let (target, staging) = (world.path().join("target"), world.path().join("staging"));
    fs::create_dir(&target).unwrap();
    fs::create_dir(&staging).unwrap();
    let url: Url = format!("http://test/{}", asked.name).parse().unwrap();
    let wanted = Download { url: &url, digest: asked.digest, size: asked.size, publisher: "go.dev" };
    let options = Options {
        staging: &staging,
        limits: Limits::default(),
        processors: asked.processors,
        writes: true,
        progress: silent(),
    };
    let packing = Packing { format: asked.format, strip: 0 };
    let outcome = runtime().block_on(ingest::unpack(server, wanted, packing, &target, &options));
    assert_eq!(listing(&staging), Vec::<String>::new(), "something is left in the staging folder");
    Attempt { world, outcome }
}

fn silent() -> Progress<'static> {
    Progress { report: &Silent, task: Task(0) }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().unwrap()
}

fn sha256(bytes: &[u8]) -> Digest {
    Digest::new(Algorithm::Sha256, &Sha256::digest(bytes)).unwrap()
}

fn sha512(bytes: &[u8]) -> Digest {
    Digest::new(Algorithm::Sha512, &Sha512::digest(bytes)).unwrap()
}

/// Some files of noise, so that a flipped bit is anywhere in the compressed data and headers.
fn archive() -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(7);
    let mut noise = |length: usize| (0..length).map(|_| random.u8(0..16)).collect::<Vec<u8>>();
    let tar = Tar::new().file("bin/go", &noise(20_000)).file("doc", &noise(3_000)).link("l", "doc");
    gzip(&tar.end())
}

const TREE: [&str; 4] = ["bin/", "bin/go 644 20000", "doc 644 3000", "l -> doc"];

fn asked(digest: &Digest) -> Asked<'_> {
    Asked { name: "go.tar.gz", digest, size: None, format: Some(Format::TarGz), processors: 2 }
}

#[test]
fn the_right_bytes_become_a_tree() {
    let bytes = archive();
    for digest in [sha256(&bytes), sha512(&bytes)] {
        for processors in [1, 2, 8] {
            for (size, format) in [(Some(bytes.len() as u64), Some(Format::TarGz)), (None, None)] {
                let server = serve(vec![chunks(&bytes)]);
                let attempt = attempt(&server, &Asked { size, format, processors, ..asked(&digest) });
                let ingested = attempt.outcome.as_ref().unwrap();
                assert_eq!(ingested.verified.digest(), &digest);
                assert_eq!(ingested.bytes, bytes.len() as u64);
                assert_eq!(super::described(&ingested.nodes), TREE);
                assert_eq!(attempt.tree(), TREE);
            }
        }
    }
}

#[test]
fn one_flipped_bit_anywhere_is_a_mismatch() {
    let bytes = archive();
    let digest = sha256(&bytes);
    let last = bytes.len() - 1;
    let ends = (0..12).chain(last - 11..=last);
    let positions: Vec<usize> = ends.chain((1..=30).map(|n| n * last / 31)).collect();
    assert!(positions.len() >= 50);
    for (n, at) in positions.into_iter().enumerate() {
        let mut spoiled = bytes.clone();
        spoiled[at] ^= 1 << (n % 8);
        let asked = Asked { size: Some(bytes.len() as u64), processors: 1 + n % 2, ..asked(&digest) };
        let attempt = attempt(&serve(vec![chunks(&spoiled)]), &asked);
        let error = attempt.error();
        assert_eq!(error.kind(), Kind::Integrity, "byte {at}");
        let text = texts(error);
        assert!(text.starts_with("go.tar.gz does not match its checksum"), "byte {at}: {text}");
        assert!(text.contains(&digest.short()) && text.contains(&sha256(&spoiled).short()), "byte {at}: {text}");
    }
}

#[test]
fn a_cut_body_that_says_it_is_whole_is_a_mismatch() {
    let bytes = archive();
    let digest = sha256(&bytes);
    for length in [0, 1, 9, 10, 11, 1000, bytes.len() / 2, bytes.len() - 9, bytes.len() - 8, bytes.len() - 1] {
        for size in [None, Some(bytes.len() as u64)] {
            let attempt = attempt(&serve(vec![chunks(&bytes[..length])]), &Asked { size, ..asked(&digest) });
            assert!(matches!(attempt.error(), Error::Mismatch { .. }), "{length}: {}", texts(attempt.error()));
        }
    }
}

#[test]
fn lengths_are_compared_as_early_as_possible() {
    let bytes = archive();
    let digest = sha256(&bytes);
    let length = bytes.len() as u64;
    let asked = Asked { size: Some(length), ..asked(&digest) };

    let server = Server { length: Some(length + 1), ..serve(vec![vec![Part::Stall]]) };
    let early = attempt(&server, &asked);
    assert!(matches!(early.error(), Error::Length { received, .. } if *received == length + 1));

    let more = [bytes.clone(), vec![0; 1000]].concat();
    let long = attempt(&serve(vec![[chunks(&more), vec![Part::Stall]].concat()]), &asked);
    assert!(matches!(long.error(), Error::Longer { .. }), "{}", texts(long.error()));
    for attempt in [early, long] {
        assert_eq!(attempt.error().kind(), Kind::Integrity);
    }

    // The digest is right and the announced size is not: somebody made a mistake, and nobody knows where.
    let attempt = attempt(&serve(vec![chunks(&bytes)]), &Asked { size: Some(length + 5), ..asked });
    assert!(matches!(attempt.error(), Error::Length { .. }), "{}", texts(attempt.error()));
}

#[test]
fn the_right_bytes_of_a_bad_archive_are_the_archives_fault() {
    let hostile = gzip(&Tar::new().file("../evil", b"x").end());
    for (bytes, why) in [
        (hostile, "its path has `..`"),
        (b"<html>".repeat(5000), "not gzip"),
        (archive()[..5000].to_vec(), "damaged"),
        (Vec::new(), "empty"),
    ] {
        let digest = sha256(&bytes);
        let attempt = attempt(&serve(vec![chunks(&bytes)]), &asked(&digest));
        assert!(texts(attempt.error()).contains(why), "{}", texts(attempt.error()));
        assert!(texts(attempt.error()).starts_with("could not unpack go.tar.gz: "));
        assert_eq!(attempt.error().kind(), Kind::Integrity);
    }
}

#[test]
fn a_page_instead_of_an_archive_is_a_mismatch_even_without_a_known_format() {
    let page = b"<html>please log in</html>".to_vec();
    let right = archive();
    for (name, kind) in [("download", Kind::Integrity), ("go.tar.gz", Kind::Integrity)] {
        let attempt = attempt(&serve(vec![chunks(&page)]), &Asked { name, format: None, ..asked(&sha256(&right)) });
        assert!(matches!(attempt.error(), Error::Mismatch { .. }), "{}", texts(attempt.error()));
        assert_eq!(attempt.error().kind(), kind);
    }
    let attempt =
        attempt(&serve(vec![chunks(&page)]), &Asked { name: "download", format: None, ..asked(&sha256(&page)) });
    assert!(matches!(attempt.error(), Error::UnknownFormat { .. }), "{}", texts(attempt.error()));
}

#[test]
fn a_file_that_changes_is_started_again_twice() {
    let bytes = archive();
    let digest = sha256(&bytes);
    // More than may wait in memory: some of it is unpacked when the change is noticed.
    let mut random = fastrand::Rng::with_seed(8);
    let noise: Vec<u8> = (0..5 << 20).map(|_| random.u8(..)).collect();
    let other = gzip(&Tar::new().file("bin", b"a file, where a folder comes").file("old/file", &noise).end());
    let changed = || [chunks(&other), vec![Part::Change]].concat();

    let again = attempt(&serve(vec![changed(), changed(), chunks(&bytes)]), &asked(&digest));
    assert!(again.outcome.is_ok(), "{}", texts(again.error()));
    assert_eq!(again.tree(), TREE, "something is left of the first attempts");

    let for_ever = attempt(&serve(vec![changed(), changed(), changed()]), &asked(&digest));
    assert!(matches!(for_ever.error(), Error::Net { .. }), "{}", texts(for_ever.error()));
    assert_eq!(for_ever.error().kind(), Kind::Upstream);
}

#[test]
fn zips_are_verified_before_they_are_read() {
    let zip = Zip::new().file("bin/tool", 0o755, b"#!").end();
    let module = Zip::new().file("golang.org/toolchain@v0.0.1-go1.27.0.linux-amd64/bin/go", 0o644, b"go").end();
    let h1 = archive::module_hash(std::io::Cursor::new(&module), &Limits::default()).unwrap();
    let wrong: Digest = "h1:5sLAuQZmMoBsRxMGKyVkjq5sGWLyXVUNKzFNkuYdjjY=".parse().unwrap();
    for (bytes, digest, format, expected) in [
        (&zip, sha256(&zip), Some(Format::Zip), Ok(vec!["bin/", "bin/tool 755 2"])),
        (&zip, sha256(&zip), None, Ok(vec!["bin/", "bin/tool 755 2"])),
        (&zip, sha256(&module), Some(Format::Zip), Err("does not match its checksum")),
        (&module, h1, Some(Format::GoModuleZip), Ok(vec!["bin/", "bin/go 755 2"])),
        (&module, sha256(&module), Some(Format::GoModuleZip), Ok(vec!["bin/", "bin/go 755 2"])),
        (&module, wrong.clone(), Some(Format::GoModuleZip), Err("expected h1:e6c2…8e36")),
        (&archive(), wrong, Some(Format::TarGz), Err("only a Go module's zip can be checked")),
    ] {
        let attempt = attempt(&serve(vec![chunks(bytes)]), &Asked { format, ..asked(&digest) });
        match expected {
            Ok(tree) => assert_eq!(attempt.tree(), tree, "{:?}", attempt.outcome.map(|_| ())),
            Err(why) => {
                assert!(texts(attempt.error()).contains(why), "{}", texts(attempt.error()));
                assert_eq!(attempt.tree(), Vec::<String>::new(), "unpacked although not verified");
            }
        }
    }
}

#[test]
fn a_future_that_is_dropped_leaves_no_thread_at_work() {
    let world = TempDir::new().unwrap();
    let (target, bytes) = (world.path().join("target"), archive());
    fs::create_dir(&target).unwrap();
    let parts = [chunks(&bytes[..bytes.len() - 500]), vec![Part::Stall]].concat();
    let server = serve(vec![parts]);
    let (url, digest): (Url, _) = ("http://test/go.tar.gz".parse().unwrap(), sha256(&bytes));
    let wanted = Download { url: &url, digest: &digest, size: None, publisher: "go.dev" };
    let options =
        Options { staging: world.path(), limits: Limits::default(), processors: 2, writes: true, progress: silent() };
    let packing = Packing { format: Some(Format::TarGz), strip: 0 };
    runtime().block_on(async {
        let mut work = Box::pin(ingest::unpack(&server, wanted, packing, &target, &options));
        let begun =
            std::future::poll_fn(|context| std::task::Poll::Ready(work.as_mut().poll(context).is_pending())).await;
        assert!(begun, "it ended although the body stalls");
        drop(work);
    });
    // Would fail, sooner or later, if somebody still wrote there.
    fs::remove_dir_all(&target).unwrap();
    assert!(!target.exists());
}

#[test]
fn a_saved_file_is_there_only_when_it_is_right() {
    let bytes = archive();
    let url: Url = "http://test/go.tar.gz".parse().unwrap();
    let (right, wrong) = (sha256(&bytes), sha256(b"other"));
    let change = || [chunks(&bytes[..2000]), vec![Part::Change]].concat();
    for (answers, digest, expected) in [
        (vec![chunks(&bytes)], &right, &bytes[..]),
        (vec![change(), chunks(&bytes)], &right, &bytes[..]),
        (vec![chunks(&bytes)], &wrong, b"before"),
        (vec![change(), change(), change()], &right, b"before"),
    ] {
        let world = TempDir::new().unwrap();
        let path = world.path().join("file");
        fs::write(&path, b"before").unwrap();
        let wanted = Download { url: &url, digest, size: None, publisher: "--digest" };
        let outcome = runtime().block_on(ingest::save(&serve(answers), wanted, &path, silent()));
        assert_eq!(outcome.is_ok(), expected == bytes, "{:?}", outcome.map_err(|error| texts(&error)));
        assert_eq!(fs::read(&path).unwrap(), expected);
        assert_eq!(fs::read_dir(world.path()).unwrap().count(), 1, "something is left beside it");
    }
    let missing = Path::new("/nowhere/at/all");
    let wanted = Download { url: &url, digest: &right, size: None, publisher: "--digest" };
    let outcome = runtime().block_on(ingest::save(&serve(vec![chunks(&bytes)]), wanted, missing, silent()));
    assert_eq!(outcome.unwrap_err().kind(), Kind::Machine);
}
