//! Batches: builds in the order in which they wait for each other.

use super::{Place, trace};

const GRAPH: &str = "\
batch:
  build-graph:
    - {identifier: last, depend-on: [one, two], env: {variables: {WHO: last}}}
    - {identifier: one, ignore-failure: IGNORE, env: {type: ARM_CONTAINER, variables: {WHO: one}}}
    - {identifier: two, buildspec: other.yml, depend-on: [one]}
env: {variables: {WHO: nobody}}
phases: {build: {commands: ['echo \":$WHO $CODEBUILD_BATCH_BUILD_IDENTIFIER\"', 'test \"$WHO\" != \"$FAIL\"']}}
artifacts: {files: [buildspec.yml]}
";

fn place(ignore: &str) -> Place {
    let place = Place::new(&GRAPH.replace("IGNORE", ignore));
    place.world.write(
        "other.yml",
        "version: 0.2\nphases: {build: {commands: ['echo \":other $CODEBUILD_BATCH_BUILD_IDENTIFIER\"']}}\n",
    );
    place
}

fn plain(log: &str) -> String {
    trace(
        &log.lines()
            .map(|line| line.trim_start_matches("[one] ").trim_start_matches("[two] ").trim_start_matches("[last] "))
            .collect::<Vec<_>>()
            .join("\n"),
    )
}

#[test]
fn builds_run_behind_those_that_they_wait_for() {
    let place = place("false");
    let run = place.run(&["--artifacts", "../out"]);
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    assert_eq!(plain(&run.stdout), "BUILD :one one UPLOAD BUILD :other two UPLOAD BUILD :last last UPLOAD");
    assert!(
        run.stdout.contains("[one] [Container] ") && run.stdout.contains("would run this build on ARM_CONTAINER"),
        "{}",
        run.stdout
    );
    assert!(place.world.project().join("../out/last/buildspec.yml").exists());
    let run = place.run(&["--only", "two"]);
    assert_eq!((run.code, plain(&run.stdout).as_str()), (Some(0), "BUILD :other two UPLOAD"));
    let run = place.run(&["--no-batch"]);
    assert_eq!((run.code, trace(&run.stdout).as_str()), (Some(0), "BUILD :nobody  UPLOAD"));
    assert!(
        place.run(&["--only", "three"]).stderr.contains("the batch has no build `three`; it has one, two and last")
    );
    place.is_clean();
}

#[test]
fn a_failure_keeps_back_what_waits_for_it_unless_it_is_ignored() {
    let run = place("false").run(&["--env", "FAIL=one", "--json"]);
    assert_eq!(run.code, Some(1));
    let result: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let statuses: Vec<_> =
        result["builds"].as_array().unwrap().iter().map(|build| build["buildStatus"].as_str().unwrap()).collect();
    assert_eq!((statuses, result["buildBatchStatus"].as_str()), (vec!["FAILED", "SKIPPED", "SKIPPED"], Some("FAILED")));
    let run = place("true").run(&["--env", "FAIL=one"]);
    assert_eq!(run.code, Some(0), "{}", run.stdout);
    assert_eq!(plain(&run.stdout), "BUILD :one one BUILD! UPLOAD BUILD :other two UPLOAD BUILD :last last UPLOAD");
    assert!(run.stderr.contains("build one: FAILED in") && run.stderr.contains(", ignored"), "{}", run.stderr);
}

#[test]
fn lists_matrices_and_fanouts_are_run_one_by_one() {
    for (batch, arguments, code, expected) in [
        ("{build-list: [{identifier: a}, {identifier: b, env: {variables: {X: 2}}}]}", &[][..], 0, ":a 1 :b 2"),
        ("{build-list: [{identifier: a}, {identifier: b}], fast-fail: true}", &["--env", "FAIL=a"], 1, ":a 1"),
        ("{build-list: [{identifier: a}, {identifier: b}], fast-fail: false}", &["--env", "FAIL=a"], 1, ":a 1 :b 1"),
        (
            "{build-matrix: {static: {ignore-failure: false, env: {variables: {Y: s}}}, dynamic: {env: {variables: {X: [3, 4], Z: [u, v]}}}}}",
            &[],
            0,
            ":build_1 3 :build_2 3 :build_3 4 :build_4 4",
        ),
        ("{build-fanout: {parallelism: 2}}", &[], 0, ":part_1 1 :part_2 1"),
    ] {
        let place = Place::new(&format!(
            "batch: {batch}\nenv: {{variables: {{X: 1}}}}\nphases: {{build: {{commands: ['echo \":$CODEBUILD_BATCH_BUILD_IDENTIFIER $X\"', 'test \"$CODEBUILD_BATCH_BUILD_IDENTIFIER\" != \"$FAIL\"']}}}}"
        ));
        let run = place.run(arguments);
        let said: Vec<_> =
            run.stdout.lines().filter_map(|line| line.split_once("] :")).map(|(_, said)| format!(":{said}")).collect();
        assert_eq!(
            (run.code, said.join(" ").as_str()),
            (Some(code), expected),
            "{batch}: {}{}",
            run.stdout,
            run.stderr
        );
    }
}

/// A matrix of variables with so many values each.
fn matrix(lengths: &[usize]) -> String {
    let list = |length: &usize| (0..*length).map(|value| value.to_string()).collect::<Vec<_>>().join(", ");
    let variables: Vec<_> =
        lengths.iter().enumerate().map(|(at, length)| format!("V{at}: [{}]", list(length))).collect();
    format!("{{build-matrix: {{dynamic: {{env: {{variables: {{{}}}}}}}}}}}", variables.join(", "))
}

#[test]
fn batches_that_can_never_end_run_nothing() {
    let (bomb, more, barely) = (matrix(&[60; 5]), matrix(&[60; 40]), matrix(&[51, 2]));
    for (batch, said) in [
        (
            "{build-graph: [{identifier: a, depend-on: [b]}, {identifier: b, depend-on: [a]}]}",
            "the build `a` can never start: it waits for b",
        ),
        ("{build-graph: [{identifier: a, depend-on: [c]}]}", "waits for c"),
        (bomb.as_str(), "777600000 builds, and CodeBuild allows 100"),
        (&more, "far too many builds, and CodeBuild allows 100"),
        (&barely, "102 builds"),
        ("{build-fanout: {parallelism: 4000000000}}", "4000000000 builds"),
        ("{build-list: [{identifier: a}, {identifier: a}]}", "two builds of the batch have the identifier `a`"),
        ("{build-list: [{identifier: a}], build-fanout: {parallelism: 2}}", "in 2 ways"),
    ] {
        let place = Place::new(&format!("batch: {batch}\nphases: {{build: {{commands: ['echo :no']}}}}"));
        let run = place.run(&[]);
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{batch}: {}", run.stderr);
        assert!(run.stderr.contains(said), "{batch}: {}", run.stderr);
    }
}
