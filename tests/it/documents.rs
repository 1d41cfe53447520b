//! Documents: the last good copy stands in for a failing upstream, a mirror for all of them, and nothing is in silence.

use std::io::Write;
use std::path::Path;

use toolkit::model::Explain;
use toolkit::net::{Document, Error, Metadata, Mirror, Settings};
use url::Url;

use crate::faults::{PATH, client, download, hasty, named, payload, status, wait_for};
use crate::support::upstream::{Fault, Upstream};

fn document(url: Url) -> Document {
    let check = |bytes: &[u8]| serde_json::from_slice::<serde_json::Value>(bytes).map(drop).map_err(|e| e.to_string());
    Document { url, mirror_name: None, accept: None, check }
}

#[test]
fn an_index_and_an_archive_take_two_requests_on_one_connection() {
    let upstream = Upstream::new();
    upstream.file("/index.json", "[1]").file(PATH, payload());
    let (client, _) = client(hasty());
    wait_for(async {
        client.read(&document(upstream.url("/index.json"))).await.unwrap();
        download(&client, &upstream.url(PATH)).await.unwrap();
    });
    assert_eq!((upstream.total_requests(), upstream.connections()), (2, 1));
}

#[test]
fn a_document_that_is_not_sound_never_replaces_the_last_good_copy() {
    let folder = tempfile::tempdir().unwrap();
    let later = || jiff::Timestamp::now() + jiff::SignedDuration::from_hours(50);
    let reader = |now| client(Settings { cache: Some(folder.path().join("metadata")), now, ..hasty() });
    let html = Fault::ContentType("text/html".to_owned());
    for (name, body, faults, requests, says) in [
        ("invalid JSON", "{\"a\":", vec![], 1, "not as expected"),
        ("a web page", "<html>", vec![html], 1, "HTML page"),
        ("nothing", "", vec![], 1, "is empty"),
        ("404", "[2]", vec![status(404, 9, None)], 1, "404 Not Found"),
        ("500", "[2]", vec![status(500, 9, None)], 4, "4 attempts"),
        ("cut", "[2, 3]", vec![Fault::CutAlways { at: 3 }], 4, "ended the connection"),
        ("broken gzip", "[2]", vec![Fault::ContentEncoding("gzip".to_owned())], 1, "gzip coding"),
        ("another coding", "[2]", vec![Fault::ContentEncoding("br".to_owned())], 1, "Content-Encoding br"),
    ] {
        let upstream = Upstream::new();
        let wanted = document(upstream.url("/index.json"));
        upstream.file("/index.json", "[1]");
        assert_eq!(wait_for(reader(jiff::Timestamp::now).0.read(&wanted)).unwrap(), b"[1]", "{name}");
        upstream.file("/index.json", body);
        for fault in faults {
            upstream.fault("/index.json", fault);
        }
        upstream.forget();
        let (client, ear) = reader(later);
        assert_eq!(wait_for(client.read(&wanted)).unwrap(), b"[1]", "{name}");
        assert_eq!(upstream.total_requests(), requests, "{name}");
        let warnings = ear.warnings.lock().unwrap().join("\n");
        assert!(warnings.contains("2 days ago") && warnings.contains(says), "{name}: {warnings}");
    }
}

#[test]
fn without_a_copy_the_error_says_both() {
    let upstream = Upstream::new();
    upstream.file("/index.json", "nonsense").fault("/gone.json", status(503, 9, None));
    let folder = tempfile::tempdir().unwrap();
    let (client, _) = client(Settings { cache: Some(folder.path().join("metadata")), ..hasty() });
    for (path, requests) in [("/index.json", 1), ("/gone.json", 4)] {
        let error = wait_for(client.read(&document(upstream.url(path)))).unwrap_err();
        assert!(error.to_string().contains("no usable copy"), "{error}");
        assert!(std::error::Error::source(&error).is_some() && !error.hints().is_empty());
        assert_eq!(upstream.requests(path), requests);
    }
    assert!(!folder.path().join("metadata").exists(), "what fails its check is never kept");
}

#[test]
fn a_copy_is_confirmed_by_its_etag() {
    let upstream = Upstream::new();
    upstream.file("/index.json", "[1]");
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..3 {
        let (client, ear) = client(Settings { cache: Some(folder.path().to_owned()), ..hasty() });
        assert_eq!(wait_for(client.read(&document(upstream.url("/index.json")))).unwrap(), b"[1]");
        assert!(ear.warnings.lock().unwrap().is_empty());
    }
    upstream.file("/index.json", "[2]");
    let (client, _) = client(Settings { cache: Some(folder.path().to_owned()), ..hasty() });
    assert_eq!(wait_for(client.read(&document(upstream.url("/index.json")))).unwrap(), b"[2]");
    let asked: Vec<bool> =
        upstream.seen("/index.json").iter().map(|seen| seen.headers.contains_key("if-none-match")).collect();
    assert_eq!(asked, [false, true, true, true]);
    assert_eq!(upstream.sent(), 6, "a confirmed copy is not sent again");
}

#[test]
fn documents_may_come_compressed_and_are_bounded() {
    let upstream = Upstream::new();
    let zipped = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    for (path, bytes) in [("/small", zipped(b"[1]")), ("/bomb", zipped(&vec![b' '; (64 << 20) + 1]))] {
        upstream.file(path, bytes).fault(path, Fault::ContentEncoding("gzip".to_owned()));
    }
    let (client, _) = client(hasty());
    assert_eq!(wait_for(client.read(&document(upstream.url("/small")))).unwrap(), b"[1]");
    let error = wait_for(client.read(&document(upstream.url("/bomb")))).unwrap_err();
    assert!(matches!(&error, Error::NoCopy { source, .. } if matches!(**source, Error::TooLarge { .. })), "{error:?}");
    assert_eq!(upstream.seen("/small")[0].headers["accept-encoding"], "gzip");
}

