//! When something leaves the build: only after a build that holds, and only where the push rule allows.

use crate::format::yaml::Element;
use crate::generate::shell::word;
use crate::project::pipeline::Push;

/// Stops `post_build` after a failed build: CodeBuild runs it then too.
pub(super) fn guard() -> Element {
    Element::from("[ \"$CODEBUILD_BUILD_SUCCEEDING\" = 1 ] || exit 1")
        .comment("post_build also runs when the build failed.")
}

/// Sets `push` by what started the build. A webhook names the branch, tag or pull request; a build that a person started
/// has no webhook, and pushes unless it builds a pull request.
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
    let comment = "What may push: see `[pipeline.push]` in toolkit.toml. `manual` is a build that no webhook started.";
    Element::from(text).comment(comment)
}

/// Runs a command where the rule allows; its status is the whole's.
pub(super) fn when_pushed(command: &str) -> String {
    format!("if [ \"$push\" = yes ]; then\n{}\nfi", indented(command))
}

/// Indents lines, but none of a text that a here-document or a quoted line end would feel: those with several lines.
fn indented(command: &str) -> String {
    if command.contains("\n") { command.to_owned() } else { format!("  {command}") }
}
