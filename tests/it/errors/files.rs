//! What is said about files that cannot be read or written, whoever tried.

use toolkit::fs::{Cause, FileError};
use toolkit::host::BadHome;

use super::examples::{Example, Section, absent, denied, failing, full, read_only, section};

pub fn sections() -> Vec<Section> {
    let error = |action, path: &str, source: std::io::Error| Example::from(FileError::new(action, path, source));
    let refused = |action, path: &str, source: Cause| Example::from(FileError::new(action, path, source));
    let root = || "/src/shop".into();
    vec![
        section(
            "fs::FileError",
            [
                error("read", "/src/shop/go.mod", absent()),
                error("read", "/src/shop/go.mod", denied()),
                error("write", "/src/shop/toolkit.lock", absent()),
                error("write", "/src/shop/toolkit.lock", denied()),
                error("write", "/src/shop/toolkit.lock", read_only()),
            ],
        ),
        section(
            "fs::Cause::System",
            [error("replace", "/src/shop/toolkit.lock", full()), error("read", "/src/shop", failing())],
        ),
        section(
            "fs::Cause::LeadsOut",
            [
                refused("read", "/src/shop/go.mod", Cause::LeadsOut { root: root() }),
                refused("write", "/src/shop/toolkit.lock", Cause::LeadsOut { root: root() }),
            ],
        ),
        section(
            "fs::Cause::Foreign",
            [refused("read", "/tmp/toolkit.toml", Cause::Foreign { owner: 1001, folder: "/tmp".into() })],
        ),
        section(
            "fs::Cause::NotRegular",
            [
                refused("read", "/src/shop/go.mod", Cause::NotRegular { found: "a named pipe" }),
                refused("replace", "/src/shop/toolkit.lock", Cause::NotRegular { found: "a folder" }),
            ],
        ),
        section("fs::Cause::TooLarge", [refused("read", "/src/shop/toolkit.toml", Cause::TooLarge { limit: 4 << 20 })]),
        section("host::BadHome::Unknown", [Example::from(BadHome::Unknown)]),
        section("host::BadHome::OtherUser", [Example::from(BadHome::OtherUser { value: "~ci/toolkit".to_owned() })]),
        section(
            "host::BadHome::NotUnicode",
            [Example::from(BadHome::NotUnicode { variable: "TOOLKIT_HOME", path: "/opt/caf\u{fffd}".into() })],
        ),
        section("fs::Cause::NotText", [refused("read", "/src/shop/toolkit.toml", Cause::NotText)]),
    ]
}
