//! Buildspec files, version 0.2 (<https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html>), and what
//! CodeBuild offers them: images, runtimes, machines.

pub mod images;
