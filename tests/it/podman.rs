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
    assert!(world.run(&["resolve", "podman-remote@5.8"]).stderr.contains("5.8 reached end of life"));
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
    // Without that name the machine's own podman would run.
    let root = world.json(&["list", "--json"])[0]["root"].as_str().unwrap().to_owned();
    fs::remove_file(format!("{root}/as-podman/podman")).unwrap();
    assert!(world.fails(4, &["exec", "--", "podman"]).contains("as-podman/podman"));
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
    for (says, expected) in [(Says::Wrong, Some("and GitHub lists")), (Says::Nothing, None)] {
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
    assert!(stderr.contains("no podman-remote release matches `3.0.0`"), "{stderr}");
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

const STATIC: &str = "mgoltzsche/podman-static";

/// An executable that says who it is and where its files are.
const STAND_IN: &[u8] = b"#!/bin/sh\necho \"podman version 5.8.7\"\necho \"$CONTAINERS_CONF|$CONTAINERS_STORAGE_CONF|\
$CONTAINERS_REGISTRIES_CONF|$CONTAINERS_POLICY_JSON|$PATH\"\ncat \"$CONTAINERS_CONF\"\n";

/// An archive in the shape of podman-static's, with programs of this machine or stand-ins.
fn engine(arch: &str, conmon: &[u8]) -> Vec<u8> {
    let runtime: &[u8] = b"#!/bin/sh\necho crun version 1.18.2\necho commit: 0\n";
    let top = format!("podman-linux-{arch}");
    let files: [(&str, u32, &[u8]); 12] = [
        ("README.md", 0o644, b"# podman\n"),
        ("etc/containers/containers.conf", 0o644, b"[engine]\nconmon_path = [\"/usr/local/lib/podman/conmon\"]\n"),
        ("etc/containers/storage.conf", 0o644, b"[storage]\ndriver = \"overlay\"\n"),
        ("etc/containers/seccomp.json", 0o644, b"{}\n"),
        ("usr/local/bin/podman", 0o755, STAND_IN),
        ("usr/local/bin/crun", 0o755, runtime),
        ("usr/local/bin/runc", 0o755, runtime),
        ("usr/local/bin/pasta", 0o755, b"#!/bin/sh\n"),
        ("usr/local/lib/podman/conmon", 0o755, conmon),
        ("usr/local/lib/podman/netavark", 0o755, b"#!/bin/sh\n"),
        ("usr/local/lib/podman/catatonit", 0o755, b"#!/bin/sh\n"),
        ("usr/local/libexec/podman/quadlet", 0o755, b"#!/bin/sh\n"),
    ];
    let named: Vec<(String, u32, &[u8])> =
        files.iter().map(|(path, mode, bytes)| (format!("{top}/{path}"), *mode, *bytes)).collect();
    let named: Vec<(&str, u32, &[u8])> =
        named.iter().map(|(path, mode, bytes)| (path.as_str(), *mode, *bytes)).collect();
    tar_gz(&named)
}

fn static_release(hub: &GitHub, tag: &str, day: &str, says: Says) -> Release {
    let conmon: &[u8] = b"#!/bin/sh\necho conmon version 2.1.12\necho commit: 0\n";
    let files = ["amd64", "arm64"].map(|arch| (format!("podman-linux-{arch}.tar.gz"), engine(arch, conmon)));
    let signatures = ["amd64", "arm64"].map(|arch| format!("podman-linux-{arch}.tar.gz.asc"));
    let mut all: Vec<(&str, Vec<u8>, Says)> =
        files.iter().map(|(name, bytes)| (name.as_str(), bytes.clone(), says)).collect();
    all.extend(signatures.iter().map(|name| (name.as_str(), b"-----BEGIN PGP SIGNATURE-----".to_vec(), Says::Nothing)));
    hub.release(STATIC, tag, day, &all)
}

fn static_world() -> (World, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let hub = GitHub::at(folder.path());
    hub.list(
        STATIC,
        &[
            static_release(&hub, "v5.8.7", "2026-09-01", Says::Right),
            static_release(&hub, "v5.1.1-1", "2024-06-18", Says::Nothing),
            static_release(&hub, "v5.1.1", "2024-06-17", Says::Nothing),
        ],
    );
    let world = World::new().with("TOOLKIT_MIRROR", folder.path().to_str().unwrap());
    (world, folder)
}

#[test]
fn the_engine_finds_its_parts_wherever_it_is() {
    let (world, _mirror) = static_world();
    world.write("toolkit.toml", "[tools]\npodman = \"5\"\n");
    world.ok(&["lock"]);
    world.ok(&["install", "--locked"]);
    let root = world.json(&["list", "--json"])[0]["root"].as_str().unwrap().to_owned();
    let said = world.ok(&["exec", "--", "podman"]);
    let mut lines = said.lines();
    assert_eq!(lines.next(), Some("podman version 5.8.7"));
    let variables: Vec<&str> = lines.next().unwrap().split('|').collect();
    assert_eq!(
        variables[..4],
        [&format!("{root}.placed/containers.conf"), "", "", &format!("{root}/toolkit/policy.json")]
    );
    assert!(variables[4].starts_with(&format!("{root}/usr/local/bin:")), "{said}");
    let conf: toml::Table = lines.collect::<Vec<_>>().join("\n").parse().unwrap();
    let engine = &conf["engine"];
    for path in [&conf["containers"]["init_path"], &engine["conmon_path"][0], &engine["runtimes"]["crun"][0]] {
        assert!(Path::new(path.as_str().unwrap()).is_file(), "{path:?} does not exist");
    }
    assert!(engine["helper_binaries_dir"].as_array().unwrap().contains(&format!("{root}/usr/local/lib/podman").into()));
    assert!(world.ok(&["verify"]).lines().all(|line| line.starts_with("ok ")));
    // What this program wrote is verified like what came.
    fs::write(format!("{root}/toolkit/policy.json"), "{}").unwrap();
    assert!(world.run(&["verify"]).stdout.contains("toolkit/policy.json"));
    world.ok(&["repair"]);
    world.ok(&["verify"]);
    // What names the place is compared before each use.
    fs::write(format!("{root}.placed/containers.conf"), "[engine]\nruntime = \"evil\"\n").unwrap();
    assert!(world.ok(&["exec", "--", "podman"]).contains(&format!("\"{root}/usr/local/lib/podman/conmon\"")));

    world.write("toolkit.toml", "[tools]\npodman = { version = \"5\", config = \"own\" }\n");
    let said = world.ok(&["exec", "--", "podman"]);
    for name in ["storage.conf", "registries.conf"] {
        assert!(said.contains(&format!("|{root}/toolkit/{name}|")), "{said}");
    }
}

#[test]
fn an_engine_whose_store_was_moved_finds_its_parts_in_the_new_place() {
    let (world, _mirror) = static_world();
    world.write("toolkit.toml", "[tools]\npodman = \"5\"\n");
    world.ok(&["install"]);
    let old = world.store();
    for name in ["moved", "moved again"] {
        let new = world.home().join(name);
        let before = if old.exists() { old.clone() } else { world.home().join("moved") };
        fs::rename(before, &new).unwrap();
        let here = |arguments: &[&str]| {
            let output = world.command(arguments).env("TOOLKIT_HOME", &new).output().unwrap();
            assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).unwrap()
        };
        here(&["install", "--locked", "--offline"]);
        let said = here(&["exec", "--", "podman"]);
        let (old, new) = (old.display().to_string(), new.display().to_string());
        assert!(said.contains(&format!("[\"{new}/installs/podman/")) && !said.contains(&format!("{old}/")), "{said}");
        assert!(here(&["verify"]).lines().all(|line| line.starts_with("ok ")));
    }
}

