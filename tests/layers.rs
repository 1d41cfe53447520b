//! The structure holds: arrows point down, modules have no circles, lists are complete, files and functions stay short
//! (DESIGN §2 and §8).
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "layers/imports.rs"]
mod imports;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use imports::{Modules, code_of};

/// The modules, lowest layer first. Modules of one layer do not import each other; `fs` is a layer of its own, since the rest
/// of DESIGN's layer 1 reads and writes through it.
const LAYERS: &[&[&str]] = &[
    &["model", "report", "text"],
    &["fs"],
    &["host", "net", "archive", "store", "format", "sandbox"],
    &["aws"],
    &["ingest", "oci", "project", "codebuild", "local_build"],
    &["toolchain"],
    &["provision", "generate", "lint", "image", "image_audit"],
    &["mirror"],
    &["cli"],
];

/// The most methods that `trait Toolchain` may have.
const MOST_METHODS: usize = 10;
/// The most lines of a file in `src/`, its unit tests included.
const LONGEST_FILE: usize = 500;
/// The most lines of a function outside of tests.
const LONGEST_FUNCTION: usize = 70;

#[test]
fn arrows_point_down() {
    let mut upward = Vec::new();
    for (from, to, file) in modules().imports() {
        let (Some(source), Some(target)) = (from.first(), to.first()) else { continue };
        let Some(layer) = layer_of(source) else { continue }; // lib.rs and main.rs name everything
        let below = layer_of(target).unwrap_or_else(|| panic!("{}: no layer for module `{target}`", file.display()));
        if source != target && below >= layer {
            upward.push(format!("{}: {source} imports {target}", file.display()));
        }
    }
    assert!(upward.is_empty(), "upward arrows:\n{}", upward.join("\n"));
}

#[test]
fn no_module_has_a_circle_inside() {
    // For each module, which of its children imports which: a child is a file or a folder directly in it.
    let mut graphs: BTreeMap<Vec<String>, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
    for (from, to, _) in modules().imports() {
        let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
        // A parent and its own descendant are no circle: the parent's file is the face of the module.
        if let (Some(source), Some(target)) = (from.get(shared), to.get(shared)) {
            let graph = graphs.entry(from[..shared].to_vec()).or_default();
            graph.entry(source.clone()).or_default().insert(target.clone());
        }
    }
    let circles: Vec<String> = graphs
        .iter()
        .filter_map(|(module, graph)| circle(graph).map(|circle| format!("{}: {circle}", module.join("::"))))
        .collect();
    assert!(circles.is_empty(), "circles:\n{}", circles.join("\n"));
}

#[test]
fn every_module_has_a_layer() {
    for entry in fs::read_dir(source()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        assert!(matches!(name, "lib" | "main") || layer_of(name).is_some(), "`{name}` has no layer");
    }
}

#[test]
fn every_toolchain_is_listed() {
    assert_listed("toolchain", &["mod", "shared", "custom"]);
}

#[test]
fn every_generator_is_listed() {
    let shared = ["mod", "error", "images", "install", "pinned", "portable", "project", "shell", "stamp", "step"];
    assert_listed("generate", &shared);
}

#[test]
fn every_rule_is_listed() {
    let listed: BTreeSet<String> = toolkit::lint::rules().into_iter().map(|rule| rule.id.to_owned()).collect();
    let mut written = BTreeSet::new();
    for file in rust_files(&source().join("lint")) {
        let text = fs::read_to_string(file).unwrap();
        let ids = text.lines().filter_map(|line| line.trim_start().strip_prefix("id: \"")?.split('"').next());
        written.extend(ids.map(str::to_owned));
    }
    assert!(!written.is_empty(), "no rule was found");
    assert_eq!(listed, written);
}

