//! `toolkit build compare`, from the command line to CodeBuild and back.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::codebuild::{CodeBuild, Failure, Script, arn};
use crate::support::world::World;

const IMAGE: &str = "aws/codebuild/standard:8.0";

/// A build that succeeded: queue, installation and building took these seconds.
fn past(kind: &str, seconds: [i64; 3]) -> Script {
    let [queued, install, build] = seconds;
    Script::new("web")
        .phase("SUBMITTED", 0)
        .phase("QUEUED", queued)
        .phase("PROVISIONING", 8)
        .phase("INSTALL", install)
        .phase("BUILD", build)
        .phase("FINALIZING", 2)
        .ends("SUCCEEDED")
        .on(kind, IMAGE, "BUILD_GENERAL1_SMALL")
}

/// Ten builds on each side, with some that do not count in between.
fn history(fake: &CodeBuild) {
    for at in 0..10 {
        fake.past(past("LINUX_CONTAINER", [at * 50, 20, 300 + at]));
        fake.past(past("ARM_CONTAINER", [1, 20, 200 + at]));
        if at % 4 == 0 {
            fake.past(Script::new("web").phase("BUILD", 3).fails("COMMAND_EXECUTION_ERROR", "exit 1").ends("FAILED"));
            fake.past(Script::new("web").phase("BUILD", 3).ends("STOPPED"));
        }
    }
    fake.build(Script::succeeding("web"));
}

/// Prices for the region of the fake, one table.
fn price(kind: &str, usd: &str) -> String {
    format!(
        "[[price]]\nregion = \"eu-west-1\"\nenvironment = \"{kind}\"\nunit = \"minute\"\nsource = \"our contract\"\n\
         date = \"2026-11\"\nusd = {{ BUILD_GENERAL1_SMALL = {usd} }}\n"
    )
}

fn with_prices(fake: &CodeBuild, amd64: &str, arm64: &str) -> World {
    let world = fake.world();
    world.write("prices.toml", &(price("LINUX_CONTAINER", amd64) + &price("ARM_CONTAINER", arm64)));
    world
}

