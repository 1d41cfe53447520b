//! The order of phases, and what runs after a failure.

use super::{case, check};

#[test]
fn phases_run_in_their_order_and_a_failure_ends_what_the_guide_says() {
    check(&[
        case(
            "phases: {post_build: {commands: ['echo :d']}, build: {commands: ['echo :c']}, install: {commands: ['echo :a']}, pre_build: {commands: ['echo :b']}}",
            0,
            "INSTALL :a PRE_BUILD :b BUILD :c POST_BUILD :d UPLOAD",
        ),
        case("phases: {build: {commands: ['echo :c']}}", 0, "BUILD :c UPLOAD"),
        case(
            "phases: {install: {commands: [false, 'echo :no']}, build: {commands: ['echo :no']}}",
            1,
            "INSTALL INSTALL!",
        ),
        case(
            "phases: {pre_build: {commands: ['exit 3']}, build: {commands: ['echo :no']}, post_build: {commands: ['echo :no']}}",
            1,
            "PRE_BUILD PRE_BUILD!",
        ),
        case(
            "phases: {build: {commands: ['echo :1', 'false', 'echo :no']}, post_build: {commands: ['echo :2']}}",
            1,
            "BUILD :1 BUILD! POST_BUILD :2 UPLOAD",
        ),
        case(
            "phases: {build: {commands: ['true']}, post_build: {commands: ['false', 'echo :no']}}",
            1,
            "BUILD POST_BUILD POST_BUILD! UPLOAD",
        ),
        case(
            "phases: {build: {commands: ['false']}, post_build: {commands: ['false']}}",
            1,
            "BUILD BUILD! POST_BUILD POST_BUILD! UPLOAD",
        ),
        case(
            "phases: {build: {commands: ['false']}, post_build: {commands: ['[ \"$CODEBUILD_BUILD_SUCCEEDING\" = 1 ] || exit 1', 'echo :no']}}",
            1,
            "BUILD BUILD! POST_BUILD POST_BUILD! UPLOAD",
        ),
        case(
            "phases: {build: {commands: ['true']}, post_build: {commands: ['[ \"$CODEBUILD_BUILD_SUCCEEDING\" = 1 ] || exit 1', 'echo :yes']}}",
            0,
            "BUILD POST_BUILD :yes UPLOAD",
        ),
        case("phases: {build: {commands: ['absent-command']}}", 1, "BUILD BUILD! UPLOAD"),
    ]);
}

#[test]
fn finally_runs_in_any_case_and_can_fail_the_phase() {
    check(&[
        case("phases: {build: {commands: ['echo :1'], finally: ['echo :2', 'echo :3']}}", 0, "BUILD :1 :2 :3 UPLOAD"),
        case("phases: {build: {commands: ['false', 'echo :no'], finally: ['echo :2']}}", 1, "BUILD :2 BUILD! UPLOAD"),
        case(
            "phases: {install: {commands: ['exit 1'], finally: ['echo :2']}, build: {commands: ['echo :no']}}",
            1,
            "INSTALL :2 INSTALL!",
        ),
        case(
            "phases: {install: {commands: ['true'], finally: ['false', 'echo :no']}, build: {commands: ['echo :no']}}",
            1,
            "INSTALL INSTALL!",
        ),
        case(
            "phases: {build: {commands: ['true'], finally: ['false']}, post_build: {commands: ['echo :$CODEBUILD_BUILD_SUCCEEDING']}}",
            1,
            "BUILD BUILD! POST_BUILD :0 UPLOAD",
        ),
        case(
            "phases: {build: {commands: ['false'], finally: ['echo :$CODEBUILD_BUILD_SUCCEEDING']}}",
            1,
            "BUILD :0 BUILD! UPLOAD",
        ),
    ]);
}

