//! Images for several platforms: joining them under one name, and looking into them.

pub mod index;
pub mod inspect;
mod source;

pub use source::{Source, Unread};
