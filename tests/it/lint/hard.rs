//! Files that are no pipeline files, and files made to hurt: one clear answer each, in little memory.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use crate::support::world::{Run, World};

/// Runs `toolkit lint` with 600 MB of address space and 60 seconds of processor at most.
fn bounded(world: &World, arguments: &[&str]) -> Run {
    let template = world.command(&[]);
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -v 600000; ulimit -t 60; exec \"$0\" lint \"$@\"", env!("CARGO_BIN_EXE_toolkit")]);
    command.args(arguments).current_dir(world.project()).env_clear().stdin(Stdio::null());
    command.envs(template.get_envs().filter_map(|(name, value)| Some((name, value?))));
    Run::of(&command.output().unwrap())
}

/// Asserts that a file gives these findings, as `RULE:LINE:COLUMN`, and that the message says it.
fn finds(world: &World, name: &str, expected: &[&str], said: &str) {
    let run = bounded(world, &[name, "--as", "gitlab", "--format", "json"]);
    let found: serde_json::Value = serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{name}: {run:?}"));
    let places: Vec<String> = found
        .as_array()
        .unwrap()
        .iter()
        .map(|one| format!("{}:{}:{}", one["rule"].as_str().unwrap(), one["line"], one["column"]))
        .collect();
    assert_eq!(
        (places.as_slice(), run.code),
        (&expected.iter().map(ToString::to_string).collect::<Vec<_>>()[..], Some(1))
    );
    assert!(run.stdout.contains(said), "{name} does not say `{said}`: {}", run.stdout);
    assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
}

#[test]
fn what_is_no_utf8_text_is_one_finding_at_its_place() {
    let world = World::new();
    let text = "version: 0.2\nphases:\n";
    let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    for (name, bytes, place, said) in [
        ("utf-16-le", [&b"\xff\xfe"[..], &little].concat(), "TK017:1:1", "UTF-16"),
        ("utf-16-be", [&b"\xfe\xff"[..], &big].concat(), "TK017:1:1", "UTF-16"),
        ("utf-16-le-unmarked", little, "TK017:1:1", "UTF-16"),
        ("utf-16-be-unmarked", big, "TK017:1:1", "UTF-16"),
        ("latin-1", b"a: 1\nb: caf\xe9\n".to_vec(), "TK017:2:7", "0xe9"),
        ("zero", b"a: 1\nb: \0\n".to_vec(), "TK017:2:4", "0x00"),
        ("elf", b"\x7fELF\x02\x01\x01\0\0\0\xff".to_vec(), "TK017:1:8", "not text"),
        ("gzip", b"\x1f\x8b\x08\0\0".to_vec(), "TK017:1:2", "0x8b"),
    ] {
        let name = format!("{name}.yml");
        fs::write(world.project().join(&name), bytes).unwrap();
        finds(&world, &name, &[place], said);
        let text = bounded(&world, &[&name]);
        assert!(text.stdout.starts_with("error[TK017]: ") && text.code == Some(1), "{text:?}");
    }
}

#[test]
fn a_huge_file_is_refused_without_being_read() {
    let world = World::new();
    File::create(world.project().join("huge.yml")).unwrap().set_len(100 << 20).unwrap();
    finds(&world, "huge.yml", &["TK017:1:1"], "104857600 bytes");
}

