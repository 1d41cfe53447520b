//! Reads which module imports which, as text: every path that begins with `crate::` or `super::`, followed through
//! re-exports (`pub use child::Item`) to the file that has the item.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The path of a module below the crate: `["net", "http"]`; the crate itself is empty.
type Name = Vec<String>;

/// Every module with its code.
pub struct Modules(BTreeMap<Name, (PathBuf, String)>);

impl Modules {
    /// Reads `files`, which lie below `source`. Unit tests and comments are left out.
    pub fn read(source: &Path, files: &[PathBuf]) -> Self {
        let named = files.iter().filter(|file| !is_test(file)).map(|file| {
            let mut name: Name = file
                .strip_prefix(source)
                .unwrap()
                .with_extension("")
                .iter()
                .map(|part| part.to_str().unwrap().to_owned())
                .collect();
            name.pop_if(|last| matches!(last.as_str(), "mod" | "lib" | "main"));
            (name, (file.clone(), without_comments(code_of(&fs::read_to_string(file).unwrap()))))
        });
        Self(named.collect())
    }

    /// Lists the imports: from which module, to which, and the file that says so.
    pub fn imports(&self) -> Vec<(Name, Name, PathBuf)> {
        let mut found = Vec::new();
        for (from, (file, code)) in &self.0 {
            for path in paths(code) {
                if let Some(to) = self.absolute(from, &path).map(|path| self.home(&path, 0))
                    && to != *from
                {
                    found.push((from.clone(), to, file.clone()));
                }
            }
        }
        found
    }

    /// Makes a path absolute: `super::x` in `a::b` is `a::x`. None when it leaves the crate.
    fn absolute(&self, from: &Name, path: &[String]) -> Option<Vec<String>> {
        if path[0] == "crate" {
            return Some(path[1..].to_vec());
        }
        let ups = path.iter().take_while(|part| *part == "super").count();
        let mut absolute = from.get(..from.len().checked_sub(ups)?)?.to_vec();
        absolute.extend_from_slice(&path[ups..]);
        Some(absolute)
    }

    /// Finds the module that has what an absolute path names, through at most four re-exports.
    fn home(&self, path: &[String], depth: usize) -> Name {
        let known = (0..=path.len()).rev().map(|end| &path[..end]).find(|name| self.0.contains_key(*name)).unwrap();
        let Some(item) = path.get(known.len()).filter(|_| depth < 4) else { return known.to_vec() };
        for used in uses(&self.0[known].1) {
            // `use child::Item;` in the module's own file, relative to it.
            let child: Name = known.iter().chain(&used).cloned().collect();
            if used.last() == Some(item) && used.len() > 1 && self.0.contains_key(&child[..=known.len()]) {
                return self.home(&child, depth + 1);
            }
        }
        known.to_vec()
    }
}

fn is_test(file: &Path) -> bool {
    file.iter().any(|part| part == "tests" || part == "tests.rs")
}

/// Returns the text before its unit tests.
pub fn code_of(text: &str) -> &str {
    text.split("\n#[cfg(test)]\nmod tests").next().unwrap()
}

fn without_comments(code: &str) -> String {
    let kept = code
        .lines()
        .map(|line| if line.trim_start().starts_with("//") { "" } else { line.split(" // ").next().unwrap() });
    kept.collect::<Vec<_>>().join("\n")
}

/// Lists every path that begins with `crate` or `super`, its groups in braces expanded.
pub fn paths(code: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for start in ["crate::", "super::"] {
        for (at, _) in code.match_indices(start) {
            let before = code[..at].chars().next_back();
            if before.is_none_or(|c| !(c.is_alphanumeric() || c == '_' || c == ':')) {
                expand(&code[at..], &mut Vec::new(), &mut found);
            }
        }
    }
    found
}

/// Lists the paths of `use` lines that are relative to the module itself.
fn uses(code: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("use ") {
        let rest = code[at + 4..].trim_start();
        if !["crate::", "super::", "std::"].iter().any(|start| rest.starts_with(start)) {
            expand(rest, &mut Vec::new(), &mut found);
        }
    }
    found
}

/// Expands `a::{b, c::d}` into `a::b` and `a::c::d`; returns how many bytes it read.
fn expand(text: &str, prefix: &mut Vec<String>, found: &mut Vec<Vec<String>>) -> usize {
    let mut at = 0;
    let depth = prefix.len();
    loop {
        let word: String = text[at..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        if word.is_empty() {
            break;
        }
        at += word.len();
        prefix.push(word);
        if !text[at..].starts_with("::") {
            break;
        }
        at += 2;
    }
    if text[at..].starts_with('{') && text[..at].ends_with("::") || at == 0 && text.starts_with('{') {
        at += 1;
        loop {
            at += text[at..].len() - text[at..].trim_start_matches(|c: char| c.is_whitespace() || c == ',').len();
            if text[at..].starts_with('}') || text[at..].is_empty() {
                at += 1;
                break;
            }
            let read = expand(&text[at..], prefix, found);
            // `*`, `as name`, or anything else up to the next comma.
            at += read;
            at += text[at..].find([',', '}']).unwrap_or(text.len() - at);
        }
    } else if prefix.len() > depth {
        // `self` names the module before it.
        let end = prefix.len() - usize::from(prefix.last().is_some_and(|last| last == "self"));
        found.push(prefix[..end].to_vec());
    }
    prefix.truncate(depth);
    at
}

#[test]
fn the_reader_of_imports_sees_them() {
    let seen = |code: &str| paths(code).iter().map(|path| path.join("::")).collect::<Vec<_>>();
    assert_eq!(seen("use crate::net::{self, Metadata};"), ["crate::net", "crate::net::Metadata"]);
    assert_eq!(seen("let x = crate::store::open(crate::host::read());"), ["crate::store::open", "crate::host::read"]);
    assert_eq!(seen("use crate::{model, report::Report};"), ["crate::model", "crate::report::Report"]);
    assert_eq!(
        seen("use super::super::{a::{B, C}, d};"),
        ["super::super::a::B", "super::super::a::C", "super::super::d"]
    );
    assert_eq!(seen("pub(super) fn f(x: super::X) {}"), ["super::X"]);
    assert_eq!(paths(&without_comments("// use crate::cli")), Vec::<Vec<String>>::new());
}
