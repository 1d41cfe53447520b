//! The shell: what lives on from command to command, and what a command may do to it.

use super::{Case, case, check};

#[test]
fn one_shell_runs_all_commands_of_version_0_2() {
    check(&[
        case("phases: {build: {commands: ['cd /', 'echo \":$PWD\"']}}", 0, "BUILD :/ UPLOAD"),
        case(
            "phases: {install: {commands: ['cd /']}, build: {commands: ['echo \":$PWD\"']}}",
            0,
            "INSTALL BUILD :/ UPLOAD",
        ),
        case("phases: {build: {commands: ['A=1', 'echo \":$A\"']}}", 0, "BUILD :1 UPLOAD"),
        case(
            "phases: {pre_build: {commands: ['A=1']}, post_build: {commands: ['echo \":$A\"']}}",
            0,
            "PRE_BUILD POST_BUILD :1 UPLOAD",
        ),
        case("phases: {build: {commands: ['export A=1', \"sh -c 'echo :$A'\"]}}", 0, "BUILD :1 UPLOAD"),
        case("phases: {build: {commands: ['f() { echo \":f $1\"; }', 'f x']}}", 0, "BUILD :f x UPLOAD"),
        case("phases: {build: {commands: ['set -- a b', 'echo \":$2\"']}}", 0, "BUILD :b UPLOAD"),
        case("phases: {build: {commands: ['(exit 3) || A=$?', 'echo \":$A\"']}}", 0, "BUILD :3 UPLOAD"),
        case("phases: {build: {commands: ['sleep 0 &', 'wait', 'echo :done']}}", 0, "BUILD :done UPLOAD"),
        case("phases: {build: {commands: ['true', 'echo \":$CODEBUILD_LAST_EXIT\"']}}", 0, "BUILD :0 UPLOAD"),
    ]);
}

#[test]
fn a_command_that_ends_the_shell_ends_the_phase_and_no_more() {
    check(&[
        case(
            "phases: {build: {commands: ['cd /; A=1', 'exit 4', 'echo :no'], finally: ['echo \":$PWD $A $CODEBUILD_LAST_EXIT\"']}}",
            1,
            "BUILD :/ 1 4 BUILD! UPLOAD",
        ),
        case("phases: {build: {commands: ['exit 0', 'echo :on']}}", 0, "BUILD :on UPLOAD"),
        case("phases: {build: {commands: ['A=1', 'exit 0', 'echo \":$A\"']}}", 0, "BUILD :1 UPLOAD"),
        case(
            "phases: {build: {commands: ['set -e', 'false; echo :no', 'echo :no']}, post_build: {commands: ['echo :p']}}",
            1,
            "BUILD BUILD! POST_BUILD :p UPLOAD",
        ),
        case("phases: {build: {commands: ['set -u', 'echo \":$UNSET_AND_NOWHERE\"']}}", 1, "BUILD BUILD! UPLOAD"),
        case(
            "phases: {build: {commands: ['if then']}, post_build: {commands: ['echo :p']}}",
            1,
            "BUILD BUILD! POST_BUILD :p UPLOAD",
        ),
        case(
            "phases: {build: {commands: ['kill -9 $$']}, post_build: {commands: ['echo :p']}}",
            1,
            "BUILD BUILD! POST_BUILD :p UPLOAD",
        ),
        case(
            "phases: {build: {commands: ['exec false']}, post_build: {commands: ['echo :p']}}",
            1,
            "BUILD BUILD! POST_BUILD :p UPLOAD",
        ),
        case("phases: {build: {commands: ['exec >/dev/null', 'echo :unheard']}}", 0, "BUILD UPLOAD"),
    ]);
}

#[test]
fn commands_reach_the_shell_as_they_are_written() {
    check(&[
        case(
            "phases: {build: {commands: [\"echo \\\":it's a \\\\\\\"test\\\\\\\"\\\"\"]}}",
            0,
            "BUILD :it's a \"test\" UPLOAD",
        ),
        case("phases:\n  build:\n    commands:\n      - echo ':a  \"b\" '\"'c'\"\n", 0, "BUILD :a  \"b\" 'c' UPLOAD"),
        case(
            "phases:\n  build:\n    commands:\n      - sh -c \"sh -c 'echo \\\":deep\\\"'\"\n",
            0,
            "BUILD :deep UPLOAD",
        ),
        case(
            "phases:\n  build:\n    commands:\n      - |\n        A=1\n        if [ $A = 1 ]; then\n          echo :one\n        fi\n        echo :two\n",
            0,
            "BUILD :one :two UPLOAD",
        ),
        case(
            "phases:\n  build:\n    commands:\n      - |\n        false\n        echo :last status counts\n",
            0,
            "BUILD :last status counts UPLOAD",
        ),
        case(
            "phases:\n  build:\n    commands:\n      - |\n        set -e\n        false\n        echo :no\n",
            1,
            "BUILD BUILD! UPLOAD",
        ),
        case(
            "phases:\n  build:\n    commands:\n      - >-\n        echo :folded\n        into one\n",
            0,
            "BUILD :folded into one UPLOAD",
        ),
        case(
            "phases:\n  build:\n    commands:\n      - |\n        sed s/^/:/ <<'X'\n        $here \\ doc\n        X\n",
            0,
            "BUILD :$here \\ doc UPLOAD",
        ),
        case("phases: {build: {commands: ['echo :a; echo :b && echo :c || echo :no']}}", 0, "BUILD :a :b :c UPLOAD"),
        case("phases: {build: {commands: ['false | true', 'echo :on']}}", 0, "BUILD :on UPLOAD"),
        case("phases: {build: {commands: ['echo :to stderr >&2']}}", 0, "BUILD :to stderr UPLOAD"),
        case("phases: {build: {commands: ['cat', 'echo :no input']}}", 0, "BUILD :no input UPLOAD"),
        case(
            "phases: {build: {commands: ['printf \":no line break\"', 'echo :next']}}",
            0,
            "BUILD :no line break :next UPLOAD",
        ),
        case("phases: {build: {commands: ['echo :a # a remark']}}", 0, "BUILD :a UPLOAD"),
        case("phases: {build: {commands: 'echo :one text'}}", 0, "BUILD :one text UPLOAD"),
    ]);
}

