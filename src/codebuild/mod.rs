//! CodeBuild: builds that are started and followed there, and builds that run here as it would run them.

mod build;
#[cfg(feature = "aws")]
mod sdk;
#[cfg(feature = "aws")]
mod secrets;
mod service;

pub mod local;

pub use build::{AutoRetry, Batch, Build, Context, Environment, Group, LogPlace, Phase, Project, Status, id_of};
#[cfg(feature = "aws")]
pub use sdk::connect;
#[cfg(feature = "aws")]
pub use secrets::from_aws;
pub use service::{Cache, LogEvent, LogPage, Page, Service, Start, Variable, VariableKind};
