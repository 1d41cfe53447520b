//! Runs the builds of a batch one after the other, in the order of their dependencies
//! (<https://docs.aws.amazon.com/codebuild/latest/userguide/batch-build-buildspec.html>).

use std::collections::BTreeMap;

use super::{Error, Log, Outcome, Status, Stop};
use crate::format::buildspec::{Batch, BatchEnv, BatchKind, Matrix, Pair, Task};

/// The most builds of a batch (<https://docs.aws.amazon.com/codebuild/latest/userguide/limits.html>).
const MOST_BUILDS: usize = 100;

/// A build, alone or in a batch.
#[derive(Debug, Clone, Default)]
pub struct Build {
    /// Its name in the batch.
    pub identifier: Option<String>,
    /// Its own buildspec, where it has one.
    pub buildspec: Option<String>,
    /// The builds that it waits for.
    pub waits_for: Vec<String>,
    /// True if the batch succeeds despite its failure.
    pub ignore_failure: bool,
    /// Variables that override those of the buildspec.
    pub variables: Vec<(String, String)>,
    /// The image that it would run in.
    pub image: Option<String>,
    /// The machine that it would run on, as text.
    pub machine: Option<String>,
}

/// Lists the builds of a batch in the order of the file, but each after those that it waits for.
///
/// # Errors
/// When `batch` does not have exactly one kind of build list, or more builds than CodeBuild allows, when two builds have the same name, and when one can
/// never start.
pub fn builds(batch: &Batch) -> Result<Vec<Build>, Error> {
    let [(_, kind)] = batch.kinds.as_slice() else { return Err(Error::BatchKinds { found: batch.kinds.len() }) };
    // Counted before any is made: five lists of sixty values are 777,600,000 builds.
    let found = count(kind);
    if found > MOST_BUILDS {
        return Err(Error::TooManyBuilds { found, limit: MOST_BUILDS });
    }
    match kind {
        BatchKind::Graph(tasks) => in_order(tasks.iter().enumerate().map(task).collect()),
        BatchKind::List(tasks) => in_order(tasks.iter().enumerate().map(task).collect()),
        BatchKind::Matrix(matrix) => Ok(combinations(matrix)),
        BatchKind::Fanout { parallelism, ignore_failure } => {
            // How a part knows its index is not documented; `codebuild-tests-run` does [unverified].
            let parts = 1..=parallelism.unwrap_or(1);
            let part = |number| Build {
                identifier: Some(format!("part_{number}")),
                ignore_failure: *ignore_failure,
                ..Build::default()
            };
            Ok(parts.map(part).collect())
        }
    }
}

/// Counts the builds of a batch; what does not fit a number is the largest.
fn count(kind: &BatchKind) -> usize {
    match kind {
        BatchKind::Graph(tasks) | BatchKind::List(tasks) => tasks.len(),
        BatchKind::Matrix(matrix) => {
            let lists = [matrix.buildspecs.len(), matrix.images.len(), matrix.compute_types.len()];
            let variables = matrix.variables.iter().map(|(_, values)| values.len());
            lists.into_iter().chain(variables).map(|length| length.max(1)).fold(1, usize::saturating_mul)
        }
        BatchKind::Fanout { parallelism, .. } => parallelism.unwrap_or(1).try_into().unwrap_or(usize::MAX),
    }
}

fn task((index, task): (usize, &Task)) -> Build {
    let identifier = task.identifier.as_ref().map_or_else(|| format!("build_{}", index + 1), |name| name.text.clone());
    Build {
        identifier: Some(identifier),
        buildspec: task.buildspec.as_ref().map(|file| file.text.clone()),
        waits_for: task.depend_on.iter().map(|name| name.text.clone()).collect(),
        ignore_failure: task.ignore_failure,
        variables: pairs(&task.env.variables),
        image: task.env.image.as_ref().map(|image| image.text.clone()),
        machine: machine(&task.env),
    }
}

fn pairs(pairs: &[Pair]) -> Vec<(String, String)> {
    pairs.iter().map(|pair| (pair.key.text.clone(), pair.value.text.clone())).collect()
}

