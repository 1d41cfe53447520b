//! `image index` against a real registry, with skopeo and podman as second opinions.

mod copies;
mod inspecting;
mod refusals;
mod requests;

use std::path::PathBuf;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::layouts::Image;
use crate::support::registry::{KINDS, Kind, Registry, has, succeeded};
use crate::support::world::World;

/// A registry with an image for each of two architectures, `app:1.2-amd64` and `app:1.2-arm64`.
pub struct Bench {
    pub registry: Registry,
    pub world: World,
    pub folder: TempDir,
}

impl Bench {
    /// None, with a loud reason, on a machine that lacks what it takes.
    pub fn new(kind: Kind) -> Option<Self> {
        let registry = Registry::start(kind)?;
        let world = registry.known_to(World::new());
        let bench = Self { registry, world, folder: tempfile::tempdir().unwrap() };
        for architecture in ["amd64", "arm64"] {
            bench.push(&Image::of(&format!("linux/{architecture}")), &format!("app:1.2-{architecture}"));
        }
        Some(bench)
    }

    /// Writes an image as a layout.
    pub fn layout(&self, image: &Image, name: &str) -> PathBuf {
        image.layout(&self.folder.path().join(name.replace([':', '/'], "_")))
    }

    /// Pushes an image by skopeo.
    pub fn push(&self, image: &Image, name: &str) {
        self.registry.push(&self.layout(image, name), name, "oci");
    }

    /// Names an image.
    pub fn name(&self, rest: &str) -> String {
        self.registry.name(rest)
    }

    /// Returns the digest of an image.
    pub fn digest(&self, name: &str) -> String {
        format!("sha256:{}", crate::support::layouts::hex(&self.registry.raw(name)))
    }

