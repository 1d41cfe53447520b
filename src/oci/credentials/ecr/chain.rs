//! Credentials of AWS, by the SDK's chain: environment, profiles (roles and `credential_process` too), web identity,
//! container (ECS, EKS, CodeBuild), instance (<https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html>).
//! Not by SSO: the SDK's part for it doubles its dependencies.

use std::error::Error as _;
use std::time::Duration;

use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region, imds};
use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::error::CredentialsError;

use super::super::Error;
use super::super::said::said;
use super::Registry;
use super::connector::Connector;
use crate::net;

/// How long all sources together may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long to wait for the instance's metadata: outside of EC2 nobody answers, and nobody says so.
const METADATA: Duration = Duration::from_secs(1);

/// Finds credentials. `region` is where roles are asked for.
pub(super) async fn credentials(client: &net::Client, region: &str, of: &Registry) -> Result<Credentials, Error> {
    let config = ProviderConfig::default()
        .with_http_client(Connector::new(client))
        .with_behavior_version(Some(BehaviorVersion::latest()))
        .with_retry_config(RetryConfig::standard().with_max_attempts(2))
        .with_region(Some(Region::new(region.to_owned())));
    let metadata = imds::Client::builder()
        .configure(&config)
        .max_attempts(1)
        .connect_timeout(METADATA)
        .read_timeout(METADATA)
        .build();
    let chain = DefaultCredentialsChain::builder().imds_client(metadata).region(Region::new(region.to_owned()));
    let chain = chain.configure(config).build().await;
    match tokio::time::timeout(PATIENCE, chain.provide_credentials()).await {
        Ok(found) => found.map_err(|error| explained(&error, of)),
        Err(_) => Err(broken(of, format!("no answer within {} s", PATIENCE.as_secs()))),
    }
}

fn explained(error: &CredentialsError, of: &Registry) -> Error {
    if matches!(error, CredentialsError::CredentialsNotLoaded(_)) {
        return Error::AwsMissing { registry: of.name.clone() };
    }
    let causes = std::iter::successors(error.source(), |cause| (*cause).source());
    let texts: Vec<String> = causes.map(ToString::to_string).collect();
    // What such a program prints may be a key.
    let hidden = texts.iter().any(|text| text.contains("external process"));
    let expired = texts.iter().any(|text| text.contains("ExpiredToken"));
    match texts.last() {
        _ if expired => Error::AwsExpired { registry: of.name.clone() },
        _ if hidden => broken(of, "the `credential_process` of the profile failed".to_owned()),
        Some(text) => broken(of, said(text.as_bytes())),
        None => broken(of, said(error.to_string().as_bytes())),
    }
}

fn broken(of: &Registry, reason: String) -> Error {
    Error::AwsBroken { registry: of.name.clone(), reason }
}
