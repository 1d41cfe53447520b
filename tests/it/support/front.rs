//! A server in front of another one, or alone: it remembers every request, and a test decides for each what becomes of it.
//!
//! ```ignore
//! let front = Front::before(registry.host(), |seen, number| if number % 3 == 0 { Turn::Cut } else { Turn::Pass });
//! ```
//! Plain http only; each connection carries one request. Dropping it ends its threads.

#![allow(dead_code, reason = "each test uses the part that it needs")]

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// One request as it came.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Its number, from 1.
    pub number: usize,
    pub method: String,
    /// The path with the query.
    pub target: String,
    /// The headers, names in lower case.
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

impl Seen {
    /// Returns `GET /v2/app/manifests/1.2`.
    pub fn line(&self) -> String {
        format!("{} {}", self.method, self.target.split('?').next().unwrap())
    }
}

/// What becomes of a request.
pub enum Turn {
    /// The server behind answers.
    Pass,
    /// The server behind answers, and its answer is changed on the way.
    Changed(fn(&mut Answer)),
    /// The connection ends without an answer; the server behind never hears of it.
    Cut,
    /// The server behind hears of it, and the connection ends in the middle of its answer.
    CutAfter,
    /// This is the answer.
    Answer(Answer),
    /// The connection ends in the middle of this answer.
    Half(Answer),
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn new(status: u16, kind: &str, body: Vec<u8>) -> Self {
        Self { status, headers: vec![("Content-Type".to_owned(), kind.to_owned())], body }
    }

    /// The answer of a registry that refuses.
    pub fn refusal(status: u16, code: &str, message: &str) -> Self {
        let body = serde_json::json!({ "errors": [{ "code": code, "message": message }] });
        Self::new(status, "application/json", body.to_string().into_bytes())
    }

    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    fn bytes(&self, to: &str) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} Scripted\r\nConnection: close\r\n", self.status);
        let announced = self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-length"));
        if to != "HEAD" || !announced {
            head.push_str(&format!("Content-Length: {}\r\n", self.body.len()));
        }
        let own = |name: &str| name.eq_ignore_ascii_case("content-length") && to != "HEAD";
        for (name, value) in
            self.headers.iter().filter(|(name, _)| !own(name) && !name.eq_ignore_ascii_case("connection"))
        {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        let body = if to == "HEAD" { &[][..] } else { &self.body };
        [format!("{head}\r\n").as_bytes(), body].concat()
    }
}

type Decide = dyn Fn(&Seen, usize) -> Turn + Send + Sync;

struct Shared {
    behind: Option<String>,
    decide: Box<Decide>,
    seen: Mutex<Vec<Seen>>,
    stopping: AtomicBool,
}

/// The running server.
pub struct Front {
    shared: Arc<Shared>,
    address: SocketAddr,
    acceptor: Option<JoinHandle<()>>,
}

impl Front {
    /// Starts one before the server at `host:port`.
    pub fn before(behind: &str, decide: impl Fn(&Seen, usize) -> Turn + Send + Sync + 'static) -> Self {
        Self::start(Some(behind.to_owned()), Box::new(decide))
    }

    /// Starts one that answers by itself.
    pub fn answering(decide: impl Fn(&Seen, usize) -> Turn + Send + Sync + 'static) -> Self {
        Self::start(None, Box::new(decide))
    }

    fn start(behind: Option<String>, decide: Box<Decide>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared { behind, decide, seen: Mutex::default(), stopping: AtomicBool::new(false) });
        let acceptor = std::thread::spawn({
            let shared = Arc::clone(&shared);
            move || accept(&listener, &shared)
        });
        Self { shared, address, acceptor: Some(acceptor) }
    }

    /// Returns `127.0.0.1:PORT`.
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// Names an image of the registry behind.
    pub fn name(&self, rest: &str) -> String {
        format!("{}/{rest}", self.address)
    }

    /// What it was asked so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().unwrap().clone()
    }

    /// What it was asked so far, as `GET /v2/…`.
    pub fn lines(&self) -> Vec<String> {
        self.seen().iter().map(Seen::line).collect()
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        // Wakes the acceptor, which then sees that it shall stop.
        let _ = TcpStream::connect(self.address);
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        if shared.stopping.load(Ordering::SeqCst) {
            return;
        }
        let (Ok(stream), shared) = (stream, Arc::clone(shared)) else { continue };
        // Ends with its connection, which the client closes at the latest.
        std::thread::spawn(move || {
            // An error is a client that went away, or one that speaks TLS.
            let _ = converse(&stream, &shared);
            let _ = stream.shutdown(Shutdown::Both);
        });
    }
}