fn machine(env: &BatchEnv) -> Option<String> {
    let parts = [&env.kind, &env.compute_type, &env.fleet, &env.image];
    let parts: Vec<&str> = parts.into_iter().flatten().map(|text| text.text.as_str()).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// Creates one build per combination; the last list varies fastest. CodeBuild's names for them are not documented.
fn combinations(matrix: &Matrix) -> Vec<Build> {
    let first =
        Build { ignore_failure: matrix.ignore_failure, variables: pairs(&matrix.shared.variables), ..Build::default() };
    let mut builds = vec![(first, Vec::new())];
    let texts = |texts: &[crate::format::buildspec::Text]| texts.iter().map(|text| text.text.clone()).collect();
    let (specs, images, sizes): (Vec<String>, Vec<String>, Vec<String>) =
        (texts(&matrix.buildspecs), texts(&matrix.images), texts(&matrix.compute_types));
    builds = times(builds, &specs, |build, value| build.buildspec = Some(value.to_owned()));
    builds = times(builds, &images, |build, value| build.image = Some(value.to_owned()));
    builds = times(builds, &sizes, |_, _| {});
    for (name, values) in &matrix.variables {
        let values: Vec<String> = texts(values);
        builds = times(builds, &values, |build, value| build.variables.push((name.text.clone(), value.to_owned())));
    }
    let machine = machine(&matrix.shared);
    let named = builds.into_iter().enumerate().map(|(index, (mut build, values))| {
        build.identifier = Some(format!("build_{}", index + 1));
        let mut description: Vec<String> = machine.iter().cloned().collect();
        description.extend(values);
        build.machine = (!description.is_empty()).then(|| description.join(", "));
        build
    });
    named.collect()
}

/// Multiplies the builds by the values.
fn times(
    builds: Vec<(Build, Vec<String>)>,
    values: &[String],
    set: impl Fn(&mut Build, &str),
) -> Vec<(Build, Vec<String>)> {
    if values.is_empty() {
        return builds;
    }
    let with = |(build, description): &(Build, Vec<String>), value: &String| {
        let (mut build, mut description) = (build.clone(), description.clone());
        set(&mut build, value);
        description.push(value.clone());
        (build, description)
    };
    builds.iter().flat_map(|build| values.iter().map(move |value| with(build, value))).collect()
}

/// Sorts builds after those that they wait for.
fn in_order(mut waiting: Vec<Build>) -> Result<Vec<Build>, Error> {
    let name = |build: &Build| build.identifier.clone().unwrap_or_default();
    let mut ordered: Vec<Build> = Vec::new();
    for (index, build) in waiting.iter().enumerate() {
        if waiting[..index].iter().any(|other| other.identifier == build.identifier) {
            return Err(Error::Twice { identifier: name(build) });
        }
    }
    while !waiting.is_empty() {
        let ready = |build: &Build| build.waits_for.iter().all(|other| ordered.iter().any(|done| name(done) == *other));
        let Some(index) = waiting.iter().position(ready) else {
            let build = &waiting[0];
            let waits_for =
                build.waits_for.iter().filter(|other| !ordered.iter().any(|done| name(done) == **other)).cloned();
            return Err(Error::Order { identifier: name(build), waits_for: waits_for.collect() });
        };
        ordered.push(waiting.remove(index));
    }
    Ok(ordered)
}

/// Keeps the requested builds; all of them if none is named.
///
/// # Errors
/// When one does not exist.
pub fn only(mut builds: Vec<Build>, identifiers: &[String]) -> Result<Vec<Build>, Error> {
    if identifiers.is_empty() {
        return Ok(builds);
    }
    let known: Vec<String> = builds.iter().filter_map(|build| build.identifier.clone()).collect();
    if let Some(absent) = identifiers.iter().find(|name| !known.contains(name)) {
        return Err(Error::NoBuild { identifier: absent.clone(), known });
    }
    builds.retain(|build| build.identifier.as_ref().is_some_and(|name| identifiers.contains(name)));
    Ok(builds)
}

/// Runs builds in order. A build does not start when one that it waits for has failed, unless that failure is ignored
/// [unverified]; with `fast-fail` the first failure that counts ends the batch.
///
/// # Errors
/// Those of `run`.
pub fn run(
    builds: &[Build],
    fast_fail: bool,
    stop: &Stop,
    log: &mut Log,
    mut run: impl FnMut(&Build, &mut Log) -> Result<Outcome, Error>,
) -> Result<Vec<Outcome>, Error> {
    let mut outcomes: Vec<Outcome> = Vec::new();
    let mut fine: BTreeMap<String, bool> = BTreeMap::new();
    let mut over = false;
    for build in builds {
        stop.check()?;
        let identifier = build.identifier.clone().unwrap_or_default();
        let blocked = build.waits_for.iter().any(|other| fine.get(other) == Some(&false));
        let outcome = if over || blocked {
            log.of_build(Some(&identifier));
            log.note(if blocked { "not started: a build that it waits for failed" } else { "not started: fast-fail" });
            let path = build.buildspec.clone().unwrap_or_default();
            let mut outcome = Outcome::new(&path, Status::Skipped);
            outcome.identifier = Some(identifier.clone());
            outcome.ignored = build.ignore_failure;
            outcome
        } else {
            run(build, log)?
        };
        fine.insert(identifier, outcome.is_fine());
        over |= fast_fail && !outcome.is_fine();
        outcomes.push(outcome);
    }
    log.of_build(None);
    Ok(outcomes)
}
