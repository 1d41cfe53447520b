//! AWS credentials, from the SDK's chain: environment, profiles (roles and `credential_process` too), web identity,
//! container (ECS, EKS, CodeBuild), instance
//! (<https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html>). SSO included.

use std::error::Error as _;
use std::time::Duration;

use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::imds::region::ImdsRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::ProfileFileRegionProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region, imds};
use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_types::error::ErrorMetadata;

use super::connector::Connector;
use super::{Error, Service};
use crate::net;
use crate::text::excerpt;

/// The limit for all sources together.
const PATIENCE: Duration = Duration::from_secs(30);

/// The limit for the instance metadata: outside of EC2 nothing responds or refuses.
const METADATA: Duration = Duration::from_secs(1);

/// Finds credentials. `region` is where roles are assumed.
pub(super) async fn credentials(client: &net::Client, region: &str, service: Service) -> Result<Credentials, Error> {
    let config = config(client).with_region(Some(Region::new(region.to_owned())));
    let metadata = metadata(&config);
    let chain = DefaultCredentialsChain::builder().imds_client(metadata).region(Region::new(region.to_owned()));
    let chain = chain.configure(config).build().await;
    match tokio::time::timeout(PATIENCE, chain.provide_credentials()).await {
        Ok(found) => found.map_err(|error| explained(&error, service)),
        Err(_) => Err(broken(format!("no answer within {} s", PATIENCE.as_secs()))),
    }
}

/// Finds the region of the profile or of this instance.
pub(super) async fn region(client: &net::Client) -> Option<String> {
    let config = config(client);
    let metadata = metadata(&config);
    let profile = ProfileFileRegionProvider::builder().configure(&config).build();
    let instance = ImdsRegionProvider::builder().configure(&config).imds_client(metadata).build();
    let chain = RegionProviderChain::first_try(profile).or_else(instance);
    let found = tokio::time::timeout(PATIENCE, chain.region()).await.ok()??;
    Some(found.as_ref().to_owned())
}

fn config(client: &net::Client) -> ProviderConfig {
    ProviderConfig::default()
        .with_http_client(Connector::new(client))
        .with_behavior_version(Some(BehaviorVersion::latest()))
        .with_retry_config(RetryConfig::standard().with_max_attempts(2))
}

fn metadata(config: &ProviderConfig) -> imds::Client {
    imds::Client::builder().configure(config).max_attempts(1).connect_timeout(METADATA).read_timeout(METADATA).build()
}

fn explained(error: &CredentialsError, service: Service) -> Error {
    if matches!(error, CredentialsError::CredentialsNotLoaded(_)) {
        return Error::NoCredentials { service: service.name };
    }
    let causes = || std::iter::successors(error.source(), |cause| (*cause).source());
    let mentions = |text: &str| causes().any(|cause| cause.to_string().contains(text));
    // On an EC2 instance with disabled metadata, this source has no credentials.
    if mentions("IMDS is disabled") {
        return Error::NoCredentials { service: service.name };
    }
    if mentions("ExpiredToken") {
        return Error::ExpiredCredentials;
    }
    // The program's output may contain a key.
    if mentions("external process") {
        return broken("the `credential_process` of the profile failed".to_owned());
    }
    // Only messages about permissions are shown: those about signatures contain the request.
    let answer = causes().find_map(|cause| cause.downcast_ref::<ErrorMetadata>());
    let answer = answer.map(|answer| match (answer.code(), answer.message()) {
        (Some(code @ "AccessDenied"), Some(message)) => format!("{code}: {message}"),
        (code, _) => code.unwrap_or("AWS refused without a reason").to_owned(),
    });
    let innermost = || causes().last().map_or_else(|| error.to_string(), ToString::to_string);
    broken(excerpt(answer.unwrap_or_else(innermost).as_bytes()))
}

fn broken(reason: String) -> Error {
    Error::BrokenCredentials { reason }
}
