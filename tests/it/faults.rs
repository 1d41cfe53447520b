//! What can happen between here and an upstream, and exactly how often the upstream is asked then.

use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use toolkit::ingest::{self, Download, Progress};
use toolkit::model::{Algorithm, Digest, Explain, Kind};
use toolkit::net::{Client, Document, Error, Fault as Cause, Limits, Metadata, Net, Retry, Settings};
use toolkit::report::{Report, Task};
use url::Url;

use crate::support::upstream::{Fault, Upstream};

pub const PATH: &str = "/go/go1.27.3.linux-amd64.tar.gz";
const SIZE: usize = 200_000;

/// Hears notes and warnings.
#[derive(Debug, Default)]
pub struct Ear {
    pub notes: Mutex<Vec<String>>,
    pub warnings: Mutex<Vec<String>>,
}

impl Report for Ear {
    fn began(&self, _: &str, _: Option<u64>) -> Task {
        Task(0)
    }
    fn advanced(&self, _: Task, _: u64) {}
    fn restarted(&self, _: Task) {}
    fn ended(&self, _: Task, _: &str) {}
    fn noted(&self, note: &str) {
        self.notes.lock().unwrap().push(note.to_owned());
    }
    fn warned(&self, warning: &str) {
        self.warnings.lock().unwrap().push(warning.to_owned());
    }
}

/// Pauses hardly at all between attempts, and waits long enough for a loaded machine within one.
pub fn hasty() -> Settings {
    Settings {
        limits: Limits {
            connect: Duration::from_secs(5),
            stall: Duration::from_secs(10),
            total: Duration::from_secs(60),
            ..Limits::default()
        },
        retry: Retry {
            base: Duration::from_millis(2),
            cap: Duration::from_millis(5),
            patience: Duration::from_secs(2),
            ..Retry::default()
        },
        ..Settings::default()
    }
}

pub fn wait_for<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

pub fn client(settings: Settings) -> (Client, Arc<Ear>) {
    let ear = Arc::new(Ear::default());
    (Client::new(settings, Arc::clone(&ear) as Arc<dyn Report>), ear)
}

pub async fn download(client: &Client, url: &Url) -> Result<Vec<u8>, Error> {
    let mut body = client.open(url).await?;
    let mut received = Vec::new();
    while let Some(bytes) = body.chunk().await? {
        received.extend_from_slice(&bytes);
    }
    Ok(received)
}

pub fn payload() -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(7);
    std::iter::repeat_with(|| random.u8(..)).take(SIZE).collect()
}

pub fn status(code: u16, times: usize, retry_after: Option<&str>) -> Fault {
    Fault::Status { code, times, retry_after: retry_after.map(str::to_owned) }
}

/// Returns the variant of an error, with the cause of a surrender.
pub fn named(error: &Error) -> String {
    match error {
        Error::GaveUp { attempts, source, .. } => format!("GaveUp({attempts}, {})", variant(&format!("{source:?}"))),
        Error::Status { status, .. } => format!("Status({status})"),
        other => variant(&format!("{other:?}")),
    }
}

fn variant(debug: &str) -> String {
    debug.chars().take_while(char::is_ascii_alphanumeric).collect()
}

/// A way to misbehave, how it ends, and how often the file was asked for.
type Row = (&'static str, Vec<Fault>, &'static str, usize);

