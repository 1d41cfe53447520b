//! Variables, exported ones, secrets.

use super::{Case, Place, case, check, trace};

#[test]
fn variables_are_literal_and_the_command_line_goes_first() {
    check(&[
        case(
            "env: {variables: {A: 'x $HOME \"y\"', N: 3}}\nphases: {build: {commands: ['echo \":$A $N\"']}}",
            0,
            "BUILD :x $HOME \"y\" 3 UPLOAD",
        ),
        Case {
            arguments: &["--env", "A=2=3", "--env", "B="],
            ..case(
                "env: {variables: {A: 1, B: 1}}\nphases: {build: {commands: ['echo \":$A,$B\"']}}",
                0,
                "BUILD :2=3, UPLOAD",
            )
        },
        case(
            "phases: {build: {commands: ['test \"$PWD\" = \"$CODEBUILD_SRC_DIR\" && echo \":$CODEBUILD_BUILD_SUCCEEDING $CODEBUILD_CI $CODEBUILD_BUILD_NUMBER\"']}}",
            0,
            "BUILD :1 true 1 UPLOAD",
        ),
        case(
            "phases: {build: {commands: ['case $CODEBUILD_BUILD_ID in local:*) echo :id ;; esac; test ${#CODEBUILD_START_TIME} -ge 13 && echo :time']}}",
            0,
            "BUILD :id :time UPLOAD",
        ),
        Case {
            arguments: &["--env", "CODEBUILD_WEBHOOK_TRIGGER=pr/1"],
            ..case("phases: {build: {commands: ['echo \":$CODEBUILD_WEBHOOK_TRIGGER\"']}}", 0, "BUILD :pr/1 UPLOAD")
        },
    ]);
}

#[test]
fn exported_variables_are_those_of_the_end() {
    let place = Place::new(
        "env: {exported-variables: [TAG, LINES, SET_TWICE, NEVER, AWS_KEY]}\nphases: {build: {commands: ['TAG=v1', \"LINES='a'\\\"'\\\"'\n\nb'\", 'export SET_TWICE=1 AWS_KEY=x', 'false']}, post_build: {commands: ['SET_TWICE=2']}}",
    );
    let run = place.run(&["--json"]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    let result: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(result["exportedVariables"], serde_json::json!({ "TAG": "v1", "LINES": "a'\nb", "SET_TWICE": "2" }));
    for said in ["AWS_KEY cannot be exported", "NEVER should be exported, but is not set"] {
        assert!(run.stderr.contains(said), "{}", run.stderr);
    }
    let phases: Vec<_> = result["phases"]
        .as_array()
        .unwrap()
        .iter()
        .map(|phase| format!("{} {}", phase["phaseType"].as_str().unwrap(), phase["phaseStatus"].as_str().unwrap()))
        .collect();
    let expected = [
        "INSTALL SUCCEEDED",
        "PRE_BUILD SUCCEEDED",
        "BUILD FAILED",
        "POST_BUILD SUCCEEDED",
        "UPLOAD_ARTIFACTS SUCCEEDED",
    ];
    assert_eq!(phases, expected);
    assert_eq!(result["buildStatus"], "FAILED");
    let context = &result["phases"][2]["context"];
    assert_eq!(context["statusCode"], "COMMAND_EXECUTION_ERROR");
    assert_eq!(context["message"], "Error while executing command: false. Reason: exit status 1");
    assert!(trace(&run.stderr).starts_with("BUILD BUILD! POST_BUILD"), "with --json the log is on standard error");
}

#[test]
fn secrets_come_from_a_file_or_the_environment_and_are_hidden_in_the_log() {
    const SPEC: &str = "env: {parameter-store: {TOKEN: /shop/token}, secrets-manager: {PASSWORD: 'shop/db:password'}}\nphases: {build: {commands: ['echo \":$TOKEN $PASSWORD\"', 'printf %s \"$PASSWORD\" > $HOME/seen']}}";
    let place = Place::new(SPEC);
    let run = place.run(&[]);
    assert_eq!(run.code, Some(2));
    assert!(run.stderr.contains("no value is set for TOKEN and PASSWORD"), "{}", run.stderr);
    assert!(run.stderr.contains("--secrets FILE") && run.stdout.is_empty(), "{}", run.stdout);
    place.world.write("../secrets", "TOKEN=from-file\nPASSWORD='p$ss word'\n");
    let place = Place { world: place.world.with("TOKEN", "from-environment"), ..place };
    let run = place.run(&["--secrets", "../secrets"]);
    assert_eq!((run.code, trace(&run.stdout).as_str()), (Some(0), "BUILD :*** *** UPLOAD"), "{}", run.stderr);
    assert_eq!(std::fs::read_to_string(place.world.home().join("seen")).unwrap(), "p$ss word");
    let run = place.run(&["--env", "PASSWORD=typed-in"]);
    assert_eq!(trace(&run.stdout), "BUILD :*** *** UPLOAD");
    assert_eq!(std::fs::read_to_string(place.world.home().join("seen")).unwrap(), "typed-in");
    assert!(!run.stdout.contains("from-environment") && !run.stdout.contains("typed-in"));
    place.is_clean();
}

#[test]
fn the_commit_is_known_as_the_resolved_source_version() {
    let place = Place::new(
        "phases: {build: {commands: ['echo \":$CODEBUILD_RESOLVED_SOURCE_VERSION\"', 'test -d .git && echo :copied']}}",
    );
    let commit = "0123456789abcdef0123456789abcdef01234567";
    place.world.write(".git/HEAD", "ref: refs/heads/main\n");
    place.world.write(".git/refs/heads/main", &format!("{commit}\n"));
    assert_eq!(trace(&place.run(&[]).stdout), format!("BUILD :{commit} :copied UPLOAD"));
}

#[test]
fn secrets_are_hidden_in_the_result_and_in_lines_that_are_split() {
    const SPEC: &str = "env: {parameter-store: {TOKEN: /shop/token}, exported-variables: [TOKEN, COPY]}\nphases: {build: {commands: ['COPY=pre-$TOKEN', 'printf %065530d%s 0 $TOKEN', 'echo x > out-$TOKEN', 'false $TOKEN']}, post_build: {commands: ['true']}}\nartifacts: {files: ['out-*'], name: 'a-$TOKEN'}";
    let place = Place::new(SPEC);
    let place = Place { world: place.world.with("TOKEN", "hunter2secret"), ..place };
    let run = place.run(&["--json"]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    for text in [&run.stdout, &run.stderr] {
        assert!(!text.contains("hunter2secret") && !text.contains("hunter") && !text.contains("2secret"), "{text}");
    }
    let result: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(result["exportedVariables"], serde_json::json!({ "COPY": "pre-***", "TOKEN": "***" }));
    assert_eq!(
        result["artifacts"][0],
        serde_json::json!({ "identifier": null, "name": "a-***", "files": ["out-***"] })
    );
}
