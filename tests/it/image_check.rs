//! `toolkit image check`: files and folders against a real registry, as people and as programs read the answer.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::registry::{Kind, Registry};
use crate::support::upstream::{Fault, Upstream};
use crate::support::world::World;

const DOCKERFILE: &str = "\
ARG REGISTRY
ARG TRINO=356
FROM --platform=$BUILDPLATFORM ${REGISTRY}/builder:1 AS build
RUN --mount=type=bind,from=$REGISTRY/tools:2.1-alpine,target=/t \\
    <<EOF
FROM nothing
EOF
FROM ${REGISTRY}/trino:${TRINO} AS base
FROM scratch AS empty
FROM base
COPY --from=build /a /a
COPY --from=2 /b /b
";

const COMPOSE: &str = "\
services:
  cache:
    image: ${REGISTRY}/redis:${REDIS:-7}
  legacy:
    image: ${REGISTRY}/builder:1
    platform: linux/amd64
  app:
    build:
      context: .
      args: {REGISTRY: \"${REGISTRY}\"}
  secret:
    image: ${REGISTRY}/app:${NOT_SET}
";

const MANIFEST: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: app}
spec:
  template:
    spec:
      initContainers: [{name: init, image: HOST/tools:2.1-alpine}]
      containers: [{name: app, image: HOST/redis:7}]
---
apiVersion: batch/v1
kind: CronJob
spec:
  jobTemplate:
    spec:
      template:
        spec:
          containers: [{name: query, image: HOST/trino:356}]
";

const PIPELINE: &str = "\
variables: {REGISTRY: HOST}
default:
  image: $REGISTRY/tools:2.1-alpine
