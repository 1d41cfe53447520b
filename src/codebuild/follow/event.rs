//! The events of builds that are followed.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::aws;
use crate::codebuild::{Batch, Build, BuildKind, Group, Phase, Status};
use crate::format::buildspec::images::environment_type;

/// Identifies a build or a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildRef {
    /// Its id: `web:12345678-…`.
    pub id: String,
    pub project: String,
    /// Its number in the project.
    pub number: Option<i64>,
    /// `amd64` or `arm64`; none for batches and when unknown.
    pub architecture: Option<&'static str>,
    /// Its identifier in a batch.
    pub identifier: Option<String>,
    /// The batch that it belongs to.
    pub batch: Option<String>,
    /// Whether it is one build or a batch.
    pub kind: BuildKind,
}

impl BuildRef {
    /// Names a build. `member` is the batch that it belongs to, and its identifier there.
    #[must_use]
    pub fn build(build: &Build, member: Option<(&str, &str)>) -> Self {
        Self {
            id: build.id.clone(),
            project: build.project.clone(),
            number: build.number,
            architecture: environment_type(&build.environment.kind).map(|kind| kind.arch),
            identifier: member.map(|(_, identifier)| identifier.to_owned()),
            batch: member.map(|(batch, _)| batch.to_owned()).or_else(|| build.batch.clone()),
            kind: BuildKind::Single,
        }
    }

    #[must_use]
    pub fn batch(batch: &Batch) -> Self {
        Self {
            id: batch.id.clone(),
            project: batch.project.clone(),
            number: batch.number,
            architecture: None,
            identifier: None,
            batch: None,
            kind: BuildKind::Batch,
        }
    }
}

/// An event. The events of one build come in order.
#[derive(Debug)]
pub enum Event {
    /// A build was found. This is its first event.
    Known { build_ref: Arc<BuildRef>, build: Box<Build> },
    /// A batch was found. This is its first event.
    BatchKnown { build_ref: Arc<BuildRef>, batch: Box<Batch> },
    /// A batch has another build group.
    Group {
        batch: Arc<BuildRef>,
        /// The build to do.
        group: Group,
    },
    Entered {
        build_ref: Arc<BuildRef>,
        /// The phase: `PRE_BUILD`.
        phase: String,
        at: Option<Timestamp>,
    },
    Ended {
        build_ref: Arc<BuildRef>,
        /// The phase with its duration.
        phase: Phase,
    },
    /// A line of a log, without the line break, unescaped.
    Line {
        build_ref: Arc<BuildRef>,
        /// When it was logged.
        time: Timestamp,
        text: String,
    },
    /// A build has ended, and its log was read completely.
    Over { build_ref: Arc<BuildRef>, build: Box<Build> },
    /// A failed build is retried; the retry is followed instead.
    Retried {
        build_ref: Arc<BuildRef>,
        /// The id of the next one.
        next: String,
        /// Which retry this is, from 1.
        number: i32,
        /// How many there may be.
        limit: i32,
    },
    /// A batch and all its builds have ended.
    BatchOver { build_ref: Arc<BuildRef>, batch: Box<Batch> },
    /// A problem, or its end.
    Note(Note),
    /// All requested builds have ended.
    AllOver {
        /// True if all succeeded.
        succeeded: bool,
    },
}

/// A problem, or its end.
#[derive(Debug)]
pub enum Note {
    /// A service is throttling requests.
    Throttled {
        service: &'static str,
    },
    /// A service cannot be reached, or is failing.
    Lost {
        service: &'static str,
        cause: aws::Error,
    },
    Back {
        service: &'static str,
    },
    /// The credentials have expired; toolkit waits for new ones.
    Expired {
        patience: Duration,
    },
    Renewed,
    /// The build has no log in CloudWatch: logs are disabled in the project.
    NoLog {
        build_ref: Arc<BuildRef>,
        /// The log in S3, if there is one.
        s3: Option<String>,
    },
    /// The log was never created, although the build has ended.
    MissingLog {
        build_ref: Arc<BuildRef>,
    },
    /// The log cannot be read; phases are followed nevertheless.
    UnreadLog {
        build_ref: Arc<BuildRef>,
        cause: aws::Error,
    },
    /// The log returns empty pages without end.
    EndlessLog {
        build_ref: Arc<BuildRef>,
    },
}

pub trait Observer {
    fn observe(&mut self, event: Event);
}

/// The results, in the order of the request.
#[derive(Debug)]
pub struct Report {
    pub roots: Vec<Root>,
}

/// A requested build with its retries, or a requested batch with its builds.
#[derive(Debug)]
pub struct Root {
    /// The batch, when it is one.
    pub batch: Option<(Arc<BuildRef>, Batch)>,
    /// Its builds; a chain of retries in order.
    pub builds: Vec<Finished>,
}

/// A build that was followed.
#[derive(Debug)]
pub struct Finished {
    pub build_ref: Arc<BuildRef>,
    /// Its latest known state.
    pub build: Build,
    /// True if it was retried.
    pub replaced: bool,
    /// True if its batch may succeed without it.
    pub ignored: bool,
}

impl Root {
    /// Returns the result. The status of a batch already takes ignored failures into account.
    #[must_use]
    pub fn status(&self) -> Option<&Status> {
        match &self.batch {
            Some((_, batch)) => Some(&batch.status),
            None => self.builds.last().map(|last| &last.build.status),
        }
    }
}

impl Report {
    /// Returns true if everything succeeded.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        self.roots.iter().all(|root| root.status() == Some(&Status::Succeeded))
    }
}
