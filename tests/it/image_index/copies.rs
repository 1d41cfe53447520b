//! Images that lie elsewhere: in a layout, in another repository, in another registry.

use super::Bench;
use crate::support::front::{Answer, Front, Turn};
use crate::support::layouts::Image;
use crate::support::registry::{Kind, Registry};
use crate::support::world::World;

/// Bytes that do not compress, more than are sent at once in pieces.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..length).map(|_| next()).collect()
}

#[test]
fn layouts_are_pushed_with_the_index() {
    for kind in [Kind::Plain, Kind::Token, Kind::Tls] {
        let Some(bench) = Bench::new(kind) else { return };
        let layout = bench.layout(&Image::of("linux/arm64").layer(noise(300_000)), "layout");
        let from = format!("oci:{}", layout.display());
        let words = ["--tag", "R/new:1", "--child", &format!("linux/arm64={from}"), "--platform", "linux/arm64"];
        let told = bench.index(&words);
        assert_eq!(bench.digest("new:1"), told["digest"].as_str().unwrap());
        // A reader gets the image whole.
        let pulled = bench.folder.path().join("pulled");
        let tls = format!("--src-tls-verify={}", kind == Kind::Tls);
        let (image, to) = (format!("docker://{}", bench.name("new:1")), format!("oci:{}", pulled.display()));
        let arguments = ["--override-arch", "arm64", "--insecure-policy", "copy", "--quiet", &tls, &image, &to];
        crate::support::registry::succeeded(&bench.registry.tool("skopeo", &arguments).output().unwrap());
    }
}

#[test]
fn blobs_of_a_repository_beside_are_mounted() {
    for kind in [Kind::Plain, Kind::Token] {
        let Some(bench) = Bench::new(kind) else { return };
        bench.push(&Image::of("linux/s390x"), "team/builds:1-s390x");
        let words = ["--tag", "R/app:1.2", "R/app:1.2-amd64", "R/team/builds:1-s390x"];
        let told = bench.index(&words);
        assert_eq!(bench.digest("app:1.2"), told["digest"].as_str().unwrap());
        assert_eq!(told["children"][1]["source"], bench.name("team/builds"));
    }
    // Counted on a plain one: no byte of a layer passes.
    let Some(bench) = Bench::new(Kind::Plain) else { return };
    bench.push(&Image::of("linux/s390x"), "team/builds:1-s390x");
    let front = Front::before(bench.registry.host(), |_, _| Turn::Pass);
    let words = ["image", "index", "--tag", &front.name("app:1.2"), &front.name("team/builds:1-s390x")];
    bench.world.ok(&words);
    let seen = front.seen();
    let count = |method: &str, part: &str| {
        seen.iter().filter(|seen| seen.method == method && seen.target.contains(part)).count()
    };
    assert_eq!(count("POST", "/v2/app/blobs/uploads/?mount=sha256:"), 2, "{:#?}", front.lines());
    assert_eq!((count("PUT", "/blobs/"), count("GET", "/blobs/")), (0, 1), "{:#?}", front.lines());
    let before = seen.len();
    bench.world.ok(&words);
    let again: Vec<String> = front.lines()[before..].to_vec();
    assert!(!again.iter().any(|line| line.starts_with("POST")), "what is there is not mounted again: {again:#?}");
}

#[test]
fn images_of_another_registry_are_copied_verified() {
    let (Some(from), Some(to)) = (Bench::new(Kind::Htpasswd), Registry::start(Kind::Plain)) else { return };
    from.push(&Image::of("linux/riscv64").layer(noise(2_000_000)), "far:1-riscv64");
    let words = ["image", "index", "--json", "--tag", &to.name("app:1"), &from.name("far:1-riscv64")];
    let told = from.world.json(&words);
    assert_eq!(format!("sha256:{}", crate::support::layouts::hex(&to.raw("app:1"))), told["digest"].as_str().unwrap());
    let child = told["children"][0]["digest"].as_str().unwrap();
    assert_eq!(to.raw(&format!("app@{child}")), from.registry.raw("far:1-riscv64"));
    let left: Vec<_> =
        std::fs::read_dir(from.world.store()).into_iter().flatten().flatten().map(|e| e.file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().contains("copying")), "{left:?}");
}

#[test]
fn a_registry_that_does_not_mount_is_sent_the_bytes() {
    let Some(bench) = Bench::new(Kind::Plain) else { return };
    bench.push(&Image::of("linux/s390x"), "team/builds:1-s390x");
    for (status, target) in [(202, "first"), (405, "second")] {
        let front = Front::before(bench.registry.host(), move |seen, _| match seen.target.contains("mount=") {
            true => Turn::Answer(
                Answer::refusal(status, "UNSUPPORTED", "")
                    .with("Location", &format!("/v2/{target}/blobs/uploads/00000000-0000-0000-0000-000000000000")),
            ),
            false => Turn::Pass,
        });
        // The session that the first one names is none, which is found out by the first bytes; another one is begun.
        let tag = front.name(&format!("{target}:1.2"));
        bench.world.ok(&["image", "index", "--tag", &tag, &front.name("team/builds:1-s390x")]);
        let own = |line: &&String| line.contains("/blobs/uploads/") && line.starts_with("PUT");
        let lines = front.lines();
        let count = lines.iter().filter(own).filter(|line| !line.ends_with("-000000000000")).count();
        assert_eq!(count, 2, "{lines:#?}");
    }
}

#[test]
fn a_blob_that_is_too_large_for_a_proxy_goes_in_pieces() {
    let Some(bench) = Bench::new(Kind::Plain) else { return };
    let layout = bench.layout(&Image::of("linux/arm64").layer(noise(20 << 20)), "large");
    let front = Front::before(bench.registry.host(), |seen, _| match seen.method.as_str() {
        "PUT" if seen.body.len() > 10 << 20 => Turn::Answer(Answer::new(413, "text/html", b"<html>".to_vec())),
        _ => Turn::Pass,
    });
    let from = format!("oci:{}", layout.display());
    bench.world.ok(&["image", "index", "--tag", &front.name("big:1"), &from]);
    let pieces = front.seen().iter().filter(|seen| seen.method == "PATCH").count();
    assert_eq!(pieces, 3, "{:#?}", front.lines());
    let pulled = format!("oci:{}", bench.folder.path().join("pulled").display());
    let image = format!("docker://{}", bench.name("big:1"));
    let arguments =
        ["--override-arch", "arm64", "--insecure-policy", "copy", "--quiet", "--src-tls-verify=false", &image, &pulled];
    crate::support::registry::succeeded(&bench.registry.tool("skopeo", &arguments).output().unwrap());
}

#[test]
fn a_damaged_layout_pushes_nothing() {
    let Some(bench) = Bench::new(Kind::Plain) else { return };
    let layout = bench.layout(&Image::of("linux/arm64").layer(noise(1000)), "damaged");
    let largest = std::fs::read_dir(layout.join("blobs/sha256"))
        .unwrap()
        .flatten()
        .max_by_key(|entry| entry.metadata().unwrap().len());
    std::fs::write(largest.unwrap().path(), noise(1000)).unwrap();
    let world: &World = &bench.world;
    let before = bench.registry.contents();
    let said =
        world.fails(4, &["image", "index", "--tag", &bench.name("app:1.2"), &format!("oci:{}", layout.display())]);
    assert!(said.contains("does not match its name"), "{said}");
    let tags = |all: &[String]| all.iter().filter(|path| path.contains("_manifests")).cloned().collect::<Vec<_>>();
    assert_eq!(tags(&bench.registry.contents()), tags(&before));
}
