//! What several tests need: mirrors, servers that misbehave on command, and worlds to run the command in.

pub mod codebuild;
pub mod front;
pub mod github;
pub mod image;
pub mod layouts;
pub mod mirror;
pub mod moto;
pub mod mounted;
pub mod registry;
pub mod tokens;
pub mod upstream;
pub mod world;
