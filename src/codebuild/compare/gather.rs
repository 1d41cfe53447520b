//! Finds the builds to compare: the newest successful ones, read page by page until there are enough.

use std::collections::{HashMap, HashSet};

use super::super::build::{Build, Status, id_of};
use super::super::retry::with_retries;
use super::super::service::Service;
use super::{Architecture, Error, LeftOut, Tally};

/// The most builds per request (<https://docs.aws.amazon.com/codebuild/latest/APIReference/API_BatchGetBuilds.html>).
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
    pub subject: Subject,
    /// The number of builds per side.
    pub last: usize,
    /// The most builds of a project to look at.
    pub within: usize,
    /// Only builds of this branch, tag or commit.
    pub source_version: Option<String>,
    /// Only builds of this compute type.
    pub compute: Option<String>,
}

/// The builds of one side, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Side {
    /// The name of the side: `arm64`, a project, an id.
    pub name: String,
    /// The architecture of its builds; none if neither amd64 nor arm64.
    pub architecture: Option<Architecture>,
    pub builds: Vec<Build>,
}

/// The builds to compare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gathered {
    pub region: String,
    /// The baseline, and the side that is compared with it.
    pub sides: [Side; 2],
    /// The tallies of the projects; empty for two builds.
    pub tallies: Vec<Tally>,
}

/// Finds and reads the builds.
///
/// # Errors
/// When AWS refuses, or a side has no build to compare.
pub async fn gather(service: &dyn Service, request: &CompareRequest) -> Result<Gathered, Error> {
    let region = service.region().to_owned();
    let (sides, tallies) = match &request.subject {
        Subject::Architectures(project) => {
            let wanted = [Architecture::Amd64, Architecture::Arm64];
            let (builds, tally) = newest(service, request, project, |build, _| {
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
            let (first, one) = of_project(service, request, &projects[0]).await?;
            let (second, other) = of_project(service, request, &projects[1]).await?;
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

/// Reads the builds of a project as one side: those with the architecture of the newest one.
async fn of_project(service: &dyn Service, request: &CompareRequest, project: &str) -> Result<(Side, Tally), Error> {
    let ([builds, _], tally) = newest(service, request, project, |build, sides| {
        let own = Architecture::of(&build.environment.kind).ok_or(LeftOut::OtherPlatform)?;
        let same = sides[0].first().is_none_or(|first| Architecture::of(&first.environment.kind) == Some(own));
        if same { Ok(0) } else { Err(LeftOut::OtherCompute) }
    })
    .await?;
    let architecture = builds.first().and_then(|build| Architecture::of(&build.environment.kind));
    Ok((Side { name: project.to_owned(), architecture, builds }, tally))
}

/// Reads builds of a project, newest first, until each side has enough. `place` returns the side of a build, given the
/// builds of both sides so far.
async fn newest(
    service: &dyn Service,
    request: &CompareRequest,
    project: &str,
    place: impl Fn(&Build, &[Vec<Build>; 2]) -> Result<usize, LeftOut>,
) -> Result<([Vec<Build>; 2], Tally), Error> {
    let mut sides = [Vec::new(), Vec::new()];
    let wanted = if matches!(request.subject, Subject::Architectures(_)) { 2 } else { 1 };
    let mut tally = Tally { project: project.to_owned(), ..Tally::default() };
    let (mut after, mut seen) = (None, HashSet::new());
    loop {
        let page = with_retries(async || service.list(Some(project), after.as_deref()).await).await?;
        // A build that starts in the meantime moves the others to the next page.
        let mut ids: Vec<String> = page.ids.into_iter().filter(|id| seen.insert(id_of(id).to_owned())).collect();
        let room = request.within.saturating_sub(tally.looked);
        tally.more = ids.len() > room || page.next.is_some();
        ids.truncate(room);
        for ids in ids.chunks(AT_ONCE) {
            for build in read(service, ids).await? {
                tally.looked += 1;
                let Some(build) = build else {
                    tally.leave_out(LeftOut::Gone);
                    continue;
                };
                let placed = fit(&build, request).and_then(|()| place(&build, &sides));
                match placed {
                    Ok(side) if sides[side].len() < request.last => sides[side].push(build),
                    Ok(_) => tally.leave_out(LeftOut::Surplus),
                    Err(reason) => tally.leave_out(reason),
                }
            }
        }
        let full = sides.iter().take(wanted).all(|side| side.len() >= request.last);
        match page.next {
            Some(next) if !full && tally.looked < request.within => after = Some(next),
            _ => return Ok((sides, tally)),
        }
    }
}

/// Checks whether a build counts on either side.
fn fit(build: &Build, request: &CompareRequest) -> Result<(), LeftOut> {
    match build.status {
        Status::Succeeded => {}
        Status::InProgress => return Err(LeftOut::Running),
        Status::Stopped => return Err(LeftOut::Stopped),
        _ => return Err(LeftOut::Failed),
    }
    if request.source_version.as_ref().is_some_and(|wanted| !is_version(build, wanted)) {
        return Err(LeftOut::OtherSource);
    }
    if request.compute.as_ref().is_some_and(|wanted| *wanted != build.environment.compute) {
        return Err(LeftOut::OtherCompute);
    }
    Ok(())
}

/// Returns true if a build is of a branch, tag or commit.
fn is_version(build: &Build, wanted: &str) -> bool {
    let version = build.source_version.as_deref().unwrap_or_default();
    let name = version.strip_prefix("refs/heads/").or(version.strip_prefix("refs/tags/")).unwrap_or(version);
    let commit = wanted.len() >= 7 && wanted.chars().all(|c| c.is_ascii_hexdigit());
    version == wanted
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
    // The baseline is amd64, whichever was named first.
    if sides[0].architecture == Some(Architecture::Arm64) && sides[1].architecture == Some(Architecture::Amd64) {
        sides.swap(0, 1);
    }
    let second = sides.pop();
    let first = sides.pop();
    first.zip(second).map(|(first, second)| [first, second]).ok_or_else(|| Error::NoSuchBuild { id: ids[0].clone() })
}

/// Reads builds in the order of their ids; none for those that are not found.
async fn read(service: &dyn Service, ids: &[String]) -> Result<Vec<Option<Build>>, Error> {
    let builds = with_retries(async || service.builds(ids).await).await?;
    let mut found: HashMap<String, Build> = builds.into_iter().map(|build| (build.id.clone(), build)).collect();
    Ok(ids.iter().map(|id| found.remove(id_of(id))).collect())
}

#[cfg(test)]
mod tests;
