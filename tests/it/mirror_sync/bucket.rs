//! Mirrors in a bucket, as moto plays S3.

use std::collections::BTreeMap;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use serde_json::{Value, json};

use super::kills::{KILLS, Moments, archives, judge, kill};
use super::{INDEX, elsewhere, paths, project, source, use_alone_as};
use crate::support::front::{Front, Turn};
use crate::support::image;
use crate::support::mirror;
use crate::support::moto::Moto;
use crate::support::upstream::Upstream;
use crate::support::world::{Run, World};

const BUCKET: &str = "builds";
const DEST: &str = "s3://builds/tools";
const GO: &str = "platforms = [\"linux/amd64\", \"linux/arm64\"]\n[tools]\ngo = \"1.26\"\n";
const ARCHIVE: &str = "go.dev/dl/go1.26.7.linux-amd64.tar.gz";

/// What is under the prefix, by paths.
fn contents(moto: &Moto) -> BTreeMap<String, Vec<u8>> {
    let keys = moto.keys(BUCKET);
    let below = keys.iter().filter_map(|key| Some((key.strip_prefix("tools/")?.to_owned(), moto.get(BUCKET, key)?)));
    below.collect()
}

#[test]
fn a_bucket_serves_installs_locks_and_resolutions_alone() {
    let Some(moto) = Moto::start() else { return };
    moto.bucket(BUCKET);
    let source = source();
    let world = moto.world(project(source.path(), super::PROJECT));
    let run = world.run(&["mirror", "check", DEST]);
    assert!(run.code == Some(1) && run.stderr.contains("incomplete mirror"), "{run:?}");
    world.ok(&["mirror", "sync", DEST]);
    drop(source);
    assert!(contents(&moto).contains_key(INDEX));
    use_alone_as(&world, DEST, |other| moto.world(other));
    let world = world.with("TOOLKIT_MIRROR", DEST);
    assert!(world.ok(&["mirror", "check"]).starts_with(&format!("ok {DEST}, 18 files")));
    assert_eq!(world.json(&["mirror", "list", "--json"])["files"].as_array().unwrap().len(), 18);
}

#[test]
fn a_sync_that_finds_all_in_a_bucket_uploads_nothing() {
    let Some(moto) = Moto::start() else { return };
    moto.bucket(BUCKET);
    let lines = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&lines);
    let front = Front::before(moto.host(), move |request, _| {
        seen.lock().unwrap().push(request.line());
        Turn::Pass
    });
    let source = source();
    let world = moto.world(project(source.path(), super::PROJECT));
    let world = world.with("AWS_ENDPOINT_URL", &format!("http://{}", front.host()));
    world.ok(&["mirror", "sync", DEST]);
    let written =
        |lines: &[String]| lines.iter().filter(|line| !line.starts_with("HEAD ") && !line.starts_with("GET ")).count();
    assert_eq!(written(&lines.lock().unwrap()), 19, "one request for each file and one for the index");
    lines.lock().unwrap().clear();
    let run = world.run(&["mirror", "sync", DEST]);
    assert!(run.code == Some(0) && run.stderr.contains("nothing was written"), "{run:?}");
    let lines = lines.lock().unwrap();
    assert_eq!(written(&lines), 0, "{lines:?}");
    assert_eq!(lines.iter().filter(|line| line.starts_with("GET ")).count(), 1, "only the index is read: {lines:?}");
}

#[test]
fn an_object_with_other_bytes_is_found_refused_and_mended() {
    let Some(moto) = Moto::start() else { return };
    moto.bucket(BUCKET);
    let source = source();
    let world = moto.world(project(source.path(), GO));
    world.ok(&["mirror", "sync", DEST]);
    let key = format!("tools/{ARCHIVE}");
    let good = moto.get(BUCKET, &key).unwrap();
    let mut bad = good.clone();
    bad[100] ^= 1;
    moto.put(BUCKET, &key, &bad);
    let run = world.run(&["mirror", "check", DEST]);
    assert_eq!(run.code, Some(1), "{run:?}");
    for said in [format!("different {ARCHIVE}"), image::sha256(&good), image::sha256(&bad)] {
        assert!(run.stdout.contains(&said), "{said}: {}", run.stdout);
    }
    let proxy = Upstream::new();
    let other = moto.world(elsewhere(&world, DEST, &proxy));
    let stderr = other.fails(4, &["install", "--locked", "--platform", "linux/amd64"]);
    assert!(stderr.contains("expected sha256:") && proxy.connections() == 0, "{stderr}");
    for wrong in [bad.as_slice(), b"x", b""] {
        moto.put(BUCKET, &key, wrong);
        assert_eq!(world.run(&["mirror", "check", DEST]).code, Some(1));
        assert_eq!(paths(&world.json(&["mirror", "sync", DEST, "--json"])["uploaded"]), [ARCHIVE]);
        assert_eq!(moto.get(BUCKET, &key).unwrap(), good);
    }
    moto.delete(BUCKET, &key);
    assert!(world.run(&["mirror", "check", DEST]).stdout.contains(&format!("missing {ARCHIVE}")));
    // The right bytes are right, whoever put them there.
    moto.put(BUCKET, &key, &good);
    assert!(world.run(&["mirror", "sync", DEST]).stderr.contains("nothing was written"));
    world.ok(&["mirror", "check", DEST]);
}

