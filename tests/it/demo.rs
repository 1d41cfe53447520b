//! `scripts/demo`, run with the binary under test and no network.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::support::world::Run;

/// Runs the demo with a program in the place of toolkit, in a temporary folder that must be empty afterwards.
fn demo(toolkit: &Path) -> Run {
    let temp = TempDir::new().unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/demo");
    let mut command = Command::new("bash");
    command.arg(script).env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("TMPDIR", temp.path());
    // Nothing listens there: a connection to an upstream would fail.
    command.env("HTTPS_PROXY", "http://127.0.0.1:1").env("HTTP_PROXY", "http://127.0.0.1:1");
    let run = Run::of(&command.env("TOOLKIT", toolkit).output().unwrap());
    let left: Vec<_> = std::fs::read_dir(temp.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(left.is_empty(), "left behind: {left:?}");
    run
}

#[test]
fn the_demo_goes_from_the_articles_buildspec_to_one_index_for_both_architectures() {
    let run = demo(Path::new(env!("CARGO_BIN_EXE_toolkit")));
    assert_eq!(run.code, Some(0), "{}\n{}", run.stdout, run.stderr);
    let chapters = [
        ("error[TK006]: ", " --> buildspec.yml:5:74"),
        ("buildspec.yml: 4 fixed: TK005 3 times, TK006", "--channel STS"),
        ("dotnet@sts → 11.0.100 ", "sha512:a831…589b"),
        ("platform = \"linux/amd64\"", "platform = \"linux/arm64\""),
        ("type: LINUX_CONTAINER", "type: ARM_CONTAINER"),
        ("build amd64: SUCCEEDED", "build arm64: SUCCEEDED"),
        ("$ toolkit install --locked --offline", " present "),
        ("ok go 1.27.3 linux/amd64", "ok go 1.27.3 linux/arm64"),
        ("  oci:images/amd64\n", "  oci:images/arm64\n"),
        ("there is no image for linux/arm64", "The demo ran to its end."),
    ];
    let mut rest = run.stdout.as_str();
    for text in chapters.iter().flat_map(|(first, second)| [first, second]) {
        let Some(place) = rest.find(text) else { panic!("`{text}` is missing, or too early, in\n{}", run.stdout) };
        rest = &rest[place + text.len()..];
    }
}

#[test]
fn the_demo_is_a_page_or_two_without_whole_digests() {
    let text = demo(Path::new(env!("CARGO_BIN_EXE_toolkit"))).stdout;
    assert!(text.lines().count() < 150, "{} lines", text.lines().count());
    let is_digest = |word: &str| word.len() >= 40 && word.chars().all(|c| c.is_ascii_hexdigit());
    let whole = text.split(|c: char| !c.is_ascii_alphanumeric()).find(|word| is_digest(word));
    assert_eq!(whole, None);
}

#[test]
fn the_demo_fails_when_a_command_does_nothing_or_fails() {
    for toolkit in ["/bin/true", "/bin/false"] {
        let run = demo(Path::new(toolkit));
        assert_eq!(run.code, Some(1), "{toolkit}: {}", run.stdout);
        assert!(run.stderr.contains("The demo ended early"), "{toolkit}: {}", run.stderr);
        assert!(!run.stdout.contains("ran to its end"), "{toolkit}: {}", run.stdout);
    }
}
