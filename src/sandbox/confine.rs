//! What a program in a root of its own may not do: it gets at most what Docker lets a container do by default.

use std::io;
use std::path::Path;

use rustix::mount::{MountFlags, UnmountFlags, mount, mount_bind, mount_remount, unmount};
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, clear_ambient_capability_set, remove_capability_from_bounding_set,
    set_capabilities, set_no_new_privs,
};

/// Docker's default capabilities (<https://docs.docker.com/engine/containers/run/#runtime-privilege-and-linux-capabilities>)
/// but for two: MKNOD, since no device filter stands behind it here, and NET_RAW, since the network is the machine's.
const KEPT: [CapabilitySet; 12] = [
    CapabilitySet::AUDIT_WRITE,
    CapabilitySet::CHOWN,
    CapabilitySet::DAC_OVERRIDE,
    CapabilitySet::FOWNER,
    CapabilitySet::FSETID,
    CapabilitySet::KILL,
    CapabilitySet::NET_BIND_SERVICE,
    CapabilitySet::SETFCAP,
    CapabilitySet::SETGID,
    CapabilitySet::SETPCAP,
    CapabilitySet::SETUID,
    CapabilitySet::SYS_CHROOT,
];

/// What Docker makes read-only below `/proc`
/// (<https://github.com/moby/moby/blob/master/daemon/pkg/oci/defaults.go>).
const READ_ONLY: [&str; 5] = ["bus", "fs", "irq", "sys", "sysrq-trigger"];

/// What Docker hides below `/proc`. There is no `/sys`.
const MASKED: [&str; 10] = [
    "acpi",
    "asound",
    "interrupts",
    "kcore",
    "keys",
    "latency_stats",
    "sched_debug",
    "scsi",
    "timer_list",
    "timer_stats",
];

/// Mounts a `/proc` of this process's own namespace in a root, with Docker's restrictions. Returns false, and leaves none
/// there, where the machine does not allow all of it.
pub(super) fn mount_proc(root: &Path) -> bool {
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    let folder = root.join("proc");
    if mount("proc", &folder, "proc", flags, None).is_err() {
        return false;
    }
    let restricted = READ_ONLY.iter().all(|name| freeze(&folder.join(name), flags))
        && MASKED.iter().all(|name| mask(&folder.join(name), flags));
    // What it mounted below goes with it.
    restricted || unmount(&folder, UnmountFlags::DETACH).is_err()
}

fn freeze(path: &Path, flags: MountFlags) -> bool {
    let frozen = || {
        mount_bind(path, path).and_then(|()| mount_remount(path, flags | MountFlags::BIND | MountFlags::RDONLY, c""))
    };
    !path.exists() || frozen().is_ok()
}

fn mask(path: &Path, flags: MountFlags) -> bool {
    match path.metadata() {
        Err(_) => true,
        Ok(data) if data.is_dir() => mount("tmpfs", path, "tmpfs", flags | MountFlags::RDONLY, Some(c"size=0")).is_ok(),
        Ok(_) => mount_bind("/dev/null", path).is_ok(),
    }
}

/// Drops for good all that the program may not do, in this process and in those that it starts.
///
/// # Errors
/// When the system refuses; then the program must not be started.
pub(super) fn give_up_privileges() -> io::Result<()> {
    // From here on, what runs is root at most with what this process has: neither a setuid file nor its capabilities add any.
    set_no_new_privs(true)?;
    let kept = KEPT.into_iter().fold(CapabilitySet::empty(), CapabilitySet::union);
    for number in 0..u64::BITS {
        let one = CapabilitySet::from_bits_retain(1 << number);
        if !kept.contains(one) {
            // Numbers without a capability are refused, and so is all of it to who lacks SETPCAP: then the line above holds.
            let _ = remove_capability_from_bounding_set(one);
        }
    }
    // Kernels before 4.3 have no such set.
    let _ = clear_ambient_capability_set();
    let sets = capabilities(None)?;
    set_capabilities(
        None,
        CapabilitySets {
            effective: sets.effective & kept,
            permitted: sets.permitted & kept,
            inheritable: CapabilitySet::empty(),
        },
    )?;
    Ok(())
}
