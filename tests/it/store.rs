//! The store: promotion, verification, repair and removal, planted links included.

mod machine;
mod races;
mod views;

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use toolkit::model::{
    Algorithm, Digest, Explain, Format, Kind, Level, Node, NodeKind, Proof, Received, ToolName, Verified, Version,
};
use toolkit::store::{
    Change, Check, Error, Fingerprint, Install, InstallId, Origin, Removal, Staging, Store, Unpacked,
};

/// A file of a made-up install: path, contents, mode.
type File<'a> = (&'a str, &'a str, u32);

const GO: &[File<'static>] = &[
    ("bin/go", "#!/bin/sh\necho go\n", 0o755),
    ("VERSION", "go1.27.3\n", 0o644),
    ("src/a/b.go", "package b\n", 0o644),
];

fn digest(of: &str) -> Digest {
    let bytes: [u8; 32] = std::array::from_fn(|i| of.as_bytes()[i % of.len()].wrapping_add(i as u8));
    Digest::new(Algorithm::Sha256, &bytes).unwrap()
}

fn verified(digest: &Digest) -> Verified {
    Received::new(digest.clone()).verify(digest).unwrap()
}

fn id(tool: &str, version: &str) -> InstallId {
    InstallId {
        tool: ToolName::parse(tool).unwrap(),
        version: Version::parse(version).unwrap(),
        platform: "linux/amd64".parse().unwrap(),
        fingerprint: Fingerprint::of([&digest(version)]),
    }
}

