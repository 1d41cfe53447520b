//! Builds, which move along their scripts.

use serde_json::{Map, Value, json};

use super::script::{Script, Step};
use super::state::State;
use super::{ACCOUNT, REGION};

/// When builds begin that do not say when: 2026-11-20T10:00:00Z.
const BEGIN: i64 = 1_795_168_800;

/// How the open phase ends: after so many seconds, with this status and these contexts.
type Ending = (i64, String, Vec<(String, String)>);

pub(super) struct Build {
    pub(super) id: String,
    pub(super) project: String,
    pub(super) status: String,
    /// Asked for since the batch it belongs to was.
    pub(super) asked: bool,
    pub(super) batch: Option<String>,
    script: Script,
    step: usize,
    ended_polls: usize,
    ended_reads: usize,
    clock: i64,
    number: i64,
    phases: Vec<Value>,
    open: Option<Ending>,
    provisioned: bool,
    environment: Value,
    request: Value,
    retry: (i64, Option<String>, Option<String>),
}

impl State {
    /// Adds a build that was asked for by `request`.
    pub(super) fn begin(&mut self, script: Script, request: &Value) -> String {
        self.made += 1;
        let (made, project) = (self.made, script.project.clone());
        let number = self.numbers.entry(project.clone()).or_default();
        *number += 1;
        let id = format!("{project}:{made:08x}-0000-4000-8000-{made:012x}");
        let mut environment = self.projects.get(&project).cloned().unwrap_or_else(|| json!({}));
        let overrides = [
            ("environmentTypeOverride", "type"),
            ("imageOverride", "image"),
            ("computeTypeOverride", "computeType"),
            ("privilegedModeOverride", "privilegedMode"),
            ("imagePullCredentialsTypeOverride", "imagePullCredentialsType"),
            ("environmentVariablesOverride", "environmentVariables"),
        ];
        for (from, to) in overrides {
            if !request[from].is_null() {
                environment[to] = request[from].clone();
            }
        }
        for (name, value) in script.environment.as_ref().and_then(Value::as_object).into_iter().flatten() {
            environment[name.as_str()] = value.clone();
        }
        let clock = script.started.unwrap_or(BEGIN + i64::try_from(made).unwrap() * 60);
        let phases = vec![json!({ "phaseType": "SUBMITTED", "startTime": clock })];
        self.builds.push(Build {
            id: id.clone(),
            project,
            status: "IN_PROGRESS".to_owned(),
            asked: false,
            batch: None,
            script,
            step: 0,
            ended_polls: 0,
            ended_reads: 0,
            clock,
            number: *number,
            phases,
            open: Some((0, "SUCCEEDED".to_owned(), Vec::new())),
            provisioned: false,
            environment,
            request: request.clone(),
            retry: (0, None, None),
        });
        id
    }

    /// Moves a build by a step.
    pub(super) fn poll(&mut self, id: &str, asked: bool) {
        let Some(at) = self.builds.iter().position(|build| build.id == id) else { return };
        let build = &mut self.builds[at];
        build.asked |= asked;
        if build.status != "IN_PROGRESS" {
            build.ended_polls += 1;
        }
        let lines = build.advance();
        let (group, stream) = build.place();
        let time = build.clock * 1000;
        for (index, line) in lines.iter().enumerate() {
            // Several events in a millisecond, as in life.
            self.log(&group, &stream, time + i64::try_from(index / 3).unwrap(), line);
        }
        self.retry(at);
    }

    /// Begins the retry of a build that failed, when it is time.
    fn retry(&mut self, at: usize) {
        let build = &mut self.builds[at];
        let due = build.script.retried.as_ref().is_some_and(|(polls, _)| build.ended_polls >= *polls);
        if build.status == "IN_PROGRESS" || build.status == "SUCCEEDED" || !due {
            return;
        }
        let (_, script) = build.script.retried.take().unwrap();
        let (number, previous, request) = (build.retry.0, build.arn(), build.request.clone());
        let id = self.begin(*script, &request);
        let next = self.builds.last_mut().unwrap();
        next.retry.0 = number + 1;
        next.retry.1 = Some(previous);
        let arn = super::arn("build", &id);
        self.builds[at].retry.2 = Some(arn);
    }

    /// Runs a build to its end.
    pub(super) fn finish(&mut self, id: &str) {
        while self.status_of(id) == "IN_PROGRESS" {
            let build = self.builds.iter().find(|build| build.id == id).unwrap();
            assert!(build.step < build.script.steps.len(), "the script of {id} has no end");
            self.poll(id, false);
        }
    }

    pub(super) fn stop(&mut self, id: &str) {
        if let Some(build) = self.builds.iter_mut().find(|build| build.id == id && build.status == "IN_PROGRESS") {
            if let Some(open) = &mut build.open {
                open.1 = "STOPPED".to_owned();
            }
            build.end("STOPPED");
        }
    }

    pub(super) fn status_of(&self, id: &str) -> String {
        let build = self.builds.iter().find(|build| build.id == id).unwrap_or_else(|| panic!("no build {id}"));
        build.status.clone()
    }

    pub(super) fn place(&self, id: &str) -> (String, String) {
        self.builds.iter().find(|build| build.id == id).unwrap().place()
    }

    pub(super) fn seen(&self, id: &str) -> Value {
        self.builds.iter().find(|build| build.id == id).unwrap().seen()
    }

