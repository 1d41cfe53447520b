//! Projects as people have them: archives without `.git`, folders of a job, work trees, submodules, several versions of one
//! tool, files of version managers. Each gets the tool that the project asks for, or an error.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;

use crate::support::world::{Run, World};

const SDK: &str = "{ \"sdk\": { \"version\": \"10.0.300\" } }\n";

/// Runs the command in a folder of the project.
fn run_in(world: &World, folder: &str, arguments: &[&str]) -> Run {
    let folder = world.project().join(folder);
    fs::create_dir_all(&folder).unwrap();
    Run::of(&world.command(arguments).current_dir(folder).output().unwrap())
}

fn requests_in(world: &World, folder: &str) -> String {
    let run = run_in(world, folder, &["resolve", "--requests"]);
    assert_eq!(run.code, Some(0), "{folder}: {run:?}");
    run.stdout
}

#[test]
fn an_archive_without_git_ends_where_ci_says() {
    for name in ["CODEBUILD_SRC_DIR", "CI_PROJECT_DIR", "GITHUB_WORKSPACE"] {
        let world = World::new();
        world.write("src/global.json", SDK);
        world.write("global.json", "{ \"sdk\": { \"version\": \"8.0.415\" } }"); // of the image, above the source
        let run = run_in(&world, "src/api/deep", &["resolve", "--requests"]);
        assert_eq!(run.code, Some(2), "nothing says where the project ends: {run:?}");
        let top = world.project().join("src");
        let world = world.with(name, top.to_str().unwrap());
        assert!(requests_in(&world, "src/api/deep").contains("dotnet@10.0.300"), "{name}");
        assert!(requests_in(&world, "src").contains("dotnet@10.0.300"), "{name}");
        // A toolkit.toml below the top may name a file above itself, as in a clone.
        world.write("src/api/toolkit.toml", "[tools]\ndotnet = { file = \"../global.json\" }\n");
        assert!(requests_in(&world, "src/api/deep").contains("dotnet@10.0.300"), "{name}");
    }
}

#[test]
fn a_job_in_a_subfolder_a_work_tree_and_a_submodule_get_what_the_repository_asks_for() {
    let world = World::new();
    world.write("repo/go.mod", "module example.test/x\n\ngo 1.26\n");
    fs::create_dir(world.project().join("repo/.git")).unwrap();
    fs::create_dir_all(world.project().join("repo/cmd/app")).unwrap();
    world.write("tree/.git", &format!("gitdir: {}/repo/.git/worktrees/tree\n", world.project().display()));
    world.write("tree/go.mod", "module example.test/x\n\ngo 1.27\n");
    world.write("repo/deps/lib/.git", "gitdir: ../../.git/modules/lib\n");
    world.write("repo/deps/lib/src/readme", "");
    for (folder, expected) in [("repo/cmd/app", "go1.26.7"), ("tree/cmd", "go1.27"), ("repo/deps/lib/src", "go1.26.7")]
    {
        let run = run_in(&world, folder, &["exec", "--", "go", "version"]);
        assert!(run.code == Some(0) && run.stdout.contains(expected), "{folder}: {run:?}");
    }
}

#[test]
fn a_lock_without_a_toolkit_toml_serves_the_folders_below() {
    let world = World::new();
    world.write("go.mod", "module example.test/x\n\ngo 1.26\n");
    world.ok(&["lock"]);
    for arguments in [&["install", "--locked"][..], &["lock", "--check"], &["exec", "--", "go", "version"]] {
        let run = run_in(&world, "cmd", arguments);
        assert_eq!(run.code, Some(0), "{arguments:?}: {run:?}");
    }
    assert!(!world.project().join("cmd/toolkit.lock").exists());
}

