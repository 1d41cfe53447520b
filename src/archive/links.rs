//! Where symbolic links really lead, once all of a tree's links are known.

use std::collections::BTreeMap;

use super::error::{Error, Refusal};
use crate::model::NodeKind;

/// The kernel gives up after this many links in one path (<https://man7.org/linux/man-pages/man7/path_resolution.7.html>).
const HOPS: usize = 40;
/// All steps together, so that entangled links cost a second and not a day.
const STEPS: usize = 5_000_000;

/// Checks that no link leaves the tree, links on the way followed: `a/b -> ..` and `a/c -> b/..` is outside, although
/// `a/b/..` reads like `a`.
///
/// # Errors
/// Names the first link that leads out. Links to nothing and links in circles stay inside and pass.
pub(super) fn check(nodes: &BTreeMap<String, NodeKind>) -> Result<(), Error> {
    let mut steps = STEPS;
    for (path, kind) in nodes {
        if let NodeKind::Link { target } = kind {
            follow(path, target, nodes, &mut steps).map_err(|reason| reason.of(path.as_bytes()))?;
        }
    }
    Ok(())
}

fn follow(path: &str, target: &str, nodes: &BTreeMap<String, NodeKind>, steps: &mut usize) -> Result<(), Refusal> {
    let mut here = super::path::parent(path).to_owned();
    let mut ahead: Vec<&str> = target.split('/').rev().collect();
    let mut hops = 0;
    while let Some(part) = ahead.pop() {
        *steps = steps.checked_sub(1).ok_or(Refusal::Entangled)?;
        match part {
            "" | "." => continue,
            ".." if here.is_empty() => return Err(Refusal::LinkOut { target: target.to_owned() }),
            ".." => {
                here.truncate(super::path::parent(&here).len());
                continue;
            }
            _ => {}
        }
        let before = here.len();
        if before > 0 {
            here.push('/');
        }
        here.push_str(part);
        if let Some(NodeKind::Link { target }) = nodes.get(&here) {
            hops += 1;
            if hops > HOPS {
                return Ok(());
            }
            here.truncate(before);
            ahead.extend(target.split('/').rev());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(links: &[(&str, &str)]) -> bool {
        let link = |target: &str| NodeKind::Link { target: target.to_owned() };
        check(&links.iter().map(|(path, target)| ((*path).to_owned(), link(target))).collect()).is_ok()
    }

    #[test]
    fn links_over_links_are_followed() {
        for (links, inside) in [
            (&[("a/b", ".."), ("a/c", "b/..")][..], false),
            (&[("a/b", ".."), ("a/c", "b/x")], true),
            (&[("s/x/d", "../.."), ("s/x/l", "d/../etc")], false),
            (&[("d", "s/x"), ("l", "d/../..")], true),
            (&[("d", "s/x"), ("l", "d/../../..")], false),
            (&[("a", "b"), ("b", "a")], true),
            (&[("a", "a/a")], true),
            (&[("a", "nowhere/../..")], false),
        ] {
            assert_eq!(outcome(links), inside, "{links:?}");
        }
    }

    #[test]
    fn entangled_links_end() {
        let long = "a/../".repeat(800);
        let links: Vec<_> = (0..2000).map(|i| (format!("l{i}"), format!("{long}l{}", i + 1))).collect();
        let links: Vec<_> = links.iter().map(|(path, target)| (path.as_str(), target.as_str())).collect();
        assert!(!outcome(&links));
    }
}
