//! The steps into a root of one's own, on Linux.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};
use rustix::mount::{
    MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_bind, mount_change, mount_remount, unmount,
};
use rustix::process::{Signal, chroot, geteuid, pivot_root, set_parent_process_death_signal};
use rustix::thread::{CapabilitySet, UnshareFlags, capabilities};

use super::error::Error;
use super::{Brought, How, Job, Mounts, Plan, confine, place, result, supervise};
use crate::fs::At;

/// Returns true if this process may give a program a root of its own.
///
/// # Errors
/// When it may not, with what it lacks.
pub fn possible(program: &str) -> Result<(), Error> {
    let lacks = |lacks| Err(Error::NoPrivilege { program: program.to_owned(), lacks });
    if !geteuid().is_root() {
        return lacks("root privileges");
    }
    match capabilities(None) {
        Ok(sets) if sets.effective.contains(CapabilitySet::SYS_CHROOT) => Ok(()),
        _ => lacks("CAP_SYS_CHROOT"),
    }
}

/// Runs a job in a copy of `tree` and gives the exit code of its program, or 128 and the number of the signal that ended it.
/// `scratch` is an empty folder of the caller's own, which removes it afterwards, whatever happens.
///
/// # Errors
/// When the machine does not do what is needed, or the program succeeds without making a result.
pub fn run(job: Job, tree: &Path, scratch: &Path) -> Result<u8, Error> {
    let plan = Plan { tree: tree.to_owned(), scratch: scratch.to_owned(), job };
    let path = scratch.join("plan.json");
    let text = serde_json::to_vec(&plan).map_err(io::Error::other).at("write", &path)?;
    fs::write(&path, text).at("write", &path)?;
    let code = again(&plan, &["sandbox", "first"], &path)?;
    if code == 0 {
        for taken in &plan.job.results {
            result::take(&plan.root(), taken)?;
        }
    }
    Ok(code)
}

/// Copies what the program will see, leaves the machine's mounts and processes behind, and goes on in a new process.
///
/// # Errors
/// When something cannot be copied or started.
pub fn first_step(path: &Path) -> Result<u8, Error> {
    die_with_parent();
    let plan = Plan::read(path)?;
    let root = plan.root();
    place::copy(&plan.tree, &root)?;
    for Brought { from, inside, how } in &plan.job.brought {
        if let How::Copied(mode) = how {
            let (mut file, to) = place::file(&root, inside, *mode)?;
            let mut from = fs::File::open(from).at("copy", from)?;
            io::copy(&mut from, &mut file).at("copy", &to)?;
        }
    }
    for folder in [plan.job.folder.as_path(), Path::new("/proc"), Path::new("/dev"), Path::new("/tmp")] {
        place::folder(&root, folder)?;
    }
    for taken in &plan.job.results {
        place::folder(&root, taken.inside.parent().unwrap_or(Path::new("/")))?;
    }
    let words: &[&str] = match leave() {
        Mounts::Allowed => &["sandbox", "second", "--mounts"],
        Mounts::Denied => &["sandbox", "second"],
    };
    again(&plan, words, path)
}

/// Enters the root and runs the program.
///
/// # Errors
/// When the root cannot be entered. That the program cannot be started is an error of its own.
pub fn second_step(path: &Path, mounts: Mounts) -> Result<u8, Error> {
    die_with_parent();
    let plan = Plan::read(path)?;
    let root = plan.root();
    let is_allowed = mounts == Mounts::Allowed && mount_bind(&root, &root).is_ok();
    let mounts = if is_allowed { Mounts::Allowed } else { Mounts::Denied };
    for brought in &plan.job.brought {
        share(&plan, brought, mounts)?;
    }
    let has_proc = is_allowed && confine::mount_proc(&root);
    if !has_proc {
        tell_mounts(&plan, &root)?;
    }
    devices(&root, mounts)?;
    enter(&root, mounts).at("change the root to", &root)?;
    std::env::set_current_dir(&plan.job.folder).at("change to", &plan.job.folder)?;
    let mut command = Command::new(&plan.job.program);
    command.args(&plan.job.arguments).env_clear().envs(plan.job.vars.iter().map(|(name, value)| (name, value)));
    let program = plan.job.program.display().to_string();
    confine::give_up_privileges().map_err(|source| Error::Confine { program: program.clone(), source })?;
    supervise::run(command).map_err(|source| Error::Start { program, source })
}

impl Plan {
    fn read(path: &Path) -> Result<Self, Error> {
        let text = fs::read(path).at("read", path)?;
        Ok(serde_json::from_slice(&text).map_err(io::Error::other).at("read", path)?)
    }

    fn root(&self) -> PathBuf {
        self.scratch.join("root")
    }
}

/// Starts this program again for another step.
fn again(plan: &Plan, step: &[&str], path: &Path) -> Result<u8, Error> {
    let mut command = Command::new("/proc/self/exe");
    command.args(step).arg(path);
    let program = plan.job.program.display().to_string();
    supervise::run(command).map_err(|source| Error::Start { program, source })
}

/// Asks to be killed when the process that started this one is: nothing may go on behind the back of whoever waits.
fn die_with_parent() {
    // Where that is not possible, the steps still end with the program.
    let _ = set_parent_process_death_signal(Some(Signal::KILL));
}

