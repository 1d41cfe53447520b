//! The project's file as the commands read it: opened once, and no mistake in `[pipeline]` stops what needs no pipeline.

use crate::support::world::World;

const PROJECT: &str = "\
[tools]
go = \"1.27\"

[pipeline]
name = \"hello\"

[pipeline.steps]
build = [\"go build ./...\"]

[pipeline.codebuild]
project = \"hello\"
";

#[cfg(target_os = "linux")]
#[test]
fn each_command_opens_toolkit_toml_once() {
    let world = World::new();
    world.write("toolkit.toml", PROJECT);
    for arguments in [
        &["resolve"][..],
        &["lock"],
        &["install"],
        &["install", "--locked"],
        &["env"],
        &["exec", "--", "go", "version"],
        &["which", "go"],
        &["gen", "buildspec"],
        &["gen", "--check"],
    ] {
        let opened = opens(&world.project().join("toolkit.toml"), || {
            world.ok(arguments);
        });
        assert_eq!(opened, 1, "{arguments:?}");
    }
}

#[test]
fn a_mistake_in_the_pipeline_stops_only_what_needs_the_pipeline() {
    let world = World::new();
    world.write("toolkit.toml", &PROJECT.replace("name =", "nam ="));
    for arguments in [&["lock"][..], &["install"], &["env"], &["list"]] {
        world.ok(arguments);
    }
    let text = world.fails(2, &["gen", "buildspec"]);
    assert!(text.contains("toolkit.toml, line 5: unknown key `nam`; did you mean `name`?"), "{text}");
}

/// Counts how often `path` is opened while `work` runs. Every open is followed by a close, so that the kernel joins no two.
#[cfg(target_os = "linux")]
fn opens(path: &std::path::Path, work: impl FnOnce()) -> usize {
    use rustix::fs::inotify::{CreateFlags, ReadFlags, Reader, WatchFlags, add_watch, init};

    let watch = init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).unwrap();
    add_watch(&watch, path, WatchFlags::OPEN | WatchFlags::CLOSE).unwrap();
    work();
    let mut buffer = [std::mem::MaybeUninit::uninit(); 4096];
    let mut events = Reader::new(watch, &mut buffer);
    let mut count = 0;
    loop {
        match events.next() {
            Ok(event) => count += usize::from(event.events().contains(ReadFlags::OPEN)),
            Err(rustix::io::Errno::WOULDBLOCK) => return count,
            Err(cause) => panic!("{cause}"),
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn every_open_is_counted() {
    let file = tempfile::NamedTempFile::new().unwrap();
    for times in [0, 1, 3] {
        let read = || (0..times).for_each(|_| assert_eq!(std::fs::read_to_string(file.path()).unwrap(), ""));
        assert_eq!(opens(file.path(), read), times);
    }
}
