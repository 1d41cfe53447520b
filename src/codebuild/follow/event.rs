//! What is told while builds are followed.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::aws;
use crate::codebuild::{Batch, Build, BuildKind, Group, Phase, Status};
use crate::format::buildspec::images::environment_type;

/// Which build or batch is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildRef {
    /// Its id: `web:12345678-…`.
    pub id: String,
    /// Its project.
    pub project: String,
    /// Its number in the project.
    pub number: Option<i64>,
    /// What it runs on, `amd64` or `arm64`; none for batches and where it is not known.
    pub architecture: Option<&'static str>,
    /// Its identifier in a batch.
    pub identifier: Option<String>,
    /// The batch that it is a part of.
    pub batch: Option<String>,
    /// Whether it is one build or a batch.
    pub kind: BuildKind,
}

impl BuildRef {
    /// Names a build. `member` is the batch that it is a part of and its identifier there.
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

    /// Names a batch.
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

/// Something that happened, in order: what belongs to one build comes as it happened there.
#[derive(Debug)]
pub enum Event {
    /// A build was found; nothing about it came before.
    Known {
        /// Which.
        who: Arc<BuildRef>,
        /// How it stands.
        build: Box<Build>,
    },
    /// A batch was found; nothing about it came before.
    BatchKnown {
        /// Which.
        who: Arc<BuildRef>,
        /// How it stands.
        batch: Box<Batch>,
    },
    /// A batch has one more build to do.
    Group {
        /// The batch.
        batch: Arc<BuildRef>,
        /// The build to do.
        group: Group,
    },
    /// A phase began.
    Entered {
        /// Of which.
        who: Arc<BuildRef>,
        /// The phase: `PRE_BUILD`.
        phase: String,
        /// When.
        at: Option<Timestamp>,
    },
    /// A phase ended.
    Ended {
        /// Of which.
        who: Arc<BuildRef>,
        /// The phase with its duration.
        phase: Phase,
    },
    /// A line of a log, without its end, with whatever characters it holds.
    Line {
        /// Of which.
        who: Arc<BuildRef>,
        /// When it was logged.
        time: Timestamp,
        /// The line.
        text: String,
    },
    /// A build is over: its log was read to its end.
    Over {
        /// Which.
        who: Arc<BuildRef>,
        /// How it ended.
        build: Box<Build>,
    },
    /// A build that failed is done again; the next one is followed in its place.
    Retried {
        /// The one that failed.
        who: Arc<BuildRef>,
        /// The id of the next one.
        next: String,
        /// Which retry this is, from 1.
        number: i32,
        /// How many there may be.
        limit: i32,
    },
    /// A batch and all of its builds are over.
    BatchOver {
        /// Which.
        who: Arc<BuildRef>,
        /// How it ended.
        batch: Box<Batch>,
    },
    /// Something stands in the way.
    Note(Note),
    /// Everything that was asked for is over.
    AllOver {
        /// Whether it ended well.
        succeeded: bool,
    },
}

/// Something that stands in the way, or no longer does.
#[derive(Debug)]
pub enum Note {
    /// A service is throttling requests.
    Throttled {
        /// The service.
        service: &'static str,
    },
    /// A service cannot be reached, or has a fault of its own.
    Lost {
        /// The service.
        service: &'static str,
        /// What is wrong.
        cause: aws::Error,
    },
    /// It answers again.
    Back {
        /// The service.
        service: &'static str,
    },
    /// The credentials have expired; new ones are waited for.
    Expired {
        /// For how long.
        patience: Duration,
    },
    /// New credentials came.
    Renewed,
    /// The build has no log in CloudWatch: it is switched off in the project.
    NoLog {
        /// Which.
        who: Arc<BuildRef>,
        /// The log in S3, where there is one.
        s3: Option<String>,
    },
    /// The log was never created, although the build has ended.
    MissingLog {
        /// Which.
        who: Arc<BuildRef>,
    },
    /// The log may not be read; phases are followed nevertheless.
    UnreadLog {
        /// Which.
        who: Arc<BuildRef>,
        /// Why.
        cause: aws::Error,
    },
    /// The log goes on with empty pages and no end.
    EndlessLog {
        /// Which.
        who: Arc<BuildRef>,
    },
}

/// BuildRef is told.
pub trait Observer {
    /// Takes what happened.
    fn see(&mut self, event: Event);
}

/// How everything ended, in the order in which it was asked for.
#[derive(Debug)]
pub struct Report {
    /// What was asked for.
    pub roots: Vec<Root>,
}

/// A build with its retries, or a batch with its builds.
#[derive(Debug)]
pub struct Root {
    /// The batch, when it is one.
    pub batch: Option<(Arc<BuildRef>, Batch)>,
    /// Its builds; of a chain of retries all, the last one last.
    pub builds: Vec<Finished>,
}

/// A build that was followed.
#[derive(Debug)]
pub struct Finished {
    /// Which.
    pub who: Arc<BuildRef>,
    /// How it stands, mostly at its end.
    pub build: Build,
    /// Whether another build was done in its place.
    pub replaced: bool,
    /// Whether its batch may succeed without it.
    pub ignored: bool,
}

impl Root {
    /// Tells how it ended. A batch knows by itself which failures it ignores.
    #[must_use]
    pub fn status(&self) -> Option<&Status> {
        match &self.batch {
            Some((_, batch)) => Some(&batch.status),
            None => self.builds.last().map(|last| &last.build.status),
        }
    }
}

impl Report {
    /// Returns true if everything ended well.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        self.roots.iter().all(|root| root.status() == Some(&Status::Succeeded))
    }
}
