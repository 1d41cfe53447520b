//! Plans what to start: one build, one per architecture, or a batch. Environment type, image and size of a machine are
//! overridden together and checked against each other, so that CodeBuild does not refuse the build and it does not fail
//! with "exec format error" ten minutes later.

mod counterpart;
mod error;
mod machine;
mod token;

use super::build::{BuildKind, Environment, Project};
use super::service::Start;
use crate::format::buildspec::images::environment_type;
pub use error::Error;
pub use machine::{compute_type, environment_named};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StartRequest {
    /// The settings of all builds. `image`, `pull_credentials` and `token` are set by [`plan`].
    pub common: Start,
    /// One build for each of these architectures, in Go's spelling; the project's own when empty.
    pub architectures: Vec<&'static str>,
    /// The images to use, for all architectures or for one.
    pub images: Vec<(Option<&'static str>, String)>,
    /// Whether one build is started or a batch.
    pub kind: BuildKind,
    /// The idempotency key: a second request with the same key starts nothing.
    pub key: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    pub start: Start,
    pub arch: Option<&'static str>,
    /// Notes for the user.
    pub notes: Vec<String>,
}

impl StartRequest {
    /// Returns true if the machine differs from the project's, so that the project must be read. Limits and the cache
    /// do not count: they are not worth a permission, and CodeBuild checks them as well.
    #[must_use]
    pub fn asks_for_machine(&self) -> bool {
        let Start { environment_type, compute, privileged, .. } = &self.common;
        let machine = environment_type.is_some() || compute.is_some() || privileged.is_some();
        !self.architectures.is_empty() || !self.images.is_empty() || machine
    }
}

/// Plans the builds. Without the project, only the command line is checked.
///
/// # Errors
/// When there is no such machine, or its parts are incompatible.
pub fn plan(request: &StartRequest, project: Option<&Project>) -> Result<Vec<Planned>, Error> {
    let own = project.map(|project| &project.environment);
    if request.architectures.is_empty() {
        return Ok(vec![one(request, None, own)?]);
    }
    request.architectures.iter().map(|arch| one(request, Some(arch), own)).collect()
}

fn one(request: &StartRequest, arch: Option<&'static str>, own: Option<&Environment>) -> Result<Planned, Error> {
    let mut start = request.common.clone();
    let mut notes = Vec::new();
    start.image = image_for(request, arch);
    if let (Some(arch), Some(own)) = (arch, own) {
        machine::move_to(&mut start, arch, own, &mut notes)?;
    }
    let empty = Environment::default();
    let own = own.unwrap_or(&empty);
    machine::check(&start, own, request.kind)?;
    if let Some(image) = &start.image {
        // AWS's own images can be pulled only with CodeBuild's credentials
        // (<https://docs.aws.amazon.com/codebuild/latest/APIReference/API_ProjectEnvironment.html>).
        let aws = image.starts_with("aws/codebuild/");
        start.pull_credentials = Some(if aws { "CODEBUILD" } else { "SERVICE_ROLE" }.to_owned());
    }
    let key = |key: &String| token::of_key(key, &start.project, arch.unwrap_or_default(), request.kind);
    start.token = Some(request.key.as_ref().map_or_else(token::fresh, key));
    Ok(Planned { start, arch, notes })
}

/// Returns the requested image: that of the architecture, else that for all. Without `--arch`, the requested
/// environment type determines the architecture.
fn image_for(request: &StartRequest, arch: Option<&'static str>) -> Option<String> {
    let typed = || environment_type(request.common.environment_type.as_deref()?).map(|kind| kind.arch);
    let arch = arch.or_else(typed);
    let of = |which: Option<&str>| {
        request.images.iter().find(|(own, _)| own.as_deref() == which).map(|(_, image)| image.clone())
    };
    arch.and_then(|arch| of(Some(arch))).or_else(|| of(None))
}

#[cfg(test)]
mod tests;