fn rows_that_resume() -> Vec<Row> {
    let at = 60_000;
    vec![
        ("no fault", vec![], "whole", 1),
        ("cut once", vec![Fault::CutOnce { at }], "whole", 2),
        ("cut at the first byte", vec![Fault::CutOnce { at: 0 }], "whole", 2),
        ("cut at the last byte", vec![Fault::CutOnce { at: SIZE as u64 - 1 }], "whole", 2),
        (
            "cut at three places",
            vec![1000, 2000, 199_000].into_iter().map(|at| Fault::CutOnce { at }).collect(),
            "whole",
            4,
        ),
        ("cut always", vec![Fault::CutAlways { at }], "GaveUp(4, Short)", 4),
        ("reset once", vec![Fault::ResetOnce { at }], "whole", 2),
        ("stalled once", vec![Fault::StallOnce { at }], "whole", 2),
        ("stalled always", vec![Fault::Stall { at }], "GaveUp(2, Stalled)", 2),
        ("stalled at two places", vec![Fault::StallOnce { at: 1000 }, Fault::StallOnce { at }], "whole", 3),
        ("no answer ever", vec![Fault::Mute { times: 99 }], "GaveUp(2, Stalled)", 2),
        ("no answer once", vec![Fault::Mute { times: 1 }], "whole", 2),
        ("ignored range", vec![Fault::CutOnce { at }, Fault::IgnoreRange], "whole", 2),
        (
            "ignored range, cut again",
            vec![Fault::CutOnce { at: 9000 }, Fault::CutOnce { at }, Fault::IgnoreRange],
            "whole",
            3,
        ),
        ("ignored range, no ETag", vec![Fault::CutOnce { at }, Fault::IgnoreRange, Fault::NoEtag], "whole", 2),
        ("range without ETag", vec![Fault::CutOnce { at }, Fault::NoEtag], "whole", 2),
        ("weak ETag", vec![Fault::CutOnce { at }, Fault::Etag("W/\"a\"".to_owned())], "whole", 2),
        (
            "other start",
            vec![Fault::CutOnce { at }, Fault::ContentRange("bytes 5-199999/200000".to_owned())],
            "whole",
            3,
        ),
        (
            "other total",
            vec![Fault::CutOnce { at }, Fault::ContentRange("bytes 60000-199999/300000".to_owned())],
            "Changed",
            2,
        ),
        ("no sense in the range", vec![Fault::CutOnce { at }, Fault::ContentRange("pages 3".to_owned())], "whole", 3),
        (
            "no range in the answer, and the whole is cut, too",
            vec![Fault::CutOnce { at }, Fault::CutOnce { at: 50_000 }, Fault::ContentRange(String::new())],
            "whole",
            4,
        ),
        (
            "several ranges",
            vec![
                Fault::CutOnce { at },
                Fault::Later(Box::new(Fault::ContentType("multipart/byteranges; boundary=x".to_owned()))),
            ],
            "whole",
            3,
        ),
        ("chunked", vec![Fault::Chunked { complete: true }], "whole", 1),
        ("chunked and cut once", vec![Fault::Chunked { complete: true }, Fault::CutOnce { at }], "whole", 2),
        (
            "chunked and never ended",
            vec![Fault::Chunked { complete: false }, Fault::IgnoreRange],
            "GaveUp(4, Short)",
            4,
        ),
        ("too little is announced", vec![Fault::Announce { length: 100 }], "the first 100 bytes", 1),
        ("too much is announced", vec![Fault::Announce { length: 300_000 }, Fault::IgnoreRange], "GaveUp(4, Short)", 4),
        ("too much is announced, with ranges", vec![Fault::Announce { length: 300_000 }], "Changed", 2),
    ]
}