/// A cache that was restored may hold anything.
#[cfg(unix)]
#[test]
fn what_names_the_place_is_not_written_through_a_link() {
    let (world, _mirror) = static_world();
    world.ok(&["install", "podman@5.8.7"]);
    let root = world.json(&["list", "--json"])[0]["root"].as_str().unwrap().to_owned();
    let outside = world.home().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::remove_dir_all(format!("{root}.placed")).unwrap();
    std::os::unix::fs::symlink(&outside, format!("{root}.placed")).unwrap();
    let stderr = world.fails(5, &["exec", "podman@5.8.7", "--", "podman"]);
    assert!(stderr.contains("a symbolic link"), "{stderr}");
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
}

#[test]
fn an_engine_without_a_digest_is_locked_only_where_the_project_takes_what_is_there() {
    let (world, _mirror) = static_world();
    world.write("toolkit.toml", "[tools]\npodman = \"5.1\"\n[policy]\nverification = \"checksum\"\n");
    let stderr = world.fails(4, &["lock"]);
    assert!(stderr.contains("GitHub publishes none") && stderr.contains("first-seen"), "{stderr}");
    world.write("toolkit.toml", "[tools]\npodman = \"5.1\"\n[policy]\nverification = \"first-seen\"\n");
    let run = world.run(&["lock"]);
    assert!(run.code == Some(0) && run.stderr.contains("no checksum is published for"), "{}", run.stderr);
    assert_eq!(world.read("toolkit.lock").matches("proof = \"first-seen\"").count(), 2);
    world.ok(&["install", "--locked"]);
    // A rebuild that semantic versions take for a prerelease is had by its name.
    assert_eq!(world.json(&["resolve", "podman@5.1.1-1", "--json"])[0]["version"], "5.1.1-1");
}

