//! Kaniko in a project: which release, from where, and what the lock says of it.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::{FORK, layers, mirror, registry, tree, world};
use crate::support::image::{self, Layer};
use crate::support::registry::{Kind, Registry};
use crate::support::world::World;

#[test]
fn the_lock_pins_the_image_and_installs_without_a_tag() {
    let mirror = mirror();
    let world = world(mirror.path());
    world.write("toolkit.toml", "[tools]\nkaniko = \"1\"\nkaniko-debug = \"1.28\"\n");
    let summary = world.json(&["lock", "--json"]);
    let index = image::sha256(&fs::read(registry(mirror.path()).join("manifests/v1.28.3")).unwrap());
    let pinned = format!("{FORK}:v1.28.3@{index}");
    assert_eq!(summary["tools"][0]["image"], pinned);
    let lock = world.read("toolkit.lock");
    assert!(lock.contains(&format!("image = \"{pinned}\"")), "{lock}");
    assert_eq!(lock.matches("format = \"layer-tar-gz\"").count(), 6, "{lock}");
    world.ok(&["lock"]);
    assert_eq!(world.read("toolkit.lock"), lock, "the same answer gives the same bytes");
    world.ok(&["lock", "--check"]);
    for gone in ["tags", "manifests"] {
        fs::remove_dir_all(registry(mirror.path()).join(gone)).unwrap();
    }
    world.ok(&["install", "--locked"]);
    assert_eq!(fs::read(tree(&world).join("kaniko/executor")).unwrap(), b"the second executor");
}

#[test]
fn a_project_names_the_archived_image_another_registry_or_its_own() {
    let mirror = mirror();
    let layers = || vec![("linux/amd64", layers()), ("linux/arm64", layers())];
    image::mirrored(mirror.path(), "gcr.io/kaniko-project/executor", &[("v1.24.0", layers())]);
    image::mirrored(mirror.path(), "registry-1.docker.io/martizih/kaniko", &[("v1.28.3", layers())]);
    image::mirrored(mirror.path(), "registry.example/tools/kaniko", &[("v1.28.4", layers())]);
    let world = world(mirror.path());
    for (source, version, image, ended) in [
        ("archived", "1.24.0", "gcr.io/kaniko-project/executor:v1.24.0@", true),
        ("dockerhub", "1.28.3", "docker.io/martizih/kaniko:v1.28.3@", false),
        ("registry.example/tools/kaniko", "1.28.4", "registry.example/tools/kaniko:v1.28.4@", false),
    ] {
        world.write("toolkit.toml", &format!("[tools]\nkaniko = {{ version = \"1\", source = \"{source}\" }}\n"));
        let run = world.run(&["lock"]);
        assert_eq!(run.code, Some(0), "{source}: {run:?}");
        assert_eq!(run.stderr.contains("2025-06-03"), ended, "{source}: {}", run.stderr);
        let lock = world.read("toolkit.lock");
        assert!(lock.contains(&format!("version = \"{version}\"")) && lock.contains(image), "{source}: {lock}");
        assert!(lock.contains(&format!("source = \"{source}\"")), "{source}: {lock}");
        world.ok(&["lock", "--check"]);
    }
    world.write(
        "toolkit.toml",
        "[policy]\nunsupported = \"deny\"\n[tools]\nkaniko = { version = \"1\", source = \"archived\" }\n",
    );
    assert!(world.fails(2, &["lock"]).contains("2025-06-03"));
    for source in ["nowhere", "Registry.example/UPPER", "registry.example/a b"] {
        world.write("toolkit.toml", &format!("[tools]\nkaniko = {{ version = \"1\", source = \"{source}\" }}\n"));
        assert!(world.fails(2, &["lock"]).contains("dockerhub, archived"), "{source}");
    }
    world.write("toolkit.toml", "[tools]\ngo = { version = \"1\", source = \"registry.example/go\" }\n");
    assert!(world.fails(2, &["lock"]).contains("expected one of: goproxy"));
}

#[test]
fn an_image_without_an_index_counts_for_its_own_platform() {
    let mirror = tempfile::tempdir().unwrap();
    image::mirrored(mirror.path(), FORK, &[("v1.0.0", vec![("linux/arm64", layers())])]);
    let folder = registry(mirror.path()).join("manifests");
    let index: Value = serde_json::from_slice(&fs::read(folder.join("v1.0.0")).unwrap()).unwrap();
    fs::copy(folder.join(index["manifests"][0]["digest"].as_str().unwrap()), folder.join("v1.0.0")).unwrap();
    let world = world(mirror.path());
    let answer = &world.json(&["resolve", "kaniko@1.0.0", "--platform", "linux/arm64", "--json"])[0];
    assert_eq!(answer["image"]["digest"], answer["image"]["manifests"]["linux/arm64"]);
    assert_eq!(answer["artifacts"].as_array().unwrap().len(), 4);
    let stderr = world.fails(2, &["resolve", "kaniko@1.0.0", "--platform", "linux/amd64"]);
    assert!(stderr.contains("published for linux/arm64, not for linux/amd64"), "{stderr}");
}

