//! Podman's client, from releases in the shape of GitHub's.

use std::fs;
use std::path::Path;

use crate::support::github::{GitHub, Release, Says, sums, tar_gz};
use crate::support::upstream::{Fault, Upstream};
use crate::support::world::World;

const REMOTE: &str = "podman-container-tools/podman";

/// Puts one release of the client on GitHub. The client prints the name by which it was called, and its version.
fn remote(hub: &GitHub, tag: &str, day: &str, says: Says) -> Release {
    let client = |arch: &str| {
        let script =
            format!("#!/bin/sh\necho \"${{0##*/}} version {} $CONTAINER_HOST\"\n", tag.trim_start_matches('v'));
        let path = format!("bin/podman-remote-static-linux_{arch}");
        (format!("podman-remote-static-linux_{arch}.tar.gz"), tar_gz(&[(&path, 0o755, script.as_bytes())]))
    };
    let (amd64, arm64) = (client("amd64"), client("arm64"));
    let list = sums(&[
        ("podman-installer-macos-arm64.pkg", b"pkg"),
        (&amd64.0, &amd64.1),
        (&arm64.0, &arm64.1),
        ("podman-remote-release-darwin_arm64.zip", b"zip"),
    ]);
    let files = [
        ("podman-remote-release-darwin_arm64.zip", b"zip".to_vec(), says),
        (amd64.0.as_str(), amd64.1, says),
        (arm64.0.as_str(), arm64.1, says),
        ("shasums", list, says),
    ];
    hub.release(REMOTE, tag, day, &files)
}

/// A world that reads a GitHub with the usual releases, in GitHub's order: by date.
fn world() -> (World, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let hub = GitHub::at(folder.path());
    let release = |tag: &str, day: &str| remote(&hub, tag, day, Says::Right);
    let without =
        hub.release(REMOTE, "v3.0.0", "2021-02-11", &[("podman-remote-static.tar.gz", vec![1], Says::Nothing)]);
    hub.list(
        REMOTE,
        &[
            release("v7.0.0", "2026-11-01").draft(),
            release("v5.8.5", "2026-10-02"),
            release("v6.0.1", "2026-09-26"),
            release("v6.1.0-rc1", "2026-09-20").prerelease(),
            release("v6.0.0", "2026-08-26"),
            release("v5.8.4", "2026-06-24"),
            release("nightly", "2026-06-01"),
            without,
        ],
    );
    let world = World::new().with("TOOLKIT_MIRROR", folder.path().to_str().unwrap());
    (world, folder)
}

#[test]
fn the_newest_client_is_that_of_the_highest_version_not_of_the_last_day() {
    let (world, _mirror) = world();
    for (spec, expected) in [
        ("podman-remote@latest", "6.0.1"),
        ("podman-remote", "6.0.1"),
        ("podman-remote@5", "5.8.5"),
        ("podman-remote@v5.8.4", "5.8.4"),
        ("podman-remote@<6", "5.8.5"),
        ("podman-remote@6.1.0-rc1", "6.1.0-rc1"),
    ] {
        let answer = world.json(&["resolve", spec, "--json", "--platform", "linux/arm64"]);
        assert_eq!(answer[0]["version"], expected, "{spec}");
        assert_eq!(answer[0]["artifacts"][0]["proof"]["source"], "shasums on github.com", "{answer}");
    }
    let ended = world.json(&["resolve", "podman-remote@5.8", "--json"]);
    assert_eq!(ended[0]["support"]["eol"], "2026-08-26", "{ended}");
    assert!(world.run(&["resolve", "podman-remote@5.8"]).stderr.contains("5.8 is past its end of life"));
}

