//! Finds circular dependencies.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// The names that each name waits for, and where that is written.
pub(super) type Waits<'a> = BTreeMap<&'a str, Vec<(&'a str, Range<usize>)>>;

/// Finds names that wait for each other: where the link that closes the circle is written, and the names along it.
/// Walks the graph once, however many circles there are.
pub(super) fn circle<'a>(waits: &Waits<'a>) -> Option<(Range<usize>, Vec<&'a str>)> {
    let mut done = BTreeSet::new();
    for start in waits.keys() {
        if done.contains(start) {
            continue;
        }
        // A walk without recursion: a graph of thousands of builds in a row must not exhaust the stack.
        let mut path: Vec<(&str, usize)> = vec![(start, 0)];
        let mut on_path = BTreeSet::from([*start]);
        while let Some((name, next)) = path.last().copied() {
            let Some((awaited, place)) = waits.get(name).and_then(|all| all.get(next)) else {
                done.insert(name);
                on_path.remove(name);
                path.pop();
                continue;
            };
            if let Some(last) = path.last_mut() {
                last.1 += 1;
            }
            if on_path.contains(awaited) {
                let names = path.iter().map(|(name, _)| *name).skip_while(|name| name != awaited);
                return Some((place.clone(), names.chain([*awaited]).collect()));
            }
            if !done.contains(awaited) && waits.contains_key(awaited) {
                on_path.insert(awaited);
                path.push((awaited, 0));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_circle_is_found_with_the_names_along_it() {
        for (graph, expected) in [
            (&[("a", "b"), ("b", "c")][..], None),
            (&[("a", "b"), ("b", "a")], Some("a b a")),
            (&[("a", "a")], Some("a a")),
            (&[("a", "b"), ("b", "c"), ("c", "b")], Some("b c b")),
            (&[("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")], None),
            (&[("a", "nobody")], None),
        ] {
            let mut waits: Waits<'_> = BTreeMap::new();
            for (name, awaited) in graph {
                waits.entry(name).or_default().push((awaited, 0..0));
            }
            assert_eq!(circle(&waits).map(|(_, names)| names.join(" ")).as_deref(), expected, "{graph:?}");
        }
    }
}
