//! The file formats of build services as typed models with positions: read by `generate`, `lint` and the local runner
//! alike. Nothing here opens a file or talks to a service.

pub mod buildspec;
pub mod compose;
pub mod dockerfile;
pub mod gitlab_ci;
pub mod kubernetes;
pub mod source;
pub mod variables;
pub mod yaml;

pub use source::{Position, Source, Unreadable};
