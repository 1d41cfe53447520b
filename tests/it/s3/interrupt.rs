//! A sync that is interrupted in the middle of a large file.

use std::process::{Command, Stdio};
use std::time::Duration;

use super::{bucket_of, root};
use crate::faults::wait_for;
use crate::support::front::{Answer, Front, Turn};
use crate::support::mirror::{VERSION, go};
use crate::support::moto::Moto;
use crate::support::world::World;

#[test]
fn an_interrupted_sync_deletes_what_it_has_sent_of_a_large_file() {
    let Some(moto) = Moto::start() else { return };
    moto.bucket("builds");
    let folder = tempfile::tempdir().unwrap();
    let source = go(folder.path(), 20, 1 << 20);
    // The second part is asked for again later.
    let front = Front::before(moto.host(), |seen, _| match seen.target.contains("partNumber=2") {
        true => Turn::Answer(Answer::new(503, "application/xml", Vec::new()).with("Retry-After", "60")),
        false => Turn::Pass,
    });
    let world = moto.world(World::new()).with("TOOLKIT_MIRROR", source.to_str().unwrap());
    let world = world.with("AWS_ENDPOINT_URL_S3", &format!("http://{}", front.host()));
    world.write("toolkit.toml", &format!("platforms = [\"linux/amd64\"]\n[tools]\ngo = \"{VERSION}\"\n"));
    world.ok(&["lock"]);
    let mut command = world.command(&["mirror", "sync", "s3://builds/tools"]);
    let mut sync = command.stderr(Stdio::piped()).spawn().unwrap();
    while !has_second_part(&front) {
        assert!(sync.try_wait().unwrap().is_none(), "the sync ended by itself");
        std::thread::sleep(Duration::from_millis(10));
    }
    let killed = Command::new("kill").args(["-INT", &sync.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let output = sync.wait_with_output().unwrap();
    assert!(!output.status.success());
    assert_eq!((moto.unfinished("builds"), moto.keys("builds").len()), (0, 0));
    let (bucket, _) = bucket_of(&moto.url(), &root(), "s3://builds/tools");
    assert_eq!(wait_for(bucket.list()).unwrap(), []);
}

fn has_second_part(front: &Front) -> bool {
    front.seen().iter().any(|seen| seen.target.contains("partNumber=2"))
}
