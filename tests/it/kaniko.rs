//! Kaniko: an image as a tool. Resolved by tags, installed from layers, run in a root of its own.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::archives::made::Tar;
use crate::image_layers::{listing, umoci};
use crate::support::image::{self, Layer};
use crate::support::registry::{Kind, Registry};
use crate::support::world::World;

mod running;

const FORK: &str = "ghcr.io/osscontainertools/kaniko";

/// Layers in the shape of kaniko's own, with everything that layers can do to one another.
fn layers() -> Vec<Layer> {
    let base = Tar::new()
        .folder("kaniko")
        .mode(0o755)
        .file("kaniko/executor", b"the first executor")
        .hard_link("kaniko/warm", "kaniko/executor")
        .mode(0o644)
        .folder("kaniko/ssl/certs")
        .file("kaniko/ssl/certs/ca-certificates.crt", b"old")
        .file("kaniko/ssl/certs/extra.crt", b"old")
        .file("etc/nsswitch.conf", b"hosts: files dns\n")
        .file("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n")
        .file("busybox/a/b", b"x")
        .file("workspace/left", b"x")
        .link("lib", "usr/lib")
        .file("usr/lib/old", b"x");
    let middle = Tar::new()
        .mode(0o755)
        .file("kaniko/executor", b"the second executor")
        .hard_link("kaniko/docker-credential-ecr-login", "kaniko/warm")
        .mode(0o600)
        .file("kaniko/.docker/config.json", b"{}")
        .mode(0o644)
        .file("kaniko/ssl/certs/.wh..wh..opq", b"")
        .file("kaniko/ssl/certs/ca-certificates.crt", b"new")
        .file("workspace/.wh.left", b"")
        .file("busybox/a", b"a file over a folder")
        .file("lib/new", b"below a link");
    let top = Tar::new()
        .file(".wh.lib", b"")
        .folder("etc/passwd")
        .file("etc/passwd/x", b"a folder over a file")
        .mode(0o755)
        .hard_link("kaniko/again", "/kaniko/docker-credential-ecr-login")
        .link("busybox/sh", "/bin/sh");
    vec![Layer::gzip(base.end()), Layer::zstd(middle.end()), Layer::docker(top.end()), Layer::plain(Tar::new().end())]
}

/// A mirror of the fork with two releases and what else stands among the tags of the real one.
fn mirror() -> TempDir {
    let mirror = tempfile::tempdir().unwrap();
    let older = vec![Layer::gzip(Tar::new().mode(0o755).file("kaniko/executor", b"older").end())];
    let debug = vec![Layer::gzip(Tar::new().mode(0o755).file("kaniko/executor", b"debug").end())];
    let both = |layers: Vec<Layer>| vec![("linux/amd64", layers.clone()), ("linux/arm64", layers)];
    image::mirrored(
        mirror.path(),
        FORK,
        &[
            ("v1.27.6", both(older)),
            ("v1.28.3", both(layers())),
            ("v1.28.3-debug", both(debug)),
            ("latest", both(layers())),
        ],
    );
    mirror
}

fn world(mirror: &Path) -> World {
    World::new().with("TOOLKIT_MIRROR", mirror.to_str().unwrap())
}

fn registry(mirror: &Path) -> PathBuf {
    mirror.join("ghcr.io/v2/osscontainertools/kaniko")
}

fn tree(world: &World) -> PathBuf {
    let mut installs: Vec<PathBuf> =
        fs::read_dir(world.store().join("installs/kaniko")).unwrap().map(|entry| entry.unwrap().path()).collect();
    installs.sort();
    installs.pop().unwrap().join("tree")
}

