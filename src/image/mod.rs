//! Images for several platforms: joining them under one name, and looking into them.

pub mod index;
mod source;

pub use source::{Source, Unread};
