//! Lists in sentences: `a, b and c`.

use std::fmt::Display;

/// Joins items as in `a`, `a and b`, `a, b and c`; nothing gives an empty text.
pub fn all_of<T: Display>(items: impl IntoIterator<Item = T>) -> String {
    joined(items, "and")
}

/// Joins items as in `a`, `a or b`, `a, b or c`; nothing gives an empty text.
pub fn one_of<T: Display>(items: impl IntoIterator<Item = T>) -> String {
    joined(items, "or")
}

/// Joins items as in `a, b, c`.
pub fn comma_separated<T: Display>(items: impl IntoIterator<Item = T>) -> String {
    let items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    items.join(", ")
}

fn joined<T: Display>(items: impl IntoIterator<Item = T>, word: &str) -> String {
    let items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    match items.as_slice() {
        [] => String::new(),
        [only] => only.clone(),
        [rest @ .., last] => format!("{} {word} {last}", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_read_as_in_a_sentence() {
        for (items, all, one, commas) in [
            (&[][..], "", "", ""),
            (&["a"], "a", "a", "a"),
            (&["a", "b"], "a and b", "a or b", "a, b"),
            (&["a", "b", "c"], "a, b and c", "a, b or c", "a, b, c"),
        ] {
            assert_eq!((all_of(items), one_of(items), comma_separated(items)), (all.into(), one.into(), commas.into()));
        }
    }
}
