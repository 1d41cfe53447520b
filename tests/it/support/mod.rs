//! What several tests need: mirrors, servers that misbehave on command, and worlds to run the command in.

pub mod github;
pub mod image;
pub mod mirror;
pub mod upstream;
pub mod world;
