//! A lock that somebody changed: what finds it, and that nothing of it is believed.
#![cfg(unix)]

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::world::{World, fixture_mirror};

const LOCKED: &str = "platforms = [\"linux/amd64\", \"linux/arm64\"]\n[tools]\n";

fn locked(tools: &str) -> (World, String) {
    let world = World::new();
    world.write("toolkit.toml", &format!("{LOCKED}{tools}"));
    world.ok(&["lock"]);
    let lock = world.read("toolkit.lock");
    (world, lock)
}

/// Replaces the value of every line with a key.
fn with(lock: &str, key: &str, value: &str) -> String {
    let line = |line: &str| match line.split_once(" = ") {
        Some((found, _)) if found == key => format!("{key} = {value}\n"),
        _ => format!("{line}\n"),
    };
    let changed: String = lock.lines().map(line).collect();
    assert_ne!(changed, lock, "{key}");
    changed
}

#[test]
fn what_a_tool_would_not_have_locked_is_found_without_a_connection_and_never_installed() {
    let (world, good) = locked("go = \"1.26\"\n");
    let no_mirror = world.project().join("nothing");
    for (key, value, said) in [
        (
            "url",
            "\"https://evil.example/go.tar.gz\"",
            "its URL is `https://evil.example/go.tar.gz`, expected `https://go.dev",
        ),
        ("url", "\"https://go.dev/dl/../../x\"", "its URL is `https://go.dev/x`"),
        ("url", "\"https://go.dev:8443/dl/go.tar.gz\"", "expected `https://go.dev/dl/go1.26"),
        ("url", "\"file:///tmp/go.tar.gz\"", "only https URLs"),
        ("url", "\"http://127.0.0.1:9/x.tar.gz\"", "only https URLs"),
        ("url", "\"http://go.dev/dl/go.tar.gz\"", "only https URLs"),
        ("proof", "\"signature\"", "signature of go.dev, expected checksum by go.dev"),
        ("proven-by", "\"sum.golang.org\"", "expected checksum by go.dev"),
        ("format", "\"zip\"", "the format of go1.26"),
        ("strip", "0", "strip of go1.26"),
        ("digest", &format!("\"sha512:{}\"", "ab".repeat(64)), "is pinned by its sha512, expected its sha256"),
    ] {
        let changed = with(&good, key, value);
        world.write("toolkit.lock", &changed);
        let offline = ["--mirror", no_mirror.to_str().unwrap(), "--offline"];
        let run = world.run(&[&["lock", "--check"][..], &offline[..]].concat());
        assert!(run.code == Some(1) && run.stdout.contains(said), "{key} = {value}: {run:?}");
        let stderr = world.fails(4, &["install", "--locked"]);
        assert!(stderr.contains(said) && stderr.contains("git log -p toolkit.lock"), "{key} = {value}: {stderr}");
        assert!(world.store_listing().is_empty(), "{key} = {value}");
        assert_eq!(world.read("toolkit.lock"), changed, "{key} = {value}: the lock was changed");
        let run = world.run(&["lock"]);
        assert!(run.code == Some(0) && run.stderr.contains("resolved again"), "{key} = {value}: {run:?}");
        assert_eq!(world.read("toolkit.lock"), good, "{key} = {value}");
    }
}

#[test]
fn an_archive_of_another_release_platform_or_component_is_not_the_one_that_a_tool_locks() {
    let (world, good) = locked("dotnet = \"8.0\"\n");
    for (from, to) in [
        ("linux-x64.tar.gz", "linux-arm64.tar.gz"),
        ("linux-arm64.tar.gz", "linux-musl-arm64.tar.gz"),
        ("/dotnet/Sdk/8.", "/dotnet/Sdk/6."),
        ("/dotnet/Sdk/", "/dotnet/aspnetcore/Runtime/"),
        ("builds.dotnet.microsoft.com", "download.visualstudio.microsoft.com"),
        ("tar.gz\"", "tar.gz?x=1\""),
    ] {
        let changed = good.replace(from, to);
        assert_ne!(changed, good, "{from}");
        world.write("toolkit.lock", &changed);
        let run = world.run(&["lock", "--check"]);
        assert!(run.code == Some(1) && run.stdout.contains("is not what toolkit writes"), "{to}: {run:?}");
    }
}

