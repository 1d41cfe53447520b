//! What the service knows, and its operations.

use std::collections::{BTreeMap, HashMap, VecDeque};

use serde_json::{Value, json};

use super::Call;
use super::batch::Batch;
use super::build::Build;
use super::logs::Stream;
use super::script::{BatchScript, Failure, Script};

/// An answer that refuses.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) code: String,
    pub(super) message: String,
}

impl Refusal {
    pub(super) fn new(status: u16, code: &str, message: &str) -> Self {
        Self { status, code: code.to_owned(), message: message.to_owned() }
    }

    pub(super) fn invalid(message: &str) -> Self {
        Self::new(400, "InvalidInputException", message)
    }

    pub(super) fn missing(message: &str) -> Self {
        Self::new(400, "ResourceNotFoundException", message)
    }
}

/// Which calls go wrong.
#[derive(Debug)]
pub(super) enum When {
    Next(usize),
    Every { nth: usize, count: usize },
}

pub(super) struct State {
    /// The environments of the projects.
    pub(super) projects: BTreeMap<String, Value>,
    pub(super) builds: Vec<Build>,
    pub(super) batches: Vec<Batch>,
    pub(super) queue: VecDeque<Script>,
    pub(super) batch_queue: VecDeque<BatchScript>,
    pub(super) streams: BTreeMap<(String, String), Stream>,
    pub(super) failures: Vec<(String, Failure, When)>,
    /// Keys that have expired, and how many calls they are still good for.
    pub(super) expired: HashMap<String, usize>,
    pub(super) calls: Vec<Call>,
    pub(super) tokens: HashMap<String, (Value, String)>,
    pub(super) numbers: BTreeMap<String, i64>,
    pub(super) made: u64,
    pub(super) log_page: usize,
    pub(super) log_reads: usize,
    pub(super) empty_every: Option<usize>,
    pub(super) list_page: usize,
}

impl Default for State {
    fn default() -> Self {
        Self {
            projects: BTreeMap::new(),
            builds: Vec::new(),
            batches: Vec::new(),
            queue: VecDeque::new(),
            batch_queue: VecDeque::new(),
            streams: BTreeMap::new(),
            failures: Vec::new(),
            expired: HashMap::new(),
            calls: Vec::new(),
            tokens: HashMap::new(),
            numbers: BTreeMap::new(),
            made: 0,
            log_page: 10_000,
            log_reads: 0,
            empty_every: None,
            list_page: 100,
        }
    }
}

impl State {
    /// Tells what goes wrong with a call.
    pub(super) fn failure(&mut self, operation: &str, key: &str) -> Option<Failure> {
        if let Some(left) = self.expired.get_mut(key) {
            if *left == 0 {
                return Some(Failure::Expired);
            }
            *left -= 1;
        }
        let mut found = None;
        for (of, failure, when) in &mut self.failures {
            if found.is_some() || (of != "*" && of != operation) {
                continue;
            }
            let now = match when {
                When::Next(0) => false,
                When::Next(times) => {
                    *times -= 1;
                    true
                }
                When::Every { nth, count } => {
                    *count += 1;
                    *count % *nth == 0
                }
            };
            if now {
                found = Some(failure.clone());
            }
        }
        found
    }

    pub(super) fn answer(&mut self, operation: &str, body: &Value) -> Result<Value, Refusal> {
        match operation {
            "StartBuild" => {
                let script =
                    |state: &mut Self, project: &str| taken(&mut state.queue, |script| script.project == project);
                self.start(operation, body, |state, project| {
                    let script = script(state, project).unwrap_or_else(|| Script::succeeding(project));
                    state.begin(script, body)
                })
                .map(|id| json!({ "build": self.seen(&id) }))
            }
            "StartBuildBatch" => self
                .start(operation, body, |state, project| {
                    let script = taken(&mut state.batch_queue, |script| script.project == project);
                    state.begin_batch(
                        script.unwrap_or_else(|| {
                            BatchScript::new(project).group("only", &[], Script::succeeding(project))
                        }),
                    )
                })
                .map(|id| json!({ "buildBatch": self.batch_seen(&id) })),
            "BatchGetBuilds" => {
                let ids = ids(body, "ids")?;
                ids.iter().for_each(|id| self.poll(id, true));
                let (found, missing) = self
                    .sorted(&ids, |state, id| state.builds.iter().any(|build| build.id == id).then(|| state.seen(id)));
                Ok(json!({ "builds": found, "buildsNotFound": missing }))
            }
            "BatchGetBuildBatches" => {
                let ids = ids(body, "ids")?;
                ids.iter().for_each(|id| self.poll_batch(id));
                let (found, missing) = self.sorted(&ids, |state, id| {
                    state.batches.iter().any(|batch| batch.id == id).then(|| state.batch_seen(id))
                });
                Ok(json!({ "buildBatches": found, "buildBatchesNotFound": missing }))
            }
            "StopBuild" => {
                let id = self.known(body, |state, id| state.builds.iter().any(|build| build.id == id))?;
                self.stop(&id);
                Ok(json!({ "build": self.seen(&id) }))
            }
            "StopBuildBatch" => {
                let id = self.known(body, |state, id| state.batches.iter().any(|batch| batch.id == id))?;
                self.stop_batch(&id);
                Ok(json!({ "buildBatch": self.batch_seen(&id) }))
            }
            "ListBuilds" | "ListBuildsForProject" => {
                let all = self.builds.iter().map(|build| (build.project.clone(), build.id.clone())).collect();
                self.listed(body, operation.ends_with("Project"), all)
            }
            "ListBuildBatches" | "ListBuildBatchesForProject" => {
                let all = self.batches.iter().map(|batch| (batch.project.clone(), batch.id.clone())).collect();
                self.listed(body, operation.ends_with("Project"), all)
            }
            "BatchGetProjects" => {
                let names = ids(body, "names")?;
                let (found, missing) = self.sorted(&names, Self::project_seen);
                Ok(json!({ "projects": found, "projectsNotFound": missing }))
            }
            "GetLogEvents" => self.log_events(body),
            _ => Err(Refusal::new(400, "UnknownOperationException", "")),
        }
    }

