//! Several projects and one mirror; what is removed from one.

use std::fs;
use std::process::{Child, Stdio};

use super::{INDEX, contents, dest, paths, project, source, use_alone};
use crate::support::world::Run;

const GO: &str = "platforms = [\"linux/amd64\", \"linux/arm64\"]\n[tools]\ngo = \"1.26\"\n";
const DOTNET: &str = "platforms = [\"linux/amd64\", \"linux/arm64\"]\n[tools]\ndotnet = \"10.0\"\n";

#[test]
fn syncs_of_several_projects_side_by_side_all_survive() {
    let (source, folder) = (source(), tempfile::tempdir().unwrap());
    let tools = ["go = \"1.26\"", "go = \"1.27\"", "dotnet = \"10.0\"", "dotnet = \"8.0\"", "kaniko = \"1\""];
    let worlds = tools.map(|tool| project(source.path(), &format!("[tools]\n{tool}\n")));
    for round in 0..3 {
        let name = folder.path().join(round.to_string()).display().to_string();
        let children: Vec<Child> = worlds
            .iter()
            .map(|world| {
                let mut command = world.command(&["mirror", "sync", &name]);
                command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
            })
            .collect();
        for child in children {
            let run = Run::of(&child.wait_with_output().unwrap());
            assert_eq!(run.code, Some(0), "{}", run.stderr);
        }
        for world in &worlds {
            world.ok(&["mirror", "check", &name]);
            world.ok(&["mirror", "sync", &name]);
        }
    }
}

#[test]
fn pruning_shows_and_removes_what_only_the_index_names() {
    let (source, folder) = (source(), tempfile::tempdir().unwrap());
    let world = project(source.path(), "[tools]\ngo = \"1.26.0\"\n");
    let (mirror, name) = dest(&folder);
    world.ok(&["mirror", "sync", &name]);
    fs::write(mirror.join("go.dev/dl/mine"), "x").unwrap();
    world.write("toolkit.toml", "[tools]\ngo = \"1.26\"\n");
    world.ok(&["lock"]);
    world.ok(&["mirror", "sync", &name]);
    let both = contents(&mirror);
    // With an exact version that is behind goes the history, which tells whether security fixes are among the newer ones.
    let is_old = |path: &&String| path.contains("go1.26.0.") || path.ends_with("/doc/devel/release");
    let old: Vec<String> = both.keys().filter(is_old).cloned().collect();
    assert_eq!(old.len(), 3, "{:?}", both.keys());

    let run = world.run(&["mirror", "sync", &name, "--prune", "--dry-run"]);
    assert_eq!(run.code, Some(0));
    for path in &old {
        assert!(run.stderr.contains(&format!("would remove {path} (")), "{}", run.stderr);
    }
    assert_eq!(contents(&mirror), both);
    let done = world.json(&["mirror", "sync", &name, "--prune", "--json"]);
    assert_eq!(paths(&done["removed"]), old);
    let after = contents(&mirror);
    let expected: Vec<&String> = both.keys().filter(|path| !old.contains(path)).collect();
    assert_eq!(after.keys().collect::<Vec<_>>(), expected, "what no index names stays");
    let run = world.run(&["mirror", "check", &name]);
    assert!(run.code == Some(0) && run.stderr.contains("1 more file ("), "{run:?}");
}

#[test]
fn a_prune_that_was_interrupted_is_ended_by_the_next() {
    let (source, folder) = (source(), tempfile::tempdir().unwrap());
    let world = project(source.path(), DOTNET);
    let (mirror, name) = dest(&folder);
    world.ok(&["mirror", "sync", &name]);
    let dotnet = contents(&mirror);
    world.write("toolkit.toml", GO);
    world.ok(&["lock"]);
    // A folder in the place of a file cannot be removed as one.
    let stuck = dotnet.keys().find(|path| path.ends_with("linux-x64.tar.gz")).unwrap();
    fs::remove_file(mirror.join(stuck)).unwrap();
    fs::create_dir(mirror.join(stuck)).unwrap();
    let stderr = world.fails(5, &["mirror", "sync", &name, "--prune"]);
    assert!(stderr.contains("could not be removed") && stderr.contains("the next `--prune` removes them"), "{stderr}");
    world.ok(&["mirror", "check", &name]);
    world.ok(&["mirror", "sync", &name]);
    fs::remove_dir(mirror.join(stuck)).unwrap();
    fs::write(mirror.join(stuck), "x").unwrap();
    let foreseen = world.json(&["mirror", "sync", &name, "--prune", "--dry-run", "--json"]);
    let removed = world.json(&["mirror", "sync", &name, "--prune", "--json"]);
    assert_eq!(foreseen["removed"], removed["removed"]);
    assert!(paths(&removed["removed"]).contains(stuck), "{removed}");
    assert!(contents(&mirror).keys().all(|path| path == INDEX || path.starts_with("go.dev/")));
    assert!(!fs::read_to_string(mirror.join(INDEX)).unwrap().contains("removed"));
}

#[test]
fn pruning_keeps_what_other_locks_name_when_it_is_told_of_them() {
    let (source, folder) = (source(), tempfile::tempdir().unwrap());
    let (go, dotnet) = (project(source.path(), GO), project(source.path(), DOTNET));
    let (mirror, name) = dest(&folder);
    for world in [&go, &dotnet] {
        world.ok(&["mirror", "sync", &name]);
    }
    let both = contents(&mirror);
    let other = dotnet.project().display().to_string();
    go.ok(&["mirror", "sync", &name, "--prune", "--keep", &other]);
    assert_eq!(contents(&mirror), both);
    use_alone_of(&dotnet, &name);
    go.ok(&["mirror", "sync", &name, "--prune"]);
    assert!(contents(&mirror).keys().all(|path| path == INDEX || path.starts_with("go.dev/")), "nobody asked for .NET");
    assert_eq!(dotnet.run(&["mirror", "check", &name]).code, Some(1));
    assert!(go.fails(2, &["mirror", "sync", &name, "--keep", &other]).contains("--prune"));
    assert!(go.fails(2, &["mirror", "sync", &name, "--prune", "--keep", "nowhere"]).contains("no toolkit.lock"));
}

fn use_alone_of(world: &crate::support::world::World, name: &str) {
    let proxy = crate::support::upstream::Upstream::new();
    let other = super::elsewhere(world, name, &proxy);
    other.ok(&["install", "--locked"]);
    other.ok(&["lock", "--upgrade"]);
    assert_eq!(proxy.connections(), 0);
}

#[test]
fn a_mirror_is_copied_from_another_one() {
    let (source, folder) = (source(), tempfile::tempdir().unwrap());
    let world = project(source.path(), super::PROJECT);
    let (first, second) = (folder.path().join("first"), folder.path().join("second"));
    world.ok(&["mirror", "sync", first.to_str().unwrap()]);
    drop(source);
    let world = world.with("TOOLKIT_MIRROR", "");
    world.ok(&["mirror", "sync", second.to_str().unwrap(), "--mirror", first.to_str().unwrap()]);
    assert_eq!(contents(&first), contents(&second));
    use_alone(&world, second.to_str().unwrap());
}
