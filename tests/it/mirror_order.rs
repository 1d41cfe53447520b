//! Which of mirror and upstream is asked, how often, and what is said of it.

use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;

use toolkit::net::{Client, Document, Error, Metadata, Mirror, Order, Settings};
use url::Url;

use crate::faults::{Ear, client, download, hasty, named, status, wait_for};
use crate::support::upstream::{Fault, Upstream};
use crate::support::world::{Run, World};

/// A mirror and an upstream, and the path of the upstream's files in the mirror.
struct Pair {
    mirror: Upstream,
    upstream: Upstream,
}

impl Pair {
    fn new() -> Self {
        let (mirror, upstream) = (Upstream::new(), Upstream::new());
        upstream.file("/a", b"from upstream".to_vec()).file("/b", b"from upstream".to_vec());
        Self { mirror, upstream }
    }

    fn in_mirror(&self, file: &str) -> String {
        format!("/m/{}{file}", self.upstream.host())
    }

    fn client(&self, order: Order) -> (Client, Arc<Ear>) {
        self.client_with(order, hasty())
    }

    fn client_with(&self, order: Order, settings: Settings) -> (Client, Arc<Ear>) {
        let mirror = Mirror::parse(self.mirror.url("/m").as_str(), Path::new("/")).unwrap();
        client(Settings { mirror: Some(mirror), order, ..settings })
    }

    /// Counts what the mirror and the upstream were asked.
    fn requests(&self) -> (usize, usize) {
        (self.mirror.total_requests(), self.upstream.total_requests())
    }
}

fn document(url: Url) -> Document {
    let check = |bytes: &[u8]| if bytes == b"wrong" { Err("it is wrong".to_owned()) } else { Ok(()) };
    Document { url, mirror_name: None, accept: None, check }
}

#[test]
fn what_a_mirror_keeps_back_comes_from_upstream_and_that_is_said_once() {
    let later = |code| status(code, 99, None);
    for (faults, mirror_requests) in [
        (vec![], 2),
        (vec![later(403)], 2),
        (vec![later(401)], 2),
        (vec![later(410)], 2),
        (vec![later(500)], 8),
        (vec![status(429, 99, Some("3600"))], 2),
    ] {
        let pair = Pair::new();
        for fault in &faults {
            pair.mirror.fault(&pair.in_mirror("/a"), fault.clone()).fault(&pair.in_mirror("/b"), fault.clone());
        }
        let (client, ear) = pair.client(Order::MirrorFirst);
        wait_for(async {
            assert_eq!(download(&client, &pair.upstream.url("/a")).await.unwrap(), b"from upstream", "{faults:?}");
            assert_eq!(client.read(&document(pair.upstream.url("/b"))).await.unwrap(), b"from upstream", "{faults:?}");
        });
        assert_eq!(pair.requests(), (mirror_requests, 2), "{faults:?}");
        let warnings = ear.warnings.lock().unwrap().clone();
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        let start = format!(
            "the mirror {} does not serve every file, and the rest is read from upstream",
            pair.mirror.url("/m/")
        );
        assert!(warnings[0].starts_with(&start), "{warnings:?}");
    }
}

#[test]
fn a_mirror_that_gives_all_is_all_that_is_asked() {
    let pair = Pair::new();
    pair.mirror.file(&pair.in_mirror("/a"), b"from the mirror".to_vec());
    for order in [Order::MirrorFirst, Order::MirrorOnly] {
        let (client, ear) = pair.client(order);
        let url = pair.upstream.url("/a");
        wait_for(async {
            assert_eq!(download(&client, &url).await.unwrap(), b"from the mirror");
            assert_eq!(client.read(&document(url)).await.unwrap(), b"from the mirror");
        });
        assert!(ear.warnings.lock().unwrap().is_empty());
    }
    assert_eq!(pair.requests(), (4, 0));
}

