//! An upstream on 127.0.0.1 that misbehaves as told, and counts what it is asked.
//!
//! ```ignore
//! let upstream = Upstream::serving(&folder);              // or Upstream::new().file("/a.tar.gz", bytes)
//! upstream.fault("/a.tar.gz", Fault::CutOnce { at: 1000 });
//! …                                                       // run what is tested against upstream.url("/a.tar.gz")
//! assert_eq!(upstream.requests("/a.tar.gz"), 2);
//! ```
//! A file has an `ETag` and knows `Range`, `If-Range` and `If-None-Match`. Dropping the server ends its connections and
//! joins its threads.

#![allow(dead_code, reason = "each test uses the part that it needs")]

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek, SeekFrom, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use url::Url;

/// A way to misbehave, for one path. Several of one path add up.
#[derive(Debug, Clone)]
pub enum Fault {
    /// The connection ends when the first `at` bytes of the file were sent; once.
    CutOnce { at: u64 },
    /// The connection ends whenever byte `at` of the file is reached.
    CutAlways { at: u64 },
    /// The connection is reset (RST) when byte `at` is reached; once.
    ResetOnce { at: u64 },
    /// Nothing more comes after byte `at`, the connection stays open; once.
    StallOnce { at: u64 },
    /// Nothing more comes after byte `at`, ever.
    Stall { at: u64 },
    /// The fault inside, but from the next request on.
    Later(Box<Fault>),
    /// The next `times` requests get no answer at all, the connection stays open.
    Mute { times: usize },
    /// One byte at a time, with a pause after each.
    Drip { pause: Duration },
    /// `Content-Length` says this, whatever is sent.
    Announce { length: u64 },
    /// No `Content-Length`: the file comes in chunks, without the last one when `complete` is false.
    Chunked { complete: bool },
    /// The next `times` requests get this status and no file.
    Status { code: u16, times: usize, retry_after: Option<String> },
    /// Every request is sent elsewhere.
    Redirect { to: String },
    /// Every request is sent elsewhere with its method and its body.
    RedirectAll { to: String },
    /// Ranges are unknown: always the whole file.
    IgnoreRange,
    /// No `ETag` comes with it.
    NoEtag,
    /// This `ETag` comes with it, quotes and all.
    Etag(String),
    /// Answers to ranges carry other bytes than those of the file.
    OtherBytes,
    /// Answers to ranges carry this `Content-Range`.
    ContentRange(String),
    /// This `Content-Type` comes with it.
    ContentType(String),
    /// This `Content-Encoding` comes with it; the bytes stay as they are.
    ContentEncoding(String),
    /// This header comes with it.
    Header(&'static str, String),
    /// The file comes under this status.
    Under { code: u16 },
}

/// One request as it came.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The path with the query.
    pub target: String,
    /// The method.
    pub method: String,
    /// The headers, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body, where its length was announced.
    pub body: Vec<u8>,
}

/// The server.
pub struct Upstream {
    shared: Arc<Shared>,
    address: SocketAddr,
    acceptor: Option<JoinHandle<()>>,
    authority: Option<String>,
}

struct Shared {
    tls: Option<Arc<rustls::ServerConfig>>,
    folder: Option<PathBuf>,
    state: Mutex<State>,
    stopped: Condvar,
}

#[derive(Default)]
struct State {
    files: BTreeMap<String, Arc<[u8]>>,
    faults: BTreeMap<String, Vec<Fault>>,
    seen: Vec<Seen>,
    open: BTreeMap<usize, TcpStream>,
    used: HashSet<usize>,
    connections: usize,
    /// Bytes of files sent, in total.
    sent: u64,
    /// Bytes per second on each connection.
    rate: Option<u64>,
    stopping: bool,
}

impl Upstream {
    /// Starts a server without files, over plain http.
    pub fn new() -> Self {
        Self::start(None, None, None)
    }

    /// Starts a server for a folder: a mirror, for example.
    pub fn serving(folder: &Path) -> Self {
        Self::start(Some(folder.to_owned()), None, None)
    }

