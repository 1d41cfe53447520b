//! Pushes after a failed build: `post_build` runs whenever `build` ran, even if it failed.

use super::commands::short;
use super::shell::{is_work, lines, parts, place};
use super::{Context, Findings, Level, Rule, Target};
use crate::format::buildspec::{OnFailure, PhaseName};
use crate::lint::rule::rules;

rules! {
    UNGUARDED = Rule {
        id: "TK127",
        level: Level::Warning,
        target: Target::Buildspec,
        blocks: false,
        summary: "`post_build` pushes the result of a failed build",
        reason: "CodeBuild runs post_build even after a failed build \
                 (https://docs.aws.amazon.com/codebuild/latest/userguide/view-build-details.html#view-build-details-phases); \
                 guard the push with `[ \"$CODEBUILD_BUILD_SUCCEEDING\" = 1 ] || exit 1`.",
        bad: "version: 0.2\nphases:\n  build:\n    commands:\n      - docker build -t app .\n  post_build:\n    commands:\n      - docker push app\n",
        good: "version: 0.2\nphases:\n  build:\n    commands:\n      - docker build -t app .\n  post_build:\n    commands:\n      - '[ \"$CODEBUILD_BUILD_SUCCEEDING\" = 1 ] || exit 1'\n      - docker push app\n",
    };
}

const PUSHES: &[&str] = &[
    "docker push",
    "docker image push",
    "docker manifest push",
    "docker compose push",
    "docker-compose push",
    "podman push",
    "podman manifest push",
    "buildah push",
    "buildah manifest push",
    "skopeo copy",
    "crane push",
    "helm push",
    "npm publish",
    "yarn publish",
    "pnpm publish",
    "dotnet nuget push",
    "twine upload",
    "python -m twine upload",
    "cargo publish",
    "gem push",
    "mvn deploy",
    "toolkit image index",
];

/// Finds the first push that is not guarded by a check of the build's result.
pub(super) fn check(context: &Context<'_>, findings: &mut Findings) {
    let Some(post) = context.buildspec.phase(PhaseName::PostBuild) else { return };
    if !can_fail(context) {
        return;
    }
    for command in post.all_commands() {
        if command.text.contains("CODEBUILD_BUILD_SUCCEEDING") {
            return;
        }
        for line in lines(&command.text) {
            if let Some((_, part)) = parts(&line.text).into_iter().find(|(_, part)| is_push(part)) {
                let span = place(context.file.source, command, part);
                let message =
                    format!("`{}` runs even if `build` failed; check CODEBUILD_BUILD_SUCCEEDING first", short(part));
                findings.report(&UNGUARDED, span, message);
                return;
            }
        }
    }
}

/// Returns true if there is a build that can fail before `post_build` runs.
fn can_fail(context: &Context<'_>) -> bool {
    context.buildspec.phase(PhaseName::Build).is_some_and(|build| {
        let aborts = build.on_failure == Some(OnFailure::Abort);
        let works = |text: &str| lines(text).iter().any(|line| is_work(&line.text) || line.text.contains('/'));
        !aborts && build.commands.iter().any(|command| works(&command.text))
    })
}

fn is_push(part: &str) -> bool {
    let words: Vec<&str> = part.split_whitespace().skip_while(|word| *word == "sudo" || *word == "then").collect();
    let text = words.join(" ");
    let buildx = text.starts_with("docker buildx") && words.contains(&"--push");
    buildx
        || PUSHES.iter().any(|push| text == *push || text.strip_prefix(push).is_some_and(|rest| rest.starts_with(' ')))
}