#[test]
fn generated_files_and_mirrors_take_nothing_from_a_lock_that_somebody_changed() {
    let (world, good) = locked("go = \"1.26\"\n[pipeline]\nname = \"shop\"\n");
    world.write("toolkit.lock", &with(&good, "url", "\"https://evil.example/go.tar.gz\""));
    for arguments in
        [&["gen", "buildspec", "--stdout"][..], &["mirror", "sync", "to"], &["gen", "dockerfile", "--stdout"]]
    {
        let run = world.run(arguments);
        assert!(run.code == Some(4) && run.stderr.contains("evil.example"), "{arguments:?}: {run:?}");
        assert!(!run.stdout.contains("evil.example"), "{arguments:?}: {run:?}");
    }
    assert!(!world.project().join("to/evil.example").exists());
}

/// Writes into an install as somebody does who can write to a CI cache: a file, the list of files and the receipt fit
/// together afterwards.
fn forge(world: &World, tool: &str, path: &str, text: &str) -> PathBuf {
    let installs = world.store().join("installs").join(tool);
    let install = fs::read_dir(installs).unwrap().next().unwrap().unwrap().path();
    let file = install.join("tree").join(path);
    fs::remove_file(&file).unwrap();
    fs::write(&file, text).unwrap();
    fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    reseal(&install, path, text);
    file
}

/// Makes the list of files and the receipt of a folder of the store fit a file.
fn reseal(folder: &Path, path: &str, text: &str) {
    let digest = blake3::hash(text.as_bytes()).to_hex().to_string();
    let list = fs::read_to_string(folder.join("files")).unwrap();
    let line = |line: &str| match line.split('\t').collect::<Vec<_>>().as_slice() {
        ["f", mode, _, _, found] if *found == path => format!("f\t{mode}\t{}\t{digest}\t{path}\n", text.len()),
        _ => format!("{line}\n"),
    };
    let forged: String = list.lines().map(line).collect();
    assert_ne!(forged, list, "{path} is not in the list");
    fs::write(folder.join("files"), &forged).unwrap();
    let receipt: serde_json::Value = serde_json::from_slice(&fs::read(folder.join("receipt.json")).unwrap()).unwrap();
    let mut receipt = receipt;
    receipt["files"] = blake3::hash(forged.as_bytes()).to_hex().to_string().into();
    fs::write(folder.join("receipt.json"), receipt.to_string()).unwrap();
}

const FORGED: &str = "#!/bin/sh\necho FORGED\n";

#[test]
fn a_cache_that_was_forged_as_a_whole_does_not_run_where_the_lock_pins_its_files() {
    let (world, plain) = locked("go = \"1.26\"\n");
    world.ok(&["lock", "--trees"]);
    let pinned = world.read("toolkit.lock");
    assert!(pinned.contains("\nversion = 2\n") && pinned.matches(" = \"blake3:").count() == 2, "{pinned}");
    assert!(pinned.starts_with(&plain.replace("\nversion = 1\n", "\nversion = 2\n")), "{pinned}");
    world.ok(&["lock", "--check"]);
    world.ok(&["install", "--locked"]);
    assert!(world.ok(&["verify"]).contains("as pinned in toolkit.lock"));
    forge(&world, "go", "bin/go", FORGED);
    for arguments in [&["install", "--locked"][..], &["exec", "--", "go", "version"], &["env"], &["install"]] {
        let run = world.run(arguments);
        assert!(run.code == Some(4) && run.stderr.contains("toolkit.lock pins"), "{arguments:?}: {run:?}");
        assert!(!run.stdout.contains("FORGED"), "{arguments:?}: {run:?}");
    }
    let run = world.run(&["verify"]);
    assert!(run.code == Some(1) && run.stdout.contains("somebody may have forged it"), "{run:?}");
    world.ok(&["repair"]);
    assert!(world.ok(&["exec", "--", "go", "version"]).contains("go1.26"));
    world.ok(&["verify"]);
    assert_eq!(world.read("toolkit.lock"), pinned);
}

#[test]
fn without_pins_verify_says_what_it_does_not_prove_and_the_archive_tells() {
    let (world, _) = locked("go = \"1.26\"\n");
    world.ok(&["install", "--locked"]);
    assert!(!world.read("toolkit.lock").contains("blake3"), "--locked wrote the lock");
    forge(&world, "go", "bin/gofmt", FORGED);
    let run = world.run(&["verify"]);
    assert!(run.code == Some(0) && run.stderr.contains("finds damage and no forgery"), "{run:?}");
    let before = world.store_listing();
    let run = world.run(&["verify", "--fetch", "--json"]);
    let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(run.code, Some(1), "{run:?}");
    assert_eq!(report[0]["compared_with"], "archive");
    let differences = serde_json::json!([{ "path": "bin/gofmt", "change": "content" }]);
    assert_eq!(report[0]["differences"], differences, "{report}");
    assert_eq!(world.store_listing(), before, "verify wrote into the store");
}

