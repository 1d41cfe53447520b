//! File systems of a test's own: small ones that fill up, and ones that nobody may write to.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

/// A file system of its own, gone with the test.
pub struct Mounted(PathBuf);

impl Mounted {
    /// Mounts one; without the right to mount, says that the test is skipped, and why.
    pub fn tmpfs(at: PathBuf, options: &str) -> Option<Self> {
        let output = Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(&at).output();
        match output {
            Ok(output) if output.status.success() => Some(Self(at)),
            Ok(output) => {
                eprintln!("skipped: mounting a tmpfs needs root: {}", String::from_utf8_lossy(&output.stderr).trim());
                None
            }
            Err(cause) => {
                eprintln!("skipped: mount cannot be run: {cause}");
                None
            }
        }
    }

    pub fn remount(&self, option: &str) -> bool {
        let done = Command::new("mount").args(["-o", &format!("remount,{option}")]).arg(&self.0).status();
        let done = done.is_ok_and(|status| status.success());
        if !done {
            eprintln!("skipped: the tmpfs cannot be remounted {option}");
        }
        done
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(5);
        while !Command::new("umount").arg(&self.0).status().is_ok_and(|status| status.success()) {
            assert!(Instant::now() < deadline, "{} could not be unmounted", self.0.display());
        }
    }
}
