//! The whole command with a mirror in S3: what it asks, as whom, and what it never says.

use std::fs;
use std::os::unix::fs::symlink;

use serde_json::json;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::support::moto::Moto;
use crate::support::upstream::{Fault, Upstream};
use crate::support::world::{World, fixture_mirror};

const SECRET: &str = "wJalrVerySecret";
const TOKEN: &str = "session-token-secret";
const GO: &str = "go@1.26.1";

/// A server with the bucket `builds`, which has the fixtures at `tools`.
fn store() -> (Upstream, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("builds")).unwrap();
    symlink(fixture_mirror(), folder.path().join("builds/tools")).unwrap();
    (Upstream::serving(folder.path()), folder)
}

/// A world that reads from `s3://builds/tools` on a server, without credentials.
fn stranger(server: &Upstream) -> World {
    World::new()
        .with("TOOLKIT_MIRROR", "s3://builds/tools")
        .with("AWS_ENDPOINT_URL_S3", server.url("/").as_str())
        .with("AWS_EC2_METADATA_DISABLED", "true")
        .with("AWS_REGION", "eu-west-1")
}

fn friend(server: &Upstream) -> World {
    stranger(server)
        .with("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        .with("AWS_SECRET_ACCESS_KEY", SECRET)
        .with("AWS_SESSION_TOKEN", TOKEN)
}

fn digest(bytes: &[u8]) -> String {
    let hash: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hash}")
}

fn path(file: &str) -> String {
    format!("/builds/tools/{file}")
}

fn archive() -> String {
    let arch = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
    let os = if cfg!(target_os = "macos") { "darwin" } else { "linux" };
    path(&format!("go.dev/dl/go1.26.1.{os}-{arch}.tar.gz"))
}

#[test]
fn a_project_is_resolved_locked_and_installed_from_a_bucket_that_checks_signatures() {
    let Some(moto) = Moto::start() else { return };
    moto.bucket("builds").upload("builds", "my tools", &fixture_mirror());
    let read = json!({ "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::builds/my tools/*" });
    let keys = moto.user(&read);
    moto.enforce(true);
    let world = moto.world_as(World::new(), &keys).with("TOOLKIT_MIRROR", "");
    world.write(
        "toolkit.toml",
        "[tools]\ndotnet = \"10.0\"\ngo = \"1.26\"\n[source]\nmirror = \"s3://builds/my%20tools\"\n",
    );
    let stderr = world.fails(2, &["lock"]);
    assert!(stderr.contains("toolkit.toml names the mirror s3://builds/my%20tools"), "{stderr}");
    let world = world.with("TOOLKIT_S3_MIRRORS", "s3://other/a, s3://builds/my%20tools");
    world.ok(&["lock"]);
    assert!(world.read("toolkit.lock").contains("https://go.dev/dl/"), "a lock names upstreams");
    world.ok(&["install", "--locked"]);
    assert!(world.ok(&["exec", "--", "go", "version"]).starts_with("go version go1.26"));
    let version = world.json(&["resolve", "go@1.25", "--json"])[0]["version"].clone();
    assert_eq!(version, "1.25.14");
    // The flag goes before the project, and what is cached needs nobody.
    let stderr = world.fails(3, &["resolve", GO, "--mirror", "s3://absent-bucket/x"]);
    assert!(stderr.contains("AWS denies s3:GetObject on arn:aws:s3:::absent-bucket/x/*"), "{stderr}");
    let offline = world.json(&["resolve", "go@1.25", "--offline", "--json"]);
    assert_eq!(offline[0]["version"], "1.25.14");
    let stderr = world.fails(3, &["install", "go@1.25", "--offline"]);
    assert!(stderr.contains("--offline allows no connection"), "{stderr}");
}