    /// Starts a server with TLS; its certificate authority is made up now ([`Upstream::authority`]).
    pub fn with_tls() -> Self {
        let (tls, authority) = certificates();
        Self::start(None, Some(Arc::new(tls)), Some(authority))
    }

    fn start(folder: Option<PathBuf>, tls: Option<Arc<rustls::ServerConfig>>, authority: Option<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared { tls, folder, state: Mutex::default(), stopped: Condvar::new() });
        let acceptor = std::thread::spawn({
            let shared = Arc::clone(&shared);
            move || accept(&listener, &shared)
        });
        Self { shared, address, acceptor: Some(acceptor), authority }
    }

    /// Puts a file at `path`, in place of an earlier one.
    pub fn file(&self, path: &str, bytes: impl Into<Vec<u8>>) -> &Self {
        self.state().files.insert(path.to_owned(), bytes.into().into());
        self
    }

    /// Misbehaves at `path` from now on.
    pub fn fault(&self, path: &str, fault: Fault) -> &Self {
        self.state().faults.entry(path.to_owned()).or_default().push(fault);
        self
    }

    /// Behaves again at `path`.
    pub fn heal(&self, path: &str) -> &Self {
        self.state().faults.remove(path);
        self
    }

    /// Sends at most this many bytes per second on each connection.
    pub fn rate(&self, bytes_per_second: u64) -> &Self {
        self.state().rate = Some(bytes_per_second);
        self
    }

    /// Returns the URL of a path.
    pub fn url(&self, path: &str) -> Url {
        let scheme = if self.shared.tls.is_some() { "https" } else { "http" };
        Url::parse(&format!("{scheme}://{}{path}", self.address)).unwrap()
    }

    /// Returns `host:port`.
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// Returns the certificate authority of a server with TLS, as PEM.
    pub fn authority(&self) -> &str {
        self.authority.as_deref().unwrap()
    }

    /// Counts the requests for `path`, whatever their query.
    pub fn requests(&self, path: &str) -> usize {
        self.seen(path).len()
    }

    /// Counts all requests.
    pub fn total_requests(&self) -> usize {
        self.state().seen.len()
    }

    /// Counts the connections that carried at least one request.
    pub fn connections(&self) -> usize {
        self.state().used.len()
    }

    /// Counts the bytes of files that were sent.
    pub fn sent(&self) -> u64 {
        self.state().sent
    }

    /// Returns the requests for `path` in their order.
    pub fn seen(&self, path: &str) -> Vec<Seen> {
        self.state().seen.iter().filter(|seen| path_of(&seen.target) == path).cloned().collect()
    }

    /// Returns all requests in their order.
    pub fn all_seen(&self) -> Vec<Seen> {
        self.state().seen.clone()
    }

    /// Forgets what was counted.
    pub fn forget(&self) {
        let mut state = self.state();
        state.seen.clear();
        state.used.clear();
        state.sent = 0;
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.shared.state.lock().unwrap()
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        {
            let mut state = self.state();
            state.stopping = true;
            for stream in state.open.values() {
                // It may be closed already.
                let _ = stream.shutdown(Shutdown::Both);
            }
        }
        self.shared.stopped.notify_all();
        // Wakes the acceptor, which then sees that it shall stop.
        let _ = TcpStream::connect(self.address);
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    let mut threads = Vec::new();
    for stream in listener.incoming() {
        let Ok(stream) = stream else { continue };
        let number = {
            let mut state = shared.state.lock().unwrap();
            if state.stopping {
                break;
            }
            state.connections += 1;
            let number = state.connections;
            state.open.insert(number, stream.try_clone().unwrap());
            number
        };
        let shared = Arc::clone(shared);
        threads.push(std::thread::spawn(move || {
            let raw = stream.try_clone().unwrap();
            // An error is a client that went away, or the end of the test; or a reset, which comes by closing the last
            // handle without a farewell.
            let reset = converse(stream, number, &shared).is_err_and(|e| e.kind() == io::ErrorKind::ConnectionReset);
            shared.state.lock().unwrap().open.remove(&number);
            if !reset {
                let _ = raw.shutdown(Shutdown::Both);
            }
        }));
    }
    for thread in threads {
        let _ = thread.join();
    }
}

trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