#[test]
fn a_file_that_somebody_else_may_have_planted_is_not_used() {
    let world = World::new();
    if fs::metadata(world.project()).unwrap().uid() != 0 {
        eprintln!("skipped: only root can give files away");
        return;
    }
    let shared = world.project();
    fs::set_permissions(&shared, fs::Permissions::from_mode(0o1777)).unwrap();
    let (planted, victim) = (shared.join("toolkit.toml"), "victim/deep");
    world.write("toolkit.toml", "[tools]\ngo = \"1.26\"\n");
    chown(&planted, Some(1001), Some(1001)).unwrap();
    for arguments in [&["exec", "--", "go", "version"][..], &["lock"], &["install"], &["env"]] {
        let run = run_in(&world, victim, arguments);
        assert_eq!(run.code, Some(2), "{arguments:?}: {run:?}");
        for said in ["toolkit.toml", "uid 1001", "TOOLKIT_SAFE_DIRECTORY="] {
            assert!(run.stderr.contains(said), "{arguments:?}: {}", run.stderr);
        }
    }
    // The way out, and what containers mount: a checkout that belongs to another user as a whole, or to the job.
    for name in ["TOOLKIT_SAFE_DIRECTORY", "CI_PROJECT_DIR"] {
        let world = World::new().with(name, shared.to_str().unwrap());
        let run =
            Run::of(&world.command(&["resolve", "--requests"]).current_dir(shared.join(victim)).output().unwrap());
        assert!(run.stdout.contains("go@1.26"), "{name}: {run:?}");
    }
    chown(&shared, Some(1001), Some(1001)).unwrap();
    assert!(requests_in(&world, victim).contains("go@1.26"));
    // A lock beside a toolkit.toml of one's own is looked at, too; so is a project file.
    chown(&shared, Some(0), Some(0)).unwrap();
    chown(&planted, Some(0), Some(0)).unwrap();
    world.ok(&["lock"]);
    chown(shared.join("toolkit.lock"), Some(1001), None).unwrap();
    assert!(world.fails(2, &["install", "--locked"]).contains("toolkit.lock"));
    fs::remove_file(shared.join("toolkit.lock")).unwrap();
    fs::remove_file(&planted).unwrap();
    world.write("go.mod", "module x\n\ngo 1.26\n");
    chown(shared.join("go.mod"), Some(1001), None).unwrap();
    assert!(world.fails(2, &["resolve", "--requests"]).contains("go.mod"));
}

#[test]
fn several_versions_of_dotnet_share_one_root_in_lock_install_env_and_exec() {
    let world = World::new();
    for (tools, versions) in [
        ("dotnet = [\"8.0\", \"9.0\", \"10.0\"]", 3),
        ("dotnet = \"10.0\"\naspnetcore-runtime = [\"8.0\", \"9.0\"]", 3),
        ("dotnet = [\n  { file = \"global.json\" },\n  \"8.0\",\n]", 2),
    ] {
        world.write("global.json", SDK);
        world.write("toolkit.toml", &format!("[tools]\n{tools}\n"));
        world.ok(&["lock"]);
        assert_eq!(world.read("toolkit.lock").matches("[[tool]]").count(), versions, "{tools}");
        world.ok(&["lock", "--check"]);
        world.ok(&["install", "--locked"]);
        let listed = world.ok(&["exec", "--", "dotnet", "--list-sdks"])
            + &world.ok(&["exec", "--", "dotnet", "--list-runtimes"]);
        assert!(listed.contains("10.0.3"), "{tools}: {listed}");
        let env = world.json(&["env", "--format", "json"]);
        assert!(env.to_string().contains("DOTNET_ROOT"), "{env}");
    }
    // A change of one version leaves the others as they are, and an upgrade is of all.
    world.write("toolkit.toml", "[tools]\ndotnet = [\"8.0\", \"9.0\"]\n");
    world.ok(&["lock"]);
    let before = world.read("toolkit.lock");
    world.write("toolkit.toml", "[tools]\ndotnet = [\"9.0\", \"8.0\"]\n");
    world.ok(&["lock", "--check"]);
    world.write("toolkit.toml", "[tools]\ndotnet = [\"8.0\", \"10.0\"]\n");
    assert!(world.run(&["lock", "--check"]).stdout.contains("dotnet is requested as `10.0`, and locked as `9.0`"));
    world.ok(&["lock"]);
    let eight =
        |lock: &str| lock.split("[[tool]]").find(|entry| entry.contains("request = \"8.0\"")).unwrap().to_owned();
    assert_eq!(eight(&before), eight(&world.read("toolkit.lock")));
}

#[test]
fn a_tool_that_cannot_share_a_root_has_one_version() {
    let world = World::new();
    for (tools, line) in [("go = [\n  \"1.26\",\n  \"1.27\",\n]", 4), ("go = \"1.26\"\ngolang = \"1.27\"", 3)] {
        world.write("toolkit.toml", &format!("[tools]\n{tools}\n"));
        let refusal = world.fails(2, &["lock"]);
        assert!(refusal.contains(&format!("line {line}")) && refusal.contains("only one can be on PATH"), "{refusal}");
    }
}

