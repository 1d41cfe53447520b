//! What stands in the way of a program that needs a root of its own.

use toolkit::fs::FileError;
use toolkit::sandbox::Error;

use super::examples::{Example, Section, absent, denied, failing, full, section, text};

pub fn sections() -> Vec<Section> {
    let kaniko = || text("kaniko");
    let disk =
        |action, path: &str, source: std::io::Error| Example::from(Error::from(FileError::new(action, path, source)));
    let result = |reason| Example::from(Error::Result { to: "/builds/shop/app.digest".into(), reason });
    vec![
        section("sandbox::Error::NotHere", [Example::from(Error::NotHere { program: kaniko() })]),
        section(
            "sandbox::Error::NoPrivilege",
            [
                Example::from(Error::NoPrivilege { program: kaniko(), lacks: "root privileges" }),
                Example::from(Error::NoPrivilege { program: kaniko(), lacks: "CAP_SYS_CHROOT" }),
            ],
        ),
        section(
            "sandbox::Error::File",
            [
                disk("copy", "/builds/shop/secret.key", failing()),
                disk("create", "/opt/toolkit/staging/k2v9x0/made/root/kaniko/executor", full()),
            ],
        ),
        section(
            "sandbox::Error::Confine",
            [Example::from(Error::Confine { program: text("/kaniko/executor"), source: denied() })],
        ),
        section(
            "sandbox::Error::Start",
            [Example::from(Error::Start { program: text("/kaniko/executor"), source: absent() })],
        ),
        section(
            "sandbox::Error::Result",
            [result("the program did not create it"), result("the program did not create a regular file")],
        ),
    ]
}
