//! Tools that a project defines itself, from mirrors in the shape of GitHub and of a plain server.

use std::fs;
use std::io::Write;
use std::path::Path;

use tempfile::TempDir;

use crate::support::github::{GitHub, Release, Says, sha256, sums, tar_gz};
use crate::support::upstream::Upstream;
use crate::support::world::World;

const JQ: &str = "[tools.jq]\nversion = \"1.7\"\ngithub = \"jqlang/jq\"\ntag = \"jq-{version}\"\n\
    asset = { \"linux/amd64\" = \"jq-linux-amd64\", \"linux/arm64\" = \"jq-linux-arm64\" }\nsums = \"sha256sum.txt\"\n\
    strip = 1\nbin = [\"jq\"]\n";

fn jq(hub: &GitHub, version: &str, says: Says) -> Release {
    let script = |arch: &str| format!("#!/bin/sh\necho jq-{version} {arch} \"$@\"\n").into_bytes();
    let (amd64, arm64) = (script("amd64"), script("arm64"));
    let list = sums(&[("jq-linux-amd64", &amd64), ("jq-linux-arm64", &arm64), ("jq-macos-arm64", b"x")]);
    let files = [("jq-linux-amd64", amd64, says), ("jq-linux-arm64", arm64, says), ("sha256sum.txt", list, says)];
    hub.release("jqlang/jq", &format!("jq-{version}"), "2023-12-13", &files)
}

/// A world whose mirror has three releases of jq.
fn world() -> (World, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let hub = GitHub::at(folder.path());
    let list = ["1.7.1", "1.7", "1.7rc1", "1.6"].map(|version| jq(&hub, version, Says::Right));
    let other = hub.release("jqlang/jq", "v9.9.9", "2024-01-01", &[("jq-linux-amd64", vec![1], Says::Right)]);
    let [newest, seven, candidate, six] = list;
    hub.list("jqlang/jq", &[other, newest, seven, candidate, six]);
    (World::new().with("TOOLKIT_MIRROR", folder.path().to_str().unwrap()), folder)
}

#[test]
fn a_bare_executable_is_locked_installed_and_called_by_its_name() {
    let (world, _mirror) = world();
    world.write("toolkit.toml", JQ);
    world.ok(&["lock"]);
    let lock = world.read("toolkit.lock");
    assert!(
        lock.contains("url = \"https://github.com/jqlang/jq/releases/download/jq-1.7.1/jq-linux-arm64\""),
        "{lock}"
    );
    assert!(lock.contains("format = \"file\"\nbin = { \"jq\" = \"jq-linux-amd64\" }\n"), "{lock}");
    assert_eq!(world.ok(&["lock", "--check"]), "");
    world.ok(&["install", "--locked", "--link", "bin"]);
    let expected = format!("jq-1.7.1 {} .\n", machine());
    assert_eq!(world.ok(&["exec", "--", "jq", "."]), expected);
    assert_eq!(world.ok(&["exec", "jq", "--", "jq", "."]), expected);
    let path = world.ok(&["which", "jq"]);
    assert!(path.ends_with("/tree/jq\n") && world.project().join("bin/jq").is_file(), "{path}");
    assert!(world.ok(&["env"]).contains("/tree:"), "{}", world.ok(&["env"]));
    assert!(world.ok(&["verify"]).lines().all(|line| line.starts_with("ok ")));
    let list = world.json(&["list", "--json"]);
    assert_eq!((&list[0]["tool"], &list[0]["version"]), (&"jq".into(), &"1.7.1".into()));

    // Damage is found and mended without the definition: the receipt knows enough.
    let root = Path::new(list[0]["root"].as_str().unwrap()).to_owned();
    fs::remove_file(root.join("jq")).unwrap();
    assert_eq!(world.run(&["verify"]).code, Some(1));
    fs::remove_file(world.project().join("toolkit.toml")).unwrap();
    world.ok(&["repair", "jq@1.7"]);
    world.ok(&["verify", "jq"]);
    world.ok(&["prune"]);
    assert!(root.exists(), "what a lock names was pruned");
    world.ok(&["remove", "jq"]);
    assert!(!root.exists());
}

