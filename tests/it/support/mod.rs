//! What several tests need: servers that misbehave on command.

pub mod upstream;