#[test]
fn projects_share_a_bucket_and_prune_their_own() {
    let Some(moto) = Moto::start() else { return };
    moto.bucket(BUCKET).put(BUCKET, "tools/mine", b"x").put(BUCKET, "toolkit-mirror.json", b"not ours");
    let source = source();
    let tools = ["go = \"1.26\"", "dotnet = \"10.0\"", "kaniko = \"1\"", "go = \"1.27\""];
    let worlds = tools.map(|tool| moto.world(project(source.path(), &format!("[tools]\n{tool}\n"))));
    for dest in ["s3://builds/1", "s3://builds/2", DEST] {
        let children: Vec<Child> = worlds
            .iter()
            .map(|world| {
                let mut command = world.command(&["mirror", "sync", dest]);
                command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
            })
            .collect();
        for child in children {
            let run = Run::of(&child.wait_with_output().unwrap());
            assert_eq!(run.code, Some(0), "{}", run.stderr);
        }
        for world in &worlds {
            world.ok(&["mirror", "check", dest]);
        }
    }
    let (go, kept) = (&worlds[0], [&worlds[1], &worlds[3]].map(|world| world.project().display().to_string()));
    let prune = ["mirror", "sync", DEST, "--prune", "--keep", &kept[0], "--keep", &kept[1], "--json"];
    let removed = paths(&go.json(&prune)["removed"]);
    assert!(!removed.is_empty() && removed.iter().all(|path| path.starts_with("ghcr.io/")), "{removed:?}");
    worlds[1].ok(&["mirror", "check", DEST]);
    assert_eq!(worlds[2].run(&["mirror", "check", DEST]).code, Some(1));
    assert!(contents(&moto).contains_key("mine"));
    assert_eq!(moto.get(BUCKET, "toolkit-mirror.json").unwrap(), b"not ours");
}

#[test]
fn a_bucket_that_is_not_there_is_no_unfinished_mirror() {
    let Some(moto) = Moto::start() else { return };
    let source = source();
    let world = moto.world(project(source.path(), GO));
    for command in ["sync", "check", "list"] {
        let stderr = world.fails(3, &["mirror", command, "s3://nowhere/tools"]);
        assert!(stderr.contains("the bucket `nowhere`"), "{command}: {stderr}");
    }
    for dest in ["s3://builds/a?region=x/y", "s3://builds/../a", "s3://x"] {
        world.fails(2, &["mirror", "sync", dest]);
    }
}