fn converse(stream: TcpStream, number: usize, shared: &Shared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let raw = stream.try_clone()?;
    let stream: Box<dyn Stream> = match &shared.tls {
        Some(tls) => {
            let session = rustls::ServerConnection::new(Arc::clone(tls)).map_err(io::Error::other)?;
            Box::new(rustls::StreamOwned::new(session, stream))
        }
        None => Box::new(stream),
    };
    let mut reader = BufReader::new(stream);
    while let Some(seen) = request(&mut reader)? {
        let answer = {
            let mut state = shared.state.lock().unwrap();
            state.used.insert(number);
            state.seen.push(seen.clone());
            state.answer(&seen, shared.folder.as_deref())
        };
        let mut wire = Wire { stream: reader.get_mut(), raw: &raw, shared };
        if !wire.send(answer)? {
            return Ok(());
        }
    }
    Ok(())
}

fn request(reader: &mut impl BufRead) -> io::Result<Option<Seen>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split(' ').map(str::to_owned);
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_else(|| "/".to_owned()));
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = Vec::new();
    reader.by_ref().take(length).read_to_end(&mut body)?;
    Ok(Some(Seen { target, method, headers, body }))
}

fn path_of(target: &str) -> &str {
    target.split('?').next().unwrap_or_default()
}

/// Stands for no answer at all.
const MUTE: u16 = 0;

/// What is sent, and how it goes wrong.
struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Box<dyn Read + Send>,
    /// Where the body stands in the file.
    from: u64,
    length: u64,
    chunked: Option<bool>,
    end: Option<(u64, End)>,
    drip: Option<Duration>,
    rate: Option<u64>,
}

#[derive(Clone, Copy)]
enum End {
    Cut,
    Reset,
    Stall,
}

impl State {
    fn answer(&mut self, seen: &Seen, folder: Option<&Path>) -> Answer {
        let path = path_of(&seen.target).to_owned();
        let mut faults = self.faults.remove(&path).unwrap_or_default();
        let mut answer = early(&mut faults).unwrap_or_else(|| match self.content(&path, folder) {
            Some(content) => whole_or_part(content, seen, &faults),
            None => Answer::empty(404),
        });
        answer.rate = self.rate;
        if matches!(answer.status, 200 | 206) {
            spoil(&mut answer, &mut faults);
        }
        let due = faults.into_iter().map(|fault| if let Fault::Later(fault) = fault { *fault } else { fault });
        self.faults.insert(path, due.collect());
        answer
    }

    fn content(&self, path: &str, folder: Option<&Path>) -> Option<Content> {
        if let Some(bytes) = self.files.get(path) {
            let etag = format!("\"{}\"", &blake3::hash(bytes).to_hex()[..16]);
            let length = bytes.len() as u64;
            return Some(Content { etag, length, body: Box::new(Cursor::new(Arc::clone(bytes))) });
        }
        let decoded = path.replace("%2B", "+").replace("%20", " ");
        let file = folder?.join(decoded.trim_start_matches('/'));
        if decoded.contains("..") || !file.is_file() {
            return None;
        }
        let file = File::open(file).ok()?;
        let metadata = file.metadata().ok()?;
        let modified = metadata.modified().ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
        let etag = format!("\"{:x}-{:x}\"", metadata.len(), modified.as_nanos());
        Some(Content { etag, length: metadata.len(), body: Box::new(file) })
    }
}

trait Seekable: Read + Seek + Send {}
impl<T: Read + Seek + Send> Seekable for T {}

struct Content {
    etag: String,
    length: u64,
    body: Box<dyn Seekable>,
}

/// Answers that never reach the file.
fn early(faults: &mut [Fault]) -> Option<Answer> {
    for fault in faults {
        match fault {
            Fault::Redirect { to } => {
                let mut answer = Answer::empty(302);
                answer.headers.push(("Location", to.clone()));
                return Some(answer);
            }
            Fault::RedirectAll { to } => {
                let mut answer = Answer::empty(307);
                answer.headers.push(("Location", to.clone()));
                return Some(answer);
            }
            Fault::Mute { times } if *times > 0 => {
                *times -= 1;
                return Some(Answer::empty(MUTE));
            }
            Fault::Status { code, times, retry_after } if *times > 0 => {
                *times -= 1;
                let mut answer = Answer::empty(*code);
                answer.headers.extend(retry_after.clone().map(|value| ("Retry-After", value)));
                return Some(answer);
            }
            _ => {}
        }
    }
    None
}

