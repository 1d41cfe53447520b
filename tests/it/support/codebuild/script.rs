//! How builds and batches go, and what goes wrong with questions.

use serde_json::{Value, json};

use super::state::Refusal;
use super::{ACCOUNT, REGION};

/// What becomes of a question.
#[derive(Debug, Clone)]
pub enum Failure {
    /// `ThrottlingException`.
    Throttling,
    /// `AccessDeniedException`, with AWS's own words.
    AccessDenied,
    /// `ExpiredTokenException`.
    Expired,
    /// The connection ends without an answer, and nothing was done.
    Cut,
    /// What was asked for is done, and the connection ends in the middle of the answer.
    CutInside,
    /// An answer without a body.
    Status(u16),
    /// A web page with this status; 200 is a proxy's.
    Html(u16),
    /// `ResourceNotFoundException`.
    NotFound,
    /// Another refusal: status, code, message.
    Refusal(u16, &'static str, &'static str),
}

impl Failure {
    pub(super) fn refusal(&self, service: &str, operation: &str, body: &Value) -> Refusal {
        let denied = || {
            let name = |field: &str| body[field].as_str().map(str::to_owned);
            let id = || name("id").or_else(|| body["ids"][0].as_str().map(str::to_owned));
            let project = name("projectName")
                .or_else(|| body["names"][0].as_str().map(str::to_owned))
                .or_else(|| id().map(|id| id.rsplit('/').next().unwrap().split(':').next().unwrap().to_owned()));
            let resource = match (service, project) {
                ("logs", _) => format!(
                    "arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{}:log-stream:{}",
                    body["logGroupName"].as_str().unwrap_or_default(),
                    body["logStreamName"].as_str().unwrap_or_default()
                ),
                (_, Some(project)) => super::arn("project", &project),
                (_, None) => "*".to_owned(),
            };
            format!(
                "User: arn:aws:sts::{ACCOUNT}:assumed-role/ci/job is not authorized to perform: {service}:{operation} on \
                 resource: {resource} because no identity-based policy allows the {service}:{operation} action"
            )
        };
        match self {
            Self::Throttling => Refusal::new(400, "ThrottlingException", "Rate exceeded"),
            Self::AccessDenied => Refusal::new(400, "AccessDeniedException", &denied()),
            Self::Expired => {
                Refusal::new(400, "ExpiredTokenException", "The security token included in the request is expired")
            }
            Self::NotFound => {
                Refusal::new(400, "ResourceNotFoundException", "The specified log stream does not exist.")
            }
            Self::Refusal(status, code, message) => Refusal::new(*status, code, message),
            Self::Cut | Self::CutInside | Self::Status(_) | Self::Html(_) => unreachable!("no answer in the protocol"),
        }
    }
}

/// How a build goes: one step a poll.
#[derive(Debug, Clone)]
pub struct Script {
    pub(super) project: String,
    pub(super) steps: Vec<Step>,
    /// Polls after the end until the lines of `late` are in the log.
    pub(super) late: Vec<(usize, Vec<String>)>,
    pub(super) retried: Option<(usize, Box<Script>)>,
    pub(super) retry_limit: i64,
    /// What the build has instead of the project's and the usual: fields of the API.
    pub(super) fields: serde_json::Map<String, Value>,
    pub(super) environment: Option<Value>,
    pub(super) logs: bool,
    pub(super) started: Option<i64>,
}

#[derive(Debug, Clone)]
pub(super) enum Step {
    /// A phase begins; what follows is how it ends when the next step that ends it comes.
    Phase { name: String, seconds: i64, status: String, contexts: Vec<(String, String)>, lines: Vec<String> },
    /// Nothing changes but the log.
    Pause { lines: Vec<String> },
    /// The build is over.
    End { status: String },
}

impl Script {
    /// A build of a project, without any step yet.
    pub fn new(project: &str) -> Self {
        Self {
            project: project.to_owned(),
            steps: Vec::new(),
            late: Vec::new(),
            retried: None,
            retry_limit: 0,
            fields: serde_json::Map::new(),
            environment: None,
            logs: true,
            started: None,
        }
    }

    /// Every phase that CodeBuild knows, and success. BUILD takes 30 s, the others 1 s.
    pub fn succeeding(project: &str) -> Self {
        let mut script = Self::new(project).before_build();
        for (name, seconds) in
            [("PRE_BUILD", 1), ("BUILD", 30), ("POST_BUILD", 1), ("UPLOAD_ARTIFACTS", 1), ("FINALIZING", 1)]
        {
            script = script.phase(name, seconds).line(&format!("[Container] Entering phase {name}\n"));
        }
        script.ends("SUCCEEDED")
    }

    /// The phases up to INSTALL.
    pub fn before_build(mut self) -> Self {
        for name in ["SUBMITTED", "QUEUED", "PROVISIONING", "DOWNLOAD_SOURCE", "INSTALL"] {
            self = self.phase(name, 1);
        }
        self
    }

    /// The next phase begins; it will take so long, and succeed.
    pub fn phase(mut self, name: &str, seconds: i64) -> Self {
        let (contexts, lines) = (Vec::new(), Vec::new());
        self.steps.push(Step::Phase {
            name: name.to_owned(),
            seconds,
            status: "SUCCEEDED".to_owned(),
            contexts,
            lines,
        });
        self
    }

