//! The examples in `buildspecs/` are what the generators write, byte for byte.
//! `UPDATE_EXAMPLES=1 cargo test --test it examples` writes them anew.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use toolkit::generate::{self, Project, State, ToolSpec, stamped, state};
use toolkit::project::{Lock, Manifest, Root};
use toolkit::provision::ToolRequest;

fn examples() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("buildspecs");
    let entries = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path());
    let mut folders: Vec<_> = entries.filter(|path| path.join("toolkit.toml").is_file()).collect();
    folders.sort();
    folders
}

/// Makes every file of every target that the example can have, each with its path in the example.
fn generated(folder: &Path) -> Vec<(PathBuf, String)> {
    let root = Root::at(folder);
    let manifest = Manifest::read(&root).unwrap().unwrap();
    let lock = Lock::read(&root).unwrap();
    let asked = toolkit::provision::project(&root, Some(&manifest)).unwrap().requests;
    let pairs = lock.as_ref().map_or_else(|| vec![None; asked.len()], |lock| toolkit::provision::pair(&asked, lock));
    let spec = |(asked, locked): (ToolRequest, _)| ToolSpec { toolchain: asked.tool, settings: asked.settings, locked };
    let wanted = asked.into_iter().zip(pairs).map(spec).collect();
    let project = Project::new(&manifest, lock.as_ref(), wanted, folder).unwrap();
    let mut files = Vec::new();
    for target in generate::ALL {
        let Ok(outputs) = target.generate(&project) else { continue };
        // An example has a target when it has the target's first file.
        if outputs.first().is_some_and(|first| folder.join(&first.path).is_file()) {
            files.extend(outputs.into_iter().map(|output| {
                let text = stamped(target.name(), &output.body, output.comments);
                (output.path, text)
            }));
        }
    }
    files
}

/// Lists the files below a folder that bear the generators' stamp.
fn stamped_files(folder: &Path, root: &Path, found: &mut BTreeSet<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            stamped_files(&path, root, found);
        } else if fs::read_to_string(&path).is_ok_and(|text| state(&text) != State::Foreign) {
            found.insert(path.strip_prefix(root).unwrap().to_owned());
        }
    }
}

#[test]
fn the_examples_are_what_the_generators_write() {
    let update = std::env::var_os("UPDATE_EXAMPLES").is_some();
    let folders = examples();
    assert!(folders.len() >= 5, "{folders:?}");
    for folder in folders {
        let files = generated(&folder);
        assert!(!files.is_empty(), "{}: no target writes a file that is here", folder.display());
        for (path, text) in &files {
            let path = folder.join(path);
            if update {
                fs::write(&path, text).unwrap();
            }
            let found = fs::read_to_string(&path).unwrap_or_default();
            assert!(
                found == *text,
                "{} is stale: run the test with UPDATE_EXAMPLES=1\n{}",
                path.display(),
                similar::TextDiff::from_lines(&found, text).unified_diff()
            );
        }
        let mut there = BTreeSet::new();
        stamped_files(&folder, &folder, &mut there);
        let made: BTreeSet<PathBuf> = files.into_iter().map(|(path, _)| path).collect();
        assert_eq!(there, made, "{}: a file is here that nothing writes any more", folder.display());
    }
}

#[test]
fn no_rule_fires_on_a_generated_file() {
    let setting = toolkit::lint::Setting { today: "2026-11-24".parse().unwrap(), schema: None };
    for folder in examples() {
        for (path, text) in generated(&folder) {
            let Some(target) = toolkit::lint::target(&path.display().to_string(), None) else { continue };
            let shown = folder.join(&path).display().to_string();
            let source = toolkit::format::Source::decode(shown.clone(), text.into_bytes()).unwrap();
            let findings = toolkit::lint::check(&source, target, &setting);
            assert!(findings.is_empty(), "{shown}: {findings:?}");
        }
    }
}
