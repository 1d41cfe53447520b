//! Batches, whose builds begin when those that they wait for are over.

use serde_json::{Value, json};

use super::script::{BatchScript, Script};
use super::state::State;

pub(super) struct Batch {
    pub(super) id: String,
    pub(super) project: String,
    pub(super) status: String,
    script: BatchScript,
    polls: usize,
    number: i64,
    groups: Vec<Group>,
    clock: i64,
}

/// One build of a batch, with those before it.
struct Group {
    attempts: std::collections::VecDeque<Script>,
    builds: Vec<String>,
}

impl State {
    pub(super) fn begin_batch(&mut self, script: BatchScript) -> String {
        self.made += 1;
        let made = self.made;
        let project = script.project.clone();
        let id = format!("{project}:{made:08x}-0000-4000-8000-{made:012x}");
        let groups =
            script.groups.iter().map(|group| Group { attempts: group.attempts.clone().into(), builds: Vec::new() });
        self.batches.push(Batch {
            id: id.clone(),
            project,
            status: "IN_PROGRESS".to_owned(),
            polls: 0,
            number: i64::try_from(self.batches.len()).unwrap() + 1,
            groups: groups.collect(),
            script,
            clock: 1_795_168_800,
        });
        id
    }

    /// Moves a batch: the first time its specification is read, from then on its builds begin, run and are retried.
    pub(super) fn poll_batch(&mut self, id: &str) {
        let Some(at) = self.batches.iter().position(|batch| batch.id == id) else { return };
        let batch = &mut self.batches[at];
        if batch.status != "IN_PROGRESS" {
            return;
        }
        batch.polls += 1;
        batch.clock += 10;
        if batch.polls < 2 {
            return;
        }
        if batch.script.broken.is_some() {
            batch.status = "FAILED".to_owned();
            return;
        }
        for build in self.batches[at].groups.iter().filter_map(|group| group.builds.last().cloned()).collect::<Vec<_>>()
        {
            let known = self.builds.iter_mut().find(|known| known.id == build).unwrap();
            if !std::mem::take(&mut known.asked) {
                self.poll(&build, false);
            }
        }
        for index in 0..self.batches[at].groups.len() {
            self.carry_on(at, index);
        }
        self.judge(at);
    }

    /// Begins the build of a group, or its retry, when it is time.
    fn carry_on(&mut self, at: usize, index: usize) {
        let batch = &self.batches[at];
        let due = match batch.groups[index].builds.last() {
            Some(build) => ["FAILED", "FAULT", "TIMED_OUT"].contains(&self.status_of(build).as_str()),
            None => batch.script.groups[index].depends_on.iter().all(|name| self.lets_pass(batch, name)),
        };
        let id = batch.id.clone();
        if !due {
            return;
        }
        if let Some(script) = self.batches[at].groups[index].attempts.pop_front() {
            let build = self.begin(script, &Value::Null);
            self.builds.last_mut().unwrap().batch = Some(id);
            self.batches[at].groups[index].builds.push(build);
        }
    }

    /// Returns true if a group is over in a way that those that wait for it may begin.
    fn lets_pass(&self, batch: &Batch, name: &str) -> bool {
        let index = batch.script.groups.iter().position(|group| group.identifier == name).unwrap();
        let status = batch.groups[index].builds.last().map(|build| self.status_of(build)).unwrap_or_default();
        let over = !["", "IN_PROGRESS"].contains(&status.as_str()) && self.is_over(batch, index);
        status == "SUCCEEDED" || (over && batch.script.groups[index].ignore_failure)
    }

    /// Returns true if nothing more comes of a group that has begun.
    fn is_over(&self, batch: &Batch, index: usize) -> bool {
        let group = &batch.groups[index];
        group.builds.last().is_some_and(|build| match self.status_of(build).as_str() {
            "IN_PROGRESS" => false,
            "SUCCEEDED" | "STOPPED" => true,
            _ => group.attempts.is_empty(),
        })
    }