    /// Counts that the log of a build that is over was read, and writes what comes late.
    pub(super) fn read_after_end(&mut self, group: &str, stream: &str) {
        let over = |build: &&mut Build| build.status != "IN_PROGRESS" && build.place() == (group.into(), stream.into());
        let Some(build) = self.builds.iter_mut().find(over) else { return };
        build.ended_reads += 1;
        let reads = build.ended_reads;
        let (due, later): (Vec<_>, Vec<_>) = build.script.late.drain(..).partition(|(pages, _)| *pages < reads);
        build.script.late = later;
        let time = build.clock * 1000;
        for line in due.into_iter().flat_map(|(_, lines)| lines) {
            self.log(group, stream, time, &line);
        }
    }
}

impl Build {
    fn arn(&self) -> String {
        super::arn("build", &self.id)
    }

    fn place(&self) -> (String, String) {
        (format!("/aws/codebuild/{}", self.project), self.id.split_once(':').unwrap().1.to_owned())
    }

    /// Takes the next step; gives what it writes to the log.
    fn advance(&mut self) -> Vec<String> {
        let Some(step) = self.script.steps.get(self.step).filter(|_| self.status == "IN_PROGRESS").cloned() else {
            return Vec::new();
        };
        self.step += 1;
        match step {
            Step::Phase { name, seconds, status, contexts, lines } => {
                // Every build is submitted already.
                if name != "SUBMITTED" {
                    self.close();
                    self.phases.push(json!({ "phaseType": name, "startTime": self.clock }));
                }
                let before = ["SUBMITTED", "QUEUED"].contains(&name.as_str());
                self.provisioned |= !before;
                self.open = Some((seconds, status, contexts));
                lines
            }
            Step::Pause { lines } => lines,
            Step::End { status } => {
                self.end(&status);
                Vec::new()
            }
        }
    }

    fn close(&mut self) {
        if let Some((seconds, status, contexts)) = self.open.take() {
            self.clock += seconds;
            let contexts: Vec<Value> =
                contexts.iter().map(|(code, text)| json!({ "statusCode": code, "message": text })).collect();
            let phase = self.phases.last_mut().unwrap();
            phase["phaseStatus"] = json!(status);
            phase["endTime"] = json!(self.clock);
            phase["durationInSeconds"] = json!(seconds);
            phase["contexts"] = json!(contexts);
        }
    }

    fn end(&mut self, status: &str) {
        self.close();
        self.phases.push(json!({ "phaseType": "COMPLETED", "startTime": self.clock }));
        status.clone_into(&mut self.status);
    }

    fn logs(&self) -> Value {
        let (group, stream) = self.place();
        let console = format!("https://console.aws.amazon.com/cloudwatch/home?region={REGION}#logsV2:log-groups");
        if !self.script.logs {
            return json!({ "cloudWatchLogs": { "status": "DISABLED" }, "s3Logs": { "status": "DISABLED" } });
        }
        let place =
            if self.provisioned { format!("{group}:log-stream:{stream}") } else { "null:log-stream:null".into() };
        let mut logs = json!({
            "deepLink": console,
            "cloudWatchLogsArn": format!("arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{place}"),
            "cloudWatchLogs": { "status": "ENABLED" }, "s3Logs": { "status": "DISABLED", "encryptionDisabled": false },
        });
        if self.provisioned {
            logs["groupName"] = json!(group);
            logs["streamName"] = json!(stream);
            logs["deepLink"] = json!(format!("{console}/log-group/x/log-events/{stream}"));
        }
        logs
    }

    fn seen(&self) -> Value {
        let over = self.status != "IN_PROGRESS";
        let current = self.phases.last().unwrap()["phaseType"].clone();
        let started = self.phases[0]["startTime"].clone();
        let (number, previous, next) = &self.retry;
        let limit = self.request["autoRetryLimitOverride"].as_i64().unwrap_or(self.script.retry_limit + number);
        let mut build = json!({
            "id": self.id, "arn": self.arn(), "buildNumber": self.number, "projectName": self.project,
            "startTime": started, "currentPhase": current, "buildStatus": self.status, "buildComplete": over,
            "phases": self.phases, "environment": self.environment, "logs": self.logs(),
            "source": { "type": "GITHUB", "location": "https://github.com/example/web.git" },
            "artifacts": { "location": "" }, "cache": { "type": "NO_CACHE" },
            "timeoutInMinutes": self.request["timeoutInMinutesOverride"].as_i64().unwrap_or(60),
            "queuedTimeoutInMinutes": 480, "initiator": "ci/job", "reportArns": [], "encryptionKey": "alias/aws/s3",
            "exportedEnvironmentVariables": [],
            "autoRetryConfig": { "autoRetryLimit": limit, "autoRetryNumber": number },
        });
        let fields = build.as_object_mut().unwrap();
        if over {
            fields.insert("endTime".to_owned(), json!(self.clock));
        }
        if let Some(version) = self.request["sourceVersion"].as_str() {
            fields.insert("sourceVersion".to_owned(), json!(version));
        }
        if let Some(batch) = &self.batch {
            fields.insert("buildBatchArn".to_owned(), json!(super::arn("build-batch", batch)));
        }
        let retry: &mut Map<String, Value> = fields["autoRetryConfig"].as_object_mut().unwrap();
        for (name, arn) in [("previousAutoRetry", previous), ("nextAutoRetry", next)] {
            retry.extend(arn.as_ref().map(|arn| (name.to_owned(), json!(arn))));
        }
        fields.extend(self.script.fields.clone());
        build
    }
}
