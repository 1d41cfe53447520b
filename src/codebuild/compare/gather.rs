//! Which builds are compared: the newest that succeeded, read page by page until there are enough of them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;

use super::super::build::{Build, Status, id_of};
use super::super::patience::patiently;
use super::super::service::Service;
use super::{Architecture, Error};

/// The most builds that one question reads
/// (<https://docs.aws.amazon.com/codebuild/latest/APIReference/API_BatchGetBuilds.html>).
const AT_ONCE: usize = 100;

/// What is compared with what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A project's builds on amd64 with those on arm64.
    Architectures(String),
    /// The builds of two projects.
    Projects([String; 2]),
    /// Two builds, by their ids.
    Builds([String; 2]),
}

/// Which builds are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompareRequest {
    /// What is compared.
    pub subject: Subject,
    /// How many builds of each side.
    pub last: usize,
    /// How many builds of a project are looked at before giving up.
    pub within: usize,
    /// Only builds of this branch, tag or commit.
    pub source_version: Option<String>,
    /// Only builds of this compute type.
    pub compute: Option<String>,
}

/// Why a build does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LeftOut {
    /// It still runs.
    Running,
    /// It did not succeed.
    Failed,
    /// Somebody stopped it.
    Stopped,
    /// It ran on Windows, macOS, a GPU, or something newer than this program.
    OtherPlatform,
    /// It ran on the other architecture than its side, or on another compute type than was asked for.
    OtherCompute,
    /// It built something else than was asked for.
    OtherSource,
    /// There were enough newer ones.
    Surplus,
    /// It was listed and could not be read any more.
    Gone,
}

impl LeftOut {
    /// Returns the reason, as it stands behind a number.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
            Self::OtherPlatform => "on another platform",
            Self::OtherCompute => "on other compute",
            Self::OtherSource => "of another source version",
            Self::Surplus => "older than the ones requested",
            Self::Gone => "gone",
        }
    }

    /// Returns the reason as programs read it.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
            Self::OtherPlatform => "other_platform",
            Self::OtherCompute => "other_compute",
            Self::OtherSource => "other_source",
            Self::Surplus => "surplus",
            Self::Gone => "gone",
        }
    }
}

/// How many builds of a project were looked at, and what of them does not count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// The project.
    pub project: String,
    /// How many builds were looked at.
    pub looked: usize,
    /// How many were left out, and why.
    pub left_out: BTreeMap<LeftOut, usize>,
    /// Whether the project has older builds that were not looked at.
    pub more: bool,
}

impl Tally {
    fn leave_out(&mut self, reason: LeftOut) {
        *self.left_out.entry(reason).or_default() += 1;
    }
}

/// Says what was looked at: `looked at 40 builds of web, left out 3 failed`.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.looked == 0 {
            return write!(f, "{} has no builds", self.project);
        }
        write!(f, "{} of {} looked at", self.looked, self.project)?;
        for (at, (reason, count)) in self.left_out.iter().enumerate() {
            write!(f, "{} {count} {}", if at == 0 { ", left out" } else { "," }, reason.as_str())?;
        }
        Ok(())
    }
}

/// The builds of one side, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Side {
    /// What the side is called: `arm64`, a project, an id.
    pub name: String,
    /// What its builds ran on; none where that is neither amd64 nor arm64.
    pub architecture: Option<Architecture>,
    /// Its builds.
    pub builds: Vec<Build>,
}

/// Everything that is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gathered {
    /// The region.
    pub region: String,
    /// The side that the other one is measured by, and the other one.
    pub sides: [Side; 2],
    /// What was looked at; empty for two builds.
    pub tallies: Vec<Tally>,
}

/// Finds and reads the builds.
///
/// # Errors
/// When AWS refuses, or a side has no build to compare.
pub async fn gather(service: &dyn Service, wish: &CompareRequest) -> Result<Gathered, Error> {
    let region = service.region().to_owned();
    let (sides, tallies) = match &wish.subject {
        Subject::Architectures(project) => {
            let wanted = [Architecture::Amd64, Architecture::Arm64];
            let (builds, tally) = newest(service, wish, project, |build, _| {
                let own = Architecture::of(&build.environment.kind);
                own.and_then(|own| wanted.iter().position(|wanted| *wanted == own)).ok_or(LeftOut::OtherPlatform)
            })
            .await?;
            let [amd64, arm64] = builds;
            let side =
                |at: usize, builds| Side { name: wanted[at].to_string(), architecture: Some(wanted[at]), builds };
            ([side(0, amd64), side(1, arm64)], vec![tally])
        }
        Subject::Projects(projects) => {
            let (first, one) = of_project(service, wish, &projects[0]).await?;
            let (second, other) = of_project(service, wish, &projects[1]).await?;
            ([first, second], vec![one, other])
        }
        Subject::Builds(ids) => (two_builds(service, ids).await?, Vec::new()),
    };
    for side in &sides {
        if side.builds.is_empty() {
            let tally = tallies.iter().find(|tally| tally.project == side.name).or(tallies.first());
            return Err(Error::NothingToCompare { side: side.name.clone(), tally: tally.cloned().unwrap_or_default() });
        }
    }
    Ok(Gathered { region, sides, tallies })
}

