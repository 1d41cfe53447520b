//! What generators and readers of pipeline files say.

use toolkit::format::{self, Position, Source};
use toolkit::generate::Error;
use toolkit::project;

use super::examples::{Example, Section, section, text};

pub fn sections() -> Vec<Section> {
    let mut sections = generating();
    sections.extend(reading());
    sections
}

fn generating() -> Vec<Section> {
    let unsupported = Error::Unsupported {
        key: "pipeline.container.builder",
        value: text("kaniko"),
        target: "buildspec",
        reason: text("CodeBuild's curated images have no kaniko; use `docker`"),
    };
    let missing = Error::Missing {
        key: "pipeline.container.repository",
        target: "buildspec",
        reason: text(
            "CodeBuild has no registry of its own; for example \"111122223333.dkr.ecr.eu-central-1.amazonaws.com/app\"",
        ),
    };
    let value = Error::Value {
        key: text("pipeline.runner.namespace"),
        value: text("Git Lab"),
        target: "runner",
        reason: text("Kubernetes allows lower-case letters, digits and `-`"),
    };
    let project = project::Error::Content {
        path: "/src/shop/toolkit.toml".into(),
        line: 9,
        reason: text("unknown key `step`; did you mean `steps`?"),
    };
    vec![
        section("generate::Error::Project", [Error::Project(project).into()]),
        section("generate::Error::NotLocked", [Error::NotLocked { tool: text("dotnet") }.into()]),
        section(
            "generate::Error::NotLockedFor",
            [Error::NotLockedFor { tool: text("go"), architecture: "arm64" }.into()],
        ),
        section("generate::Error::Unsupported", [unsupported.into()]),
        section("generate::Error::Missing", [missing.into()]),
        section("generate::Error::Value", [value.into()]),
        section("generate::Error::Ambiguous", [Error::Ambiguous { path: ".gitlab-ci.yml".into() }.into()]),
    ]
}

/// These become findings of `lint`; as errors they are shown the same way.
fn reading() -> Vec<Section> {
    let decode = |bytes: &[u8]| shown(&Source::decode("buildspec.yml", bytes.to_vec()).unwrap_err());
    let huge = format::Unreadable::TooLarge { size: 104_857_600 };
    let binary = format::Unreadable::Binary { byte: 0x80, offset: 4, position: Position { line: 2, column: 3 } };
    vec![
        section("format::Unreadable::TooLarge", [shown(&huge)]),
        section("format::Unreadable::Encoding", [decode(b"\xff\xfea\0")]),
        section("format::Unreadable::Binary", [shown(&binary)]),
        section("format::Error", [shown(&format::yaml::parse("version: [0.2").unwrap_err())]),
    ]
}

fn shown(cause: &dyn std::error::Error) -> Example {
    let stale = toolkit::provision::Error::StaleLock { reasons: vec![cause.to_string()] };
    Example { debug: None, ..Example::from(stale) }
}