#[test]
fn an_install_pins_what_it_has_just_unpacked_and_nothing_that_was_there() {
    let (world, plain) = locked("go = \"1.26\"\n");
    let platform =
        if cfg!(target_arch = "x86_64") { "\"linux/amd64\" = \"blake3:" } else { "\"linux/arm64\" = \"blake3:" };
    let in_ci = world.command(&["install"]).env("CI", "true").output().unwrap();
    assert!(in_ci.status.success(), "{in_ci:?}");
    assert_eq!(world.read("toolkit.lock"), plain, "a build changed what it is made from");
    world.ok(&["install"]);
    assert_eq!(world.read("toolkit.lock"), plain, "what was here is not proven by being here");
    world.ok(&["remove", "go"]);
    world.ok(&["install"]);
    let pinned = world.read("toolkit.lock");
    assert!(pinned.contains(platform) && pinned.matches("blake3:").count() == 1, "{pinned}");
    world.ok(&["lock", "--check"]);
    // Resolving the same files again keeps the pin; other files lose it.
    world.ok(&["lock", "--upgrade"]);
    assert_eq!(world.read("toolkit.lock"), pinned);
    world.write("toolkit.toml", &format!("{LOCKED}go = \"1.27\"\n"));
    world.ok(&["lock"]);
    assert!(!world.read("toolkit.lock").contains("blake3:"));
}

#[test]
fn an_archive_that_holds_other_files_than_the_lock_pins_is_not_installed() {
    let (world, _) = locked("go = \"1.26\"\n");
    world.ok(&["lock", "--trees"]);
    let good = world.read("toolkit.lock");
    let (before, _) = good.split_once("\n[tool.trees]\n").unwrap();
    let other = format!("blake3:{}", "0a".repeat(32));
    let trees = format!("\n[tool.trees]\n\"linux/amd64\" = \"{other}\"\n\"linux/arm64\" = \"{other}\"\n");
    world.write("toolkit.lock", &format!("{before}{trees}"));
    let stderr = world.fails(4, &["install", "--locked"]);
    assert!(stderr.contains("other files than toolkit.lock pins") && stderr.contains(&other), "{stderr}");
    assert!(world.json(&["list", "--json"]).as_array().unwrap().is_empty());
    world.ok(&["lock", "--upgrade", "--trees"]);
    assert_eq!(world.read("toolkit.lock"), good);
}

