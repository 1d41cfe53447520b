//! CodeBuild and CloudWatch Logs on 127.0.0.1, in their own protocol, with builds that go as a script says.
//!
//! ```ignore
//! let fake = CodeBuild::new();
//! let id = fake.build(Script::new("web").phase("BUILD", 12).line("compiling").fails("COMMAND_EXECUTION_ERROR", "…"));
//! fake.next(Script::succeeding("web"));            // what the next StartBuild of `web` becomes
//! fake.fail("BatchGetBuilds", Failure::Throttling, 50);
//! let run = fake.world().run(&["build", "follow", &id]);
//! assert_eq!(fake.requests("GetLogEvents").len(), 7);
//! ```
//! Every `BatchGetBuilds` that asks for a build moves it by one step of its script; a `BatchGetBuildBatches` moves the builds
//! of a batch that nobody asked for since the one before. Signatures of [`KEY`] are checked. Project `web` is there from the
//! begin: Linux, amd64, small.
//! Protocol: <https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html>.

#![allow(dead_code, reason = "each test uses the part that it needs")]

mod batch;
mod build;
mod logs;
mod script;
mod signature;
mod state;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use serde_json::{Value, json};

use super::front::{Answer, Front, Seen, Turn};
use super::world::World;
pub use script::{BatchScript, Failure, Script};
use state::{Refusal, State, When};

pub const REGION: &str = "eu-west-1";
pub const ACCOUNT: &str = "111122223333";
/// The key that worlds of the fake come with.
pub const KEY: &str = "AKIDFIRST";
/// The secret of [`KEY`]. Those of other keys are not known, and their signatures not checked.
pub const SECRET: &str = "secret-of-the-test";

/// The running service.
pub struct CodeBuild {
    front: Front,
    state: Arc<Mutex<State>>,
}

/// A question that came.
#[derive(Debug, Clone)]
pub struct Call {
    /// `StartBuild`.
    pub operation: String,
    pub body: Value,
    /// The headers, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The id of the key that it is signed with.
    pub key: String,
    pub at: Instant,
    /// Whether it was refused or cut.
    pub failed: bool,
}