fn rows_of_answers() -> Vec<Row> {
    let html = || Fault::ContentType("text/html; charset=utf-8".to_owned());
    let cut = || Fault::CutOnce { at: 60_000 };
    let later = |fault| Fault::Later(Box::new(fault));
    vec![
        ("500 twice", vec![status(500, 2, None)], "whole", 3),
        ("500 always", vec![status(500, 99, None)], "GaveUp(4, Status)", 4),
        ("502", vec![status(502, 1, None)], "whole", 2),
        ("503 with Retry-After", vec![status(503, 1, Some("0"))], "whole", 2),
        ("503, come back in an hour", vec![status(503, 1, Some("3600"))], "ComeBackLater", 1),
        ("504", vec![status(504, 3, None)], "whole", 4),
        ("429 with a date that has passed", vec![status(429, 1, Some("Mon, 23 Nov 2020 10:00:00 GMT"))], "whole", 2),
        ("429 always", vec![status(429, 99, None)], "GaveUp(4, Status)", 4),
        ("408", vec![status(408, 1, None)], "whole", 2),
        ("400", vec![status(400, 99, None)], "Status(400)", 1),
        ("401", vec![status(401, 99, None)], "Status(401)", 1),
        ("403", vec![status(403, 99, None)], "Status(403)", 1),
        ("404", vec![status(404, 99, None)], "Status(404)", 1),
        ("410", vec![status(410, 99, None)], "Status(410)", 1),
        ("501", vec![status(501, 99, None)], "Status(501)", 1),
        ("304 out of the blue", vec![status(304, 1, None)], "Contradiction", 1),
        ("206 out of the blue", vec![status(206, 1, None)], "Contradiction", 1),
        ("an empty 200", vec![status(200, 1, None)], "Empty", 1),
        ("a redirect to nowhere", vec![status(302, 1, None)], "Redirect", 1),
        ("an HTML page", vec![html()], "Html", 1),
        ("an HTML page when resuming", vec![cut(), Fault::IgnoreRange, later(html())], "Html", 2),
        ("404 when resuming", vec![cut(), later(status(404, 9, None))], "Status(404)", 2),
        ("500 when resuming", vec![cut(), later(status(500, 1, None))], "whole", 3),
        ("416 when resuming", vec![cut(), later(status(416, 9, None))], "Changed", 2),
        ("changed ETag", vec![cut(), later(Fault::Etag("\"b\"".to_owned()))], "Changed", 2),
        (
            "changed ETag, ignored range",
            vec![cut(), Fault::IgnoreRange, later(Fault::Etag("\"b\"".to_owned()))],
            "Changed",
            2,
        ),
        ("an ETag that went away", vec![cut(), Fault::IgnoreRange, later(Fault::NoEtag)], "Changed", 2),
        ("a coding on top", vec![Fault::ContentEncoding("gzip".to_owned())], "whole", 1),
    ]
}

#[test]
fn every_fault_ends_as_promised_after_exactly_as_many_requests() {
    for (name, faults, ending, requests) in rows_that_resume().into_iter().chain(rows_of_answers()) {
        let upstream = Upstream::new();
        upstream.file(PATH, payload());
        let mut settings = hasty();
        if faults
            .iter()
            .any(|fault| matches!(fault, Fault::Stall { .. } | Fault::StallOnce { .. } | Fault::Mute { .. }))
        {
            settings.limits.connect = Duration::from_millis(200);
            settings.limits.stall = Duration::from_millis(300);
        }
        for fault in faults {
            upstream.fault(PATH, fault);
        }
        let (client, _) = client(settings);
        let answer = wait_for(download(&client, &upstream.url(PATH)));
        let got = match &answer {
            Ok(bytes) if *bytes == payload() => "whole".to_owned(),
            Ok(bytes) if payload().starts_with(bytes) => format!("the first {} bytes", bytes.len()),
            Ok(bytes) => format!("{} other bytes", bytes.len()),
            Err(error) => named(error),
        };
        assert_eq!((got.as_str(), upstream.requests(PATH)), (ending, requests), "{name}: {answer:.200?}");
        if let Err(error) = answer {
            assert_eq!(error.kind(), Kind::Upstream, "{name}");
            assert!(!error.hints().is_empty(), "{name}");
            assert!(error.to_string().contains(PATH), "{name}: {error}");
        }
    }
}

#[test]
fn the_rest_is_asked_for_and_only_of_the_same_file() {
    let upstream = Upstream::new();
    upstream.file(PATH, payload()).fault(PATH, Fault::CutOnce { at: 60_000 });
    let (client, ear) = client(hasty());
    wait_for(download(&client, &upstream.url(PATH))).unwrap();
    let seen = upstream.seen(PATH);
    assert_eq!(seen[0].headers.get("range"), None);
    assert_eq!(seen[1].headers["range"], "bytes=60000-");
    assert!(seen[1].headers["if-range"].starts_with('"'));
    assert!(seen.iter().all(|seen| seen.headers["accept-encoding"] == "identity"));
    assert_eq!(upstream.sent(), SIZE as u64, "no byte is sent twice");
    let notes = ear.notes.lock().unwrap();
    assert!(notes.len() == 1 && notes[0].contains("attempt 2 of 4"), "{notes:?}");
}