#[test]
fn requests_are_signed_for_their_region_and_no_secret_is_sent_or_shown() {
    let (server, _folder) = store();
    let world = friend(&server);
    let run = world.run(&["install", GO]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    // The index, the history, since newer patches are there, and the archive.
    assert_eq!(server.total_requests(), 3);
    for seen in server.all_seen() {
        let header = |name: &str| seen.headers.get(name).map(String::as_str).unwrap_or_default();
        let authorization = header("authorization");
        let start = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/";
        assert!(authorization.starts_with(start), "{authorization}");
        assert!(
            authorization.contains("/eu-west-1/s3/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date;")
        );
        assert_eq!(header("x-amz-security-token"), TOKEN);
        assert!(header("x-amz-content-sha256").starts_with("e3b0c442"));
        assert!(!seen.headers.contains_key("x-amz-request-payer"));
        assert!(!format!("{seen:?}").contains(SECRET));
    }
    for text in [&run.stdout, &run.stderr] {
        assert!(!text.contains(SECRET) && !text.contains(TOKEN), "{text}");
    }
    for line in world.store_listing() {
        assert!(!line.contains("AKIDEXAMPLE"));
    }
}

#[test]
fn the_query_of_a_mirror_says_how_it_is_read() {
    let (server, _folder) = store();
    let one = |location: &str| {
        server.forget();
        friend(&server).ok(&["resolve", GO, "--mirror", location]);
        let seen = server.all_seen();
        assert_eq!(seen.len(), 2, "the index and the history");
        let header = |name: &str| seen[0].headers.get(name).cloned();
        (header("authorization"), header("x-amz-request-payer"))
    };
    let (authorization, payer) = one("s3://builds/tools?requester-pays=true&region=ap-south-1");
    let authorization = authorization.unwrap();
    assert!(
        authorization.contains("/ap-south-1/s3/") && authorization.contains("x-amz-request-payer"),
        "{authorization}"
    );
    assert_eq!(payer.as_deref(), Some("requester"));
    assert_eq!(one("s3://builds/tools?anonymous=true"), (None, None));
    let stderr = friend(&server).fails(2, &["resolve", GO, "--mirror", "s3://builds/tools?sign=no"]);
    assert!(stderr.contains("`sign` in its query is unknown; expected one of: region, anonymous"), "{stderr}");
}

#[test]
fn a_project_does_not_decide_what_is_read_with_its_users_credentials() {
    let (server, _folder) = store();
    let world = friend(&server).with("TOOLKIT_MIRROR", "");
    let project = |location: &str| world.write("toolkit.toml", &format!("[source]\nmirror = \"{location}\"\n"));
    project("s3://builds/tools");
    for command in [&["resolve", GO][..], &["mirror", "list"], &["mirror", "check"]] {
        let stderr = world.fails(2, command);
        assert!(stderr.contains("toolkit.toml names the mirror s3://builds/tools"), "{command:?}: {stderr}");
        assert!(stderr.contains("TOOLKIT_S3_MIRRORS=s3://builds/tools"), "{command:?}: {stderr}");
    }
    assert_eq!(server.total_requests(), 0);
    // What needs no file of upstream's is not in its way.
    world.ok(&["list"]);
    // The user's word counts, however it is given; what is not signed needs none.
    world.ok(&["resolve", GO, "--mirror", "s3://builds/tools"]);
    for (allowed, code) in [
        ("s3://builds", 0),
        ("s3://other,s3://builds/tools", 0),
        ("s3://builds/tool", 2),
        ("s3://builds/tools/below", 2),
        ("builds", 2),
    ] {
        let world = friend(&server).with("TOOLKIT_MIRROR", "").with("TOOLKIT_S3_MIRRORS", allowed);
        world.write("toolkit.toml", "[source]\nmirror = \"s3://builds/tools\"\n");
        assert_eq!(world.run(&["resolve", GO]).code, Some(code), "{allowed}");
    }
    project("s3://builds/tools?anonymous=true");
    world.ok(&["resolve", GO]);
    assert!(!server.all_seen().last().unwrap().headers.contains_key("authorization"));
}

#[test]
fn a_project_lets_nobody_pay_unasked() {
    let (server, _folder) = store();
    let location = "s3://builds/tools?requester-pays=true";
    let world = friend(&server).with("TOOLKIT_MIRROR", "");
    world.write("toolkit.toml", &format!("[source]\nmirror = \"{location}\"\n"));
    let stderr = world.fails(2, &["resolve", GO]);
    assert!(
        stderr.contains(&format!("the project's mirror `{location}` charges the reader (requester pays)")),
        "{stderr}"
    );
    assert_eq!(server.total_requests(), 0);
    world.ok(&["resolve", GO, "--mirror", location]);
    assert_eq!(server.total_requests(), 2, "the index and the history");
}

#[test]
fn a_public_bucket_needs_no_credentials_and_a_private_one_says_that_none_were_found() {
    let (server, _folder) = store();
    let world = stranger(&server);
    world.ok(&["install", GO]);
    assert!(server.all_seen().iter().all(|seen| !seen.headers.contains_key("authorization")));
    let Some(moto) = Moto::start() else { return };
    moto.bucket("builds").put("builds", "tools/go.dev/dl/index-all.json", b"[]");
    let stderr =
        world.with("AWS_ENDPOINT_URL_S3", &moto.url()).fails(3, &["resolve", GO, "--mirror", "s3://builds/tools"]);
    assert!(stderr.contains("to anonymous requests; no AWS credentials were found"), "{stderr}");
}

#[test]
fn a_download_that_is_cut_goes_on_with_a_fresh_signature() {
    let (server, _folder) = store();
    server.fault(&archive(), Fault::CutOnce { at: 500 }).fault(&archive(), Fault::CutOnce { at: 900 });
    friend(&server).with("TOOLKIT_RETRIES", "3").ok(&["install", GO]);
    let seen = server.seen(&archive());
    let ranges: Vec<_> = seen.iter().map(|seen| seen.headers.get("range").map(String::as_str)).collect();
    assert_eq!(ranges, [None, Some("bytes=500-"), Some("bytes=900-")]);
    for seen in &seen[1..] {
        assert!(seen.headers["authorization"].contains("SignedHeaders=host;if-range;range;"), "{seen:?}");
    }
    let signatures: std::collections::BTreeSet<_> = seen.iter().map(|seen| &seen.headers["authorization"]).collect();
    assert_eq!(signatures.len(), 3, "each attempt is signed for itself");
}

#[test]
fn a_signature_follows_no_redirect() {
    let elsewhere = Upstream::new();
    let (server, _folder) = store();
    server.fault(&archive(), Fault::Redirect { to: elsewhere.url("/stolen").to_string() });
    let stderr = friend(&server).fails(3, &["install", GO]);
    assert!(stderr.contains("answered 302"), "{stderr}");
    assert_eq!(elsewhere.total_requests(), 0);
}

#[test]
fn keys_with_odd_characters_are_found() {
    let Some(moto) = Moto::start() else { return };
    // Its name has a port, and so a colon; the file has all that means something in a URL.
    let upstream = Upstream::new();
    let host = upstream.host();
    moto.bucket("builds").put("builds", &format!("t/{host}/a+b c%d/1@2&3.bin"), b"found");
    let url = upstream.url("/a+b%20c%25d/1@2&3.bin");
    let world = moto.world(World::new());
    let fetch = |digest: &str| {
        world.run(&["fetch", url.as_str(), "--digest", digest, "--output", "x", "--mirror", "s3://builds/t"])
    };
    let digest = digest(b"found");
    let run = fetch(&digest);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(fs::read(world.project().join("x")).unwrap(), b"found");
    // Wrong bytes are wrong, wherever they lie.
    moto.put("builds", &format!("t/{host}/a+b c%d/1@2&3.bin"), b"other");
    assert_eq!(fetch(&digest).code, Some(4));
    assert_eq!(upstream.total_requests(), 0);
}

#[test]
fn an_object_is_fetched_by_its_own_address() {
    let (server, _folder) = store();
    let bytes = fs::read(fixture_mirror().join("go.dev/dl/index.json")).unwrap();
    let digest = digest(&bytes);
    let world = friend(&server).with("TOOLKIT_MIRROR", "");
    let fetch = |url: &str| world.run(&["fetch", url, "--digest", &digest, "--output", "x"]);
    let run = fetch("s3://builds/tools/go.dev/dl/index.json?requester-pays=true");
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(fs::read(world.project().join("x")).unwrap(), bytes);
    let seen = server.all_seen();
    assert_eq!((seen.len(), seen[0].headers["x-amz-request-payer"].as_str()), (1, "requester"));
    for (url, code, said) in [
        ("s3://builds/tools/go.dev/dl/index-all.json", 4, "index-all.json"),
        ("s3://builds/tools/absent", 3, "answered 404"),
        ("s3://builds", 2, "names no object"),
        ("s3://builds/a?versionId=1", 2, "`versionId` in its query is unknown"),
    ] {
        let run = fetch(url);
        assert_eq!(run.code, Some(code), "{url}: {}", run.stderr);
        assert!(run.stderr.contains(said), "{url}: {}", run.stderr);
    }
}

#[test]
fn what_s3_denies_comes_from_upstream_where_the_order_allows_it_and_that_is_said_once() {
    let Some(moto) = Moto::start() else { return };
    let upstream = Upstream::new();
    upstream.file("/a.bin", b"found".to_vec());
    moto.bucket("builds").put("builds", "t/x", b"1");
    let keys = moto.user(&json!({ "Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*" }));
    moto.enforce(true);
    let world = moto.world_as(World::new(), &keys).with("TOOLKIT_MIRROR", "s3://builds/t");
    let url = upstream.url("/a.bin");
    let digest = digest(b"found");
    let arguments = ["fetch", url.as_str(), "--digest", &digest, "--output", "x"];
    let stderr = world.fails(3, &arguments);
    assert!(stderr.contains("AWS denies s3:GetObject on arn:aws:s3:::builds/t/*"), "{stderr}");
    assert!(stderr.contains("\"Resource\": \"arn:aws:s3:::builds/t/*\""), "{stderr}");
    assert_eq!(upstream.total_requests(), 0);
    assert!(!world.project().join("x").exists());
    let run = world.run(&[&arguments[..], &["--mirror-order", "mirror-first"]].concat());
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(upstream.total_requests(), 1);
    let start = "the mirror s3://builds/t does not serve every file, and the rest is read from upstream: ";
    assert_eq!(run.stderr.matches(start).count(), 1, "{}", run.stderr);
    assert!(run.stderr.contains("AWS denies s3:GetObject"), "{}", run.stderr);
}
