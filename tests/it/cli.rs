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
        (&["instal"][..], "did you mean `toolkit install`?"),
        (&["run", "go"], "toolkit exec -- COMMAND"),
        (&["-q", "ls-remote", "go"], "toolkit resolve --explain"),
        (&["image", "ls"], "`toolkit image --help`"),
        (&["install", "--lokced"], "--locked"),
        (&["resolve", "dotnett@lts"], "did you mean `dotnet`?"),
        (&["resolve", "rust@stable"], "expected one of"),
        (&["resolve", "go:1.26"], "did you mean `go@1.26`?"),
        (&["resolve", "net8.0"], "did you mean `dotnet@8.0`?"),
        (&["resolve", "dotnet", "8"], "did you mean `dotnet@8`?"),
        (&["install", "golang", "1.26"], "did you mean `go@1.26`?"),
        (&["resolve", "go@latest:1.26"], "did you mean `1.26`?"),
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
fn help_and_version_are_answered_as_commands_too() {
    let world = World::new();
    assert_eq!(world.ok(&["version"]), world.ok(&["--version"]));
    assert_eq!(world.ok(&["help"]), world.ok(&["--help"]));
    assert_eq!(world.ok(&["help", "image", "check"]), world.ok(&["image", "check", "--help"]));
    assert!(world.fails(2, &["help", "run"]).contains("toolkit exec -- COMMAND"));
    assert_eq!(world.ok(&["image", "help", "check"]), world.ok(&["image", "check", "--help"]));
}

#[test]
fn platforms_are_understood_as_others_write_them() {
    let world = World::new();
    for (platform, file) in [
        ("arm64", "go1.27.3.linux-arm64.tar.gz"),
        ("x64", "go1.27.3.linux-amd64.tar.gz"),
        ("linux-arm64", "go1.27.3.linux-arm64.tar.gz"),
        ("osx-arm64", "go1.27.3.darwin-arm64.tar.gz"),
    ] {
        let text = world.ok(&["resolve", "go@1.27.3", "--platform", platform]);
        assert!(text.contains(file), "{platform}: {text}");
    }
}

#[test]
fn a_version_that_does_not_exist_is_answered_with_its_place_and_its_neighbours() {
    let world = World::new();
    for (file, text, place) in [
        ("go.mod", "module x\n\ngo 1.27.77\n", "(go.mod, line 3)"),
        (".go-version", "1.27.77\n", "(.go-version, line 1)"),
        ("toolkit.toml", "[tools]\ngo = \"1.27.77\"\n", "(toolkit.toml, line 2)"),
    ] {
        world.write(file, text);
        let stderr = world.fails(2, &["lock"]);
        assert!(stderr.contains(place) && stderr.contains("the newest 1.27 release is 1.27.3"), "{file}: {stderr}");
        std::fs::remove_file(world.project().join(file)).unwrap();
    }
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
        ("[tools]\ngo = { version = \"1.26\", source = \"ftp\" }\n", "expected one of: goproxy"),
        ("[tools]\ngo = { version = \"1.26\", flavour = \"x\" }\n", "flavour"),
        ("[tools]\ngo = { file = \"Gopkg.toml\" }\n", "is not a project file"),
    ] {
        world.write("toolkit.toml", text);
        let stderr = world.fails(2, &["lock"]);
        assert!(stderr.contains(said), "{text}: {stderr}");
    }
}

#[test]
fn colour_is_used_where_it_is_asked_for() {
    let world = World::new();
    world.write("toolkit.toml", "[tools]\ngo = \"9.9\"\n");
    // The outputs of tests are no terminals: auto means none.
    for (arguments, vars, coloured) in [
        (&["resolve"][..], &[][..], false),
        (&["resolve", "--color", "always"], &[], true),
        (&["--color=always", "resolve"], &[("NO_COLOR", "1")], true),
        (&["resolve"], &[("CLICOLOR_FORCE", "1")], true),
        (&["resolve"], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false),
        (&["resolve", "--color=never"], &[("CLICOLOR_FORCE", "1")], false),
        (&["resolve", "--help", "--color=always"], &[], true),
        (&["resolve", "--no-such-flag"], &[("CLICOLOR_FORCE", "1")], true),
        (&["resolve", "--no-such-flag", "--color", "never"], &[("CLICOLOR_FORCE", "1")], false),
        (&["resolve", "--help"], &[], false),
    ] {
        let output = world.command(arguments).envs(vars.iter().copied()).output().unwrap();
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(!text.is_empty());
        assert_eq!(text.contains('\u{1b}'), coloured, "{arguments:?} {vars:?}: {text}");
    }
    assert_eq!(world.run(&["resolve", "--color", "sometimes"]).code, Some(2));
}

#[test]
fn nothing_in_a_project_file_is_obeyed_by_the_terminal() {
    let world = World::new();
    world.write("toolkit.toml", "platforms = [\"linux/amd64\"]\n[tools]\ngo = \"1.27.3\"\n");
    world.ok(&["lock"]);
    let lock = std::fs::read_to_string(world.project().join("toolkit.lock")).unwrap();
    let planted = lock.replacen("version = \"1.27.3\"", "version = \"\\u001b]0;owned\\u0007\\u202e\\u200b\"", 1);
    assert_ne!(planted, lock);
    world.write("toolkit.lock", &planted);
    for arguments in [&["lock", "--check"][..], &["lock"]] {
        let run = world.run(arguments);
        let text = run.stdout + &run.stderr;
        assert!(text.contains("\\u{1b}]0;owned\\u{7}\\u{202e}\\u{200b}"), "{text}");
        assert!(!text.contains(['\u{1b}', '\u{7}', '\u{202e}', '\u{200b}']), "{text}");
        world.write("toolkit.lock", &planted);
    }
}

#[cfg(unix)]
#[test]
fn nothing_in_the_name_of_an_installed_file_is_obeyed_by_the_terminal() {
    let world = World::new();
    world.ok(&["install", "go@1.27.3"]);
    let root = std::fs::read_dir(world.store().join("installs/go")).unwrap().next().unwrap().unwrap().path();
    std::fs::write(root.join("tree/x\u{1b}[2J\nok everything is fine"), "").unwrap();
    let run = world.run(&["verify"]);
    assert_eq!(run.code, Some(1));
    assert!(
        run.stdout.contains("x\\u{1b}[2J\\nok everything is fine") && !run.stdout.contains('\u{1b}'),
        "{}",
        run.stdout
    );
    let json = world.run(&["verify", "--json"]).stdout;
    assert!(json.contains("\\u001b[2J\\nok everything"), "{json}");
}
