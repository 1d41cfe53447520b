//! The whole job against the fixtures: init, lock, install, env, exec, verify, repair, remove, prune; and again offline.

use std::fs;
use std::process::Command;

use crate::support::upstream::Upstream;
use crate::support::world::{World, fixture_mirror};

/// A project with a global.json and a go.mod, as the demo has it.
fn project() -> World {
    let world = World::new();
    world.write("toolkit.toml", "[tools]\ndotnet = \"10.0\"\ndotnet-runtime = \"8.0\"\ngo = { file = \"go.mod\" }\n");
    world.write("go.mod", "module example.com/hello\n\ngo 1.26\n");
    world
}

#[test]
fn a_project_is_locked_installed_used_and_checked() {
    let world = project();
    world.ok(&["lock"]);
    let lock = world.read("toolkit.lock");
    assert_eq!(lock.matches("platform = \"linux/arm64\"").count(), 3, "{lock}");
    assert_eq!(world.ok(&["lock", "--check"]), "");

    let first = world.json(&["install", "--locked", "--json"]);
    assert_eq!(first.as_array().unwrap().len(), 3);
    assert!(first[0]["state"] == "installed", "{first}");
    let again = world.json(&["install", "--locked", "--offline", "--json"]);
    assert!(again.as_array().unwrap().iter().all(|row| row["state"] == "present"), "{again}");

    assert!(world.ok(&["exec", "--", "go", "version"]).starts_with("go version go1.26"));
    let runtimes = world.ok(&["exec", "--", "dotnet", "--list-runtimes"]);
    assert!(
        runtimes.contains("Microsoft.NETCore.App 10.0") && runtimes.contains("Microsoft.NETCore.App 8.0"),
        "{runtimes}"
    );
    assert!(world.ok(&["verify"]).lines().all(|line| line.starts_with("ok ")));
    assert_eq!(world.read("toolkit.lock"), lock, "an install changed the lock");
}

#[test]
fn the_environment_reaches_a_shell() {
    let world = project();
    world.ok(&["install"]);
    let script = world.ok(&["env"]);
    let output = Command::new("sh")
        .arg("-c")
        .arg(format!(
            "{script}\ngo version; dotnet --list-sdks; printf '%s' \"$GOTOOLCHAIN $DOTNET_CLI_TELEMETRY_OPTOUT\""
        ))
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("go1.26") && text.contains("10.0.") && text.ends_with("local 1"), "{text}");
}

#[test]
fn an_exact_version_takes_two_requests_on_one_connection_and_a_warm_one_takes_none() {
    let upstream = Upstream::serving(&fixture_mirror());
    let world = World::new().with("TOOLKIT_MIRROR", upstream.url("/").as_str());
    let index: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(fixture_mirror().join("go.dev/dl/index.json")).unwrap()).unwrap();
    let version = index[0]["version"].as_str().unwrap().trim_start_matches("go").to_owned();
    let spec = format!("go@{version}");
    world.ok(&["install", &spec]);
    assert_eq!((upstream.total_requests(), upstream.connections()), (2, 1));
    world.ok(&["install", &spec]);
    world.ok(&["env", &spec]);
    world.ok(&["exec", &spec, "--", "go", "version"]);
    world.ok(&["verify"]);
    assert_eq!(upstream.total_requests(), 2, "a warm command asked the upstream");
}

#[test]
fn the_latest_go_takes_two_requests_too() {
    let upstream = Upstream::serving(&fixture_mirror());
    let world = World::new().with("TOOLKIT_MIRROR", upstream.url("/").as_str());
    world.ok(&["install", "go@latest"]);
    assert_eq!((upstream.total_requests(), upstream.connections()), (2, 1));
    world.ok(&["env", "go@latest"]);
    assert_eq!(upstream.total_requests(), 2, "what is installed was asked for again");
    // What a line means stands in another document, which is read once within an hour.
    for _ in 0..2 {
        world.ok(&["exec", "go@1", "--", "go", "version"]);
        assert_eq!(upstream.total_requests(), 3);
    }
}

#[test]
fn a_locked_install_needs_only_the_archives() {
    let upstream = Upstream::serving(&fixture_mirror());
    let world = project().with("TOOLKIT_MIRROR", upstream.url("/").as_str());
    world.ok(&["lock"]);
    let before = upstream.total_requests();
    world.ok(&["install", "--locked"]);
    assert_eq!(upstream.total_requests() - before, 3);
}

#[test]
fn lock_check_names_what_is_wrong() {
    let world = project();
    let stdout = |arguments: &[&str]| {
        let run = world.run(arguments);
        assert_eq!(run.code, Some(1), "{}", run.stderr);
        run.stdout
    };
    assert!(stdout(&["lock", "--check"]).contains("there is no toolkit.lock"));
    world.ok(&["lock"]);
    let good = world.read("toolkit.lock");

    let without_arm64: String =
        good.split("\n[[").filter(|part| !part.contains("linux/arm64")).collect::<Vec<_>>().join("\n[[");
    world.write("toolkit.lock", &without_arm64);
    assert!(stdout(&["lock", "--check"]).contains("is not locked for linux/arm64"));

    world.write("toolkit.lock", &good.replacen("\n\n", "\n\n\n", 1));
    assert!(stdout(&["lock", "--check"]).contains("edited"));

    world.write("toolkit.lock", &good);
    world.write("go.mod", "module example.com/hello\n\ngo 1.25\n");
    assert!(stdout(&["lock", "--check"]).contains("go is requested as `1.25`"));
    assert!(world.fails(2, &["install", "--locked"]).contains("toolkit lock"));
    assert_eq!(world.read("toolkit.lock"), good, "a check or a locked install wrote the lock");

    world.ok(&["lock"]);
    world.ok(&["lock", "--check"]);
    assert_ne!(world.read("toolkit.lock"), good);
}