    /// Runs `toolkit image index`, with `R/` in front of a name for this registry, and returns its JSON.
    pub fn index(&self, words: &[&str]) -> Value {
        self.world.json(&self.words(words).iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// Runs it, which must end with `code`, and returns what it said.
    pub fn refuses(&self, code: i32, words: &[&str]) -> String {
        let before = self.registry.contents();
        let said = self.world.fails(code, &self.words(words).iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(self.registry.contents(), before, "something was pushed although {said}");
        said
    }

    pub fn words(&self, words: &[&str]) -> Vec<String> {
        let own = |word: &&str| match (word.strip_prefix("R/"), word.split_once("=R/")) {
            (Some(rest), _) => self.name(rest),
            (None, Some((flag, rest))) => format!("{flag}={}", self.name(rest)),
            (None, None) => (*word).to_owned(),
        };
        let words = words.iter().map(own);
        ["image".to_owned(), "index".to_owned(), "--json".to_owned()].into_iter().chain(words).collect()
    }
}

#[test]
fn the_images_of_two_architectures_become_one_on_every_kind_of_registry() {
    for kind in KINDS {
        let Some(bench) = Bench::new(kind) else { return };
        let tags = ["--tag", "R/app:1.2", "--tag", "R/app:latest"];
        let rest = ["--platform", "linux/amd64,linux/arm64", "--annotation", "org.opencontainers.image.version=1.2"];
        let words = [&tags[..], &["R/app:1.2-amd64", "R/app:1.2-arm64"], &rest].concat();
        let told = bench.index(&words);
        assert_eq!(told["pushed"], true, "{kind:?}");
        // What skopeo reads are the bytes that were announced, under each tag and by digest.
        let by_digest = format!("app@{}", told["digest"].as_str().unwrap());
        for name in ["app:1.2", "app:latest", &by_digest] {
            assert_eq!(bench.digest(name), told["digest"].as_str().unwrap(), "{kind:?} {name}");
        }
        let index: Value = serde_json::from_slice(&bench.registry.raw("app:1.2")).unwrap();
        assert_eq!(index, told["index"]);
        for (row, architecture) in index["manifests"].as_array().unwrap().iter().zip(["amd64", "arm64"]) {
            assert_eq!(row["platform"]["architecture"], architecture);
            assert_eq!(row["digest"], bench.digest(&format!("app:1.2-{architecture}")));
        }
        podman_agrees(&bench, &index);
        skopeo_pulls_the_right_child(&bench);
        // The same again does no harm and comes to the same.
        assert_eq!(bench.index(&words)["digest"], told["digest"]);
    }
}

fn podman_agrees(bench: &Bench, index: &Value) {
    if !has("podman") {
        eprintln!("SKIPPED in part: podman is not installed, so only skopeo was asked");
        return;
    }
    let name = bench.name("app:1.2");
    let root = bench.folder.path().join("podman");
    let storage = ["--root", root.to_str().unwrap(), "--runroot", root.to_str().unwrap(), "--storage-driver", "vfs"];
    let arguments = [&storage[..], &["manifest", "inspect", &name]].concat();
    let seen: Value =
        serde_json::from_slice(&succeeded(&bench.registry.tool("podman", &arguments).output().unwrap())).unwrap();
    assert_eq!(seen["manifests"], index["manifests"], "podman sees something else");
}

fn skopeo_pulls_the_right_child(bench: &Bench) {
    let tls = format!("--src-tls-verify={}", bench.registry.kind == Kind::Tls);
    for architecture in ["amd64", "arm64"] {
        let target = bench.folder.path().join(format!("pulled-{architecture}"));
        let (from, to) = (format!("docker://{}", bench.name("app:1.2")), format!("oci:{}", target.display()));
        let arguments = [
            "--override-os",
            "linux",
            "--override-arch",
            architecture,
            "--insecure-policy",
            "copy",
            "--quiet",
            &tls,
            &from,
            &to,
        ];
        succeeded(&bench.registry.tool("skopeo", &arguments).output().unwrap());
        let told = bench.world.json(&["image", "inspect", "--json", &to]);
        assert_eq!(told["images"][0]["platform"], format!("linux/{architecture}"));
        assert_eq!(told["digest"], bench.digest(&format!("app:1.2-{architecture}")));
    }
}

#[test]
fn what_builders_leave_behind_is_read() {
    let Some(bench) = Bench::new(Kind::Plain) else { return };
    let (amd64, arm64) = (bench.digest("app:1.2-amd64"), bench.digest("app:1.2-arm64"));
    bench.world.write("digests/amd64.digest", &amd64);
    bench.world.write("digests/arm64.digest", &format!("{}@{arm64}\n", bench.name("app:1.2-arm64")));
    let by_file = bench.index(&[
        "--tag",
        "R/app:1.2",
        "--digest-file",
        "digests/amd64.digest",
        "--digest-file",
        "digests/arm64.digest",
    ]);
    for words in [
        vec!["R/app:1.2-amd64", "R/app:1.2-arm64"],
        vec![amd64.as_str(), arm64.as_str()],
        vec!["--child", "linux/amd64=R/app:1.2-amd64", "--child", "linux/arm64=R/app:1.2-arm64"],
    ] {
        let told = bench.index(&[vec!["--tag", "R/app:1.2"], words].concat());
        assert_eq!(told["digest"], by_file["digest"]);
    }
    // An index among the images gives its images; of one that is asked for a platform, only that one is meant.
    bench.push(&Image::of("linux/s390x"), "app:1.2-s390x");
    let told = bench.index(&["--tag", "R/app:more", "R/app:1.2", "R/app:1.2-s390x"]);
    let platforms = |told: &Value| -> Vec<String> {
        told["children"]
            .as_array()
            .unwrap()
            .iter()
            .map(|child| child["platform"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(platforms(&told), ["linux/amd64", "linux/arm64", "linux/s390x"]);
    let told =
        bench.index(&["--tag", "R/app:some", "--child", "linux/s390x=R/app:more", "--child", "linux/arm64=R/app:1.2"]);
    assert_eq!(platforms(&told), ["linux/s390x", "linux/arm64"]);
}

#[test]
fn a_rehearsal_pushes_nothing_and_tells_the_same() {
    let Some(bench) = Bench::new(Kind::Plain) else { return };
    let before = bench.registry.contents();
    let words = ["--tag", "R/app:1.2", "R/app:1.2-amd64", "R/app:1.2-arm64"];
    let told = bench.index(&[&words[..], &["--dry-run"]].concat());
    assert_eq!((told["pushed"].as_bool(), bench.registry.contents()), (Some(false), before));
    let pushed = bench.index(&[&words[..], &["--output-digest", "index.digest"]].concat());
    assert_eq!(told["digest"], pushed["digest"]);
    assert_eq!(bench.world.read("index.digest"), pushed["digest"].as_str().unwrap());
    let text = bench.world.ok(&bench
        .words(&words)
        .iter()
        .map(String::as_str)
        .filter(|word| *word != "--json")
        .collect::<Vec<_>>());
    assert!(text.starts_with(&format!("{}\n", pushed["reference"].as_str().unwrap())), "{text}");
    assert!(text.contains("linux/arm64") && text.contains("app:1.2-arm64"), "{text}");
}

#[test]
fn images_of_docker_make_a_list_of_docker() {
    let Some(bench) = Bench::new(Kind::Plain) else { return };
    for architecture in ["amd64", "arm64"] {
        let layout = bench.layout(&Image::of(&format!("linux/{architecture}")), &format!("d-{architecture}"));
        bench.registry.push(&layout, &format!("docker:{architecture}"), "v2s2");
    }
    let list = "application/vnd.docker.distribution.manifest.list.v2+json";
    let oci = "application/vnd.oci.image.index.v1+json";
    for (words, expected) in [
        (vec!["R/docker:amd64", "R/docker:arm64"], list),
        (vec!["R/docker:amd64", "R/docker:arm64", "--format", "oci"], oci),
        (vec!["R/docker:amd64", "R/docker:arm64", "--annotation", "a=b"], oci),
        (vec!["R/docker:amd64", "R/app:1.2-arm64"], oci),
    ] {
        let told = bench.index(&[vec!["--tag", "R/docker:1.2"], words].concat());
        assert_eq!(told["media_type"], expected);
        podman_agrees_on(&bench, "docker:1.2", 2);
    }
    let said = bench.refuses(2, &["--tag", "R/app:x", "R/app:1.2-amd64", "R/docker:arm64", "--format", "docker"]);
    assert!(said.contains("in OCI's"), "{said}");
}

fn podman_agrees_on(bench: &Bench, name: &str, images: usize) {
    let told = bench.world.json(&["image", "inspect", "--json", &bench.name(name)]);
    assert_eq!(told["images"].as_array().unwrap().len(), images);
    let raw = bench.world.run(&["image", "inspect", "--raw", &bench.name(name)]);
    assert_eq!(raw.stdout.as_bytes(), bench.registry.raw(name));
}

#[test]
fn attestations_are_left_out_with_a_note() {
    let Some(bench) = Bench::new(Kind::Plain) else { return };
    let folder = bench.folder.path().join("attested");
    Image::of("linux/amd64").layout(&folder);
    let text = std::fs::read_to_string(folder.join("index.json")).unwrap();
    let mut index: Value = serde_json::from_str(&text).unwrap();
    let mut row = index["manifests"][0].clone();
    row["platform"] = serde_json::json!({ "os": "linux", "architecture": "amd64" });
    let mut statement = row.clone();
    statement["platform"] = serde_json::json!({ "os": "unknown", "architecture": "unknown" });
    statement["annotations"] = serde_json::json!({ "vnd.docker.reference.type": "attestation-manifest" });
    index["manifests"] = serde_json::json!([row, statement]);
    index["mediaType"] = serde_json::json!("application/vnd.oci.image.index.v1+json");
    let row =
        crate::support::layouts::blob(&folder, index["mediaType"].as_str().unwrap(), index.to_string().as_bytes());
    crate::support::layouts::write_index(&folder, &[row]);
    let words = bench.words(&["--tag", "R/app:1.2", &format!("oci:{}", folder.display()), "R/app:1.2-arm64"]);
    let run = bench.world.run(&words.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(run.stderr.contains("1 attestation"), "{}", run.stderr);
    let told: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(told["children"].as_array().unwrap().len(), 2);
}

#[test]
fn labels_that_all_images_share_are_said_of_the_index() {
    let Some(bench) = Bench::new(Kind::Plain) else { return };
    let (source, revision) = ("org.opencontainers.image.source", "org.opencontainers.image.revision");
    for (architecture, number) in [("amd64", "1"), ("arm64", "2")] {
        let image =
            Image::of(&format!("linux/{architecture}")).label(source, "https://example.com").label(revision, number);
        bench.push(&image, &format!("app:l-{architecture}"));
    }
    let told = bench.index(&["--tag", "R/app:l", "R/app:l-amd64", "R/app:l-arm64", "--labels"]);
    assert_eq!(told["index"]["annotations"], serde_json::json!({ source: "https://example.com" }));
}