#[test]
fn what_is_denied_is_named_and_leaves_the_mirror_as_it_was() {
    let Some(moto) = Moto::start() else { return };
    moto.bucket(BUCKET);
    let source = source();
    let world = moto.world(project(source.path(), "[tools]\ndotnet = \"10.0\"\n"));
    world.ok(&["mirror", "sync", DEST]);
    let before = contents(&moto);
    let (objects, bucket) = ("arn:aws:s3:::builds/tools/*", "arn:aws:s3:::builds");
    let allow = |action: &[&str], resource: &str| json!({ "Effect": "Allow", "Action": action, "Resource": resource });
    let reader = || vec![allow(&["s3:GetObject"], objects), allow(&["s3:ListBucket"], bucket)];
    let go = project(source.path(), GO);
    for (statements, command, action, resource) in [
        (reader(), &["sync"][..], "s3:PutObject", objects),
        (vec![allow(&["s3:ListBucket"], bucket)], &["sync"], "s3:GetObject", objects),
        (vec![allow(&["s3:ListBucket"], bucket)], &["check"], "s3:GetObject", objects),
        (vec![allow(&["s3:ListBucket"], bucket)], &["list"], "s3:GetObject", objects),
        (vec![allow(&["s3:GetObject"], objects)], &["check", "--all"], "s3:ListBucket", bucket),
        (
            [reader(), vec![allow(&["s3:PutObject"], objects)]].concat(),
            &["sync", "--prune"],
            "s3:DeleteObject",
            objects,
        ),
    ] {
        let keys = moto.user(&Value::Array(statements));
        let asking = moto.world_as(World::new(), &keys).with("TOOLKIT_MIRROR", source.path().to_str().unwrap());
        for name in ["toolkit.toml", "toolkit.lock"] {
            asking.write(name, &go.read(name));
        }
        moto.enforce(true);
        let run = asking.run(&[&["mirror", command[0], DEST], &command[1..]].concat());
        moto.enforce(false);
        assert_eq!(run.code, Some(3), "{command:?} without {action}: {run:?}");
        for said in [action, resource, "\"Effect\": \"Allow\""] {
            assert!(run.stderr.contains(said), "{command:?} does not say {said}: {}", run.stderr);
        }
        if action != "s3:DeleteObject" {
            assert_eq!(contents(&moto), before, "{command:?} without {action} changed something");
        }
    }
    // What could not be removed is no part of the mirror any more, and what is, is whole.
    go.ok_as(&moto, &["mirror", "check", DEST]);
    assert_eq!(moto.unfinished(BUCKET), 0);
}

/// Runs a command as somebody who may do all.
trait OkAs {
    fn ok_as(&self, moto: &Moto, arguments: &[&str]);
}

impl OkAs for World {
    fn ok_as(&self, moto: &Moto, arguments: &[&str]) {
        let mut command = self.command(arguments);
        command.env("AWS_ENDPOINT_URL", moto.url()).env("AWS_REGION", "us-east-1");
        command.env("AWS_ACCESS_KEY_ID", "AKIAROOT").env("AWS_SECRET_ACCESS_KEY", "root-secret");
        let run = Run::of(&command.output().unwrap());
        assert_eq!(run.code, Some(0), "{run:?}");
    }
}

#[test]
fn a_killed_sync_never_leaves_a_bucket_that_looks_whole() {
    let Some(moto) = Moto::start() else { return };
    moto.bucket(BUCKET);
    let folder = tempfile::tempdir().unwrap();
    // An archive of 18 MB, so that it goes in parts.
    let source = mirror::go(&folder.path().join("source"), 600, 30_000);
    super::copy(
        &crate::support::world::fixture_mirror().join("builds.dotnet.microsoft.com"),
        &source.join("builds.dotnet.microsoft.com"),
    );
    let text = format!("platforms = [\"linux/amd64\"]\n[tools]\ndotnet = \"10.0\"\ngo = \"{}\"\n", mirror::VERSION);
    let world = moto.world(project(&source, &text));
    let sync = || {
        let started = Instant::now();
        world.ok(&["mirror", "sync", DEST]);
        started.elapsed()
    };
    let mut whole = sync();
    let complete: Vec<String> = contents(&moto).into_keys().collect();
    let (mut moments, mut midway, mut unfinished, mut parts) = (Moments::new(), 0, 0, 0);
    for number in 0..KILLS {
        for path in contents(&moto).keys() {
            moto.delete(BUCKET, &format!("tools/{path}"));
        }
        let moment = moments.within(whole);
        midway += u32::from(kill(&world, DEST, moment));
        let there = contents(&moto);
        unfinished += u32::from(!judge(&world, DEST, &there, &archives(&world), &source));
        let uploads = moto.unfinished(BUCKET);
        let rest = sync();
        if there.is_empty() {
            whole = rest;
        }
        assert!(world.ok(&["mirror", "check", DEST]).starts_with("ok "), "kill {number} after {moment:?}");
        assert_eq!(contents(&moto).into_keys().collect::<Vec<_>>(), complete, "kill {number} after {moment:?}");
        parts = parts.max(uploads);
    }
    eprintln!(
        "{midway} of {KILLS} kills hit a running sync, {unfinished} left something to do, {parts} uploads in parts were left"
    );
    assert!(midway > KILLS / 4, "only {midway} of {KILLS} kills hit a running sync");
    assert!(unfinished > KILLS / 4, "only {unfinished} of {KILLS} kills left something to do");
    assert!(parts > 0, "no kill hit an upload in parts");
}
