//! Projects from strangers: files that are links to the reader's secrets, devices, or without end; links planted where files
//! are written; and what killed commands leave behind.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::support::github::sha256;
use crate::support::upstream::{Fault, Upstream};
use crate::support::world::World;

/// Texts that the readers of project files quote when they do not understand them.
const SECRETS: &[&str] = &[
    "aws_secret_access_key = hunter2secret",
    "machine git.example login bot password hunter2secret",
    "hunter2secret",
    "TOKEN=hunter2secret : x\n- y: [z",
    "{\"auths\": {\"r.example\": {\"auth\": \"hunter2secret\"}}",
];

const FILES: &[&str] = &[
    "toolkit.toml",
    "toolkit.lock",
    "go.mod",
    "go.work",
    ".go-version",
    ".tool-versions",
    "global.json",
    "buildspec.yml",
    ".gitlab-ci.yml",
    "compose.yaml",
    "Dockerfile",
    "deploy.yaml",
];

#[test]
fn nobody_quotes_a_file_that_a_link_leads_to_out_of_the_project() {
    for (number, secret) in SECRETS.iter().enumerate() {
        let world = World::new().with("TOOLKIT_RETRIES", "0");
        fs::write(world.home().join("secret"), secret).unwrap();
        for file in FILES {
            let link = world.project().join(file);
            symlink("../home/secret", &link).unwrap();
            if *file == "toolkit.lock" {
                world.write("toolkit.toml", "[tools]\ngo = \"1.27\"\n");
            }
            let commands: &[&[&str]] = match number {
                // The first secret goes through every command, the others through those that read the most.
                0 => &[
                    &["lock"],
                    &["install", "--locked"],
                    &["env"],
                    &["lint", "--no-schema"],
                    &["lint", "--no-schema", file],
                    &["image", "check"],
                    &["image", "check", file],
                    &["gen", "gitlab-ci"],
                    &["init", "--dry-run"],
                    &["build", "local", "--dry-run"],
                    &["build", "local", "--dry-run", file],
                    &["resolve", "--file", file],
                    &["lint", "--no-schema", "--format", "json"],
                ],
                _ => &[&["lock"], &["lint", "--no-schema"], &["image", "check"], &["resolve", "--file", file]],
            };
            for command in commands {
                let run = world.run(command);
                assert!(!format!("{run:?}").contains("hunter2secret"), "{file} {command:?}: {run:?}");
            }
            for entry in fs::read_dir(world.project()).unwrap() {
                fs::remove_file(entry.unwrap().path()).unwrap();
            }
        }
    }
}

#[test]
fn variables_of_a_linked_dotenv_file_reach_no_registry_and_no_log() {
    let world = World::new().with("TOOLKIT_RETRIES", "0");
    fs::write(world.home().join("secret"), "TOKEN=hunter2secret\n").unwrap();
    world.write("compose.yaml", "services: {a: {image: \"localhost:1/x:${TOKEN}\"}}\n");
    symlink("../home/secret", world.project().join(".env")).unwrap();
    for command in [&["image", "check"][..], &["image", "check", "--env-file", ".env"]] {
        let run = world.run(command);
        assert!(!format!("{run:?}").contains("hunter2secret"), "{run:?}");
    }
    // A linked secrets file that is named by its name in the project is a stranger's, too.
    world.write("buildspec.yml", "version: 0.2\nphases: {build: {commands: [true]}}\n");
    let refusal = world.fails(2, &["build", "local", "--secrets", ".env"]);
    assert!(refusal.contains(".env") && refusal.contains("leads out of"), "{refusal}");
}

