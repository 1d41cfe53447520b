//! Images for several platforms: joining them under one name, looking into them, and finding those that lack one.

pub mod check;
pub mod index;
pub mod inspect;
mod source;

pub use source::{Source, Unread};