#[test]
fn a_file_that_is_replaced_meanwhile_is_never_mixed() {
    for ranges in [true, false] {
        let upstream = Upstream::new();
        upstream.file(PATH, payload()).fault(PATH, Fault::CutOnce { at: 60_000 });
        if !ranges {
            upstream.fault(PATH, Fault::IgnoreRange);
        }
        let (client, _) = client(hasty());
        let answer = wait_for(async {
            let mut body = client.open(&upstream.url(PATH)).await?;
            upstream.file(PATH, vec![7; SIZE]);
            while body.chunk().await?.is_some() {}
            Ok::<_, Error>(())
        });
        assert!(matches!(answer, Err(Error::Changed { .. })), "{answer:?}");
        assert_eq!(upstream.requests(PATH), 2);
    }
}

#[test]
fn a_slow_drip_ends_at_the_total_limit() {
    let upstream = Upstream::new();
    upstream.file(PATH, payload()).fault(PATH, Fault::Drip { pause: Duration::from_millis(5) });
    let mut settings = hasty();
    settings.limits.total = Duration::from_millis(500);
    let (client, _) = client(settings);
    let error = wait_for(download(&client, &upstream.url(PATH))).unwrap_err();
    assert!(matches!(error, Error::TooSlow { received: 1.., length: Some(_), .. }), "{error:?}");
    assert_eq!(upstream.requests(PATH), 1);
}

#[test]
fn a_drip_is_given_up_after_two_windows() {
    let upstream = Upstream::new();
    upstream.file(PATH, payload()).fault(PATH, Fault::Drip { pause: Duration::from_millis(2) });
    let mut settings = hasty();
    (settings.limits.window, settings.limits.least_rate) = (Duration::from_millis(100), 1 << 20);
    let (client, _) = client(settings);
    let error = wait_for(download(&client, &upstream.url(PATH))).unwrap_err();
    assert_eq!(named(&error), "GaveUp(2, Slow)", "{error:?}");
    let seen = upstream.seen(PATH);
    assert_eq!(seen.len(), 2);
    assert!(seen[1].headers["range"].starts_with("bytes="), "what came was thrown away");
}

#[test]
fn a_document_that_drips_is_given_up_too() {
    let upstream = Upstream::new();
    upstream.file(PATH, payload()).fault(PATH, Fault::Drip { pause: Duration::from_millis(2) });
    let mut settings = hasty();
    (settings.limits.window, settings.limits.least_rate) = (Duration::from_millis(100), 1 << 20);
    let document = Document { url: upstream.url(PATH), mirror_name: None, accept: None, check: |_| Ok(()) };
    let (slow, _) = client(settings.clone());
    let error = wait_for(slow.read(&document)).unwrap_err();
    assert!(matches!(&error, Error::NoCopy { source, .. } if named(source) == "GaveUp(2, Slow)"), "{error:?}");
    assert_eq!(upstream.requests(PATH), 2);
    // One that is fast enough, and takes longer than any document may.
    settings.limits.least_rate = 1;
    settings.limits.documents = Duration::from_millis(200);
    let (late, _) = client(settings);
    let error = wait_for(late.read(&document)).unwrap_err();
    assert!(matches!(&error, Error::NoCopy { source, .. } if named(source) == "TooSlow"), "{error:?}");
    assert_eq!(upstream.requests(PATH), 3);
}

#[test]
fn a_server_that_was_given_up_is_asked_once_until_it_answers() {
    let upstream = Upstream::new();
    upstream.file(PATH, payload()).fault(PATH, Fault::Mute { times: 3 });
    let mut settings = hasty();
    settings.limits.connect = Duration::from_millis(200);
    settings.limits.stall = Duration::from_millis(300);
    let (client, _) = client(settings);
    let url = upstream.url(PATH);
    for (ending, requests) in [("GaveUp(2, Stalled)", 2), ("GaveUp(1, Stalled)", 3)] {
        let error = wait_for(download(&client, &url)).err().unwrap();
        assert_eq!((named(&error).as_str(), upstream.requests(PATH)), (ending, requests));
    }
    assert!(wait_for(download(&client, &url)).unwrap() == payload());
    upstream.fault(PATH, status(500, 1, None));
    assert!(wait_for(download(&client, &url)).unwrap() == payload(), "it is worth several attempts again");
}

