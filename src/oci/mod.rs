//! Registries of container images: credentials, the protocol, layouts on disk
//! (<https://github.com/opencontainers/distribution-spec/blob/main/spec.md>).

mod access;
mod address;
mod challenge;
pub mod credentials;
mod error;
mod error_body;
mod layout;
mod manifest;
mod registry;
mod upload;

pub use access::{Access, Actions};
pub use error::Error;
pub use layout::{Layout, LayoutError};
pub use manifest::{ACCEPT, Content, Manifest, digest_of};
pub use registry::Registries;
pub use upload::{Blob, Mount, Session};
