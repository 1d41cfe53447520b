//! Registries of container images: credentials, the protocol, layouts on disk
//! (<https://github.com/opencontainers/distribution-spec/blob/main/spec.md>).

mod access;
mod challenge;
pub mod credentials;
mod error;
mod manifest;
mod registry;

pub use access::{Access, Actions};
pub use error::Error;
pub use manifest::{ACCEPT, Content, Manifest, digest_of};
pub use registry::Registries;
