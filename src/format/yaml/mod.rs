//! YAML as a tree that remembers where everything stands, and as text that people would have written. The only room
//! that names a YAML crate.

mod meaning;
mod read;
mod words;
mod write;

pub use read::{Comment, Entry, Error, Node, Style, Tree, parse};
pub use words::{Fault, Refusal, libyaml_refuses};
pub use write::{Element, Flow, Line, Map, Out, agrees, scalar};