#[test]
fn a_missing_policy_is_told_once_it_matters() {
    let (world, _mirror) = static_world();
    let run = world.run(&["install", "podman@5"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let told = run.stderr.contains("/toolkit/policy.json is one that accepts all");
    assert_eq!(told, !Path::new("/etc/containers/policy.json").exists(), "{}", run.stderr);
}

/// The keys are Podman's own: the real one is pointed at the files, and says what it understood.
#[test]
fn a_real_podman_understands_what_is_written() {
    let version = std::process::Command::new("podman").arg("--version").output();
    let root_user = std::process::Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout == b"0\n");
    if version.is_err() || !root_user {
        eprintln!("SKIPPED: podman is not installed, or this is not root; containers.conf was not read by a real one");
        return;
    }
    let (world, _mirror) = static_world();
    world.write("toolkit.toml", "[tools]\npodman = { version = \"5\", config = \"own\" }\n");
    world.ok(&["install"]);
    let root = world.json(&["list", "--json"])[0]["root"].as_str().unwrap().to_owned();
    let storage = tempfile::tempdir().unwrap();
    let mut podman = std::process::Command::new("podman");
    podman.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("HOME", world.home()).arg("--root");
    podman.arg(storage.path().join("graph")).arg("--runroot").arg(storage.path().join("run"));
    let env = world.json(&["env", "--format", "json"]);
    for (name, value) in env["vars"].as_object().unwrap() {
        podman.env(name, value.as_str().unwrap());
    }
    // A key that is not known is told to those who debug, and to nobody else.
    let output = podman.args(["--log-level", "debug", "info", "--format", "json"]).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{stderr}");
    assert!(!stderr.contains("Failed to decode the keys"), "a key is not known: {stderr}");
    let info: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let host = &info["host"];
    assert_eq!(host["conmon"]["path"], format!("{root}/usr/local/lib/podman/conmon"), "{info}");
    assert_eq!(host["ociRuntime"]["path"], format!("{root}/usr/local/bin/crun"), "{info}");
    assert_eq!((&host["cgroupManager"], &host["eventLogger"]), (&"cgroupfs".into(), &"file".into()), "{info}");
    assert_eq!(info["store"]["configFile"], format!("{root}/toolkit/storage.conf"), "{info}");
    assert_eq!(info["registries"]["search"], serde_json::json!(["docker.io"]), "{info}");
}
