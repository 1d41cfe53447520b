//! The files of a project and of the folders below it, as far as people put project files there.

use std::fs;
use std::path::Path;

/// The most folders that are looked into.
const MOST_FOLDERS: usize = 5000;

/// Folders with third-party files or build output.
const SKIPPED: &[&str] = &["node_modules", "target", "vendor", "bin", "obj", "artifacts"];

/// Lists the files in `folder` and at most `deepest` folders below it, as relative paths with `/`, sorted. Follows no link,
/// and looks into no hidden folder.
pub(super) fn files_below(folder: &Path, deepest: usize) -> Vec<String> {
    let (mut found, mut open, mut seen) = (Vec::new(), vec![(folder.to_owned(), String::new(), 0)], 0);
    while let Some((folder, prefix, depth)) = open.pop() {
        seen += 1;
        if seen > MOST_FOLDERS {
            break;
        }
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let (Ok(name), Ok(kind)) = (entry.file_name().into_string(), entry.file_type()) else { continue };
            let path = format!("{prefix}{name}");
            if !kind.is_dir() {
                found.push(path);
            } else if depth < deepest && !name.starts_with('.') && !SKIPPED.contains(&name.as_str()) {
                open.push((entry.path(), format!("{path}/"), depth + 1));
            }
        }
    }
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_hidden_folders_and_what_is_deeper_are_left_out() {
        let world = tempfile::tempdir().unwrap();
        for file in ["a", "x/b", "x/y/c", "x/y/z/d", ".git/e", "node_modules/f", "x/obj/g", ".config"] {
            let path = world.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        assert_eq!(files_below(world.path(), 2), [".config", "a", "x/b", "x/y/c"]);
    }
}