#[test]
fn a_real_registry_serves_like_a_mirror() {
    let Some(registry) = Registry::start(Kind::Plain) else { return };
    let layout = tempfile::tempdir().unwrap();
    // What skopeo of Debian 12 copies without packing it anew.
    let layers: Vec<Layer> = layers().into_iter().map(|layer| Layer::gzip(layer.tar)).collect();
    image::layout(layout.path(), &layers);
    for tag in ["v1.27.0", "v1.28.3", "latest"] {
        registry.push(layout.path(), &format!("tools/kaniko:{tag}"), "oci");
    }
    let world = World::new().with("TOOLKIT_MIRROR", "");
    let source = registry.name("tools/kaniko");
    world.write(
        "toolkit.toml",
        &format!("platforms = [\"linux/amd64\"]\n[tools]\nkaniko = {{ version = \"1\", source = \"{source}\" }}\n"),
    );
    let digest = image::sha256(&registry.raw("tools/kaniko:v1.28.3"));
    assert!(world.ok(&["resolve", "kaniko", "--json"]).contains(&format!("{source}:v1.28.3@{digest}")));
    // Nobody else's machine has this registry, and it speaks plain HTTP.
    let stderr = world.fails(4, &["lock"]);
    assert!(stderr.contains("only https URLs") && !world.project().join("toolkit.lock").exists(), "{stderr}");
    if cfg!(target_arch = "x86_64") {
        world.ok(&["install", "kaniko"]);
        assert_eq!(fs::read(tree(&world).join("kaniko/executor")).unwrap(), b"the second executor");
    }
}

#[test]
fn where_dates_matter_the_images_are_asked_for_theirs() {
    let mirror = mirror();
    let world = world(mirror.path());
    // The images of the tests were made on 2026-08-13.
    let day = |day: &str| world.run(&["resolve", "kaniko@1", "--as-of", day, "--json"]);
    assert!(day("2026-08-14").stdout.contains("\"released\": \"2026-08-13\""), "{:?}", day("2026-08-14"));
    let early = day("2026-08-12");
    assert!(early.code == Some(2) && early.stderr.contains("released on 2026-08-13"), "{early:?}");
}

#[test]
fn the_tags_of_the_real_repositories_give_the_releases_they_stand_for() {
    let lists = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/upstream/containers");
    if !lists.is_dir() {
        eprintln!("skipped: ../shared/upstream/containers is not there, so that no real list of tags is read");
        return;
    }
    for (file, repository, source, cases) in [
        (
            "kaniko.osscontainertools.tags.txt",
            FORK,
            None,
            &[
                ("latest", "1.28.3"),
                ("1", "1.28.3"),
                ("1.27", "1.27.6"),
                ("1.24", "1.24.3"),
                ("1.24.0-5", "1.24.0-5"),
                ("^1.25.2", "1.28.3"),
                (">=1.25 <1.27", "1.26.6"),
                ("1.24.0", ""),
                ("2", ""),
            ][..],
        ),
        (
            "kaniko.GoogleContainerTools.tags.txt",
            "gcr.io/kaniko-project/executor",
            Some("archived"),
            &[("latest", "1.24.0"), ("1", "1.24.0"), ("0", "0.24.0"), ("1.9", "1.9.2"), ("1.25", "")],
        ),
    ] {
        let text = fs::read_to_string(lists.join(file)).unwrap();
        let names: Vec<&str> = text.lines().filter_map(|line| line.split_whitespace().next()).collect();
        assert!(names.len() > 20, "{file}");
        // Among the images of a registry there are more tags than in the repository of the source.
        let noise =
            names.iter().flat_map(|name| [format!("{name}-debug"), format!("{name}-slim"), format!("{name}-amd64")]);
        let tags: Vec<String> = names.iter().map(|name| (*name).to_owned()).chain(noise).collect();
        let tags: Vec<String> =
            tags.into_iter().chain(["latest", "debug", "sha256-00.sig"].map(str::to_owned)).collect();
        let mirror = tempfile::tempdir().unwrap();
        let one = || vec![("linux/amd64", Vec::new()), ("linux/arm64", Vec::new())];
        image::mirrored(mirror.path(), repository, &tags.iter().map(|tag| (tag.as_str(), one())).collect::<Vec<_>>());
        let world = world(mirror.path());
        for (channel, expected) in cases {
            let source = source.map_or(String::new(), |source| format!(", source = \"{source}\""));
            world.write("toolkit.toml", &format!("[tools]\nkaniko = {{ version = \"{channel}\"{source} }}\n"));
            let run = world.run(&["resolve", "--json"]);
            if expected.is_empty() {
                assert_eq!(run.code, Some(2), "{file} {channel}: {run:?}");
                continue;
            }
            let answer: Value =
                serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{file} {channel}: {run:?}"));
            assert_eq!(answer[0]["version"], *expected, "{file} {channel}");
        }
    }
}
