//! `toolkit` provisions build environments: it resolves release channels of SDKs, locks them for every platform, and
//! installs them with every byte verified.
//!
//! A module imports only modules on lower layers (`tests/layers.rs` checks that). Start reading at
//! `provision`, the story from a request to a directory on `PATH`.

// layer 0
pub mod model;
pub mod report;
pub mod text;
// layer 1, and `fs` below the rest of it
pub mod archive;
pub mod format;
pub mod fs;
pub mod host;
pub mod net;
pub mod sandbox;
pub mod store;
// layer 2
pub mod aws;
// layer 3
pub mod codebuild;
pub mod ingest;
pub mod local_build;
pub mod oci;
pub mod project;
// layer 4
pub mod toolchain;
// layer 5
pub mod generate;
pub mod image;
pub mod image_audit;
pub mod lint;
pub mod provision;
// layer 6
pub mod mirror;
// layer 7
pub mod cli;
