//! `image inspect`: what is behind a name, as people and programs see it.

use serde_json::json;

use super::Bench;
use crate::support::layouts::{Image, blob, write_index};
use crate::support::registry::Kind;

#[test]
fn an_index_is_shown_with_its_images() {
    let Some(bench) = Bench::new(Kind::Plain) else { return };
    let name = bench.name("app:1.2");
    bench.index(&["--tag", "R/app:1.2", "R/app:1.2-amd64", "R/app:1.2-arm64", "--annotation", "a.key=a value"]);
    let text = bench.world.ok(&["image", "inspect", &name]);
    for said in
        ["linux/amd64", "linux/arm64", &bench.digest("app:1.2-arm64"), &bench.digest("app:1.2"), "a.key=a value"]
    {
        assert!(text.contains(said), "{said} is missing: {text}");
    }
    let told = bench.world.json(&["image", "inspect", "--json", &name]);
    assert_eq!(told["annotations"], json!({ "a.key": "a value" }));
    assert_eq!(told["images"][1]["platform"], "linux/arm64");
    assert_eq!(told["images"][1]["config"]["Entrypoint"], json!(["/layer0"]));
    assert_eq!(told["images"][1]["layers"].as_array().unwrap().len(), 1);
    assert_eq!(told["images"][1]["created"], "2026-11-23T10:00:00Z");
    assert!(told["images"][1]["size"].as_u64().unwrap() > told["images"][1]["layers"][0]["size"].as_u64().unwrap());
}

#[test]
fn one_platform_is_shown_with_all_that_is_known() {
    let Some(bench) = Bench::new(Kind::Plain) else { return };
    bench.push(&Image::of("linux/arm64/v8").label("owner", "team"), "app:1.3-arm64");
    bench.index(&["--tag", "R/app:1.3", "R/app:1.2-amd64", "R/app:1.3-arm64"]);
    let name = bench.name("app:1.3");
    let text = bench.world.ok(&["image", "inspect", &name, "--platform", "linux/arm64"]);
    for said in
        ["linux/arm64", "entrypoint", "[\"/layer0\"]", "PATH=/bin", "owner=team", "2026-11-23T10:00:00Z", "tar+gzip"]
    {
        assert!(text.contains(said), "{said} is missing: {text}");
    }
    let alone = bench.world.ok(&["image", "inspect", &bench.name("app:1.3-arm64")]);
    assert!(alone.contains("owner=team"), "{alone}");
    let raw = |words: &[&str]| bench.world.ok(&[&["image", "inspect", "--raw", &name], words].concat());
    assert_eq!(raw(&[]).as_bytes(), bench.registry.raw("app:1.3"));
    assert_eq!(raw(&["--platform", "linux/arm64/v8"]).as_bytes(), bench.registry.raw("app:1.3-arm64"));
    let said = bench.world.fails(1, &["image", "inspect", &name, "--platform", "linux/mips"]);
    assert!(said.contains("no image for linux/mips, only for linux/amd64, linux/arm64"), "{said}");
    let said = bench.world.fails(2, &["image", "inspect", &bench.name("app:1.4-amd64")]);
    assert!(said.contains("did you mean"), "{said}");
}

#[test]
fn an_index_that_says_otherwise_than_its_image_is_seen_through() {
    let folder = tempfile::tempdir().unwrap();
    let world = crate::support::world::World::new();
    Image::of("linux/amd64").layout(folder.path());
    let text = std::fs::read_to_string(folder.path().join("index.json")).unwrap();
    let mut index: serde_json::Value = serde_json::from_str(&text).unwrap();
    index["mediaType"] = json!("application/vnd.oci.image.index.v1+json");
    index["manifests"][0]["platform"] = json!({ "os": "linux", "architecture": "arm64" });
    let row = blob(folder.path(), "application/vnd.oci.image.index.v1+json", index.to_string().as_bytes());
    write_index(folder.path(), &[row]);
    let name = format!("oci:{}", folder.path().display());
    let text = world.ok(&["image", "inspect", &name]);
    assert!(text.contains("linux/arm64 (the image says linux/amd64)"), "{text}");
    let said = world.fails(1, &["image", "index", "--tag", "localhost:1/app:1", &name, "--dry-run"]);
    assert!(said.contains("is an image for linux/amd64, and the index"), "{said}");
}