#[test]
fn a_mirror_alone_is_asked_unless_somebody_says_otherwise() {
    assert_eq!(Settings::default().order, Order::MirrorOnly);
    let pair = Pair::new();
    let (client, _) = pair.client(Order::MirrorOnly);
    let error = wait_for(download(&client, &pair.upstream.url("/a"))).unwrap_err();
    assert!(error.is_missing(), "{error}");
    assert_eq!(pair.requests(), (1, 0));
}

#[test]
fn what_is_wrong_is_an_error_and_not_looked_for_elsewhere() {
    let pair = Pair::new();
    pair.mirror.file(&pair.in_mirror("/a"), b"wrong".to_vec());
    let (client, _) = pair.client(Order::MirrorFirst);
    let error = wait_for(client.read(&document(pair.upstream.url("/a")))).unwrap_err();
    assert_eq!(named(&error), "Unfit");
    pair.mirror.fault(&pair.in_mirror("/a"), Fault::ContentType("text/html".to_owned()));
    let error = wait_for(download(&client, &pair.upstream.url("/a"))).unwrap_err();
    assert_eq!(named(&error), "Html");
    assert_eq!(pair.upstream.total_requests(), 0);
}

#[test]
fn a_mirror_that_cannot_be_reached_is_waited_for_once_in_a_run() {
    let upstream = Upstream::new();
    upstream.file("/a", b"from upstream".to_vec());
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mirror = Mirror::parse(&format!("http://{closed}/m"), Path::new("/")).unwrap();
    let settings = Settings { mirror: Some(mirror), order: Order::MirrorFirst, ..hasty() };
    let (client, ear) = client(settings);
    wait_for(async {
        for _ in 0..3 {
            assert_eq!(download(&client, &upstream.url("/a")).await.unwrap(), b"from upstream");
        }
    });
    assert_eq!(client.requests(), 4 + 3, "four attempts at the mirror, then none");
    assert_eq!(ear.warnings.lock().unwrap().len(), 1);
}

#[test]
fn a_download_that_the_mirror_breaks_off_for_good_is_ended_by_upstream() {
    let bytes: Vec<u8> = (0..40_000_u32).map(|n| (n % 253) as u8).collect();
    for (in_mirror, expected) in [(bytes.clone(), Ok(bytes.clone())), (bytes[1..].to_vec(), Err("Changed"))] {
        let pair = Pair::new();
        pair.upstream.file("/a", bytes.clone());
        pair.mirror.file(&pair.in_mirror("/a"), in_mirror);
        pair.mirror.fault(&pair.in_mirror("/a"), Fault::CutAlways { at: 10_000 });
        let (client, ear) = pair.client(Order::MirrorFirst);
        let received = wait_for(download(&client, &pair.upstream.url("/a")));
        assert_eq!(received.as_ref().map_err(named), expected.as_ref().map_err(ToString::to_string));
        assert_eq!(pair.requests(), (4, 1));
        assert_eq!(ear.warnings.lock().unwrap().len(), 1);
        let (client, _) = pair.client(Order::MirrorOnly);
        let error = wait_for(download(&client, &pair.upstream.url("/a"))).unwrap_err();
        assert_eq!(named(&error), "GaveUp(4, Short)");
    }
}

