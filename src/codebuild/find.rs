//! Builds and batches by what was typed: an id or an ARN. Ids of both look alike.

use super::build::{Batch, Build, id_of};
use super::patience::patiently;
use super::service::Service;
use crate::aws::Error;

/// What is behind an id.
#[derive(Debug, Clone)]
pub enum Found {
    /// A build.
    Build(Box<Build>),
    /// A batch.
    Batch(Box<Batch>),
    /// Nothing that CodeBuild knows.
    Nothing,
}

/// Finds out what ids mean, in their order: CodeBuild is asked for builds, and for what is none of them for batches. ARNs say
/// it themselves.
///
/// # Errors
/// When CodeBuild does not answer, or an ARN names another region.
pub async fn find(service: &dyn Service, ids: &[String]) -> Result<Vec<Found>, Error> {
    for id in ids {
        in_region(service.region(), id)?;
    }
    let mut found: Vec<Found> = ids.iter().map(|_| Found::Nothing).collect();
    let asked: Vec<usize> = (0..ids.len()).filter(|at| !ids[*at].contains(":build-batch/")).collect();
    for part in asked.chunks(100) {
        let part_ids: Vec<String> = part.iter().map(|at| id_of(&ids[*at]).to_owned()).collect();
        for build in patiently(async || service.builds(&part_ids).await).await? {
            for at in part.iter().filter(|at| id_of(&ids[**at]) == build.id) {
                found[*at] = Found::Build(Box::new(build.clone()));
            }
        }
    }
    let left = |at: &usize| matches!(found[*at], Found::Nothing) && !ids[*at].contains(":build/");
    let left: Vec<usize> = (0..ids.len()).filter(left).collect();
    for part in left.chunks(100) {
        let part_ids: Vec<String> = part.iter().map(|at| id_of(&ids[*at]).to_owned()).collect();
        for batch in patiently(async || service.batches(&part_ids).await).await? {
            for at in part.iter().filter(|at| id_of(&ids[**at]) == batch.id) {
                found[*at] = Found::Batch(Box::new(batch.clone()));
            }
        }
    }
    Ok(found)
}

/// Checks that an ARN is one of this region: CodeBuild does not know the others'.
pub(super) fn in_region(region: &str, id: &str) -> Result<(), Error> {
    let own = id.strip_prefix("arn:").and_then(|rest| rest.split(':').nth(2));
    match own.filter(|own| *own != region) {
        None => Ok(()),
        Some(own) => Err(Error::OtherRegion {
            what: format!("`{}`", id_of(id)),
            asked: region.to_owned(),
            right: Some(own.to_owned()),
        }),
    }
}
