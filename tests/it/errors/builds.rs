//! What running a buildspec here says.

use toolkit::fs::FileError;
use toolkit::local_build::Error;

use super::examples::{Section, denied, full, section, text};

pub fn sections() -> Vec<Section> {
    let pattern = || {
        let source = Box::new(regex::Regex::new(&text("(time")).unwrap_err());
        Error::Pattern { phase: "build", text: text("RETRY-2-(time"), source }
    };
    let glob = || {
        let source = Box::new(globset::Glob::new("app[").unwrap_err());
        Error::Glob { pattern: text("app["), source }
    };
    let start = Error::Start { program: text("/bin/sh"), source: denied() };
    vec![
        section("local_build::Error::Shell", [Error::Shell { shell: text("powershell.exe") }.into()]),
        section("local_build::Error::NoShell", [Error::NoShell { shell: text("bash") }.into()]),
        section("local_build::Error::System", [Error::System.into()]),
        section("local_build::Error::Steps", [Error::Steps { phase: "build" }.into()]),
        section("local_build::Error::Pattern", [pattern().into()]),
        section("local_build::Error::Glob", [glob().into()]),
        section(
            "local_build::Error::Secrets",
            [Error::Secrets { names: vec![text("TOKEN"), text("PASSWORD")] }.into()],
        ),
        section("local_build::Error::SecretsFile", [Error::SecretsFile { path: ".secrets".into(), line: 3 }.into()]),
        section("local_build::Error::User", [Error::User { user: text("builder") }.into()]),
        section("local_build::Error::Variable", [Error::Variable { name: text("MY-NAME") }.into()]),
        section("local_build::Error::BatchKinds", [Error::BatchKinds { found: 2 }.into()]),
        section(
            "local_build::Error::TooManyBuilds",
            [
                Error::TooManyBuilds { found: 120, limit: 100 }.into(),
                Error::TooManyBuilds { found: usize::MAX, limit: 100 }.into(),
            ],
        ),
        section(
            "local_build::Error::Order",
            [Error::Order { identifier: text("manifest"), waits_for: vec![text("arm46")] }.into()],
        ),
        section("local_build::Error::Twice", [Error::Twice { identifier: text("amd64") }.into()]),
        section(
            "local_build::Error::NoBuild",
            [Error::NoBuild { identifier: text("amd46"), known: vec![text("amd64"), text("arm64")] }.into()],
        ),
        section("local_build::Error::File", [Error::from(FileError::new("copy", "/src/big.bin", full())).into()]),
        section("local_build::Error::Start", [start.into()]),
        section("local_build::Error::Stopped", [Error::Stopped.into()]),
    ]
}