#[test]
fn damage_is_found_and_repaired() {
    let world = project();
    world.ok(&["install"]);
    let root = world.json(&["list", "--json"]);
    let go = root.as_array().unwrap().iter().find(|install| install["tool"] == "go").unwrap()["root"].as_str().unwrap();
    let file = format!("{go}/bin/go");
    let good = fs::read(&file).unwrap();
    fs::write(&file, [good.as_slice(), b"\n# planted\n"].concat()).unwrap();
    let run = world.run(&["verify"]);
    assert_eq!(run.code, Some(1));
    assert!(run.stdout.contains("bin/go"), "{}", run.stdout);
    world.ok(&["repair"]);
    assert_eq!(fs::read(&file).unwrap(), good);
    world.ok(&["verify"]);
}

#[test]
fn links_reach_the_tools_and_nothing_else_is_replaced() {
    let world = project();
    world.ok(&["install", "--link", "bin"]);
    for name in ["go", "gofmt", "dotnet"] {
        assert!(world.project().join("bin").join(name).is_file(), "{name} is not linked");
    }
    fs::remove_file(world.project().join("bin/go")).unwrap();
    world.write("bin/go", "somebody else's");
    let stderr = world.fails(2, &["install", "--link", "bin"]);
    assert!(stderr.contains("bin/go"), "{stderr}");
    assert_eq!(world.read("bin/go"), "somebody else's");
}

#[test]
fn prune_keeps_what_locks_name_and_remove_takes_what_is_named() {
    let world = project();
    world.ok(&["install"]);
    world.ok(&["install", "go@1.25"]);
    assert_eq!(world.json(&["list", "--json"]).as_array().unwrap().len(), 4);
    let plan = world.json(&["prune", "--dry-run", "--json"]);
    assert_eq!(plan.as_array().unwrap().len(), 1, "{plan}");
    world.ok(&["prune"]);
    assert_eq!(world.json(&["list", "--json"]).as_array().unwrap().len(), 3);
    world.ok(&["remove", "dotnet-runtime"]);
    assert_eq!(world.json(&["list", "--json"]).as_array().unwrap().len(), 2);
    world.ok(&["install", "--locked"]);
    world.ok(&["verify"]);
}

#[test]
fn a_project_without_toolkit_toml_is_served_by_its_own_files() {
    let world = World::new();
    world.write("go.mod", "module example.com/hello\n\ngo 1.26\n");
    assert!(world.ok(&["init", "--dry-run"]).contains("go = { file = \"go.mod\" }"));
    world.ok(&["install"]);
    assert!(!world.project().join("toolkit.lock").exists(), "a lock was written that nobody asked for");
    assert!(world.ok(&["exec", "--", "go", "version"]).contains("go1.26"));
    world.ok(&["init"]);
    assert!(world.fails(2, &["init"]).contains("exists already"));
    world.ok(&["install"]);
    world.ok(&["lock", "--check"]);
}

#[test]
fn a_request_that_nothing_answers_is_explained_as_text_and_as_json() {
    let world = World::new();
    let run = world.run(&["resolve", "--explain", "go@1.99"]);
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    assert!(run.stdout.starts_with("go@1.99 → nothing\n") && run.stdout.contains("· 1.20 "), "{}", run.stdout);
    assert!(
        run.stderr.contains("error: no go release matches `1.99`") && run.stderr.contains("more\n"),
        "{}",
        run.stderr
    );
    let json: serde_json::Value =
        serde_json::from_str(&world.run(&["resolve", "--explain", "--json", "go@1.99"]).stdout).unwrap();
    assert!(json[0]["version"].is_null() && json[0]["explain"].as_array().unwrap().len() > 5, "{json}");
}

#[test]
fn the_module_proxy_must_be_named() {
    let world = World::new().with("TOOLKIT_MIRROR", "");
    world.write("toolkit.toml", "[tools]\ngo = { version = \"1.27.3\", source = \"goproxy\" }\n");
    for proxy in ["", "off", "direct"] {
        let mut command = world.command(&["lock"]);
        let output = command.env("GOPROXY", proxy).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert!(stderr.contains("hint: set GOPROXY"), "{stderr}");
    }
}

#[test]
fn the_newest_host_leads_a_shared_root() {
    // By their ids alone, one of the two pairs would end with the older host.
    for (sdk, runtime) in [("10.0", "8.0"), ("8.0", "10.0")] {
        let world = World::new();
        world.write("toolkit.toml", &format!("[tools]\ndotnet = \"{sdk}\"\ndotnet-runtime = \"{runtime}\"\n"));
        world.ok(&["install"]);
        let env = world.json(&["env", "--format", "json"]);
        let root = std::path::Path::new(env["vars"]["DOTNET_ROOT"].as_str().unwrap());
        let host = fs::read_to_string(root.join("dotnet")).unwrap();
        assert!(host.contains("host=10.0."), "SDK {sdk} beside runtime {runtime}: {host}");
    }
}
