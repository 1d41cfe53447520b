//! Amazon Web Services: credentials, regions, endpoints, signatures, errors. All HTTP goes through [`crate::net`], so
//! that the same TLS settings, certificate authorities and proxies apply, and `--offline` too.
//!
//! Without the Cargo feature `aws`, only errors and permissions remain.

#[cfg(feature = "aws")]
mod chain;
#[cfg(feature = "aws")]
mod connector;
#[cfg(feature = "aws")]
mod endpoint;
#[cfg(feature = "aws")]
mod identity;
#[cfg(feature = "aws")]
mod json;
#[cfg(feature = "aws")]
mod query;
#[cfg(feature = "aws")]
pub mod s3;
#[cfg(feature = "aws")]
mod session;
#[cfg(feature = "aws")]
mod sign;

pub mod needs;

mod error;
mod permission;
mod refusal;

pub use error::{AwsMessage, Error};
pub use permission::{Need, partition, policy};
pub use refusal::{Refusal, classify};

#[cfg(feature = "aws")]
pub use connector::Connector;
#[cfg(feature = "aws")]
pub use identity::{Decision, Identity};
#[cfg(feature = "aws")]
pub use json::JsonRequest;
#[cfg(feature = "aws")]
pub use session::Session;
#[cfg(feature = "aws")]
pub use sign::{Content, signed};

/// A service of AWS and its names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Service {
    /// The name for users: `CodeBuild`.
    pub name: &'static str,
    /// The name in signatures and ARNs: `codebuild`.
    pub signing: &'static str,
    /// The suffix of the variable that overrides its address: `CODEBUILD` of `AWS_ENDPOINT_URL_CODEBUILD`
    /// (<https://docs.aws.amazon.com/sdkref/latest/guide/ss-endpoints-table.html>).
    pub variable: &'static str,
}

impl Service {
    pub const CODEBUILD: Self = Self { name: "CodeBuild", signing: "codebuild", variable: "CODEBUILD" };
    /// The logs of builds.
    pub const LOGS: Self = Self { name: "CloudWatch Logs", signing: "logs", variable: "CLOUDWATCH_LOGS" };
    pub const S3: Self = Self { name: "S3", signing: "s3", variable: "S3" };
    pub const ECR: Self = Self { name: "Amazon ECR", signing: "ecr", variable: "ECR" };
    pub const ECR_PUBLIC: Self = Self { name: "Amazon ECR", signing: "ecr-public", variable: "ECR_PUBLIC" };
    pub const SSM: Self = Self { name: "Systems Manager", signing: "ssm", variable: "SSM" };
    pub const SECRETS_MANAGER: Self =
        Self { name: "Secrets Manager", signing: "secretsmanager", variable: "SECRETS_MANAGER" };
    pub const STS: Self = Self { name: "STS", signing: "sts", variable: "STS" };
    /// What may be done.
    pub const IAM: Self = Self { name: "IAM", signing: "iam", variable: "IAM" };
}