#[test]
fn a_defined_tool_resolves_like_any_other() {
    let (world, _mirror) = world();
    world.write("toolkit.toml", &JQ.replace("\"1.7\"", "\"latest\""));
    let version = |spec: &str| world.json(&["resolve", spec, "--json"])[0]["version"].as_str().unwrap().to_owned();
    for (spec, expected) in
        [("jq", "1.7.1"), ("jq@1.6", "1.6"), ("jq@1.7.0", "1.7"), ("jq@1.7rc1", "1.7rc1"), ("jq@<1.7", "1.6")]
    {
        assert_eq!(version(spec), expected, "{spec}");
    }
    let stderr = world.fails(2, &["resolve", "jq@1.5"]);
    assert!(stderr.contains("no jq release matches `1.5`"), "{stderr}");
    let stderr = world.fails(2, &["resolve", "jqq"]);
    assert!(stderr.contains("did you mean `jq`?"), "{stderr}");
    let stderr = world.fails(2, &["resolve", "jq", "--platform", "linux/s390x"]);
    assert!(stderr.contains("published for linux/amd64 and linux/arm64, not for linux/s390x"), "{stderr}");
}

#[test]
fn a_lock_of_another_definition_is_stale() {
    let (world, _mirror) = world();
    world.write("toolkit.toml", JQ);
    world.ok(&["install"]);
    let good = world.read("toolkit.lock");
    for (from, to) in [
        ("jqlang/jq", "someone/jq"),
        ("tag = \"jq-{version}\"\n", ""),
        ("\"jq-linux-amd64\"", "\"jq-linux64\""),
        ("bin = [\"jq\"]", "bin = [\"jay\"]"),
    ] {
        world.write("toolkit.toml", &JQ.replace(from, to));
        let run = world.run(&["lock", "--check"]);
        assert!(run.code == Some(1) && run.stdout.contains("defined differently"), "{to}: {}", run.stdout);
        world.fails(2, &["install", "--locked"]);
    }
    // Another name for the same bytes is another install, and the first one stays as it is.
    world.write("toolkit.toml", &JQ.replace("bin = [\"jq\"]", "bin = [\"jay\"]"));
    world.ok(&["install"]);
    assert!(world.ok(&["exec", "--", "jay"]).starts_with("jq-1.7.1"));
    assert_eq!(world.json(&["list", "--json"]).as_array().unwrap().len(), 2);
    world.write("toolkit.toml", JQ);
    world.write("toolkit.lock", &good);
    world.ok(&["install", "--locked", "--offline"]);
}

#[test]
fn archives_are_stripped_and_their_executables_made_visible() {
    let folder = tempfile::tempdir().unwrap();
    let hub = GitHub::at(folder.path());
    let script: &[u8] = b"#!/bin/sh\necho \"$(cat \"$(dirname \"$0\")/../share/word\") ${0##*/}\"\n";
    let tar = tar_gz(&[
        ("tool-1.0/bin/tool-x86_64", 0o755, script),
        ("tool-1.0/bin/helper", 0o644, script), // a packer that forgets modes
        ("tool-1.0/share/word", 0o644, b"hello"),
    ]);
    let file = |arch: &str| format!("tool-1.0-linux-{arch}.tar.gz");
    let files = [(file("x86_64"), tar.clone()), (file("arm64"), tar)];
    let files: Vec<_> = files.iter().map(|(name, bytes)| (name.as_str(), bytes.clone(), Says::Right)).collect();
    hub.list("o/tool", &[hub.release("o/tool", "v1.0", "2026-01-01", &files)]);
    let world = World::new().with("TOOLKIT_MIRROR", folder.path().to_str().unwrap());
    let text = "[tools.tool]\nversion = \"1.0\"\ngithub = \"o/tool\"\nasset = \"tool-{version}-{os}-{arch}.tar.gz\"\n\
        arch = { amd64 = \"x86_64\" }\nstrip = 1\nbin = { tool = \"bin/tool-x86_64\", helper = \"bin/helper\" }\n";
    world.write("toolkit.toml", text);
    world.ok(&["install"]);
    assert_eq!(world.ok(&["exec", "--", "tool"]), "hello tool\n");
    assert_eq!(world.ok(&["exec", "--", "helper"]), "hello helper\n");
    world.ok(&["verify"]);
    assert!(world.read("toolkit.lock").contains("proven-by = \"api.github.com\""));

    world.write("toolkit.toml", &text.replace("bin/helper", "bin/absent"));
    let stderr = world.fails(4, &["install"]);
    assert!(stderr.contains("bin/absent is not an executable"), "{stderr}");
    assert_eq!(world.json(&["list", "--json"]).as_array().unwrap().len(), 1, "half of it was installed");
}

/// A zip with one executable, as protoc comes.
fn zip() -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let mode = |mode| zip::write::SimpleFileOptions::default().unix_permissions(mode);
    writer.start_file("bin/protoc", mode(0o755)).unwrap();
    writer.write_all(b"#!/bin/sh\necho libprotoc 25.1\n").unwrap();
    writer.start_file("readme.txt", mode(0o644)).unwrap();
    writer.finish().unwrap().into_inner()
}

