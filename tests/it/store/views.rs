//! Views: an SDK and runtimes in one root, and what prune makes of them.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};

use toolkit::model::{Explain, Kind, ToolName};
use toolkit::store::{Composition, Error, Install, InstallId, Removal, Store, View};

use super::{File, QUIET, World, install, names, world};

pub(super) fn runtime(store: &Store, version: &str) -> Install {
    let muxer = format!("muxer {version}");
    let library = format!("shared/Microsoft.NETCore.App/{version}/System.dll");
    let resolver = format!("host/fxr/{version}/libhostfxr.so");
    let files: [File<'_>; 4] = [
        ("dotnet", &muxer, 0o755),
        ("LICENSE.txt", "MIT", 0o644),
        (&library, &muxer, 0o644),
        (&resolver, &muxer, 0o755),
    ];
    install(store, "dotnet-runtime", version, &files)
}

/// An SDK that brings its own runtime.
pub(super) fn sdk(store: &Store) -> Install {
    let files: [File<'_>; 4] = [
        ("dotnet", "muxer 10.0.0", 0o755),
        ("LICENSE.txt", "MIT", 0o644),
        ("sdk/10.0.100/dotnet.dll", "sdk", 0o644),
        ("shared/Microsoft.NETCore.App/10.0.0/System.dll", "10", 0o644),
    ];
    install(store, "dotnet", "10.0.100", &files)
}

fn dotnet() -> ToolName {
    ToolName::parse("dotnet").unwrap()
}

pub(super) fn view(store: &Store, members: &[Install]) -> View {
    let composition = Composition { name: &dotnet(), members, overlapping: &[], added: &[] };
    let mut view = store.view(&composition, &|_| {}).unwrap();
    view.hold = None;
    view
}

/// Removes what `keep` does not name, and lists the installs that went.
pub(super) fn prune(store: &Store, keep: &dyn Fn(&InstallId) -> bool) -> Vec<InstallId> {
    let mut installs = store.plan_prune(keep).unwrap().installs;
    installs.retain(|install| store.discard(install, &|| keep(&install.id)).unwrap() == Removal::Removed);
    store.prune_views(&|_| {}).unwrap();
    installs.into_iter().map(|install| install.id).collect()
}

#[test]
fn an_sdk_and_two_runtimes_share_a_root() {
    let World { store, folder: _folder } = &world();
    let members = [runtime(store, "8.0.21"), runtime(store, "9.0.10"), sdk(store)];
    let view = view(store, &members);
    assert_eq!(names(&view.root.join("shared/Microsoft.NETCore.App")), ["10.0.0", "8.0.21", "9.0.10"]);
    assert_eq!(names(&view.root.join("sdk")), ["10.0.100"]);
    assert_eq!(fs::read_to_string(view.root.join("dotnet")).unwrap(), "muxer 10.0.0");
    assert_eq!(fs::read_link(view.root.join("latest")).unwrap(), Path::new("bin"));
    assert_eq!(store.verify_view(&view, QUIET).unwrap(), []);
    let inode = |path: PathBuf| fs::metadata(path).unwrap().ino();
    let dll = "sdk/10.0.100/dotnet.dll";
    assert_eq!(inode(view.root.join(dll)), inode(members[2].root.join(dll)), "no second copy on the disk");
    assert_eq!(store.views().unwrap(), [view]);
}

#[test]
fn a_view_is_made_once_and_never_touched_by_another() {
    let World { store, folder: _folder } = &world();
    let members = [runtime(store, "8.0.21"), runtime(store, "9.0.10"), sdk(store)];
    let first = view(store, &members[..2]);
    let inode = || fs::metadata(&first.root).unwrap().ino();
    let before = inode();
    let best = (0..10)
        .map(|_| {
            let start = std::time::Instant::now();
            assert_eq!(view(store, &members[..2]), first);
            start.elapsed()
        })
        .min()
        .unwrap();
    assert!(best < std::time::Duration::from_millis(1), "{best:?}");
    let second = view(store, &members);
    assert_ne!(second.root, first.root);
    assert_eq!(inode(), before);
    assert_eq!(store.verify_view(&first, QUIET).unwrap(), []);
    assert!(!first.root.join("sdk").exists());
    let third = view(store, &[members[1].clone(), members[0].clone()]);
    assert_eq!(fs::read_to_string(third.root.join("dotnet")).unwrap(), "muxer 8.0.21", "the later member wins");
}