fn whole_or_part(mut content: Content, seen: &Seen, faults: &[Fault]) -> Answer {
    let mut etag = Some(content.etag.clone());
    for fault in faults {
        match fault {
            Fault::NoEtag => etag = None,
            Fault::Etag(other) => etag = Some(other.clone()),
            _ => {}
        }
    }
    let header = |name: &str| seen.headers.get(name);
    if etag.is_some() && header("if-none-match") == etag.as_ref() {
        return Answer::empty(304);
    }
    let ignored = faults.iter().any(|fault| matches!(fault, Fault::IgnoreRange));
    let fits = header("if-range").is_none_or(|wanted| Some(wanted) == etag.as_ref());
    let start = header("range").and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse::<u64>().ok());
    let start = start.filter(|_| fits && !ignored);
    let total = content.length;
    if start.is_some_and(|start| start >= total) {
        let mut answer = Answer::empty(416);
        answer.headers.push(("Content-Range", format!("bytes */{total}")));
        return answer;
    }
    let from = start.unwrap_or(0);
    if start.is_some() && faults.iter().any(|fault| matches!(fault, Fault::OtherBytes)) {
        content.body = Box::new(Cursor::new(vec![0x55; usize::try_from(total).unwrap()]));
    }
    content.body.seek(SeekFrom::Start(from)).unwrap();
    let mut answer = Answer::empty(if start.is_some() { 206 } else { 200 });
    if start.is_some() {
        answer.headers.push(("Content-Range", format!("bytes {from}-{}/{total}", total - 1)));
    }
    answer.headers.extend(etag.map(|etag| ("ETag", etag)));
    Answer { body: content.body, from, length: total - from, ..answer }
}

/// Applies what goes wrong on the way; a fault that happens once is used up when its byte lies in this answer.
fn spoil(answer: &mut Answer, faults: &mut Vec<Fault>) {
    let (from, to) = (answer.from, answer.from + answer.length);
    let mut set = |name: &'static str, value: String| {
        answer.headers.retain(|(other, _)| *other != name);
        answer.headers.push((name, value));
    };
    for fault in faults.iter() {
        match fault.clone() {
            Fault::ContentType(value) => set("Content-Type", value),
            Fault::ContentEncoding(value) => set("Content-Encoding", value),
            Fault::ContentRange(value) if answer.status == 206 => set("Content-Range", value),
            Fault::Header(name, value) => set(name, value),
            _ => {}
        }
    }
    for fault in faults.iter() {
        if let Fault::Under { code } = *fault {
            answer.status = code;
        }
    }
    faults.retain(|fault| {
        let (at, end, once) = match *fault {
            Fault::CutOnce { at } => (at, End::Cut, true),
            Fault::CutAlways { at } => (at, End::Cut, false),
            Fault::ResetOnce { at } => (at, End::Reset, true),
            Fault::StallOnce { at } => (at, End::Stall, true),
            Fault::Stall { at } => (at, End::Stall, false),
            Fault::Drip { pause } => {
                answer.drip = Some(pause);
                return true;
            }
            Fault::Announce { length } => {
                set_length(answer, length);
                return true;
            }
            Fault::Chunked { complete } => {
                answer.chunked = Some(complete);
                return true;
            }
            _ => return true,
        };
        let here = from <= at && at < to && answer.end.is_none();
        if here {
            answer.end = Some((at - from, end));
        }
        !(here && once)
    });
}

/// Announces a length of its own; the answer ends with its connection, as a server with such a fault does.
fn set_length(answer: &mut Answer, length: u64) {
    answer.headers.push(("Content-Length", length.to_string()));
    answer.end = Some((answer.length, End::Cut));
}

impl Answer {
    fn empty(status: u16) -> Self {
        let body = Box::new(io::empty());
        let (headers, chunked, end, drip, rate) = (Vec::new(), None, None, None, None);
        Self { status, headers, body, from: 0, length: 0, chunked, end, drip, rate }
    }
}

