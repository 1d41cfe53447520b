//! The tool that runs is the one that was requested, or the command fails: no program of the machine takes its place.
#![cfg(unix)]

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::upstream::{Fault, Upstream};
use crate::support::world::{Run, World, fixture_mirror};

const MACHINES_OWN: &str = "the machine's own go";

/// A world in which the machine has a `go` and a `dotnet` of its own.
fn world() -> World {
    let world = World::new();
    let bin = world.home().join("bin");
    fs::create_dir(&bin).unwrap();
    for name in ["go", "gofmt", "dotnet"] {
        fs::write(bin.join(name), format!("#!/bin/sh\necho \"{MACHINES_OWN}\"\n")).unwrap();
        fs::set_permissions(bin.join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", bin.display());
    world.with("PATH", &path)
}

/// Evaluates what `toolkit env` prints in a shell, as the documents say, and runs a script behind it.
fn evaluated(world: &World, arguments: &str, script: &str) -> Run {
    let toolkit = env!("CARGO_BIN_EXE_toolkit");
    let text = format!("set -e\neval \"$('{toolkit}' env {arguments} || echo false)\"\n{script}");
    shell(world, &text)
}

fn shell(world: &World, script: &str) -> Run {
    let like = world.command(&[]);
    let mut command = Command::new("sh");
    command.arg("-c").arg(script).current_dir(world.project()).env_clear();
    command.envs(like.get_envs().filter_map(|(name, value)| Some((name, value?))));
    Run::of(&command.output().unwrap())
}

fn root(world: &World, spec: &str) -> PathBuf {
    let listed = world.json(&["install", "--json", spec]);
    PathBuf::from(listed[0]["root"].as_str().unwrap())
}

#[test]
fn a_store_that_path_cannot_carry_is_refused_at_the_start() {
    for folder in ["job:42/store", "a:b", "store:"] {
        let world = world();
        let store = world.home().join(folder);
        let world = world.with("TOOLKIT_HOME", store.to_str().unwrap());
        for arguments in [
            &["install", "go@1.26"][..],
            &["exec", "go@1.26", "--", "go", "version"],
            &["env", "go@1.26"],
            &["which", "go"],
        ] {
            let run = world.run(arguments);
            assert_eq!(run.code, Some(2), "{arguments:?}: {}", run.stderr);
            assert!(run.stderr.contains("which PATH cannot carry") && !run.stdout.contains(MACHINES_OWN), "{run:?}");
        }
        assert!(!store.exists(), "{folder} was made");
        world.ok(&["resolve", "go@1.26"]);
    }
}

#[test]
fn a_tool_that_cannot_run_ends_the_command() {
    type Damage = fn(&Path);
    let damages: [(&str, Damage); 4] = [
        ("a lost mode", |root| fs::set_permissions(root.join("bin/go"), fs::Permissions::from_mode(0o644)).unwrap()),
        ("a missing file", |root| fs::remove_file(root.join("bin/go")).unwrap()),
        ("a missing second executable", |root| fs::remove_file(root.join("bin/gofmt")).unwrap()),
        ("a folder in its place", |root| {
            fs::remove_file(root.join("bin/go")).unwrap();
            fs::create_dir(root.join("bin/go")).unwrap();
        }),
    ];
    for (what, damage) in damages {
        let world = world();
        let root = root(&world, "go@1.26");
        damage(&root);
        let run = world.run(&["exec", "go@1.26", "--", "go", "version"]);
        assert_eq!((run.code, run.stdout.as_str()), (Some(4), ""), "{what}: {}", run.stderr);
        assert!(
            run.stderr.contains("cannot run") && run.stderr.contains("`toolkit repair` installs it again"),
            "{}",
            run.stderr
        );
        let run = evaluated(&world, "go@1.26", "go version");
        assert!(run.code != Some(0) && !run.stdout.contains(MACHINES_OWN), "{what}: {run:?}");
        world.ok(&["repair"]);
        assert!(world.ok(&["exec", "go@1.26", "--", "go", "version"]).contains("go1.26."), "{what}");
    }
}

#[test]
fn a_damaged_root_of_several_installs_ends_the_command() {
    let world = world();
    let run = |world: &World| world.run(&["exec", "dotnet@10", "dotnet-runtime@8.0", "--", "dotnet", "--list-sdks"]);
    assert!(run(&world).stdout.contains("10.0."), "{:?}", run(&world));
    let views = fs::read_dir(world.store().join("views/dotnet")).unwrap();
    let view = views.map(|entry| entry.unwrap().path()).find(|path| path.is_dir()).unwrap();
    fs::remove_file(view.join("tree/dotnet")).unwrap();
    let damaged = run(&world);
    assert_eq!((damaged.code, damaged.stdout.as_str()), (Some(4), ""), "{}", damaged.stderr);
}

#[test]
fn inherited_variables_do_not_redirect_a_tool() {
    let variables = [
        ("go@1.26", "GOROOT"),
        ("dotnet@10", "DOTNET_ROOT_X64"),
        ("dotnet@10", "DOTNET_ROOT_ARM64"),
        ("dotnet@10", "DOTNET_HOST_PATH"),
        ("dotnet@10", "MSBuildSDKsPath"),
        ("dotnet-runtime@8.0", "DOTNET_MSBUILD_SDK_RESOLVER_CLI_DIR"),
    ];
    for (spec, variable) in variables {
        let world = world().with(variable, "/opt/another");
        world.ok(&["install", spec]);
        let print = format!("echo \"${{{variable}-unset}}\"");
        assert_eq!(world.ok(&["exec", spec, "--", "sh", "-c", &print]), "unset\n", "{variable} in exec");
        assert_eq!(evaluated(&world, spec, &print).stdout, "unset\n", "{variable} after env");
        let unset = &world.json(&["env", "--json", spec])["unset"];
        assert!(unset.as_array().unwrap().contains(&variable.into()), "{variable}: {unset}");
    }
    // Nothing else is touched: what another tool reads stays.
    let world = world().with("GOROOT", "/opt/go");
    assert_eq!(world.ok(&["exec", "dotnet@10", "--", "sh", "-c", "echo $GOROOT"]), "/opt/go\n");
}

#[test]
fn path_does_not_grow_however_often_tools_are_put_on_it() {
    let world = world();
    let toolkit = env!("CARGO_BIN_EXE_toolkit");
    world.ok(&["install", "go@1.26"]);
    let once = evaluated(&world, "go@1.26", "echo \"$PATH\"").stdout;
    let again = format!("eval \"$('{toolkit}' env go@1.26)\"\n");
    assert_eq!(evaluated(&world, "go@1.26", &format!("{again}{again}echo \"$PATH\"")).stdout, once);
    let nested = ["exec", "go@1.26", "--", toolkit, "exec", "go@1.26", "--", "sh", "-c", "echo \"$PATH\""];
    assert_eq!(world.ok(&nested), once);
}

#[test]
fn evaluating_fails_where_env_fails() {
    let world = world();
    world.write("toolkit.toml", "[tools]\ngo = \"1.26\"\n");
    world.ok(&["lock"]);
    for arguments in ["", "go@1.26", "--format github", "--no-such-option", "no-such-tool", "--format=sh --platform x"]
    {
        let run = evaluated(&world, arguments, "go version");
        assert!(run.code != Some(0) && run.stdout.is_empty(), "`env {arguments}`: {run:?}");
    }
    // Without the `|| echo false` of the documents, too.
    let toolkit = env!("CARGO_BIN_EXE_toolkit");
    for arguments in ["", "--no-such-option"] {
        let run = shell(&world, &format!("set -e\neval \"$('{toolkit}' env {arguments})\"\necho goes on"));
        assert!(run.code != Some(0) && run.stdout.is_empty(), "`env {arguments}`: {run:?}");
    }
    // And where the program is not there at all.
    let run = shell(&world, "set -e\neval \"$(no-such-toolkit env || echo false)\"\necho goes on");
    assert!(run.code != Some(0) && run.stdout.is_empty(), "{run:?}");
    for format in ["json", "dotenv", "dockerfile"] {
        assert_eq!(world.run(&["env", "--format", format]).stdout, "", "{format} is not run by anybody");
    }
    assert!(world.run(&["env", "--format", "pwsh"]).stdout.starts_with("throw "));
}

#[test]
fn a_line_means_its_newest_release_whatever_is_installed() {
    for (spec, command, expected) in [
        ("go@1.26", "go version", "go1.26.7 "),
        ("go@>=1.26 <1.27", "go version", "go1.26.7 "),
        ("dotnet@10", "dotnet --version", "10.0.302"),
    ] {
        let world = world();
        world.ok(&["install", "go@1.26.0", "dotnet@10.0.300"]);
        let stderr = world.fails(2, &["env", spec]);
        assert!(stderr.contains(expected.trim().trim_start_matches("go")), "{spec}: {stderr}");
        let said = world.ok(&["exec", spec, "--", "sh", "-c", command]);
        assert!(said.contains(expected), "{spec}: {said}");
        world.ok(&["env", spec]);
    }
}

#[test]
fn a_project_without_a_lock_gets_the_newest_of_its_line_too() {
    let world = world();
    world.ok(&["install", "go@1.26.0"]);
    world.write(".go-version", "1.26\n");
    let stderr = world.fails(2, &["env"]);
    assert!(stderr.contains("go 1.26.7 is not installed"), "{stderr}");
    assert!(world.ok(&["exec", "--", "go", "version"]).contains("go1.26.7 "));
    assert!(world.ok(&["which", "go"]).contains("/1.26.7-"));
}

#[test]
fn documents_of_the_last_hour_are_not_asked_for_again() {
    let upstream = Upstream::serving(&fixture_mirror());
    let world = world().with("TOOLKIT_MIRROR", upstream.url("/").as_str());
    let index = "/go.dev/dl/index-all.json";
    world.ok(&["exec", "go@1.26", "--", "go", "version"]);
    let first = upstream.requests(index);
    assert!(first > 0, "the index has another name");
    world.ok(&["exec", "go@1.26", "--", "go", "version"]);
    world.ok(&["env", "go@1.26"]);
    assert_eq!(upstream.requests(index), first);
    // A command that looks for what is new asks each time.
    world.ok(&["resolve", "go@1.26"]);
    assert_eq!(upstream.requests(index), first + 1);
}

#[test]
fn the_newest_install_serves_where_upstream_cannot_be_reached_and_that_is_said() {
    let upstream = Upstream::serving(&fixture_mirror());
    let world = world().with("TOOLKIT_MIRROR", upstream.url("/").as_str()).with("TOOLKIT_RETRIES", "0");
    world.ok(&["install", "go@1.26.0", "go@1.26.1"]);
    fs::remove_dir_all(world.store().join("metadata")).unwrap();
    let index = "/go.dev/dl/index-all.json";
    upstream.fault(index, Fault::Status { code: 503, times: 9, retry_after: None });
    for extra in [&[][..], &["--offline"]] {
        let arguments = [extra, &["exec", "go@1.26", "--", "go", "version"]].concat();
        let run = world.run(&arguments);
        assert!(run.code == Some(0) && run.stdout.contains("go1.26.1 "), "{arguments:?}: {run:?}");
        assert!(run.stderr.contains("go@1.26 is go 1.26.1, the newest that is installed"), "{}", run.stderr);
        let run = world.run(&[extra, &["env", "go@1.26"]].concat());
        assert!(run.code == Some(0) && run.stderr.contains("the newest that is installed"), "{run:?}");
    }
    // Without an install there is nothing to fall back to.
    world.fails(3, &["exec", "go@1.25", "--", "go", "version"]);
    assert!(world.fails(2, &["env", "go@1.25"]).contains("go 1.25 is not installed"));
    // A release that cannot be downloaded is not replaced by one that the lock does not name.
    upstream.heal(index);
    world.write("toolkit.toml", "[tools]\ngo = \"1.26\"\n");
    world.ok(&["lock"]);
    let arch = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
    let archive = format!("/go.dev/dl/go1.26.7.linux-{arch}.tar.gz");
    upstream.fault(&archive, Fault::Status { code: 503, times: 99, retry_after: None });
    world.fails(3, &["exec", "--", "go", "version"]);
    let run = world.run(&["exec", "go@1.26", "--", "go", "version"]);
    assert!(run.code == Some(0) && run.stdout.contains("go1.26.1 "), "{run:?}");
}

#[test]
fn a_tool_that_another_project_defined_is_not_the_projects_own() {
    let mirror = tempfile::tempdir().unwrap();
    for folder in ["theirs", "ours"] {
        fs::create_dir_all(mirror.path().join("example.com").join(folder)).unwrap();
        let file = mirror.path().join("example.com").join(folder).join("say");
        fs::write(file, format!("#!/bin/sh\necho {folder}\n")).unwrap();
    }
    let world = world().with("TOOLKIT_MIRROR", mirror.path().to_str().unwrap());
    let toml = |folder: &str| {
        format!(
            "[tools.say]\nversion = \"1.0.0\"\nurl = \"https://example.com/{folder}/say\"\n\
             [policy]\nverification = \"first-seen\"\n"
        )
    };
    world.write("toolkit.toml", &toml("theirs"));
    assert_eq!(world.ok(&["exec", "say@1.0.0", "--", "say"]), "theirs\n");
    world.write("toolkit.toml", &toml("ours"));
    assert!(world.fails(2, &["env", "say@1.0.0"]).contains("not installed"));
    assert_eq!(world.ok(&["exec", "say@1.0.0", "--", "say"]), "ours\n");
}

#[test]
fn a_lock_that_is_out_of_date_is_an_error_in_a_job_and_is_not_written() {
    for (variable, value) in [("CI", "true"), ("TOOLKIT_LOCKED", "1"), ("CODEBUILD_BUILD_ID", "shop:7"), ("", "")] {
        let world = world();
        world.write("toolkit.toml", "[tools]\ngo = \"1.26\"\n");
        world.ok(&["lock"]);
        let before = world.read("toolkit.lock");
        world.write("toolkit.toml", "[tools]\ngo = \"1.27\"\n");
        let world = if variable.is_empty() { world } else { world.with(variable, value) };
        let flag: &[&str] = if variable.is_empty() { &["--locked"] } else { &[] };
        for arguments in [
            [&["exec"], flag, &["--", "go", "version"][..]].concat(),
            [&["install"], flag].concat(),
            [&["env"], flag].concat(),
        ] {
            let run = world.run(&arguments);
            assert_eq!(run.code, Some(2), "{variable} {arguments:?}: {run:?}");
            assert!(run.stderr.contains("toolkit.lock is out of date") && !run.stdout.contains("go1."), "{run:?}");
            assert_eq!(world.read("toolkit.lock"), before, "{variable} {arguments:?}");
        }
    }
}

#[test]
fn a_job_may_be_told_to_renew_the_lock() {
    let world = world().with("CI", "true").with("TOOLKIT_LOCKED", "0");
    world.write("toolkit.toml", "[tools]\ngo = \"1.26\"\n");
    world.ok(&["lock"]);
    world.write("toolkit.toml", "[tools]\ngo = \"1.27\"\n");
    assert!(world.ok(&["exec", "--", "go", "version"]).contains("go1.27."));
    assert!(world.read("toolkit.lock").contains("request = \"1.27\""));
    let world = world.with("TOOLKIT_LOCKED", "maybe");
    assert!(world.fails(2, &["install"]).contains("TOOLKIT_LOCKED is `maybe`"));
}

#[test]
fn a_missing_lock_is_an_error_where_one_is_required() {
    let world = world();
    world.write("toolkit.toml", "[tools]\ngo = \"1.26\"\n");
    for arguments in [&["exec", "--locked", "--", "go"][..], &["env", "--locked"], &["install", "--locked"]] {
        assert!(world.fails(2, arguments).contains("there is no toolkit.lock"), "{arguments:?}");
    }
    assert!(!world.project().join("toolkit.lock").exists());
}

#[test]
fn a_tool_is_known_by_the_name_that_the_project_uses() {
    let world = world();
    world.write("toolkit.toml", "[tools]\ngolang = \"1.26\"\n");
    world.ok(&["lock"]);
    for name in ["golang", "go", "Golang"] {
        world.ok(&["lock", "--upgrade", name]);
    }
    let stderr = world.fails(2, &["lock", "--upgrade", "dotnet"]);
    assert!(stderr.contains("does not use `dotnet`") && stderr.contains("the project uses go"), "{stderr}");
    for arguments in [
        &["install", "golang"][..],
        &["env", "golang"],
        &["exec", "golang", "--", "go", "version"],
        &["remove", "golang"],
    ] {
        world.ok(arguments);
    }
}

#[test]
fn a_lock_with_windows_line_ends_is_read_and_left_as_it_is() {
    let world = world();
    world.write("toolkit.toml", "[tools]\ngo = \"1.26\"\n");
    world.ok(&["lock"]);
    let windows = world.read("toolkit.lock").replace('\n', "\r\n");
    world.write("toolkit.lock", &windows);
    for arguments in [&["lock", "--check"][..], &["lock"], &["install", "--locked"], &["exec", "--", "go", "version"]] {
        world.ok(arguments);
        assert_eq!(world.read("toolkit.lock"), windows, "{arguments:?}");
    }
}

#[test]
fn the_home_folder_is_meant_by_a_tilde_that_no_shell_expanded() {
    for value in ["~/tk", "~//tk"] {
        let world = world().with("TOOLKIT_HOME", value);
        world.ok(&["install", "go@1.26"]);
        assert!(world.home().join("tk/installs/go").is_dir());
        assert_eq!(fs::read_dir(world.project()).unwrap().count(), 0, "something was made in the project");
    }
    let world = world().with("TOOLKIT_HOME", "~ci/tk");
    assert!(world.fails(2, &["install", "go@1.26"]).contains("home folder of another user"));
    assert_eq!(fs::read_dir(world.project()).unwrap().count(), 0);
}

#[test]
fn without_a_home_the_user_database_answers_and_resolving_needs_none() {
    let world = world().with("HOME", "").with("TOOLKIT_HOME", "");
    world.write("toolkit.toml", "[tools]\ngo = \"1.26\"\n");
    // Nothing below the real home folder of whoever runs this test may change: these commands keep no more than documents, and
    // documents of a folder are not kept.
    for arguments in [&["resolve", "go@1.26"][..], &["lock"], &["lock", "--check"]] {
        world.ok(arguments);
    }
    for arguments in [&["resolve", "go@1.26"][..], &["lock", "--check"]] {
        let output = world.command(arguments).env("HOME", "/nonexistent").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn a_store_whose_path_is_not_unicode_is_refused_and_not_passed_over() {
    let world = world();
    let odd = OsString::from_vec([world.home().as_os_str().as_encoded_bytes(), b"/caf\xe9"].concat());
    for (variable, unset) in [("TOOLKIT_HOME", ""), ("XDG_DATA_HOME", "TOOLKIT_HOME"), ("HOME", "TOOLKIT_HOME")] {
        let mut command = world.command(&["install", "go@1.26"]);
        if !unset.is_empty() {
            command.env_remove(unset);
        }
        let run = Run::of(&command.env(variable, &odd).output().unwrap());
        assert_eq!(run.code, Some(2), "{variable}: {run:?}");
        assert!(run.stderr.contains("not valid UTF-8") && run.stderr.contains(variable), "{}", run.stderr);
    }
    assert!(!Path::new(&odd).exists());
}

#[test]
fn programs_that_tools_install_for_the_user_are_found_behind_the_tools() {
    let world = world().with("GOPATH", "/opt/one:/opt/two");
    let home = world.home().display().to_string();
    world.ok(&["install", "go@1.26", "dotnet@10"]);
    let paths = |world: &World| -> Vec<String> {
        let value = world.json(&["env", "--json", "go@1.26", "dotnet@10"]);
        value["paths"].as_array().unwrap().iter().map(|path| path.as_str().unwrap().to_owned()).collect()
    };
    let found = paths(&world);
    assert_eq!(found[2..], ["/opt/one/bin".to_owned(), format!("{home}/.dotnet/tools")], "{found:?}");
    let world = world.with("GOPATH", "").with("DOTNET_CLI_HOME", "/opt/cli");
    assert_eq!(paths(&world)[2..], [format!("{home}/go/bin"), "/opt/cli/.dotnet/tools".to_owned()]);
    let world = world.with("GOBIN", "/opt/gobin");
    assert_eq!(paths(&world)[2], "/opt/gobin");
    // What PATH cannot carry is left out, and the tools run.
    let world = world.with("GOBIN", "/opt/a:b").with("DOTNET_CLI_HOME", "relative");
    assert_eq!(paths(&world).len(), 2);
    assert!(world.ok(&["exec", "go@1.26", "--", "go", "version"]).contains("go1.26."));
}

#[test]
fn a_store_that_was_copied_elsewhere_works() {
    let world = world();
    world.write("toolkit.toml", "[tools]\ngo = \"1.26\"\ndotnet = \"10.0.300\"\n\"dotnet-runtime\" = \"8.0\"\n");
    world.ok(&["install"]);
    let elsewhere = world.home().join("elsewhere");
    fs::rename(world.store(), &elsewhere).unwrap();
    let world = world.with("TOOLKIT_HOME", elsewhere.to_str().unwrap());
    world.ok(&["install", "--locked", "--offline"]);
    world.ok(&["verify"]);
    let said = world.ok(&["exec", "--", "sh", "-c", "go version; dotnet --list-sdks"]);
    assert!(said.contains("go1.26.") && said.contains(elsewhere.to_str().unwrap()), "{said}");
    // As a zip leaves them: no file may be executed.
    let root = root(&world, "go@1.26");
    fs::set_permissions(root.join("bin/go"), fs::Permissions::from_mode(0o644)).unwrap();
    for arguments in [&["exec", "--", "go", "version"][..], &["install", "--locked"], &["which", "go"]] {
        assert!(world.fails(4, arguments).contains("its mode does not allow that"), "{arguments:?}");
    }
    world.ok(&["repair"]);
    assert!(world.ok(&["exec", "--", "go", "version"]).contains("go1.26."));
}
