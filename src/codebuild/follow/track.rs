//! The state of one build or batch that is followed.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use super::event::{BuildRef, Note};
use super::log::Log;
use super::phases::Phases;
use crate::codebuild::{Batch, Build, Status, id_of};

/// The polls of a failed build that wait for its retry, which CodeBuild starts a moment later.
const RETRY_POLLS: u32 = 8;

#[derive(Debug)]
pub(super) struct Track {
    pub(super) id: String,
    /// Its index among the requested builds.
    pub(super) root: usize,
    /// Its batch and its identifier there.
    pub(super) member: Option<Member>,
    pub(super) build_ref: Option<Arc<BuildRef>>,
    pub(super) build: Option<Build>,
    pub(super) phases: Phases,
    pub(super) log: Log,
    /// The time of the last change.
    pub(super) changed: Duration,
    /// The number of polls since its end.
    pub(super) polls_after_end: u32,
    /// True if the reason for the missing log was reported.
    pub(super) said_no_log: bool,
    /// True if everything was reported.
    pub(super) closed: bool,
    pub(super) replaced: bool,
}

/// The position of a build in a batch.
#[derive(Debug, Clone)]
pub(super) struct Member {
    pub(super) batch: usize,
    pub(super) identifier: String,
}

impl Track {
    pub(super) fn new(id: &str, root: usize, member: Option<Member>, now: Duration) -> Self {
        Self {
            id: id_of(id).to_owned(),
            root,
            member,
            build_ref: None,
            build: None,
            phases: Phases::default(),
            log: Log::since(now),
            changed: now,
            polls_after_end: 0,
            said_no_log: false,
            closed: false,
            replaced: false,
        }
    }

    pub(super) fn is_over(&self) -> bool {
        self.build.as_ref().is_some_and(|build| build.status.is_over())
    }

    /// Returns the id of the retry of this build, once it is known.
    pub(super) fn next(&self) -> Option<&str> {
        self.build.as_ref().filter(|_| self.member.is_none())?.retry.next.as_deref().map(id_of)
    }

    /// Returns true if a poll may bring something new.
    pub(super) fn needs_poll(&self) -> bool {
        !self.closed && (!self.is_over() || self.awaits_retry())
    }

    /// Returns true if the build failed, has retries left, and its retry is not known yet.
    pub(super) fn awaits_retry(&self) -> bool {
        let Some(build) = self.build.as_ref().filter(|_| self.member.is_none()) else { return false };
        let failed = build.status.is_over() && !matches!(build.status, Status::Succeeded | Status::Stopped);
        failed
            && build.retry.next.is_none()
            && build.retry.number < build.retry.limit
            && self.polls_after_end < RETRY_POLLS
    }

    /// Returns, once, the note that there is no log in CloudWatch. A log exists from PROVISIONING on, so later phases
    /// make it certain.
    pub(super) fn no_log(&mut self) -> Option<Note> {
        let (build, build_ref) = (self.build.as_ref()?, self.build_ref.as_ref()?);
        if build.log.is_some() || self.said_no_log {
            return None;
        }
        let reached = |name: &str| build.phases.iter().any(|phase| phase.name == name);
        let certain = ["DOWNLOAD_SOURCE", "INSTALL", "PRE_BUILD", "BUILD"].into_iter().any(reached);
        // A build that ended in the queue never had one, which needs no note.
        if !certain && build.s3_log_link.is_none() {
            return None;
        }
        self.said_no_log = true;
        Some(Note::NoLog { build_ref: Arc::clone(build_ref), s3: build.s3_log_link.clone() })
    }
}

#[derive(Debug)]
pub(super) struct BatchTrack {
    pub(super) id: String,
    pub(super) root: usize,
    pub(super) build_ref: Option<Arc<BuildRef>>,
    pub(super) batch: Option<Batch>,
    pub(super) phases: Phases,
    pub(super) groups: HashSet<String>,
    pub(super) changed: Duration,
    pub(super) closed: bool,
}

impl BatchTrack {
    pub(super) fn new(id: &str, root: usize, now: Duration) -> Self {
        Self {
            id: id_of(id).to_owned(),
            root,
            build_ref: None,
            batch: None,
            phases: Phases::default(),
            groups: HashSet::new(),
            changed: now,
            closed: false,
        }
    }

    pub(super) fn is_over(&self) -> bool {
        self.batch.as_ref().is_some_and(|batch| batch.status.is_over())
    }
}