#[test]
fn on_failure_continues_or_ends_the_build() {
    check(&[
        case(
            "phases: {install: {on-failure: CONTINUE, commands: ['false']}, build: {commands: ['echo :$CODEBUILD_BUILD_SUCCEEDING']}}",
            1,
            "INSTALL INSTALL! BUILD :0 UPLOAD",
        ),
        case(
            "phases: {pre_build: {on-failure: continue, commands: ['false', 'echo :no'], finally: ['echo :f']}, build: {commands: ['echo :c']}, post_build: {commands: ['echo :d']}}",
            1,
            "PRE_BUILD :f PRE_BUILD! BUILD :c POST_BUILD :d UPLOAD",
        ),
        case(
            "phases: {build: {on-failure: CONTINUE, commands: ['false']}, post_build: {commands: ['echo :d']}}",
            1,
            "BUILD BUILD! POST_BUILD :d UPLOAD",
        ),
        case(
            "phases: {install: {on-failure: ABORT, commands: ['false']}, build: {commands: ['echo :no']}}",
            1,
            "INSTALL INSTALL!",
        ),
        case(
            "phases: {build: {on-failure: ABORT, commands: ['false']}, post_build: {commands: ['echo :no']}}",
            1,
            "BUILD BUILD! UPLOAD",
        ),
        case(
            "phases: {build: {on-failure: ABORT, commands: ['true']}, post_build: {commands: ['echo :d']}}",
            0,
            "BUILD POST_BUILD :d UPLOAD",
        ),
        case("phases: {post_build: {on-failure: ABORT, commands: ['false']}}", 1, "POST_BUILD POST_BUILD! UPLOAD"),
    ]);
}

#[test]
fn retries_begin_the_build_again_while_there_are_some_and_the_failure_matches() {
    check(&[
        // It fails twice, then succeeds.
        case(
            "phases: {install: {commands: ['echo :i']}, build: {on-failure: RETRY-2, commands: ['echo x >> n; echo \":$(wc -l < n | tr -d \" \")\"', '[ $(wc -l < n) -ge 3 ]']}}",
            0,
            "INSTALL :i BUILD :1 BUILD! INSTALL :i BUILD :2 BUILD! INSTALL :i BUILD :3 UPLOAD",
        ),
        case(
            "phases: {build: {on-failure: RETRY-2, commands: ['echo :x', 'false']}, post_build: {commands: ['echo :p']}}",
            1,
            "BUILD :x BUILD! BUILD :x BUILD! BUILD :x BUILD! POST_BUILD :p UPLOAD",
        ),
        case("phases: {install: {on-failure: RETRY-1, commands: ['false']}}", 1, "INSTALL INSTALL! INSTALL INSTALL!"),
        case(
            "phases: {install: {on-failure: RETRY, commands: ['false']}}",
            1,
            "INSTALL INSTALL! INSTALL INSTALL! INSTALL INSTALL! INSTALL INSTALL!",
        ),
        case("phases: {install: {on-failure: RETRY-0, commands: ['false']}}", 1, "INSTALL INSTALL!"),
        case("phases: {install: {on-failure: RETRY-2, commands: ['true']}}", 0, "INSTALL UPLOAD"),
        case(
            "phases: {install: {on-failure: 'RETRY-1-exit status 7', commands: ['exit 7']}}",
            1,
            "INSTALL INSTALL! INSTALL INSTALL!",
        ),
        case("phases: {install: {on-failure: 'RETRY-1-exit status 7', commands: ['exit 8']}}", 1, "INSTALL INSTALL!"),
        case(
            "phases: {install: {on-failure: 'RETRY-1-.*time.?out.*', commands: ['sh ./flaky']}}",
            1,
            "INSTALL INSTALL!",
        ),
        case(
            "phases: {install: {on-failure: 'RETRY-1-.*time.?out.*', commands: ['printf \"connection time%s\\n\" out; false']}}",
            1,
            "INSTALL INSTALL! INSTALL INSTALL!",
        ),
        // A retry has a new shell: what the failed attempt set is gone.
        case(
            "phases: {build: {on-failure: RETRY-1, commands: ['echo \":${A:-none} $CODEBUILD_BUILD_SUCCEEDING\"', 'A=1; cd /', '[ -e \"$CODEBUILD_SRC_DIR/again\" ] || { touch \"$CODEBUILD_SRC_DIR/again\"; false; }']}}",
            0,
            "BUILD :none 1 BUILD! BUILD :none 1 UPLOAD",
        ),
    ]);
}

#[test]
fn only_the_phases_that_were_asked_for_run() {
    const SPEC: &str = "phases: {install: {commands: ['echo :a']}, build: {commands: ['echo :b']}, post_build: {commands: ['echo :c']}}\nartifacts: {files: [none]}";
    check(&[
        super::Case { arguments: &["--phase", "build"], ..case(SPEC, 0, "BUILD :b") },
        super::Case {
            arguments: &["--phase", "post_build", "--phase", "install"],
            ..case(SPEC, 0, "INSTALL :a POST_BUILD :c")
        },
    ]);
}
