//! Batches: their builds as they start, what is ignored, what is retried.

use super::*;

fn building(line: &str) -> Script {
    Script::new("web").before_build().phase("BUILD", 5).line(line)
}

#[test]
fn a_batch_is_followed_with_its_builds_in_order_of_what_they_wait_for() {
    let fake = CodeBuild::new();
    let batch = BatchScript::new("web")
        .group("amd64", &[], building("from amd64\n").ends("SUCCEEDED"))
        .retried(
            "arm64",
            &[],
            vec![building("try one\n").fails("X", "no").ends("FAILED"), building("try two\n").ends("SUCCEEDED")],
        )
        .ignored("docs", &[], building("from docs\n").fails("X", "no").ends("FAILED"))
        .group("index", &["amd64", "arm64"], building("from index\n").ends("SUCCEEDED"));
    let id = fake.batch(batch);
    let run = follow(&fake, &[&id]);
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    for line in ["[amd64] from amd64", "] try one", "] try two", "[docs amd64] from docs", "[index amd64] from index"] {
        assert_eq!(run.stdout.lines().filter(|text| text.ends_with(line)).count(), 1, "{line}: {}", run.stdout);
    }
    let at = |line: &str| run.stdout.find(line).unwrap();
    assert!(at("from amd64") < at("from index") && at("try two") < at("from index"));
    for said in [", which its batch ignores", "FAILED, retried", "FAILED, ignored", "batch web:"] {
        assert!(run.stderr.contains(said), "{said}: {}", run.stderr);
    }
}

#[test]
fn a_batch_that_fails_shows_what_never_started() {
    let fake = CodeBuild::new();
    let batch = BatchScript::new("web")
        .group("amd64", &[], building("from amd64\n").fails("COMMAND_EXECUTION_ERROR", "exit status 1").ends("FAILED"))
        .group("index", &["amd64"], building("never\n").ends("SUCCEEDED"));
    let id = fake.batch(batch);
    let run = follow(&fake, &[&arn("build-batch", &id)]);
    assert_eq!(run.code, Some(1), "{}{}", run.stdout, run.stderr);
    assert!(
        run.stderr.contains("index      not started") || run.stderr.contains("index  not started"),
        "{}",
        run.stderr
    );
    assert!(!run.stdout.contains("never"));
    let events = follow(&fake, &[&id, "--json"]);
    assert_eq!(events.stdout.matches("\"event\":\"group\"").count(), 2, "{}", events.stdout);
    assert!(events.stdout.contains("\"event\":\"batch-over\""));
}

#[test]
fn a_batch_without_builds_says_why() {
    let fake = CodeBuild::new();
    let message = "stat /codebuild/output/src1/src/buildspec.yml: no such file or directory";
    let id = fake.batch(BatchScript::new("web").broken("YAML_FILE_ERROR", message));
    let run = follow(&fake, &[&id]);
    assert_eq!(run.code, Some(1), "{}{}", run.stdout, run.stderr);
    assert!(run.stderr.contains("phase DOWNLOAD_BATCHSPEC failed"), "{}", run.stderr);
    assert!(run.stderr.contains("the buildspec is not in the source at this path"), "{}", run.stderr);
}
