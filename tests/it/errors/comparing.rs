//! Why builds are not compared.

use std::io;

use toolkit::aws;
use toolkit::codebuild::compare::{Error, LeftOut, Tally};

use super::examples::{Section, section, text};

pub fn sections() -> Vec<Section> {
    let left_out = [(LeftOut::Running, 1), (LeftOut::Failed, 3), (LeftOut::Surplus, 26)].into_iter().collect();
    let some =
        |more| Tally { project: text("web"), looked: 40, left_out: std::collections::BTreeMap::clone(&left_out), more };
    let none = Tally { project: text("web"), ..Tally::default() };
    let empty = |side: &str, tally: Tally| Error::NothingToCompare { side: text(side), tally }.into();
    let throttled = aws::Error::Throttled { service: "CodeBuild", code: text("ThrottlingException"), attempts: 4 };
    let id = || text("web:11111111-2222-3333-4444-555555555555");
    let file = || "prices.toml".into();
    vec![
        section("codebuild::Error::Unread", [Error::Unread(throttled).into()]),
        section(
            "codebuild::Error::NothingToCompare",
            [empty("arm64", some(false)), empty("arm64", some(true)), empty("web", none)],
        ),
        section("codebuild::Error::NoSuchBuild", [Error::NoSuchBuild { id: id() }.into()]),
        section("codebuild::Error::StillRunning", [Error::StillRunning { id: id() }.into()]),
        section(
            "codebuild::Error::UnreadPrices",
            [Error::UnreadPrices { path: file(), source: io::Error::from(io::ErrorKind::PermissionDenied).into() }
                .into()],
        ),
        section(
            "codebuild::Error::BadPrices",
            [Error::BadPrices { path: file(), reason: text("-1 is not a price for BUILD_GENERAL1_SMALL") }.into()],
        ),
    ]
}