#[test]
fn a_fresh_document_of_upstream_goes_before_an_old_copy_of_the_mirrors() {
    let pair = Pair::new();
    let cache = tempfile::tempdir().unwrap();
    let (file, url) = (pair.in_mirror("/a"), pair.upstream.url("/a"));
    pair.mirror.file(&file, b"old".to_vec());
    let settings = || Settings { cache: Some(cache.path().to_owned()), ..hasty() };
    let read = |url: &Url| {
        let (client, ear) = pair.client_with(Order::MirrorFirst, settings());
        let bytes = wait_for(client.read(&document(url.clone())));
        (bytes, ear.warnings.lock().unwrap().clone())
    };
    assert_eq!(read(&url).0.unwrap(), b"old");
    pair.mirror.fault(&file, status(403, 99, None));
    assert_eq!(read(&url).0.unwrap(), b"from upstream");
    pair.upstream.fault("/a", status(501, 99, None));
    let (bytes, warnings) = read(&url);
    assert_eq!(bytes.unwrap(), b"from upstream");
    assert!(warnings.iter().any(|warning| warning.contains("using the copy")), "{warnings:?}");
    // Of another file only the mirror's copy is there.
    pair.mirror.file(&pair.in_mirror("/c"), b"old".to_vec());
    let other = pair.upstream.url("/c");
    assert_eq!(read(&other).0.unwrap(), b"old");
    pair.mirror.fault(&pair.in_mirror("/c"), status(403, 99, None));
    pair.upstream.fault("/c", status(501, 99, None));
    let (bytes, warnings) = read(&other);
    assert_eq!(bytes.unwrap(), b"old", "{warnings:?}");
    let offline = Settings { offline: true, ..settings() };
    let (client, _) = pair.client_with(Order::MirrorFirst, offline);
    assert_eq!(wait_for(client.read(&document(other))).unwrap(), b"old");
    assert!(matches!(wait_for(download(&client, &url)), Err(Error::Offline { .. })));
}

#[test]
fn the_flag_goes_before_the_environment_and_that_before_the_project() {
    let (first, only) = ("mirror-first", "mirror-only");
    for (file, variable, flag, asked) in [
        ("", "", "", false),
        (first, "", "", true),
        (first, only, "", false),
        (only, first, "", true),
        (only, only, first, true),
        (first, first, only, false),
    ] {
        // Stands for the internet: it is asked, and gives nothing.
        let proxy = Upstream::new();
        let mirror = Upstream::new();
        let world = World::new()
            .with("TOOLKIT_MIRROR", mirror.url("/").as_str())
            .with("TOOLKIT_MIRROR_ORDER", variable)
            .with("TOOLKIT_RETRIES", "0")
            .with("HTTPS_PROXY", proxy.url("/").as_str());
        if !file.is_empty() {
            world.write("toolkit.toml", &format!("[source]\norder = \"{file}\"\n"));
        }
        let flags: &[&str] = if flag.is_empty() { &[] } else { &["--mirror-order", flag] };
        let Run { code, stderr, .. } = world.run(&[&["resolve", "go@1.26.1"], flags].concat());
        assert_eq!(code, Some(3), "{stderr}");
        assert!(mirror.total_requests() > 0);
        assert_eq!(proxy.total_requests() > 0, asked, "{file}, {variable}, {flag}: {stderr}");
        let said = stderr.matches("does not serve every file").count();
        assert_eq!(said, usize::from(asked), "{stderr}");
    }
    let world = World::new().with("TOOLKIT_MIRROR_ORDER", "first");
    let stderr = world.fails(2, &["resolve", "go@1.26.1"]);
    assert!(stderr.contains("TOOLKIT_MIRROR_ORDER is `first`, which is not mirror-only or mirror-first"), "{stderr}");
    world.fails(2, &["resolve", "go@1.26.1", "--mirror-order", "first"]);
}

#[test]
fn wrong_bytes_of_a_mirror_are_an_integrity_error_in_either_order() {
    let pair = Pair::new();
    pair.mirror.file(&pair.in_mirror("/a"), b"other bytes".to_vec());
    let digest = toolkit::model::Digest::from_hex(toolkit::model::Algorithm::Sha256, &"0".repeat(64)).unwrap();
    let world = World::new().with("TOOLKIT_MIRROR", pair.mirror.url("/m").as_str());
    let url = pair.upstream.url("/a");
    let (digest, url) = (digest.to_string(), url.as_str());
    world.fails(4, &["fetch", url, "--digest", &digest, "--output", "x", "--mirror-order", "mirror-first"]);
    assert_eq!(pair.upstream.total_requests(), 0);
    assert!(!world.project().join("x").exists());
}
