//! Syncs that are killed at random moments: whatever they leave, nobody takes it for whole, and the next one completes it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{INDEX, contents, project};
use crate::support::image;
use crate::support::mirror;
use crate::support::world::World;

/// How often each test kills.
pub const KILLS: u32 = 30;

/// Random moments, the same in every run.
pub struct Moments(u64);

impl Moments {
    pub fn new() -> Self {
        Self(0x9e37_79b9_7f4a_7c15)
    }

    /// Returns a moment of something that takes `whole`.
    pub fn within(&mut self, whole: Duration) -> Duration {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        whole.mul_f64((self.0 >> 40) as f64 / f64::from(1 << 24))
    }
}

/// Starts a sync and kills it at a moment; tells whether it was still running.
pub fn kill(world: &World, dest: &str, moment: Duration) -> bool {
    let mut child = world.command(&["mirror", "sync", dest]).stderr(Stdio::null()).spawn().unwrap();
    // Not to win a race: any moment will do, and all of them must be safe.
    std::thread::sleep(moment);
    child.kill().unwrap();
    !child.wait().unwrap().success()
}

/// Checks what a killed sync left by other means than `mirror check`, and that the two agree. `wanted` is what the lock
/// needs, `there` what is there, and every file must be what `source` has.
pub fn judge(world: &World, dest: &str, there: &BTreeMap<String, Vec<u8>>, wanted: &[String], source: &Path) -> bool {
    for (path, bytes) in there.iter().filter(|(path, _)| *path != INDEX) {
        assert!(fs::read(source.join(path)).is_ok_and(|right| right == *bytes), "{path} is not what it should be");
    }
    let named: Option<Value> = there.get(INDEX).map(|text| serde_json::from_slice(text).expect("an index is whole"));
    let mut sound = named.is_some();
    let mut names = Vec::new();
    for file in named.iter().flat_map(|index| index["files"].as_array().unwrap()) {
        let path = file["path"].as_str().unwrap();
        let found = there.get(path).map(|bytes| image::sha256(bytes));
        sound &= found.as_deref() == file["sha256"].as_str();
        names.push(path.to_owned());
    }
    sound &= wanted.iter().all(|path| names.contains(path));
    let run = world.run(&["mirror", "check", dest]);
    assert_eq!(run.code, Some(i32::from(!sound)), "{run:?}");
    if !sound {
        let said = ["incomplete mirror", "not synced", "missing ", "different ", "wrong size "];
        let text = format!("{}{}", run.stdout, run.stderr);
        assert!(said.iter().any(|said| text.contains(said)), "{text}");
    }
    sound
}

/// Lists the archives that a lock names, as paths of a mirror.
pub fn archives(world: &World) -> Vec<String> {
    let lock = world.read("toolkit.lock");
    let urls = lock.lines().filter_map(|line| line.strip_prefix("url = \"https://")?.strip_suffix('"'));
    urls.map(str::to_owned).collect()
}

#[test]
fn a_killed_sync_never_leaves_a_mirror_that_looks_whole() {
    let folder = tempfile::tempdir().unwrap();
    let source = mirror::go(&folder.path().join("source"), 300, 9000);
    super::copy(
        &crate::support::world::fixture_mirror().join("builds.dotnet.microsoft.com"),
        &source.join("builds.dotnet.microsoft.com"),
    );
    let before = project(&source, "[tools]\ndotnet = \"10.0\"\n");
    let world = project(&source, &format!("[tools]\ndotnet = \"10.0\"\ngo = \"{}\"\n", mirror::VERSION));
    let dest = folder.path().join("mirror");
    let name = dest.display().to_string();
    let sync = |world: &World| {
        let started = Instant::now();
        world.ok(&["mirror", "sync", &name]);
        started.elapsed()
    };
    let mut whole = sync(&world);
    let complete: Vec<String> = contents(&dest).into_keys().collect();
    let (mut moments, mut midway, mut unfinished) = (Moments::new(), 0, 0);
    for number in 0..KILLS {
        fs::remove_dir_all(&dest).unwrap();
        if number % 2 == 1 {
            sync(&before);
        }
        let moment = moments.within(whole);
        midway += u32::from(kill(&world, &name, moment));
        let sound = judge(&world, &name, &contents(&dest), &archives(&world), &source);
        unfinished += u32::from(!sound);
        let rest = sync(&world);
        if number % 2 == 0 && !sound && contents(&dest).is_empty() {
            whole = rest;
        }
        assert!(world.ok(&["mirror", "check", &name]).starts_with("ok "), "kill {number} after {moment:?}");
        assert_eq!(contents(&dest).into_keys().collect::<Vec<_>>(), complete, "kill {number} after {moment:?}");
        let staged = fs::read_dir(dest.join(".toolkit/staging")).unwrap().count();
        assert!(staged <= 1, "kill {number}: what the killed one left was not swept");
    }
    assert!(midway > KILLS / 4, "only {midway} of {KILLS} kills hit a running sync");
    assert!(unfinished > KILLS / 4, "only {unfinished} of {KILLS} kills left something to do");
}