#[test]
fn version_0_1_runs_every_command_in_a_shell_of_its_own() {
    check(&[
        case(
            "version: 0.1\nphases: {build: {commands: ['cd /', 'test \"$PWD\" = \"$CODEBUILD_SRC_DIR\" && echo :back']}}",
            0,
            "BUILD :back UPLOAD",
        ),
        case(
            "version: 0.1\nphases: {build: {commands: ['export A=1', 'echo \":${A:-none}\"']}}",
            0,
            "BUILD :none UPLOAD",
        ),
        case(
            "version: 0.1\nphases: {build: {commands: ['touch here', 'test -f here && echo :files stay']}}",
            0,
            "BUILD :files stay UPLOAD",
        ),
        case(
            "version: 0.1\nenvironment_variables: {plaintext: {A: '1'}}\nphases: {build: {commands: ['echo \":$A\"']}}",
            0,
            "BUILD :1 UPLOAD",
        ),
        case(
            "version: 0.1\nphases: {build: {commands: ['false', 'echo :no']}, post_build: {commands: ['echo :p']}}",
            1,
            "BUILD BUILD! POST_BUILD :p UPLOAD",
        ),
    ]);
}

#[test]
fn env_shell_chooses_the_shell() {
    check(&[
        case(
            "env: {shell: bash}\nphases: {build: {commands: ['[[ 1 == 1 ]] && echo \":${BASH_VERSION:+bash}\"', 'A=(x y)', 'echo \":${A[1]}\"']}}",
            0,
            "BUILD :bash :y UPLOAD",
        ),
        case("env: {shell: /bin/sh}\nphases: {build: {commands: ['echo \":$(( 1 + 1 ))\"']}}", 0, "BUILD :2 UPLOAD"),
        case(
            "env: {shell: bash}\nphases: {build: {commands: ['set -o pipefail', 'false | true', 'echo :no'], finally: ['echo :f']}}",
            1,
            "BUILD :f BUILD! UPLOAD",
        ),
        case("env: {shell: powershell.exe}\nphases: {build: {commands: ['echo :no']}}", 2, ""),
        Case {
            arguments: &["--dry-run"],
            ..case("env: {shell: cmd.exe}\nphases: {build: {commands: ['echo :no']}}", 2, "")
        },
    ]);
}

#[test]
fn run_as_chooses_the_user_where_root_runs_the_build() {
    const SPEC: &str = "run-as: nobody\nphases: {install: {run-as: root, commands: ['A=1; cd /']}, build: {commands: ['echo \":$(id -un) $A $PWD\"; B=2', 'echo x > \"$CODEBUILD_SRC_DIR/x\" || echo :read-only', 'test -r \"$CODEBUILD_SRC_DIR/buildspec.yml\" && echo :readable', 'exit 1']}, post_build: {run-as: root, commands: ['echo \":$(id -un) $B\"']}}";
    if !rustix::process::geteuid().is_root() {
        let run = super::Place::new(SPEC).run(&[]);
        assert!(run.stdout.contains("`run-as: nobody`, `run-as: root` is ignored"), "{}", run.stdout);
        eprintln!("SKIPPED: who is not root cannot run commands as another user");
        return;
    }
    check(&[
        case(SPEC, 1, "INSTALL BUILD :nobody 1 / :read-only :readable BUILD! POST_BUILD :root 2 UPLOAD"),
        case("run-as: nobody-at-all\nphases: {build: {commands: ['echo :no']}}", 2, ""),
    ]);
}

#[test]
fn a_build_as_another_user_is_hidden_from_all_the_others() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("SKIPPED: who is not root cannot run commands as another user");
        return;
    }
    const MODES: &str = "stat -c %a:%U \"$CODEBUILD_SRC_DIR/..\" \"$CODEBUILD_SRC_DIR/../tmp\" | tr '\\n' ' '";
    let spec = format!(
        "run-as: nobody\nphases: {{build: {{commands: ['echo \":$({})\"']}}, \
         post_build: {{run-as: root, commands: ['echo \":$({})\"']}}}}",
        MODES.replace('\'', "''"),
        MODES.replace('\'', "''")
    );
    let place = super::Place::new(&spec);
    let run = place.run(&[]);
    let said: Vec<&str> = run.stdout.lines().filter(|line| line.starts_with(':')).map(str::trim).collect();
    assert_eq!(said, [":710:root 700:nobody", ":710:root 700:root"], "{}", run.stdout);
}
