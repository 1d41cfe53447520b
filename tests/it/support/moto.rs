//! AWS's services on 127.0.0.1, played by moto (`scripts/moto` brings it; `$TOOLKIT_MOTO` names its `moto_server`).
//!
//! ```ignore
//! let Some(moto) = Moto::start() else { return };         // says why it is skipped
//! moto.bucket("builds").put("builds", "tools/a b.txt", b"…");
//! let world = moto.world(World::new());                   // finds moto by AWS_ENDPOINT_URL, with keys that may do all
//! let keys = moto.user(&json!({ "Effect": "Allow", "Action": "s3:GetObject", "Resource": "*" }));
//! moto.enforce(true);                                     // from now on, policies count
//! ```
//! Each has a state of its own. It ends with the test, even when the test is killed.

#![allow(dead_code, reason = "each test uses the part that it needs")]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use super::world::World;

/// The region that everything lies in.
pub const REGION: &str = "us-east-1";

/// A running moto.
pub struct Moto {
    process: Child,
    host: String,
}

/// Who asks.
#[derive(Debug, Clone)]
pub struct Keys {
    pub id: String,
    pub secret: String,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// The head, names in lower case.
    pub head: String,
    pub body: Vec<u8>,
}

impl Moto {
    /// Starts one. None, with a loud reason, on a machine that lacks what it takes.
    pub fn start() -> Option<Self> {
        let Some(program) = std::env::var_os("TOOLKIT_MOTO") else {
            eprintln!("SKIPPED: TOOLKIT_MOTO names no moto_server (eval \"$(scripts/moto)\")");
            return None;
        };
        // The shell holds a pipe from the test: when that ends, however the test does, so does the server.
        let script = "\"$0\" -H 127.0.0.1 -p 0 </dev/null & read -r _; kill $!";
        let mut process = Command::new("sh")
            .args(["-c", script])
            .arg(program)
            .env_remove("MOTO_PORT")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let running = lines.by_ref().map_while(Result::ok).find_map(|line| {
            let (_, host) = line.split_once("Running on http://")?;
            Some(host.split_whitespace().next()?.trim_end_matches('/').to_owned())
        });
        // What it says later has to go somewhere.
        std::thread::spawn(move || lines.for_each(drop));
        let host = running.expect("moto_server says where it runs");
        Some(Self { process, host })
    }

    /// Returns `127.0.0.1:port`.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Returns the value for `AWS_ENDPOINT_URL`.
    pub fn url(&self) -> String {
        format!("http://{}", self.host)
    }

    /// Lets a world find moto, as somebody who may do all.
    pub fn world(&self, world: World) -> World {
        let keys = Keys { id: "AKIAROOT".to_owned(), secret: "root-secret".to_owned() };
        self.world_as(world, &keys)
    }

    /// Lets a world find moto, with these keys.
    pub fn world_as(&self, world: World, keys: &Keys) -> World {
        world
            .with("AWS_ENDPOINT_URL", &self.url())
            .with("AWS_REGION", REGION)
            .with("AWS_ACCESS_KEY_ID", &keys.id)
            .with("AWS_SECRET_ACCESS_KEY", &keys.secret)
    }

    /// Makes a bucket.
    pub fn bucket(&self, name: &str) -> &Self {
        self.ok("PUT", &format!("/{name}"), b"");
        self
    }

    /// Puts an object.
    pub fn put(&self, bucket: &str, key: &str, bytes: &[u8]) -> &Self {
        self.ok("PUT", &format!("/{bucket}/{}", encoded(key)), bytes);
        self
    }

    /// Reads an object; none when there is none.
    pub fn get(&self, bucket: &str, key: &str) -> Option<Vec<u8>> {
        let answer = self.send("GET", &format!("/{bucket}/{}", encoded(key)), &scope("s3"), b"");
        (answer.status == 200).then_some(answer.body)
    }

    /// Removes an object.
    pub fn delete(&self, bucket: &str, key: &str) -> &Self {
        self.ok("DELETE", &format!("/{bucket}/{}", encoded(key)), b"");
        self
    }

    /// Lists the keys of a bucket, sorted.
    pub fn keys(&self, bucket: &str) -> Vec<String> {
        let (mut keys, mut after) = (Vec::new(), String::new());
        loop {
            let target = format!("/{bucket}?list-type=2&max-keys=1000&start-after={}", encoded(&after));
            let text = String::from_utf8(self.ok("GET", &target, b"").body).unwrap();
            keys.extend(between(&text, "<Key>", "</Key>"));
            match keys.last() {
                Some(last) if text.contains("<IsTruncated>true") => after = last.clone(),
                _ => return keys,
            }
        }
    }