const PROTOC: &str = "[tools.protoc]\nversion = \"25.1\"\nurl = \"https://example.com/{version}/protoc-{os}-{arch}.zip\"\n\
    bin = [\"bin/protoc\"]\n";

fn protoc_mirror() -> (TempDir, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    let files = folder.path().join("example.com/25.1");
    fs::create_dir_all(&files).unwrap();
    let zip = zip();
    for arch in ["amd64", "arm64"] {
        fs::write(files.join(format!("protoc-linux-{arch}.zip")), &zip).unwrap();
    }
    (folder, zip)
}

#[test]
fn a_file_under_an_address_is_proven_by_its_list() {
    let (mirror, zip) = protoc_mirror();
    let list = mirror.path().join("example.com/25.1/SHA256SUMS");
    let line = |arch: &str| format!("{} *protoc-linux-{arch}.zip\r\n", sha256(&zip).to_uppercase());
    fs::write(&list, format!("\u{feff}{}{}", line("amd64"), line("arm64"))).unwrap();
    let world = World::new().with("TOOLKIT_MIRROR", mirror.path().to_str().unwrap());
    let text = format!("{PROTOC}sums = \"https://example.com/{{version}}/SHA256SUMS\"\n");
    world.write("toolkit.toml", &text);
    world.ok(&["lock"]);
    assert!(world.read("toolkit.lock").contains("proof = \"checksum\"\nproven-by = \"example.com\""));
    fs::remove_file(&list).unwrap();
    world.ok(&["install", "--locked"]);
    assert_eq!(world.ok(&["exec", "--", "protoc", "--version"]), "libprotoc 25.1\n");

    fs::write(&list, line("amd64")).unwrap();
    let stderr = world.fails(4, &["lock", "--upgrade"]);
    assert!(stderr.contains("protoc-linux-arm64.zip") && stderr.contains("does not list it"), "{stderr}");
    for (wish, said) in [("latest", "name one version"), (">=25", "name one version"), ("25", "")] {
        world.write("toolkit.toml", &text.replace("25.1", wish));
        let run = world.run(&["resolve"]);
        assert!(run.code != Some(0) && run.stderr.contains(said), "{wish}: {}", run.stderr);
    }
}

#[test]
fn a_file_without_a_digest_is_taken_only_where_the_project_says_so() {
    let (mirror, zip) = protoc_mirror();
    let upstream = Upstream::serving(mirror.path());
    let world = World::new().with("TOOLKIT_MIRROR", upstream.url("/").as_str());
    world.write("toolkit.toml", PROTOC);
    let stderr = world.fails(4, &["lock"]);
    assert!(
        stderr.contains("no checksum is published for https://example.com/25.1/protoc-linux-amd64.zip"),
        "{stderr}"
    );
    assert!(stderr.contains("verification = \"first-seen\"") && upstream.total_requests() == 0, "{stderr}");
    assert!(!world.project().join("toolkit.lock").exists());

    let first_seen = format!("{PROTOC}[policy]\nverification = \"first-seen\"\n");
    world.write("toolkit.toml", &first_seen);
    let run = world.run(&["lock"]);
    assert!(run.code == Some(0) && run.stderr.contains(&format!("today's file has sha256:{}", sha256(&zip))));
    let lock = world.read("toolkit.lock");
    assert!(lock.contains("proof = \"first-seen\"") && lock.contains(&sha256(&zip)), "{lock}");
    world.ok(&["install", "--locked"]);
    assert_eq!(world.ok(&["exec", "--", "protoc"]), "libprotoc 25.1\n");

    // From now on the lock rules: a file that changed is refused, and so is the weak proof where more is asked for.
    world.ok(&["remove", "protoc"]);
    let file = format!("example.com/25.1/protoc-linux-{}.zip", machine());
    fs::write(mirror.path().join(file), [zip.as_slice(), b"x"].concat()).unwrap();
    let stderr = world.fails(4, &["install", "--locked"]);
    assert!(stderr.contains("has the wrong length"), "{stderr}");
    world.write("toolkit.toml", PROTOC);
    let stderr = world.fails(2, &["install", "--locked"]);
    assert!(stderr.contains("is verified by first-seen, and the policy requires checksum"), "{stderr}");
}

