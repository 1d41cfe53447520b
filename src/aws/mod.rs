//! Amazon Web Services: credentials, regions, addresses, signatures, and what a refusal means. All HTTP runs over
//! [`crate::net`]: one TLS, one set of authorities and proxies, and `--offline` counts for it too.
//!
//! Without the Cargo feature `aws`, only the words are left: errors and permissions.

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

pub use error::{Error, Said};
pub use permission::{Need, partition, policy};
pub use refusal::{Refusal, judged};

#[cfg(feature = "aws")]
pub use connector::Connector;
#[cfg(feature = "aws")]
pub use identity::{Decision, Identity};
#[cfg(feature = "aws")]
pub use json::Question;
#[cfg(feature = "aws")]
pub use session::Session;
#[cfg(feature = "aws")]
pub use sign::{Content, signed};

/// A service of AWS, and what it is called where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Service {
    /// What people call it: `CodeBuild`.
    pub name: &'static str,
    /// What signatures and ARNs call it: `codebuild`.
    pub signing: &'static str,
    /// The end of the variable that overrides its address: `CODEBUILD` of `AWS_ENDPOINT_URL_CODEBUILD`
    /// (<https://docs.aws.amazon.com/sdkref/latest/guide/ss-endpoints-table.html>).
    pub variable: &'static str,
}

impl Service {
    /// Builds.
    pub const CODEBUILD: Self = Self { name: "CodeBuild", signing: "codebuild", variable: "CODEBUILD" };
    /// The logs of builds.
    pub const LOGS: Self = Self { name: "CloudWatch Logs", signing: "logs", variable: "CLOUDWATCH_LOGS" };
    /// Mirrors.
    pub const S3: Self = Self { name: "S3", signing: "s3", variable: "S3" };
    /// Private registries.
    pub const ECR: Self = Self { name: "Amazon ECR", signing: "ecr", variable: "ECR" };
    /// The public registry.
    pub const ECR_PUBLIC: Self = Self { name: "Amazon ECR", signing: "ecr-public", variable: "ECR_PUBLIC" };
    /// Parameters of builds.
    pub const SSM: Self = Self { name: "Systems Manager", signing: "ssm", variable: "SSM" };
    /// Secrets of builds.
    pub const SECRETS_MANAGER: Self =
        Self { name: "Secrets Manager", signing: "secretsmanager", variable: "SECRETS_MANAGER" };
    /// Who is asking.
    pub const STS: Self = Self { name: "STS", signing: "sts", variable: "STS" };
    /// What may be done.
    pub const IAM: Self = Self { name: "IAM", signing: "iam", variable: "IAM" };
}