    /// Counts the uploads in parts that were begun and neither completed nor aborted.
    pub fn unfinished(&self, bucket: &str) -> usize {
        let text = String::from_utf8(self.ok("GET", &format!("/{bucket}?uploads"), b"").body).unwrap();
        text.matches("<UploadId>").count()
    }

    /// Puts every file below `folder` at `prefix/path`.
    pub fn upload(&self, bucket: &str, prefix: &str, folder: &Path) -> &Self {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let key = format!("{prefix}/{}", entry.file_name().to_str().unwrap());
            let key = key.trim_start_matches('/');
            if entry.file_type().unwrap().is_dir() {
                self.upload(bucket, key, &entry.path());
            } else {
                self.put(bucket, key, &fs::read(entry.path()).unwrap());
            }
        }
        self
    }

    /// Makes a user who may do what the statements say (one object, or a list), and returns its keys.
    pub fn user(&self, statements: &Value) -> Keys {
        let name = format!("user-{:016x}", fastrand::u64(..));
        let policy = json!({ "Version": "2012-10-17", "Statement": statements }).to_string();
        self.iam(&[("Action", "CreateUser"), ("UserName", &name)]);
        let put = ("Action", "PutUserPolicy");
        self.iam(&[put, ("UserName", &name), ("PolicyName", "p"), ("PolicyDocument", &policy)]);
        let made = self.iam(&[("Action", "CreateAccessKey"), ("UserName", &name)]);
        let value = |tag: &str| between(&made, &format!("<{tag}>"), &format!("</{tag}>")).remove(0);
        Keys { id: value("AccessKeyId"), secret: value("SecretAccessKey") }
    }

    /// Lets policies and signatures count, or not (as at the start). What these functions ask themselves, they ask with
    /// keys that do not count then; so what a test needs is put there before.
    pub fn enforce(&self, counts: bool) {
        let after = if counts { "0" } else { "inf" };
        self.ok("POST", "/moto-api/reset-auth", after.as_bytes());
    }

    /// Asks a service in AWS's JSON protocol: `codebuild`, `CodeBuild_20161006.CreateProject`.
    pub fn json(&self, service: &str, target: &str, body: &Value) -> Value {
        let kind = "Content-Type: application/x-amz-json-1.1\r\n";
        let headers = format!("{}{kind}X-Amz-Target: {target}\r\n", scope(service));
        let answer = self.send("POST", "/", &headers, body.to_string().as_bytes());
        let text = String::from_utf8(answer.body).unwrap();
        assert_eq!(answer.status, 200, "{target}: {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }

    fn iam(&self, form: &[(&str, &str)]) -> String {
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        body.append_pair("Version", "2010-05-08").extend_pairs(form);
        let headers = format!("{}Content-Type: application/x-www-form-urlencoded\r\n", scope("iam"));
        let answer = self.send("POST", "/", &headers, body.finish().as_bytes());
        let text = String::from_utf8(answer.body).unwrap();
        assert_eq!(answer.status, 200, "{form:?}: {text}");
        text
    }

    fn ok(&self, method: &str, target: &str, body: &[u8]) -> Answer {
        let headers = format!("{}Content-Type: application/octet-stream\r\n", scope("s3"));
        let answer = self.send(method, target, &headers, body);
        let said = String::from_utf8_lossy(&answer.body);
        assert!((200..300).contains(&answer.status), "{method} {target}: {} {said}", answer.status);
        answer
    }

    /// Sends a request that nobody signed: private objects are denied then, as S3 does it.
    pub fn ask(&self, method: &str, target: &str, body: &[u8]) -> Answer {
        self.send(method, target, "", body)
    }

    fn send(&self, method: &str, target: &str, headers: &str, body: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(&self.host).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let host = &self.host;
        let length = body.len();
        let head = format!(
            "{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("an answer has a head");
        let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap();
        Answer { status, head, body: answer.split_off(end + 4) }
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        // The shell hears the end of the pipe, ends the server, and is gone itself.
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// Returns the line of a head from which moto reads which service is meant, and that somebody asks.
fn scope(service: &str) -> String {
    let scope = format!("AKIAROOT/20260101/{REGION}/{service}/aws4_request");
    format!("Authorization: AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0\r\n")
}

fn encoded(key: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    key.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

fn between(text: &str, start: &str, end: &str) -> Vec<String> {
    let found = text.split(start).skip(1).filter_map(|rest| rest.split_once(end));
    found.map(|(value, _)| value.replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">")).collect()
}