/// Every way in which a file could put a variable into the name of an image, which is part of the request to a registry that
/// the same file chooses.
const NAMES: &[(&str, &str)] = &[
    ("compose.yaml", "services: {a: {image: \"HOST/x:${JOB_TOKEN}\"}}\n"),
    ("compose.yaml", "services: {a: {image: \"HOST/${JOB_TOKEN:-none}x:${JOB_TOKEN:+1}\"}}\n"),
    (
        "compose.yaml",
        "services: {a: {build: {dockerfile_inline: \"ARG JOB_TOKEN\\nFROM HOST/x:$JOB_TOKEN\", args: [JOB_TOKEN]}}}\n",
    ),
    (
        "compose.yaml",
        "services: {a: {build: {dockerfile_inline: FROM b, additional_contexts: {b: \"docker-image://HOST/x:$JOB_TOKEN\"}}}}\n",
    ),
    (".gitlab-ci.yml", "a: {script: [x], image: \"HOST/x:$JOB_TOKEN\", services: [\"HOST/y:${JOB_TOKEN}\"]}\n"),
    (".gitlab-ci.yml", "variables: {A: $JOB_TOKEN}\ninclude: inner.yml\na: {script: [x], image: \"HOST/x:$A\"}\n"),
    ("buildspec.yml", "version: 0.2\nbatch: {build-list: [{identifier: a, env: {image: \"HOST/x:${JOB_TOKEN}\"}}]}\n"),
    ("buildspec.yml", "version: 0.2\nphases: {build: {commands: [\"docker pull HOST/x:$JOB_TOKEN\"]}}\n"),
    ("Dockerfile", "ARG JOB_TOKEN\nFROM HOST/x:${JOB_TOKEN}\n"),
    ("deploy.yaml", "apiVersion: v1\nkind: Pod\nspec: {containers: [{name: a, image: \"HOST/x:${JOB_TOKEN}\"}]}\n"),
];

#[test]
fn no_variable_of_the_environment_reaches_a_registry_that_a_file_chooses() {
    for (file, text) in NAMES {
        let registry = Upstream::new();
        let world = World::new().with("TOOLKIT_RETRIES", "0").with("JOB_TOKEN", "hunter2secret");
        world.write(file, &text.replace("HOST", &registry.host()));
        world.write("inner.yml", &format!("b: {{script: [x], image: \"{}/i:$JOB_TOKEN\"}}\n", registry.host()));
        // The file next to it that holds secrets on a developer's machine is read as little.
        world.write(".env", "JOB_TOKEN=hunter2secret\n");
        let run = world.run(&["image", "check"]);
        assert!(!format!("{run:?} {:?}", registry.all_seen()).contains("hunter2secret"), "{file} {text}: {run:?}");
    }
}

#[test]
fn a_variable_of_the_environment_is_used_when_the_user_names_it() {
    let registry = Upstream::new();
    let world = World::new().with("TOOLKIT_RETRIES", "0").with("TAG", "7").with("OTHER", "hunter2secret");
    let (host, image) = (registry.host(), "image: \"HOST/x:$TAG$OTHER\"");
    world.write(".gitlab-ci.yml", &format!("a: {{script: [x], {}}}\n", image.replace("HOST", &host)));
    world.write("values", "TAG=8\nOTHER='-alpine'\n");
    for (arguments, asked) in [
        (&["--env", "TAG"][..], None),
        (&["--env", "TAG", "--env", "OTHER="], Some("7")),
        (&["--env", "TAG=9", "--env", "OTHER=-alpine"], Some("9-alpine")),
        (&["--env-file", "values"], Some("8-alpine")),
        (&["--env", "TAG", "--env-file", "values"], Some("7-alpine")),
    ] {
        registry.forget();
        let run = world.run(&[&["image", "check", "--no-newer"], arguments].concat());
        let seen: Vec<_> = registry.all_seen().into_iter().map(|seen| seen.target).collect();
        let wanted = asked.map(|tag| format!("/v2/x/manifests/{tag}"));
        assert!(wanted.iter().all(|path| seen.contains(path)), "{arguments:?}: {seen:?} {run:?}");
        assert_eq!(asked.is_none(), seen.is_empty(), "{arguments:?}: {seen:?}");
        if asked.is_none() {
            assert!(run.stdout.contains("`OTHER` has no value") && run.stderr.contains("--env NAME"), "{run:?}");
        }
    }
}

/// Puts a manifest into a registry under its digest, and returns a row that names it.
fn manifest(registry: &Upstream, kind: &str, text: &str) -> serde_json::Value {
    let digest = format!("sha256:{}", sha256(text.as_bytes()));
    let path = format!("/v2/x/manifests/{digest}");
    registry.file(&path, text.as_bytes()).fault(&path, Fault::ContentType(kind.to_owned()));
    serde_json::json!({ "mediaType": kind, "digest": digest, "size": text.len() })
}

