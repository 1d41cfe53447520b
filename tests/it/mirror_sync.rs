//! Mirrors filled from a lock: what they serve, what is written when, what a check finds.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::archives::made::{Tar, Zip};
use crate::support::github::{GitHub, Says, sums};
use crate::support::image::{self, Layer};
use crate::support::upstream::Upstream;
use crate::support::world::{World, fixture_mirror};

#[cfg(feature = "aws")]
mod bucket;
mod kills;
mod machine;
mod sharing;

const INDEX: &str = "toolkit-mirror.json";

/// What the projects of these tests read instead of the upstreams: .NET and Go of the fixtures, kaniko as a registry has it,
/// a tool on GitHub with a list of digests.
fn source() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for host in ["go.dev", "builds.dotnet.microsoft.com"] {
        copy(&fixture_mirror().join(host), &folder.path().join(host));
    }
    let layer = |text: &[u8]| vec![Layer::gzip(Tar::new().mode(0o755).file("kaniko/executor", text).end())];
    let platforms = vec![("linux/amd64", layer(b"amd64")), ("linux/arm64", layer(b"arm64"))];
    image::mirrored(folder.path(), "ghcr.io/osscontainertools/kaniko", &[("v1.28.3", platforms)]);
    let hub = GitHub::at(folder.path());
    let list = sums(&[("jq-linux-amd64", b"amd64"), ("jq-linux-arm64", b"arm64")]);
    let files = [
        ("jq-linux-amd64", b"amd64".to_vec(), Says::Nothing),
        ("jq-linux-arm64", b"arm64".to_vec(), Says::Nothing),
        ("sha256sum.txt", list, Says::Nothing),
    ];
    let release = hub.release("jqlang/jq", "jq-1.7.1", "2023-12-13", &files);
    hub.list("jqlang/jq", &[release]);
    folder
}

const PROJECT: &str = "platforms = [\"linux/amd64\", \"linux/arm64\"]\n[tools]\ngo = \"1.26\"\ndotnet = \"lts\"\n\
    kaniko = \"1\"\n[tools.jq]\nversion = \"1.7\"\ngithub = \"jqlang/jq\"\ntag = \"jq-{version}\"\n\
    asset = \"jq-{os}-{arch}\"\nsums = \"sha256sum.txt\"\nbin = [\"jq\"]\n";

/// A locked project that reads from `source`.
fn project(source: &Path, text: &str) -> World {
    let world = World::new().with("TOOLKIT_MIRROR", source.to_str().unwrap());
    world.write("toolkit.toml", text);
    world.ok(&["lock"]);
    world
}

/// The same project on another machine, which knows nothing but the mirror. Whatever else it asks for, `proxy` hears of.
fn elsewhere(world: &World, mirror: &str, proxy: &Upstream) -> World {
    let proxy = proxy.url("/");
    let other = World::new().with("TOOLKIT_MIRROR", mirror).with("HTTPS_PROXY", proxy.as_str());
    let other = other.with("HTTP_PROXY", proxy.as_str());
    for name in ["toolkit.toml", "toolkit.lock"] {
        other.write(name, &world.read(name));
    }
    other
}

/// Uses a mirror in all ways in which projects read: whatever it lacks fails here.
fn use_alone(world: &World, mirror: &str) {
    use_alone_as(world, mirror, |world| world);
}

/// Uses a mirror as somebody whom `becoming` gives what it takes to read it.
fn use_alone_as(world: &World, mirror: &str, becoming: impl Fn(World) -> World) {
    let proxy = Upstream::new();
    let other = becoming(elsewhere(world, mirror, &proxy));
    for platform in ["linux/amd64", "linux/arm64"] {
        other.ok(&["install", "--locked", "--platform", platform]);
    }
    other.ok(&["verify"]);
    for spec in ["go", "dotnet", "kaniko", "jq"] {
        other.ok(&["resolve", spec, "--platform", "linux/amd64", "--platform", "linux/arm64"]);
    }
    let lock = other.read("toolkit.lock");
    other.ok(&["lock", "--upgrade"]);
    assert_eq!(other.read("toolkit.lock"), lock, "the mirror leads to another lock");
    fs::remove_file(other.project().join("toolkit.lock")).unwrap();
    other.ok(&["lock"]);
    assert_eq!(other.read("toolkit.lock"), lock, "the mirror leads to another lock");
    assert_eq!(proxy.connections(), 0, "something else than the mirror was asked");
}