/// Reads the builds of a project as one side: those of the architecture that the newest of them ran on.
async fn of_project(service: &dyn Service, wish: &CompareRequest, project: &str) -> Result<(Side, Tally), Error> {
    let ([builds, _], tally) = newest(service, wish, project, |build, sides| {
        let own = Architecture::of(&build.environment.kind).ok_or(LeftOut::OtherPlatform)?;
        let same = sides[0].first().is_none_or(|first| Architecture::of(&first.environment.kind) == Some(own));
        if same { Ok(0) } else { Err(LeftOut::OtherCompute) }
    })
    .await?;
    let architecture = builds.first().and_then(|build| Architecture::of(&build.environment.kind));
    Ok((Side { name: project.to_owned(), architecture, builds }, tally))
}

/// Reads builds of a project, newest first, until no side wants any more. `place` says which side a build belongs to, given
/// what the sides have.
async fn newest(
    service: &dyn Service,
    wish: &CompareRequest,
    project: &str,
    place: impl Fn(&Build, &[Vec<Build>; 2]) -> Result<usize, LeftOut>,
) -> Result<([Vec<Build>; 2], Tally), Error> {
    let mut sides = [Vec::new(), Vec::new()];
    let wanted = if matches!(wish.subject, Subject::Architectures(_)) { 2 } else { 1 };
    let mut tally = Tally { project: project.to_owned(), ..Tally::default() };
    let (mut after, mut seen) = (None, HashSet::new());
    loop {
        let page = patiently(async || service.list(Some(project), after.as_deref()).await).await?;
        // A build that starts meanwhile moves the others on to the next page.
        let mut ids: Vec<String> = page.ids.into_iter().filter(|id| seen.insert(id_of(id).to_owned())).collect();
        let room = wish.within.saturating_sub(tally.looked);
        tally.more = ids.len() > room || page.next.is_some();
        ids.truncate(room);
        for ids in ids.chunks(AT_ONCE) {
            for build in read(service, ids).await? {
                tally.looked += 1;
                let Some(build) = build else {
                    tally.leave_out(LeftOut::Gone);
                    continue;
                };
                let placed = fit(&build, wish).and_then(|()| place(&build, &sides));
                match placed {
                    Ok(side) if sides[side].len() < wish.last => sides[side].push(build),
                    Ok(_) => tally.leave_out(LeftOut::Surplus),
                    Err(reason) => tally.leave_out(reason),
                }
            }
        }
        let full = sides.iter().take(wanted).all(|side| side.len() >= wish.last);
        match page.next {
            Some(next) if !full && tally.looked < wish.within => after = Some(next),
            _ => return Ok((sides, tally)),
        }
    }
}

/// Returns true if a build counts, whichever side it belongs to.
fn fit(build: &Build, wish: &CompareRequest) -> Result<(), LeftOut> {
    match build.status {
        Status::Succeeded => {}
        Status::InProgress => return Err(LeftOut::Running),
        Status::Stopped => return Err(LeftOut::Stopped),
        _ => return Err(LeftOut::Failed),
    }
    if wish.source_version.as_ref().is_some_and(|wanted| !built(build, wanted)) {
        return Err(LeftOut::OtherSource);
    }
    if wish.compute.as_ref().is_some_and(|wanted| *wanted != build.environment.compute) {
        return Err(LeftOut::OtherCompute);
    }
    Ok(())
}

/// Returns true if a build is of a branch, tag or commit.
fn built(build: &Build, wanted: &str) -> bool {
    let asked = build.source_version.as_deref().unwrap_or_default();
    let name = asked.strip_prefix("refs/heads/").or(asked.strip_prefix("refs/tags/")).unwrap_or(asked);
    let commit = wanted.len() >= 7 && wanted.chars().all(|c| c.is_ascii_hexdigit());
    asked == wanted
        || name == wanted
        || commit && build.resolved_version.as_deref().is_some_and(|resolved| resolved.starts_with(wanted))
}

async fn two_builds(service: &dyn Service, ids: &[String; 2]) -> Result<[Side; 2], Error> {
    let found = read(service, ids).await?;
    let mut sides = Vec::new();
    for (id, build) in ids.iter().zip(found) {
        let build = build.ok_or_else(|| Error::NoSuchBuild { id: id.clone() })?;
        if !build.status.is_over() {
            return Err(Error::StillRunning { id: id.clone() });
        }
        let architecture = Architecture::of(&build.environment.kind);
        sides.push(Side { name: id_of(id).to_owned(), architecture, builds: vec![build] });
    }
    // What is asked is what arm64 changes, whichever was named first.
    if sides[0].architecture == Some(Architecture::Arm64) && sides[1].architecture == Some(Architecture::Amd64) {
        sides.swap(0, 1);
    }
    let second = sides.pop();
    let first = sides.pop();
    first.zip(second).map(|(first, second)| [first, second]).ok_or_else(|| Error::NoSuchBuild { id: ids[0].clone() })
}

/// Reads builds in the order of their ids; none in place of those that are not found.
async fn read(service: &dyn Service, ids: &[String]) -> Result<Vec<Option<Build>>, Error> {
    let builds = patiently(async || service.builds(ids).await).await?;
    let mut found: HashMap<String, Build> = builds.into_iter().map(|build| (build.id.clone(), build)).collect();
    Ok(ids.iter().map(|id| found.remove(id_of(id))).collect())
}

#[cfg(test)]
mod tests;
