//! Builds and a service of them in memory, for tests.

use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use super::super::build::{Batch, Build, Environment, LogLocation, Phase, Project, Status, id_of};
use super::super::service::{LogPage, Page, Service, Start};
use crate::aws;

/// Makes a build that succeeded, of these phases and seconds.
pub fn build(id: &str, kind: &str, phases: &[(&str, u64)]) -> Build {
    let mut at = Timestamp::UNIX_EPOCH;
    let started = Some(at);
    let mut done = Vec::new();
    for (name, seconds) in phases {
        let duration = Duration::from_secs(*seconds);
        let begin = at;
        at += duration;
        let status = Some(Status::Succeeded);
        let (name, contexts) = ((*name).to_owned(), Vec::new());
        done.push(Phase { name, status, started: Some(begin), ended: Some(at), duration: Some(duration), contexts });
    }
    done.push(Phase {
        name: "COMPLETED".to_owned(),
        status: None,
        started: Some(at),
        ended: None,
        duration: None,
        contexts: Vec::new(),
    });
    let compute = if kind.contains("LAMBDA") { "BUILD_LAMBDA_1GB" } else { "BUILD_GENERAL1_SMALL" };
    Build {
        status: Status::Succeeded,
        phases: done,
        started,
        ended: Some(at),
        environment: Environment { kind: kind.to_owned(), compute: compute.to_owned(), ..Environment::default() },
        ..Build::bare(id)
    }
}

/// CodeBuild with these builds, newest first, and nothing else.
#[derive(Debug, Default)]
pub struct InMemory {
    pub builds: Vec<Build>,
    /// The length of a page of ids.
    pub page: usize,
    /// The questions that are refused before the first answer.
    pub throttled: Mutex<usize>,
    /// How many ids each question for builds named.
    pub read: Mutex<Vec<usize>>,
}

impl InMemory {
    pub fn of(builds: Vec<Build>) -> Self {
        Self { builds, page: 100, ..Self::default() }
    }

    fn throttle(&self) -> Result<(), aws::Error> {
        let mut left = self.throttled.lock().unwrap();
        if *left == 0 {
            return Ok(());
        }
        *left -= 1;
        Err(aws::Error::Throttled { service: "CodeBuild", code: "ThrottlingException".to_owned(), attempts: 1 })
    }
}

fn never<T>() -> Result<T, aws::Error> {
    Err(aws::Error::Answer { service: "CodeBuild", reason: "nobody compares by this".to_owned() })
}

#[async_trait]
impl Service for InMemory {
    fn region(&self) -> &str {
        "us-east-1"
    }

    async fn start(&self, _: &Start) -> Result<Build, aws::Error> {
        never()
    }

    async fn start_batch(&self, _: &Start) -> Result<Batch, aws::Error> {
        never()
    }

    async fn builds(&self, ids: &[String]) -> Result<Vec<Build>, aws::Error> {
        self.throttle()?;
        assert!(ids.len() <= 100, "CodeBuild reads at most 100 builds at a time");
        self.read.lock().unwrap().push(ids.len());
        // In another order than they were asked for in.
        let asked = |build: &&Build| ids.iter().any(|id| id_of(id) == build.id);
        Ok(self.builds.iter().rev().filter(asked).cloned().collect())
    }

    async fn batches(&self, _: &[String]) -> Result<Vec<Batch>, aws::Error> {
        never()
    }

    async fn stop(&self, _: &str) -> Result<Build, aws::Error> {
        never()
    }

    async fn stop_batch(&self, _: &str) -> Result<Batch, aws::Error> {
        never()
    }

    async fn list(&self, project: Option<&str>, after: Option<&str>) -> Result<Page, aws::Error> {
        self.throttle()?;
        let own = |build: &&Build| project.is_none_or(|project| build.project == project);
        let all: Vec<String> = self.builds.iter().filter(own).map(|build| build.id.clone()).collect();
        let begin: usize = after.map_or(0, |token| token.parse().unwrap());
        let end = (begin + self.page).min(all.len());
        Ok(Page { ids: all[begin..end].to_vec(), next: (end < all.len()).then(|| end.to_string()) })
    }

    async fn list_batches(&self, _: Option<&str>, _: Option<&str>) -> Result<Page, aws::Error> {
        never()
    }

    async fn project(&self, _: &str) -> Result<Project, aws::Error> {
        never()
    }

    async fn log(&self, _: &LogLocation, _: Option<&str>) -> Result<LogPage, aws::Error> {
        never()
    }
}