/// Unpacks made-up files as the archive room would: on disk, and as nodes.
fn unpack(tree: &Path, files: &[File<'_>], version: &str) -> std::io::Result<Unpacked> {
    let mut nodes = Vec::new();
    for (path, contents, mode) in files {
        let target = tree.join(path);
        fs::create_dir_all(target.parent().unwrap())?;
        fs::write(&target, contents)?;
        fs::set_permissions(&target, Permissions::from_mode(*mode))?;
        let digest = *blake3::hash(contents.as_bytes()).as_bytes();
        let kind = NodeKind::File { mode: *mode, size: contents.len() as u64, digest };
        nodes.push(Node { path: (*path).to_owned(), kind });
    }
    symlink("bin", tree.join("latest"))?;
    nodes.push(Node { path: "latest".to_owned(), kind: NodeKind::Link { target: "bin".to_owned() } });
    let origin = Origin {
        url: "https://go.dev/dl/go.tar.gz".parse().unwrap(),
        digest: digest(version),
        proof: Proof { level: Level::Checksum, source: "go.dev".to_owned() },
        size: 99,
        format: Format::TarGz,
        strip: 1,
    };
    Ok(Unpacked {
        artifacts: vec![origin],
        nodes,
        added: Vec::new(),
        pinned: None,
        executables: Vec::new(),
        installed: jiff::Timestamp::UNIX_EPOCH,
    })
}

fn promote(staging: Staging, files: &[File<'_>], version: &str) -> Result<Install, Error> {
    let unpacked = unpack(&staging.tree(), files, version).unwrap();
    staging.promote(vec![verified(&digest(version))], unpacked)
}

/// Installs as `provision` will: sweep, lock, look again, stage, promote. `staged` hears when it really had to.
fn install_with(store: &Store, id: &InstallId, files: &[File<'_>], staged: &dyn Fn()) -> Result<Install, Error> {
    store.sweep()?;
    let lock = store.lock(id, &|_| {})?;
    if let Some(install) = store.claim(id)? {
        return Ok(install);
    }
    let staging = store.stage(&lock)?;
    staged();
    promote(staging, files, id.version.as_str())
}

/// Installs, and holds nothing.
fn install(store: &Store, tool: &str, version: &str, files: &[File<'_>]) -> Install {
    Install { hold: None, ..install_with(store, &id(tool, version), files, &|| {}).unwrap() }
}

const QUIET: Check<'static> = Check { threads: 2, advanced: &|_| {} };

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .map(|entries| entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect())
        .unwrap_or_default();
    names.sort();
    names
}

struct World {
    folder: tempfile::TempDir,
    store: Store,
}

/// A store whose path has a space and goes through a link.
fn world() -> World {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("real")).unwrap();
    symlink("real", folder.path().join("a store")).unwrap();
    let store = Store::at(folder.path().join("a store"));
    World { folder, store }
}

#[test]
fn the_first_promote_wins() {
    let World { store, folder: _folder } = &world();
    let lock = store.lock(&id("go", "1.27.3"), &|_| {}).unwrap();
    let (first, second) = (store.stage(&lock).unwrap(), store.stage(&lock).unwrap());
    let first = promote(first, GO, "1.27.3").unwrap();
    let inode = || fs::metadata(first.root.join("bin/go")).unwrap().ino();
    let before = inode();
    let second = promote(second, &[("bin/go", "another", 0o755)], "1.27.3").unwrap();
    assert_eq!((second.receipt, second.root), (first.receipt.clone(), first.root.clone()));
    assert_eq!(inode(), before);
    assert!(names(&store.root().join("staging")).is_empty());
}

#[test]
fn only_what_was_verified_is_promoted() {
    let World { store, folder: _folder } = &world();
    let lock = store.lock(&id("go", "1.27.3"), &|_| {}).unwrap();
    let proofs = [vec![], vec![verified(&digest("other"))], vec![verified(&digest("1.27.3")), verified(&digest("x"))]];
    for proof in proofs {
        let staging = store.stage(&lock).unwrap();
        let unpacked = unpack(&staging.tree(), GO, "1.27.3").unwrap();
        let error = staging.promote(proof, unpacked).unwrap_err();
        assert!(matches!(error, Error::Unproven { .. }) && error.kind() == Kind::Integrity);
    }
    // Verified, but named by something else.
    let staging = store.stage(&lock).unwrap();
    let unpacked = unpack(&staging.tree(), GO, "1.27.4").unwrap();
    assert!(matches!(staging.promote(vec![verified(&digest("1.27.4"))], unpacked), Err(Error::Unproven { .. })));
    assert!(store.list().unwrap().is_empty() && names(&store.root().join("staging")).is_empty());
}

#[test]
fn an_install_without_a_whole_receipt_does_not_exist_and_is_made_again() {
    let World { store, folder: _folder } = &world();
    let path = install(store, "go", "1.27.3", GO).root.with_file_name("receipt.json");
    let whole = fs::read_to_string(&path).unwrap();
    let foreign = whole.replace("1.27.3", "1.27.4");
    for text in ["", &whole[..whole.len() / 2], "null", &foreign] {
        fs::write(&path, text).unwrap();
        assert!(store.find(&id("go", "1.27.3")).unwrap().is_none(), "{text:?}");
        assert!(store.list().unwrap().is_empty(), "{text:?}");
        let again = install(store, "go", "1.27.3", GO);
        assert_eq!(store.verify(&again, QUIET).unwrap(), []);
    }
    fs::write(&path, whole.replace("\"schema\": 1", "\"schema\": 7")).unwrap();
    let error = install_with(store, &id("go", "1.27.3"), GO, &|| {}).unwrap_err();
    assert_eq!(error.kind(), Kind::Machine);
    assert!(error.to_string().contains("schema 7"), "{error}");
    assert!(store.list().unwrap().is_empty());
}

#[test]
fn installs_are_listed_in_order_and_foreign_folders_are_not() {
    let World { store, folder: _folder } = &world();
    assert!(store.list().unwrap().is_empty(), "a store that is not there is empty");
    for version in ["1.27.10", "1.27.9", "1.9.0"] {
        install(store, "go", version, GO);
    }
    let installs = store.root().join("installs");
    let first = install(store, "dotnet", "10.0.100", GO).root.parent().unwrap().to_owned();
    fs::create_dir_all(installs.join("go/mine")).unwrap();
    fs::write(installs.join("notes"), "x").unwrap();
    symlink(first, installs.join("dotnet/link")).unwrap();
    let listed: Vec<String> = store.list().unwrap().iter().map(|i| format!("{} {}", i.id.tool, i.id.version)).collect();
    assert_eq!(listed, ["dotnet 10.0.100", "go 1.9.0", "go 1.27.9", "go 1.27.10"]);
    let install = &store.list().unwrap()[1];
    assert_eq!((install.receipt.count, install.bytes()), (7, 37));
}

#[test]
fn finding_is_fast() {
    let World { store, folder: _folder } = &world();
    let files: Vec<(String, String)> = (0..2000).map(|i| (format!("d/{i}"), i.to_string())).collect();
    let files: Vec<File<'_>> = files.iter().map(|(path, text)| (path.as_str(), text.as_str(), 0o644)).collect();
    let install = install(store, "go", "1.27.3", &files);
    let best = (0..20)
        .map(|_| {
            let start = std::time::Instant::now();
            assert!(store.find(&install.id).unwrap().is_some());
            start.elapsed()
        })
        .min()
        .unwrap();
    assert!(best < std::time::Duration::from_millis(1), "{best:?}");
}

/// The path of the one difference, what it is, and how it comes about in a tree.
type Edit<'a> = (&'a str, Change, &'a dyn Fn(&Path));

#[test]
fn verify_finds_every_kind_of_difference() {
    let edits: [Edit<'_>; 13] = [
        ("bin/go", Change::Content, &|root| fs::write(root.join("bin/go"), "#!/bin/sh\necho no\n").unwrap()),
        ("bin/go", Change::Content, &|root| fs::write(root.join("bin/go"), "longer than it was before").unwrap()),
        ("bin/go", Change::Content, &|root| fs::write(root.join("bin/go"), "").unwrap()),
        ("bin/go", Change::Mode, &|root| chmod(&root.join("bin/go"), 0o644)),
        ("bin/go", Change::Mode, &|root| chmod(&root.join("bin/go"), 0o4755)),
        ("VERSION", Change::Mode, &|root| chmod(&root.join("VERSION"), 0o755)),
        ("VERSION", Change::Missing, &|root| fs::remove_file(root.join("VERSION")).unwrap()),
        ("VERSION", Change::Kind, &|root| {
            fs::remove_file(root.join("VERSION")).unwrap();
            fs::create_dir(root.join("VERSION")).unwrap();
        }),
        ("VERSION", Change::Kind, &|root| {
            fs::rename(root.join("VERSION"), root.with_file_name("elsewhere")).unwrap();
            symlink("../elsewhere", root.join("VERSION")).unwrap();
        }),
        ("latest", Change::Target, &|root| {
            fs::remove_file(root.join("latest")).unwrap();
            symlink("src", root.join("latest")).unwrap();
        }),
        ("latest", Change::Kind, &|root| {
            fs::remove_file(root.join("latest")).unwrap();
            fs::write(root.join("latest"), "bin").unwrap();
        }),
        ("src/a/planted.go", Change::Extra, &|root| fs::write(root.join("src/a/planted.go"), "x").unwrap()),
        ("src/planted", Change::Extra, &|root| fs::create_dir_all(root.join("src/planted/deep")).unwrap()),
    ];
    for (path, change, edit) in edits {
        let World { store, folder: _folder } = &world();
        let install = install(store, "go", "1.27.3", GO);
        assert_eq!(store.verify(&install, QUIET).unwrap(), []);
        edit(&install.root);
        let found = store.verify(&install, QUIET).unwrap();
        let found: Vec<_> = found.iter().map(|difference| (difference.path.as_str(), difference.change)).collect();
        assert_eq!(found, [(path, change)]);
    }
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn verify_reads_every_byte_once_and_takes_other_umasks() {
    let World { store, folder: _folder } = &world();
    let install = install(store, "go", "1.27.3", GO);
    chmod(&install.root.join("bin/go"), 0o700);
    chmod(&install.root.join("VERSION"), 0o600);
    for threads in [0, 1, 8] {
        let bytes = AtomicU64::new(0);
        let advanced = |more| {
            bytes.fetch_add(more, Ordering::Relaxed);
        };
        assert_eq!(store.verify(&install, Check { threads, advanced: &advanced }).unwrap(), []);
        assert_eq!(bytes.into_inner(), install.bytes());
    }
}

#[test]
fn a_tree_or_a_list_that_is_gone_is_found() {
    let World { store, folder: _folder } = &world();
    let install = install(store, "go", "1.27.3", GO);
    let list = install.root.with_file_name("files");
    let text = fs::read_to_string(&list).unwrap();
    for edit in [Some(text.replace("VERSION", "VERSIOM")), Some(String::new()), None] {
        match edit {
            Some(edit) => fs::write(&list, edit).unwrap(),
            None => fs::remove_file(&list).unwrap(),
        }
        let error = store.verify(&install, QUIET).unwrap_err();
        assert!(matches!(error, Error::FileList { .. }) && error.kind() == Kind::Integrity);
    }
    fs::write(&list, text).unwrap();
    fs::remove_dir_all(&install.root).unwrap();
    let found = store.verify(&install, QUIET).unwrap();
    assert_eq!(found.len(), 7);
    assert!(found.iter().all(|difference| difference.change == Change::Missing));
}

#[test]
fn repair_puts_a_new_tree_in_the_place_of_a_damaged_one() {
    let World { store, folder: _folder } = &world();
    let damaged = install(store, "go", "1.27.3", GO);
    fs::write(damaged.root.join("VERSION"), "evil").unwrap();
    let lock = store.lock(&damaged.id, &|_| {}).unwrap();
    let staging = store.stage(&lock).unwrap();
    let unpacked = unpack(&staging.tree(), GO, "1.27.3").unwrap();
    let repaired = staging.replace(vec![verified(&digest("1.27.3"))], unpacked).unwrap();
    assert!(repaired.hold.is_some());
    assert_eq!(repaired.root, damaged.root);
    assert_eq!(store.verify(&repaired, QUIET).unwrap(), []);
    assert!(names(&store.root().join("staging")).is_empty());
    // A repair that fails its proof leaves what was there.
    let staging = store.stage(&lock).unwrap();
    let unpacked = unpack(&staging.tree(), GO, "1.27.3").unwrap();
    assert!(staging.replace(Vec::new(), unpacked).is_err());
    assert_eq!(store.verify(&repaired, QUIET).unwrap(), []);
}

#[test]
fn removal_never_leaves_the_store() {
    let World { store, folder } = &world();
    let outside = folder.path().join("outside");
    let precious = |place: &str| {
        let folder = outside.join(place);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("precious"), "x").unwrap();
    };
    let go = install(store, "go", "1.27.3", GO);
    let installed = go.root.parent().unwrap().to_owned();
    let name = installed.file_name().unwrap().to_str().unwrap();
    precious("in-tree");
    precious(&format!("tool/{name}"));

    // A link inside the tree is unlinked; read-only folders are no obstacle.
    symlink(outside.join("in-tree"), go.root.join("src/link")).unwrap();
    chmod(&go.root.join("src/a"), 0o555);
    chmod(&go.root.join("src"), 0o555);
    let remove = || store.remove(&store.lock(&go.id, &|_| {}).unwrap());
    assert_eq!(remove().unwrap(), Removal::Removed);

    // A link in the place of the install is no install, whatever it leads to; it is unlinked, never followed.
    install(store, "go", "1.27.3", GO);
    fs::rename(&installed, outside.join("moved")).unwrap();
    symlink(outside.join("moved"), &installed).unwrap();
    assert!(store.find(&go.id).unwrap().is_none() && store.list().unwrap().is_empty());
    assert_eq!(remove().unwrap(), Removal::Removed);
    assert!(fs::symlink_metadata(&installed).is_err());
    assert_eq!(names(&outside.join("moved")), ["files", "receipt.json", "tree"]);

    // A link in the place of the tool's folder is refused by removal and by promotion.
    let tool = installed.parent().unwrap();
    fs::remove_dir(tool).unwrap();
    symlink(outside.join("tool"), tool).unwrap();
    assert!(matches!(remove(), Err(Error::Foreign { .. })));
    let lock = store.lock(&go.id, &|_| {}).unwrap();
    let error = promote(store.stage(&lock).unwrap(), GO, "1.27.3").unwrap_err();
    assert!(matches!(error, Error::Foreign { .. }) && error.kind() == Kind::Machine);
    assert!(store.list().unwrap().is_empty());

    assert_eq!(names(&outside.join("in-tree")), ["precious"]);
    assert_eq!(names(&outside.join("tool").join(name)), ["precious"]);
    assert!(names(&store.root().join("staging")).is_empty());
}