#[test]
fn files_made_to_hurt_end_as_one_finding_in_bounded_memory() {
    let world = World::new();
    let bomb = (0..60).fold("a0: &a0 [x, x]\n".to_owned(), |text, n| {
        format!("{text}a{}: &a{} [*a{n}, *a{n}, *a{n}, *a{n}, *a{n}, *a{n}, *a{n}, *a{n}]\n", n + 1, n + 1)
    });
    let steps = (0..1000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect::<String>();
    for (name, text, place, said) in [
        ("bomb", bomb, "TK016:8:25", "aliases are expanded"),
        ("flow", "[".repeat(100_000), "TK016:1:129", "nests deeper than 128"),
        ("maps", "{a: ".repeat(100_000), "TK016:1:513", "nests deeper than 128"),
        ("steps", steps, "TK016:129:129", "nests deeper than 128"),
        ("dashes", "- ".repeat(100_000), "TK016:1:257", "nests deeper than 128"),
        ("empty", String::new(), "TK015:1:1", "empty"),
        ("blank", " \n\n".to_owned(), "TK015:1:1", "empty"),
        ("comments", "# nothing\n".repeat(10_000), "TK015:1:1", "only comments"),
        ("items", "- a\n".repeat(1_500_000), "TK016:1000001:3", "more than 1000000 values"),
        ("remarks", "# c\n".repeat(1_500_000), "TK016:1000001:1", "more than 1000000 comments"),
        ("unclosed", format!("a: \"{}", "x\n".repeat(1_000_000)), "TK001:1:4", "never closed"),
    ] {
        let name = format!("{name}.yml");
        world.write(&name, &text);
        finds(&world, &name, &[place], said);
    }
}

#[test]
fn a_million_mistakes_are_counted_and_not_all_told() {
    let world = World::new();
    world.write("many.yml", &format!("a:\n{}", "- make –fast\n".repeat(50_000)));
    let run = bounded(&world, &["many.yml", "--as", "yaml", "--format", "json"]);
    let found: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let found = found.as_array().unwrap();
    assert_eq!((found.len(), run.code), (1000, Some(1)));
    assert!(found[999]["message"].as_str().unwrap().ends_with("; and 49000 more of TK006 in this file"));
    // On one line: no place is sought from its beginning.
    world.write("long.yml", &format!("a: make {}\n", "–fast ".repeat(100_000)));
    let run = bounded(&world, &["long.yml", "--as", "yaml", "--format", "gitlab"]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
}

#[test]
fn what_is_no_file_is_refused_and_never_waited_for() {
    let world = World::new();
    assert!(Command::new("mkfifo").arg(world.project().join("pipe.yml")).status().unwrap().success());
    fs::create_dir(world.project().join("folder.yml")).unwrap();
    for (name, said) in [
        ("pipe.yml", "pipe.yml is not a regular file"),
        ("/dev/zero", "/dev/zero is not a regular file"),
        ("absent.yml", "could not read"),
        ("folder.yml", "no buildspec*.yml and no .gitlab-ci.yml was found"),
    ] {
        let run = bounded(&world, &[name]);
        assert_eq!(run.code, Some(2), "{name}: {run:?}");
        assert!(run.stderr.contains(said) && run.stdout.is_empty(), "{name}: {run:?}");
    }
    // Found in a search, it is no file to lint.
    world.write("buildspec.yml", "version: 0.2\nphases: {build: {commands: [make]}}\n");
    assert!(Command::new("mkfifo").arg(world.project().join("buildspec-pipe.yml")).status().unwrap().success());
    assert_eq!(bounded(&world, &[]).stderr.lines().last().unwrap().split(',').next(), Some("1 file"));
}

#[test]
fn a_file_that_may_not_be_read_is_an_error_of_this_machine() {
    let world = World::new();
    world.write("secret.yml", "a: b\n");
    let path = world.project().join("secret.yml");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o0)).unwrap();
    if File::open(&path).is_ok() {
        eprintln!("skipped: this user may read every file");
        return;
    }
    let run = bounded(&world, &["secret.yml"]);
    assert_eq!(run.code, Some(5), "{run:?}");
    assert!(run.stderr.contains("could not read") && run.stderr.contains("secret.yml"), "{run:?}");
}

#[test]
fn standard_input_without_end_is_read_to_the_limit_only() {
    let world = World::new();
    let mut command = world.command(&["lint", "-", "--as", "yaml"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let block = "# c\n".repeat(1 << 18);
    // Ends when the reader has gone, as `yes | toolkit lint -` does.
    while input.write_all(block.as_bytes()).is_ok() {}
    let run = Run::of(&child.wait_with_output().unwrap());
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stdout.starts_with("error[TK017]: the file has"), "{run:?}");
}
