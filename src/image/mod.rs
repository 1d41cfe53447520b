//! Images for several platforms: joining them under one name, and looking into them.

mod budget;
pub mod index;
pub mod inspect;
mod location;
mod source;

pub use location::ImageLocation;
pub use source::{ReadError, Source};
