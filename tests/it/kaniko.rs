//! Kaniko: an image as a tool. Resolved by tags, installed from layers, run in a root of its own.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::archives::made::Tar;
use crate::image_layers::{listing, umoci};
use crate::support::image::{self, Layer};
use crate::support::world::World;

mod ending;
mod resolving;
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
        (&["resolve", "kaniko-alpine@1"], "no kaniko-alpine release matches"),
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
        assert!(stderr.contains("does not match"), "{}: {stderr}", path.display());
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
