//! Arrows point down: a room in `src/` uses only rooms on lower floors (DESIGN: the rooms).
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

/// The rooms, ground floor first. Rooms of one floor do not use each other.
const FLOORS: &[&[&str]] = &[
    &["model", "report"],
    &["host", "net", "archive", "store", "format", "sandbox"],
    &["aws"],
    &["ingest", "oci", "project", "codebuild"],
    &["toolchain"],
    &["provision", "generate", "lint", "image"],
    &["mirror"],
    &["cli"],
];

#[test]
fn arrows_point_down() {
    let mut upward = Vec::new();
    for file in rust_files(&source()) {
        let room = room_of(&file);
        let Some(floor) = floor_of(&room) else {
            continue; // lib.rs and main.rs name everything
        };
        let text = fs::read_to_string(&file).unwrap();
        for (number, line) in text.lines().enumerate() {
            for used in rooms_used(line) {
                let target =
                    floor_of(&used).unwrap_or_else(|| panic!("{}: no floor for room `{used}`", file.display()));
                if used != room && target >= floor {
                    upward.push(format!("{}:{}: {room} uses {used}", file.display(), number + 1));
                }
            }
        }
    }
    assert!(upward.is_empty(), "upward arrows:\n{}", upward.join("\n"));
}

#[test]
fn every_room_has_a_floor() {
    for entry in fs::read_dir(source()).unwrap() {
        let room = room_of(&entry.unwrap().path());
        assert!(matches!(room.as_str(), "lib" | "main") || floor_of(&room).is_some(), "`{room}` stands on no floor");
    }
}

#[test]
fn every_toolchain_is_listed() {
    assert_listed("toolchain", &["mod", "newest", "error", "setting", "general", "github", "semantic", "sums"]);
}

#[test]
fn every_generator_is_listed() {
    let shared = ["mod", "error", "images", "install", "pinned", "pipeline", "portable", "project", "shell", "stamp"];
    assert_listed("generate", &shared);
}

/// Checks that every file and folder of a room stands in its list, but for those that are `shared`.
fn assert_listed(room: &str, shared: &[&str]) {
    let folder = source().join(room);
    let text = fs::read_to_string(folder.join("mod.rs")).unwrap();
    let list = text.split_once("pub const ALL").unwrap().1.split_once(';').unwrap().0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if !shared.contains(&name.as_str()) {
            assert!(list.contains(&format!("{name}::")), "src/{room}/{name} is not in ALL");
        }
    }
}

#[test]
fn the_reader_of_arrows_sees_them() {
    assert_eq!(rooms_used("use crate::net::{self, Metadata};"), ["net"]);
    assert_eq!(rooms_used("    let x = crate::store::open(crate::host::read());"), ["store", "host"]);
    assert_eq!(rooms_used("use crate::{model, report::Report};"), ["model", "report"]);
    assert_eq!(rooms_used("// use crate::cli"), Vec::<String>::new());
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

/// Gives the first part of the path below `src/`, without `.rs`.
fn room_of(file: &Path) -> String {
    let first = file.strip_prefix(source()).unwrap().components().next().unwrap();
    first.as_os_str().to_str().unwrap().trim_end_matches(".rs").to_owned()
}

fn floor_of(room: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&room))
}

/// Names the rooms after each `crate::`, groups in braces included.
fn rooms_used(line: &str) -> Vec<String> {
    let code = line.split("//").next().unwrap();
    let mut rooms = Vec::new();
    for part in code.split("crate::").skip(1) {
        let names = part.strip_prefix('{').map_or_else(|| vec![part], |group| top_level(group));
        rooms.extend(names.iter().map(|name| {
            name.trim().chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect::<String>()
        }));
    }
    rooms
}

/// Splits `model, report::{A, B}}` at the commas of its own level.
fn top_level(group: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0usize, 0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                parts.push(&group[start..at]);
                return parts;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&group[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&group[start..]);
    parts
}
