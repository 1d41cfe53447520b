//! `toolkit` provisions build environments: it resolves release channels of SDKs, locks them for every platform, and
//! installs them with every byte verified.
//!
//! The rooms stand on floors; a room uses only rooms below it (`tests/layers.rs` checks that). Start reading at
//! `provision`, the story from a request to a directory on `PATH`.

// floor 0
pub mod model;
pub mod report;
// floor 1
pub mod archive;
pub mod format;
pub mod host;
pub mod net;
pub mod sandbox;
pub mod store;
// floor 2
pub mod aws;
// floor 3
pub mod codebuild;
pub mod ingest;
pub mod oci;
pub mod project;
// floor 4
pub mod toolchain;
// floor 5
pub mod generate;
pub mod image;
pub mod lint;
pub mod provision;
// floor 6
pub mod mirror;
// floor 7
pub mod cli;