/// Every file below a folder, with its inode, length and time of change: two equal lists mean that nothing was written.
fn listing(folder: &Path) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    walk(folder, &mut |path| {
        let data = path.metadata().unwrap();
        let state = format!("{} {} {}.{}", data.ino(), data.len(), data.mtime(), data.mtime_nsec());
        files.insert(path.strip_prefix(folder).unwrap().display().to_string(), state);
    });
    files
}

/// The files of a mirror by their paths, without what it keeps for itself.
fn contents(mirror: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    walk(mirror, &mut |path| {
        let name = path.strip_prefix(mirror).unwrap().display().to_string();
        if !name.starts_with(".toolkit/") {
            files.insert(name, fs::read(path).unwrap());
        }
    });
    files
}

fn walk(folder: &Path, see: &mut dyn FnMut(&Path)) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() { walk(&path, see) } else { see(&path) }
    }
}

fn copy(from: &Path, to: &Path) {
    walk(from, &mut |path| {
        let target = to.join(path.strip_prefix(from).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(path, target).unwrap();
    });
}

/// A folder for a mirror that is not there yet.
fn dest(folder: &TempDir) -> (PathBuf, String) {
    let path = folder.path().join("mirror");
    (path.clone(), path.display().to_string())
}

fn paths(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|file| file["path"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_mirror_serves_installs_locks_and_resolutions_alone() {
    let (source, folder) = (source(), tempfile::tempdir().unwrap());
    let world = project(source.path(), PROJECT);
    let (mirror, name) = dest(&folder);
    let foreseen = world.json(&["mirror", "sync", &name, "--dry-run", "--json"]);
    assert!(!mirror.exists(), "a dry run made something");
    let done = world.json(&["mirror", "sync", &name, "--json"]);
    assert_eq!(paths(&foreseen["uploaded"]).len(), paths(&done["uploaded"]).len());
    assert_eq!((&done["in_place"], &done["index_written"]), (&0.into(), &true.into()));
    drop(source);

    let world = world.with("TOOLKIT_MIRROR", &name);
    use_alone(&world, &name);
    use_alone(&world, &format!("file://{name}"));
    assert!(world.ok(&["mirror", "check"]).starts_with("ok "));
    let list = world.json(&["mirror", "list", "--json"]);
    let of = |kind: &str| list["files"].as_array().unwrap().iter().filter(|file| file["kind"] == kind).count();
    // Two platforms of four tools, and what led to them.
    assert_eq!((of("archive"), of("metadata")), (8, 10), "{:#?}", paths(&list["files"]));
    let table = world.ok(&["mirror", "list"]);
    let row = table.lines().find(|line| line.ends_with("go1.26.7.linux-arm64.tar.gz")).unwrap();
    assert!(row.starts_with("go ") && row.contains("1.26.7") && row.contains("linux/arm64"), "{table}");
}

#[test]
fn a_sync_that_finds_all_in_place_writes_nothing() {
    let (source, folder) = (source(), tempfile::tempdir().unwrap());
    let world = project(source.path(), PROJECT);
    let (mirror, name) = dest(&folder);
    world.ok(&["mirror", "sync", &name]);
    let before = listing(&mirror);
    for _ in 0..2 {
        let run = world.run(&["mirror", "sync", &name]);
        assert!(run.code == Some(0) && run.stderr.contains("is up to date"), "{run:?}");
        assert!(run.stderr.contains("nothing was written"), "{run:?}");
        assert_eq!(listing(&mirror), before);
    }
    let again = world.json(&["mirror", "sync", &name, "--json"]);
    assert_eq!((paths(&again["uploaded"]).len(), &again["index_written"]), (0, &false.into()));
    world.ok(&["mirror", "sync", &name, "--prune"]);
    assert_eq!(listing(&mirror), before);
}

#[test]
fn a_document_that_changed_upstream_is_put_again_and_nothing_else() {
    let (source, folder) = (source(), tempfile::tempdir().unwrap());
    let world = project(source.path(), PROJECT);
    let (_, name) = dest(&folder);
    world.ok(&["mirror", "sync", &name]);
    let document = source.path().join("go.dev/dl/index-all.json");
    let text = fs::read_to_string(&document).unwrap();
    fs::write(&document, format!("{text} ")).unwrap();
    let done = world.json(&["mirror", "sync", &name, "--json"]);
    assert_eq!(paths(&done["uploaded"]), ["go.dev/dl/index-all.json"]);
    world.ok(&["mirror", "check", &name]);
}

#[test]
fn what_is_wrong_with_a_mirror_is_found_refused_and_mended() {
    let (source, folder) = (source(), tempfile::tempdir().unwrap());
    let world = project(source.path(), PROJECT);
    let (mirror, name) = dest(&folder);
    world.ok(&["mirror", "sync", &name]);
    let proxy = Upstream::new();
    for path in ["go.dev/dl/go1.26.7.linux-amd64.tar.gz", DOTNET] {
        let file = mirror.join(path);
        let good = fs::read(&file).unwrap();
        let mut bad = good.clone();
        bad[good.len() / 2] ^= 1;
        fs::write(&file, &bad).unwrap();
        let run = world.run(&["mirror", "check", &name]);
        assert_eq!(run.code, Some(1), "{run:?}");
        let (expected, found) = (image::sha256(&good), image::sha256(&bad));
        for said in [format!("different {path}"), format!("expected {expected}"), format!("found    {found}")] {
            assert!(run.stdout.contains(&said), "{said}: {}", run.stdout);
        }
        let found: Value = serde_json::from_str(&world.run(&["mirror", "check", &name, "--json"]).stdout).unwrap();
        assert_eq!((&found["findings"][0]["path"], found["findings"].as_array().unwrap().len()), (&path.into(), 1));
        let other = elsewhere(&world, &name, &proxy);
        other.fails(4, &["install", "--locked", "--platform", "linux/amd64"]);

        fs::write(&file, &good[1..]).unwrap();
        let run = world.run(&["mirror", "check", &name]);
        assert!(run.code == Some(1) && run.stdout.contains(&format!("wrong size {path}")), "{run:?}");
        fs::remove_file(&file).unwrap();
        let run = world.run(&["mirror", "check", &name]);
        assert!(run.code == Some(1) && run.stdout.contains(&format!("missing {path}")), "{run:?}");
        for wrong in [None, Some(&bad), Some(&b"x".to_vec())] {
            if let Some(wrong) = wrong {
                fs::write(&file, wrong).unwrap();
            }
            assert_eq!(paths(&world.json(&["mirror", "sync", &name, "--json"])["uploaded"]), [path]);
            assert_eq!(fs::read(&file).unwrap(), good);
        }
        world.ok(&["mirror", "check", &name]);
    }
    assert_eq!(proxy.connections(), 0);
}

const DOTNET: &str = "builds.dotnet.microsoft.com/dotnet/Sdk/10.0.302/dotnet-sdk-10.0.302-linux-x64.tar.gz";

#[test]
fn a_check_holds_the_mirror_against_the_lock() {
    let (source, folder) = (source(), tempfile::tempdir().unwrap());
    let world = project(source.path(), "[tools]\ngo = \"1.26.0\"\n");
    let (mirror, name) = dest(&folder);
    let stderr = world.fails(1, &["mirror", "check", &name]);
    assert!(stderr.contains("is an incomplete mirror") && stderr.contains("toolkit mirror sync"), "{stderr}");
    assert!(world.fails(1, &["mirror", "list", &name]).contains("is an incomplete mirror"));
    world.ok(&["mirror", "sync", &name]);
    world.write("toolkit.toml", "[tools]\ngo = \"1.26\"\n");
    world.ok(&["lock"]);
    let run = world.run(&["mirror", "check", &name]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stdout.contains("not synced go.dev/dl/go1.26.7.linux-arm64.tar.gz"), "{run:?}");
    world.ok(&["mirror", "check", &name, "--all"]);
    let nowhere = World::new().with("TOOLKIT_MIRROR", &name);
    nowhere.ok(&["mirror", "check"]);

    // Whoever writes the index can vouch for other bytes; the lock cannot be talked over.
    world.ok(&["mirror", "sync", &name]);
    let file = mirror.join("go.dev/dl/go1.26.7.linux-arm64.tar.gz");
    let (good, bad) = (fs::read(&file).unwrap(), b"something else".to_vec());
    fs::write(&file, &bad).unwrap();
    let mut index: Value = serde_json::from_slice(&fs::read(mirror.join(INDEX)).unwrap()).unwrap();
    let rows = index["files"].as_array_mut().unwrap();
    let row = rows.iter_mut().find(|row| row["sha256"] == image::sha256(&good)).unwrap();
    for key in ["sha256", "digest"] {
        row[key] = image::sha256(&bad).into();
    }
    row["size"] = bad.len().into();
    fs::write(mirror.join(INDEX), index.to_string()).unwrap();
    world.ok(&["mirror", "check", &name, "--all"]);
    let run = world.run(&["mirror", "check", &name]);
    assert!(run.code == Some(1) && run.stdout.contains(&image::sha256(&good)), "{run:?}");
    world.ok(&["mirror", "sync", &name]);
    world.ok(&["mirror", "check", &name]);
}

#[test]
fn a_project_fills_its_own_mirror_only_when_it_is_named() {
    let source = source();
    let from = source.path().to_str().unwrap();
    let tools = "[tools]\ngo = \"1.26\"\n";
    let world = project(source.path(), tools).with("TOOLKIT_MIRROR", "");
    world.write("toolkit.toml", &format!("{tools}[source]\nmirror = \"mirror\"\n"));
    let stderr = world.fails(2, &["mirror", "sync"]);
    assert!(
        stderr.contains("only toolkit.toml names the mirror `mirror`") && stderr.contains("sync mirror`"),
        "{stderr}"
    );
    assert!(!world.project().join("mirror").exists());
    world.ok(&["mirror", "sync", "mirror", "--mirror", from]);
    world.ok(&["mirror", "check"]);
    world.ok(&["install", "--locked"]);
    world.ok(&["lock", "--upgrade"]);
}

#[test]
fn a_go_module_is_checked_by_what_is_in_its_zip() {
    let folder = tempfile::tempdir().unwrap();
    let (mirror, name) = dest(&folder);
    let path = "goproxy/golang.org/toolchain/@v/x.zip";
    fs::create_dir_all(mirror.join(path).parent().unwrap()).unwrap();
    // The hash of the first was computed by hand; the index vouches for each of the three.
    let zip = |text: &[u8]| Zip::new().file("m@v1/b", 0o644, b"b\n").file("m@v1/a", 0o644, text).end();
    let hash = "h1:MWSSXcbrBPE25cl41I8+R7Y9hAxuY9Be76nDJvg0pks=";
    let world = World::new();
    world.write(
        "toolkit.lock",
        &format!(
            "version = 1\n[[tool]]\nname = \"go\"\nrequest = \"1\"\nversion = \"1\"\n[[tool.artifact]]\n\
             platform = \"linux/amd64\"\nurl = \"goproxy:///golang.org/toolchain/@v/x.zip\"\ndigest = \"{hash}\"\n\
             proof = \"signature\"\nproven-by = \"sum.golang.org\"\nformat = \"go-module-zip\"\n"
        ),
    );
    for (bytes, found) in
        [(zip(b"a\n"), None), (zip(b"other\n"), Some("found    h1:")), (vec![1; 99], Some("not a Go module zip"))]
    {
        fs::write(mirror.join(path), &bytes).unwrap();
        let row = serde_json::json!({
            "path": path, "size": bytes.len(), "sha256": image::sha256(&bytes), "kind": "archive", "digest": hash,
        });
        fs::write(mirror.join(INDEX), serde_json::json!({ "version": 1, "files": [row] }).to_string()).unwrap();
        let run = world.run(&["mirror", "check", &name]);
        assert_eq!(run.code, Some(i32::from(found.is_some())), "{run:?}");
        assert!(run.stdout.contains(found.unwrap_or("ok ")), "{run:?}");
        assert!(found.is_none() || run.stdout.contains(&format!("expected {hash}")), "{run:?}");
    }
}

#[test]
fn a_line_that_has_ended_since_it_was_locked_is_mirrored_still() {
    let (source, folder) = (source(), tempfile::tempdir().unwrap());
    let world = project(source.path(), "[tools]\ndotnet = \"8.0\"\n");
    let (_, name) = dest(&folder);
    world.write("toolkit.toml", "[tools]\ndotnet = \"8.0\"\n[policy]\nunsupported = \"deny\"\n");
    let run = world.run(&["mirror", "sync", &name]);
    assert!(run.code == Some(0) && run.stderr.contains("dotnet@8.0 no longer resolves"), "{run:?}");
    let proxy = Upstream::new();
    let other = elsewhere(&world, &name, &proxy);
    let stderr = other.fails(2, &["install", "--locked"]);
    assert!(stderr.contains("reached end of life on 2026-11-10, and the policy denies unsupported"), "{stderr}");
    other.write("toolkit.toml", "[tools]\ndotnet = \"8.0\"\n");
    other.ok(&["install", "--locked"]);
}
