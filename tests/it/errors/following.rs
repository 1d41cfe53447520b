//! What cannot be followed.

use toolkit::aws::{Need, Refusal, Service, classify};
use toolkit::codebuild::follow::Error;

use super::examples::{Section, section, text};

pub fn sections() -> Vec<Section> {
    let unknown =
        |ids: &[&str]| Error::UnknownBuilds { ids: ids.iter().map(|id| text(id)).collect(), region: text("eu-west-1") };
    let need = Need::new("codebuild:BatchGetBuilds", "arn:aws:codebuild:eu-west-1:*:project/web");
    let refusal = Refusal { status: 400, code: "AccessDeniedException", message: "", attempts: 1 };
    let denied = classify(Service::CODEBUILD, &need, "the build `web:1`", refusal);
    let log = "arn:aws:logs:eu-west-1:*:log-group:/aws/codebuild/web:log-stream:*";
    let log = classify(Service::LOGS, &Need::new("logs:GetLogEvents", log), "the log", refusal);
    vec![
        section("codebuild::Error::UnreadLogs", [Error::UnreadLogs { source: Box::new(log) }.into()]),
        section("codebuild::Error::UnknownBuilds", [unknown(&["web:1", "web:2"]).into()]),
        section("codebuild::Error::Aws", [Error::from(denied).into()]),
    ]
}
