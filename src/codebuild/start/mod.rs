//! What to start: one build, one for each architecture, or a batch. Environment type, image and size of a machine are
//! overridden together and checked against each other, so that nothing is started that CodeBuild refuses, or that fails
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

/// What was asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StartRequest {
    /// What all builds have in common. `image`, `pull_credentials` and `token` are decided here.
    pub common: Start,
    /// A build for each of these architectures, as Go spells them; the project's own without any.
    pub architectures: Vec<&'static str>,
    /// The images to take, all of them or those of an architecture.
    pub images: Vec<(Option<&'static str>, String)>,
    /// Whether one build is started or a batch.
    pub kind: BuildKind,
    /// What the same build is called when it is asked for again.
    pub key: Option<String>,
}

/// What is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// The request.
    pub start: Start,
    /// The architecture, where one was asked for.
    pub arch: Option<&'static str>,
    /// What people should know about it.
    pub notes: Vec<String>,
}

impl StartRequest {
    /// Returns true if the machine is another than the project's, and so the project's own must be known. Limits and the
    /// cache do not matter: to ask for them alone is not worth a permission, and CodeBuild judges them, too.
    #[must_use]
    pub fn asks_for_machine(&self) -> bool {
        let Start { environment_type, compute, privileged, .. } = &self.common;
        let machine = environment_type.is_some() || compute.is_some() || privileged.is_some();
        !self.architectures.is_empty() || !self.images.is_empty() || machine
    }
}

/// Decides what is started. Without the project, only what was typed is checked.
///
/// # Errors
/// When there is no such machine, or its parts do not go together.
pub fn plan(wanted: &StartRequest, project: Option<&Project>) -> Result<Vec<Planned>, Error> {
    let own = project.map(|project| &project.environment);
    if wanted.architectures.is_empty() {
        return Ok(vec![one(wanted, None, own)?]);
    }
    wanted.architectures.iter().map(|arch| one(wanted, Some(arch), own)).collect()
}

fn one(wanted: &StartRequest, arch: Option<&'static str>, own: Option<&Environment>) -> Result<Planned, Error> {
    let mut start = wanted.common.clone();
    let mut notes = Vec::new();
    start.image = image_for(wanted, arch);
    if let (Some(arch), Some(own)) = (arch, own) {
        machine::moved(&mut start, arch, own, &mut notes)?;
    }
    let empty = Environment::default();
    let own = own.unwrap_or(&empty);
    machine::check(&start, own, wanted.kind)?;
    if let Some(image) = &start.image {
        // Who else pulls an image of AWS's own is refused
        // (<https://docs.aws.amazon.com/codebuild/latest/APIReference/API_ProjectEnvironment.html>).
        let aws = image.starts_with("aws/codebuild/");
        start.pull_credentials = Some(if aws { "CODEBUILD" } else { "SERVICE_ROLE" }.to_owned());
    }
    let key = |key: &String| token::of_key(key, &start.project, arch.unwrap_or_default(), wanted.kind);
    start.token = Some(wanted.key.as_ref().map_or_else(token::fresh, key));
    Ok(Planned { start, arch, notes })
}

/// Returns the image that was asked for: that of the architecture, else that for all. Without `--arch` the architecture is
/// that of the environment type that was asked for.
fn image_for(wanted: &StartRequest, arch: Option<&'static str>) -> Option<String> {
    let typed = || environment_type(wanted.common.environment_type.as_deref()?).map(|kind| kind.arch);
    let arch = arch.or_else(typed);
    let of = |which: Option<&str>| {
        wanted.images.iter().find(|(own, _)| own.as_deref() == which).map(|(_, image)| image.clone())
    };
    arch.and_then(|arch| of(Some(arch))).or_else(|| of(None))
}

#[cfg(test)]
mod tests;
