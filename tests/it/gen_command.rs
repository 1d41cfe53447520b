//! `toolkit gen` as people use it: what it writes, what it refuses to lose, and how CI sees that a file is stale.

use crate::support::world::{World, fixture_mirror};

const PROJECT: &str = "\
[tools]
go = \"1.27\"

[pipeline]
name = \"hello\"

[pipeline.steps]
build = [\"go build ./...\"]
test = [\"go test ./...\"]
";

/// A project that is locked against the fixtures.
fn project() -> World {
    let world = World::new();
    world.write("toolkit.toml", PROJECT);
    world.ok(&["lock", "--mirror", &fixture_mirror().display().to_string()]);
    world
}

#[test]
fn a_file_is_written_once_and_then_up_to_date() {
    let world = project();
    assert!(world.run(&["gen", "gitlab-ci"]).stderr.contains("wrote .gitlab-ci.yml"));
    let text = world.read(".gitlab-ci.yml");
    assert!(text.starts_with("# Written by `toolkit gen gitlab-ci` from toolkit.toml and toolkit.lock."), "{text}");
    assert!(world.run(&["gen", "gitlab-ci"]).stderr.contains(".gitlab-ci.yml is up to date"));
    assert_eq!(world.ok(&["gen", "gitlab-ci", "--stdout"]), text);
    assert_eq!(world.ok(&["gen", "--check"]), "");
}

#[test]
fn a_version_that_changes_in_the_lock_makes_the_check_fail_with_a_difference_until_the_file_is_made_again() {
    let world = project();
    for target in ["gitlab-ci", "buildspec"] {
        world.ok(&["gen", target]);
    }
    let lock = world.read("toolkit.lock");
    let version =
        lock.lines().find_map(|line| line.strip_prefix("version = \"")).unwrap().trim_end_matches('"').to_owned();
    world.write("toolkit.lock", &lock.replace(&version, "1.27.99"));
    let run = world.run(&["gen", "--check"]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    for said in ["--- .gitlab-ci.yml", "+++ buildspec.yml", "1.27.99", &version] {
        assert!(run.stdout.contains(said), "{said}: {}", run.stdout);
    }
    assert!(run.stderr.contains("stale: "), "{}", run.stderr);
    assert!(!world.read("buildspec.yml").contains("1.27.99"), "--check wrote");
    world.ok(&["gen", "gitlab-ci", "buildspec"]);
    world.ok(&["gen", "--check"]);
}

#[test]
fn what_somebody_edited_or_wrote_is_lost_only_by_force() {
    let world = project();
    world.ok(&["gen", "gitlab-ci"]);
    let generated = world.read(".gitlab-ci.yml");
    for (text, why) in [
        (generated.replace("go test ./...", "true"), "was edited by hand"),
        ("build:\n  script: [make]\n".to_owned(), "was not written by toolkit"),
        ("\u{0}".to_owned(), "was not written by toolkit"),
    ] {
        world.write(".gitlab-ci.yml", &text);
        let said = world.fails(2, &["gen", "gitlab-ci"]);
        assert!(said.contains(why) && said.contains("no file was changed") && said.contains("--force"), "{said}");
        assert_eq!(world.read(".gitlab-ci.yml"), text);
        assert_eq!(world.run(&["gen", "gitlab-ci", "--diff"]).code, Some(0));
        assert_eq!(world.run(&["gen", "gitlab-ci", "--check"]).code, Some(1));
        assert_eq!(world.read(".gitlab-ci.yml"), text);
        world.ok(&["gen", "gitlab-ci", "--force"]);
        assert_eq!(world.read(".gitlab-ci.yml"), generated);
    }
}

#[test]
fn one_refused_file_leaves_all_as_they_were() {
    let world = project();
    world.write("buildspec.yml", "version: 0.2\n");
    world.fails(2, &["gen", "gitlab-ci", "buildspec"]);
    assert!(!world.project().join(".gitlab-ci.yml").exists());
}

#[test]
fn a_checkout_with_other_line_ends_is_up_to_date() {
    let world = project();
    world.ok(&["gen", "buildspec"]);
    world.write("buildspec.yml", &world.read("buildspec.yml").replace('\n', "\r\n"));
    world.ok(&["gen", "--check"]);
}

#[test]
fn mistakes_in_the_pipeline_name_line_and_way_out_and_change_nothing() {
    let world = project();
    for (addition, said) in [
        ("[pipeline.gitlab]\nrunner = \"tags\"\n", "line 11: unknown key `runner`; did you mean `runners`?"),
        ("[pipeline.gitlab]\nfile = \"../outside.yml\"\n", "leads out of the project"),
        ("[pipeline.gitlab]\nfile = \"/etc/outside.yml\"\n", "leads out of the project"),
        ("[pipeline.container]\nbuilder = \"kanico\"\n", "did you mean `kaniko`?"),
    ] {
        world.write("toolkit.toml", &format!("{PROJECT}{addition}"));
        let text = world.fails(2, &["gen", "gitlab-ci"]);
        assert!(text.contains(said), "{text}");
    }
    assert!(world.fails(2, &["gen", "githb"]).contains("possible values"));
    world.write("toolkit.toml", PROJECT);
    assert!(world.fails(2, &["gen"]).contains("no generated file is here yet"));
    std::fs::remove_file(world.project().join("toolkit.lock")).unwrap();
    assert!(world.fails(2, &["gen", "gitlab-ci"]).contains("go is not in toolkit.lock"));
    std::fs::remove_file(world.project().join("toolkit.toml")).unwrap();
    assert!(world.fails(2, &["gen", "gitlab-ci"]).contains("toolkit init"));
    assert!(!world.project().join(".gitlab-ci.yml").exists());
}

#[test]
fn json_says_what_was_written_and_what_is_stale() {
    let world = project();
    let states = |arguments: &[&str]| {
        let run = world.run(arguments);
        let answer: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
        answer["files"][0]["state"].as_str().unwrap().to_owned()
    };
    assert_eq!(states(&["gen", "buildspec", "--check", "--json"]), "missing");
    assert_eq!(states(&["gen", "buildspec", "--json"]), "written");
    assert_eq!(states(&["gen", "buildspec", "--check", "--json"]), "current");
}

#[test]
fn a_new_project_with_a_dockerfile_gets_a_whole_pipeline_from_two_commands() {
    for (files, expected) in [
        (&[("go.mod", "module example.com/hello\n\ngo 1.27\n"), ("Dockerfile", "FROM scratch\n")][..], "go test ./..."),
        (
            &[
                ("App.sln", ""),
                ("global.json", "{\"sdk\": {\"version\": \"10.0.302\"}}"),
                ("Dockerfile", "FROM scratch\n"),
            ],
            "dotnet test",
        ),
    ] {
        let world = World::new();
        for (name, text) in files {
            world.write(name, text);
        }
        world.ok(&["init"]);
        world.ok(&["lock", "--mirror", &fixture_mirror().display().to_string()]);
        world.ok(&["gen", "gitlab-ci"]);
        let text = world.read(".gitlab-ci.yml");
        for said in [expected, "kaniko", "arm64", "manifest"] {
            assert!(text.contains(said), "{said}: {text}");
        }
    }
}

#[test]
fn every_key_of_the_pipeline_stands_in_the_list_of_keys() {
    let list = include_str!("../../docs/toolkit-toml.md");
    let mut missing = Vec::new();
    for table in [
        "pipeline",
        "pipeline.steps",
        "pipeline.container",
        "pipeline.artifacts",
        "pipeline.cache",
        "pipeline.push",
        "pipeline.install",
        "pipeline.aws",
        "pipeline.codebuild",
        "pipeline.gitlab",
        "pipeline.dockerfile",
        "pipeline.runner",
    ] {
        let text = format!("[{table}]\nqqqqqqqqqqqqqqqqqqqq = 1\n");
        let refusal =
            toolkit::project::pipeline::Pipeline::parse("toolkit.toml".as_ref(), &text).unwrap_err().to_string();
        let known = refusal.split_once("expected one of: ").expect("the refusal lists the known keys").1.to_owned();
        // Tables of `[pipeline]` have headings of their own.
        missing.extend(known.split(", ").map(str::to_owned).filter(|key| {
            ![format!("`{key}`"), format!(".{key}`"), format!("`{key}."), format!("pipeline.{key}]")]
                .iter()
                .any(|spelling| list.contains(spelling))
        }));
    }
    assert!(missing.is_empty(), "not in docs/toolkit-toml.md: {missing:?}");
}