/// Leaves the machine's mounts, processes and shared memory behind, if that is allowed. The next process that is started is
/// the first of a process namespace.
fn leave() -> Mounts {
    // Deprecated because of a flag that is not used here: with it, threads lose sight of each other's files. And there is
    // only this thread.
    #[expect(deprecated, reason = "the safe one of two, for flags that are safe")]
    let left = rustix::thread::unshare(UnshareFlags::NEWNS | UnshareFlags::NEWPID | UnshareFlags::NEWIPC);
    // Without this, what is mounted from here on would show on the machine.
    let is_private =
        left.is_ok() && mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC).is_ok();
    if is_private { Mounts::Allowed } else { Mounts::Denied }
}

/// Brings in what is shared with the machine or looks mounted.
fn share(plan: &Plan, Brought { from, inside, how }: &Brought, mounts: Mounts) -> Result<(), Error> {
    let root = plan.root();
    let is_folder = fs::metadata(from).at("look at", from)?.is_dir();
    let source = match how {
        How::Copied(_) => return Ok(()),
        How::Shared => from.clone(),
        How::Mounted => {
            let copy = plan.scratch.join(format!("mounted-{:016x}", fastrand::u64(..)));
            fs::copy(from, &copy).at("copy", from)?;
            copy
        }
    };
    let target = place::vacant(&root, inside)?;
    if mounts == Mounts::Allowed {
        if is_folder {
            place::folder(&root, inside)?;
        } else {
            place::file(&root, inside, 0o644)?;
        }
        if mount_bind(&source, &target).is_ok() {
            let read_only = MountFlags::BIND | MountFlags::RDONLY;
            if *how == How::Mounted || mount_remount(&target, read_only, c"").is_ok() {
                return Ok(());
            }
            // What could be written to is not shared.
            unmount(&target, UnmountFlags::DETACH).map_err(io::Error::from).at("unmount", &target)?;
        }
        place::vacant(&root, inside)?;
    }
    // A link that names the folder is followed, links inside of it are copied.
    let source = fs::canonicalize(&source).at("copy", &source)?;
    place::copy(&source, &target)
}

/// Writes a `/proc/self/mountinfo` (<https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html>) that lists what a
/// program that empties its root must leave alone. The machine's own `/proc` is never shown: by `/proc/1/root` it leads to
/// the machine's files.
fn tell_mounts(plan: &Plan, root: &Path) -> Result<(), Error> {
    let shared = plan.job.brought.iter().filter(|brought| !matches!(brought.how, How::Copied(_)));
    let places = shared.map(|brought| brought.inside.display().to_string());
    let places = ["/", "/proc", "/dev"].into_iter().map(str::to_owned).chain(places);
    let line = |(number, place): (usize, String)| {
        let place = place.replace('\\', "\\134").replace(' ', "\\040").replace('\t', "\\011").replace('\n', "\\012");
        format!("{} 1 0:{} / {place} rw - none none rw\n", number + 2, number + 2)
    };
    let text: String = places.enumerate().map(line).collect();
    let inside = Path::new("/proc/self/mountinfo");
    let (_, path) = place::file(root, inside, 0o644)?;
    Ok(fs::write(&path, text).at("write", &path)?)
}

/// Makes the few devices that programs expect: a container's default ones
/// (<https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md#default-devices>).
fn devices(root: &Path, mounts: Mounts) -> Result<(), Error> {
    let folder = place::folder(root, Path::new("/dev"))?;
    if mounts == Mounts::Allowed {
        // A file system of its own, where devices work and which programs leave alone. Without it the folder does as well.
        let _ = mount("tmpfs", &folder, "tmpfs", MountFlags::NOSUID, Some(c"mode=755"));
    }
    for (name, major, minor) in
        [("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("random", 1, 8), ("urandom", 1, 9), ("tty", 5, 0)]
    {
        let path = folder.join(name);
        let mode = Mode::from_raw_mode(0o666);
        if mknodat(CWD, &path, FileType::CharacterDevice, mode, makedev(major, minor)).is_ok() {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).at("create", &path)?;
        } else if mounts == Mounts::Allowed
            && fs::File::create_new(&path).is_ok()
            && mount_bind(format!("/dev/{name}"), &path).is_err()
        {
            // Without CAP_MKNOD and mounts the program has to do without, which most can. A file would take what is written.
            fs::remove_file(&path).at("remove", &path)?;
        }
    }
    for (name, target) in [
        ("fd", "/proc/self/fd"),
        ("stdin", "/proc/self/fd/0"),
        ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"),
    ] {
        let path = folder.join(name);
        if fs::symlink_metadata(&path).is_err() {
            std::os::unix::fs::symlink(target, &path).at("create", &path)?;
        }
    }
    Ok(())
}

/// Makes `root` the root of this process. With mounts the machine's root is let go of altogether.
fn enter(root: &Path, mounts: Mounts) -> io::Result<()> {
    std::env::set_current_dir(root)?;
    if mounts == Mounts::Allowed && pivot_root(".", ".").is_ok() {
        // Both roots lie on one another now, the old one on top (pivot_root(2), "pivot_root(".", ".")").
        unmount(".", UnmountFlags::DETACH)?;
    } else {
        chroot(".")?;
    }
    std::env::set_current_dir("/")
}
