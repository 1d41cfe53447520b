//! When results leave the build: only after a successful build, and only where the push rule allows it.

use crate::format::yaml::Element;
use crate::project::pipeline::Push;
use crate::text::shell::word;

/// Stops `post_build` after a failed build, because CodeBuild runs it even then.
pub(super) fn guard() -> Element {
    Element::from("[ \"$CODEBUILD_BUILD_SUCCEEDING\" = 1 ] || exit 1")
        .comment("post_build runs even if the build failed.")
}

/// Sets `push` according to what started the build. A webhook names the branch, tag or pull request; a build started by a
/// person has no webhook, and pushes unless it builds a pull request.
pub(super) fn decision(push: &Push) -> Element {
    let main = ["main".to_owned()];
    let branches = push.branches.as_deref().unwrap_or(&main);
    let mut allowed: Vec<String> = branches.iter().map(|branch| format!("branch/{}", word(branch))).collect();
    if push.tags {
        allowed.push("tag/*".to_owned());
    }
    let pull_requests = "pr/* | manual/pr/* | manual/refs/pull/*";
    let of_pull_requests = if push.merge_requests { "yes" } else { "no" };
    allowed.push("manual/*".to_owned());
    let text = format!(
        "case \"${{CODEBUILD_WEBHOOK_TRIGGER:-manual/${{CODEBUILD_SOURCE_VERSION:-}}}}\" in\n  \
         {pull_requests}) push={of_pull_requests} ;;\n  {}) push=yes ;;\n  *) push=no ;;\nesac",
        allowed.join(" | ")
    );
    let comment =
        "Which builds push: see `[pipeline.push]` in toolkit.toml. `manual` means that no webhook started the build.";
    Element::from(text).comment(comment)
}

/// Runs a command where the rule allows it; the exit status is the command's.
pub(super) fn when_pushed(command: &str) -> String {
    format!("if [ \"$push\" = yes ]; then\n{}\nfi", indented(command))
}

/// Indents a command of one line. Several lines stay as they are: a here-document or a quoted line end would change.
fn indented(command: &str) -> String {
    if command.contains("\n") { command.to_owned() } else { format!("  {command}") }
}
