//! Text for people and shells: lists, error chains, escaping for terminals, quoting. One of each, for all modules.

mod chain;
mod escape;
mod excerpt;
mod list;
pub mod shell;

pub use chain::chain;
pub use escape::{escape, escape_except_tabs, escape_json, escape_line, is_unsafe, is_unusual_space};
pub use excerpt::excerpt;
pub use list::{all_of, comma_separated, one_of};
