//! Looks up builds and batches by id or ARN. The ids of both look alike.

use super::build::{Batch, Build, id_of};
use super::retry::with_retries;
use super::service::Service;
use crate::aws::Error;

/// What an id refers to.
#[derive(Debug, Clone)]
pub enum Found {
    Build(Box<Build>),
    Batch(Box<Batch>),
    /// Nothing that CodeBuild knows.
    Nothing,
}

/// Looks up ids, and returns the results in the same order. CodeBuild is asked for builds first, and for batches with
/// the ids that are not builds. An ARN names its kind.
///
/// # Errors
/// When CodeBuild does not answer, or an ARN names another region.
pub async fn find(service: &dyn Service, ids: &[String]) -> Result<Vec<Found>, Error> {
    for id in ids {
        in_region(service.region(), id)?;
    }
    let mut found: Vec<Found> = ids.iter().map(|_| Found::Nothing).collect();
    let possible_builds: Vec<usize> = (0..ids.len()).filter(|at| !ids[*at].contains(":build-batch/")).collect();
    for part in possible_builds.chunks(100) {
        let part_ids: Vec<String> = part.iter().map(|at| id_of(&ids[*at]).to_owned()).collect();
        for build in with_retries(async || service.builds(&part_ids).await).await? {
            for at in part.iter().filter(|at| id_of(&ids[**at]) == build.id) {
                found[*at] = Found::Build(Box::new(build.clone()));
            }
        }
    }
    let left = |at: &usize| matches!(found[*at], Found::Nothing) && !ids[*at].contains(":build/");
    let left: Vec<usize> = (0..ids.len()).filter(left).collect();
    for part in left.chunks(100) {
        let part_ids: Vec<String> = part.iter().map(|at| id_of(&ids[*at]).to_owned()).collect();
        for batch in with_retries(async || service.batches(&part_ids).await).await? {
            for at in part.iter().filter(|at| id_of(&ids[**at]) == batch.id) {
                found[*at] = Found::Batch(Box::new(batch.clone()));
            }
        }
    }
    Ok(found)
}

/// Checks that an ARN belongs to this region: CodeBuild does not find others.
pub(super) fn in_region(region: &str, id: &str) -> Result<(), Error> {
    let own = id.strip_prefix("arn:").and_then(|rest| rest.split(':').nth(2));
    match own.filter(|own| *own != region) {
        None => Ok(()),
        Some(own) => Err(Error::OtherRegion {
            what: format!("`{}`", id_of(id)),
            region: region.to_owned(),
            right: Some(own.to_owned()),
        }),
    }
}