#[test]
fn the_client_is_installed_under_the_name_that_people_type() {
    let (world, _mirror) = world();
    world.write("toolkit.toml", "[tools]\npodman-remote = \"6\"\n");
    world.ok(&["lock"]);
    world.ok(&["install", "--locked", "--link", "bin"]);
    let lock = world.read("toolkit.lock");
    let url = "https://github.com/podman-container-tools/podman/releases/download/v6.0.1/podman-remote-static-linux_arm64.tar.gz";
    assert!(lock.contains(url) && lock.contains("proven-by = \"shasums on github.com\""), "{lock}");
    assert_eq!(world.ok(&["exec", "--", "podman-remote"]), "podman-remote version 6.0.1 \n");
    assert!(!world.run(&["exec", "--", "podman"]).stdout.contains("version 6.0.1"), "podman was shadowed");
    assert!(world.project().join("bin/podman-remote").is_file());
    assert!(world.ok(&["which", "podman-remote"]).trim_end().ends_with("/tree/bin/podman-remote"));
    assert!(world.ok(&["verify"]).lines().all(|line| line.starts_with("ok ")));

    world.write("toolkit.toml", "[tools]\npodman-remote = { version = \"6\", command = \"podman\" }\n");
    assert_eq!(world.ok(&["exec", "--", "podman"]), "podman version 6.0.1 \n");
}

#[test]
fn what_was_added_to_an_install_is_verified_and_repaired() {
    let (world, _mirror) = world();
    world.ok(&["install", "podman-remote@6"]);
    let list = world.json(&["list", "--json"]);
    let root = Path::new(list[0]["root"].as_str().unwrap()).to_owned();
    let before = world.store_listing();
    fs::remove_file(root.join("bin/podman-remote")).unwrap();
    let run = world.run(&["verify"]);
    assert!(run.code == Some(1) && run.stdout.contains("bin/podman-remote"), "{}", run.stdout);
    world.ok(&["repair"]);
    assert!(root.join("bin/podman-remote").is_file());
    world.ok(&["verify"]);
    let names =
        |listing: &[String]| listing.iter().map(|line| line.split(' ').next().unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!(names(&world.store_listing()), names(&before));
}

#[test]
fn releases_that_contradict_themselves_are_refused() {
    for (says, expected) in [(Says::Wrong, Some("and GitHub says")), (Says::Nothing, None)] {
        let folder = tempfile::tempdir().unwrap();
        let hub = GitHub::at(folder.path());
        hub.list(REMOTE, &[remote(&hub, "v6.0.1", "2026-09-26", says)]);
        let world = World::new().with("TOOLKIT_MIRROR", folder.path().to_str().unwrap());
        match expected {
            Some(said) => {
                let stderr = world.fails(4, &["install", "podman-remote@latest"]);
                assert!(stderr.contains(said), "{stderr}");
                assert!(world.store_listing().is_empty(), "{:?}", world.store_listing());
            }
            None => drop(world.ok(&["install", "podman-remote@latest"])),
        }
    }
}

#[test]
fn a_release_without_the_platform_names_those_it_has() {
    let (world, _mirror) = world();
    let stderr = world.fails(2, &["resolve", "podman-remote@6", "--platform", "darwin/arm64"]);
    assert!(stderr.contains("published for linux/amd64 and linux/arm64, not for darwin/arm64"), "{stderr}");
    let stderr = world.fails(2, &["resolve", "podman-remote@3.0.0"]);
    assert!(stderr.contains("nothing answers podman-remote@3.0.0"), "{stderr}");
}

#[test]
fn a_repository_that_moved_is_followed_and_its_list_is_read_once() {
    let (world, mirror) = world();
    let upstream = Upstream::serving(mirror.path());
    let list = "/api.github.com/repos/podman-container-tools/podman/releases.json";
    let moved = "/api.github.com/repositories/109145553/releases.json";
    upstream.file(moved, fs::read(mirror.path().join(&list[1..])).unwrap());
    upstream.fault(list, Fault::Redirect { to: upstream.url(moved).to_string() });
    let world = world.with("TOOLKIT_MIRROR", upstream.url("/").as_str());
    world.write("toolkit.toml", "[tools]\npodman-remote = \"latest\"\n");
    world.ok(&["lock"]);
    assert_eq!(upstream.requests(list), 1, "the list was read for every platform");
    assert_eq!(upstream.seen(list)[0].headers["accept"], "application/vnd.github+json");
    // A list that cannot be had is the last good copy, and the person hears it.
    upstream.heal(list).fault(list, Fault::Status { code: 403, times: 9, retry_after: None });
    let run = world.run(&["resolve", "podman-remote@latest"]);
    assert!(run.code == Some(0) && run.stderr.contains("using the copy of"), "{}", run.stderr);
}