#[test]
fn members_that_disagree_about_a_version_make_no_view() {
    let World { store, folder: _folder } = &world();
    let manifest = |text| -> [File<'_>; 1] { [("sdk-manifests/6.0.100/workload/manifest.json", text, 0o644)] };
    let members =
        [install(store, "dotnet", "6.0.101", &manifest("one")), install(store, "dotnet", "6.0.102", &manifest("two"))];
    let name = dotnet();
    let strict = Composition { name: &name, members: &members, overlapping: &[], added: &[] };
    let error = store.view(&strict, &|_| {}).unwrap_err();
    assert!(matches!(error, Error::Conflict { .. }) && error.kind() == Kind::Integrity);
    assert!(error.to_string().contains("6.0.101") && error.to_string().contains("manifest.json"), "{error}");
    assert!(store.views().unwrap().is_empty() && names(&store.root().join("staging")).is_empty());
    let view = store.view(&Composition { overlapping: &["sdk-manifests"], ..strict }, &|_| {}).unwrap();
    let path = view.root.join("sdk-manifests/6.0.100/workload/manifest.json");
    assert_eq!(fs::read_to_string(path).unwrap(), "two");
}

#[test]
fn a_damaged_view_is_found_and_made_again() {
    let World { store, folder: _folder } = &world();
    let members = [runtime(store, "8.0.21"), sdk(store)];
    let broken = view(store, &members);
    fs::remove_file(broken.root.join("dotnet")).unwrap();
    fs::write(broken.root.join("planted"), "x").unwrap();
    assert_eq!(store.verify_view(&broken, QUIET).unwrap().len(), 2);
    let name = dotnet();
    let composition = Composition { name: &name, members: &members, overlapping: &[], added: &[] };
    let mut whole = store.recompose(&composition, &|_| {}).unwrap();
    whole.hold = None;
    assert_eq!(whole, broken);
    assert_eq!(store.verify_view(&whole, QUIET).unwrap(), []);
    // A view whose receipt is gone does not exist, and is made again.
    fs::remove_file(whole.root.with_file_name("receipt.json")).unwrap();
    assert!(store.views().unwrap().is_empty());
    assert_eq!(view(store, &members), whole);
    // A member that lacks a file makes no view.
    fs::remove_file(members[1].root.join("dotnet")).unwrap();
    symlink("/usr/bin/env", members[1].root.join("dotnet")).unwrap(); // as long as the file was
    let error = store.recompose(&composition, &|_| {}).unwrap_err();
    assert!(matches!(error, Error::Damaged { .. }));
    assert_eq!(store.verify_view(&whole, QUIET).unwrap(), [], "what was there stays");
}

#[test]
fn prune_says_what_goes_and_keeps_the_rest() {
    let World { store, folder: _folder } = &world();
    let installs = [sdk(store), runtime(store, "8.0.21"), runtime(store, "9.0.10")];
    let all = view(store, &installs);
    let kept = view(store, &installs[..2]);
    let keep: HashSet<InstallId> = installs[..2].iter().map(|install| install.id.clone()).collect();
    let keep = |id: &InstallId| keep.contains(id);
    let plan = store.plan_prune(&keep).unwrap();
    assert_eq!(plan.installs.iter().map(|i| i.id.clone()).collect::<Vec<_>>(), [installs[2].id.clone()]);
    assert_eq!((plan.views.as_slice(), plan.bytes()), (&[all.clone()][..], installs[2].bytes()));
    assert!(all.root.exists() && installs[2].root.exists(), "a plan changes nothing");
    assert_eq!(prune(store, &keep), [installs[2].id.clone()]);
    assert!(prune(store, &keep).is_empty());
    assert!(!all.root.exists() && !installs[2].root.exists());
    assert_eq!(store.verify_view(&kept, QUIET).unwrap(), []);
    assert!(store.plan_prune(&keep).unwrap().is_empty());
    assert!(!store.plan_prune(&|_| false).unwrap().is_empty());
}