#[test]
fn a_file_larger_than_any_ends_where_nothing_says_how_large_it_is() {
    let chunked = || Fault::Chunked { complete: true };
    for (fault, received) in [(chunked(), true), (Fault::Announce { length: 1 << 60 }, false)] {
        let upstream = Upstream::new();
        upstream.file(PATH, payload()).fault(PATH, fault);
        let mut settings = hasty();
        settings.limits.largest = 100_000;
        let (client, _) = client(settings);
        let error = wait_for(download(&client, &upstream.url(PATH))).unwrap_err();
        assert!(matches!(error, Error::TooLarge { limit: 100_000, .. }), "{error:?}");
        assert_eq!(upstream.requests(PATH), 1);
        assert!(received || error.to_string().contains(PATH));
    }
}

#[test]
fn a_silence_is_told_before_it_is_over() {
    for (fault, whole) in [(Fault::Mute { times: 1 }, true), (Fault::StallOnce { at: 60_000 }, true)] {
        let upstream = Upstream::new();
        upstream.file(PATH, payload()).fault(PATH, fault);
        let mut settings = hasty();
        settings.limits.connect = Duration::from_millis(200);
        settings.limits.stall = Duration::from_millis(300);
        settings.limits.notice = Duration::from_millis(50);
        let (client, ear) = client(settings);
        let answer = wait_for(download(&client, &upstream.url(PATH)));
        assert_eq!(answer.is_ok(), whole, "{answer:?}");
        let notes = ear.notes.lock().unwrap();
        assert!(notes[0].starts_with("waiting for 127.0.0.1"), "{notes:?}");
        assert!(notes[1].contains("attempt 2 of 2"), "{notes:?}");
    }
}

/// Saves a file whose digest is known, and returns what became of it with the number of requests.
fn save(upstream: &Upstream, right: &[u8]) -> (Result<Vec<u8>, String>, usize, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let digest = Digest::new(Algorithm::Sha256, &Sha256::digest(right)).unwrap();
    let url = upstream.url(PATH);
    let (client, ear) = client(hasty());
    let wanted = Download { url: &url, digest: &digest, size: Some(right.len() as u64), publisher: "go.dev" };
    let progress = Progress { report: &*ear, task: Task(0) };
    let saved = wait_for(ingest::save(&client, wanted, &path, progress));
    let notes = ear.notes.lock().unwrap().clone();
    let got = saved.map(|_| std::fs::read(&path).unwrap()).map_err(|error| error.to_string());
    (got, upstream.requests(PATH), notes)
}

#[test]
fn bytes_that_were_pieced_together_wrongly_are_no_verdict() {
    let upstream = Upstream::new();
    upstream.file(PATH, payload()).fault(PATH, Fault::CutOnce { at: 60_000 }).fault(PATH, Fault::OtherBytes);
    let (saved, requests, notes) = save(&upstream, &payload());
    assert!(saved.as_deref() == Ok(&payload()[..]), "{notes:?}");
    assert_eq!(requests, 3, "{notes:?}");
    assert!(notes.iter().any(|note| note.contains("once more as a whole")), "{notes:?}");
    assert!(!upstream.seen(PATH)[2].headers.contains_key("range"));
}

#[test]
fn after_a_wrong_piece_even_a_cut_is_answered_with_the_whole() {
    let upstream = Upstream::new();
    upstream.file(PATH, payload()).fault(PATH, Fault::CutOnce { at: 60_000 }).fault(PATH, Fault::OtherBytes);
    upstream.fault(PATH, Fault::CutOnce { at: 50_000 });
    // Cut at 50,000; wrong from there; whole, cut at 60,000; whole.
    let (saved, requests, notes) = save(&upstream, &payload());
    assert!(saved.as_deref() == Ok(&payload()[..]), "{notes:?}");
    assert_eq!(requests, 4, "{notes:?}");
    let ranges = upstream.seen(PATH).iter().filter(|seen| seen.headers.contains_key("range")).count();
    assert_eq!(ranges, 1, "{notes:?}");
}