impl CodeBuild {
    pub fn new() -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let front = Front::answering({
            let state = Arc::clone(&state);
            move |seen, _| answer(seen, &mut state.lock().unwrap())
        });
        let fake = Self { front, state };
        fake.project("web", "LINUX_CONTAINER", "aws/codebuild/amazonlinux-x86_64-standard:5.0", "BUILD_GENERAL1_SMALL");
        fake
    }

    /// Adds or replaces a project.
    pub fn project(&self, name: &str, kind: &str, image: &str, compute: &str) {
        let environment = json!({
            "type": kind, "image": image, "computeType": compute, "environmentVariables": [], "privilegedMode": false,
            "imagePullCredentialsType": if image.starts_with("aws/codebuild/") { "CODEBUILD" } else { "SERVICE_ROLE" },
        });
        self.project_with(name, environment);
    }

    /// Adds or replaces a project with an environment in the API's own words.
    pub fn project_with(&self, name: &str, environment: Value) {
        self.state().projects.insert(name.to_owned(), environment);
    }

    /// Adds a build that has just been submitted; gives its id.
    pub fn build(&self, script: Script) -> String {
        self.state().begin(script, &Value::Null)
    }

    /// Adds a build that is over; gives its id.
    pub fn past(&self, script: Script) -> String {
        let mut state = self.state();
        let id = state.begin(script, &Value::Null);
        state.finish(&id);
        id
    }

    /// What the next `StartBuild` of the script's project becomes; without one it succeeds in a few steps.
    pub fn next(&self, script: Script) {
        self.state().queue.push_back(script);
    }

    /// Adds a batch that has just been submitted; gives its id.
    pub fn batch(&self, script: BatchScript) -> String {
        self.state().begin_batch(script)
    }

    /// What the next `StartBuildBatch` of the script's project becomes.
    pub fn next_batch(&self, script: BatchScript) {
        self.state().batch_queue.push_back(script);
    }

    /// The next `times` calls of an operation (`*`: of any) go wrong.
    pub fn fail(&self, operation: &str, failure: Failure, times: usize) {
        self.state().failures.push((operation.to_owned(), failure, When::Next(times)));
    }

    /// Every `nth` call of an operation (`*`: of any) goes wrong; 1 is all of them.
    pub fn fail_every(&self, operation: &str, failure: Failure, nth: usize) {
        self.state().failures.push((operation.to_owned(), failure, When::Every { nth, count: 0 }));
    }

    /// Nothing goes wrong any more.
    pub fn heal(&self) {
        self.state().failures.clear();
    }

    /// From now on this access key has expired.
    pub fn expire(&self, key: &str) {
        self.state().expired.insert(key.to_owned(), 0);
    }

    /// After so many more calls this access key has expired.
    pub fn expire_after(&self, calls: usize, key: &str) {
        self.state().expired.insert(key.to_owned(), calls);
    }

    /// How many events a page of a log has at most.
    pub fn log_page(&self, events: usize) {
        self.state().log_page = events;
    }

    /// Every `nth` page of a log has no events, though there are more.
    pub fn empty_pages(&self, nth: usize) {
        self.state().empty_every = Some(nth);
    }

    /// How many ids a page of a list has.
    pub fn list_page(&self, ids: usize) {
        self.state().list_page = ids;
    }

    /// Writes to a log, which begins to exist with its first event. Times are milliseconds since 1970.
    pub fn write_log(&self, group: &str, stream: &str, time: i64, message: &str) {
        self.state().log(group, stream, time, message);
    }

    /// The log group and stream of a build.
    pub fn log_of(&self, id: &str) -> (String, String) {
        self.state().place(id)
    }

    /// The status of a build now, without moving it.
    pub fn status(&self, id: &str) -> String {
        self.state().status_of(id)
    }

    /// The ids of all builds, oldest first.
    pub fn ids(&self) -> Vec<String> {
        self.state().builds.iter().map(|build| build.id.clone()).collect()
    }

    /// What was asked so far of one operation, or with `*` of all.
    pub fn requests(&self, operation: &str) -> Vec<Call> {
        let state = self.state();
        state.calls.iter().filter(|call| operation == "*" || call.operation == operation).cloned().collect()
    }

    /// How many questions came.
    pub fn count(&self, operation: &str) -> usize {
        self.requests(operation).len()
    }

    /// Returns `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.front.host())
    }

    /// A world whose AWS is this service.
    pub fn world(&self) -> World {
        World::new()
            .with("AWS_REGION", REGION)
            .with("AWS_ACCESS_KEY_ID", KEY)
            .with("AWS_SECRET_ACCESS_KEY", SECRET)
            .with("AWS_EC2_METADATA_DISABLED", "true")
            .with("AWS_ENDPOINT_URL_CODEBUILD", &self.url())
            .with("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", &self.url())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

/// The ARN of something of CodeBuild.
pub fn arn(kind: &str, id: &str) -> String {
    format!("arn:aws:codebuild:{REGION}:{ACCOUNT}:{kind}/{id}")
}

fn answer(seen: &Seen, state: &mut State) -> Turn {
    let target = seen.headers.get("x-amz-target").map_or("", String::as_str);
    let (service, operation) = match target.split_once('.') {
        Some(("CodeBuild_20161006", operation)) => ("codebuild", operation),
        Some(("Logs_20140328", operation)) => ("logs", operation),
        _ => ("", "UnknownOperation"),
    };
    let body: Value = serde_json::from_slice(&seen.body).unwrap_or_default();
    let proof = seen.headers.get("authorization").map_or("", String::as_str);
    let key = proof.split_once("Credential=").map_or("", |(_, rest)| rest.split('/').next().unwrap_or_default());
    state.calls.push(Call {
        operation: operation.to_owned(),
        body: body.clone(),
        headers: seen.headers.clone(),
        key: key.to_owned(),
        at: Instant::now(),
        failed: false,
    });
    let done = |state: &mut State| {
        let result = check(seen, service, proof).and_then(|()| state.answer(operation, &body));
        (result.is_err(), reply(result))
    };
    let (failed, turn) = match state.failure(operation, key) {
        None => {
            let (failed, answer) = done(state);
            (failed, Turn::Answer(answer))
        }
        Some(Failure::Cut) => (true, Turn::Cut),
        Some(Failure::CutInside) => (true, Turn::Half(done(state).1)),
        Some(Failure::Status(code)) => (true, Turn::Answer(Answer::new(code, "text/plain", Vec::new()))),
        Some(Failure::Html(code)) => {
            let page = b"<!doctype html><title>Sorry</title><h1>Internal Server Error</h1>".to_vec();
            (true, Turn::Answer(Answer::new(code, "text/html", page)))
        }
        Some(failure) => (true, Turn::Answer(reply(Err(failure.refusal(service, operation, &body))))),
    };
    state.calls.last_mut().unwrap().failed = failed;
    turn
}

/// Looks whether a question has the form that AWS asks for, and a signature for the right service.
fn check(seen: &Seen, service: &str, proof: &str) -> Result<(), Refusal> {
    if seen.method != "POST" || seen.target != "/" || service.is_empty() {
        return Err(Refusal::new(404, "UnknownOperationException", ""));
    }
    if seen.headers.get("content-type").is_none_or(|kind| kind != "application/x-amz-json-1.1") {
        return Err(Refusal::new(415, "UnsupportedMediaTypeException", ""));
    }
    // Of two regions: the program knows prices in the second.
    let scopes = [REGION, "us-east-1"].map(|region| format!("/{region}/{service}/aws4_request, "));
    let fine = proof.starts_with("AWS4-HMAC-SHA256 Credential=")
        && proof.contains("Signature=")
        && seen.headers.contains_key("x-amz-date");
    if !fine {
        return Err(Refusal::new(400, "MissingAuthenticationTokenException", "Missing Authentication Token"));
    }
    if !scopes.iter().any(|scope| proof.contains(scope)) {
        let text = format!("Credential should be scoped to {}", scopes[0].trim_end_matches(", "));
        return Err(Refusal::new(400, "InvalidSignatureException", &text));
    }
    let signed_right = || signature::of(seen, SECRET).is_some_and(|own| proof.ends_with(&format!("Signature={own}")));
    if proof.contains(&format!("Credential={KEY}/")) && !signed_right() {
        let text = "The request signature we calculated does not match the signature you provided.";
        return Err(Refusal::new(400, "InvalidSignatureException", text));
    }
    Ok(())
}

fn reply(result: Result<Value, Refusal>) -> Answer {
    let kind = "application/x-amz-json-1.1";
    match result {
        Ok(value) => Answer::new(200, kind, value.to_string().into_bytes()),
        Err(Refusal { status, code, message }) => {
            let body = json!({ "__type": code, "message": message }).to_string();
            Answer::new(status, kind, body.into_bytes()).with("x-amzn-ErrorType", &code)
        }
    }
    .with("x-amzn-RequestId", "11111111-2222-3333-4444-555555555555")
}