#[test]
fn a_view_is_compared_with_its_members_and_its_members_with_the_lock() {
    let (world, _) = locked("dotnet = \"10.0\"\naspnetcore-runtime = \"9.0\"\n");
    world.ok(&["lock", "--trees"]);
    world.ok(&["install", "--locked"]);
    world.ok(&["verify"]);
    let views = world.store().join("views/dotnet");
    let view = fs::read_dir(views).unwrap().next().unwrap().unwrap().path();
    let muxer = view.join("tree/dotnet");
    fs::remove_file(&muxer).unwrap();
    fs::write(&muxer, FORGED).unwrap();
    fs::set_permissions(&muxer, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    reseal(&view, "dotnet", FORGED);
    let run = world.run(&["verify"]);
    assert!(run.code == Some(1) && run.stdout.contains("view "), "{run:?}");
    world.ok(&["repair"]);
    world.ok(&["verify"]);
    assert!(!fs::read_to_string(&muxer).unwrap().contains("FORGED"));
}

#[test]
fn a_check_compares_digests_with_documents_that_are_at_hand_and_with_upstreams_on_request() {
    let (world, good) = locked("go = \"1.26\"\n");
    let digest = good.lines().find_map(|line| line.strip_prefix("digest = \"sha256:")).unwrap();
    let changed = good.replacen(digest, &format!("{}\"", "ab".repeat(32)), 1);
    world.write("toolkit.lock", &changed);
    let run = world.run(&["lock", "--check"]);
    assert!(run.code == Some(1) && run.stdout.contains("is locked with sha256:abab"), "{run:?}");
    // Without documents there is nothing to compare with.
    let nothing = world.project().join("nothing");
    let nothing = nothing.to_str().unwrap();
    assert_eq!(world.run(&["lock", "--check", "--mirror", nothing]).code, Some(0));
    assert_eq!(world.run(&["lock", "--check", "--upstream", "--offline"]).code, Some(2));
}

#[test]
fn a_locked_version_whose_support_has_ended_is_warned_of_or_denied() {
    // The fixtures say that 8.0 ended on 2026-11-10.
    let (world, lock) = locked("dotnet = \"8.0\"\n[pipeline]\nname = \"shop\"\n");
    assert!(lock.contains("\neol = \"2026-11-10\"\n") && lock.contains("\nversion = 2\n"), "{lock}");
    for arguments in [&["lock", "--check"][..], &["install", "--locked"], &["gen", "buildspec", "--stdout"], &["lock"]]
    {
        let run = world.run(arguments);
        assert!(
            run.code == Some(0) && run.stderr.contains("reached end of life on 2026-11-10"),
            "{arguments:?}: {run:?}"
        );
    }
    let deny = "[policy]\nunsupported = \"deny\"\n";
    world.write("toolkit.toml", &format!("{LOCKED}dotnet = \"8.0\"\n[pipeline]\nname = \"shop\"\n{deny}"));
    let run = world.run(&["lock", "--check"]);
    assert!(run.code == Some(1) && run.stdout.contains("the policy denies unsupported versions"), "{run:?}");
    for arguments in [&["install", "--locked"][..], &["gen", "buildspec", "--stdout"], &["lock"]] {
        let stderr = world.fails(2, arguments);
        assert!(stderr.contains("reached end of life"), "{arguments:?}: {stderr}");
    }
    assert_eq!(world.read("toolkit.lock"), lock);
}

#[test]
fn documents_that_are_older_than_the_last_ones_bring_no_older_version_back() {
    let older = tempfile::tempdir().unwrap();
    let downloads = older.path().join("go.dev/dl");
    fs::create_dir_all(&downloads).unwrap();
    let (world, good) = locked("go = \"1.26\"\n");
    let newest =
        good.lines().find_map(|line| line.strip_prefix("version = \"")).unwrap().trim_end_matches('"').to_owned();
    for name in ["index.json", "index-all.json"] {
        let text = fs::read_to_string(fixture_mirror().join("go.dev/dl").join(name)).unwrap();
        let releases: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
        let rest: Vec<_> = releases.into_iter().filter(|one| one["version"] != format!("go{newest}")).collect();
        fs::write(downloads.join(name), serde_json::to_string(&rest).unwrap()).unwrap();
    }
    let mirror = ["--mirror", older.path().to_str().unwrap()];
    let run = world.run(&[&["lock", "--upgrade"][..], &mirror].concat());
    assert!(run.code == Some(0) && run.stderr.contains(&format!("toolkit.lock has go {newest}")), "{run:?}");
    assert_eq!(world.read("toolkit.lock"), good);
    world.ok(&[&["lock", "--upgrade", "--allow-downgrade"][..], &mirror].concat());
    assert!(!world.read("toolkit.lock").contains(&format!("version = \"{newest}\"")));
}

#[test]
fn a_run_says_what_it_compared_and_not_what_the_lock_claims() {
    let (world, _) = locked("go = \"1.26\"\n");
    let run = world.run(&["install", "--locked"]);
    assert!(run.stderr.contains(", pinned in toolkit.lock") && !run.stderr.contains("go.dev"), "{run:?}");
    let run = world.run(&["install", "--locked"]);
    assert!(run.stderr.contains("the receipt: sha256:") && run.stderr.contains("as pinned in toolkit.lock"), "{run:?}");
    let rows = world.json(&["list", "--json"]);
    assert_eq!(rows[0]["artifacts"][0]["proof"]["source"], "toolkit.lock", "{rows}");
}

#[test]
fn a_mirror_that_is_configured_can_be_passed_by() {
    let (world, _) = locked("go = \"1.26\"\n");
    let missing = world.project().join("no-mirror");
    let world = world.with("TOOLKIT_MIRROR", missing.to_str().unwrap());
    let run = world.run(&["lock", "--upgrade", "--offline"]);
    assert!(run.stderr.contains("no-mirror"), "{run:?}");
    let run = world.run(&["lock", "--upgrade", "--no-mirror", "--offline"]);
    assert!(run.code != Some(0) && !run.stderr.contains("no-mirror"), "{run:?}");
    assert_eq!(world.run(&["lock", "--no-mirror", "--mirror", "x"]).code, Some(2));
}