#[test]
fn a_broken_line_of_one_tool_is_said_and_never_falls_through_to_another_one() {
    let world = World::new();
    world.write(".tool-versions", "golang v1.26\ndotnet 8.0.415\nnodejs 22\n");
    let run = world.run(&["resolve", "--requests"]);
    assert!(run.code == Some(0) && run.stdout.contains("dotnet@8.0.415"), "{run:?}");
    for said in ["warning: go is left out", "line 1", "nodejs, which toolkit does not provide"] {
        assert_eq!(run.stderr.matches(said).count(), 1, "{said}: {}", run.stderr);
    }
    world.ok(&["exec", "--", "dotnet", "--list-sdks"]);
    assert!(world.fails(2, &["exec", "--", "go", "version"]).contains("without the `v`"));
    assert!(world.fails(2, &["install", "go"]).contains(".tool-versions"));
}

#[test]
fn a_pin_below_what_the_module_needs_is_refused() {
    let world = World::new();
    world.write("go.mod", "module x\n\ngo 1.26.2\n");
    world.write(".tool-versions", "golang 1.27.1\n");
    assert!(world.ok(&["resolve", "--requests"]).starts_with("go@1.27.1"));
    assert!(world.ok(&["init", "--dry-run"]).contains("go = { file = \".tool-versions\" }"));
    world.write(".tool-versions", "golang 1.26.1\n");
    let refusal = world.fails(2, &["install"]);
    assert!(refusal.contains(".tool-versions pins go 1.26.1, but go.mod needs at least 1.26.2"), "{refusal}");
    world.write("toolkit.toml", "[tools]\ngo = \"1.25\"\n");
    let refusal = world.fails(2, &["lock"]);
    assert!(refusal.contains("toolkit.toml, line 2, pins go 1.25"), "{refusal}");
    world.write("toolkit.toml", "[tools]\ngo = { version = \"1.25\", toolchain = \"auto\" }\n");
    world.ok(&["lock"]);
}

#[test]
fn a_version_behind_security_fixes_is_warned_of_and_the_newest_patch_is_a_setting() {
    let world = World::new();
    world.write("go.mod", "module x\n\ngo 1.26.0\n");
    world.write("toolkit.toml", "[tools]\ngo = { file = \"go.mod\" }\n");
    let run = world.run(&["lock"]);
    assert!(
        run.stderr.contains("warning: go 1.26.0 (go.mod, line 3) is ") && run.stderr.contains("patch = \"newest\""),
        "{run:?}"
    );
    world.write("toolkit.toml", "[tools]\ngo = { file = \"go.mod\", patch = \"newest\" }\n");
    let run = world.run(&["lock"]);
    assert!(run.code == Some(0) && !run.stderr.contains("security"), "{run:?}");
    assert!(world.read("toolkit.lock").contains("version = \"1.26.7\""));
    world.ok(&["lock", "--check"]);
    world.write("toolkit.toml", "[tools]\ndotnet = \"10.0.300\"\n");
    assert!(world.run(&["lock"]).stderr.contains("warning: dotnet 10.0.300 (toolkit.toml, line 2) is "));
}

#[test]
fn previews_of_a_line_are_requested_by_name_and_other_qualities_are_refused() {
    let world = World::new();
    let resolved = |request: &str| world.ok(&["resolve", request, "--platform", "linux/amd64"]);
    assert!(resolved("dotnet@12.0-preview").contains("12.0.100-preview.1"));
    assert!(resolved("dotnet@11.0-preview").contains("→ 11.0.100"));
    assert!(resolved("dotnet-runtime@12.0-preview").contains("12.0.0-preview.1"));
    for (request, said) in
        [("dotnet@11.0-daily", "11.0-preview"), ("dotnet@daily", "daily builds"), ("go@1.27-preview", "1.27")]
    {
        assert!(world.fails(2, &["resolve", request]).contains(said), "{request}");
    }
}