    /// The phase before will fail, and with a context.
    pub fn fails(self, code: &str, message: &str) -> Self {
        self.phase_ends("FAILED").context(code, message)
    }

    /// The phase before will end so: `TIMED_OUT`, `FAULT`, `CLIENT_ERROR`, …
    pub fn phase_ends(mut self, word: &str) -> Self {
        let Some(Step::Phase { status, .. }) = self.steps.last_mut() else { panic!("no phase to end") };
        *status = word.to_owned();
        self
    }

    /// The phase before will have one more context.
    pub fn context(mut self, code: &str, message: &str) -> Self {
        let Some(Step::Phase { contexts, .. }) = self.steps.last_mut() else { panic!("no phase to explain") };
        contexts.push((code.to_owned(), message.to_owned()));
        self
    }

    /// The step before writes to the log; a message usually ends with a line break of its own.
    pub fn line(self, text: &str) -> Self {
        self.lines([text.to_owned()])
    }

    /// The step before writes to the log, message by message.
    pub fn lines(mut self, texts: impl IntoIterator<Item = String>) -> Self {
        match self.steps.last_mut() {
            Some(Step::Phase { lines, .. } | Step::Pause { lines }) => lines.extend(texts),
            _ => panic!("no step that writes; see `late`"),
        }
        self
    }

    /// Nothing happens for so many polls.
    pub fn pause(mut self, polls: usize) -> Self {
        self.steps.extend((0..polls).map(|_| Step::Pause { lines: Vec::new() }));
        self
    }

    /// The build is over.
    pub fn ends(mut self, status: &str) -> Self {
        self.steps.push(Step::End { status: status.to_owned() });
        self
    }

    /// Lines that come to the log only when so many pages of it were read after the end.
    pub fn late(mut self, pages: usize, lines: impl IntoIterator<Item = String>) -> Self {
        self.late.push((pages, lines.into_iter().collect()));
        self
    }

    /// CodeBuild starts this one again when it has failed, as so many polls later can be seen.
    pub fn retried_by(mut self, polls: usize, script: Self) -> Self {
        self.retry_limit = script.retry_limit + 1;
        self.retried = Some((polls, Box::new(script)));
        self
    }

    /// Its logs are switched off.
    pub fn without_logs(mut self) -> Self {
        self.logs = false;
        self
    }

    /// It runs elsewhere than the project says.
    pub fn on(mut self, kind: &str, image: &str, compute: &str) -> Self {
        self.environment = Some(json!({ "type": kind, "image": image, "computeType": compute }));
        self
    }

    /// It began then, in seconds since 1970.
    pub fn started(mut self, seconds: i64) -> Self {
        self.started = Some(seconds);
        self
    }

    /// A field of the build in the API's own words: `reportArns`, `exportedEnvironmentVariables`, `artifacts`.
    pub fn field(mut self, name: &str, value: Value) -> Self {
        self.fields.insert(name.to_owned(), value);
        self
    }
}

/// How a batch goes.
#[derive(Debug, Clone)]
pub struct BatchScript {
    pub(super) project: String,
    pub(super) groups: Vec<GroupScript>,
    pub(super) broken: Option<(String, String)>,
    pub(super) fast_fail: bool,
}

#[derive(Debug, Clone)]
pub(super) struct GroupScript {
    pub(super) identifier: String,
    pub(super) depends_on: Vec<String>,
    pub(super) ignore_failure: bool,
    /// One after the other, as long as they fail.
    pub(super) attempts: Vec<Script>,
}

impl BatchScript {
    pub fn new(project: &str) -> Self {
        Self { project: project.to_owned(), groups: Vec::new(), broken: None, fast_fail: false }
    }

    /// A build, which waits for others.
    pub fn group(self, identifier: &str, depends_on: &[&str], script: Script) -> Self {
        self.with(identifier, depends_on, false, vec![script])
    }

    /// A build that the batch can do without.
    pub fn ignored(self, identifier: &str, depends_on: &[&str], script: Script) -> Self {
        self.with(identifier, depends_on, true, vec![script])
    }

    /// A build that is retried when it failed.
    pub fn retried(self, identifier: &str, depends_on: &[&str], attempts: Vec<Script>) -> Self {
        self.with(identifier, depends_on, false, attempts)
    }

    /// Builds that still run are stopped when one failed.
    pub fn fast_fail(mut self) -> Self {
        self.fast_fail = true;
        self
    }

    /// The batch fails in DOWNLOAD_BATCHSPEC.
    pub fn broken(mut self, code: &str, message: &str) -> Self {
        self.broken = Some((code.to_owned(), message.to_owned()));
        self
    }

    fn with(mut self, identifier: &str, depends_on: &[&str], ignore_failure: bool, attempts: Vec<Script>) -> Self {
        let depends_on = depends_on.iter().map(|&name| name.to_owned()).collect();
        self.groups.push(GroupScript { identifier: identifier.to_owned(), depends_on, ignore_failure, attempts });
        self
    }
}