#[test]
fn an_index_that_fans_out_is_read_once_for_each_manifest_and_not_without_end() {
    const INDEX: &str = "application/vnd.oci.image.index.v1+json";
    const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";
    let index = |rows: &[serde_json::Value]| {
        serde_json::json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": rows }).to_string()
    };
    let (registry, config) = (Upstream::new(), r#"{"architecture":"amd64","os":"linux"}"#);
    let config_digest = format!("sha256:{}", sha256(config.as_bytes()));
    registry.file(&format!("/v2/x/blobs/{config_digest}"), config);
    let image = |note: usize| {
        let config = serde_json::json!({ "mediaType": "application/vnd.oci.image.config.v1+json",
            "digest": config_digest, "size": config.len() });
        serde_json::json!({ "schemaVersion": 2, "mediaType": IMAGE, "config": config, "layers": [],
            "annotations": { "note": note.to_string() } })
        .to_string()
    };
    let same = vec![manifest(&registry, IMAGE, &image(0)); 3000];
    let many: Vec<_> = (0..300).map(|number| manifest(&registry, IMAGE, &image(number))).collect();
    let nested = vec![manifest(&registry, INDEX, &index(&many)); 30];
    let world = World::new().with("TOOLKIT_RETRIES", "0");
    let name = |tag: &str| format!("{}/x:{tag}", registry.host());
    for (tag, rows, commands, refused, most) in [
        ("same", &same, &["inspect", "check"][..], false, 10),
        ("many", &many, &["inspect"], true, 300),
        ("nested", &nested, &["inspect", "check"], false, 30),
    ] {
        let path = format!("/v2/x/manifests/{tag}");
        registry.file(&path, index(rows)).fault(&path, Fault::ContentType(INDEX.to_owned()));
        for command in commands {
            registry.forget();
            let run = world.run(&["image", command, &name(tag)]);
            assert!(registry.total_requests() <= most, "{command} {tag}: {} requests", registry.total_requests());
            assert_eq!(run.stderr.contains("more than 256 manifests"), refused, "{command} {tag}: {run:?}");
        }
    }
    // Joining images expands what is nested.
    registry.forget();
    let new = name("new");
    let refusal = world.fails(2, &["image", "index", "--dry-run", "--tag", &new, &name("nested")]);
    assert!(refusal.contains("leads to more than 256 manifests"), "{refusal}");
    assert!(registry.total_requests() < 20, "{} requests", registry.total_requests());
}

#[test]
fn the_refusal_names_the_link() {
    let world = World::new();
    fs::write(world.home().join("go.mod"), "module x\ngo 1.27.3\n").unwrap();
    symlink(world.home().join("go.mod"), world.project().join("go.mod")).unwrap();
    world.write("toolkit.toml", "[tools]\ngo = { file = \"go.mod\" }\n");
    for command in [&["lock"][..], &["resolve", "--file", "go.mod"]] {
        let refusal = world.fails(2, command);
        let link = world.project().join("go.mod");
        assert!(refusal.contains(link.to_str().unwrap()) && refusal.contains("leads out of"), "{refusal}");
    }
    // The user may name the file itself, wherever it is.
    let file = world.home().join("go.mod");
    assert!(world.ok(&["resolve", "--file", file.to_str().unwrap(), "--platform", "linux/amd64"]).contains("1.27.3"));
}

#[test]
fn links_inside_the_repository_keep_working() {
    let world = World::new();
    world.write("versions/go.mod", "module x\ngo 1.27.3\n");
    world.write("sub/toolkit.toml", "[tools]\ngo = { file = \"go.mod\" }\n");
    fs::create_dir(world.project().join(".git")).unwrap();
    symlink("../versions/go.mod", world.project().join("sub/go.mod")).unwrap();
    let mut lock = world.command(&["lock"]);
    assert!(lock.current_dir(world.project().join("sub")).stderr(Stdio::null()).status().unwrap().success());
    assert!(world.read("sub/toolkit.lock").contains("1.27.3"));
}

#[test]
fn a_device_or_a_huge_file_in_the_place_of_a_project_file_ends_at_once() {
    let world = World::new();
    world.write("toolkit.toml", "[tools]\ngo = { file = \"go.mod\" }\n");
    let file = world.project().join("go.mod");
    for device in ["/dev/zero", "/dev/random", "/proc/kmsg", "/dev/stdin"] {
        symlink(device, &file).unwrap();
        let run = world.run(&["lock"]);
        assert_eq!(run.code, Some(2), "{device}: {run:?}");
        fs::remove_file(&file).unwrap();
    }
    for name in ["go.mod", "toolkit.lock", "toolkit.toml"] {
        // Sparse: takes no room on the disk.
        let path = world.project().join(name);
        fs::File::create(&path).unwrap().set_len(1 << 40).unwrap();
        let refusal = world.fails(2, &["lock"]);
        assert!(refusal.contains(name) && refusal.contains("larger than 4 MiB"), "{refusal}");
        fs::remove_file(&path).unwrap();
        world.write("go.mod", "module x\ngo 1.27.3\n");
    }
}

#[test]
fn a_linked_lock_is_written_where_it_leads_and_keeps_its_mode() {
    let world = World::new();
    world.write("toolkit.toml", "[tools]\ngo = \"1.26\"\n");
    world.write("shared/lock", "");
    world.ok(&["lock"]);
    let (link, end) = (world.project().join("toolkit.lock"), world.project().join("shared/lock"));
    fs::rename(&link, &end).unwrap();
    fs::set_permissions(&end, fs::Permissions::from_mode(0o664)).unwrap();
    symlink("shared/lock", &link).unwrap();
    world.write("toolkit.toml", "[tools]\ngo = \"1.27\"\n");
    world.ok(&["lock"]);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(fs::read_to_string(&end).unwrap().contains("version = \"1.27."));
    assert_eq!(fs::metadata(&end).unwrap().permissions().mode() & 0o777, 0o664);
    assert_eq!(names(&world.project()), ["shared", "toolkit.lock", "toolkit.toml"]);
    assert_eq!(names(&world.project().join("shared")), ["lock"]);
}

#[test]
fn nothing_outside_the_project_is_written_through_a_link_of_it() {
    let world = World::new();
    let (precious, absent) = (world.home().join(".bashrc"), world.home().join("absent"));
    fs::write(&precious, "precious").unwrap();
    world.write("toolkit.toml", "[tools]\ngo = \"1.27\"\n");
    for end in ["../home/.bashrc", "../home/absent"] {
        let link = world.project().join("toolkit.lock");
        symlink(end, &link).unwrap();
        // A link to a text that is no lock is refused when it is read, a dangling one when it is written.
        let refusal = world.fails(2, &["lock"]);
        assert!(refusal.contains("toolkit.lock") && refusal.contains("leads out of"), "{refusal}");
        fs::remove_file(link).unwrap();
    }
    let buildspec = "version: 0.2\nphases:\n  build:\n    commands:\n      - go build \u{2013}o x\n";
    fs::write(&precious, buildspec).unwrap();
    symlink("../home/.bashrc", world.project().join("buildspec.yml")).unwrap();
    world.fails(2, &["lint", "--fix", "--no-schema", "buildspec.yml"]);
    fs::remove_file(world.project().join("buildspec.yml")).unwrap();
    world.fails(2, &["gen", "gitlab-ci"]); // without a lock
    world.ok(&["lock"]);
    symlink("../home/absent", world.project().join(".gitlab-ci.yml")).unwrap();
    world.fails(2, &["gen", "gitlab-ci", "--force"]);
    assert_eq!(fs::read_to_string(&precious).unwrap(), buildspec);
    assert!(!absent.exists());
}

#[test]
fn links_planted_under_temporary_names_are_not_written_through() {
    let world = World::new();
    fs::write(world.home().join("precious"), "precious").unwrap();
    world.write("toolkit.toml", "[tools]\ngo = \"1.27\"\n");
    // The names of earlier versions, which were easy to guess, and one of today's.
    for name in (1..200).map(|pid| format!(".toolkit.lock.{pid}")).chain([".x.toolkit-0123456789abcdef".to_owned()]) {
        symlink("../home/precious", world.project().join(name)).unwrap();
    }
    world.ok(&["lock"]);
    assert_eq!(fs::read_to_string(world.home().join("precious")).unwrap(), "precious");
    assert!(fs::symlink_metadata(world.project().join("toolkit.lock")).unwrap().is_file());
}

#[test]
fn a_killed_fetch_leaves_nothing_that_the_next_one_does_not_sweep() {
    let upstream = Upstream::new();
    let bytes = vec![7; 3 << 20];
    upstream.file("/big", bytes.clone()).rate(1 << 20);
    let world = World::new().with("TOOLKIT_MIRROR", "");
    let (url, digest) = (upstream.url("/big").to_string(), format!("sha256:{}", sha256(&bytes)));
    let arguments = ["fetch", url.as_str(), "--digest", digest.as_str(), "--output", "big"];
    for _ in 0..2 {
        let mut child = world.command(&arguments).stderr(Stdio::null()).spawn().unwrap();
        wait_for("the part", || names(&world.project()).iter().any(|name| name.starts_with(".big.")));
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(names(&world.project()).len(), 1, "the part of the run before was not swept");
    }
    upstream.rate(u64::MAX);
    world.ok(&arguments);
    assert_eq!(names(&world.project()), ["big"]);
    assert_eq!(fs::read(world.project().join("big")).unwrap(), bytes);
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn wait_for(what: &str, done: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !done() {
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}