#[test]
fn a_global_json_that_requests_another_sdk_is_warned_of() {
    let world = World::new();
    world.write("global.json", SDK);
    world.write("src/legacy/global.json", "{ \"sdk\": { \"version\": \"8.0.415\" } }");
    world.write("src/same/global.json", SDK);
    world.write("toolkit.toml", "[tools]\ndotnet = { file = \"global.json\" }\n");
    let nested = "src/legacy/global.json requests .NET SDK 8.0.415, which this project does not install";
    for arguments in [&["lock"][..], &["install", "--locked"]] {
        let run = world.run(arguments);
        assert_eq!(run.stderr.matches("which this project does not install").count(), 1, "{arguments:?}: {run:?}");
        assert!(run.code == Some(0) && run.stderr.contains(nested), "{arguments:?}: {run:?}");
    }
    let run = run_in(&world, "src/legacy", &["exec", "--", "true"]);
    assert!(run.stderr.contains(&format!("{nested}: `dotnet` fails here")), "{run:?}");
    assert_eq!(run_in(&world, "src/same", &["exec", "--", "true"]).stderr, "");
    // One above the project counts as well.
    world.write("src/legacy/app/toolkit.toml", "[tools]\ndotnet = \"10.0\"\n");
    let run = run_in(&world, "src/legacy/app", &["lock"]);
    assert!(run.stderr.contains("above the project, requests .NET SDK 8.0.415"), "{run:?}");
}

#[test]
fn init_sees_the_layout_of_the_project() {
    for (files, expected, said) in [
        (
            &[
                ("App.slnx", "<Solution/>"),
                (
                    "global.json",
                    "{\"sdk\": {\"version\": \"10.0.300\"}, \"test\": {\"runner\": \"Microsoft.Testing.Platform\"}}",
                ),
            ][..],
            &["--report-trx", "dotnet = { file = \"global.json\" }"][..],
            "Microsoft.Testing.Extensions.TrxReport",
        ),
        (
            &[("src/App.sln", ""), ("src/App/App.csproj", "<TargetFrameworks>net8.0;net10.0</TargetFrameworks>")],
            &["directory = \"src\"", "dotnet = \"10.0\"", "dotnet-runtime = \"8.0\""],
            "wrote",
        ),
        (&[("src/App.sln", ""), ("src/global.json", SDK)], &["dotnet = { file = \"src/global.json\" }"], "wrote"),
        (
            &[("src/Api/global.json", SDK)],
            &["[tools]"],
            "src/Api/global.json is there: `dotnet = { file = \"src/Api/global.json\" }`",
        ),
        (
            &[("mise.toml", "[tools]\ngo = \"1.26\"\ndotnet = \"10\"\nnode = \"22\"\n")],
            &["go = { file = \"mise.toml\" }", "dotnet = { file = \"mise.toml\" }"],
            "not read from mise.toml: node",
        ),
        (
            &[(".sdkmanrc", "java=17.0.9-tem\n"), (".nvmrc", "22\n")],
            &["[tools]"],
            ".sdkmanrc is here, but toolkit does not provide",
        ),
        (
            &[("go.work", "go 1.27.0\nuse ./a\n"), ("a/go.mod", "module a\n\ngo 1.27.0\n")],
            &["go build ./a/..."],
            "wrote",
        ),
    ] {
        let world = World::new();
        for (name, text) in files {
            world.write(name, text);
        }
        let run = world.run(&["init"]);
        assert!(run.code == Some(0) && run.stderr.contains(said), "{files:?}: {run:?}");
        let text = world.read("toolkit.toml");
        for part in expected {
            assert!(text.contains(part), "{files:?}: {part} in\n{text}");
        }
        if text.contains(" = ") && text.contains("[pipeline.steps]") {
            world.ok(&["lock"]);
        }
    }
}

#[test]
fn what_requests_nothing_is_named_with_the_reason() {
    for (name, text, said) in [
        ("toolkit.toml", "[tools]\n", "toolkit.toml names no tool under [tools]"),
        ("global.json", "{ \"test\": {} }", "global.json has no `sdk`"),
        ("go.mod", "module x\n", "go.mod has no `go` line"),
        (".tool-versions", "ruby 3\n", ".tool-versions names no tool that toolkit provides"),
    ] {
        let world = World::new();
        world.write(name, text);
        let refusal = world.fails(2, &["lock"]);
        assert!(refusal.contains(said) && !refusal.contains("no toolkit.toml or project file"), "{name}: {refusal}");
    }
    let refusal = World::new().fails(2, &["lock"]);
    assert!(refusal.contains("no toolkit.toml or project file in"), "{refusal}");
    assert!(!Path::new("toolkit.lock").exists() || Path::new("Cargo.toml").exists());
}
