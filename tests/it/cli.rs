//! The command line itself: help, completions, manual, and what it says to mistakes.

use std::process::Command;

use crate::support::world::World;

const COMMANDS: &[&str] = &[
    "init",
    "resolve",
    "fetch",
    "lock",
    "install",
    "env",
    "exec",
    "lint",
    "image",
    "build",
    "mirror",
    "list",
    "which",
    "verify",
    "repair",
    "remove",
    "prune",
    "gen",
    "completions",
    "man",
];

#[test]
fn every_command_shows_an_example_in_its_help() {
    let world = World::new();
    let whole = world.ok(&["--help"]);
    for command in COMMANDS {
        assert!(whole.contains(&format!("  {command} ")), "{command} is missing in --help");
        for flag in ["-h", "--help"] {
            let help = world.ok(&[command, flag]);
            assert!(help.contains("Examples:\n"), "{command} {flag} shows no example");
            assert!(help.lines().any(|line| line.contains(&format!("toolkit {command}"))), "{command} {flag}: {help}");
        }
    }
    assert_eq!(
        toolkit::cli::definition().get_subcommands().map(clap::Command::get_name).count(),
        COMMANDS.len(),
        "a command is missing in this test"
    );
}

#[test]
fn completions_load_in_bash_and_know_every_command() {
    let world = World::new();
    let script = world.ok(&["completions", "bash"]);
    let check = format!(
        "{script}\ncomplete -p toolkit && COMP_WORDS=(toolkit '') COMP_CWORD=1 && _toolkit toolkit '' toolkit && printf '%s\\n' \"${{COMPREPLY[@]}}\""
    );
    let output = Command::new("bash").args(["--norc", "-c", &check]).output().unwrap();
    let offered = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    for command in COMMANDS {
        assert!(offered.lines().any(|line| line == *command), "{command} is not offered: {offered}");
    }
    for shell in ["zsh", "fish", "powershell", "elvish"] {
        assert!(world.ok(&["completions", shell]).contains("toolkit"), "{shell}");
    }
}

#[test]
fn the_manual_has_a_page_for_every_command() {
    let world = World::new();
    assert!(world.ok(&["man"]).starts_with(".ie"));
    world.ok(&["man", "--output", "pages"]);
    for command in COMMANDS {
        assert!(world.read(&format!("pages/toolkit-{command}.1")).contains("Examples"), "{command}");
    }
}

#[test]
fn mistakes_end_with_exit_2_and_a_way_out() {
    let world = World::new();
    for (arguments, said) in [
        (&["instal"][..], "install"),
        (&["install", "--lokced"], "--locked"),
        (&["resolve", "dotnett@lts"], "did you mean `dotnet`?"),
        (&["resolve", "rust@stable"], "known are"),
        (&["resolve", "go@"], "TOOL@CHANNEL"),
        (&["resolve", "@1"], "TOOL@CHANNEL"),
        (&["resolve", "go@tip"], "go"),
        (&["install"], "toolkit init"),
        (&["lock"], "toolkit init"),
        (&["install", "--locked"], "toolkit init"),
        (&["resolve", "go@1.26", "--platform", "linux/mips"], "mips"),
        (&["resolve", "go@1.26", "--as-of", "yesterday"], "as-of"),
        (&["resolve", "--file", "absent/go.mod"], "absent/go.mod"),
        (&["resolve", "--file", "Makefile"], "go.mod"),
        (&["remove", "go"], "toolkit list"),
        (&["-C", "absent", "list"], "absent"),
        (&["fetch", "https://go.dev/dl/x.tar.gz", "--output", "x"], "--digest"),
        (&["fetch", "https://go.dev/dl/x.tar.gz", "--digest", "sha256:12", "--output", "x"], "hexadecimal"),
        (&["install", "go@1.26", "--mirror", "ftp://x"], "ftp"),
    ] {
        let stderr = world.fails(2, arguments);
        assert!(stderr.contains(said), "toolkit {arguments:?} does not say `{said}`: {stderr}");
        assert!(!stderr.contains("panicked"), "{stderr}");
    }
    assert!(world.store_listing().is_empty(), "a mistake changed the store");
}

#[test]
fn a_bad_toolkit_toml_is_named_with_its_line() {
    let world = World::new();
    for (text, said) in [
        ("[tools]\ngo = \"1.26\"\n[polcy]\n", "line 3: unknown key `polcy`; did you mean `policy`?"),
        (
            "[tools]\ngoo = \"1.26\"\n",
            "line 2, cannot be used\n  Caused by: no tool is called `goo`\nhint: did you mean `go`?",
        ),
        ("[tools]\ngo = \"v1\"\n", "line 2, cannot be used"),
        ("[tools]\ngo = { file = \"go.mod\" }\n", "could not read"),
        ("[tools]\ngo = { version = \"1.26\", source = \"ftp\" }\n", "known are goproxy"),
        ("[tools]\ngo = { version = \"1.26\", flavour = \"x\" }\n", "flavour"),
        ("[tools]\ngo = { file = \"Gopkg.toml\" }\n", "no project file"),
    ] {
        world.write("toolkit.toml", text);
        let stderr = world.fails(2, &["lock"]);
        assert!(stderr.contains(said), "{text}: {stderr}");
    }
}
