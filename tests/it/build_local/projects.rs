//! Every example in `buildspecs/` runs here to success, against a mirror of fixtures.
//!
//! The tools that `toolkit` installs are the fixtures' scripts, taught to say yes to `restore`, `build`, `test`, `vet` and `mod`,
//! which the fixtures refuse. Programs that an image would have are stand-ins on `PATH`: `docker`, `aws`, `mvn`, `npm`, `cdk` and
//! `python`. What they would make is made by them, or is there before: `dotnet build` makes nothing.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

use crate::gen_executed::{HOST, hex, locked, project, put};
use crate::support::world::{World, fixture_mirror};

const STAND_INS: &[(&str, &str)] = &[
    (
        "docker",
        "echo \"docker $*\" >> \"$HOME/calls\"\ncase \"$*\" in\n  *login*) cat >/dev/null ;;\n  *'imagetools inspect'*) echo sha256:0123456789abcdef ;;\nesac",
    ),
    ("aws", "echo password"),
    ("npm", ":"),
    (
        "mvn",
        "test \"$MAVEN_TOKEN\" = secret-token || exit 1\nmkdir -p target/surefire-reports\necho jar > target/orders.jar\necho jar > target/original-orders.jar\necho x > target/surefire-reports/TEST-a.xml",
    ),
    ("cdk", "echo \"cdk $*\" >> \"$HOME/calls\"\nmkdir -p cdk.out\necho {} > cdk.out/manifest.json"),
    ("python", "case \"$*\" in *pytest*) mkdir -p test-results; echo x > test-results/pytest.xml ;; esac"),
];

/// What an example leaves behind: its artifacts, and lines that stand-ins wrote down.
type Left = (&'static str, &'static [&'static str], &'static [&'static str], &'static [&'static str]);

const EXAMPLES: &[Left] = &[
    ("dotnet-10", &["src/Shop/bin/Release/net10.0/Shop.dll"], &["Shop.dll"], &[]),
    ("dotnet-portable", &[], &[], &[]),
    (
        "go-container-batch",
        &["Dockerfile", "go.sum"],
        &[],
        &["hello:abc-amd64", "hello:abc-arm64", "imagetools create --tag"],
    ),
    ("java-maven", &["pom.xml"], &["target/orders.jar"], &[]),
    (
        "python-cdk",
        &["python/requirements.txt", "python/requirements-dev.txt"],
        &["manifest.json"],
        &["cdk synth", "cdk deploy"],
    ),
];

#[test]
fn every_example_runs_to_success() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("buildspecs");
    let there: BTreeSet<String> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("buildspec.yml").exists())
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    assert_eq!(there, EXAMPLES.iter().map(|(name, ..)| (*name).to_owned()).collect(), "an example is not run here");
    for (example, files, artifacts, calls) in EXAMPLES {
        let mirror = tempfile::tempdir().unwrap();
        let world = prepared(example, mirror.path());
        let world = with_stand_ins(world).with("MAVEN_TOKEN", "secret-token");
        for file in *files {
            world.write(file, "x\n");
        }
        let run =
            world.run(&["build", "local", "--artifacts", "../out", "--env", "CODEBUILD_RESOLVED_SOURCE_VERSION=abc"]);
        assert_eq!(run.code, Some(0), "{example}: {}{}", run.stdout, run.stderr);
        for file in *artifacts {
            assert!(world.project().join("../out").join(file).exists(), "{example}: no {file}");
        }
        assert!(!world.project().join("../out/target/original-orders.jar").exists());
        let called = fs::read_to_string(world.home().join("calls")).unwrap_or_default();
        for call in *calls {
            assert!(called.contains(call), "{example}: no {call} in {called}");
        }
        assert!(!run.stdout.contains("secret-token"), "{}", run.stdout);
    }
}

/// Makes the project of an example, with its buildspec for this machine where it installs tools.
fn prepared(example: &str, mirror: &Path) -> World {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("buildspecs").join(example);
    if !folder.join("toolkit.lock").exists() {
        let world = World::new();
        world.write("buildspec.yml", &fs::read_to_string(folder.join("buildspec.yml")).unwrap());
        return world;
    }
    let world = project(example, mirror);
    for (url, digest) in locked(&world, "url").iter().zip(locked(&world, "digest")) {
        let bytes = fs::read(fixture_mirror().join(url.trim_start_matches("https://"))).unwrap();
        let ours = url.contains(HOST) || url.contains(if HOST == "amd64" { "linux-x64" } else { "linux-arm64" });
        let before = bytes.len();
        let bytes = if ours { willing(&bytes) } else { bytes };
        put(mirror, url, &bytes);
        let right = match digest.split_once(':').unwrap().0 {
            "sha512" => format!("sha512:{}", hex(&<sha2::Sha512 as sha2::Digest>::digest(&bytes))),
            _ => format!("sha256:{}", hex(&<sha2::Sha256 as sha2::Digest>::digest(&bytes))),
        };
        let lock = world.read("toolkit.lock").replace(&digest, &right);
        let size = |bytes: usize| format!("\nsize = {bytes}\n");
        world.write("toolkit.lock", &lock.replace(&size(before), &size(bytes.len())));
    }
    world.ok(&["gen", "buildspec", "--force"]);
    world
}

/// Teaches the scripts of a fixture the commands of the examples.
fn willing(archive: &[u8]) -> Vec<u8> {
    let mut source = tar::Archive::new(GzDecoder::new(archive));
    let mut target = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for entry in source.entries().unwrap() {
        let mut entry = entry.unwrap();
        let mut header = entry.header().clone();
        let path = entry.path().unwrap().into_owned();
        if let Some(link) = entry.link_name().unwrap().filter(|_| header.entry_type().is_symlink()) {
            target.append_link(&mut header, &path, link).unwrap();
            continue;
        }
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        if bytes.starts_with(b"#!/bin/sh") {
            let script = String::from_utf8(bytes).unwrap();
            let yes = "  restore*|build*|test*|vet*|mod*) ;;\n  *) echo \"";
            bytes = script.replacen("  *) echo \"", yes, 1).into_bytes();
            header.set_size(bytes.len() as u64);
        }
        header.set_cksum();
        target.append_data(&mut header, &path, bytes.as_slice()).unwrap();
    }
    let mut bytes = target.into_inner().unwrap().finish().unwrap();
    bytes.flush().unwrap();
    bytes
}

fn with_stand_ins(world: World) -> World {
    let folder = world.project().join("../stand-ins");
    fs::create_dir(&folder).unwrap();
    for (name, script) in STAND_INS {
        fs::write(folder.join(name), format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(folder.join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
    let toolkit = Path::new(env!("CARGO_BIN_EXE_toolkit")).parent().unwrap();
    let path =
        format!("{}:{}:/usr/local/bin:/usr/bin:/bin", folder.canonicalize().unwrap().display(), toolkit.display());
    world.with("PATH", &path)
}