    fn project_seen(&self, name: &str) -> Option<Value> {
        let environment = self.projects.get(name)?;
        Some(json!({
            "name": name, "arn": super::arn("project", name), "environment": environment,
            "source": { "type": "GITHUB", "location": "https://github.com/example/web.git" },
            "artifacts": { "type": "NO_ARTIFACTS" }, "timeoutInMinutes": 60, "queuedTimeoutInMinutes": 480,
            "serviceRole": format!("arn:aws:iam::{}:role/service-role/build", super::ACCOUNT),
        }))
    }

    /// Starts something once for each token
    /// (<https://docs.aws.amazon.com/codebuild/latest/APIReference/API_StartBuild.html#CodeBuild-StartBuild-request-idempotencyToken>).
    fn start(
        &mut self,
        operation: &str,
        body: &Value,
        begin: impl FnOnce(&mut Self, &str) -> String,
    ) -> Result<String, Refusal> {
        let project = body["projectName"].as_str().ok_or_else(|| Refusal::invalid("projectName is required"))?;
        if !self.projects.contains_key(project) {
            let arn = super::arn("project", project);
            return Err(Refusal::missing(&format!("Project cannot be found: {arn}")));
        }
        let asked = json!([operation, body]);
        let token = body["idempotencyToken"].as_str();
        if let Some((before, id)) = token.and_then(|token| self.tokens.get(token)) {
            if *before != asked {
                return Err(Refusal::invalid("The idempotency token was used with other parameters"));
            }
            return Ok(id.clone());
        }
        let id = begin(self, project);
        if let Some(token) = token {
            self.tokens.insert(token.to_owned(), (asked, id.clone()));
        }
        Ok(id)
    }

    fn known(&self, body: &Value, is: impl Fn(&Self, &str) -> bool) -> Result<String, Refusal> {
        let id = plain(body["id"].as_str().unwrap_or_default());
        if is(self, id) { Ok(id.to_owned()) } else { Err(Refusal::missing(&format!("Build {id} does not exist"))) }
    }

    /// Sorts what was asked for into what is there and what is not.
    fn sorted(&self, asked: &[String], find: impl Fn(&Self, &str) -> Option<Value>) -> (Vec<Value>, Vec<String>) {
        let (mut found, mut missing) = (Vec::new(), Vec::new());
        for id in asked {
            match find(self, id) {
                Some(value) => found.push(value),
                None => missing.push(id.clone()),
            }
        }
        (found, missing)
    }

    fn listed(&self, body: &Value, of_project: bool, mut all: Vec<(String, String)>) -> Result<Value, Refusal> {
        if of_project {
            let project = body["projectName"].as_str().unwrap_or_default();
            if !self.projects.contains_key(project) {
                return Err(Refusal::missing("The specified project does not exist"));
            }
            all.retain(|(own, _)| own == project);
        }
        if body["sortOrder"].as_str() != Some("ASCENDING") {
            all.reverse();
        }
        let from: usize =
            body["nextToken"].as_str().map_or(0, |token| token.trim_start_matches("page-").parse().unwrap());
        let to = (from + self.list_page).min(all.len());
        let next = (to < all.len()).then(|| format!("page-{to}"));
        let ids: Vec<&String> = all[from..to].iter().map(|(_, id)| id).collect();
        Ok(json!({ "ids": ids, "nextToken": next }))
    }
}

/// The id in an ARN, or the id itself.
pub(super) fn plain(text: &str) -> &str {
    if text.starts_with("arn:") { text.rsplit('/').next().unwrap() } else { text }
}

fn ids(body: &Value, field: &str) -> Result<Vec<String>, Refusal> {
    let ids: Vec<String> = body[field]
        .as_array()
        .into_iter()
        .flatten()
        .map(|id| plain(id.as_str().unwrap_or_default()).to_owned())
        .collect();
    let fine = (1..=100).contains(&ids.len());
    if fine { Ok(ids) } else { Err(Refusal::invalid(&format!("{} {field}: 1 to 100 are allowed", ids.len()))) }
}

fn taken<T>(queue: &mut VecDeque<T>, is: impl Fn(&T) -> bool) -> Option<T> {
    let at = queue.iter().position(is)?;
    queue.remove(at)
}