#[test]
fn one_whole_download_decides() {
    for (faults, requests) in [(vec![], 1), (vec![Fault::CutOnce { at: 60_000 }], 3)] {
        let upstream = Upstream::new();
        upstream.file(PATH, vec![7; SIZE]);
        for fault in faults {
            upstream.fault(PATH, fault);
        }
        let (saved, asked, notes) = save(&upstream, &payload());
        assert!(saved.unwrap_err().contains("does not match its checksum"), "{notes:?}");
        assert_eq!(asked, requests, "{notes:?}");
    }
}

#[test]
fn retry_after_is_obeyed() {
    let upstream = Upstream::new();
    upstream.file(PATH, payload()).fault(PATH, status(503, 1, Some("1")));
    let (client, _) = client(hasty());
    let start = std::time::Instant::now();
    wait_for(download(&client, &upstream.url(PATH))).unwrap();
    assert!(start.elapsed() >= Duration::from_secs(1));
    assert_eq!(upstream.requests(PATH), 2);
}

#[test]
fn a_refused_connection_is_tried_again_and_named() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let (client, ear) = client(hasty());
    let error = wait_for(download(&client, &Url::parse(&format!("http://{address}/a")).unwrap())).unwrap_err();
    let Error::GaveUp { attempts: 4, source, .. } = &error else { panic!("{error:?}") };
    assert!(matches!(**source, Cause::Unreachable { .. }), "{error:?}");
    assert!(error.hints()[0].contains("NAT gateway"), "{:?}", error.hints());
    assert_eq!(ear.notes.lock().unwrap().len(), 3);
}

#[test]
fn redirects_are_followed_bounded_and_counted() {
    let upstream = Upstream::new();
    upstream.file("/file", payload());
    for hop in 0..11 {
        upstream.fault(&format!("/{hop}"), Fault::Redirect { to: format!("/{}", hop + 1) });
    }
    upstream.fault("/11", Fault::Redirect { to: "/file".to_owned() });
    upstream.fault("/circle", Fault::Redirect { to: "/circle2".to_owned() });
    upstream.fault("/circle2", Fault::Redirect { to: "circle".to_owned() });
    upstream.fault("/self", Fault::Redirect { to: "#again".to_owned() });
    upstream.fault("/secret", Fault::Redirect { to: format!("http://user:pw@{}/file", upstream.host()) });
    upstream.fault("/local", Fault::Redirect { to: "file:///etc/passwd".to_owned() });
    upstream.fault("/plain", Fault::Redirect { to: "http://example.com/".to_owned() });
    for (path, fine, requests, says) in [
        ("/2", true, 11, ""),
        ("/1", false, 11, "more than 10"),
        ("/circle", false, 2, "loop"),
        ("/self", false, 1, "loop"),
        ("/secret", false, 1, "refused"),
        ("/local", false, 1, "a file of this machine"),
        ("/plain", false, 1, "plain http"),
    ] {
        upstream.forget();
        let (client, _) = client(hasty());
        let answer = wait_for(download(&client, &upstream.url(path)));
        assert_eq!(answer.is_ok(), fine, "{path}: {:?}", answer.err());
        assert_eq!(upstream.total_requests(), requests, "{path}");
        if let Err(error) = answer {
            assert!(matches!(error, Error::Redirect { .. }), "{path}: {error:?}");
            assert!(error.to_string().contains(says) && !error.to_string().contains("pw"), "{path}: {error}");
        }
    }
}

#[test]
fn a_resume_starts_at_the_first_url_again() {
    let (front, back) = (Upstream::new(), Upstream::new());
    front.fault(PATH, Fault::Redirect { to: back.url("/signed?token=1").to_string() });
    back.file("/signed", payload()).fault("/signed", Fault::CutOnce { at: 1000 });
    let (client, _) = client(hasty());
    assert_eq!(wait_for(download(&client, &front.url(PATH))).unwrap(), payload());
    assert_eq!((front.requests(PATH), back.requests("/signed")), (2, 2));
    for seen in front.all_seen().iter().chain(&back.all_seen()) {
        for secret in ["authorization", "cookie", "proxy-authorization", "referer"] {
            assert_eq!(seen.headers.get(secret), None);
        }
    }
}