#[test]
fn the_trait_of_toolchains_stays_small() {
    let text = fs::read_to_string(source().join("toolchain/mod.rs")).unwrap();
    let (_, rest) = text.split_once("pub trait Toolchain").unwrap();
    let (body, _) = rest.split_once("\n}\n").unwrap();
    let methods: Vec<&str> = body
        .lines()
        .map(str::trim_start)
        .filter_map(|line| line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn "))
        .map(|line| line.split('(').next().unwrap())
        .collect();
    assert!(methods.contains(&"choose"), "the methods were not found: {methods:?}");
    assert!(methods.len() <= MOST_METHODS, "{} methods: {methods:?}", methods.len());
}

#[test]
fn files_and_functions_stay_short() {
    let mut long = Vec::new();
    for file in rust_files(&source()) {
        let text = fs::read_to_string(&file).unwrap();
        let lines = text.lines().count();
        if lines > LONGEST_FILE {
            long.push(format!("{}: {lines} lines", file.display()));
        }
        if file.file_name().is_none_or(|name| name != "tests.rs")
            && !file.components().any(|c| c.as_os_str() == "tests")
        {
            long.extend(long_functions(code_of(&text)).map(|found| format!("{}: {found}", file.display())));
        }
    }
    assert!(long.is_empty(), "too long:\n{}", long.join("\n"));
}

#[test]
fn the_reader_of_functions_counts_their_lines() {
    let long =
        format!("    pub fn long() {{\n{}    }}\nfn short() {{\n}}\n", "        x();\n".repeat(LONGEST_FUNCTION));
    assert_eq!(long_functions(&long).collect::<Vec<_>>(), ["`pub fn long() {` has 72 lines"]);
}

/// Names a circle in a graph of imports, if there is one: `a -> b -> a`.
fn circle(graph: &BTreeMap<String, BTreeSet<String>>) -> Option<String> {
    fn visit<'g>(
        node: &'g str,
        graph: &'g BTreeMap<String, BTreeSet<String>>,
        path: &mut Vec<&'g str>,
        done: &mut BTreeSet<&'g str>,
    ) -> Option<String> {
        if let Some(start) = path.iter().position(|seen| *seen == node) {
            return Some(path[start..].iter().chain([&node]).copied().collect::<Vec<_>>().join(" -> "));
        }
        if !done.insert(node) {
            return None;
        }
        path.push(node);
        let found = graph.get(node).into_iter().flatten().find_map(|next| visit(next, graph, path, done));
        path.pop();
        found
    }
    let mut done = BTreeSet::new();
    graph.keys().find_map(|node| visit(node, graph, &mut Vec::new(), &mut done))
}

#[test]
fn a_circle_is_found_and_a_diamond_is_none() {
    let graph = |edges: &[(&str, &str)]| {
        let mut graph: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (from, to) in edges {
            graph.entry((*from).to_owned()).or_default().insert((*to).to_owned());
        }
        graph
    };
    assert_eq!(circle(&graph(&[("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")])), None);
    assert_eq!(circle(&graph(&[("a", "b"), ("b", "c"), ("c", "b")])).as_deref(), Some("b -> c -> b"));
}

/// Checks that every file and folder of a module stands in its list, but for those that are `shared`.
fn assert_listed(module: &str, shared: &[&str]) {
    let folder = source().join(module);
    let text = fs::read_to_string(folder.join("mod.rs")).unwrap();
    let list = text.split_once(" ALL: ").unwrap().1.split_once(';').unwrap().0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if !shared.contains(&name.as_str()) {
            assert!(list.contains(&format!("{name}::")), "src/{module}/{name} is not in ALL");
        }
    }
}

/// Describes each function of more lines than [`LONGEST_FUNCTION`], from its `fn` to the brace that closes it.
fn long_functions(code: &str) -> impl Iterator<Item = String> {
    let mut found = Vec::new();
    let mut open: Option<(usize, usize, &str)> = None;
    for (number, line) in code.lines().enumerate() {
        let indent = line.len() - line.trim_start().len();
        if is_function(line.trim_start()) {
            open = Some((number, indent, line.trim()));
        } else if let Some((start, depth, name)) = open
            && indent == depth
            && line.trim_start().starts_with('}')
        {
            let lines = number + 1 - start;
            if lines > LONGEST_FUNCTION {
                found.push(format!("`{name}` has {lines} lines"));
            }
            open = None;
        }
    }
    found.into_iter()
}

fn is_function(line: &str) -> bool {
    let visible = line.strip_prefix("pub").map_or(line, |rest| match rest.strip_prefix('(') {
        Some(scope) => scope.split_once(") ").map_or(rest, |(_, code)| code),
        None => rest.trim_start(),
    });
    ["const ", "async ", "unsafe "]
        .iter()
        .fold(visible, |code, word| code.strip_prefix(word).unwrap_or(code))
        .starts_with("fn ")
}

fn modules() -> Modules {
    Modules::read(&source(), &rust_files(&source()))
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

fn layer_of(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}