    /// Ends the batch when nothing runs and nothing can begin.
    fn judge(&mut self, at: usize) {
        let batch = &self.batches[at];
        let bad = |index: &usize| {
            let status = batch.groups[*index].builds.last().map(|build| self.status_of(build)).unwrap_or_default();
            status != "SUCCEEDED" && self.is_over(batch, *index) && !batch.script.groups[*index].ignore_failure
        };
        let all = 0..batch.groups.len();
        let failed = all.clone().any(|index| bad(&index));
        let running: Vec<String> = all
            .clone()
            .filter(|index| !batch.groups[*index].builds.is_empty() && !self.is_over(batch, *index))
            .filter_map(|index| batch.groups[index].builds.last().cloned())
            .collect();
        let waiting = all.clone().any(|index| batch.groups[index].builds.is_empty());
        if failed && batch.script.fast_fail {
            running.iter().for_each(|build| self.stop(build));
            self.batches[at].status = "FAILED".to_owned();
        } else if running.is_empty() && (failed || !waiting) {
            self.batches[at].status = if failed { "FAILED" } else { "SUCCEEDED" }.to_owned();
        }
    }

    pub(super) fn stop_batch(&mut self, id: &str) {
        let at = self.batches.iter().position(|batch| batch.id == id).unwrap();
        if self.batches[at].status == "IN_PROGRESS" {
            self.batches[at].status = "STOPPED".to_owned();
            let builds: Vec<String> = self.batches[at].groups.iter().flat_map(|group| group.builds.clone()).collect();
            builds.iter().for_each(|build| self.stop(build));
        }
    }

    pub(super) fn batch_seen(&self, id: &str) -> Value {
        let batch = self.batches.iter().find(|batch| batch.id == id).unwrap();
        let summary = |build: &String| {
            let arn = super::arn("build", build);
            json!({ "arn": arn, "requestedOn": batch.clock, "buildStatus": self.status_of(build) })
        };
        let groups: Vec<Value> = batch
            .groups
            .iter()
            .zip(&batch.script.groups)
            .filter(|_| batch.polls >= 2)
            .map(|(group, script)| {
                let mut seen = json!({
                    "identifier": script.identifier, "dependsOn": script.depends_on, "ignoreFailure": script.ignore_failure,
                });
                if let Some((last, before)) = group.builds.split_last() {
                    seen["currentBuildSummary"] = summary(last);
                    seen["priorBuildSummaryList"] = json!(before.iter().map(summary).collect::<Vec<_>>());
                }
                seen
            })
            .collect();
        let over = batch.status != "IN_PROGRESS";
        let phases = batch.phases();
        let mut seen = json!({
            "id": batch.id, "arn": super::arn("build-batch", &batch.id), "buildBatchNumber": batch.number,
            "projectName": batch.project, "buildBatchStatus": batch.status, "complete": over, "startTime": 1_795_168_800,
            "currentPhase": phases.last().unwrap()["phaseType"], "phases": phases, "buildGroups": groups,
            "initiator": "ci/job", "logConfig": {}, "buildTimeoutInMinutes": 60, "queuedTimeoutInMinutes": 480,
        });
        if over {
            seen["endTime"] = json!(batch.clock);
        }
        seen
    }
}

impl Batch {
    fn phases(&self) -> Vec<Value> {
        let begin = 1_795_168_800;
        let done = |name: &str| {
            json!({ "phaseType": name, "phaseStatus": "SUCCEEDED", "startTime": begin, "endTime": begin + 5,
                    "durationInSeconds": 5 })
        };
        let open = |name: &str| json!({ "phaseType": name, "startTime": begin + 5 });
        let over = self.status != "IN_PROGRESS";
        match (self.polls, over) {
            (0, false) => vec![open("SUBMITTED")],
            (1, false) => vec![done("SUBMITTED"), open("DOWNLOAD_BATCHSPEC")],
            (_, false) => vec![done("SUBMITTED"), done("DOWNLOAD_BATCHSPEC"), open("IN_PROGRESS")],
            (_, true) => {
                let mut spec = done("DOWNLOAD_BATCHSPEC");
                if let Some((code, message)) = &self.script.broken {
                    spec["phaseStatus"] = json!("FAILED");
                    spec["contexts"] = json!([{ "statusCode": code, "message": message }]);
                    return vec![done("SUBMITTED"), spec, open("FAILED")];
                }
                vec![done("SUBMITTED"), spec, done("IN_PROGRESS"), done("COMBINE_ARTIFACTS"), open(&self.status)]
            }
        }
    }
}
