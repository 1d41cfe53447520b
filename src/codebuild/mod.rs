//! CodeBuild: builds that run as it would run them.

pub mod local;
