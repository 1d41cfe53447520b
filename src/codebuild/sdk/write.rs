//! Converts what is to be started to the SDK's requests.

use aws_sdk_codebuild::Client;
use aws_sdk_codebuild::operation::start_build::builders::StartBuildFluentBuilder;
use aws_sdk_codebuild::operation::start_build_batch::builders::StartBuildBatchFluentBuilder;
use aws_sdk_codebuild::types::{
    CacheMode, CacheType, ComputeType, EnvironmentType, EnvironmentVariable, EnvironmentVariableType,
    ImagePullCredentialsType, ProjectCache,
};

use super::super::service::{Cache, Start, Variable, VariableKind};
use crate::aws;

pub(super) fn build(client: &Client, start: &Start) -> Result<StartBuildFluentBuilder, aws::Error> {
    Ok(client
        .start_build()
        .project_name(&start.project)
        .set_source_version(start.source_version.clone())
        .set_buildspec_override(start.buildspec.clone())
        .set_environment_variables_override(variables(start)?)
        .set_environment_type_override(start.environment_type.as_deref().map(EnvironmentType::from))
        .set_image_override(start.image.clone())
        .set_image_pull_credentials_type_override(start.pull_credentials.as_deref().map(ImagePullCredentialsType::from))
        .set_compute_type_override(start.compute.as_deref().map(ComputeType::from))
        .set_privileged_mode_override(start.privileged)
        .set_timeout_in_minutes_override(start.timeout)
        .set_queued_timeout_in_minutes_override(start.queued_timeout)
        .set_cache_override(cache(start)?)
        .set_auto_retry_limit_override(start.retry_limit)
        .set_idempotency_token(start.token.clone()))
}

pub(super) fn batch(client: &Client, start: &Start) -> Result<StartBuildBatchFluentBuilder, aws::Error> {
    Ok(client
        .start_build_batch()
        .project_name(&start.project)
        .set_source_version(start.source_version.clone())
        .set_buildspec_override(start.buildspec.clone())
        .set_environment_variables_override(variables(start)?)
        .set_environment_type_override(start.environment_type.as_deref().map(EnvironmentType::from))
        .set_image_override(start.image.clone())
        .set_image_pull_credentials_type_override(start.pull_credentials.as_deref().map(ImagePullCredentialsType::from))
        .set_compute_type_override(start.compute.as_deref().map(ComputeType::from))
        .set_privileged_mode_override(start.privileged)
        .set_build_timeout_in_minutes_override(start.timeout)
        .set_queued_timeout_in_minutes_override(start.queued_timeout)
        .set_cache_override(cache(start)?)
        .set_idempotency_token(start.token.clone()))
}

/// Returns none without variables: an empty list would override the project's.
fn variables(start: &Start) -> Result<Option<Vec<EnvironmentVariable>>, aws::Error> {
    let variable = |variable: &Variable| {
        let kind = match variable.kind {
            VariableKind::Plaintext => EnvironmentVariableType::Plaintext,
            VariableKind::ParameterStore => EnvironmentVariableType::ParameterStore,
            VariableKind::SecretsManager => EnvironmentVariableType::SecretsManager,
        };
        EnvironmentVariable::builder()
            .name(&variable.name)
            .value(&variable.value)
            .r#type(kind)
            .build()
            .map_err(|error| incomplete(&error))
    };
    let variables: Vec<_> = start.variables.iter().map(variable).collect::<Result<_, _>>()?;
    Ok(Some(variables).filter(|variables| !variables.is_empty()))
}

fn cache(start: &Start) -> Result<Option<ProjectCache>, aws::Error> {
    let Some(cache) = &start.cache else { return Ok(None) };
    let builder = match cache {
        Cache::Off => ProjectCache::builder().r#type(CacheType::NoCache),
        Cache::Local(modes) => {
            let modes = modes.iter().map(|mode| CacheMode::from(mode.as_str())).collect();
            ProjectCache::builder().r#type(CacheType::Local).set_modes(Some(modes))
        }
        Cache::S3(place) => ProjectCache::builder().r#type(CacheType::S3).location(place),
    };
    builder.build().map(Some).map_err(|error| incomplete(&error))
}

/// Wraps the SDK's error about a missing field, which the code above never leaves out.
fn incomplete(error: &aws_sdk_codebuild::error::BuildError) -> aws::Error {
    aws::Error::Answer { service: aws::Service::CODEBUILD.name, reason: error.to_string() }
}
