//! Disks that are full or read-only, and homes that are not there.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use toolkit::fs::At;
use toolkit::model::{Explain, Kind};
use toolkit::store::{Error, Store};

use super::views::{runtime, sdk, view};
use super::{GO, QUIET, digest, id, install, names, unpack, verified};

/// A small file system of its own, unmounted when dropped.
struct Mount(PathBuf);

impl Mount {
    /// Mounts it at `path`; says why when that is not possible.
    fn tmpfs(path: &Path, options: &str) -> Option<Self> {
        fs::create_dir_all(path).unwrap();
        let output = Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(path).output();
        match output {
            Ok(output) if output.status.success() => Some(Self(path.to_owned())),
            Ok(output) => {
                eprintln!("skipped: no tmpfs can be mounted: {}", String::from_utf8_lossy(&output.stderr).trim());
                None
            }
            Err(error) => {
                eprintln!("skipped: no `mount`: {error}");
                None
            }
        }
    }

    fn remount(&self, options: &str) {
        let status = Command::new("mount").args(["-o", options]).arg(&self.0).status().unwrap();
        assert!(status.success());
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_is_the_machines_fault_and_leaves_nothing_half_made() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mount) = Mount::tmpfs(&folder.path().join("small"), "size=1m,mode=0755") else { return };
    let store = Store::at(mount.0.join("store"));
    let kept = install(&store, "go", "1.26.0", GO);
    let lock = store.lock(&id("go", "1.27.3"), &|_| {}).unwrap();
    let staging = store.stage(&lock).unwrap();
    let unpacked = unpack(&staging.tree(), GO, "1.27.3").unwrap();
    // Filled to the last byte between unpacking and the file list.
    let ballast = mount.0.join("ballast");
    let mut file = fs::File::create(&ballast).unwrap();
    while file.write(&[0; 4096]).is_ok_and(|written| written > 0) {}
    let error = staging.promote(vec![verified(&digest("1.27.3"))], unpacked).unwrap_err();
    assert_eq!(error.kind(), Kind::Machine);
    assert!(error.hints()[0].contains("df -h"), "{:?}", error.hints());
    assert_eq!(store.list().unwrap().len(), 1);
    assert!(names(&store.root().join("staging")).is_empty());
    assert_eq!(store.verify(&kept, QUIET).unwrap(), []);
    drop((file, lock));
    fs::remove_file(ballast).unwrap();
    install(&store, "go", "1.27.3", GO);
}

#[test]
fn a_disk_without_a_free_inode_is_the_machines_fault() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mount) = Mount::tmpfs(&folder.path().join("small"), "size=1m,nr_inodes=60,mode=0755") else { return };
    let store = Store::at(mount.0.join("store"));
    install(&store, "go", "1.26.0", GO);
    let mut number = 0;
    while fs::write(mount.0.join(number.to_string()), "").is_ok() {
        number += 1;
    }
    // At each number of free inodes the install ends whole or not at all.
    for free in 0..number {
        match install_at_risk(&store) {
            Ok(()) => break,
            Err(error) => assert_eq!(error.kind(), Kind::Machine, "{error}"),
        }
        assert_eq!(store.list().unwrap().len(), 1);
        assert!(names(&store.root().join("staging")).is_empty());
        fs::remove_file(mount.0.join(free.to_string())).unwrap();
    }
    assert_eq!(store.list().unwrap().len(), 2);
}

fn install_at_risk(store: &Store) -> Result<(), Error> {
    let lock = store.lock(&id("go", "1.27.3"), &|_| {})?;
    let staging = store.stage(&lock)?;
    let unpacked = unpack(&staging.tree(), GO, "1.27.3").at("unpack", &staging.tree())?;
    staging.promote(vec![verified(&digest("1.27.3"))], unpacked).map(drop)
}

#[test]
fn a_read_only_store_is_read_and_never_written() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mount) = Mount::tmpfs(&folder.path().join("image"), "size=1m,mode=0755") else { return };
    let store = Store::at(mount.0.join("store"));
    let members = [runtime(&store, "8.0.21"), sdk(&store)];
    let made = view(&store, &members);
    mount.remount("remount,ro");
    assert_eq!(store.list().unwrap().len(), 2);
    let held = store.claim(&members[1].id).unwrap().unwrap();
    assert!(held.hold.is_some(), "what cannot be written to can be held");
    assert!(store.is_in_use(&held).unwrap());
    assert_eq!(store.sweep().unwrap(), 0);
    assert_eq!(view(&store, &members), made);
    assert_eq!(store.verify(&members[0], QUIET).unwrap(), []);
    let error = store.lock(&id("go", "1.27.3"), &|_| {}).unwrap_err();
    assert_eq!(error.kind(), Kind::Machine);
    assert!(error.hints()[0].contains("TOOLKIT_HOME"), "{:?}", error.hints());
    assert!(std::error::Error::source(&error).unwrap().to_string().contains("Read-only"));
}

#[test]
fn a_store_that_cannot_be_made_is_the_machines_fault() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    for root in [folder.path().join("file/store"), PathBuf::from("/proc/nowhere/store")] {
        let store = Store::at(root);
        assert!(store.list().unwrap().is_empty());
        assert_eq!(store.sweep().unwrap(), 0);
        let error = store.lock(&id("go", "1.27.3"), &|_| {}).unwrap_err();
        assert_eq!(error.kind(), Kind::Machine);
        assert!(!error.hints().is_empty(), "{error}");
    }
}
