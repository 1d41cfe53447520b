//! Tests of the whole, through the public face: the command and the library.

#![allow(missing_docs, reason = "a test's name is its documentation")]
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test fails by panicking and says why it skips")]

mod archives;
#[cfg(feature = "aws")]
mod build_compare;
#[cfg(feature = "aws")]
mod build_follow;
mod build_local;
#[cfg(feature = "aws")]
mod build_permissions;
#[cfg(feature = "aws")]
mod build_start;
mod cli;
mod credentials;
mod daily;
mod demo;
mod docs;
mod documents;
mod errors;
mod faults;
mod gen_command;
#[path = "gen/dockerfile.rs"]
mod gen_dockerfile;
#[path = "gen/examples.rs"]
mod gen_examples;
#[path = "gen/executed.rs"]
mod gen_executed;
#[path = "gen/injection.rs"]
mod gen_injection;
#[path = "gen/runner.rs"]
mod gen_runner;
mod general;
#[path = "gen/gitlab_hostile.rs"]
mod gitlab_hostile;
#[path = "gen/gitlab_scripts.rs"]
mod gitlab_scripts;
#[path = "gen/gitlab_valid.rs"]
mod gitlab_valid;
mod hostile;
mod image_check;
mod image_index;
mod image_layers;
mod install;
mod kaniko;
mod lint;
mod lock_trust;
mod many;
mod mirror_order;
mod mirror_parse;
mod mirror_sync;
mod podman;
mod project_file;
#[cfg(unix)]
mod projects;
mod real_go;
mod resolve_dotnet;
mod resolve_go;
mod running;
#[cfg(feature = "aws")]
mod s3;
mod shared_store;
mod store;
mod strangers;
mod support;
