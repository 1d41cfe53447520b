//! YAML as a tree with the position of everything, and as text that people would have written. The only module that
//! names a YAML crate.

mod fault;
mod interpretation;
mod limits;
mod read;
mod scalar;
mod write;

pub use fault::{Fault, Refusal, libyaml_refuses};
pub use read::{Comment, Entry, Error, Node, Style, Tree, parse};
pub use scalar::scalar;
pub use write::{Element, Flow, Line, Map, Out, agrees};