#[test]
fn a_release_is_resolved_to_the_layers_of_its_image() {
    let mirror = mirror();
    let world = world(mirror.path());
    let answer = &world.json(&["resolve", "kaniko@1", "--platform", "linux/arm64", "--json"])[0];
    assert_eq!(answer["version"], "1.28.3");
    let index = image::sha256(&fs::read(registry(mirror.path()).join("manifests/v1.28.3")).unwrap());
    assert_eq!(answer["image"]["reference"], format!("{FORK}:v1.28.3@{index}"));
    assert_eq!(answer["image"]["digest"], *index);
    let manifest = answer["image"]["manifests"]["linux/arm64"].as_str().unwrap();
    let manifest: Value =
        serde_json::from_slice(&fs::read(registry(mirror.path()).join("manifests").join(manifest)).unwrap()).unwrap();
    let artifacts = answer["artifacts"].as_array().unwrap();
    assert_eq!(artifacts.len(), 4);
    let formats = ["layer-tar-gz", "layer-tar-zst", "layer-tar-gz", "layer-tar"];
    for ((artifact, layer), format) in artifacts.iter().zip(manifest["layers"].as_array().unwrap()).zip(formats) {
        assert_eq!(artifact["digest"], layer["digest"]);
        assert_eq!(artifact["size"], layer["size"]);
        assert_eq!(artifact["format"], format);
        let url = format!("https://ghcr.io/v2/osscontainertools/kaniko/blobs/{}", layer["digest"].as_str().unwrap());
        assert_eq!(artifact["url"], url);
        assert_eq!(artifact["proof"], serde_json::json!({ "level": "checksum", "source": "ghcr.io" }));
    }
    for (request, version) in
        [("kaniko", "1.28.3"), ("kaniko@1.27", "1.27.6"), ("kaniko@v1.27.6", "1.27.6"), ("kaniko-debug@1", "1.28.3")]
    {
        assert_eq!(world.json(&["resolve", request, "--json"])[0]["version"], version, "{request}");
    }
}

#[test]
fn what_is_not_published_is_told_with_what_is() {
    let mirror = mirror();
    let world = world(mirror.path());
    for (arguments, said) in [
        (&["resolve", "kaniko@2"][..], "the newest release of kaniko 2"),
        (&["resolve", "kaniko@1.28.9"], "1.28.3"),
        (&["resolve", "kaniko@1-debug"], "`kaniko-debug@1`"),
        (&["resolve", "kaniko-alpine@1"], "nothing answers"),
        (&["resolve", "kaniko", "--platform", "linux/s390x"], "linux/amd64 and linux/arm64, not for linux/s390x"),
        (&["resolve", "kaniko", "--platform", "darwin/arm64"], "not for darwin/arm64"),
    ] {
        let stderr = world.fails(2, arguments);
        assert!(stderr.contains(said), "{arguments:?}: {stderr}");
    }
}

