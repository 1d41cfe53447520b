//! What people meet on an ordinary day beside the main job: files that are damaged, commands that are not there, answers
//! for programs.

use std::fs;

use crate::support::world::World;

#[test]
fn a_refusal_by_the_policy_names_the_release_that_it_refused() {
    let world = World::new();
    world.write("toolkit.toml", "[tools]\ngo = \"1.25\"\n\n[policy]\nunsupported = \"deny\"\n");
    let stderr = world.fails(2, &["lock"]);
    let first = stderr.lines().nth(1).unwrap_or_default();
    assert!(first.trim_start().starts_with("1.25.") && first.contains("end of life"), "{stderr}");
    assert!(stderr.contains(" more\n"), "{stderr}");
}

#[test]
fn a_damaged_lock_is_left_alone_and_the_advice_works() {
    let world = World::new();
    world.write("toolkit.toml", "[tools]\ngo = \"1.26\"\n");
    world.ok(&["lock"]);
    let damaged = world.read("toolkit.lock").replacen("sha256:", "sha256:z", 1);
    world.write("toolkit.lock", &damaged);
    for arguments in [&["lock"][..], &["lock", "--check"], &["install"], &["install", "--locked"]] {
        let stderr = world.fails(2, arguments);
        assert!(stderr.contains("delete it and run `toolkit lock`"), "{arguments:?}: {stderr}");
        assert_eq!(world.read("toolkit.lock"), damaged, "{arguments:?} changed the lock");
    }
    fs::remove_file(world.project().join("toolkit.lock")).unwrap();
    world.ok(&["lock"]);
}

#[test]
fn a_command_that_does_not_start_ends_as_in_a_shell() {
    let world = World::new();
    world.write("toolkit.toml", "[tools]\ngo = \"1.26\"\n");
    world.write("notes.txt", "no program");
    for (code, command, said) in [
        (127, "no-such-command", "could not run `no-such-command`"),
        (127, "./no-such-file", "No such file"),
        (126, "./notes.txt", "Permission denied"),
    ] {
        let stderr = world.fails(code, &["exec", "--", command]);
        assert!(stderr.contains(said) && stderr.contains("hint: `toolkit env`"), "{command}: {stderr}");
    }
    world.fails(7, &["exec", "--", "sh", "-c", "exit 7"]);
}

#[test]
fn what_is_not_installed_is_said_as_such_without_a_word_about_offline() {
    let world = World::new();
    world.write("toolkit.toml", "[tools]\ndotnet = \"lts\"\n");
    for arguments in [&["env"][..], &["which", "dotnet"], &["env", "dotnet@lts"]] {
        let stderr = world.fails(2, arguments);
        assert!(stderr.contains("dotnet lts is not installed") && !stderr.contains("--offline"), "{stderr}");
        assert!(stderr.contains("`toolkit install dotnet@lts`"), "{stderr}");
    }
}

#[test]
fn the_environment_of_bash_and_zsh_is_that_of_sh() {
    let world = World::new();
    world.ok(&["install", "go@1.26"]);
    let sh = world.ok(&["env", "go@1.26", "--format", "sh"]);
    for shell in ["bash", "zsh"] {
        assert_eq!(world.ok(&["env", "go@1.26", "--format", shell]), sh, "{shell}");
    }
}

#[test]
fn verify_and_repair_answer_programs_too() {
    let world = World::new();
    world.ok(&["install", "go@1.26"]);
    assert_eq!(world.json(&["repair", "--json"]), serde_json::json!([]));
    let listed = world.json(&["list", "--json"]);
    let file = std::path::Path::new(listed[0]["root"].as_str().unwrap()).join("bin/go");
    fs::remove_file(&file).unwrap();
    fs::write(&file, "changed").unwrap();
    let repaired = world.json(&["repair", "--json"]);
    assert_eq!(repaired.as_array().unwrap().len(), 1, "{repaired}");
    assert_eq!(repaired[0]["tool"], "go");
    assert_eq!(repaired[0]["differences"][0]["path"], "bin/go");
    let checked = world.json(&["verify", "--json"]);
    assert!(checked.as_array().unwrap().iter().all(|row| row["sound"] == true), "{checked}");
}

#[test]
fn a_project_inside_a_project_is_announced() {
    let world = World::new();
    world.write("toolkit.toml", "[tools]\ngo = \"1.26\"\n");
    fs::create_dir(world.project().join("inner")).unwrap();
    let said = world.run(&["-C", "inner", "init"]).stderr;
    assert!(said.contains("replaces") && said.contains("toolkit.toml for this folder"), "{said}");
}

#[test]
fn a_refused_link_leaves_the_install_and_says_so() {
    let world = World::new();
    world.write("toolkit.toml", "[tools]\ngo = \"1.26\"\n");
    world.write("bin/go", "mine");
    let stderr = world.fails(2, &["install", "--link", "bin"]);
    assert!(
        stderr.contains("hint: no link was created; remove ") && !stderr.contains("nothing was changed"),
        "{stderr}"
    );
    assert_eq!(world.read("bin/go"), "mine");
    assert!(!world.project().join("bin/gofmt").exists(), "some links were made");
    world.ok(&["prune"]);
    assert!(world.ok(&["list"]).contains("1.26."), "prune took what the project's lock names");
}

#[test]
fn platforms_can_be_a_list_with_commas() {
    let world = World::new();
    let both = world.ok(&["resolve", "go@1.26", "--platform", "linux/amd64,linux/arm64"]);
    assert_eq!(both, world.ok(&["resolve", "go@1.26", "--platform", "linux/amd64", "--platform", "linux/arm64"]));
}

#[test]
fn a_fetch_that_could_leave_nothing_useful_is_refused() {
    let world = World::new();
    let listed = world.json(&["resolve", "go@1.26", "--platform", "linux/amd64", "--json"]);
    let artifact = &listed[0]["artifacts"][0];
    let (url, digest) = (artifact["url"].as_str().unwrap(), artifact["digest"].as_str().unwrap());
    let stderr = world.fails(2, &["fetch", url, "--digest", digest, "--unpack", "tree", "--strip", "9"]);
    assert!(stderr.contains("--strip 9 leaves nothing"), "{stderr}");
    assert!(!world.project().join("tree").exists(), "an empty tree was made");
    let stderr = world.fails(2, &["fetch", url, "--digest", digest, "--output", "absent/go.tgz"]);
    assert!(stderr.contains("absent") && stderr.contains("create the folder first"), "{stderr}");
    world.ok(&["fetch", url, "--digest", digest, "--unpack", "tree", "--strip", "1"]);
    assert!(world.project().join("tree/bin/go").exists());
}