#[test]
fn a_definition_cannot_take_the_place_of_a_known_tool() {
    let (world, _mirror) = world();
    for (text, said) in [
        (JQ.replace("tools.jq", "tools.go"), "this tool is built in"),
        (JQ.replace("tools.jq", "tools.golang"), "this tool is built in"),
        (JQ.replace("jqlang/jq", "jqlang/jq/../../x"), "is not a GitHub repository"),
        (JQ.replace("jqlang/jq", "https://evil.example/jq"), "is not a GitHub repository"),
        (JQ.replace("tools.jq", "tools.\"../jq\""), "a tool's name has lower-case letters"),
        (JQ.replace("tools.jq", "tools.JQ"), "a tool's name has lower-case letters"),
        (JQ.replace("\"1.7\"", "\"../1.7\""), "is not a channel of jq"),
        (PROTOC.replace("25.1", "25.1/../x"), "is not a channel of protoc"),
    ] {
        world.write("toolkit.toml", &text);
        let stderr = world.fails(2, &["resolve"]);
        assert!(stderr.contains("toolkit.toml, line 1") && stderr.contains(said), "{text}: {stderr}");
    }
}

#[test]
fn a_repository_that_does_not_exist_is_told_by_the_mirror() {
    let (world, _mirror) = world();
    world.write("toolkit.toml", &JQ.replace("jqlang/jq", "jqlang/absent"));
    let stderr = world.fails(3, &["lock"]);
    assert!(stderr.contains("could not read the jq releases") && stderr.contains("releases.json"), "{stderr}");
}

#[test]
fn digests_that_contradict_each_other_or_are_missing_are_refused() {
    for (says, text, said) in [
        (Says::Wrong, JQ.to_owned(), "and GitHub lists"),
        (Says::Nothing, JQ.replace("sums = \"sha256sum.txt\"\n", ""), "GitHub publishes none"),
        (Says::Right, JQ.replace("sha256sum.txt", "SHA256SUMS"), "has no file SHA256SUMS"),
        (Says::Right, JQ.replace("sha256sum.txt", "jq-linux-amd64"), "could not read"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let hub = GitHub::at(folder.path());
        hub.list("jqlang/jq", &[jq(&hub, "1.7.1", says)]);
        let world = World::new().with("TOOLKIT_MIRROR", folder.path().to_str().unwrap());
        world.write("toolkit.toml", &text);
        let run = world.run(&["lock"]);
        assert!(matches!(run.code, Some(3 | 4)) && run.stderr.contains(said), "{said}: {}", run.stderr);
    }
}

/// The processor of this machine as file names have it.
fn machine() -> &'static str {
    if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" }
}

#[test]
fn pipelines_leave_defined_tools_to_toolkit() {
    let (world, _mirror) = world();
    let project = |install: &str| format!("{JQ}[pipeline]\nname = \"p\"\nsteps = {{ build = [\"jq .\"] }}\n{install}");
    world.write("toolkit.toml", &project(""));
    world.ok(&["lock"]);
    for target in ["gitlab-ci", "buildspec", "dockerfile"] {
        let stderr = world.fails(2, &["gen", target]);
        assert!(stderr.contains("jq 1.7.1 needs files that only toolkit adds"), "{target}: {stderr}");
    }
    let bootstrap = |arch: &str| {
        let digest = "0d".repeat(32);
        format!(
            "[pipeline.install.bootstrap.{arch}]\nurl = \"https://example.com/toolkit-{arch}\"\ndigest = \"sha256:{digest}\"\n"
        )
    };
    world.write("toolkit.toml", &project(&format!("{}{}", bootstrap("amd64"), bootstrap("arm64"))));
    for target in ["gitlab-ci", "buildspec"] {
        let text = world.ok(&["gen", target, "--stdout"]);
        assert!(text.contains("toolkit install --locked"), "{text}");
    }
    let text = world.ok(&["gen", "dockerfile", "--stdout"]);
    assert!(text.contains("--link /usr/local/bin") && !text.contains(":$PATH"), "{text}");
    assert!(text.lines().all(|line| line.trim_end() != "RUN"), "{text}");
}

#[test]
fn a_lock_cannot_name_executables_for_a_known_tool_or_outside_of_an_install() {
    let world = World::new();
    world.write("toolkit.toml", "[tools]\ngo = \"1.26\"\n");
    world.ok(&["lock"]);
    let good = world.read("toolkit.lock");
    for (bin, code, said) in [("bin/go", 4, "it names executables"), ("../../../go", 2, "below a root")] {
        world.write("toolkit.lock", &good.replace("strip = 1\n", &format!("strip = 1\nbin = {{ go = \"{bin}\" }}\n")));
        let stderr = world.fails(code, &["install", "--locked"]);
        assert!(stderr.contains(said), "{bin}: {stderr}");
    }
    assert!(world.store_listing().is_empty());
}
