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
use aws_smithy_types::error::ErrorMetadata;

use super::super::Error;
use super::super::said::said;
use super::connector::Connector;
use crate::net;

/// How long all sources together may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long to wait for the instance's metadata: outside of EC2 nobody answers, and nobody says so.
const METADATA: Duration = Duration::from_secs(1);

/// Finds credentials. `region` is where roles are asked for.
pub(super) async fn credentials(client: &net::Client, region: &str) -> Result<Credentials, Error> {
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
        Ok(found) => found.map_err(|error| explained(&error)),
        Err(_) => Err(broken(format!("no answer within {} s", PATIENCE.as_secs()))),
    }
}

fn explained(error: &CredentialsError) -> Error {
    if matches!(error, CredentialsError::CredentialsNotLoaded(_)) {
        return Error::AwsMissing;
    }
    let causes = || std::iter::successors(error.source(), |cause| (*cause).source());
    let mentions = |text: &str| causes().any(|cause| cause.to_string().contains(text));
    if mentions("ExpiredToken") {
        return Error::AwsExpired;
    }
    // What such a program prints may be a key.
    if mentions("external process") {
        return broken("the `credential_process` of the profile failed".to_owned());
    }
    if mentions("cargo feature(s) enabled: sso") {
        return broken("the profile logs in by SSO, which this toolkit cannot do".to_owned());
    }
    // Of what AWS says, only the text about permissions is shown: the one about signatures holds the request.
    let answer = causes().find_map(|cause| cause.downcast_ref::<ErrorMetadata>());
    let answer = answer.map(|answer| match (answer.code(), answer.message()) {
        (Some(code @ "AccessDenied"), Some(message)) => format!("{code}: {message}"),
        (code, _) => code.unwrap_or("AWS refused without a reason").to_owned(),
    });
    let innermost = || causes().last().map_or_else(|| error.to_string(), ToString::to_string);
    broken(said(answer.unwrap_or_else(innermost).as_bytes()))
}

fn broken(reason: String) -> Error {
    Error::AwsBroken { reason }
}
