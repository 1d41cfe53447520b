//! CodeBuild: builds that are started and followed there.

mod build;
mod find;
mod link;
mod retry;
#[cfg(feature = "aws")]
mod sdk;
#[cfg(feature = "aws")]
mod secrets;
mod service;

pub mod compare;
pub mod follow;
pub mod start;

pub use build::{
    AutoRetry, Batch, Build, BuildKind, Context, Environment, Group, LogLocation, Phase, Project, Status, id_of,
};
pub use find::{Found, find};
pub use link::console;
pub use retry::with_retries;
#[cfg(feature = "aws")]
pub use sdk::connect;
#[cfg(feature = "aws")]
pub use secrets::from_aws;
pub use service::{Cache, LogEvent, LogPage, Page, Service, Start, Variable, VariableKind};