#[test]
fn a_project_is_compared_across_pages_in_a_table_with_prices() {
    let fake = CodeBuild::new();
    history(&fake);
    fake.list_page(7);
    let world = with_prices(&fake, "0.005", "0.0034");
    let run = world.run(&["build", "compare", "web", "--prices", "prices.toml"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let expected = [
        "web in eu-west-1",
        "  amd64: 10 builds on LINUX_CONTAINER BUILD_GENERAL1_SMALL",
        "BUILD            5 min 0",
        "total            ",
        "price per build  $0.0300                              $0.0136",
        "1000 builds      $30.00                               $13.60",
        "list prices of eu-west-1, no free tier: our contract (2026-11)",
        "arm64 takes 30 % less time and costs 55 % less (medians of 10 and 10 builds)",
    ];
    for line in expected {
        assert!(run.stdout.contains(line), "{line}\n{}", run.stdout);
    }
    assert!(
        run.stderr.contains("looked at 27 builds of web, left out 1 running, 3 failed, 3 stopped"),
        "{}",
        run.stderr
    );
    assert_eq!(fake.count("ListBuildsForProject"), 4);
    assert_eq!(fake.count("BatchGetBuilds"), 4);
}

#[test]
fn programs_get_json_and_the_chart_is_a_whole_svg() {
    let fake = CodeBuild::new();
    history(&fake);
    let world = with_prices(&fake, "0.005", "0.0034");
    let value = world.json(&[
        "build",
        "compare",
        "web",
        "--last",
        "4",
        "--chart",
        "out.svg",
        "--prices",
        "prices.toml",
        "--json",
    ]);
    assert_eq!(value["region"], "eu-west-1");
    assert_eq!(value["sides"][1]["builds"].as_array().unwrap().len(), 4);
    let build = value["phases"].as_array().unwrap().iter().find(|phase| phase["name"] == "BUILD").unwrap();
    assert_eq!(build["seconds"][1], json!({ "builds": 4, "min": 206.0, "median": 207.5, "max": 209.0 }));
    assert_eq!(value["looked_at"][0]["left_out"]["surplus"], 12);
    assert_eq!(value["warnings"], json!([]));
    let chart = world.read("out.svg");
    let document = roxmltree::Document::parse(&chart).unwrap();
    let bars = |colour: &str| {
        document
            .descendants()
            .filter(|node| node.attribute("fill") == Some(colour) && node.has_tag_name("rect"))
            .count()
    };
    // PROVISIONING, INSTALL, BUILD, FINALIZING, the whole, and the legend.
    assert_eq!((bars("#546A8F"), bars("#E07B16")), (6, 6));
    let again = world.json(&[
        "build",
        "compare",
        "web",
        "--last",
        "4",
        "--chart",
        "again.svg",
        "--prices",
        "prices.toml",
        "--json",
    ]);
    assert_eq!((again, world.read("again.svg")), (value, chart));
    assert_eq!(fs::read_dir(world.project()).unwrap().count(), 3, "something was left beside the charts");
}

/// A build of the example in docs/codebuild.md; `at` makes each a little different.
fn example(kind: &str, at: i64, [queued, provisioning, install, pre, build, post]: [i64; 6]) -> Script {
    let vary = |range: i64, shift: i64| (at * 11 + shift) % range - range / 2;
    Script::new("web")
        .phase("SUBMITTED", 0)
        .phase("QUEUED", (queued + at * 11) % 31)
        .phase("PROVISIONING", provisioning + vary(3, 1))
        .phase("DOWNLOAD_SOURCE", 4)
        .phase("INSTALL", install + vary(5, 2))
        .phase("PRE_BUILD", pre + vary(3, 0))
        .phase("BUILD", build + vary(29, 3))
        .phase("POST_BUILD", post + vary(7, 5))
        .phase("UPLOAD_ARTIFACTS", 3)
        .phase("FINALIZING", 1)
        .ends("SUCCEEDED")
        .on(kind, IMAGE, "BUILD_GENERAL1_MEDIUM")
}

#[test]
fn the_page_about_codebuild_shows_what_a_comparison_prints_and_draws() {
    let fake = CodeBuild::new();
    for at in 0..10 {
        fake.past(example("LINUX_CONTAINER", at, [3, 9, 32, 12, 234, 42]));
        fake.past(example("ARM_CONTAINER", at, [16, 10, 31, 11, 166, 34]));
    }
    // The program's own prices are of this region.
    let world = fake.world().with("AWS_REGION", "us-east-1");
    let printed = world.ok(&["build", "compare", "web", "--chart", "compare.svg"]);
    let drawn = world.read("compare.svg");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (page, chart) = (root.join("docs/codebuild.md"), root.join("docs/compare-example.svg"));
    let text = fs::read_to_string(&page).unwrap();
    let (before, rest) = text.split_once("$ toolkit build compare web --chart compare.svg\n").unwrap();
    let (shown, after) = rest.split_once("```\n").unwrap();
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        let text = format!("{before}$ toolkit build compare web --chart compare.svg\n{printed}```\n{after}");
        fs::write(&page, text).unwrap();
        fs::write(&chart, &drawn).unwrap();
        return;
    }
    assert_eq!(shown, printed, "UPDATE_SNAPSHOTS=1 cargo test --test it shows_what_a_comparison writes both anew");
    assert_eq!(fs::read_to_string(chart).unwrap(), drawn);
}

#[test]
fn two_builds_and_two_projects_are_compared_too() {
    let fake = CodeBuild::new();
    fake.project("api", "ARM_CONTAINER", IMAGE, "BUILD_GENERAL1_SMALL");
    let arm = fake.past(past("ARM_CONTAINER", [0, 5, 60]));
    let amd = fake.past(past("LINUX_CONTAINER", [0, 5, 60]));
    fake.past(Script::new("api").phase("BUILD", 75).ends("SUCCEEDED"));
    let world = with_prices(&fake, "0.005", "0.0034");
    let two = world.ok(&["build", "compare", &arn("build", &arm), &amd, "--prices", "prices.toml"]);
    assert!(two.contains("takes the same time and costs 32 % less (one build each)"), "{two}");
    let projects = world.run(&["build", "compare", "web", "api"]);
    assert!(
        projects.stdout.contains("api takes 0 % more") || projects.stdout.contains("the same time"),
        "{}",
        projects.stdout
    );
    assert!(projects.stderr.contains("warning: only one build of web"), "{}", projects.stderr);
}

#[test]
fn where_no_price_is_known_none_is_printed_and_a_file_helps() {
    let fake = CodeBuild::new();
    history(&fake);
    let world = fake.world();
    let run = world.run(&["build", "compare", "web"]);
    assert!(!run.stdout.contains('$'), "{}", run.stdout);
    assert!(run.stdout.contains("the ratio of prices is unknown"), "{}", run.stdout);
    assert!(
        run.stderr.contains("the price of ARM_CONTAINER BUILD_GENERAL1_SMALL in eu-west-1 is unknown"),
        "{}",
        run.stderr
    );
    let world = with_prices(&fake, "0.01", "0.02");
    let text = world.ok(&["build", "compare", "web", "--prices", "prices.toml"]);
    assert!(text.contains("arm64 takes 30 % less time but costs 33 % more"), "{text}");
    assert!(text.contains("our contract (2026-11)"), "{text}");
    world.write("prices.toml", "[[price]]\n");
    assert!(
        world.fails(2, &["build", "compare", "web", "--prices", "prices.toml"]).contains("is not a table of prices")
    );
}

#[test]
fn what_cannot_be_compared_is_refused_before_anything_is_asked() {
    let fake = CodeBuild::new();
    let world = fake.world();
    for (arguments, expected) in [
        (&["web", "--chart", "out.png"][..], "charts are .svg files only"),
        (&["web", "--chart", "out"], "charts are .svg files only"),
        (&["web:1"], "nothing to compare it with"),
        (&["web:1", "web"], "a build cannot be compared with a project"),
        (&["web", "web"], "both sides are the same"),
        (&["web:1", "web:2", "--branch", "main"], "two builds are compared as they are"),
        (&["arn:aws:codebuild:eu-west-1:1:build-batch/web:1", "web:2"], "is a batch"),
        (&["web", "--last", "0"], "0 is not in"),
        (&["web", "--compute", "smal"], "smal"),
        (&[], "no CodeBuild project was given"),
        (&["web", "--prices", "gone.toml"], "could not read the prices"),
    ] {
        let all: Vec<&str> = ["build", "compare"].iter().chain(arguments).copied().collect();
        let run = world.run(&all);
        assert!(matches!(run.code, Some(2 | 5)) && run.stderr.contains(expected), "{arguments:?}: {}", run.stderr);
    }
    assert!(world.fails(2, &["build", "compare", "web", "--chart", "out.png"]).contains("name it out.svg"));
    assert_eq!(fake.count("ListBuildsForProject") + fake.count("BatchGetBuilds"), 0);
}

#[test]
fn a_side_without_builds_a_denial_and_a_build_that_is_gone_say_what_to_do() {
    let fake = CodeBuild::new();
    fake.past(past("LINUX_CONTAINER", [0, 5, 60]));
    let running = fake.build(Script::succeeding("web"));
    let world = fake.world();
    let text = world.fails(2, &["build", "compare", "web", "--chart", "out.svg"]);
    assert!(text.contains("arm64 has no build to compare: looked at 2 builds of web, left out 1 running"), "{text}");
    assert!(text.contains("toolkit build start web --arch arm64"), "{text}");
    assert!(!world.project().join("out.svg").exists(), "a chart of nothing was written");
    let text = world.fails(2, &["build", "compare", &running, "web:99999999-0000-0000-0000-000000000000"]);
    assert!(text.contains("is still running") || text.contains("has no build"), "{text}");
    fake.fail("BatchGetBuilds", Failure::AccessDenied, 1);
    let text = world.fails(3, &["build", "compare", "web"]);
    assert!(text.contains("codebuild:BatchGetBuilds") && text.contains(&arn("project", "web")), "{text}");
    fake.fail("ListBuildsForProject", Failure::AccessDenied, 1);
    let text = world.fails(3, &["build", "compare", "web"]);
    assert!(text.contains("\"Action\": \"codebuild:ListBuildsForProject\""), "{text}");
}

#[test]
fn throttling_and_a_connection_that_breaks_are_waited_out() {
    let fake = CodeBuild::new();
    history(&fake);
    fake.fail("ListBuildsForProject", Failure::Throttling, 1);
    fake.fail("BatchGetBuilds", Failure::Cut, 1);
    let value: Value = fake.world().json(&["build", "compare", "web", "--json"]);
    assert_eq!(value["verdict"]["time_percent"].as_f64().unwrap().round(), -30.0);
    assert_eq!((fake.count("ListBuildsForProject"), fake.count("BatchGetBuilds")), (2, 2));
}
