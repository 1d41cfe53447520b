//! The file formats of build services as typed models with positions, shared by `generate`, `lint` and the local
//! runner. Opens no file and contacts no service.

pub mod buildspec;
pub mod compose;
pub mod dockerfile;
pub mod gitlab_ci;
pub mod kubernetes;
pub mod source;
pub mod variables;
pub mod yaml;

pub use source::{Position, Source, Unreadable};
