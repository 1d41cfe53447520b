//! What is known of one build or one batch that is followed.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use super::event::{BuildRef, Note};
use super::log::Log;
use super::phases::Phases;
use crate::codebuild::{Batch, Build, Status, id_of};

/// Looks at a failed build that may be retried, before its retry counts as not coming: CodeBuild starts it a moment later.
const RETRY_LOOKS: u32 = 8;

/// A build.
#[derive(Debug)]
pub(super) struct Track {
    pub(super) id: String,
    /// Its place among what was asked for.
    pub(super) root: usize,
    /// Its batch here, and its identifier there.
    pub(super) member: Option<Member>,
    pub(super) who: Option<Arc<BuildRef>>,
    pub(super) build: Option<Build>,
    pub(super) phases: Phases,
    pub(super) log: Log,
    /// When something was new.
    pub(super) changed: Duration,
    /// Looks since it is over.
    pub(super) over_looks: u32,
    /// Whether it was said why there is no log.
    pub(super) said_no_log: bool,
    /// Whether all of it was told.
    pub(super) closed: bool,
    pub(super) replaced: bool,
}

/// The place of a build in a batch.
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
            who: None,
            build: None,
            phases: Phases::default(),
            log: Log::since(now),
            changed: now,
            over_looks: 0,
            said_no_log: false,
            closed: false,
            replaced: false,
        }
    }

    pub(super) fn is_over(&self) -> bool {
        self.build.as_ref().is_some_and(|build| build.status.is_over())
    }

    /// Returns the build that is done in place of this one, once it is known.
    pub(super) fn next(&self) -> Option<&str> {
        self.build.as_ref().filter(|_| self.member.is_none())?.retry.next.as_deref().map(id_of)
    }

    /// Returns true if a look at it may bring something new.
    pub(super) fn wants_look(&self) -> bool {
        !self.closed && (!self.is_over() || self.awaits_retry())
    }

    /// A build that failed and has retries left is soon retried, by a build that is not yet named.
    pub(super) fn awaits_retry(&self) -> bool {
        let Some(build) = self.build.as_ref().filter(|_| self.member.is_none()) else { return false };
        let failed = build.status.is_over() && !matches!(build.status, Status::Succeeded | Status::Stopped);
        failed && build.retry.next.is_none() && build.retry.number < build.retry.limit && self.over_looks < RETRY_LOOKS
    }

    /// Says, once, why there is no log in CloudWatch, when that is certain: PROVISIONING is when it begins.
    pub(super) fn no_log(&mut self) -> Option<Note> {
        let (build, who) = (self.build.as_ref()?, self.who.as_ref()?);
        if build.log.is_some() || self.said_no_log {
            return None;
        }
        let reached = |name: &str| build.phases.iter().any(|phase| phase.name == name);
        let certain = ["DOWNLOAD_SOURCE", "INSTALL", "PRE_BUILD", "BUILD"].into_iter().any(reached);
        // A build that ends in the queue never had one, which surprises nobody.
        if !certain && build.s3_log_link.is_none() {
            return None;
        }
        self.said_no_log = true;
        Some(Note::NoLog { who: Arc::clone(who), s3: build.s3_log_link.clone() })
    }
}

/// A batch.
#[derive(Debug)]
pub(super) struct BatchTrack {
    pub(super) id: String,
    pub(super) root: usize,
    pub(super) who: Option<Arc<BuildRef>>,
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
            who: None,
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