.job:
  image: {name: \"$REGISTRY/redis:$VERSION\", entrypoint: [\"\"]}
test:
  extends: .job
  variables: {VERSION: '7'}
  services: [\"$REGISTRY/nothing:1\"]
  script: [make test]
";

/// A registry with what a migration finds: images for one platform, for two, and newer ones that have both.
fn filled() -> Option<Registry> {
    let registry = Registry::start(Kind::Plain)?;
    let host = registry.host();
    for (name, tag, platforms) in [
        ("builder", "1", &["linux/amd64"][..]),
        ("trino", "356", &["linux/amd64"]),
        ("trino", "357", &["linux/amd64"]),
        ("trino", "358", &["linux/amd64", "linux/arm64/v8"]),
        ("trino", "405", &["linux/amd64", "linux/arm64"]),
        ("trino", "latest", &["linux/amd64", "linux/arm64"]),
        ("redis", "7", &["linux/amd64", "linux/arm64", "unknown/unknown"]),
        ("tools", "2.1-alpine", &["linux/arm64", "linux/amd64"]),
    ] {
        push(host, name, tag, platforms);
    }
    Some(registry)
}

fn project(host: &str) -> World {
    let world = World::new().with("TOOLKIT_RETRIES", "0");
    world.write("Dockerfile", DOCKERFILE);
    world.write("compose.yaml", COMPOSE);
    world.write(".env", &format!("REGISTRY={host}\n"));
    world.write("deploy/app.yaml", &MANIFEST.replace("HOST", host));
    world.write("deploy/values.yaml", "image: not-a-manifest\n");
    world.write(".gitlab-ci.yml", &PIPELINE.replace("HOST", host));
    world.write("node_modules/x/Dockerfile", "FROM of-others\n");
    world
}

#[test]
fn a_project_is_shown_as_images_by_platforms() {
    let Some(registry) = filled() else { return };
    let world = project(registry.host());
    let run = world.run(&["image", "check", "--env-file", ".env"]);
    // The name of the registry is as long as its port, and so are the columns.
    let out: String = run
        .stdout
        .replace(registry.host(), "R")
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ") + "\n")
        .collect();
    assert_eq!(
        out,
        "\
image linux/amd64 linux/arm64 found in
R/tools:2.1-alpine yes yes .gitlab-ci.yml:3, Dockerfile:4, deploy/app.yaml:7
R/redis:7 yes yes .gitlab-ci.yml:5, compose.yaml:3, deploy/app.yaml:8
R/nothing:1 missing missing .gitlab-ci.yml:9
R/builder:1 yes no Dockerfile:3, compose.yaml:5
R/trino:356 yes missing Dockerfile:8, deploy/app.yaml:17

R/nothing:1: the image does not exist; no tag is newer
R/trino:356 has no linux/arm64; the nearest newer tag that has it is 358

compose.yaml:12: not resolved: `${REGISTRY}/app:${NOT_SET}`: `NOT_SET` has no value
compose.yaml:5: pinned: R/builder:1 is held to linux/amd64
",
        "{}",
        run.stderr
    );
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert!(
        run.stderr.starts_with("5 images, 2 lack a platform, 1 not resolved\nhint: `--env NAME` takes"),
        "{}",
        run.stderr
    );
}

#[test]
fn programs_get_all_of_it() {
    let Some(registry) = filled() else { return };
    let world = project(registry.host());
    let run = world.run(&["image", "check", "--json", "--platform", "linux/arm64", "-q", "--env-file", ".env"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(1), ""), "{}", run.stdout);
    let value: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(value["platforms"], json!(["linux/arm64"]));
    let images = value["images"].as_array().unwrap();
    let row = |name: &str| {
        let name = registry.name(name);
        images.iter().find(|row| row["image"] == name).unwrap_or_else(|| panic!("{name} is missing"))
    };
    let trino = row("trino:356");
    assert_eq!(trino["missing"], json!(["linux/arm64"]));
    assert_eq!(trino["has"], json!(["linux/amd64"]));
    assert_eq!(trino["newer"], json!({ "tag": "358", "image": registry.name("trino:358"), "nearest": true }));
    assert_eq!(trino["found"][0], json!({ "file": "Dockerfile", "line": 8, "column": 6, "as": "FROM" }));
    assert_eq!(row("redis:7")["platforms"], json!({ "linux/arm64": "present" }));
    assert_eq!(row("redis:7")["has"], json!(["linux/amd64", "linux/arm64"]), "attestations are no platform");
    assert_eq!(row("nothing:1")["has"], Value::Null);
    // Of the two uses, one is held to amd64; the machine that builds would be arm64 here, and lacks it.
    assert_eq!(row("builder:1")["platforms"], json!({ "linux/arm64": "missing" }));
    let held = row("builder:1")["found"].as_array().unwrap().iter().find(|found| found["pinned"] == true).unwrap();
    assert_eq!((&held["file"], &held["needs"]), (&json!("compose.yaml"), &json!(["linux/amd64"])));
    let kinds: Vec<_> = value["notes"].as_array().unwrap().iter().map(|note| note["kind"].clone()).collect();
    assert_eq!(kinds, ["unresolved", "pinned"]);
}

#[test]
fn exit_codes_tell_what_happened() {
    let Some(registry) = filled() else { return };
    let world = World::new().with("TOOLKIT_RETRIES", "0");
    let at = |name: &str| registry.name(name);
    let (redis, trino) = (at("redis:7"), at("trino:356"));
    world.write("open/Dockerfile", &format!("FROM {redis}\nCOPY --from=$X / /\n"));
    world.write("bad/Dockerfile", "RUN x\n");
    world.write("bad/compose.yaml", "a: b: c\n");
    world.write("notes.txt", "nothing\n");
    world.write("empty/readme.md", "x\n");
    let broken = Upstream::new();
    for path in ["/v2/app/manifests/1", "/v2/app/tags/list"] {
        broken.fault(path, Fault::Status { code: 500, times: 99, retry_after: None });
    }
    let broken = format!("{}/app:1", broken.host());
    for (arguments, code, said) in [
        (&[redis.as_str()][..], 0, "1 image, none lacks a platform"),
        (&[redis.as_str(), &trino], 1, "2 images, 1 lacks a platform"),
        (&[trino.as_str(), "--platform", "linux/amd64"], 0, "none lacks"),
        (&[trino.as_str(), "--no-newer"], 1, "1 lacks"),
        (&["open"], 0, "1 not resolved"),
        (&["open", "--strict"], 1, "1 not resolved"),
        (&["open", "--strict", "--build-arg", "X=0"], 1, "1 not resolved"),
        (&[broken.as_str()], 3, "500"),
        (&[broken.as_str(), &redis], 3, "1 not known"),
        (&[broken.as_str(), &trino], 1, "1 lacks a platform, 1 not known"),
        (&["Absent/File"], 2, "no file `Absent/File`"),
        (&["notes.txt"], 2, "notes.txt is not a kind of file"),
        (&["bad/Dockerfile"], 2, "bad/Dockerfile, line 1: `RUN` comes before the first FROM"),
        (&["bad/compose.yaml"], 2, "bad/compose.yaml, line 1 is not valid YAML"),
        (&["bad"], 0, "2 not read"),
        (&["bad", "--strict"], 1, "2 not read"),
        (&["empty"], 2, "empty names no image"),
        (&[redis.as_str(), "--platform", "beer"], 2, "os/architecture"),
        (&[redis.as_str(), "--build-arg", "=x"], 2, "`--build-arg =x` has no name"),
        (&[redis.as_str(), "--env", "=x"], 2, "`--env =x` has no name"),
        (&[redis.as_str(), "--env-file", "absent"], 2, "absent"),
    ] {
        let run = world.run(&[&["image", "check"], arguments].concat());
        assert_eq!(run.code, Some(code), "{arguments:?}: {}{}", run.stdout, run.stderr);
        assert!(run.stderr.contains(said), "{arguments:?} does not say `{said}`: {}", run.stderr);
        assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
    }
}

/// Pushes an image: a manifest for one platform, an index for several.
fn push(host: &str, name: &str, tag: &str, platforms: &[&str]) {
    const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
    let mut rows = Vec::new();
    for platform in platforms {
        let mut parts = platform.split('/');
        let (os, architecture) = (parts.next().unwrap(), parts.next().unwrap());
        let mut config = json!({ "os": os, "architecture": architecture, "config": {},
            "rootfs": { "type": "layers", "diff_ids": [] } });
        let mut stated = json!({ "os": os, "architecture": architecture });
        if let Some(variant) = parts.next() {
            config["variant"] = json!(variant);
            stated["variant"] = json!(variant);
        }
        let config = config.to_string();
        let headers = http(host, "POST", &format!("/v2/{name}/blobs/uploads/"), "", "");
        let location = headers.lines().find_map(|line| line.strip_prefix("Location: ")).unwrap().trim();
        let location = location.trim_start_matches(&format!("http://{host}"));
        let digest = sha256(&config);
        http(host, "PUT", &format!("{location}&digest={digest}"), "application/octet-stream", &config);
        let kind = "application/vnd.oci.image.config.v1+json";
        let manifest = json!({ "schemaVersion": 2, "mediaType": MANIFEST, "layers": [],
            "config": { "mediaType": kind, "digest": digest, "size": config.len() } });
        let manifest = manifest.to_string();
        let digest = sha256(&manifest);
        http(host, "PUT", &format!("/v2/{name}/manifests/{digest}"), MANIFEST, &manifest);
        if platforms.len() == 1 {
            http(host, "PUT", &format!("/v2/{name}/manifests/{tag}"), MANIFEST, &manifest);
            return;
        }
        rows.push(json!({ "mediaType": MANIFEST, "digest": digest, "size": manifest.len(), "platform": stated }));
    }
    let kind = "application/vnd.oci.image.index.v1+json";
    let index = json!({ "schemaVersion": 2, "mediaType": kind, "manifests": rows }).to_string();
    http(host, "PUT", &format!("/v2/{name}/manifests/{tag}"), kind, &index);
}

fn sha256(text: &str) -> String {
    let hex: String = Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

/// Makes one request, which must succeed; gives the headers of the answer.
fn http(host: &str, method: &str, path: &str, kind: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(host).unwrap();
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (status, headers) = answer.split_once("\r\n").unwrap();
    assert!(status.contains(" 20"), "{method} {path}: {answer}");
    headers.to_owned()
}