#[test]
fn tls_is_verified_and_never_left() {
    let (secure, plain) = (Upstream::with_tls(), Upstream::new());
    secure.file(PATH, payload()).fault("/down", Fault::Redirect { to: plain.url("/file").to_string() });
    secure.fault(PATH, Fault::CutOnce { at: 500 });
    plain.file("/file", payload());
    let folder = tempfile::tempdir().unwrap();
    let bundle = folder.path().join("ca.pem");
    std::fs::write(&bundle, secure.authority()).unwrap();

    let (stranger, _) = client(hasty());
    let error = wait_for(download(&stranger, &secure.url(PATH))).unwrap_err();
    let untrusted = matches!(error, Error::Untrusted { .. } | Error::Authorities { .. });
    assert!(untrusted && error.hints()[0].contains("SSL_CERT_FILE"), "{error:?}");
    assert_eq!(secure.total_requests(), 0);

    for authorities in [bundle, folder.path().to_owned()] {
        let (client, _) = client(Settings { authorities: vec![authorities], ..hasty() });
        assert_eq!(wait_for(download(&client, &secure.url(PATH))).unwrap(), payload());
        let error = wait_for(download(&client, &secure.url("/down"))).unwrap_err();
        assert!(matches!(&error, Error::Redirect { reason, .. } if reason.contains("never downgraded")), "{error:?}");
    }
    assert_eq!(secure.requests(PATH), 3, "cut once, then whole");
    assert_eq!(secure.requests("/down"), 2, "a downgrade is not tried again");
    assert_eq!(plain.total_requests(), 0);
}

#[test]
fn a_bundle_that_is_none_is_this_machines_fault() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty.pem");
    std::fs::write(&empty, "no certificate here").unwrap();
    for authorities in [empty, folder.path().join("missing.pem")] {
        let (client, _) = client(Settings { authorities: vec![authorities], ..hasty() });
        let error = wait_for(download(&client, &Url::parse("https://127.0.0.1:9/a").unwrap())).unwrap_err();
        assert_eq!(error.kind(), Kind::Machine, "{error:?}");
    }
}

/// Reads the environment as the program does, so this test runs itself as a process of its own with other variables.
#[test]
fn the_proxy_of_the_environment_is_asked_but_not_for_this_machine() {
    const LOCAL: &str = "TOOLKIT_TEST_LOCAL_URL";
    if let Ok(local) = std::env::var(LOCAL) {
        let (client, _) = client(hasty());
        wait_for(download(&client, &Url::parse(&local).unwrap())).unwrap();
        let error = wait_for(download(&client, &Url::parse("https://example.invalid/a").unwrap())).unwrap_err();
        println!("{} {}", named(&error), error.hints()[0]);
        return;
    }
    let (proxy, upstream) = (Upstream::new(), Upstream::new());
    proxy.fault("example.invalid:443", status(407, 99, None));
    upstream.file(PATH, payload());
    let proxy_url = proxy.url("/").to_string();
    // A machine without certificates shall pass too.
    let folder = tempfile::tempdir().unwrap();
    let bundle = folder.path().join("ca.pem");
    std::fs::write(&bundle, Upstream::with_tls().authority()).unwrap();
    let name = "faults::the_proxy_of_the_environment_is_asked_but_not_for_this_machine";
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(LOCAL, upstream.url(PATH).as_str())
        .env("SSL_CERT_FILE", &bundle)
        .envs(["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"].map(|name| (name, &proxy_url)))
        .envs(["NO_PROXY", "no_proxy"].map(|name| (name, "")))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(said.contains("Status(407)") && said.contains("HTTPS_PROXY"), "{said}");
    assert_eq!((proxy.requests("example.invalid:443"), proxy.total_requests(), upstream.total_requests()), (1, 1, 1));
}

#[test]
fn a_coding_on_top_is_visible_and_said() {
    let upstream = Upstream::new();
    upstream.file(PATH, payload()).fault(PATH, Fault::ContentEncoding("gzip".to_owned()));
    let (client, ear) = client(hasty());
    let body = wait_for(client.open(&upstream.url(PATH))).unwrap();
    assert_eq!(body.encoding(), Some("gzip"));
    assert!(ear.warnings.lock().unwrap()[0].contains("Content-Encoding gzip"));
}