fn converse(stream: &TcpStream, shared: &Shared) -> io::Result<()> {
    let Some(mut seen) = request(&mut BufReader::new(stream))? else { return Ok(()) };
    {
        let mut all = shared.seen.lock().unwrap();
        seen.number = all.len() + 1;
        all.push(seen.clone());
    }
    let answer = match (shared.decide)(&seen, seen.number) {
        Turn::Cut => return Ok(()),
        Turn::Answer(answer) => answer.bytes(&seen.method),
        Turn::Half(answer) => {
            let bytes = answer.bytes(&seen.method);
            bytes[..bytes.len() - answer.body.len() / 2 - 1].to_vec()
        }
        turn => {
            let mut answer = behind(shared.behind.as_deref().unwrap(), &seen)?;
            match turn {
                Turn::Changed(change) => {
                    change(&mut answer);
                    answer.bytes(&seen.method)
                }
                Turn::CutAfter => {
                    let bytes = answer.bytes(&seen.method);
                    bytes[..bytes.len() / 2].to_vec()
                }
                _ => answer.bytes(&seen.method),
            }
        }
    };
    let mut stream = stream;
    stream.write_all(&answer)
}

fn request(reader: &mut impl BufRead) -> io::Result<Option<Seen>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 || !line.contains(" HTTP/1.1") {
        return Ok(None);
    }
    let mut words = line.split(' ').map(str::to_owned);
    let (method, target) = (words.next().unwrap(), words.next().unwrap());
    let headers = headers(reader)?;
    let length = headers.get("content-length").map_or(0, |text| text.parse().unwrap());
    assert!(!headers.contains_key("transfer-encoding"), "a body of unknown length");
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Some(Seen { number: 0, method, target, headers, body }))
}

fn headers(reader: &mut impl BufRead) -> io::Result<BTreeMap<String, String>> {
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { return Ok(headers) };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
}

/// Asks the server behind, which sees the caller's `Host` and so names this server in its answers.
fn behind(host: &str, seen: &Seen) -> io::Result<Answer> {
    let mut stream = TcpStream::connect(host)?;
    let mut head = format!("{} {} HTTP/1.1\r\nConnection: close\r\n", seen.method, seen.target);
    for (name, value) in seen.headers.iter().filter(|(name, _)| *name != "connection") {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    stream.write_all(format!("{head}\r\n").as_bytes())?;
    // The server may answer and close before it has read all of it.
    let _ = stream.write_all(&seen.body);
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let status = line.split(' ').nth(1).and_then(|text| text.parse().ok()).ok_or(io::ErrorKind::InvalidData)?;
    let headers = headers(&mut reader)?;
    let mut body = Vec::new();
    reader.read_to_end(&mut body)?;
    if headers.get("transfer-encoding").is_some_and(|value| value == "chunked") {
        body = joined(&body)?;
    }
    let headers = headers.into_iter().filter(|(name, _)| name != "transfer-encoding").collect();
    Ok(Answer { status, headers, body })
}

/// Joins the pieces of a chunked body.
fn joined(mut rest: &[u8]) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        rest.read_line(&mut line)?;
        let length = usize::from_str_radix(line.trim(), 16).map_err(io::Error::other)?;
        if length == 0 {
            return Ok(body);
        }
        body.extend_from_slice(&rest[..length]);
        rest = &rest[length + 2..];
    }
}
