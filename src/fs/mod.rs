//! Files of this machine, touched in one way each.

mod delete;

pub use delete::{delete, make_writable};