/// One connection, and the server behind it.
struct Wire<'a> {
    stream: &'a mut dyn Stream,
    raw: &'a TcpStream,
    shared: &'a Shared,
}

impl Wire<'_> {
    /// Sends an answer; false when the connection is over.
    fn send(&mut self, mut answer: Answer) -> io::Result<bool> {
        if answer.status == MUTE {
            return self.wait(None).map(|()| false);
        }
        let mut head = format!("HTTP/1.1 {} Scripted\r\n", answer.status);
        if answer.chunked.is_some() {
            answer.headers.push(("Transfer-Encoding", "chunked".to_owned()));
        } else if answer.status != 304 && !answer.headers.iter().any(|(name, _)| *name == "Content-Length") {
            answer.headers.push(("Content-Length", answer.length.to_string()));
        }
        for (name, value) in &answer.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        self.stream.write_all(format!("{head}\r\n").as_bytes())?;
        self.stream.flush()?;
        let until = answer.end.map_or(answer.length, |(at, _)| at);
        self.send_body(&mut answer, until)?;
        match (answer.end, answer.chunked) {
            (Some((_, End::Stall)), _) => self.wait(None).map(|()| false),
            (Some((_, End::Reset)), _) => {
                // With no time to linger the close is a reset.
                rustix::net::sockopt::set_socket_linger(self.raw, Some(Duration::ZERO))?;
                Err(io::ErrorKind::ConnectionReset.into())
            }
            (Some((_, End::Cut)), _) | (None, Some(false)) => Ok(false),
            (None, Some(true)) => self.stream.write_all(b"0\r\n\r\n").and_then(|()| self.stream.flush()).map(|()| true),
            (None, None) => Ok(true),
        }
    }

    fn send_body(&mut self, answer: &mut Answer, until: u64) -> io::Result<()> {
        let piece = match (answer.drip, answer.rate) {
            (Some(_), _) => 1,
            (None, Some(rate)) => usize::try_from(rate / 50).unwrap().clamp(1, 64 * 1024),
            (None, None) => 64 * 1024,
        };
        let (mut buffer, mut sent) = (vec![0; piece], 0);
        while sent < until {
            let most = usize::try_from(until - sent).unwrap().min(piece);
            let count = answer.body.read(&mut buffer[..most])?;
            if count == 0 {
                break;
            }
            // Counted first: the client may have the bytes, and the test its answer, before this thread runs again.
            self.shared.state.lock().unwrap().sent += count as u64;
            if answer.chunked.is_some() {
                self.stream.write_all(format!("{count:x}\r\n").as_bytes())?;
            }
            self.stream.write_all(&buffer[..count])?;
            if answer.chunked.is_some() {
                self.stream.write_all(b"\r\n")?;
            }
            self.stream.flush()?;
            sent += count as u64;
            let pace = answer.rate.map(|rate| Duration::from_secs_f64(count as f64 / rate as f64));
            if let Some(pause) = answer.drip.or(pace) {
                self.wait(Some(pause))?;
            }
        }
        Ok(())
    }

    /// Waits for a time or, without one, for the end of the test; the latter is an error, and ends the connection.
    fn wait(&self, time: Option<Duration>) -> io::Result<()> {
        let state = self.shared.state.lock().unwrap();
        let time = time.unwrap_or(Duration::from_secs(3600));
        let (state, _) = self.shared.stopped.wait_timeout_while(state, time, |state| !state.stopping).unwrap();
        if state.stopping { Err(io::ErrorKind::ConnectionAborted.into()) } else { Ok(()) }
    }
}

/// Makes an authority and, signed by it, a certificate for 127.0.0.1.
fn certificates() -> (rustls::ServerConfig, String) {
    let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let key = rcgen::KeyPair::generate().unwrap();
    let authority = params.self_signed(&key).unwrap().pem();
    let issuer = rcgen::Issuer::new(params, key);
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &issuer).unwrap();
    let secret = rustls::pki_types::PrivatePkcs8KeyDer::from(key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], secret.into())
        .unwrap();
    (config, authority)
}