#[test]
fn an_image_installs_to_the_tree_that_umoci_gives() {
    let mirror = mirror();
    let world = world(mirror.path());
    world.ok(&["install", "kaniko@1.28"]);
    let tree = tree(&world);
    let contents = |path: &Path| format!(" {}", String::from_utf8_lossy(&fs::read(path).unwrap()));
    let ours = listing(&tree, contents);
    assert_eq!(
        ours,
        [
            "busybox/",
            "busybox/a 644 20 a file over a folder",
            "busybox/sh -> /bin/sh",
            "etc/",
            "etc/nsswitch.conf 644 17 hosts: files dns\n",
            "etc/passwd/",
            "etc/passwd/x 644 20 a folder over a file",
            "kaniko/",
            "kaniko/.docker/",
            "kaniko/.docker/config.json 600 2 {}",
            "kaniko/again 755 18 the first executor",
            "kaniko/docker-credential-ecr-login 755 18 the first executor",
            "kaniko/executor 755 19 the second executor",
            "kaniko/ssl/",
            "kaniko/ssl/certs/",
            "kaniko/ssl/certs/ca-certificates.crt 644 3 new",
            "kaniko/warm 755 18 the first executor",
            "usr/",
            "usr/lib/",
            "usr/lib/new 644 12 below a link",
            "usr/lib/old 644 1 x",
            "workspace/",
        ]
    );
    if std::process::Command::new("umoci").arg("--version").output().is_err() {
        eprintln!(
            "skipped: umoci is not installed (Debian: umoci), so that no other program says what the image gives"
        );
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    // This umoci knows no zstd; the tar archive inside is the same.
    let plain: Vec<Layer> = layers().into_iter().map(|layer| Layer::gzip(layer.tar)).collect();
    assert_eq!(ours, listing(&umoci(folder.path(), &plain), contents));
}

#[test]
fn an_image_is_listed_verified_repaired_and_removed_like_any_install() {
    let mirror = mirror();
    let world = world(mirror.path());
    world.ok(&["install", "kaniko@1.28.3"]);
    assert!(world.ok(&["list"]).contains("kaniko"));
    world.ok(&["verify", "kaniko"]);
    fs::write(tree(&world).join("kaniko/executor"), "changed").unwrap();
    fs::remove_file(tree(&world).join("busybox/sh")).unwrap();
    fs::write(tree(&world).join("usr/lib/foreign"), "x").unwrap();
    let run = world.run(&["verify", "kaniko"]);
    assert_ne!(run.code, Some(0));
    for path in ["kaniko/executor", "busybox/sh", "usr/lib/foreign"] {
        assert!(run.stdout.contains(path) || run.stderr.contains(path), "{path}: {run:?}");
    }
    world.ok(&["repair", "kaniko"]);
    world.ok(&["verify", "kaniko"]);
    assert_eq!(fs::read(tree(&world).join("kaniko/executor")).unwrap(), b"the second executor");
    world.ok(&["remove", "kaniko@1.28.3"]);
    assert!(world.store_listing().iter().all(|line| !line.contains("executor")));
}

#[test]
fn an_image_puts_nothing_on_path_and_links_nothing() {
    let mirror = mirror();
    let world = world(mirror.path());
    world.ok(&["install", "kaniko@1.28.3", "--link", "bin"]);
    assert!(!world.project().join("bin").exists() || fs::read_dir(world.project().join("bin")).unwrap().count() == 0);
    assert!(!world.ok(&["env", "kaniko@1.28.3"]).contains("kaniko"));
}

#[test]
fn a_second_install_asks_for_nothing() {
    let mirror = mirror();
    let world = world(mirror.path());
    world.ok(&["install", "kaniko@1.28.3"]);
    let before = world.store_listing();
    fs::remove_dir_all(registry(mirror.path())).unwrap();
    world.ok(&["install", "kaniko@1.28.3"]);
    assert_eq!(world.store_listing(), before);
}

#[test]
fn a_flipped_bit_anywhere_below_the_tag_is_refused() {
    let whole = mirror();
    let folder = registry(whole.path());
    let index: Value = serde_json::from_slice(&fs::read(folder.join("manifests/v1.28.3")).unwrap()).unwrap();
    let manifest = index["manifests"][0]["digest"].as_str().unwrap().to_owned();
    let image: Value = serde_json::from_slice(&fs::read(folder.join("manifests").join(&manifest)).unwrap()).unwrap();
    let layers = image["layers"].as_array().unwrap().iter();
    let blobs = layers.map(|layer| PathBuf::from("blobs").join(layer["digest"].as_str().unwrap()));
    let manifest = PathBuf::from("manifests").join(manifest);
    for path in blobs.chain([manifest.clone()]) {
        let mirror = mirror();
        let file = registry(mirror.path()).join(&path);
        let mut bytes = fs::read(&file).unwrap();
        let at = if path == manifest {
            // A digit of a size, so that it is a manifest still.
            let text = String::from_utf8(bytes.clone()).unwrap();
            text.find("\"size\":").unwrap() + 7
        } else {
            bytes.len() / 2
        };
        bytes[at] ^= 1;
        fs::write(&file, bytes).unwrap();
        let world = world(mirror.path());
        let stderr = world.fails(4, &["install", "kaniko@1.28.3"]);
        assert!(stderr.contains("announced"), "{}: {stderr}", path.display());
        assert!(world.store_listing().iter().all(|line| line.ends_with('/')), "{:?}", world.store_listing());
    }
}

#[test]
fn a_layer_that_is_the_right_one_and_hostile_leaves_nothing() {
    let mirror = tempfile::tempdir().unwrap();
    let hostile = vec![
        Layer::gzip(Tar::new().file("kaniko/executor", b"x").link("out", "/").end()),
        Layer::gzip(Tar::new().file("out/.wh...", b"").end()),
    ];
    image::mirrored(
        mirror.path(),
        FORK,
        &[("v1.0.0", vec![("linux/amd64", hostile.clone()), ("linux/arm64", hostile)])],
    );
    let world = world(mirror.path());
    let stderr = world.fails(4, &["install", "kaniko@1.0.0"]);
    assert!(stderr.contains("names a folder by dots"), "{stderr}");
    assert!(world.store_listing().iter().all(|line| line.ends_with('/')), "{:?}", world.store_listing());
}

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
    assert!(world.fails(2, &["lock"]).contains("known are goproxy"));
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
    world.ok(&["lock"]);
    let digest = image::sha256(&registry.raw("tools/kaniko:v1.28.3"));
    assert!(world.read("toolkit.lock").contains(&format!("image = \"{source}:v1.28.3@{digest}\"")));
    if cfg!(target_arch = "x86_64") {
        world.ok(&["install", "--locked"]);
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