#[test]
fn offline_makes_no_connection() {
    let upstream = Upstream::new();
    upstream.file("/index.json", "[1]").file(PATH, payload());
    let folder = tempfile::tempdir().unwrap();
    let settings = |offline| Settings { cache: Some(folder.path().to_owned()), offline, ..hasty() };
    let wanted = document(upstream.url("/index.json"));
    let error = wait_for(client(settings(true)).0.read(&wanted)).unwrap_err();
    assert!(matches!(error, Error::Offline { .. }) && error.to_string().contains("/index.json"), "{error}");
    assert_eq!(upstream.total_requests(), 0);
    wait_for(client(settings(false)).0.read(&wanted)).unwrap();
    let (offline, ear) = client(settings(true));
    assert_eq!(wait_for(offline.read(&wanted)).unwrap(), b"[1]");
    assert!(ear.notes.lock().unwrap()[0].contains("copy"));
    let error = wait_for(download(&offline, &upstream.url(PATH))).unwrap_err();
    assert!(matches!(error, Error::Offline { .. }), "{error:?}");
    assert_eq!(upstream.total_requests(), 1);
}

#[test]
fn offline_finds_what_any_base_gave_before() {
    let (first, second) = (Upstream::new(), Upstream::new());
    second.file("/index.json", "[1]");
    let folder = tempfile::tempdir().unwrap();
    let bases = vec![("goproxy".to_owned(), vec![first.url("/"), second.url("/")])];
    for offline in [false, true] {
        let cache = Some(folder.path().to_owned());
        let (client, _) = client(Settings { cache, offline, bases: bases.clone(), ..hasty() });
        let wanted = document(Url::parse("goproxy:///index.json").unwrap());
        assert_eq!(wait_for(client.read(&wanted)).unwrap(), b"[1]");
    }
    assert_eq!((first.total_requests(), second.total_requests()), (1, 1));
}

#[test]
fn a_cache_that_cannot_be_written_only_warns_once() {
    let upstream = Upstream::new();
    upstream.file("/a.json", "[1]").file("/b.json", "[2]");
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("metadata"), "a file where the folder should be").unwrap();
    let (client, ear) = client(Settings { cache: Some(folder.path().join("metadata")), ..hasty() });
    for path in ["/a.json", "/b.json"] {
        wait_for(client.read(&document(upstream.url(path)))).unwrap();
    }
    assert_eq!(ear.warnings.lock().unwrap().len(), 1);
}

#[test]
fn a_mirror_serves_upstream_paths_from_a_folder_or_a_server() {
    let folder = tempfile::tempdir().unwrap();
    for (path, bytes) in
        [("go.dev/dl/index.json", &b"[1]"[..]), ("dl.google.com/go/a b.tar.gz", b"bytes"), ("host/empty", b"")]
    {
        let file = folder.path().join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, bytes).unwrap();
    }
    let upstream = Upstream::serving(folder.path());
    let wanted =
        Document { mirror_name: Some("index.json"), ..document(Url::parse("https://go.dev/dl/?mode=json").unwrap()) };
    let paths = [
        folder.path().display().to_string(),
        format!("file://{}", folder.path().display()),
        upstream.url("/").to_string(),
    ];
    for (mirror, online) in paths.iter().zip([false, false, true]) {
        let mirror = Some(Mirror::parse(mirror, Path::new("/")).unwrap());
        let (client, _) = client(Settings { mirror, offline: !online, ..hasty() });
        assert_eq!(wait_for(client.read(&wanted)).unwrap(), b"[1]");
        let file = Url::parse("https://dl.google.com/go/a%20b.tar.gz").unwrap();
        assert_eq!(wait_for(download(&client, &file)).unwrap(), b"bytes");
        for (path, expected) in [("missing", if online { "Status(404)" } else { "Missing" }), ("empty", "Empty")] {
            let url = Url::parse(&format!("https://host/{path}")).unwrap();
            assert_eq!(named(&wait_for(download(&client, &url)).unwrap_err()), expected);
        }
    }
    assert_eq!(upstream.total_requests(), 4);
}

#[test]
fn the_next_base_is_asked_when_the_first_lacks_a_file_and_only_then() {
    let (first, second) = (Upstream::new(), Upstream::new());
    first.fault("/proxy/gone", status(410, 9, None)).fault("/proxy/broken", status(403, 9, None));
    for path in ["/absent", "/gone", "/broken"] {
        second.file(path, "[1]");
    }
    let bases = vec![("goproxy".to_owned(), vec![first.url("/proxy"), second.url("/")])];
    let (client, _) = client(Settings { bases, ..hasty() });
    for (path, found, asked) in [("/absent", true, 2), ("/gone", true, 2), ("/broken", false, 1)] {
        let url = Url::parse(&format!("goproxy://{path}")).unwrap();
        first.forget();
        second.forget();
        assert_eq!(wait_for(download(&client, &url)).is_ok(), found, "{path}");
        assert_eq!(first.total_requests() + second.total_requests(), asked, "{path}");
        assert_eq!(wait_for(client.read(&document(url))).is_ok(), found, "{path}");
        assert_eq!(first.total_requests() + second.total_requests(), 2 * asked, "{path}");
    }
}
